"""What an inequality says: lives that had not ended, and cells that only passed or failed."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from afssb_opt.strategies.surrogate import GaussianProcess, Hyperparameters, KernelShape, kernel

# Expectation propagation settles to three digits within this many sweeps on 200 lives, 60 % of them censored.
SWEEPS: Final = 12
# Full steps of parallel updates can oscillate; this damping never did.
DAMPING: Final = 0.7
# Variance of an observation that says nothing.
FLAT: Final = 1e6


def condition_one_sided(
    shape: KernelShape,
    hyperparameters: Hyperparameters,
    features: Tensor,
    targets: Tensor,
    noise: Tensor,
    side: Tensor,
    covariance: Tensor | None = None,
) -> GaussianProcess:
    """Condition a Gaussian process on exact values and on one-sided ones, by expectation propagation.

    Each inequality is replaced by the Gaussian observation that gives the same mean and variance.

    Args:
        shape: Terms and groups of the kernel.
        hyperparameters: Kernel hyperparameters.
        features: `(n, n_columns)`.
        targets: `(n,)` values, or limits where `side` is not 0.
        noise: `(n,)` noise variances.
        side: `(n,)` 0 for a value, +1 where the truth is above the target, -1 where it is below.
        covariance: `kernel` of the features, where it is known already.
    """
    open_rows = side != 0
    centre, variance = targets.clone(), noise.clone()
    variance[open_rows] = FLAT
    if covariance is None:
        covariance = kernel(shape, hyperparameters, features, features)
    gp = GaussianProcess.from_data(shape, hyperparameters, features, centre, variance, covariance)
    if not bool(open_rows.any()):
        return gp
    limits, signs, blur = targets[open_rows], side[open_rows], noise[open_rows]
    cross, expected = covariance[open_rows], shape.prior_mean(features)[open_rows]
    before = covariance.diagonal()[open_rows]
    precision = torch.full_like(limits, 1.0 / FLAT)
    shift = limits * precision
    for _ in range(SWEEPS):
        mean, spread = gp.mean_and_variance_across(cross, expected, before)
        cavity_precision = (1.0 / spread - precision).clamp_min(1e-6)
        cavity_variance = 1.0 / cavity_precision
        cavity_mean = cavity_variance * (mean / spread - shift)
        total = cavity_variance + blur
        z = signs * (cavity_mean - limits) / total.sqrt()
        ratio = torch.exp(-0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - torch.special.log_ndtr(z))
        new_mean = cavity_mean + signs * cavity_variance * ratio / total.sqrt()
        new_variance = (cavity_variance - cavity_variance**2 * ratio * (z + ratio) / total).clamp_min(1e-9)
        new_precision = (1.0 / new_variance - cavity_precision).clamp_min(1.0 / FLAT)
        new_shift = new_mean / new_variance - cavity_mean * cavity_precision
        precision = (1.0 - DAMPING) * precision + DAMPING * new_precision
        shift = (1.0 - DAMPING) * shift + DAMPING * new_shift
        variance[open_rows] = 1.0 / precision
        centre[open_rows] = shift / precision
        gp = GaussianProcess.from_data(shape, hyperparameters, features, centre, variance, covariance)
    return gp
