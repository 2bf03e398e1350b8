"""Which combinations of variables a design may not have: linear constraints and exclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

# A rounded design may exceed a bound by the rounding of its last digit, not by more.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class LinearConstraint:
    """`at_least <= sum(coefficient * variable) <= at_most` over numeric variables in their own units."""

    coefficients: Mapping[str, float]
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n,)` booleans."""
        total = sum(designs[name].to_numpy(float) * weight for name, weight in self.coefficients.items())
        total = np.broadcast_to(total, (len(designs),))
        holds = np.ones(len(designs), dtype=bool)
        if self.at_most is not None:
            holds &= total <= self.at_most + TOLERANCE * max(1.0, abs(self.at_most))
        if self.at_least is not None:
            holds &= total >= self.at_least - TOLERANCE * max(1.0, abs(self.at_least))
        return holds

    def __str__(self) -> str:
        total = " + ".join(f"{weight:g} {name}" for name, weight in self.coefficients.items())
        low = f"{self.at_least:g} <= " if self.at_least is not None else ""
        high = f" <= {self.at_most:g}" if self.at_most is not None else ""
        return f"{low}{total}{high}"


@dataclass(frozen=True)
class Range:
    """The open interval above `above` and below `below`; a missing end is unbounded."""

    above: float | None = None
    below: float | None = None

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Return booleans of the shape of `values`."""
        inside = np.ones(values.shape, dtype=bool)
        if self.above is not None:
            inside &= values > self.above
        if self.below is not None:
            inside &= values < self.below
        return inside


@dataclass(frozen=True)
class Exclusion:
    """Designs that meet all conditions at once cannot be built.

    Attributes:
        conditions: Per variable either the levels (a tuple of names) or a `Range`.
        because: The reason, shown to the user.
    """

    conditions: Mapping[str, tuple[str, ...] | Range]
    because: str = ""

    def holds(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n,)` booleans: true where the design is NOT excluded."""
        excluded = np.ones(len(designs), dtype=bool)
        for name, condition in self.conditions.items():
            if isinstance(condition, Range):
                excluded &= condition.contains(designs[name].to_numpy(float))
            else:
                excluded &= designs[name].isin(condition).to_numpy()
        return ~excluded

    def __str__(self) -> str:
        return f"excluded: {dict(self.conditions)}" + (f" ({self.because})" if self.because else "")


DesignRule = LinearConstraint | Exclusion
