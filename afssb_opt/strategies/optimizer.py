"""What to try next: the optimiser that turns observations into designs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from afssb_opt.campaign_file import build_design_task
from afssb_opt.domain.desirability import DESIRABILITY, Desirability
from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import OUTCOMES
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies import diagnostics
from afssb_opt.strategies.batch_parts import Lead, n_led_by_prior, propose_in_parts
from afssb_opt.strategies.campaign_models import fit_models
from afssb_opt.strategies.devices import computing_on, read_device
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.explanation import Explanation, explain_batch
from afssb_opt.strategies.level_map import level_map
from afssb_opt.strategies.models import CampaignModel
from afssb_opt.strategies.narrowing import read_candidates, read_fixed
from afssb_opt.strategies.observations import design_keys, empty_observations, read_observations
from afssb_opt.strategies.prior_data import PriorData
from afssb_opt.strategies.proposal import Proposal, Situation
from afssb_opt.strategies.stop_advice import StopAdvice
from afssb_opt.strategies.transfer import PriorColumns

# More designs than this in one go are no batch of cells but a misunderstanding.
MAX_ASK = 64


class Optimizer:
    """Proposes designs from observations.

    It keeps nothing but the observations and the designs asked for: a new optimiser that is told the same
    table with the same seed proposes the same designs.
    """

    def __init__(
        self,
        space: DesignSpace,
        objectives: Sequence[Objective],
        constraints: Sequence[OutcomeConstraint] = (),
        *,
        seed: int = 0,
        log_outcomes: Collection[str] | None = None,
        binary_outcomes: Collection[str] | None = None,
        n_initial: int | None = None,
        prior_data: pd.DataFrame | None = None,
        combine: Literal["desirability"] | None = None,
        device: str = "cpu",
    ) -> None:
        """Set up without observations.

        Args:
            space: Variables, bounds and rules.
            objectives: What is wanted, one or several.
            constraints: Limits on outcomes.
            seed: Makes all random choices repeatable.
            log_outcomes: Positive outcomes whose ratios matter rather than differences, such as a cycle life;
                None takes what the project knows of its standard outcomes.
            binary_outcomes: Outcomes that are only 0 or 1, such as a short circuit; None likewise.
            n_initial: Designs that fill the space before a model is asked; by default as many as it takes.
            prior_data: Cells known before, such as simulated ones, as a table like those that are told: what they
                teach is used as far as the campaign's own cells bear it out. They are no observations.
            combine: `desirability` looks for the one cell that is best by a score of all objectives, each with a
                threshold and an ideal, instead of their trade-off.
            device: Where the models compute, as torch calls it: `cpu`, or an accelerator with double precision such
                as `cuda`. The last digits, and with them now and then a design, differ from device to device.

        Raises:
            StrategyError: There is no objective, one outcome has two of them, they cannot be combined like that, or
                there is no such device here.
            InputError: A threshold or an ideal that the desirability needs is missing; all problems are listed.
            DesignError: The prior data lack a variable or are unreadable; all problems are listed.
        """
        names = [objective.outcome for objective in objectives]
        if not names or len(set(names)) != len(names):
            raise StrategyError(f"objectives on {names}: at least one is needed, each on an outcome of its own")
        if combine not in (None, DESIRABILITY):
            raise StrategyError(f"objectives cannot be combined to {combine!r}; allowed are '{DESIRABILITY}' and None")
        known = {*names, *(constraint.outcome for constraint in constraints)}
        if log_outcomes is None:
            log_outcomes = [name for name in known if name in OUTCOMES and OUTCOMES[name].is_log_scaled]
        if binary_outcomes is None:
            binary_outcomes = [name for name in known if name in OUTCOMES and OUTCOMES[name].is_binary]
        unknown = sorted({*log_outcomes, *binary_outcomes} - known)
        if unknown:
            raise StrategyError(f"log or binary outcomes {unknown} are neither objectives nor constraints; "
                                f"known are {sorted(known)}")  # fmt: skip
        self.space = space
        self.objectives = tuple(objectives)
        self.constraints = tuple(constraints)
        self.outcomes = tuple(dict.fromkeys([*names, *(constraint.outcome for constraint in constraints)]))
        self.seed = seed
        self.log_outcomes = frozenset(log_outcomes)
        self.binary_outcomes = frozenset(binary_outcomes)
        self.n_initial = n_initial
        self.desirability = None if combine is None else Desirability(tuple(objectives))
        self.device = read_device(device)
        self._prior = None if prior_data is None else PriorData.read(space, self.outcomes, prior_data)
        self._observations = empty_observations(space, self.outcomes)
        self._asked = self._observations.loc[:, list(space.names)]
        self._model: CampaignModel | None = None
        self._source: CampaignModel | None = None

    @classmethod
    def from_dict(cls, definition: Mapping[str, Any]) -> Self:
        """Return an optimiser for `{space, objectives, combine, constraints, design_constraints, seed}`.

        The words are those of a campaign file.

        Raises:
            CampaignFileError: With every problem found.
        """
        task = build_design_task(definition)
        combine: Literal["desirability"] | None = None if task.desirability is None else "desirability"
        return cls(task.space, task.objectives, task.constraints, seed=task.seed, combine=combine)

    @property
    def observations(self) -> pd.DataFrame:
        """All rows told so far except pending ones, in the order told."""
        return self._observations.copy()

    @property
    def pending(self) -> pd.DataFrame:
        """Designs asked for, or told as pending, that have no observation yet."""
        return self._asked.copy()

    def tell(self, df: pd.DataFrame) -> None:
        """Add observations; they are appended to those told before.

        A level or a value outside the bounds teaches the model but is never proposed.

        Args:
            df: One column per variable and per outcome (empty where not measured), optionally
                `<outcome>_sem`, `<outcome>_censored` (the truth is at least this) and `status`
                (`completed`, `failed`, `pending`). Other columns are not looked at.

        Raises:
            DesignError: Columns are missing or unreadable; all problems are listed and nothing is added.
        """
        table = read_observations(self.space, self.outcomes, df)
        is_pending = (table["status"] == "pending").to_numpy()
        told = table.loc[~is_pending]
        if len(told):
            parts = [self._observations, told] if len(self._observations) else [told]
            self._observations = pd.concat(parts, ignore_index=True)
        self._add_pending(table.loc[is_pending, list(self.space.names)])
        self._model = None

    def _add_pending(self, designs: pd.DataFrame) -> None:
        both = pd.concat([self._asked, designs], ignore_index=True) if len(self._asked) else designs
        both = both.reset_index(drop=True)
        seen = set(design_keys(self.space, self._observations))
        keep = []
        for row, key in enumerate(design_keys(self.space, both)):
            if key not in seen:
                keep.append(row)
            seen.add(key)
        self._asked = both.iloc[keep].reset_index(drop=True)

    def ask(
        self, n: int, *, fixed: Mapping[str, object] | None = None, candidates: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Propose designs; they count as under test until observations of them are told.

        Args:
            n: How many, 1 to 64.
            fixed: Variables to hold at one value, such as `{"seed_alloy": "Ag"}`.
            candidates: A list of designs to choose from, best first; their values are not rounded.

        Returns:
            Exactly `n` different feasible designs, none of them observed or pending. `attrs` holds
            `reasons` (a line per design), `method`, `notes` (what was done about odd data), `gains` (expected gain
            per design, total and exploiting part, None for one that fills the space), `advice` (as from
            `stop_advice`), `rows` (places in `candidates`) and `reference_point` (of several objectives, by outcome in
            its unit: the thresholds, or what the data say where none is given).

        Raises:
            StrategyError: There are not `n` such designs.
            DesignError: A fixed value or a candidate is not of this space; all problems are listed.
        """
        if not 1 <= n <= MAX_ASK:
            raise StrategyError(f"asked for {n} designs at once; allowed are 1 to {MAX_ASK}")
        held = read_fixed(self.space, fixed or {})
        offered = None if candidates is None else read_candidates(self.space, candidates)
        with computing_on(self.device):
            proposal = self._proposed(self._asked, n, None, fixed=held, offered=offered)
        self._add_pending(proposal.designs)
        designs = proposal.designs.reset_index(drop=True)
        designs.attrs.update(reasons=proposal.reasons, method=proposal.method, notes=proposal.notes,
                             gains=[gain and asdict(gain) for gain in proposal.gains],
                             advice=proposal.advice.to_dict(), rows=proposal.rows,
                             reference_point=dict(proposal.reference))  # fmt: skip
        return designs

    def explain(self, designs: pd.DataFrame) -> list[Explanation]:
        """Say why designs are worth a cell in the present state of knowledge.

        Args:
            designs: One batch in its order: each is judged as if those before it were already chosen. Designs
                that `ask` has just returned are judged exactly as they were then.

        Raises:
            DesignError: A variable is missing or unreadable.
            StrategyError: A level is neither in the space nor in the data.
        """
        given = self._readable(designs).loc[:, list(self.space.names)]
        chosen = set(design_keys(self.space, given))
        others = [row for row, key in enumerate(design_keys(self.space, self._asked)) if key not in chosen]
        pending = self._asked.iloc[others].reset_index(drop=True)
        with computing_on(self.device):
            return explain_batch(self._situation(pending), self._proposed(pending, len(given), given))

    def stop_advice(self, n: int) -> StopAdvice:
        """Say whether another batch of `n` designs is worth its cells; nothing is asked for.

        Raises:
            StrategyError: There are not `n` further designs.
        """
        with computing_on(self.device):
            return self._proposed(self._asked, n, None).advice

    def _proposed(self, pending: pd.DataFrame, n: int, given: pd.DataFrame | None, **narrowing: Any) -> Proposal:
        """Propose `n` designs, or say what would be said of those given."""
        situation, lead = replace(self._situation(pending), **narrowing), None
        n_led = n_led_by_prior(n, len(self._observations) + len(pending))
        if self._prior is not None and n_led:
            own = [t for t in (self._observations.loc[:, list(self.space.names)], pending) if len(t)]
            known = pd.concat(own, ignore_index=True) if own else pending
            led = replace(
                situation,
                observations=self._prior.table,
                pending=known,
                n_initial=1,
                fit=self._prior_model,
            )
            lead = Lead(n_led, led)
        return propose_in_parts(situation, lead, n, given, self._seeds)

    def _seeds(self, n_pending: int) -> np.random.SeedSequence:
        """Return the source of all random choices at this point of the campaign."""
        return np.random.SeedSequence([self.seed % 2**63, len(self._observations), n_pending])

    def _situation(self, pending: pd.DataFrame) -> Situation:
        seen_before = None if self._prior is None else self._prior.table.loc[:, list(self.space.names)]
        return Situation(
            self.space,
            self.objectives,
            self.constraints,
            self._observations,
            pending,
            self.n_initial,
            self._seeds(len(pending)),
            self.model,
            seen_before=seen_before,
            desirability=self.desirability,
        )

    def model(self) -> CampaignModel:
        """Return the models fitted to all observations.

        Raises:
            StrategyError: No outcome has a value yet.
        """
        if self._model is None:
            with computing_on(self.device):
                encoding = self._plain_encoding()
                if self._prior is not None:
                    prior_features = encoding.encode(self._prior.table)
                    encoding = PriorColumns.from_model(self._prior_model(), prior_features).extended()
                self._model = self._fit(encoding, self._observations)
        return self._model

    def _fit(self, encoding: Encoding, observations: pd.DataFrame) -> CampaignModel:
        models = fit_models(
            encoding,
            observations,
            self.objectives,
            self.constraints,
            log_outcomes=self.log_outcomes,
            binary_outcomes=self.binary_outcomes,
            seed=np.random.SeedSequence(self.seed % 2**63),
        )
        return models.wanting(self.desirability)

    def _plain_encoding(self) -> Encoding:
        """Return the features of a design without prior data, for all levels of the space and of any table."""
        tables = [self._observations, self._asked, *([self._prior.table] if self._prior else [])]
        seen = [table for table in tables if len(table)]
        return Encoding.for_data(self.space, pd.concat(seen) if seen else self._observations)

    def _prior_model(self) -> CampaignModel:
        """Return the models of the prior data alone; fitted anew where a level is new."""
        encoding = self._plain_encoding()
        if self._prior is None:
            raise StrategyError("there are no prior data")
        if self._source is None or self._source.encoding.levels != encoding.levels:
            self._source = self._fit(encoding, self._prior.table)
        return self._source

    def predict(self, designs: pd.DataFrame) -> pd.DataFrame:
        """Predict outcomes of designs.

        Returns:
            Columns `<outcome>` and `<outcome>_sd` per outcome: mean and standard deviation of the noise-free
            outcome in its unit; for a pass/fail outcome the probability of a 1. Where cells failed without any
            outcome, `completed` is the probability of an outcome.

        Raises:
            StrategyError: Nothing has been observed yet.
            DesignError: A variable is missing or unreadable.
        """
        with computing_on(self.device):
            return diagnostics.predict(self._fitted(), self._readable(designs))

    def effects(self) -> pd.DataFrame:
        """Return what each variable does to each outcome, the others held at the best cell.

        Columns `outcome`, `variable`, `value` (a number, or a level as text), `mean`, `sd`: 25 values per
        numeric variable and one row per level.
        """
        with computing_on(self.device):
            return diagnostics.effects(self._fitted(), self.space, self._incumbent())

    def leave_one_out(self) -> pd.DataFrame:
        """Return each observation beside its prediction from all others.

        Columns `outcome`, `row` (as told, pending rows not counted), `observed`, `mean`, `sd`.
        """
        with computing_on(self.device):
            return diagnostics.leave_one_out(self._fitted(), self._observations)

    def importance(self) -> pd.DataFrame:
        """Return the share of each outcome's predicted variance that each variable explains (Sobol indices).

        Columns `outcome`, `variable`, `importance` (alone, 0 to 1) and `total` (with all it does together with others).
        """
        with computing_on(self.device):
            return diagnostics.importance(self._fitted(), self.space, self.seed)

    def level_map(self, variable: str) -> pd.DataFrame:
        """Return what the model has learned about the levels of a categorical variable, such as seed alloys.

        Columns: `level`; `x` and `y`, a map on which levels that are predicted to behave alike over all recipes lie
        together, in standard deviations of the outcomes; `n_cells`, observed so far; `chance`, with which the
        likeliest recipe keeps all limits; and per objective the best value predicted for recipes of this level that
        are likely allowed, `best_<outcome>` and `best_<outcome>_sd`. `attrs["share"]` says how much of the differences
        between levels the map can show, 0 to 1.

        Raises:
            StrategyError: Nothing has been observed yet, or there is no such categorical variable.
        """
        names = [categorical.name for categorical in self.space.categorical]
        if variable not in names:
            known = f"known are {', '.join(names)}" if names else "the space has none"
            raise StrategyError(f"'{variable}' is no categorical variable; {known}")
        with computing_on(self.device):
            return level_map(
                self._fitted(), self.space, self.objectives, self.constraints, self._observations, variable
            )

    def _fitted(self) -> CampaignModel:
        model = self.model() if len(self._observations) else None
        if model is None or not (model.outcomes or model.feasibility):
            raise StrategyError("no model yet: no outcome has a value. Tell at least one completed cell first")
        return model

    def _readable(self, designs: pd.DataFrame) -> pd.DataFrame:
        table = read_observations(self.space, (), designs.drop(columns="status", errors="ignore"))
        levels_known = self._plain_encoding().levels
        unknown = {name: sorted(set(table[name]) - set(levels)) for name, levels in levels_known.items()}
        if any(unknown.values()):
            listed = "; ".join(f"{name}: {', '.join(levels)}" for name, levels in unknown.items() if levels)
            raise StrategyError(f"cannot judge levels that are neither in the space nor in the data: {listed}")
        return table

    def _incumbent(self) -> dict[str, object]:
        return diagnostics.incumbent(
            self.space, self.objectives, self.constraints, self._observations, self.desirability
        )
