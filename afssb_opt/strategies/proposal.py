"""How the next batch is put together: space-filling first, then one best design after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import is_non_dominated
from afssb_opt.strategies.acquisition import Acquisition, Limit, ObjectiveTerm
from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.diagnostics import reason
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.hypervolume import nadir
from afssb_opt.strategies.initial import space_filling
from afssb_opt.strategies.models import CampaignModel
from afssb_opt.strategies.observations import design_keys
from afssb_opt.strategies.search import maximise

if TYPE_CHECKING:
    from afssb_opt.strategies.optimizer import Optimizer

# Cells that new ones compete with; the acquisition costs a cube of their number.
MAX_BASE: Final = 60
# Below this the acquisition cannot tell designs apart and the reference point is relaxed.
NOTHING_TO_GAIN: Final = 1e-12
# Attempts to find a design that is new after rounding, each over a fresh sample.
MAX_ATTEMPTS: Final = 4


@dataclass(frozen=True)
class Proposal:
    """Designs with the reasons for them."""

    designs: pd.DataFrame
    reasons: list[str]
    method: str
    notes: list[str]


def n_initial(space: MixedSpace) -> int:
    """Return how many cells fill the space before a model is asked."""
    d = space.n_unit + len(space.n_levels)
    return max(2 * (d + 1), max(space.n_levels, default=0))


def propose(optimizer: Optimizer, n: int) -> Proposal:
    """Return the next `n` designs of an optimiser."""
    batch = _Batch(optimizer)
    for _ in range(n):
        batch.add_one(n)
    designs = pd.concat(batch.chosen, ignore_index=True)
    return Proposal(designs, batch.reasons, " + ".join(dict.fromkeys(batch.methods)), list(batch.notes))


class _Batch:
    """One batch in the making."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.space = MixedSpace(optimizer.space)
        self.observations, self.pending = optimizer.observations, optimizer.pending
        self.seeds = iter(optimizer.seed_sequence().spawn(65))
        self.keys = set(design_keys(optimizer.space, self.observations))
        self.keys |= set(design_keys(optimizer.space, self.pending))
        everything = pd.concat([self.observations, self.pending]) if len(self.pending) else self.observations
        self.encoding = Encoding.for_data(optimizer.space, everything)
        self.taken = Candidates(optimizer.space.to_unit(everything), self.encoding.level_codes(everything))
        self.chosen: list[pd.DataFrame] = []
        self.reasons: list[str] = []
        self.methods: list[str] = []
        self.notes: dict[str, None] = {}
        self.acquisition: Acquisition | None = None
        self.model: CampaignModel | None = None

    def add_one(self, n: int) -> None:
        """Choose the next design of a batch of `n`."""
        seed = next(self.seeds)
        is_start = len(self.taken) < (self.optimizer.n_initial or n_initial(self.space))
        if is_start:
            picked, text = self._new_design(space_filling(self.space, self.encoding, self.taken, seed)), ""
            method = "space-filling start"
            text = f"space-filling start: {self._levels_of(picked)}"
        else:
            if self.acquisition is None:
                self.acquisition = self._build(n, seed)
            anchors = self._anchors()
            picked = None
            for attempt in seed.spawn(MAX_ATTEMPTS):
                found, scores = maximise(self.acquisition, self.space, self.encoding, anchors, attempt)
                picked = self._new_design(found)
                if picked is not None:
                    break
            method = self.acquisition_name
            text = reason(self.model, picked, self.observations, self.optimizer) if picked is not None else ""
        if picked is None:
            picked = self._new_design(space_filling(self.space, self.encoding, self.taken, seed.spawn(1)[0]))
            method, text = "space-filling", "space-filling: nothing else that is new"
        if picked is None:
            raise StrategyError(
                f"no further design exists: {len(self.chosen)} of {n} found, {len(self.keys)} are observed, pending or "
                "chosen. Widen a bound, add a level, relax a rule or ask for fewer"
            )
        self._take(picked, text, method)

    def _levels_of(self, design: pd.DataFrame | None) -> str:
        if design is None:
            return ""
        names = [v.name for v in self.optimizer.space.categorical]
        return ", ".join(f"{name} {design[name].iloc[0]}" for name in names) or "even coverage of the bounds"

    def _take(self, design: pd.DataFrame, text: str, method: str) -> None:
        self.chosen.append(design)
        self.reasons.append(text)
        self.methods.append(method)
        self.keys |= set(design_keys(self.optimizer.space, design))
        new = Candidates(self.optimizer.space.to_unit(design), self.encoding.level_codes(design))
        self.taken = Candidates.stack([self.taken, new])
        if self.acquisition is not None:
            with torch.no_grad():
                self.acquisition.add(torch.as_tensor(self.encoding.features(new.unit, new.codes)))
        shared = self.optimizer.space.shared_names
        if shared and len(self.chosen) == 1:
            self.space = MixedSpace(self.optimizer.space, {name: design[name].iloc[0] for name in shared})

    def _new_design(self, ranked: Candidates) -> pd.DataFrame | None:
        """Return the first design that is new and feasible once rounded."""
        for row in range(len(ranked)):
            design = self.space.rounded(ranked.take(np.array([row])))
            if design_keys(self.optimizer.space, design)[0] in self.keys:
                continue
            if not self.optimizer.space.problems(design):
                return design
        return None

    def _anchors(self) -> Candidates:
        """Return the best cells so far whose levels are in the space."""
        levels = np.array(self.space.n_levels, dtype=int)
        usable = (self.taken.codes < levels).all(axis=1)
        rows = [row for row in self.anchor_rows if usable[row]]
        return self.taken.take(np.array(rows, dtype=int))

    def _build(self, n: int, seed: np.random.SeedSequence) -> Acquisition:
        optimizer = self.optimizer
        model = optimizer.model() if len(self.observations) else None
        self.model = model
        features = torch.as_tensor(self.encoding.features(self.taken.unit, self.taken.codes))
        number = int(seed.generate_state(1)[0])
        with torch.no_grad():
            return self._assemble(model, features, n, number)

    def _assemble(
        self, model: CampaignModel | None, features: torch.Tensor, n: int, number: int
    ) -> Acquisition:
        optimizer = self.optimizer
        if model is not None:
            self.notes.update(dict.fromkeys(model.notes))
        outcomes = model.outcomes if model is not None else {}
        position = {outcome: index for index, outcome in enumerate(outcomes)}
        wanted = [objective for objective in optimizer.objectives if objective.outcome in position]
        terms, given = [], []
        for objective in wanted:
            scale = outcomes[objective.outcome].scale
            target = None if objective.target is None else float(scale.to_standard_unfenced(np.array(objective.target)))
            terms.append(ObjectiveTerm(position[objective.outcome], -1.0 if objective.goal == "minimize" else 1.0, target))
            limit = objective.threshold
            given.append(
                np.nan
                if limit is None
                else float(terms[-1].maximised(torch.as_tensor(scale.to_standard_unfenced(np.array(limit)))))
            )
        limits = []
        for constraint in optimizer.constraints:
            if constraint.outcome in position:
                scale = outcomes[constraint.outcome].scale
                low = -np.inf if constraint.at_least is None else scale.to_standard_unfenced(np.array(constraint.at_least))
                high = np.inf if constraint.at_most is None else scale.to_standard_unfenced(np.array(constraint.at_most))
                limits.append(Limit(position[constraint.outcome], float(low), float(high)))
        feasibility = model.feasibility if model is not None else ()
        passes = torch.ones(len(features), dtype=torch.float64)
        for judge in feasibility:
            passes = passes * judge.probability(features)
            passes[torch.as_tensor(judge.rows)] = torch.as_tensor(judge.labels)
        failed = torch.as_tensor((self.observations["status"] == "failed").to_numpy().copy())
        passes[: len(failed)][failed] = 0.0
        gps = [entry.gp for entry in outcomes.values()]
        means = [gp.mean_and_variance(features)[0] for gp in gps]
        values = np.column_stack([term.maximised(means[term.model]).numpy() for term in terms] or [np.zeros(len(features))])
        chance = passes.clone()
        for limit_ in limits:
            mean, variance = gps[limit_.model].mean_and_variance(features)
            chance = chance * limit_.probability(mean, variance.sqrt())
        allowed = np.where((chance > 0.5).numpy()[:, None], values, np.nan)
        observed = np.arange(len(features)) < len(self.observations)
        reference = nadir(values[observed], allowed[observed], np.array(given)) if terms else np.zeros(0)
        self.anchor_rows = _best_rows(values, chance.numpy())
        base_rows = _base_rows(values, chance.numpy(), reference, observed)
        self.acquisition_name = _name(terms, bool(limits or feasibility), bool((chance[: len(failed)] > 0.5).any()))
        return Acquisition(
            gps, terms, limits, feasibility, features[base_rows], passes[base_rows], reference, n_ask=n, seed=number
        )


