"""How much a design is worth trying: noisy expected (hypervolume) improvement times the chance to be allowed.

The value is that of BoTorch's qLogNEI and qLogNEHVI. What the cells already measured or under test truly are
is sampled; the candidate's own uncertainty is integrated in closed form (Yang et al. 2019,
doi 10.1016/j.swevo.2018.10.007), so that few samples do and the value is smooth down to its tails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from afssb_opt.domain.desirability import WORST
from afssb_opt.strategies.devices import CPU
from afssb_opt.strategies.hypervolume_grid import MAX_COORDINATES, HypervolumeGrid
from afssb_opt.strategies.models import FeasibilityModel
from afssb_opt.strategies.standard_score import StandardScore
from afssb_opt.strategies.surrogate import GaussianProcess, kernel

# Samples of the true values behind noisy data; 16 and 64 gave the same optimisation traces within their spread.
N_SAMPLES: Final = 16
# A design that surely gains nothing is worth up to so much by how little it lacks, else most of a space were alike.
NEARLY: Final = 1e-9
# Posterior variances of observed cells may be this small; less is rounding.
VARIANCE_FLOOR: Final = 1e-8


@dataclass(frozen=True)
class ObjectiveTerm:
    """One objective in the standardised units of its model.

    Attributes:
        model: Position of its model.
        sign: +1 to maximise, -1 to minimise.
        target: Value to hit; replaces the sign.
    """

    model: int
    sign: float = 1.0
    target: float | None = None

    def maximised(self, values: Tensor) -> Tensor:
        """Return values such that more is better."""
        return self.sign * values if self.target is None else -(values - self.target).abs()

    def expected_excess(self, mean: Tensor, sd: Tensor, levels: Tensor) -> Tensor:
        """Return the expectation of the excess of the maximised objective over each level."""
        if self.target is None:
            return _excess(self.sign * mean, sd, levels)
        width = (-levels).clamp_min(0.0)
        return (
            _excess(mean, sd, self.target - width)
            - 2.0 * _excess(mean, sd, torch.as_tensor(self.target, dtype=torch.float64))
            + _excess(mean, sd, self.target + width)
        ).clamp_min(0.0)


@dataclass(frozen=True)
class Limit:
    """Bounds on one model's outcome in its standardised units."""

    model: int
    low: float
    high: float

    def probability(self, mean: Tensor, sd: Tensor) -> Tensor:
        """Return the probability that the outcome lies within the bounds."""
        upper = torch.special.ndtr((self.high - mean) / sd)
        lower = torch.special.ndtr((self.low - mean) / sd)
        return (upper - lower).clamp_min(0.0)

    def holds(self, values: Tensor) -> Tensor:
        """Return booleans for sampled values."""
        return (values >= self.low) & (values <= self.high)


def _excess(mean: Tensor, sd: Tensor, level: Tensor) -> Tensor:
    """Return `E[max(0, f - level)]` of a normal variable."""
    gap = mean - level
    z = gap / sd
    density = torch.exp(-0.5 * z**2) * (1.0 / math.sqrt(2.0 * math.pi))
    return torch.where(z > -6.0, gap * torch.special.ndtr(z) + sd * density, sd * density / (z**2 + 1e-3)).clamp_min(0)


