"""Which hyperparameters the observations of one outcome leave possible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from afssb_opt.strategies.surrogate import JITTER, Hyperparameters, KernelShape, trend_weight

# More observations than this hardly move the hyperparameters but cost n^3 per step.
MAX_FIT_ROWS: Final = 100
# Beyond that they are fitted anew only once there are so many times as many observations.
GROWTH: Final = 1.1
# Fits remembered, far more than one proposal makes.
N_REMEMBERED: Final = 128

# Objective where the covariance cannot be factorised; no likelihood of standardised values is this bad.
IMPOSSIBLE: Final = 1e10

# Log-normal prior of length scales as in BoTorch >= 0.12 (Hvarfner et al. 2024, arXiv 2402.02229).
LENGTH_LOC: Final = math.sqrt(2.0)
LENGTH_SCALE: Final = math.sqrt(3.0)
# Log-normal prior of the noise variance, same source; 2 % noise of the range lies at its centre.
NOISE_LOC: Final = -5.0
NOISE_SCALE: Final = 1.5
# The total variance of standardised values is near 1; a factor of three either way is unsurprising.
SIGNAL_SCALE: Final = 1.0


def length_prior(shape: KernelShape) -> tuple[float, float]:
    """Return centre and width of the normal prior of the log length scales.

    The centre is the mode of BoTorch's log-normal density, so that both give the same point estimate.
    """
    return LENGTH_LOC + 0.5 * math.log(shape.n_groups) - LENGTH_SCALE**2, LENGTH_SCALE


def default_hyperparameters(shape: KernelShape) -> Hyperparameters:
    """Return the most probable hyperparameters before any data."""
    lengths = torch.full((shape.n_groups,), length_prior(shape)[0], dtype=torch.float64)
    return Hyperparameters(lengths, torch.as_tensor(shape.log_shares), NOISE_LOC)


def rows_to_fit(rows: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
    """Return which of the observations the hyperparameters are fitted to, as positions among them.

    Of many they stay the same until there are `GROWTH` times as many, but for any that is taken away.

    Args:
        rows: `(n,)` ascending numbers of the observations in the campaign.
        seed: Of the choice.
    """
    if len(rows) <= MAX_FIT_ROWS:
        return np.arange(len(rows))
    steps = math.floor(math.log(len(rows) / MAX_FIT_ROWS, GROWTH))
    early = rows[: math.floor(MAX_FIT_ROWS * GROWTH**steps)]
    rank = np.random.default_rng(seed).random(early[-1] + 1)[early]
    return np.sort(np.argsort(rank)[:MAX_FIT_ROWS])


def fit_hyperparameters(shape: KernelShape, features: Tensor, targets: Tensor, known_noise: Tensor) -> Hyperparameters:
    """Return the most probable hyperparameters; those of the latest data are remembered.

    Args:
        shape: Terms and groups.
        features: `(n, n_columns)`.
        targets: `(n,)` standardised values.
        known_noise: `(n,)` noise variances; NaN where unknown, to be estimated.
    """
    return most_probable(FitData(shape, features, targets, known_noise))


@dataclass(frozen=True, eq=False)
class FitData:
    """What hyperparameters are fitted to; equal where every number is, on one device."""

    shape: KernelShape
    features: Tensor
    targets: Tensor
    known_noise: Tensor

    @cached_property
    def _numbers(self) -> tuple[bytes | str, ...]:
        shape = self.shape
        parts = (shape.groups, shape.terms, shape.log_shares, shape.degrees, shape.trend_columns,
                 shape.bowl_columns, np.array(shape.better_side))  # fmt: skip
        of_data = (part.numpy(force=True) for part in (self.features, self.targets, self.known_noise))
        return (str(self.features.device), *(part.tobytes() for part in (*parts, *of_data)))

    def __hash__(self) -> int:
        return hash(self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FitData) and self._numbers == other._numbers


@lru_cache(maxsize=N_REMEMBERED)
def most_probable(data: FitData) -> Hyperparameters:
    """Return the most probable hyperparameters of data, computed once for the same numbers."""
    objective = NegativeLogPosterior(data.shape, data.features, data.targets, data.known_noise)
    found = minimize(objective, objective.start(), jac=True, method="L-BFGS-B", bounds=objective.bounds(),
                     options={"maxiter": 80, "ftol": 1e-5, "gtol": 1e-3})  # fmt: skip
    if not found.fun < IMPOSSIBLE:
        return default_hyperparameters(data.shape)
    return objective.unpack(found.x)


class NegativeLogPosterior:
    """Negative log marginal likelihood plus priors with its closed-form gradient."""

    def __init__(self, shape: KernelShape, features: Tensor, targets: Tensor, known_noise: Tensor) -> None:
        self.shape, self.residuals = shape, targets - shape.prior_mean(features)
        n = len(targets)
        # Each pair of observations once: the lower triangle, which is all that the factorisation reads.
        self.pairs = torch.tril_indices(n, n)
        bowl = shape.bowl(features)
        self.fixed = shape.fixed_covariance(bowl[self.pairs[0]], bowl[self.pairs[1]])
        self.multiplicity = torch.where(self.pairs[0] == self.pairs[1], 1.0, 2.0).double()
        self.distances = torch.zeros((shape.n_groups, self.pairs.shape[1]), dtype=torch.float64)
        for column, group in enumerate(shape.groups):
            values = features[:, column]
            self.distances[group] += (values[self.pairs[0]] - values[self.pairs[1]]) ** 2
        self.unknown = torch.isnan(known_noise)
        self.known_noise = torch.nan_to_num(known_noise, nan=0.0)
        patterns, self.pattern_of = shape.patterns
        self.patterns = torch.as_tensor(patterns, dtype=torch.float64)
        self.trends = [
            None if trend is None else trend[self.pairs[0], self.pairs[1]] for trend in shape.trends(features, features)
        ]
        loc, scale = length_prior(shape)
        self.centre = np.concatenate([np.full(shape.n_groups, loc), shape.log_shares, [NOISE_LOC]])
        self.width = np.concatenate(
            [np.full(shape.n_groups, scale), np.full(shape.n_terms, SIGNAL_SCALE), [NOISE_SCALE]]
        )

    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds outside of which nothing is decided by the data any more."""
        lengths = [(math.log(0.05), math.log(50.0))] * self.shape.n_groups
        return [*lengths, *[(-9.0, 5.0)] * self.shape.n_terms, (math.log(1e-5), 0.0)]

    def start(self) -> np.ndarray:
        """Return where the search begins: the prior's centre with smooth length scales."""
        start = self.centre.copy()
        start[: self.shape.n_groups] = math.log(0.8)
        return start

    def unpack(self, x: np.ndarray) -> Hyperparameters:
        """Return the hyperparameters of a point of the search."""
        g = self.shape.n_groups
        return Hyperparameters(torch.as_tensor(x[:g].copy()), torch.as_tensor(x[g:-1].copy()), float(x[-1]))

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient at one point."""
        g, n = self.shape.n_groups, len(self.residuals)
        inverse = torch.exp(-2.0 * torch.as_tensor(x[:g]))
        variances = torch.as_tensor(np.exp(x[g:-1]))
        noise = math.exp(x[-1])
        shared = self.fixed.clone()
        parts = []
        for row, pattern in enumerate(self.patterns):
            correlation, slope = matern((pattern * inverse) @ self.distances)
            weight = trend_weight(variances, self.trends, self.pattern_of == row)
            shared += weight * correlation
            parts.append((correlation, weight * slope))
        covariance = torch.zeros((n, n), dtype=torch.float64)
        covariance[self.pairs[0], self.pairs[1]] = shared
        covariance.diagonal().add_(self.known_noise + noise * self.unknown.double() + JITTER)
        factor, info = torch.linalg.cholesky_ex(covariance)
        if int(info):
            return IMPOSSIBLE, np.zeros_like(x)
        precision = torch.cholesky_inverse(factor)
        weights = precision @ self.residuals
        sensitivity = 0.5 * (precision - torch.outer(weights, weights))
        value = 0.5 * float(self.residuals @ weights) + float(factor.diagonal().log().sum())
        gradient = np.empty_like(x)
        by_pair = sensitivity[self.pairs[0], self.pairs[1]] * self.multiplicity
        by_length = torch.zeros(g, dtype=torch.float64)
        for pattern, (_, slope) in zip(self.patterns, parts, strict=True):
            by_length += pattern * (self.distances @ (by_pair * slope))
        for index, (row, trend) in enumerate(zip(self.pattern_of, self.trends, strict=True)):
            slope_of = parts[row][0] if trend is None else parts[row][0] * trend
            gradient[g + index] = float(variances[index]) * float(by_pair @ slope_of)
        gradient[:g] = (-2.0 * inverse * by_length).numpy(force=True)
        gradient[-1] = noise * float(sensitivity.diagonal()[self.unknown].sum())
        deviation = (x - self.centre) / self.width
        return value + 0.5 * float(deviation @ deviation), gradient + deviation / self.width


def matern(squared: Tensor) -> tuple[Tensor, Tensor]:
    """Return the Matern-5/2 correlation and its derivative by the squared distance."""
    distance = torch.sqrt(5.0 * squared)
    decay = torch.exp(-distance)
    slope = (1.0 + distance) * decay
    return slope + (5.0 / 3.0) * squared * decay, (-5.0 / 6.0) * slope
