"""What a test problem is: a design space with a known truth, and how far a set of designs gets on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.objectives import Objective, OutcomeConstraint, maximised_table, meets_constraints
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies import hypervolume
from afssb_opt.strategies.hypervolume import thresholds

Truth = Callable[[pd.DataFrame], pd.DataFrame]

# Random designs behind the baseline and the first guess of the best value.
N_RANDOM: Final = 4096


@dataclass(frozen=True, eq=False)
class Problem:
    """A design space with a known truth.

    Attributes:
        truth: Noise-free outcomes of a table of designs.
        noise: Relative standard deviation of each measured outcome; binary outcomes are exact.
        binary: Outcomes that are 0 or 1.
    """

    name: str
    space: DesignSpace
    objectives: tuple[Objective, ...]
    truth: Truth
    noise: float = 0.02
    constraints: tuple[OutcomeConstraint, ...] = ()
    binary: tuple[str, ...] = ()

    @property
    def reference(self) -> tuple[float, ...]:
        """Reference point of several objectives in maximised values: their thresholds, so that who searches is told."""
        return tuple(thresholds(self.objectives).tolist()) if len(self.objectives) > 1 else ()

    def observe(self, designs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Return measured outcomes, with noise relative to the spread of random designs."""
        outcomes = self.truth(designs)
        spread = _spread(self)
        for name in outcomes:
            if name not in self.binary:
                outcomes[name] = outcomes[name] + self.noise * spread[name] * rng.standard_normal(len(outcomes))
        return outcomes

    def score(self, designs: pd.DataFrame) -> float:
        """Return the best allowed value, or the hypervolume, of the noise-free outcomes."""
        outcomes = self.truth(designs)
        values = maximised_table(self.objectives, outcomes)
        values = values[meets_constraints(self.constraints, outcomes)]
        if len(self.objectives) == 1:
            return float(values.max()) if len(values) else -np.inf
        return hypervolume(values, np.array(self.reference))

    def fraction(self, designs: pd.DataFrame) -> float:
        """Return the share of the way from baseline to best: 0 a median random design or no front, 1 the best."""
        baseline, best = limits(self)
        return max(0.0, (self.score(designs) - baseline) / (best - baseline))

    def random_designs(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Return uniformly random designs."""
        levels = pd.DataFrame(
            {v.name: rng.choice(np.array(v.levels, dtype=object), n) for v in self.space.categorical}, index=range(n)
        )
        unit = rng.random((n, len(self.space.numeric)))
        columns: dict[str, object] = {name: levels[name] for name in levels}
        for column, variable in enumerate(self.space.numeric):
            columns[variable.name] = [variable.from_unit(float(u)) for u in unit[:, column]]
        return pd.DataFrame(columns, columns=list(self.space.names))


@cache
def _random_outcomes(problem: Problem) -> pd.DataFrame:
    return problem.truth(problem.random_designs(N_RANDOM, np.random.default_rng(0)))


def _spread(problem: Problem) -> Mapping[str, float]:
    """Return the range that noise is relative to: between the 1st and 99th percentile of random designs."""
    table = _random_outcomes(problem)
    return {name: float(np.ptp(np.percentile(table[name], [1, 99]))) for name in table}


@cache
def limits(problem: Problem) -> tuple[float, float]:
    """Return baseline and best known score, the latter by a long evolutionary search on the truth."""
    rng = np.random.default_rng(1)
    pool = problem.random_designs(N_RANDOM, rng)
    outcomes = problem.truth(pool)
    values = maximised_table(problem.objectives, outcomes)
    meets = meets_constraints(problem.constraints, outcomes)
    baseline = float(np.median(values[meets, 0])) if len(problem.objectives) == 1 else 0.0
    keep = pool
    for radius in (0.2, 0.1, 0.05, 0.025, 0.012, 0.006, 0.003, 0.001):
        for _ in range(4):
            keep = _fittest(problem, keep)
            children = keep.loc[rng.integers(0, len(keep), 2048)].reset_index(drop=True)
            for variable in problem.space.numeric:
                unit = np.array([variable.to_unit(float(x)) for x in children[variable.name]])
                unit = np.clip(unit + radius * rng.standard_normal(len(unit)) * (rng.random(len(unit)) < 0.6), 0, 1)
                children[variable.name] = [variable.from_unit(float(u)) for u in unit]
            keep = pd.concat([keep, children], ignore_index=True)
    return baseline, problem.score(_fittest(problem, keep))


def _fittest(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """Return the 50 best designs, or for several objectives the best along each of 300 rays from the reference."""
    outcomes = problem.truth(designs)
    values = maximised_table(problem.objectives, outcomes)
    values[~meets_constraints(problem.constraints, outcomes)] = -np.inf
    if len(problem.objectives) == 1:
        return designs.loc[np.argsort(-values[:, 0])[:50]].reset_index(drop=True)
    above = values - np.array(problem.reference)
    scale = np.where(np.isfinite(above), above, 0.0).max(axis=0)
    rays = np.abs(np.random.default_rng(len(designs)).standard_normal((300, len(scale)))) + 1e-3
    winners = [int(np.argmax((above / scale / ray).min(axis=1))) for ray in rays]
    return designs.loc[sorted(set(winners))].reset_index(drop=True)
