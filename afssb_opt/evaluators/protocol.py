"""What every evaluator does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from afssb_opt.domain.trials import TrialFailure, TrialResult


@dataclass(frozen=True)
class Evaluation:
    """What came of one design: a result, with its cycling table where there is one, or a failure."""

    result: TrialResult | TrialFailure
    cycling: pd.DataFrame | None = None


class Evaluator(Protocol):
    """Evaluates one design at a time, now."""

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        """Return the result, or a failure with its reason; never raise for a design of the space."""
        ...
