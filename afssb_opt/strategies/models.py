"""What one outcome, or one pass/fail label, is modelled with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from afssb_opt.domain.desirability import Desirability
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.fitting import default_hyperparameters, fit_hyperparameters, rows_to_fit
from afssb_opt.strategies.one_sided import condition_one_sided
from afssb_opt.strategies.outcome_scale import OutcomeScale
from afssb_opt.strategies.standard_score import StandardScore
from afssb_opt.strategies.surrogate import GaussianProcess, Hyperparameters, KernelShape

# Latent noise of a pass/fail label: a cell right at the edge may go either way.
LABEL_NOISE: Final = 0.1
# A sharp boundary looks like a short length scale; yet this much of the range lies on one side of it. Without it
# campaigns of three objectives with few allowed designs reached .10 less (docs/decisions/0004).
MIN_LABEL_LENGTH: Final = 0.5


@dataclass(frozen=True)
class OutcomeModel:
    """Gaussian process of one outcome and the scale it lives on.

    Attributes:
        rows: Of the observations that it is fitted to.
        is_computed: Nothing about it is unknown, as of a price that follows from the recipe.
    """

    outcome: str
    scale: OutcomeScale
    gp: GaussianProcess
    rows: np.ndarray
    is_computed: bool = False

    @property
    def values(self) -> np.ndarray:
        """`(n,)` standardised observations."""
        return self.gp.targets.numpy(force=True)

    def mean_and_sd(self, features: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return `(n,)` means and standard deviations of the noise-free outcome, standardised."""
        mean, variance = self.gp.mean_and_variance(features)
        sd = torch.zeros_like(mean) if self.is_computed else variance.sqrt()
        return mean.numpy(force=True), sd.numpy(force=True)


@dataclass(frozen=True)
class FeasibilityModel:
    """Latent Gaussian process whose sign says whether a cell passes.

    Attributes:
        name: The pass/fail outcome, or `completed` where cells failed without any outcome.
        labels: 1 where the cell of `rows` passed, else 0.
        passes_at_one: Whether the outcome itself is 1, not 0, where a cell passes.
    """

    name: str
    gp: GaussianProcess
    rows: np.ndarray
    labels: np.ndarray
    passes_at_one: bool

    def probability(self, features: Tensor) -> Tensor:
        """Return `(n,)` probabilities of passing."""
        mean, variance = self.gp.mean_and_variance(features)
        return torch.special.ndtr(mean / (variance + LABEL_NOISE).sqrt())


@dataclass(frozen=True)
class CampaignModel:
    """All models of one campaign at one moment.

    Attributes:
        outcomes: Model per objective or continuously constrained outcome that has data.
        feasibility: Models of pass/fail outcomes.
        notes: What was done about odd data.
        rival: Another reading of the same cells: as if the worse ones had fallen off a cliff, where the data do not
            say so but would hardly say so yet.
        desirability: What the objectives are worth together, where one best cell is wanted.
    """

    encoding: Encoding
    outcomes: dict[str, OutcomeModel]
    feasibility: tuple[FeasibilityModel, ...]
    notes: tuple[str, ...] = field(default=())
    rival: CampaignModel | None = None
    desirability: Desirability | None = None

    @cached_property
    def score(self) -> StandardScore | None:
        """The desirability of what the models predict; None where none is wanted or no objective is modelled."""
        return None if self.desirability is None else StandardScore.for_models(self.desirability, self.outcomes)

    def wanting(self, desirability: Desirability | None) -> CampaignModel:
        """Return the same models, in both readings, with what the objectives are worth together."""
        rival = None if self.rival is None else self.rival.wanting(desirability)
        return replace(self, desirability=desirability, rival=rival)


def evidence(model: OutcomeModel, rows: np.ndarray) -> float:
    """Return the mean log density of the given rows, each predicted from all others, in the outcome's unit."""
    mean, variance = model.gp.leave_one_out()
    here = torch.as_tensor(np.isin(model.rows, rows))
    error = (model.gp.targets - mean)[here]
    density = -0.5 * (variance[here].log() + error**2 / variance[here])
    return float(density.mean()) - float(np.log(model.scale.spread))


def predicts_better(sound: OutcomeModel, model: OutcomeModel) -> bool:
    """Whether a model predicts each of its own observations from its others better than another model does."""
    return evidence(sound, sound.rows) > evidence(model, sound.rows)


