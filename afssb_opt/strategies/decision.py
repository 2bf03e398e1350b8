"""Which of the best candidates is taken: BoTorch's qLogNEI or qLogNEHVI on BoTorch models, built anew for each choice.

The search screens thousands of points with the closed form of `acquisition.py`. The last word among the best has
BoTorch: the same posteriors as `SingleTaskGP`, the cells measured, under test and already chosen as baseline.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.exceptions.warnings import BotorchWarning
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling.normal import SobolQMCNormalSampler
from gpytorch.kernels import Kernel
from gpytorch.means import Mean
from linear_operator.utils.errors import NotPSDError
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

from afssb_opt.domain.errors import StrategyError
from afssb_opt.strategies.acquisition import Limit, ObjectiveTerm
from afssb_opt.strategies.standard_score import StandardScore
from afssb_opt.strategies.surrogate import JITTER, GaussianProcess, KernelShape, kernel, prior_variance

# Each costs a partition of the objective space; with 128 and four sets of hyperparameters
# a batch of four took 26 s of processor time for three objectives, with 16 three.
N_SAMPLES: Final = 16
# The partitioning behind qLogNEHVI grows steeply with the number of objectives.
MAX_OBJECTIVES: Final = 3

Constraint = Callable[[Tensor], Tensor]

# At first use BoTorch compiles a C++ kernel where it finds a compiler (half a minute) and warns where it finds none;
# its last digits depend on the processor. Two dozen finalists need no kernel, so BoTorch is told that it has tried.
logei._load_attempted = True


@dataclass(frozen=True)
class Decision:
    """What a choice among finalists rests on.

    Attributes:
        gps: Models of objectives and limited outcomes.
        judges: Latent models of pass/fail outcomes; positive passes.
        terms: Objectives.
        limits: Constraints on modelled outcomes.
        baseline: `(b, n_columns)` features of the cells measured, under test or already chosen.
        reference: `(m,)` reference point in standardised, maximised units.
        score: What the objectives are worth together; without it their trade-off is sought.
    """

    gps: Sequence[GaussianProcess]
    judges: Sequence[GaussianProcess]
    terms: Sequence[ObjectiveTerm]
    limits: Sequence[Limit]
    baseline: Tensor
    reference: np.ndarray
    score: StandardScore | None = None

    @property
    def is_possible(self) -> bool:
        """Whether BoTorch's acquisitions cover the case; else the order of the search stands."""
        n_objectives = len(self.terms) if self.score is None else 1
        return 1 <= n_objectives <= MAX_OBJECTIVES and len(self.baseline) > 0

    def with_cell(self, features: Tensor) -> Decision:
        """Return the decision with one more cell under test, `(1, n_columns)`."""
        return replace(self, baseline=torch.cat([self.baseline, features]))

    def order(self, candidates: Tensor, seed: int) -> np.ndarray:
        """Return the order of `(n, n_columns)` candidates, best first.

        Raises:
            StrategyError: BoTorch cannot factorise a covariance of this data.
        """
        try:
            values = log_values(self.gps, self.judges, self.terms, self.limits, self.baseline, self.reference,
                                candidates, seed, self.score)  # fmt: skip
        except (NotPSDError, RuntimeError) as error:
            raise StrategyError(f"BoTorch could not evaluate the finalists ({error})") from error
        return np.argsort(-torch.nan_to_num(values, nan=-torch.inf).numpy(force=True), kind="stable")


def as_botorch(gp: GaussianProcess) -> SingleTaskGP:
    """Return the BoTorch model with the same posterior.

    One-sided observations stand in it as the Gaussian ones that expectation propagation found for them.
    """
    with warnings.catch_warnings():
        # The features are scaled and the targets standardised by us, on purpose not to mean 0 and variance 1.
        warnings.simplefilter("ignore", BotorchWarning)
        warnings.simplefilter("ignore", NumericalWarning)
        model = SingleTaskGP(
            gp.features,
            gp.targets[:, None],
            (gp.noise + JITTER)[:, None],
            covar_module=ProcessKernel(gp),
            mean_module=ProcessMean(gp.shape),
            outcome_transform=None,
        )
    model.eval()
    return model


