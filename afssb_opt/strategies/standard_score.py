"""The desirability of outcomes in the units of their models, and what these predict of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from afssb_opt.domain.desirability import Desirability
from afssb_opt.strategies.outcome_scale import OutcomeScale

if TYPE_CHECKING:
    from afssb_opt.strategies.models import OutcomeModel

# Draws of a prediction: mean and deviation of the score are then good to about one percent.
N_DRAWS: Final = 256


@dataclass(frozen=True)
class StandardScore:
    """The desirability of standardised outcomes.

    Attributes:
        desirability: Of the objectives that have a model.
        scales: What the standardised values of each mean.
    """

    desirability: Desirability
    scales: tuple[OutcomeScale, ...]

    @classmethod
    def for_models(cls, desirability: Desirability, models: Mapping[str, OutcomeModel]) -> StandardScore | None:
        """Build the score of the outcomes that are modelled; None while there is none of the objectives."""
        known = desirability.of_known(list(models))
        if not known.objectives:
            return None
        return cls(known, tuple(models[objective.outcome].scale for objective in known.objectives))

    def __call__(self, standard: Tensor) -> Tensor:
        """Return the `(...)` scores of `(..., m)` standardised outcomes."""
        values = []
        for scale, column in zip(self.scales, standard.unbind(dim=-1), strict=True):
            plain = scale.center + scale.spread * column
            values.append(plain.exp() if scale.is_log else plain)
        score: Tensor = self.desirability.score(values)
        return score

    def predicted(self, models: Mapping[str, OutcomeModel], features: Tensor) -> Tensor:
        """Return `(n, N_DRAWS)` draws of the score of noise-free designs, sorted; their outcomes vary on their own."""
        pairs = [models[objective.outcome].mean_and_sd(features) for objective in self.desirability.objectives]
        mean, sd = (torch.as_tensor(np.stack(part, axis=-1))[:, None, :] for part in zip(*pairs, strict=True))
        return self(mean + sd * self.draws(N_DRAWS)).sort(dim=1).values

    def draws(self, n: int) -> Tensor:
        """Return `(n, m)` normal numbers that cover the outcomes evenly, always the same ones."""
        return torch.as_tensor(draw_sobol_normal_samples(len(self.scales), n, dtype=torch.float64, seed=0))
