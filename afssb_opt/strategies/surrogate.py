"""What the data say about one outcome: a Gaussian process fitted to a maximum of its posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from afssb_opt.strategies.encoding import Encoding

# Relative nugget: keeps repeated designs invertible and is far below any laboratory noise.
JITTER: Final = 1e-6
# Variance of the unknown mean of standardised values: a dozen cells need not be typical of the space.
MEAN_VARIANCE: Final = 1.0
# More observations than this hardly move the hyperparameters but cost n^3 per step.
MAX_FIT_ROWS: Final = 100

# Hyperparameter sets per outcome; they are averaged over.
N_MEMBERS: Final = 4
# Width of their spread relative to the curvature of the posterior.
SPREAD: Final = 1.0

# Log-normal prior of length scales as in BoTorch >= 0.12 (Hvarfner et al. 2024, arXiv 2402.02229).
LENGTH_LOC: Final = math.sqrt(2.0)
LENGTH_SCALE: Final = math.sqrt(3.0)
# Log-normal prior of the noise variance, same source; 2 % noise of the range lies at its centre.
NOISE_LOC: Final = -5.0
NOISE_SCALE: Final = 1.5
# The total variance of standardised values is near 1; a factor of three either way is unsurprising.
SIGNAL_SCALE: Final = 1.0


@dataclass(frozen=True)
class KernelShape:
    """Sum of Matern-5/2 terms over groups of features.

    Attributes:
        groups: `(n_columns,)` group per feature column.
        terms: `(n_terms, n_groups)` booleans, which groups each term looks at.
        log_shares: `(n_terms,)` prior centre of the logarithm of each term's variance.
    """

    groups: np.ndarray
    terms: np.ndarray
    log_shares: np.ndarray

    @property
    def n_groups(self) -> int:
        """Number of length scales."""
        return int(self.terms.shape[1])

    @property
    def n_terms(self) -> int:
        """Number of variances."""
        return len(self.log_shares)

    @classmethod
    def for_encoding(cls, encoding: Encoding) -> KernelShape:
        """Build the shape: one term over everything and, with levels, one over the numeric variables alone."""
        everything = np.ones(encoding.n_groups, dtype=bool)
        if encoding.is_level_group.any() and not encoding.is_level_group.all():
            terms = np.array([everything, ~encoding.is_level_group, encoding.is_level_group])
            shares = np.log([0.5, 0.25, 0.25])
        else:
            terms, shares = everything[None, :], np.zeros(1)
        return cls(encoding.groups, terms, shares)


@dataclass(frozen=True)
class Hyperparameters:
    """Point estimate of one outcome's kernel, all in logarithms of standardised units."""

    log_lengths: Tensor
    log_variances: Tensor
    log_noise: float


