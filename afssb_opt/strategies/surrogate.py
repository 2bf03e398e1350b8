"""What the data say about one outcome: Gaussian processes that differ in their hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from afssb_opt.strategies.encoding import Encoding

# Relative nugget: keeps repeated designs invertible and is far below any laboratory noise.
JITTER: Final = 1e-6
# Variance of the unknown mean of standardised values: a dozen cells need not be typical of the space.
MEAN_VARIANCE: Final = 1.0
# Expected part of the variance that prior data explain; measured in docs/decisions/0008.
PRIOR_SHARE: Final = 0.5


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

    @classmethod
    def for_outcome(cls, encoding: Encoding, outcome: str) -> KernelShape:
        """Build the shape for one outcome: with prior data on it, one more term over what these predict."""
        if encoding.prior is None:
            return cls.for_encoding(encoding)
        plain = cls.for_encoding(encoding.prior.plain)
        n_further = len(encoding.prior.outcomes)
        terms = np.hstack([plain.terms, np.zeros((plain.n_terms, n_further), dtype=bool)])
        shares = plain.log_shares
        if outcome in encoding.prior.outcomes:
            looks_at_prior = np.zeros((1, terms.shape[1]), dtype=bool)
            looks_at_prior[0, plain.n_groups + encoding.prior.outcomes.index(outcome)] = True
            terms = np.vstack([terms, looks_at_prior])
            shares = np.append(shares + np.log(1.0 - PRIOR_SHARE), np.log(PRIOR_SHARE))
        return replace(plain, groups=encoding.groups, terms=terms, log_shares=shares)


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
    factor: Tensor = field(repr=False)
    weights: Tensor = field(repr=False)

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
        solved = torch.linalg.solve_triangular(self.factor, cross.T, upper=False)
        return cross @ self.weights, (self.prior_variance - (solved**2).sum(0)).clamp_min(1e-12)

    def joint(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` mean and `(n, n)` covariance of the noise-free outcome."""
        cross = kernel(self.shape, self.hyperparameters, features, self.features)
        solved = torch.linalg.solve_triangular(self.factor, cross.T, upper=False)
        prior = kernel(self.shape, self.hyperparameters, features, features)
        return cross @ self.weights, prior - solved.T @ solved

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of each observation, noise included, predicted from the others."""
        precision = torch.cholesky_inverse(self.factor)
        variance = 1.0 / precision.diagonal()
        return self.targets - self.weights * variance, variance


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
