"""Which cells fell off a cliff that nobody reported: two regimes, where these explain the outcomes better than one.

Above the cliff each outcome follows its own process; below it, the outcome is worse by a drop that has a spread. A
pass/fail process says where the cliff lies. Which cells fell is found by turns (classification expectation
maximisation, Celeux and Govaert 1992, doi 10.1016/0167-9473(92)90042-E): the processes are fitted to what the cells are
taken for, and each cell is taken for what it is likelier to be, predicted from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from afssb_opt.domain.outcomes import ABOVE_CLIFF
from afssb_opt.strategies.cell_fits import MIN_SOUND, CellFits
from afssb_opt.strategies.fitting import rows_to_fit
from afssb_opt.strategies.models import LABEL_NOISE, FeasibilityModel, OutcomeModel, condition_label
from afssb_opt.strategies.surrogate import GaussianProcess, kernel

# Fewer cells below may be chance; a single bad one is an outlier, not a region.
MIN_FALLEN: Final = 2
# Fewer cells have no groups.
MIN_CELLS: Final = 6
# A cliff is believed if the cells are so much likelier with it, in the logarithm, each predicted from the others.
MIN_GAIN: Final = 2.0
# A drop of less, in standard deviations of the outcome over all cells, is a bend that one process can follow.
MIN_DROP: Final = 1.0
# Expected spread of the drop, in standard deviations of the outcome over all cells; it counts as one cell (assumed).
DROP_SPREAD: Final = 0.3
# No cell is surer than this to have fallen or not by its recipe alone: labels are guesses here.
SUREST: Final = 0.99
# Rounds settle after two or three where they do at all.
MAX_ROUNDS: Final = 6
# Fits to what the cells are taken for, after that to the first guess.
MAX_REFITS: Final = 2


@dataclass(frozen=True)
class Cliff:
    """A way to read the cells as of two regimes.

    Attributes:
        fell: `(n,)` booleans for the cells below.
        gain: How much likelier the cells are than without a cliff, in the logarithm.
        shown_by: The outcome that drops most against what its process leaves open.
        models: The outcomes that were looked at, fitted to the cells above.
        judge: Where the cliff lies, under the name of the outcome that shows it.
    """

    fell: np.ndarray
    gain: float
    shown_by: str
    models: Mapping[str, OutcomeModel]
    judge: FeasibilityModel

    @property
    def is_believed(self) -> bool:
        """Whether the data call for it."""
        return self.gain >= MIN_GAIN


def likeliest_cliff(fits: CellFits, whole: Mapping[str, OutcomeModel], met: Mapping[str, np.ndarray]) -> Cliff | None:
    """Return the cliff that explains the outcomes best, believed or not; None where there is none to speak of.

    Args:
        fits: The cells.
        whole: The outcomes that may show it, fitted to all cells; none with limits among its values.
        met: Of each outcome `(n,)` booleans for the cells good enough in it; those good in all have not fallen.
    """
    if not whole:
        return None
    cells = _Cells(fits, whole, met)
    guesses = cells.guesses()
    if not guesses:
        return None
    # All guesses are followed with the hyperparameters of the first, the best answer with its own.
    fell = guesses[0]
    regimes = cells.fitted(fell)
    answers = [told for guess in guesses if cells.are_two(told := regimes.told(guess))]
    if not answers:
        return None
    told = max(answers, key=regimes.log_density)
    for _ in range(MAX_REFITS):
        if (told == fell).all():
            break
        fell = told
        regimes = cells.fitted(fell)
        told = regimes.told(fell)
        if not cells.are_two(told):
            return None
    shown_by, drop = regimes.most_dropped(fell)
    if drop < MIN_DROP:
        return None
    gain = regimes.log_density(fell) - cells.log_density_of_one_regime()
    judge = replace(regimes.judge, name=f"{shown_by}{ABOVE_CLIFF}")
    return Cliff(fell, gain, shown_by, regimes.outcomes.models, judge)


def worse_group(worth: np.ndarray) -> tuple[np.ndarray, float]:
    """Return `(n,)` booleans for the worse of Otsu's two groups, and how much of the variance the two explain.

    The groups are those of doi 10.1109/TSMC.1979.4310076. All False where there are too few cells for groups.

    Args:
        worth: `(n,)` values, more is better; NaN where not measured.
    """
    nothing = np.zeros(len(worth), dtype=bool)
    order = np.sort(worth[np.isfinite(worth)])
    n = len(order)
    if n < MIN_CELLS or not np.ptp(order) > 0:
        return nothing, 0.0
    sizes = np.arange(1, n)
    total = ((order - order.mean()) ** 2).sum()
    below = np.cumsum(order)[:-1] / sizes
    above = (order.sum() - np.cumsum(order)[:-1]) / (n - sizes)
    explained = sizes * (n - sizes) / n * (above - below) ** 2 / total
    low = worth <= order[int(np.argmax(explained))]
    return (np.asarray(low), float(explained.max())) if low.sum() >= MIN_FALLEN else (nothing, 0.0)


class _Cells:
    """The cells while a cliff is looked for; worth is in standard deviations of each outcome, more is better."""

    def __init__(
        self,
        fits: CellFits,
        whole: Mapping[str, OutcomeModel],
        met: Mapping[str, np.ndarray],
    ) -> None:
        self.fits, self.whole, self.signs = fits, whole, fits.better_sides
        n = len(fits.observations)
        self.worth = np.full((n, len(whole)), np.nan)
        for column, model in enumerate(whole.values()):
            self.worth[model.rows, column] = self.signs[model.outcome] * model.values
        self.is_known = np.isfinite(self.worth).any(axis=1)
        is_good = np.all([met.get(outcome, np.zeros(n, dtype=bool)) for outcome in whole], axis=0)
        self.may_fall = self.is_known & ~is_good
        # More cells hardly move the answer but cost their cube; what the others are is then predicted.
        known = np.flatnonzero(self.is_known)
        self.is_used = np.isin(np.arange(n), known[rows_to_fit(known, fits.seed)])
        self._error, self._variance = _Outcomes(self, whole).errors(np.zeros(n, dtype=bool))

    def guesses(self) -> list[np.ndarray]:
        """Return guesses of which cells fell: where one outcome, all, or what no recipe explains have two groups."""
        clearest = max(self.worth.T, key=lambda worth: worse_group(worth)[1])
        found: list[np.ndarray] = []
        for worth in (clearest, _sums(self.worth), _sums(self._error / np.sqrt(self._variance))):
            low = worse_group(worth)[0] & self.may_fall
            if self.are_two(low) and not any((low == other).all() for other in found):
                found.append(low)
        return found

    def are_two(self, fell: np.ndarray) -> bool:
        """Whether there are enough cells on both sides."""
        return int(fell.sum()) >= MIN_FALLEN and int((self.is_known & ~fell).sum()) >= MIN_SOUND

    def log_density_of_one_regime(self) -> float:
        """Return the logarithm of how likely the cells are without a cliff."""
        return float(_log_normal(self._error, self._variance)[self.is_used].sum())

    def fitted(self, fell: np.ndarray) -> _Regimes:
        """Return the regimes fitted to what the cells are taken for; an outcome without values above keeps its fit."""
        models = {outcome: self.fits.fit(outcome, fell)[0] or model for outcome, model in self.whole.items()}
        return _Regimes(self, models, self.fits.judge("", np.where(self.is_known, 1.0 - fell, np.nan))[0])


class _Outcomes:
    """The outcomes above the cliff, with hyperparameters held."""

    def __init__(self, cells: _Cells, models: Mapping[str, OutcomeModel]) -> None:
        self.models = models
        self._worth = cells.worth
        self._processes = [_Process(cells, column, model) for column, model in enumerate(models.values())]

    def errors(self, fell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `(n, m)` errors of worth as if above the cliff, and their variances, each from the other cells there.

        NaN where nothing was measured.
        """
        means, variances = zip(*[process.predicted(fell) for process in self._processes], strict=True)
        return self._worth - np.column_stack(means), np.column_stack(variances)


