"""What to try next: the optimiser that turns observations into designs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from afssb_opt.campaign_file import build_design_task
from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import OUTCOMES
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies import diagnostics
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import CampaignModel, fit_models
from afssb_opt.strategies.observations import design_keys, empty_observations, read_observations
from afssb_opt.strategies.proposal import Situation, propose

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

        Raises:
            StrategyError: There is no objective, or one outcome has two of them.
        """
        names = [objective.outcome for objective in objectives]
        if not names or len(set(names)) != len(names):
            raise StrategyError(f"objectives on {names}: at least one is needed, each on an outcome of its own")
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
        self._observations = empty_observations(space, self.outcomes)
        self._asked = self._observations.loc[:, list(space.names)]
        self._model: CampaignModel | None = None

    @classmethod
    def from_dict(cls, definition: Mapping[str, Any]) -> Self:
        """Return an optimiser for `{space, objectives, constraints, design_constraints, seed}`, as in a campaign file.

        Raises:
            CampaignFileError: With every problem found.
        """
        task = build_design_task(definition)
        return cls(task.space, task.objectives, task.constraints, seed=task.seed)

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

    def ask(self, n: int) -> pd.DataFrame:
        """Propose designs; they count as under test until observations of them are told.

        Args:
            n: How many, 1 to 64.

        Returns:
            Exactly `n` different feasible designs, none of them observed or pending. `attrs` holds
            `reasons` (a line per design), `method` and `notes` (what was done about odd data).

        Raises:
            StrategyError: There are not `n` such designs.
        """
        if not 1 <= n <= MAX_ASK:
            raise StrategyError(f"asked for {n} designs at once; allowed are 1 to {MAX_ASK}")
        situation = Situation(self.space, self.objectives, self.constraints, self._observations, self._asked,
                              self.n_initial, self.seed_sequence(), self.model)  # fmt: skip
        with single_thread():
            proposal = propose(situation, n)
        self._add_pending(proposal.designs)
        designs = proposal.designs.reset_index(drop=True)
        designs.attrs.update(reasons=proposal.reasons, method=proposal.method, notes=proposal.notes)
        return designs

    def seed_sequence(self) -> np.random.SeedSequence:
        """Return the source of all random choices at this point of the campaign."""
        return np.random.SeedSequence([self.seed % 2**63, len(self._observations), len(self._asked)])

    def model(self) -> CampaignModel:
        """Return the models fitted to all observations.

        Raises:
            StrategyError: No outcome has a value yet.
        """
        if self._model is None:
            with single_thread():
                everything = pd.concat([self._observations, self._asked]) if len(self._asked) else self._observations
                self._model = fit_models(
                    Encoding.for_data(self.space, everything),
                    self._observations,
                    self.objectives,
                    self.constraints,
                    log_outcomes=self.log_outcomes,
                    binary_outcomes=self.binary_outcomes,
                    seed=np.random.SeedSequence([self.seed % 2**63, len(self._observations)]),
                )
        return self._model

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
        return diagnostics.predict(self._fitted(), self._readable(designs))

    def effects(self) -> pd.DataFrame:
        """Return what each variable does to each outcome, the others held at the best cell.

        Columns `outcome`, `variable`, `value` (a number, or a level as text), `mean`, `sd`: 25 values per
        numeric variable and one row per level.
        """
        return diagnostics.effects(self._fitted(), self.space, self._incumbent())

    def leave_one_out(self) -> pd.DataFrame:
        """Return each observation beside its prediction from all others.

        Columns `outcome`, `row` (as told, pending rows not counted), `observed`, `mean`, `sd`.
        """
        return diagnostics.leave_one_out(self._fitted(), self._observations)

    def importance(self) -> pd.DataFrame:
        """Return the share of each outcome's predicted variance that each variable explains alone.

        Columns `outcome`, `variable`, `importance` (0 to 1).
        """
        return diagnostics.importance(self._fitted(), self.space, self.seed)

    def _fitted(self) -> CampaignModel:
        model = self.model() if len(self._observations) else None
        if model is None or not (model.outcomes or model.feasibility):
            raise StrategyError("no model yet: no outcome has a value. Tell at least one completed cell first")
        return model

    def _readable(self, designs: pd.DataFrame) -> pd.DataFrame:
        table = read_observations(self.space, (), designs.drop(columns="status", errors="ignore"))
        encoding = self._fitted().encoding
        unknown = {name: sorted(set(table[name]) - set(levels)) for name, levels in encoding.levels.items()}
        if any(unknown.values()):
            listed = "; ".join(f"{name}: {', '.join(levels)}" for name, levels in unknown.items() if levels)
            raise StrategyError(f"cannot predict levels that are neither in the space nor in the data: {listed}")
        return table

    def _incumbent(self) -> dict[str, object]:
        return diagnostics.incumbent(self.space, self.objectives, self.constraints, self._observations)


@contextmanager
def single_thread() -> Iterator[None]:
    """Run torch on one thread: for matrices of this size more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
