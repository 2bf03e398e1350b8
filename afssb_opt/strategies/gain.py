"""How much a design is expected to bring: by what is predicted of it, and by what is not known about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from afssb_opt.strategies.acquisition import Acquisition

# From two thirds on one of the two parts is called the reason; between, both are.
MAJORITY: Final = 2.0 / 3.0


@dataclass(frozen=True)
class Gain:
    """Expected improvement over all cells measured, under test or chosen before, times the chance to be allowed.

    Attributes:
        total: In the standardised units of the search: of one objective, or a hypervolume of several, or a
            desirability. Without an objective that has data it is the chance to be allowed.
        exploit: What of it remains if each outcome comes out exactly as predicted.
    """

    total: float
    exploit: float

    @property
    def explore(self) -> float:
        """What the uncertainty adds; negative where a target is predicted to be hit and scatter can only miss it."""
        return self.total - self.exploit

    @property
    def exploit_share(self) -> float:
        """Part of the gain that rests on the prediction, 0 to 1."""
        return min(max(self.exploit / self.total, 0.0), 1.0) if self.total > 0.0 else 0.0

    @classmethod
    def of(cls, acquisition: Acquisition, features: torch.Tensor) -> Gain:
        """Return the gain of one design, `(1, n_columns)`, before it counts as under test."""
        with torch.no_grad():
            return cls(float(acquisition(features)[0]), float(acquisition.exploitation(features)[0]))

    def times(self, factor: float) -> Gain:
        """Return the same gain in units that are smaller by a factor."""
        return Gain(self.total * factor, self.exploit * factor)

    def __str__(self) -> str:
        share = self.exploit_share
        if share >= MAJORITY:
            return f"exploit ({share:.0%} of the expected gain rests on the prediction)"
        if share <= 1.0 - MAJORITY:
            return f"explore ({1.0 - share:.0%} of the expected gain rests on the uncertainty)"
        return f"refine (prediction {share:.0%} and uncertainty {1.0 - share:.0%} of the expected gain)"
