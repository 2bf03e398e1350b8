"""How good a set of cells is: hypervolume above a reference point, and where that point lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume

from afssb_opt.domain.objectives import (
    Objective,
    OutcomeConstraint,
    is_non_dominated,
    maximised_table,
    meets_constraints,
)

# As Ishibuchi et al. 2018 (doi 10.1162/evco_a_00226) advise: a little below the worst point of the front.
NADIR_MARGIN: Final = 0.1
# A cell on the front that is at best this much better in one objective, in median deviations of the front, and
# that much worse in another would drag the nadir far out (Geoffrion's proper efficiency with a bound of five).
SMALL_GAIN: Final = 0.2
LARGE_LOSS: Final = 1.0
# Complete cells after which the reference point of a campaign's progress moves no more: two usual batches.
N_FIXING: Final = 8


def hypervolume(values: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume that the points dominate above the reference point.

    Args:
        values: `(n, m)` objective values, all maximised; rows with NaN count for nothing.
        reference: `(m,)` worst value still of interest per objective.
    """
    values = np.asarray(values, dtype=float).reshape(-1, len(reference))
    front = values[is_non_dominated(values) & (values > reference).all(axis=1)]
    if not len(front):
        return 0.0
    if len(reference) == 1:
        return float(front.max() - reference[0])
    front = np.unique(front, axis=0)
    return float(Hypervolume(torch.as_tensor(np.asarray(reference, dtype=float))).compute(torch.as_tensor(front)))


def reference_point(
    objectives: Sequence[Objective], table: pd.DataFrame, constraints: Sequence[OutcomeConstraint] = ()
) -> np.ndarray:
    """Return `(m,)`, in maximised values: the threshold where one is given, else a robust nadir of the data.

    The nadir is the worst value of the Pareto front less a tenth of the range between nadir and best value;
    while the front is a single point, the lower quartile of all data takes its place.
    """
    values = maximised_table(objectives, table)
    allowed = values.copy()
    allowed[~meets_constraints(constraints, table)] = np.nan
    return nadir(values, allowed, thresholds(objectives))


def fixed_reference_point(
    objectives: Sequence[Objective], table: pd.DataFrame, constraints: Sequence[OutcomeConstraint] = ()
) -> tuple[np.ndarray, bool]:
    """Return the reference point of a campaign's progress, in maximised values, and whether later cells leave it.

    Where a threshold is missing it comes from the first `N_FIXING` complete cells, in the order of the table, so that
    hypervolumes of different days compare.
    """
    complete = np.flatnonzero(np.isfinite(maximised_table(objectives, table)).all(axis=1))
    is_fixed = len(complete) >= N_FIXING or bool(np.isfinite(thresholds(objectives)).all())
    first = table.iloc[: complete[N_FIXING - 1] + 1] if len(complete) >= N_FIXING else table
    return reference_point(objectives, first, constraints), is_fixed


def thresholds(objectives: Sequence[Objective]) -> np.ndarray:
    """Return `(m,)` thresholds in maximised values, NaN where none is given."""
    return np.array(
        [np.nan if o.threshold is None else float(o.maximised(np.array([o.threshold]))[0]) for o in objectives]
    )


def nadir(values: np.ndarray, allowed: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return `(m,)` reference values.

    Args:
        values: `(n, m)` maximised values of all cells.
        allowed: The same, NaN where a cell breaks a constraint.
        given: `(m,)` thresholds, NaN where none is given.
    """
    source = allowed if np.isfinite(allowed).all(axis=1).any() else values
    front = _worth_trading(source[is_non_dominated(source)])
    reference = np.zeros(len(given))
    for column in range(len(given)):
        if np.isfinite(given[column]):
            reference[column] = given[column]
            continue
        known = values[np.isfinite(values[:, column]), column]
        if not len(known):
            continue
        worst = front[:, column].min() if len(front) > 1 else float(np.percentile(known, 25))
        best = front[:, column].max() if len(front) else known.max()
        reference[column] = worst - NADIR_MARGIN * max(best - worst, 1e-12)
    return reference


def _worth_trading(front: np.ndarray) -> np.ndarray:
    """Return the front without points that gain next to nothing in one objective for a large loss in another."""
    if len(front) < 3:
        return front
    deviation = np.median(np.abs(front - np.median(front, axis=0)), axis=0)
    scaled = front / np.where(deviation > 0, deviation, np.maximum(np.ptp(front, axis=0), 1e-12) / 4.0)
    ahead = scaled[None, :, :] - scaled[:, None, :]
    beaten = ((ahead > -SMALL_GAIN).all(axis=2) & (ahead > LARGE_LOSS).any(axis=2)).any(axis=1)
    return front[~beaten] if (~beaten).any() else front


def hypervolume_history(
    objectives: Sequence[Objective],
    table: pd.DataFrame,
    constraints: Sequence[OutcomeConstraint] = (),
) -> np.ndarray:
    """Return `(n,)` hypervolumes of the first 1, 2, ... n rows, all above the fixed reference point."""
    values = maximised_table(objectives, table)
    values[~meets_constraints(constraints, table)] = np.nan
    point, _ = fixed_reference_point(objectives, table, constraints)
    history, volume = np.zeros(len(values)), 0.0
    front = np.empty((0, len(point)))
    for row, value in enumerate(values):
        # A cell that the front reaches in everything adds nothing: of thousands only some hundred do.
        is_above = np.isfinite(value).all() and (value > point).all()
        if is_above and not (front >= value).all(axis=1).any():
            front = np.vstack([front[(front > value).any(axis=1)], value])
            volume = hypervolume(front, point)
        history[row] = volume
    return history