def _best_rows(values: np.ndarray, chance: np.ndarray) -> list[int]:
    """Return the rows of the predicted front, or those most likely to be allowed."""
    allowed = np.where(chance[:, None] > 0.5, values, np.nan)
    rows = list(np.flatnonzero(is_non_dominated(allowed)))
    if not rows:
        rows = list(np.argsort(-chance, kind="stable")[:5])
    return rows[:20]


def _base_rows(values: np.ndarray, chance: np.ndarray, reference: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the rows worth competing with: all under test, and the best of those observed."""
    if len(values) <= MAX_BASE or not values.shape[1]:
        return np.arange(len(values))
    spread = values.std(axis=0) + 1e-12
    score = np.full(len(values), -np.inf)
    left = np.where(chance > 0.01)[0]
    layer = 0.0
    while len(left) and np.isfinite(score).sum() < MAX_BASE:
        front = is_non_dominated(values[left])
        score[left[front]] = -layer
        left, layer = left[~front], layer + 1.0
    score[~observed] = 1.0
    tie = (values / spread).sum(axis=1)
    return np.sort(np.lexsort((-tie, -score))[:MAX_BASE])


def _name(terms: list[ObjectiveTerm], is_constrained: bool, has_allowed: bool) -> str:
    if not terms:
        return "search for a cell that works"
    kind = "noisy expected improvement" if len(terms) == 1 else "noisy expected hypervolume improvement"
    if is_constrained and not has_allowed:
        return f"{kind}, weighted by feasibility (no allowed cell yet)"
    return f"{kind}, weighted by feasibility" if is_constrained else kind
