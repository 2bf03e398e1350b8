"""What the data say about one outcome: Gaussian processes that differ in their hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor

from afssb_opt.strategies.encoding import Encoding

# Relative nugget: keeps repeated designs invertible and is far below any laboratory noise.
JITTER: Final = 1e-6
# Variance of the unknown mean of standardised values: a dozen cells need not be typical of the space.
MEAN_VARIANCE: Final = 1.0
# Who sets bounds expects the best designs well inside them: before data an outcome is worse in the corners than in the
# middle of all ranges by so many of its standard deviations. That depth has a variance, so cells that say otherwise
# soon overrule it (docs/decisions/0004).
BOWL_DEPTH: Final = 3.0
BOWL_VARIANCE: Final = 4.0
# Expected part of the variance that prior data explain; measured in docs/decisions/0008.
PRIOR_SHARE: Final = 0.5


# Expected part of the variance of each term before data. With three times as much for parabola and slopes the best
# front is predicted with a quarter less error than without, but campaigns go to the corners, least known to these
# (docs/decisions/0004).
SHARES: Final = {"rest": 0.15, "numeric": 0.25, "levels": 0.25, "slopes": 0.1, "parabola": 0.1}


# Share of a line through numeric variables and descriptors in the variance of labels, beside the terms above: with none
# of it, cells far beyond a boundary were proposed again; with 1 the boundary could not bend (docs/decisions/0004).
LABEL_LINE: Final = 0.3
# The latent process of a label may reach four standard deviations: boundaries are steep.
LABEL_VARIANCE: Final = 16.0


@dataclass(frozen=True)
class KernelShape:
    """Sum of terms, each a variance times a Matern-5/2 correlation over groups of features times a trend.

    A trend of degree 0 is 1; of degree 1 or 2 it is a straight line, or a parabola without products, in its columns.
    Beside them stand an unknown mean and a bowl of unknown depth in the numeric variables.

    Attributes:
        groups: `(n_columns,)` group per feature column.
        terms: `(n_terms, n_groups)` booleans, which groups each term's correlation looks at; without any it is 1.
        log_shares: `(n_terms,)` prior centre of the logarithm of each term's variance.
        degrees: `(n_terms,)` degree of each term's trend.
        trend_columns: `(n_terms, n_columns)` booleans, the columns of each term's trend.
        bowl_columns: `(n_columns,)` booleans, the columns of numeric variables.
        better_side: +1 where more of the outcome is better, -1 where less is; 0 where neither, then there is no bowl.
    """

    groups: np.ndarray
    terms: np.ndarray
    log_shares: np.ndarray
    degrees: np.ndarray
    trend_columns: np.ndarray
    bowl_columns: np.ndarray
    better_side: float = 0.0

    @property
    def n_groups(self) -> int:
        """Number of length scales."""
        return int(self.terms.shape[1])

    @property
    def n_terms(self) -> int:
        """Number of variances."""
        return len(self.log_shares)

    @cached_property
    def patterns(self) -> tuple[np.ndarray, np.ndarray]:
        """The different rows of `terms`, and which of them each term has; terms share their correlations."""
        rows, row_of = np.unique(self.terms, axis=0, return_inverse=True)
        return rows, row_of.ravel()

    @cached_property
    def blocks(self) -> tuple[np.ndarray, list[Tensor]]:
        """Columns that the same patterns look at: `(n_patterns, n_blocks)` booleans, and the columns of each block."""
        looks_at, block_of = np.unique(self.patterns[0], axis=1, return_inverse=True)
        columns = [np.flatnonzero(block_of.ravel()[self.groups] == block) for block in range(looks_at.shape[1])]
        return looks_at, [torch.as_tensor(found) for found in columns]

    @classmethod
    def for_encoding(cls, encoding: Encoding) -> KernelShape:
        """Build the shape of one outcome from what is usual of recipes: main effects, then a parabola, then the rest.

        One term looks at everything, one is a parabola in the numeric variables and descriptors. With levels, one
        each looks at the numeric variables alone and the levels alone, and one is a slope per level.
        """
        levels = encoding.is_level_group
        numeric = ~levels[encoding.groups]
        everything, nothing = np.ones(encoding.n_groups, dtype=bool), np.zeros(encoding.n_groups, dtype=bool)
        none = np.zeros(len(encoding.groups), dtype=bool)
        terms: list[tuple[np.ndarray, int, np.ndarray, float]] = [(everything, 0, none, SHARES["rest"])]
        if levels.any() and not levels.all():
            terms = [
                *terms,
                (~levels, 0, none, SHARES["numeric"]),
                (levels, 0, none, SHARES["levels"]),
                (levels, 1, numeric, SHARES["slopes"]),
            ]
        if encoding.is_number.any():
            terms.append((nothing, 2, encoding.is_number, SHARES["parabola"]))
        looks_at, degrees, columns, shares = zip(*terms, strict=True)
        total = sum(shares)
        return cls(
            encoding.groups,
            np.array(looks_at),
            np.log(np.array(shares) / total),
            np.array(degrees),
            np.array(columns),
            np.arange(len(encoding.groups)) < len(encoding.space.numeric),
        )

    @classmethod
    def for_outcome(cls, encoding: Encoding, outcome: str | None) -> KernelShape:
        """Build the shape for one outcome: with prior data on it, two more terms over what these predict.

        With None no prior data are asked.
        """
        if encoding.prior is None:
            return cls.for_encoding(encoding)
        plain = cls.for_encoding(encoding.prior.plain)
        n_further = len(encoding.prior.outcomes)
        no_groups = np.zeros((plain.n_terms, n_further), dtype=bool)
        terms, trend_columns = np.hstack([plain.terms, no_groups]), np.hstack([plain.trend_columns, no_groups])
        shares, degrees = plain.log_shares, plain.degrees
        if outcome in encoding.prior.outcomes:
            # A line in the prediction takes up bias and scale, the correlation what bends it.
            prior_group, prior_column = np.zeros((2, terms.shape[1]), dtype=bool), np.zeros_like(trend_columns[:2])
            position = encoding.prior.outcomes.index(outcome)
            prior_group[0, plain.n_groups + position] = True
            prior_column[1, len(plain.groups) + position] = True
            terms, trend_columns = np.vstack([terms, prior_group]), np.vstack([trend_columns, prior_column])
            shares = np.append(shares + np.log(1.0 - PRIOR_SHARE), np.log([PRIOR_SHARE / 2.0] * 2))
            degrees = np.append(degrees, [0, 1])
        bowl_columns = np.append(plain.bowl_columns, np.zeros(n_further, dtype=bool))
        return cls(encoding.groups, terms, shares, degrees, trend_columns, bowl_columns)

    def for_labels(self) -> KernelShape:
        """Return the shape for pass/fail labels: a boundary is about a plane, which a line crosses once."""
        is_line, is_slope = self.degrees == 2, (self.degrees == 1) & self.terms.any(axis=1)
        kept = ~is_slope
        shares = np.where(is_line, np.log(LABEL_LINE), self.log_shares)[kept]
        return KernelShape(
            self.groups,
            self.terms[kept],
            shares - np.log(np.exp(shares).sum() / LABEL_VARIANCE),
            np.minimum(self.degrees[kept], 1),
            self.trend_columns[kept],
            self.bowl_columns,
        )

    def bowl(self, features: Tensor) -> Tensor:
        """Return `(..., n)` heights of the bowl: 0 in the middle of all ranges, 1 in the corners."""
        if not self.better_side or not self.bowl_columns.any():
            return torch.zeros(features.shape[:-1], dtype=torch.float64)
        return ((2.0 * features[..., self._bowl_index] - 1.0) ** 2).mean(dim=-1)

    def prior_mean(self, features: Tensor) -> Tensor:
        """Return `(..., n)` means before any data, in standard deviations."""
        return -self.better_side * BOWL_DEPTH * self.bowl(features)

    def fixed_covariance(self, bowl_a: Tensor, bowl_b: Tensor) -> Tensor:
        """Return the covariance that unknown mean and depth bring to designs at these heights of the bowl."""
        return MEAN_VARIANCE + BOWL_VARIANCE * bowl_a * bowl_b

    def trends(self, a: Tensor, b: Tensor) -> list[Tensor | None]:
        """Return per term the `(..., n_a, n_b)` products of its trend at two sets of features; None for degree 0."""
        at_a, at_b = self._trend_features(a), self._trend_features(b)
        return [None if x is None or y is None else x @ y.mT for x, y in zip(at_a, at_b, strict=True)]

    def trend_variances(self, features: Tensor) -> Tensor:
        """Return `(n_terms, ..., n)` products of each term's trend with itself."""
        one = torch.ones(features.shape[:-1], dtype=torch.float64)
        return torch.stack([one if x is None else (x * x).sum(-1) for x in self._trend_features(features)])

    def _trend_features(self, features: Tensor) -> list[Tensor | None]:
        """Return per term its columns moved to -1 to 1, and for a parabola their squares, divided by their number."""
        centred = 2.0 * features - 1.0
        found: list[Tensor | None] = []
        for degree, columns in zip(self.degrees, self._trend_index, strict=True):
            if not degree:
                found.append(None)
                continue
            line = centred[..., columns]
            found.append((line if degree == 1 else torch.cat([line, line * line], dim=-1)) / len(columns) ** 0.5)
        return found

    @cached_property
    def _bowl_index(self) -> Tensor:
        return torch.as_tensor(np.flatnonzero(self.bowl_columns))

    @cached_property
    def _trend_index(self) -> list[Tensor]:
        return [torch.as_tensor(np.flatnonzero(columns)) for columns in self.trend_columns]


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
        cls,
        shape: KernelShape,
        hyperparameters: Hyperparameters,
        features: Tensor,
        targets: Tensor,
        noise: Tensor,
        covariance: Tensor | None = None,
    ) -> GaussianProcess:
        """Condition the process on data, whose `kernel` may be given where it is known already."""
        if covariance is None:
            covariance = kernel(shape, hyperparameters, features, features)
        factor = torch.linalg.cholesky(covariance + torch.diag(noise + JITTER))
        weights = torch.cholesky_solve((targets - shape.prior_mean(features))[:, None], factor)[:, 0]
        return cls(shape, hyperparameters, features, targets, noise, factor, weights)

    def prior_variance(self, features: Tensor) -> Tensor:
        """Return `(n,)` variances before any data."""
        return prior_variance(self.shape, self.hyperparameters, features)

    def mean_and_variance(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of the noise-free outcome."""
        cross = kernel(self.shape, self.hyperparameters, features, self.features)
        return self.mean_and_variance_across(cross, self.shape.prior_mean(features), self.prior_variance(features))

    def mean_and_variance_across(
        self, cross: Tensor, prior_mean: Tensor, prior_variance: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the same from `(n, n_data)` prior covariances with the data, and what is expected before any data."""
        solved = torch.linalg.solve_triangular(self.factor, cross.T, upper=False)
        return prior_mean + cross @ self.weights, (prior_variance - (solved**2).sum(0)).clamp_min(1e-12)

    def joint(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n,)` mean and `(n, n)` covariance of the noise-free outcome."""
        cross = kernel(self.shape, self.hyperparameters, features, self.features)
        solved = torch.linalg.solve_triangular(self.factor, cross.T, upper=False)
        prior = kernel(self.shape, self.hyperparameters, features, features)
        return self.shape.prior_mean(features) + cross @ self.weights, prior - solved.T @ solved

    def leave_one_out(self) -> tuple[Tensor, Tensor]:
        """Return `(n,)` means and variances of each observation, noise included, predicted from the others."""
        precision = torch.cholesky_inverse(self.factor)
        variance = 1.0 / precision.diagonal()
        return self.targets - self.weights * variance, variance


def prior_variance(shape: KernelShape, hyperparameters: Hyperparameters, features: Tensor) -> Tensor:
    """Return `(..., n)` variances before any data of `(..., n, n_columns)` features, mean and depth being unknown."""
    bowl = shape.bowl(features)
    of_terms = torch.tensordot(hyperparameters.log_variances.exp(), shape.trend_variances(features), 1)
    return of_terms + shape.fixed_covariance(bowl, bowl)


def kernel(shape: KernelShape, hyperparameters: Hyperparameters, a: Tensor, b: Tensor) -> Tensor:
    """Return `(..., n_a, n_b)` prior covariances of `(..., n_a, n_columns)` and `(..., n_b, n_columns)` features.

    Unknown mean and depth are included.
    """
    scale = torch.exp(-hyperparameters.log_lengths)[torch.as_tensor(shape.groups)]
    scaled_a, scaled_b = a * scale, b * scale
    looks_at, blocks = shape.blocks
    distances = [_squared_distance(scaled_a[..., columns], scaled_b[..., columns]) for columns in blocks]
    trends = shape.trends(a, b)
    variances = hyperparameters.log_variances.exp()
    total = shape.fixed_covariance(shape.bowl(a)[..., :, None], shape.bowl(b)[..., None, :])
    for row, pattern in enumerate(looks_at):
        weight = trend_weight(variances, trends, shape.patterns[1] == row)
        if pattern.any():
            squared = torch.stack([distances[block] for block in np.flatnonzero(pattern)]).sum(0)
            total += _correlation(squared).mul_(weight)
        else:
            total += weight
    return total


def trend_weight(variances: Tensor, trends: list[Tensor | None], chosen: np.ndarray) -> Tensor:
    """Return what the correlation that the chosen terms share is multiplied by: a number or `(n_a, n_b)`."""
    weight = torch.zeros((), dtype=torch.float64)
    for row in np.flatnonzero(chosen):
        trend = trends[row]
        weight = weight + (variances[row] if trend is None else variances[row] * trend)
    return weight


def _squared_distance(a: Tensor, b: Tensor) -> Tensor:
    squared = (a @ b.mT).mul_(-2.0)
    return squared.add_((a**2).sum(-1)[..., :, None]).add_((b**2).sum(-1)[..., None, :]).clamp_min_(0.0)


def _correlation(squared: Tensor) -> Tensor:
    """Return the Matern-5/2 correlation."""
    distance = torch.sqrt(5.0 * squared)
    decay = torch.exp(-distance)
    return distance.add_(1.0).add_(squared, alpha=5.0 / 3.0).mul_(decay)
