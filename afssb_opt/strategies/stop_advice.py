"""Is another batch worth its cells: what it is expected to gain, against what one cell differs from the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from afssb_opt.strategies.acquisition import ObjectiveTerm
from afssb_opt.strategies.gain import Gain
from afssb_opt.strategies.hypervolume import hypervolume
from afssb_opt.strategies.models import OutcomeModel
from afssb_opt.strategies.standard_score import N_DRAWS, StandardScore

# From five objectives on the search looks at a random mixture of them, whose gain is that of no batch.
MAX_OBJECTIVES: Final = 4


@dataclass(frozen=True)
class StopAdvice:
    """What the next batch is expected to bring, pending designs counted as if their results were in.

    Both numbers are in the standardised units of the search: of one objective, or a hypervolume of several; where the
    objectives are combined, in those of the desirability.

    Attributes:
        n: Designs in the batch.
        gain: Expected improvement by all of them together; None while the space is still being filled, no allowed
            cell is known, or there are more than four objectives.
        scatter: What it is worth if every good cell turned out one cell-to-cell scatter better.
    """

    n: int
    gain: float | None
    scatter: float | None

    @property
    def ratio(self) -> float | None:
        """Expected gain in units of the scatter; below 1 a repeat of the best cell could look as good."""
        if self.gain is None or self.scatter is None:
            return None
        return self.gain / max(self.scatter, 1e-12)

    def __str__(self) -> str:
        if self.ratio is None:
            return "too early to say whether more cells are worth it"
        verdict = "a repeat of the best cell could look as good" if self.ratio < 1.0 else "more than scatter can feign"
        expected = f"the next {self.n} cells are expected to gain {self.ratio:.2g} times the cell-to-cell scatter"
        return f"{expected}: {verdict}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"n": self.n, "gain": self.gain, "scatter": self.scatter, "ratio": self.ratio}


def batch_advice(gains: Sequence[Gain | None], scatter: float | None) -> StopAdvice:
    """Return the advice for a batch; each gain is beyond that of the designs before it, so that they add up."""
    known = [gain.total for gain in gains if gain is not None]
    total = math.fsum(known) if len(known) == len(gains) and scatter is not None else None
    return StopAdvice(len(gains), total, scatter)


def scatter_value(
    outcomes: Sequence[OutcomeModel], terms: Sequence[ObjectiveTerm], values: np.ndarray, reference: np.ndarray
) -> float | None:
    """Return what one cell-to-cell scatter in every objective is worth, in the units of the acquisition.

    Args:
        outcomes: Models that the terms name.
        terms: Objectives.
        values: `(n, m)` predicted, standardised, maximised objectives of the cells likely to be allowed.
        reference: `(m,)` reference point in the same units.

    Returns:
        For one objective its scatter; for several the hypervolume that the front would gain. None where it
        cannot be said.
    """
    if not 1 <= len(terms) <= MAX_OBJECTIVES or not len(values):
        return None
    noise = np.array([_noise_sd(outcomes[term.model]) for term in terms])
    if len(terms) == 1:
        return float(noise[0])
    # Nothing is nearer to a target than the target.
    ceiling = np.array([np.inf if term.target is None else 0.0 for term in terms])
    return hypervolume(np.minimum(values + noise, ceiling), reference) - hypervolume(values, reference)


def scatter_of_score(
    score: StandardScore, outcomes: Sequence[OutcomeModel], terms: Sequence[ObjectiveTerm], predicted: Tensor
) -> float | None:
    """Return the standard deviation of the score of repeated best cells; None without any cell.

    Args:
        score: What the objectives are worth together.
        outcomes: Models that the terms name.
        terms: Objectives.
        predicted: `(n, m)` standardised predictions of the cells likely to be allowed.
    """
    if not len(predicted):
        return None
    best = predicted[score(predicted).argmax()]
    noise = torch.as_tensor([_noise_sd(outcomes[term.model]) for term in terms], dtype=torch.float64)
    return float(score(best + noise * score.draws(N_DRAWS)).std())


def _noise_sd(outcome: OutcomeModel) -> float:
    """Return the standard deviation of one cell around the surface, standardised: the median over all cells."""
    return float(outcome.gp.noise.median().sqrt())