def fit_outcome(
    shape: KernelShape,
    features: Tensor,
    observations: pd.DataFrame,
    outcome: str,
    is_log: bool,
    seed: np.random.SeedSequence,
    *,
    better_side: float,
) -> tuple[OutcomeModel | None, list[str]]:
    """Fit one outcome; return its model, or None without any value, and the notes on its data.

    Values far on the better side, +1 or -1, are believed (`OutcomeScale`).
    """
    values = observations[outcome].to_numpy(float)
    notes = []
    infinite = np.isinf(values)
    if infinite.any():
        notes.append(f"{outcome}: infinite in rows {_listed(infinite)}, treated as missing")
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        return None, [*notes, f"{outcome}: no value yet, so it is not modelled"]
    values = values[rows]
    scale = OutcomeScale.for_values(values, is_log=is_log, better_side=better_side)
    outliers = scale.is_outlier(values)
    if outliers.any():
        listed = ", ".join(
            f"{value:g} in row {row}" for row, value in zip(rows[outliers], values[outliers], strict=True)
        )
        low, high = scale.from_standard(np.array([scale.low, scale.high]))
        notes.append(f"{outcome}: {listed} lies far outside the rest ({low:.4g} to {high:.4g}) and counts as the "
                     "nearest of these; void the trial if it is an error")  # fmt: skip
    is_far = OutcomeScale.for_values(values, is_log=is_log).is_outlier(values) & ~outliers
    for row, value in zip(rows[is_far], values[is_far], strict=True):
        notes.append(f"{outcome}: {value:g} in row {row} is far better than the others and is taken as it is; repeat "
                     "the cell, or void the trial if it is an error")  # fmt: skip
    if is_log and (values <= 0).any():
        notes.append(f"{outcome}: values of 0 or less count as {scale.floor:.4g} on the logarithmic scale")
    if len(rows) > 1 and np.ptp(values) == 0:
        notes.append(f"{outcome}: all {len(rows)} values are {values[0]:g}, so it cannot tell designs apart yet")
    if len(rows) < 3:
        notes.append(f"{outcome}: only {len(rows)} value{'s' if len(rows) > 1 else ''}, so the model is mostly prior")
    sem = observations[f"{outcome}_sem"].to_numpy(float)[rows]
    targets, known = _standardised(scale, values, sem)
    side = torch.as_tensor(observations[f"{outcome}_censored"].to_numpy(bool)[rows].astype(float))
    inputs = features[torch.as_tensor(rows)]
    part = rows_to_fit(rows, seed)
    # Standardised among themselves, so that values told later leave the fit as it is.
    scale_of_part = OutcomeScale.for_values(values[part], is_log=is_log, better_side=better_side)
    of_part = _standardised(scale_of_part, values[part], sem[part])
    hyperparameters = fit_hyperparameters(shape, inputs[part], *of_part)
    gp = _condition(shape, hyperparameters, inputs, targets, known, side)
    n_censored = int(side.sum())
    if n_censored:
        # The first fit took the limits for values; the second sees the longer lives they stand for.
        seen = torch.where(side != 0, gp.noise, known)
        hyperparameters = fit_hyperparameters(shape, inputs[part], gp.targets[part], seen[part])
        gp = _condition(shape, hyperparameters, inputs, targets, known, side)
        notes.append(f"{outcome}: {n_censored} of {len(rows)} values are lower limits and are modelled as such")
    return OutcomeModel(outcome, scale, gp, rows), notes


def _standardised(scale: OutcomeScale, values: np.ndarray, sem: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return `(n,)` standardised values and their noise variances, NaN where unknown."""
    known = scale.sem_to_standard(values, sem) ** 2
    known[np.isinf(known)] = np.nan
    # An outlier stays in, but with the standard deviation of the whole outcome as its error.
    known[scale.is_outlier(values)] = 1.0
    return torch.as_tensor(scale.to_standard(values)), torch.as_tensor(known)


def _condition(
    shape: KernelShape, found: Hyperparameters, features: Tensor, targets: Tensor, known: Tensor, side: Tensor
) -> GaussianProcess:
    noise = torch.where(torch.isnan(known), torch.full_like(known, np.exp(found.log_noise)), known)
    return condition_one_sided(shape, found, features, targets, noise, side)


def fit_feasibility(
    encoding: Encoding,
    features: Tensor,
    labels: np.ndarray,
    name: str,
    passes_at_one: bool,
    seed: np.random.SeedSequence,
) -> list[FeasibilityModel]:
    """Return the model of `(n,)` labels, 1 where a cell passed, 0 where not, NaN where unknown; none without any."""
    shape = KernelShape.for_outcome(encoding, name).for_labels()
    rows = np.flatnonzero(np.isfinite(labels))
    if not len(rows):
        return []
    side = torch.as_tensor(np.where(labels[rows] > 0.5, 1.0, -1.0))
    inputs = features[torch.as_tensor(rows)]
    # What a label says of the latent process depends on the hyperparameters, and these on what it says: once around.
    part = rows_to_fit(rows, seed)
    first = condition_label(shape, default_hyperparameters(shape), inputs[part], side[part])
    found = fit_hyperparameters(shape, first.features, first.targets, first.noise)
    return [FeasibilityModel(name, condition_label(shape, found, inputs, side), rows, labels[rows], passes_at_one)]


def condition_label(
    shape: KernelShape, one: Hyperparameters, features: Tensor, side: Tensor, covariance: Tensor | None = None
) -> GaussianProcess:
    """Condition the latent process of a label on `(n,)` sides, +1 where it is positive and -1 where it is not.

    The `(n, n)` prior covariance may be given where it is known already, from hyperparameters of an earlier one.
    """
    smooth = replace(one, log_lengths=one.log_lengths.clamp_min(float(np.log(MIN_LABEL_LENGTH))))
    noise = torch.full_like(side, LABEL_NOISE)
    return condition_one_sided(shape, smooth, features, torch.zeros_like(side), noise, side, covariance)


def _listed(flags: np.ndarray) -> str:
    return ", ".join(str(row) for row in np.flatnonzero(flags))
