"""How the next batch is put together: space-filling first, then one best design after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.desirability import Desirability
from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.diagnostics import reason
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.gain import Gain
from afssb_opt.strategies.initial import REACH, space_filling
from afssb_opt.strategies.models import CampaignModel
from afssb_opt.strategies.narrowing import ListedSpace
from afssb_opt.strategies.observations import design_keys
from afssb_opt.strategies.prospects import Prospects, build_prospects
from afssb_opt.strategies.recipe_outcomes import known_to_break
from afssb_opt.strategies.search import maximise
from afssb_opt.strategies.stop_advice import StopAdvice, batch_advice

# Every so many cells the choice is among neglected levels only: a level first met under bad conditions would
# otherwise wait long for a fair trial, and a whole batch would refine one good level.
SCOUT_EVERY: Final = 4
# A neglected level gets its cell only if that is expected to gain this share of what the best cell anywhere is.
MIN_SCOUT_GAIN: Final = 0.3
# Every so many cells the choice is among ends of ranges in which no cell has been, as long as there are any: a start in
# the middle may lie beyond a cliff as a whole, and cells that are all alike say nothing of others.
END_EVERY: Final = 4
END_PLACE: Final = 2
# Share of a range that is an end of it, as the start leaves them out, and how near to the bound its first cell lies:
# the search would else go to the inner edge of the end, where it knows most.
END: Final = (1.0 - REACH) / 2.0
NEAR_BOUND: Final = END / 2.0
# Where the data leave open whether cells fell off a cliff, one cell of so many is chosen as if they had: a smooth
# surrogate stays away from the edge, so the data would never say. It is not the cell of the neglected levels.
CLIFF_EVERY: Final = 4
CLIFF_PLACE: Final = 2
# Before there are so many times the cells of the start, two readings are one too many: they cost .07 at 20 cells of
# problems without a cliff.
CLIFF_FROM_STARTS: Final = 2
# The first batch of a usual campaign is spread before a model is asked; a model of fewer cells is mostly prior.
MIN_INITIAL: Final = 4
# With 50 levels or 20 variables a start that visits everything would use up a campaign of 40 cells.
MAX_INITIAL: Final = 16
# Attempts to find a design that is new after rounding, each over a fresh sample.
MAX_ATTEMPTS: Final = 4
# The best points of the search among which BoTorch decides; the six that were followed and their neighbours.
N_FINALISTS: Final = 24


@dataclass(frozen=True)
class Situation:
    """Everything the next batch depends on.

    Attributes:
        observations: Checked table without pending rows.
        pending: Designs under test.
        n_initial: Cells that fill the space before a model is asked; None for the default.
        seeds: Source of all random choices.
        fit: Returns the models of the observations; called only when they are needed.
        fixed: Variables that the user holds at one value.
        offered: The user's own list of designs; None leaves the whole space open.
        seen_before: Designs of prior data, whose levels the features know too.
        desirability: What the objectives are worth together, where one best cell is wanted.
    """

    space: DesignSpace
    objectives: Sequence[Objective]
    constraints: Sequence[OutcomeConstraint]
    observations: pd.DataFrame
    pending: pd.DataFrame
    n_initial: int | None
    seeds: np.random.SeedSequence
    fit: Callable[[], CampaignModel]
    fixed: Mapping[str, object] = field(default_factory=dict)
    offered: pd.DataFrame | None = None
    seen_before: pd.DataFrame | None = None
    desirability: Desirability | None = None


@dataclass(frozen=True)
class Proposal:
    """Designs with the reasons for them; one that only fills the space has no gain.

    Attributes:
        advice: Whether the batch is worth its cells.
        models: The reading of the cells that each rests on; None for one that fills the space.
        rows: Where each stands in the user's list, if there was one.
        reference: Reference point of several objectives in each outcome's unit.
    """

    designs: pd.DataFrame
    reasons: list[str]
    method: str
    notes: list[str]
    gains: list[Gain | None]
    models: list[CampaignModel | None]
    advice: StopAdvice
    rows: list[int]
    reference: Mapping[str, float] = field(default_factory=dict)


def default_n_initial(space: DesignSpace) -> int:
    """Return how many cells fill the space by default.

    Where descriptors tell all levels apart, one per direction; else each level once and twice the directions.
    """
    if space.categorical and all(variable.descriptor_names for variable in space.categorical):
        directions = len(space.numeric) + sum(len(variable.descriptor_names) for variable in space.categorical)
        return min(max(directions, MIN_INITIAL), MAX_INITIAL)
    directions = len(space.numeric) + len(space.categorical)
    most_levels = max((len(variable.levels) for variable in space.categorical), default=0)
    return min(max(2 * (directions + 1), most_levels), MAX_INITIAL)


def propose(situation: Situation, n: int) -> Proposal:
    """Return the next `n` designs.

    Raises:
        StrategyError: There are not `n` designs that are feasible and new.
    """
    batch = _Batch(situation, n)
    for seed in situation.seeds.spawn(n):
        batch.add_one(seed)
    return batch.proposal()


def retrace(situation: Situation, designs: pd.DataFrame) -> Proposal:
    """Return what would be said of given designs if `propose` had chosen just these, in their order."""
    batch = _Batch(situation, len(designs))
    for row, seed in enumerate(situation.seeds.spawn(len(designs))):
        batch.add_one(seed, designs.iloc[[row]].reset_index(drop=True))
    return batch.proposal()


@dataclass(frozen=True)
class _Reading:
    """One reading of the cells, and what it means for the next choice."""

    model: CampaignModel
    prospects: Prospects

    def with_cell(self, features: torch.Tensor) -> _Reading:
        """Return the reading with one more cell under test, `(1, n_columns)`."""
        with torch.no_grad():
            self.prospects.acquisition.add(features)
        return replace(self, prospects=replace(self.prospects, decision=self.prospects.decision.with_cell(features)))


class _Batch:
    """One batch in the making."""

    def __init__(self, situation: Situation, n: int) -> None:
        self.situation, self.n = situation, n
        self.shared: dict[str, object] = dict(situation.fixed)
        self.space = self._narrowed()
        known = [table for table in (situation.observations[list(situation.space.names)], situation.pending)
                 if len(table)]  # fmt: skip
        everything = pd.concat(known, ignore_index=True) if known else situation.pending
        self.keys = set(design_keys(situation.space, everything))
        seen = [everything] if situation.seen_before is None else [everything, situation.seen_before]
        self.encoding = Encoding.for_data(situation.space, pd.concat(seen, ignore_index=True))
        self.taken = Candidates(situation.space.to_unit(everything), self.encoding.level_codes(everything))
        self.n_initial = situation.n_initial or default_n_initial(situation.space)
        self.chosen: list[pd.DataFrame] = []
        self.reasons: list[str] = []
        self.methods: list[str] = []
        self.gains: list[Gain | None] = []
        self.models: list[CampaignModel | None] = []
        self.notes: list[str] = []
        # The likelier reading first; none while the space is being filled.
        self.readings: list[_Reading] = []

    def proposal(self) -> Proposal:
        """Return what was chosen so far."""
        designs = pd.concat(self.chosen)
        rows = [] if self.situation.offered is None else [int(row) for row in designs.index]
        methods = " + ".join(dict.fromkeys(self.methods))
        main = self.readings[0].prospects if self.readings else None
        return Proposal(
            designs.reset_index(drop=True),
            self.reasons,
            methods,
            self.notes,
            self.gains,
            self.models,
            batch_advice(self.gains, main.scatter if main else None),
            rows,
            main.reference if main else {},
        )

    def _narrowed(self, open_levels: list[np.ndarray] | None = None) -> MixedSpace:
        """Return what is left of the space once fixed and shared variables are held."""
        if self.situation.offered is not None:
            return ListedSpace(self.situation.space, self.situation.offered, self.shared)
        return MixedSpace(self.situation.space, self.shared, open_levels)

    def add_one(self, seed: np.random.SeedSequence, given: pd.DataFrame | None = None) -> None:
        """Choose the next design; where one is given, take it instead of searching."""
        search_seed, spare_seed = seed.spawn(2)
        design, gain, model = None, None, None
        if len(self.taken) >= self.n_initial and self._has_model():
            design = self._best_design(search_seed, given)
        if design is not None:
            reading = self._reading()
            model, method = reading.model, reading.prospects.method
            new = Candidates(self.situation.space.to_unit(design), self.encoding.level_codes(design))
            gain = Gain.of(reading.prospects.acquisition, self._features(new))
            text = reason(model, design, self.situation.objectives, self.situation.constraints, gain)
            if ends := self._ends_of(new):
                text = f"first cell at the {' and the '.join(ends)}: {text}"
            if reading is not self.readings[0]:
                gain = gain.times(reading.prospects.unit / self.readings[0].prospects.unit)
                text = f"as if there were a cliff: {text}"
        else:
            design = given
            if design is None:
                offered = space_filling(self.space, self.encoding, self.taken, spare_seed, self._is_hopeless)
                design = self._new_design(offered)
            method = "space-filling, nothing better is new" if self.readings else "space-filling start"
            text = f"{method}: {self._levels_of(design)}"
        if design is None:
            raise StrategyError(
                f"no further design exists: {len(self.chosen)} of {self.n} found, {len(self.keys)} are observed, "
                f"pending or chosen. {self._remedy()} or ask for fewer"
            )
        self.gains.append(gain)
        self.models.append(model)
        self._take(design, text, method)

    def _remedy(self) -> str:
        if self.situation.offered is not None:
            return f"Add designs to the list of {len(self.situation.offered)}"
        return "Fix fewer variables" if self.situation.fixed else "Widen a bound, add a level, relax a rule"

    def _features(self, candidates: Candidates) -> torch.Tensor:
        return torch.as_tensor(self.encoding.features(candidates.unit, candidates.codes))

    def _has_model(self) -> bool:
        if not len(self.situation.observations):
            return False
        model = self.situation.fit()
        self.notes = list(model.notes)
        return bool(model.outcomes or model.feasibility)

    def _best_design(self, seed: np.random.SeedSequence, given: pd.DataFrame | None) -> pd.DataFrame | None:
        build_seed, decision_seed, *attempts = seed.spawn(2 + MAX_ATTEMPTS)
        if not self.readings:
            model = self.situation.fit()
            self.encoding = model.encoding
            found = [model] if model.rival is None else [model, model.rival]
            self.readings = [_Reading(one, self._build(one, build_seed)) for one in found]
        if given is not None:
            return given
        for attempt in attempts:
            ranked = self._searched(attempt)
            design = self._new_design(self._decided(ranked, int(decision_seed.generate_state(1)[0])))
            if design is not None:
                return design
        return None

    def _reading(self) -> _Reading:
        """Return the reading that the next design rests on."""
        n = len(self.taken)
        is_turn = n % CLIFF_EVERY == CLIFF_PLACE and n >= CLIFF_FROM_STARTS * self.n_initial
        return self.readings[-1 if is_turn else 0]

    def _searched(self, seed: np.random.SeedSequence) -> Candidates:
        """Return promising designs, best first: in turn at untried ends, or of neglected levels if they are near."""
        acquisition, anchors = self._reading().prospects.acquisition, self._anchors()
        ends = self._untried_ends()
        if ends.any():

            def at_ends(features: torch.Tensor) -> torch.Tensor:
                is_there = _within(NEAR_BOUND, ends, features[:, : ends.shape[1]].numpy(force=True)).any(axis=(1, 2))
                return torch.where(torch.as_tensor(is_there), acquisition(features), -1.0)

            found, gains = maximise(at_ends, self._narrowed(), self.encoding, anchors, seed)
            if (gains >= 0.0).any():
                return found.take(np.flatnonzero(gains >= 0.0))
        found, gains = maximise(acquisition, self._narrowed(), self.encoding, anchors, seed)
        neglected = self._neglected_levels()
        if neglected is None or self.situation.offered is not None:
            return found
        scouted, their_gains = maximise(acquisition, self._narrowed(neglected), self.encoding, anchors, seed)
        if len(scouted) and their_gains[0] >= MIN_SCOUT_GAIN * gains[0]:
            return scouted
        return found

    def _decided(self, found: Candidates, seed: int) -> Candidates:
        """Return the designs found with the best ones in the order that BoTorch gives them."""
        decision = self._reading().prospects.decision
        if not decision.is_possible or not len(found):
            return found
        finalists = found.take(np.arange(min(N_FINALISTS, len(found))))
        features = self._features(finalists)
        try:
            order = decision.order(features, seed)
        except StrategyError as error:
            self.notes.append(f"{error}; the order of the search stands")
            return found
        return Candidates.stack([finalists.take(order), found.take(np.arange(len(finalists), len(found)))])

    def _untried_ends(self) -> np.ndarray:
        """Return, at every fourth cell, in which end of which range no cell has been: `(2, d)` booleans, low and high.

        None once cells lie on both sides of a cliff, or of a pass/fail limit.
        """
        n, unit = len(self.taken), self.taken.unit
        is_known = any(len(np.unique(judge.labels)) > 1 for judge in self.readings[0].model.feasibility)
        if n % END_EVERY != END_PLACE or is_known or self.situation.offered is not None:
            return np.zeros((2, unit.shape[1]), dtype=bool)
        everywhere = np.ones((2, unit.shape[1]), dtype=bool)
        return np.asarray(~_within(END, everywhere, unit).any(axis=0))

    def _ends_of(self, new: Candidates) -> list[str]:
        """Return the untried ends that a design is at, in words; none where it is not their turn."""
        is_there = _within(END, self._untried_ends(), new.unit)[0]
        names = [variable.name for variable in self.situation.space.numeric]
        return [f"{('low', 'high')[end]} end of {names[column]}" for end, column in np.argwhere(is_there)]

    def _neglected_levels(self) -> list[np.ndarray] | None:
        """Return, at every fourth cell, the levels with the fewest cells that have not failed.

        A level whose cells all fell off a cliff has not shown what it can do.
        """
        if len(self.taken) % SCOUT_EVERY or not self.space.n_levels:
            return None
        has_failed = np.zeros(len(self.taken), dtype=bool)
        for judge in self.readings[0].model.feasibility:
            has_failed[judge.rows[judge.labels == 0.0]] = True
        neglected = []
        for column, n_levels in enumerate(self.space.n_levels):
            counts = np.bincount(self.taken.codes[~has_failed, column], minlength=n_levels)[:n_levels]
            neglected.append(counts == counts.min())
        return neglected

    def _build(self, model: CampaignModel, seed: np.random.SeedSequence) -> Prospects:
        features = self._features(self.taken)
        failed = (self.situation.observations["status"] == "failed").to_numpy()
        with torch.no_grad():
            return build_prospects(model, self.situation.objectives, self.situation.constraints, features, failed,
                                   n_ask=self.n, seed=int(seed.generate_state(1)[0]))  # fmt: skip

    def _anchors(self) -> Candidates:
        """Return the best cells so far whose levels are in the space."""
        best = self.taken.take(self._reading().prospects.anchor_rows)
        return best.take(np.flatnonzero((best.codes < np.array(self.space.n_levels, dtype=int)).all(axis=1)))

    def _is_hopeless(self, candidates: Candidates) -> np.ndarray:
        """Return `(n,)` booleans: the recipe alone says that a design breaks a limit."""
        situation = self.situation
        return known_to_break(self.space.as_values(candidates), situation.constraints, situation.observations)

    def _new_design(self, ranked: Candidates) -> pd.DataFrame | None:
        """Return the first design that is new and feasible once rounded."""
        for row in range(len(ranked)):
            design = self.space.rounded(ranked.take(np.array([row])))
            is_new = design_keys(self.situation.space, design)[0] not in self.keys
            if is_new and not self.situation.space.problems(design):
                return design
        return None

    def _take(self, design: pd.DataFrame, text: str, method: str) -> None:
        self.chosen.append(design)
        self.reasons.append(text)
        self.methods.append(method)
        space = self.situation.space
        self.keys |= set(design_keys(space, design))
        new = Candidates(space.to_unit(design), self.encoding.level_codes(design))
        self.taken = Candidates.stack([self.taken, new])
        if self.readings:
            features = self._features(new)
            self.readings = [reading.with_cell(features) for reading in self.readings]
        if space.shared_names and len(self.chosen) == 1:
            self.shared |= {name: design[name].iloc[0] for name in space.shared_names}
            self.space = self._narrowed()

    def _levels_of(self, design: pd.DataFrame | None) -> str:
        if design is None:
            return ""
        names = [variable.name for variable in self.situation.space.categorical]
        return ", ".join(f"{name} {design[name].iloc[0]}" for name in names) or "even coverage of the bounds"


def _within(share: float, ends: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return `(n, 2, d)` booleans: the design is within that share of that bound, if it is one of those asked for."""
    return ends & np.stack([unit < share, unit > 1.0 - share], axis=1)