@dataclass(frozen=True)
class GaussianProcess:
    """Posterior of one outcome in standardised units.

    Attributes:
        features: `(n, n_columns)` training features.
        targets: `(n,)` standardised values.
        noise: `(n,)` noise variances, known or estimated.
    """

    shape: KernelShape
    hyperparameters: Hyperparameters
    features: Tensor
    targets: Tensor
    noise: Tensor
    _factor: Tensor = field(repr=False)
    _weights: Tensor = field(repr=False)

    @classmethod
    def from_data(
        cls, shape: KernelShape, hyperparameters: Hyperparameters, features: Tensor, targets: Tensor, noise: Tensor
    ) -> GaussianProcess:
        """Condition the process on data."""
        covariance = kernel(shape, hyperparameters, features, features)
        factor = torch.linalg.cholesky(covariance + torch.diag(noise + JITTER))
        weights = torch.cholesky_solve(targets[:, None], factor)[:, 0]
        return cls(shape, hyperparameters, features, targets, noise, factor, weights)

    @property
    def prior_variance(self) -> float:
        """Variance far away from all data."""
        return float(self.hyperparameters.log_variances.exp().sum()) + MEAN_VARIANCE

    def mean_and_variance(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of the noise-free outcome."""
        cross = kernel(self.shape, self.hyperparameters, features, self.features)
        solved = torch.linalg.solve_triangular(self._factor, cross.T, upper=False)
        return cross @ self._weights, (self.prior_variance - (solved**2).sum(0)).clamp_min(1e-12)

    def joint(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` mean and `(n, n)` covariance of the noise-free outcome."""
        cross = kernel(self.shape, self.hyperparameters, features, self.features)
        solved = torch.linalg.solve_triangular(self._factor, cross.T, upper=False)
        prior = kernel(self.shape, self.hyperparameters, features, features)
        return cross @ self._weights, prior - solved.T @ solved

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of each observation, noise included, predicted from the others."""
        precision = torch.cholesky_inverse(self._factor)
        variance = 1.0 / precision.diagonal()
        return self.targets - self._weights * variance, variance


@dataclass(frozen=True)
class Ensemble:
    """Gaussian processes of one outcome that differ in their hyperparameters; all count alike."""

    members: tuple[GaussianProcess, ...]

    def mean_and_variance(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of the mixture of all members."""
        return _mixed([member.mean_and_variance(features) for member in self.members])

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of each observation predicted from the others."""
        return _mixed([member.leave_one_out() for member in self.members])


def _mixed(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    means = torch.stack([mean for mean, _ in parts])
    variances = torch.stack([variance for _, variance in parts])
    return means.mean(0), variances.mean(0) + means.var(0, correction=0)


def kernel(shape: KernelShape, hyperparameters: Hyperparameters, a: Tensor, b: Tensor) -> Tensor:
    """Return `(n_a, n_b)` prior covariances, unknown mean included."""
    columns = torch.as_tensor(shape.groups)
    scale = torch.exp(-hyperparameters.log_lengths)[columns]
    scaled_a, scaled_b = a * scale, b * scale
    # Columns that the same terms look at are measured once.
    patterns, block_of = np.unique(shape.terms, axis=1, return_inverse=True)
    blocks = []
    for block in range(patterns.shape[1]):
        used = torch.as_tensor(np.flatnonzero(block_of.ravel()[shape.groups] == block))
        blocks.append(_squared_distance(scaled_a[:, used], scaled_b[:, used]))
    total = torch.full((len(a), len(b)), MEAN_VARIANCE, dtype=torch.float64)
    for pattern, log_variance in zip(patterns, hyperparameters.log_variances, strict=True):
        squared = torch.stack([blocks[block] for block in np.flatnonzero(pattern)]).sum(0)
        total += _correlation(squared).mul_(log_variance.exp())
    return total


def _squared_distance(a: Tensor, b: Tensor) -> Tensor:
    squared = torch.addmm((b**2).sum(1)[None, :], a, b.T, alpha=-2.0)
    return squared.add_((a**2).sum(1)[:, None]).clamp_min_(0.0)


def _correlation(squared: Tensor) -> Tensor:
    """Return the Matern-5/2 correlation."""
    distance = torch.sqrt(5.0 * squared)
    decay = torch.exp(-distance)
    return distance.add_(1.0).add_(squared, alpha=5.0 / 3.0).mul_(decay)


def _matern(squared: Tensor) -> tuple[Tensor, Tensor]:
    """Return the Matern-5/2 correlation and its derivative by the squared distance."""
    distance = torch.sqrt(5.0 * squared)
    decay = torch.exp(-distance)
    slope = (1.0 + distance) * decay
    return slope + (5.0 / 3.0) * squared * decay, (-5.0 / 6.0) * slope


def length_prior(shape: KernelShape) -> tuple[float, float]:
    """Return centre and width of the normal prior of the log length scales.

    The centre is the mode of BoTorch's log-normal density, so that both give the same point estimate.
    """
    return LENGTH_LOC + 0.5 * math.log(shape.n_groups) - LENGTH_SCALE**2, LENGTH_SCALE


def default_hyperparameters(shape: KernelShape) -> Hyperparameters:
    """Return the most probable hyperparameters before any data."""
    lengths = torch.full((shape.n_groups,), length_prior(shape)[0], dtype=torch.float64)
    return Hyperparameters(lengths, torch.as_tensor(shape.log_shares), NOISE_LOC)


def fit_hyperparameters(
    shape: KernelShape, features: Tensor, targets: Tensor, known_noise: Tensor, seed: np.random.SeedSequence
) -> list[Hyperparameters]:
    """Return hyperparameters that the data leave possible, the most probable ones first.

    The others are draws from the normal distribution with the curvature of the posterior at its maximum. One
    maximum alone is far too sure of itself on a dozen cells.

    Args:
        shape: Terms and groups.
        features: `(n, n_columns)`.
        targets: `(n,)` standardised values.
        known_noise: `(n,)` noise variances; NaN where unknown, to be estimated.
        seed: Chooses the draws, and the rows where there are more than `MAX_FIT_ROWS`.
    """
    rng = np.random.default_rng(seed)
    if len(targets) > MAX_FIT_ROWS:
        rows = np.sort(rng.choice(len(targets), MAX_FIT_ROWS, replace=False))
        features, targets, known_noise = features[rows], targets[rows], known_noise[rows]
    objective = NegativeLogPosterior(shape, features, targets, known_noise)
    low, high = np.array(objective.bounds()).T
    found = minimize(objective, objective.start(), jac=True, method="L-BFGS-B", bounds=objective.bounds(),
                     options={"maxiter": 80, "ftol": 1e-5, "gtol": 1e-3})  # fmt: skip
    if not np.isfinite(found.fun):
        return [default_hyperparameters(shape)]
    values, vectors = np.linalg.eigh(objective.curvature(found.x))
    # Where the data say nothing the curvature is that of the prior, never less.
    deviations = 1.0 / np.sqrt(np.maximum(values, 1.0 / objective.width.max() ** 2))
    draws = rng.standard_normal((N_MEMBERS - 1, len(found.x))) * deviations @ vectors.T
    return [objective.unpack(np.clip(x, low, high)) for x in (found.x, *(found.x + SPREAD * draws))]


class NegativeLogPosterior:
    """Negative log marginal likelihood plus priors with its closed-form gradient."""

    def __init__(self, shape: KernelShape, features: Tensor, targets: Tensor, known_noise: Tensor) -> None:
        self.shape, self.targets = shape, targets
        n = len(targets)
        distances = torch.zeros((shape.n_groups, n, n), dtype=torch.float64)
        for column, group in enumerate(shape.groups):
            distances[group] += (features[:, None, column] - features[None, :, column]) ** 2
        self.distances = distances.reshape(shape.n_groups, n * n)
        self.unknown = torch.isnan(known_noise)
        self.known_noise = torch.nan_to_num(known_noise, nan=0.0)
        self.terms = torch.as_tensor(shape.terms, dtype=torch.float64)
        loc, scale = length_prior(shape)
        self.centre = np.concatenate([np.full(shape.n_groups, loc), shape.log_shares, [NOISE_LOC]])
        self.width = np.concatenate(
            [np.full(shape.n_groups, scale), np.full(shape.n_terms, SIGNAL_SCALE), [NOISE_SCALE]]
        )

    def bounds(self) -> list[tuple[float, float]]:
        """Return bounds outside of which nothing is decided by the data any more."""
        lengths = [(math.log(0.05), math.log(50.0))] * self.shape.n_groups
        return [*lengths, *[(-9.0, 3.0)] * self.shape.n_terms, (math.log(1e-5), 0.0)]

    def start(self) -> np.ndarray:
        """Return where the search begins: the prior's centre with smooth length scales."""
        start = self.centre.copy()
        start[: self.shape.n_groups] = math.log(0.8)
        return start

    def curvature(self, x: np.ndarray) -> np.ndarray:
        """Return the `(p, p)` second derivatives, by differences of the gradient."""
        # Wide enough to see past the rounding of the likelihood, narrow against the prior's width.
        step = 0.1
        gradient = self(x)[1]
        rows = [(self(x + step * axis)[1] - gradient) / step for axis in np.eye(len(x))]
        return 0.5 * (np.array(rows) + np.array(rows).T)

    def unpack(self, x: np.ndarray) -> Hyperparameters:
        """Return the hyperparameters of a point of the search."""
        g = self.shape.n_groups
        return Hyperparameters(torch.as_tensor(x[:g].copy()), torch.as_tensor(x[g:-1].copy()), float(x[-1]))

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient at one point."""
        g, n = self.shape.n_groups, len(self.targets)
        inverse = torch.exp(-2.0 * torch.as_tensor(x[:g]))
        variances = np.exp(x[g:-1])
        noise = math.exp(x[-1])
        covariance = torch.full((n * n,), MEAN_VARIANCE, dtype=torch.float64)
        correlations, slopes = [], []
        for term, variance in zip(self.terms, variances, strict=True):
            correlation, slope = _matern((term * inverse) @ self.distances)
            covariance += variance * correlation
            correlations.append(correlation)
            slopes.append(slope)
        covariance = covariance.reshape(n, n)
        covariance.diagonal().add_(self.known_noise + noise * self.unknown + JITTER)
        factor, info = torch.linalg.cholesky_ex(covariance)
        if int(info):
            return 1e10, np.zeros_like(x)
        precision = torch.cholesky_inverse(factor)
        weights = precision @ self.targets
        sensitivity = 0.5 * (precision - torch.outer(weights, weights))
        value = 0.5 * float(self.targets @ weights) + float(factor.diagonal().log().sum())
        gradient = np.empty_like(x)
        flat = sensitivity.reshape(-1)
        by_length = torch.zeros(g, dtype=torch.float64)
        for index, variance in enumerate(variances):
            gradient[g + index] = variance * float(flat @ correlations[index])
            by_length += variance * self.terms[index] * (self.distances @ (flat * slopes[index]))
        gradient[:g] = (-2.0 * inverse * by_length).numpy()
        gradient[-1] = noise * float(sensitivity.diagonal()[self.unknown].sum())
        deviation = (x - self.centre) / self.width
        return value + 0.5 * float(deviation @ deviation), gradient + deviation / self.width
