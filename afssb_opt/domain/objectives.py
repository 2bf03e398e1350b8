"""What a campaign wants: objectives to maximise, minimise or hit, limits on outcomes, and the Pareto set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Goal = Literal["maximize", "minimize", "target"]


@dataclass(frozen=True)
class Objective:
    """One outcome and what is wanted of it.

    Attributes:
        outcome: Name of an outcome column.
        threshold: Worst value still of interest, in the outcome's unit; it becomes the reference point.
        target: The wanted value where the goal is `target`.
        ideal: Value from which on more is not worth more; it matters for a desirability alone, as does the weight.
        weight: How much the outcome counts in a desirability, relative to the others.
    """

    outcome: str
    goal: Goal = "maximize"
    threshold: float | None = None
    target: float | None = None
    ideal: float | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if (self.goal == "target") != (self.target is not None):
            raise ValueError(f"{self.outcome}: goal 'target' and a target value go together")

    def maximised(self, values: np.ndarray) -> np.ndarray:
        """Return the values such that more is better; the one place where signs are flipped."""
        if self.target is not None:
            return -np.abs(values - self.target)
        return -values if self.goal == "minimize" else values


@dataclass(frozen=True)
class OutcomeConstraint:
    """A limit on an outcome that a wanted cell must respect, in the outcome's unit."""

    outcome: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.outcome}: a constraint needs at_least or at_most")

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Return booleans; a missing value does not hold."""
        holds: np.ndarray = np.isfinite(values)
        if self.at_least is not None:
            holds &= values >= self.at_least
        if self.at_most is not None:
            holds &= values <= self.at_most
        return holds

    def __str__(self) -> str:
        low = f"{self.at_least:g} <= " if self.at_least is not None else ""
        high = f" <= {self.at_most:g}" if self.at_most is not None else ""
        return f"{low}{self.outcome}{high}"


def maximised_table(objectives: Sequence[Objective], outcomes: pd.DataFrame) -> np.ndarray:
    """Return `(n, m)` objective values, all to be maximised; missing outcomes are NaN."""
    columns = [
        objective.maximised(outcomes[objective.outcome].to_numpy(float))
        if objective.outcome in outcomes
        else np.full(len(outcomes), np.nan)
        for objective in objectives
    ]
    return np.column_stack(columns) if columns else np.empty((len(outcomes), 0))


def meets_constraints(constraints: Sequence[OutcomeConstraint], outcomes: pd.DataFrame) -> np.ndarray:
    """Return `(n,)` booleans; a missing outcome does not meet its constraint."""
    meets = np.ones(len(outcomes), dtype=bool)
    for constraint in constraints:
        missing = np.full(len(outcomes), np.nan)
        values = outcomes[constraint.outcome].to_numpy(float) if constraint.outcome in outcomes else missing
        meets &= constraint.holds(values)
    return meets


def is_non_dominated(values: np.ndarray) -> np.ndarray:
    """Return `(n,)` booleans for `(n, m)` values to be maximised; rows with NaN are dominated, equal rows kept."""
    keep = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    # Best in the first column first, ties by the next: nothing that comes later can beat the first that is left.
    left = known[np.lexsort((known, *values[known].T[::-1]))[::-1]]
    while left.size:
        rivals, best = values[left], values[left[0]]
        keep[left[(rivals == best).all(axis=1)]] = True
        left = left[(rivals > best).any(axis=1)]
    return keep


def pareto_rows(
    objectives: Sequence[Objective], constraints: Sequence[OutcomeConstraint], outcomes: pd.DataFrame
) -> np.ndarray:
    """Return `(n,)` booleans: cells that meet all constraints and that no other such cell beats."""
    values = maximised_table(objectives, outcomes)
    values[~meets_constraints(constraints, outcomes)] = np.nan
    return is_non_dominated(values)
