"""One score of several outcomes, for campaigns that want one best cell rather than a trade-off.

The score is the desirability of Derringer and Suich 1980 (Journal of Quality Technology 12, 214): the weighted
geometric mean of what each outcome is worth, 0 at its threshold and 1 at its ideal. Where a threshold is missed that
mean is 0, whatever the cell is like otherwise; the score then tells by how much it is missed, as a negative number
above -1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.objectives import Objective

DESIRABILITY: Final = "desirability"
WORST: Final = -1.0
# The objective of a campaign that wants one best cell.
MOST_DESIRABLE: Final = Objective(DESIRABILITY)


@dataclass(frozen=True)
class Desirability:
    """How desirable a cell is altogether.

    Raises:
        InputError: An objective has no threshold, or no ideal although it has no target; all problems are listed.
    """

    objectives: tuple[Objective, ...]

    def __post_init__(self) -> None:
        found = desirability_problems(self.objectives)
        if found:
            raise InputError(found, source=DESIRABILITY)

    def score(self, values: Sequence[Any]) -> Any:
        """Return the scores, from -1 to 1, of one array of values per objective, all of one shape.

        The arrays may be those of numpy or of torch; where a value is NaN the score is NaN.
        """
        total = sum(objective.weight for objective in self.objectives)
        reached, missed = 1.0, 0.0
        for objective, value in zip(self.objectives, values, strict=True):
            worth, share = _worth(objective, value), objective.weight / total
            reached = reached * worth.clip(0.0, 1.0) ** share
            short = (-worth).clip(0.0, None)
            missed = missed + share * short / (1.0 + short)
        return reached - missed

    def of_table(self, outcomes: pd.DataFrame) -> np.ndarray:
        """Return the `(n,)` scores of a table of outcomes, NaN where one of them is missing."""
        missing = np.full(len(outcomes), np.nan)
        columns = [outcomes[o.outcome].to_numpy(float) if o.outcome in outcomes else missing for o in self.objectives]
        return np.asarray(self.score(columns), dtype=float)

    def of_cell(self, outcomes: Mapping[str, float]) -> float | None:
        """Return the score of one cell, None where an outcome is missing."""
        if any(objective.outcome not in outcomes for objective in self.objectives):
            return None
        return float(self.score([np.array(outcomes[objective.outcome]) for objective in self.objectives]))

    def of_known(self, known: Sequence[str]) -> Desirability:
        """Return that of the objectives among the outcomes that are known already."""
        return Desirability(tuple(objective for objective in self.objectives if objective.outcome in known))


def desirability_problems(objectives: Sequence[Objective]) -> list[Problem]:
    """List what keeps objectives from having a desirability."""
    found = []
    for objective in objectives:
        where, threshold, ideal = f"objectives.{objective.outcome}", objective.threshold, objective.ideal
        if threshold is None:
            found.append(Problem(where, "has no threshold", "Give the worst value of interest; it is worth nothing"))
        if objective.target is not None:
            if ideal is not None:
                found.append(Problem(f"{where}.ideal", "is given beside a target", "Remove it; the target is worth 1"))
            if threshold == objective.target:
                found.append(Problem(f"{where}.threshold", "is the target itself", "Give one away from it"))
        elif ideal is None:
            found.append(Problem(where, "has no ideal", "Give the value from which on more is not worth more"))
        elif threshold is not None and (ideal == threshold or (ideal > threshold) != (objective.goal == "maximize")):
            side = "above" if objective.goal == "maximize" else "below"
            found.append(Problem(f"{where}.ideal", f"({ideal:g}) is not {side} the threshold ({threshold:g})",
                                 f"Give one {side} it"))  # fmt: skip
    return found


def _worth(objective: Objective, values: Any) -> Any:
    """Return what values are worth: 0 at the threshold, 1 at ideal or target, on straight lines."""
    if objective.threshold is None:
        raise ValueError(f"{objective.outcome} has no threshold")
    if objective.target is not None:
        return 1.0 - abs(values - objective.target) / abs(objective.threshold - objective.target)
    if objective.ideal is None:
        raise ValueError(f"{objective.outcome} has no ideal")
    return (values - objective.threshold) / (objective.ideal - objective.threshold)
