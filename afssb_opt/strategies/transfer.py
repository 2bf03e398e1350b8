"""What cells known before teach a campaign: their model's prediction as one more input, used as far as it holds.

The outcome of the campaign is modelled as an unknown smooth function of what the prior data predict, plus an unknown
function of the design. Both parts have their own variance, found from the campaign's own cells: where the prior data
are of no use theirs shrinks, or they are left aside; where they are biased, scaled or bent the function takes it up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import CampaignModel

# Predictions of one design come out alike to this many digits however many others are predicted with it.
DIGITS: Final = 9


@dataclass(frozen=True)
class PriorColumns:
    """Further features: per outcome what the prior data predict, scaled to the unit range.

    Attributes:
        plain: The encoding without them, on which `model` rests.
        model: Fitted to the prior data.
        low: `(k,)` smallest prediction at the prior cells.
        width: `(k,)` range of the predictions at the prior cells.
    """

    plain: Encoding
    model: CampaignModel
    low: np.ndarray
    width: np.ndarray

    @classmethod
    def from_model(cls, model: CampaignModel, features: np.ndarray) -> PriorColumns:
        """Take a model of the prior data, and the features of the prior cells, `(n, n_columns)`."""
        raw = _predictions(model, features)
        width = np.maximum(np.ptp(raw, axis=0), 1e-9)
        return cls(model.encoding, model, raw.min(axis=0), width)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Outcome or pass/fail label of each column."""
        return (*self.model.outcomes, *(judge.name for judge in self.model.feasibility))

    def columns(self, features: np.ndarray) -> np.ndarray:
        """Return `(n, k)` further columns of plain features, `(n, n_columns)`."""
        return np.asarray(np.round((_predictions(self.model, features) - self.low) / self.width, DIGITS))

    def extended(self) -> Encoding:
        """Return the encoding that has these columns."""
        first = self.plain.n_groups
        k = len(self.outcomes)
        return replace(
            self.plain,
            groups=np.concatenate([self.plain.groups, first + np.arange(k)]),
            group_names=(*self.plain.group_names, *(f"prior data on {name}" for name in self.outcomes)),
            is_level_group=np.concatenate([self.plain.is_level_group, np.zeros(k, dtype=bool)]),
            is_number=np.concatenate([self.plain.is_number, np.zeros(k, dtype=bool)]),
            prior=self,
        )


def _predictions(model: CampaignModel, features: np.ndarray) -> np.ndarray:
    """Return `(n, k)` standardised means, of pass/fail labels those of the latent function."""
    inputs = torch.as_tensor(features)
    gps = [outcome.gp for outcome in model.outcomes.values()] + [judge.gp for judge in model.feasibility]
    with torch.no_grad():
        means = [gp.mean_and_variance(inputs)[0].numpy(force=True) for gp in gps]
    return np.column_stack(means) if means else np.empty((len(features), 0))