class SampledOutcome:
    """Joint samples of one outcome at the cells measured or under test, and its spread elsewhere given them."""

    def __init__(self, gp: GaussianProcess, base: Tensor, normals: Tensor) -> None:
        self.gp, self.base = gp, base
        n_base = len(base)
        self._normals = normals
        mean, covariance = gp.joint(base)
        covariance = 0.5 * (covariance + covariance.T)
        self._factor = _safe_cholesky(covariance)
        used = normals[:n_base]
        self.values = mean[:, None] + self._factor @ used
        self._pull = torch.linalg.solve_triangular(self._factor.T, used, upper=True)
        # Most of these cells are observations of this outcome: their covariances are computed once, not twice.
        same = (base[:, None, :] == gp.features[None, :, :]).all(dim=-1)
        further = ~same.any(dim=1)
        self._others = torch.cat([gp.features, base[further]])
        self._place = torch.where(further, len(gp.features) + further.cumsum(0) - 1, same.to(torch.uint8).argmax(dim=1))
        cross = kernel(gp.shape, gp.hyperparameters, gp.features, base)
        self._solved_base = torch.linalg.solve_triangular(gp.factor, cross, upper=False)

    def at(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(n, s)` conditional means and standard deviations."""
        gp = self.gp
        n_samples = self._normals.shape[1]
        covariances = kernel(gp.shape, gp.hyperparameters, features, self._others)
        to_data = covariances[:, : len(gp.features)]
        solved = torch.linalg.solve_triangular(gp.factor, to_data.T, upper=False)
        mean = gp.shape.prior_mean(features) + to_data @ gp.weights
        variance = gp.prior_variance(features) - (solved**2).sum(0)
        if not len(self.base):
            return mean[:, None].expand(-1, n_samples), _deviation(variance, n_samples)
        to_base = torch.addmm(covariances[:, self._place], solved.T, self._solved_base, alpha=-1.0)
        left = torch.linalg.solve_triangular(self._factor, to_base.T, upper=False)
        variance = variance - (left**2).sum(0)
        return mean[:, None] + to_base @ self._pull, _deviation(variance, n_samples)

    def exactly_at(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the predicted mean for every sample, and next to no deviation."""
        mean = self.gp.mean_and_variance(features)[0]
        shape = (len(features), self.values.shape[1])
        return mean[:, None].expand(shape), torch.full(shape, VARIANCE_FLOOR**0.5, dtype=torch.float64)

    def with_cell(self, features: Tensor) -> SampledOutcome:
        """Return the same samples extended by one more cell under test."""
        return SampledOutcome(self.gp, torch.cat([self.base, features]), self._normals)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return uniform numbers, the same ones on every device."""
    return torch.as_tensor(torch.rand(shape, dtype=torch.float64, generator=generator, device=CPU))


def _deviation(variance: Tensor, n_samples: int) -> Tensor:
    return variance.clamp_min(VARIANCE_FLOOR).sqrt()[:, None].expand(-1, n_samples)


def _safe_cholesky(covariance: Tensor) -> Tensor:
    scale = max(float(covariance.diagonal().mean()) if len(covariance) else 1.0, 1e-6)
    for nugget in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        factor, info = torch.linalg.cholesky_ex(
            covariance + nugget * scale * torch.eye(len(covariance), dtype=torch.float64)
        )
        if not int(info):
            return factor
    return torch.diag(covariance.diagonal().clamp_min(VARIANCE_FLOOR).sqrt())


class Acquisition:
    """Noisy expected improvement over the cells measured, under test and already chosen for this batch."""

    def __init__(
        self,
        gps: Sequence[GaussianProcess],
        terms: Sequence[ObjectiveTerm],
        limits: Sequence[Limit],
        feasibility: Sequence[FeasibilityModel],
        base: Tensor,
        base_probability: Tensor,
        reference: np.ndarray,
        *,
        score: StandardScore | None = None,
        n_ask: int,
        seed: int,
    ) -> None:
        """Sample the truth behind the data.

        Args:
            gps: Models of objectives and limited outcomes.
            terms: Objectives; with none, only the chance to be allowed counts.
            limits: Constraints on modelled outcomes.
            feasibility: Pass/fail models.
            base: `(b, n_columns)` features of the cells that new ones compete with.
            base_probability: `(b,)` probability that each of them passes the pass/fail outcomes.
            reference: `(m,)` reference point in standardised, maximised units.
            score: What the objectives are worth together; without it their trade-off is sought.
            n_ask: How many cells will be added with `add`.
            seed: Of the samples.
        """
        self.terms, self.limits, self.feasibility = list(terms), list(limits), list(feasibility)
        self.score = score
        self.reference = torch.as_tensor(reference)
        size = (len(base) + n_ask) * max(1, len(gps))
        normals = torch.as_tensor(draw_sobol_normal_samples(size, N_SAMPLES, dtype=torch.float64, seed=seed)).T
        blocks = normals.reshape(max(1, len(gps)), len(base) + n_ask, N_SAMPLES)
        generator = torch.Generator(CPU).manual_seed(seed)
        self._uniforms = _uniform((len(base) + n_ask, N_SAMPLES), generator)
        self._weights = _uniform((max(1, len(terms)),), generator).clamp_min(0.05)
        self.outcomes = [SampledOutcome(gp, base, block) for gp, block in zip(gps, blocks, strict=False)]
        self._passes = base_probability
        self._refresh()

    def add(self, features: Tensor) -> None:
        """Count a chosen design, `(1, n_columns)`, among the cells under test."""
        self._passes = torch.cat([self._passes, self._pass_probability(features)])
        self.outcomes = [outcome.with_cell(features) for outcome in self.outcomes]
        self._refresh()

    def _pass_probability(self, features: Tensor) -> Tensor:
        probability = torch.ones(len(features), dtype=torch.float64)
        for model in self.feasibility:
            probability = probability * model.probability(features)
        return probability

    def _refresh(self) -> None:
        if not self.terms:
            return
        n_base = len(self._passes)
        allowed = self._uniforms[:n_base] < self._passes[:, None]
        for limit in self.limits:
            allowed &= limit.holds(self.outcomes[limit.model].values)
        if self.score is not None:
            worth = self.score(torch.stack([self.outcomes[term.model].values for term in self.terms], dim=-1))
            worth = torch.where(allowed, worth, WORST)
            self._best = worth.max(dim=0).values if n_base else torch.full((N_SAMPLES,), WORST, dtype=torch.float64)
            return
        values = torch.stack([term.maximised(self.outcomes[term.model].values) for term in self.terms], dim=-1)
        values = torch.where(allowed[..., None], values, self.reference - 1.0).transpose(0, 1)
        if len(self.terms) == 1:
            best = values[..., 0].max(dim=1).values if n_base else self.reference.expand(N_SAMPLES)
            self._best = torch.maximum(best, self.reference)
        elif len(self.terms) in MAX_COORDINATES:
            self._grid = HypervolumeGrid(values, self.reference)
        else:
            scores = self._scalarised(values)
            floor = self._scalarised(self.reference.expand(N_SAMPLES, 1, -1))
            self._best = torch.cat([scores, floor], dim=1).max(dim=1).values

    def _scalarised(self, values: Tensor) -> Tensor:
        """Return augmented Chebyshev scores of `(..., m)` values (Knowles 2006, doi 10.1109/TEVC.2005.851274)."""
        above = self._weights * (values - self.reference)
        return above.min(dim=-1).values + 0.05 * above.sum(dim=-1)

    def __call__(self, features: Tensor) -> Tensor:
        """Return the `(n,)` value of designs given as `(n, n_columns)` features."""
        return self._value(features, is_exact=False)

    def exploitation(self, features: Tensor) -> Tensor:
        """Return the `(n,)` value that remains if each outcome comes out exactly as predicted."""
        return self._value(features, is_exact=True)

    def _value(self, features: Tensor, *, is_exact: bool) -> Tensor:
        probability = self._pass_probability(features)
        if not self.terms:
            return probability
        predictions = [outcome.at(features) for outcome in self.outcomes]
        gain = self._gain([outcome.exactly_at(features) for outcome in self.outcomes] if is_exact else predictions)
        for limit in self.limits:
            gain = gain * limit.probability(*predictions[limit.model])
        return probability * gain.mean(dim=1)

    def _gain(self, predictions: list[tuple[Tensor, Tensor]]) -> Tensor:
        if self.score is not None:
            return self._score_gain(self.score, predictions)
        if len(self.terms) == 1:
            mean, sd = predictions[self.terms[0].model]
            return self.terms[0].expected_excess(mean, sd, self._best[None, :])
        if len(self.terms) in MAX_COORDINATES:
            levels = self._grid.levels
            excess = []
            for column, term in enumerate(self.terms):
                mean, sd = predictions[term.model]
                excess.append(term.expected_excess(mean[..., None], sd[..., None], levels[None, :, column, :]))
            return self._grid.expected_gain(excess)
        draws = torch.stack(
            [
                term.maximised(
                    predictions[term.model][0] + predictions[term.model][1] * self._uniforms_as_normals(column)
                )
                for column, term in enumerate(self.terms)
            ],
            dim=-1,
        )
        return (self._scalarised(draws) - self._best[None, :]).clamp_min(0.0)

    def _score_gain(self, score: StandardScore, predictions: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the `(n, s)` expected excess of the score over that of the best cell, and next to nothing besides."""
        mean, sd = (
            torch.stack([predictions[term.model][part] for term in self.terms], dim=-1)[:, :, None] for part in (0, 1)
        )
        excess = score(mean + sd * score.draws(N_SAMPLES)) - self._best[:, None]
        nearly = NEARLY / (1.0 + (-excess).clamp_min(0.0))
        return (excess.clamp_min(0.0) + nearly).mean(dim=2)

    def _uniforms_as_normals(self, column: int) -> Tensor:
        grid = (torch.arange(N_SAMPLES, dtype=torch.float64) + 0.5) / N_SAMPLES
        return torch.special.ndtri(grid).roll(3 * column + 1)[None, :]