class ProcessMean(Mean):
    """What one of our processes expects before any data, in the form that BoTorch takes."""

    def __init__(self, shape: KernelShape) -> None:
        """Take the shape of a process."""
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Return the means of `(..., n, n_columns)` features."""
        return self.shape.prior_mean(x)


class ProcessKernel(Kernel):
    """The covariances of one of our processes, in the form that BoTorch takes."""

    def __init__(self, gp: GaussianProcess) -> None:
        """Take a process; its hyperparameters stand."""
        super().__init__()
        self.shape, self.hyperparameters = gp.shape, gp.hyperparameters

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: object) -> Tensor:
        """Return the covariances of two sets of features, or the variances of the first."""
        if diag:
            return prior_variance(self.shape, self.hyperparameters, x1)
        return kernel(self.shape, self.hyperparameters, x1, x2)


def log_values(
    gps: Sequence[GaussianProcess],
    judges: Sequence[GaussianProcess],
    terms: Sequence[ObjectiveTerm],
    limits: Sequence[Limit],
    baseline: Tensor,
    reference: np.ndarray,
    candidates: Tensor,
    seed: int,
    score: StandardScore | None = None,
) -> Tensor:
    """Return the `(n,)` logarithmic noisy expected (hypervolume) improvement of candidates, by BoTorch.

    Args:
        gps: One model per outcome.
        judges: Latent models of pass/fail outcomes; positive passes.
        terms: Objectives over the outcomes, one to three.
        limits: Constraints on outcomes.
        baseline: `(b, n_columns)` features of the cells that new ones compete with, at least one.
        reference: `(m,)` reference point in standardised, maximised units.
        candidates: `(n, n_columns)` features.
        seed: Of the samples.
        score: What the objectives are worth together.
    """
    model = ModelListGP(*[as_botorch(gp) for gp in (*gps, *judges)])
    constraints = [
        *_limit_constraints(limits),
        *(partial(_shortfall, model=len(gps) + i, low=0.0) for i in range(len(judges))),
    ]
    sampler = SobolQMCNormalSampler(torch.Size([N_SAMPLES]), seed=seed)

    def objective(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: ARG001  BoTorch passes it
        return torch.stack([term.maximised(samples[..., term.model]) for term in terms], dim=-1)

    def one_objective(samples: Tensor, X: Tensor | None = None) -> Tensor:
        if score is None:
            return objective(samples, X)[..., 0]
        return score(samples[..., [term.model for term in terms]])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BotorchWarning)
        warnings.simplefilter("ignore", NumericalWarning)
        if score is not None or len(terms) == 1:
            single = GenericMCObjective(one_objective)
            acquisition = qLogNoisyExpectedImprovement(
                model, baseline, sampler=sampler, objective=single, constraints=constraints or None,
                prune_baseline=False, cache_root=False,
            )  # fmt: skip
        else:
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                model, reference.tolist(), baseline, sampler=sampler,
                objective=GenericMCMultiOutputObjective(objective), constraints=constraints or None,
                prune_baseline=False, cache_root=False,
            )  # fmt: skip
        with torch.no_grad():
            return acquisition(candidates.unsqueeze(-2))


def _limit_constraints(limits: Sequence[Limit]) -> list[Constraint]:
    """Return BoTorch's form of the limits: negative where they hold."""
    constraints: list[Constraint] = []
    for limit in limits:
        if np.isfinite(limit.low):
            constraints.append(partial(_shortfall, model=limit.model, low=limit.low))
        if np.isfinite(limit.high):
            constraints.append(partial(_overshoot, model=limit.model, high=limit.high))
    return constraints


def _shortfall(samples: Tensor, model: int, low: float) -> Tensor:
    return low - samples[..., model]


def _overshoot(samples: Tensor, model: int, high: float) -> Tensor:
    return samples[..., model] - high