class _Regimes:
    """The outcomes above the cliff and where it lies, with hyperparameters held."""

    def __init__(self, cells: _Cells, models: Mapping[str, OutcomeModel], judge: FeasibilityModel) -> None:
        self.cells, self.outcomes, self.judge = cells, _Outcomes(cells, models), judge
        latent, features = judge.gp, cells.fits.features
        self._used = np.flatnonzero(cells.is_used)
        self._used_features = features[self._used]
        self._cross = kernel(latent.shape, latent.hyperparameters, features, self._used_features)
        self._prior_mean, self._prior_variance = latent.shape.prior_mean(features), latent.prior_variance(features)

    def log_densities(self, fell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `(n,)` logarithms of how likely each cell is to be above the cliff with its worth, and below it."""
        error, variance = self.outcomes.errors(fell)
        drop, spread = self._drops(error, variance, fell)
        chance = self._chance_above(fell)
        above = _log_normal(error, variance).sum(axis=1) + np.log(chance)
        return above, _log_normal(error + drop, variance + spread).sum(axis=1) + np.log1p(-chance)

    def log_density(self, fell: np.ndarray) -> float:
        """Return the logarithm of how likely the cells are altogether."""
        return float(np.logaddexp(*self.log_densities(fell))[self.cells.is_used].sum())

    def told(self, fell: np.ndarray) -> np.ndarray:
        """Return which cells fell once each is what it is likelier to be; of answers that alternate, the last."""
        seen = [fell]
        for _ in range(MAX_ROUNDS):
            above, below = self.log_densities(seen[-1])
            fell = self.cells.may_fall & (below > above)
            if any((fell == other).all() for other in seen) or not self.cells.are_two(fell):
                break
            seen.append(fell)
        return fell

    def most_dropped(self, fell: np.ndarray) -> tuple[str, float]:
        """Return the outcome whose fallen cells lie lowest, against what its process leaves open, and its drop."""
        error, variance = self.outcomes.errors(fell)
        lowness = np.nansum((-error / np.sqrt(variance))[fell], axis=0)
        column = int(np.argmax(lowness))
        return list(self.outcomes.models)[column], float(self._drops(error, variance, fell)[0][column])

    def _drops(self, error: np.ndarray, variance: np.ndarray, fell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the `(m,)` drops, none of them upwards, and how much these vary from cell to cell, as a variance."""
        weight = np.where(np.isfinite(error[fell]), 1.0 / variance[fell], 0.0)
        drop = np.maximum(-(np.nan_to_num(error[fell]) * weight).sum(axis=0) / weight.sum(axis=0).clip(1e-9), 0.0)
        scatter = np.nansum((error[fell] + drop) ** 2 - variance[fell], axis=0).clip(0.0)
        return drop, (scatter + DROP_SPREAD**2) / (np.isfinite(error[fell]).sum(axis=0) + 1.0)

    def _chance_above(self, fell: np.ndarray) -> np.ndarray:
        """Return `(n,)` chances to be above the cliff by the recipe, from what the other cells are taken for."""
        gp, used = self.judge.gp, self._used
        side = torch.as_tensor(np.where(fell[used], -1.0, 1.0))
        latent = condition_label(gp.shape, gp.hyperparameters, self._used_features, side, self._cross[used])
        mean, variance = latent.mean_and_variance_across(self._cross, self._prior_mean, self._prior_variance)
        others_mean, others_variance = latent.leave_one_out()
        mean[used], variance[used] = others_mean, (others_variance - latent.noise).clamp_min(1e-9)
        chance = torch.special.ndtr(mean / (variance + LABEL_NOISE).sqrt()).numpy(force=True)
        return np.asarray(chance.clip(1.0 - SUREST, SUREST))


class _Process:
    """One outcome above the cliff, conditioned on whichever cells are taken to be there."""

    def __init__(self, cells: _Cells, column: int, model: OutcomeModel) -> None:
        gp, features, before = model.gp, cells.fits.features, cells.whole[model.outcome].scale
        self._shape, self._hyperparameters = gp.shape, gp.hyperparameters
        # From the units of this fit to those of the fit to all cells, more is better.
        self._factor = cells.signs[model.outcome] * model.scale.spread / before.spread
        self._shift = cells.signs[model.outcome] * (model.scale.center - before.center) / before.spread
        self._targets = torch.as_tensor((cells.worth[:, column] - self._shift) / self._factor)
        measured = cells.fits.observations[model.outcome].to_numpy(float)
        sem = cells.fits.observations[f"{model.outcome}_sem"].to_numpy(float)
        noise = model.scale.sem_to_standard(measured, sem) ** 2
        noise = np.where(np.isfinite(noise), noise, np.exp(gp.hyperparameters.log_noise))
        noise[model.rows] = gp.noise.numpy(force=True)
        self._noise = torch.as_tensor(noise)
        self._rows = np.flatnonzero(cells.is_used & np.isfinite(cells.worth[:, column]))
        self._features = features[self._rows]
        self._cross = kernel(gp.shape, gp.hyperparameters, features, self._features)
        self._prior_mean, self._prior_variance = gp.shape.prior_mean(features), gp.prior_variance(features)

    def predicted(self, fell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `(n,)` means and variances of measured worth, each from the other cells that did not fall."""
        here = ~fell[self._rows]
        rows, cross = self._rows[here], self._cross[:, here]
        gp = GaussianProcess.from_data(self._shape, self._hyperparameters, self._features[here], self._targets[rows],
                                       self._noise[rows], cross[rows])  # fmt: skip
        mean, variance = gp.mean_and_variance_across(cross, self._prior_mean, self._prior_variance)
        variance = variance + self._noise
        mean[rows], variance[rows] = gp.leave_one_out()
        return self._factor * mean.numpy(force=True) + self._shift, self._factor**2 * variance.numpy(force=True)


def _sums(worth: np.ndarray) -> np.ndarray:
    """Return `(n,)` sums over what was measured, NaN where nothing was."""
    return np.where(np.isfinite(worth).any(axis=1), np.nansum(worth, axis=1), np.nan)


def _log_normal(error: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return logarithms of normal densities but for a constant; 0 where there is no value."""
    return np.where(np.isfinite(error), -0.5 * (error**2 / variance + np.log(variance)), 0.0)
