"""Outcomes that follow from the recipe, such as a price: computed wherever they are asked for, not modelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from afssb_opt.domain.objectives import OutcomeConstraint
from afssb_opt.domain.outcomes import outcome_definition
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import OutcomeModel
from afssb_opt.strategies.outcome_scale import OutcomeScale
from afssb_opt.strategies.surrogate import GaussianProcess, Hyperparameters, KernelShape

# Told values count as what the recipe says if they are off by no more than this share: two digits of a price.
TOLERANCE: Final = 0.05


@dataclass(frozen=True)
class RecipeShape(KernelShape):
    """A process of which nothing is unknown.

    Attributes:
        computed: Returns the `(n,)` standardised outcome of `(n, n_columns)` features.
    """

    computed: Callable[[np.ndarray], np.ndarray] = field(kw_only=True)

    @classmethod
    def for_function(cls, encoding: Encoding, computed: Callable[[np.ndarray], np.ndarray]) -> RecipeShape:
        """Build the shape of a function of the features; its one term has no variance."""
        no_groups, no_columns = np.zeros(encoding.n_groups, dtype=bool), np.zeros(len(encoding.groups), dtype=bool)
        return cls(encoding.groups, no_groups[None], np.array([-np.inf]), np.array([0]), no_columns[None], no_columns,
                   computed=computed)  # fmt: skip

    def prior_mean(self, features: Tensor) -> Tensor:
        """Return the `(..., n)` standardised outcome."""
        flat = features.reshape(-1, features.shape[-1]).numpy(force=True)
        return torch.as_tensor(self.computed(flat)).reshape(features.shape[:-1])

    def fixed_covariance(self, bowl_a: Tensor, bowl_b: Tensor) -> Tensor:
        """Return zeros: mean and depth are known."""
        return torch.zeros_like(bowl_a * bowl_b)


def computed_outcome(
    encoding: Encoding, features: Tensor, observations: pd.DataFrame, outcome: str, *, is_log: bool
) -> tuple[OutcomeModel | None, list[str]]:
    """Return an outcome as the recipe says it, and a note where it has to be modelled although there is a recipe.

    None where the design does not say it, where no value was told yet, where a level has no known value, and where
    what was told is something else, such as a laboratory's own price.
    """
    recipe = outcome_definition(outcome).recipe
    rows = np.flatnonzero(np.isfinite(observations[outcome].to_numpy(float)))
    if recipe is None or not len(rows) or not np.isfinite(recipe(_all_levels(encoding))).all():
        return None, []
    told, values = observations[outcome].to_numpy(float)[rows], recipe(observations.iloc[rows])
    off = _differs(told, values)
    if off.any():
        first = int(np.argmax(off))
        example = f"{told[first]:g} in row {rows[first]}, by the recipe {values[first]:.4g}"
        return None, [f"{outcome}: {int(off.sum())} of {len(rows)} values told are not what the recipe gives "
                      f"({example}), so it is modelled"]  # fmt: skip
    inputs = features[torch.as_tensor(rows)]
    # Nothing computed is an error of measurement, so there are no fences.
    scale = replace(OutcomeScale.for_values(values, is_log=is_log), low=-np.inf, high=np.inf)
    shape = RecipeShape.for_function(encoding, lambda x: scale.to_standard(recipe(encoding.designs(x))))
    lengths, noise = torch.zeros(encoding.n_groups, dtype=torch.float64), torch.zeros(len(rows), dtype=torch.float64)
    known = Hyperparameters(lengths, torch.as_tensor(shape.log_shares), -np.inf)
    gp = GaussianProcess.from_data(shape, known, inputs, shape.prior_mean(inputs), noise)
    return OutcomeModel(outcome, scale, gp, rows, is_computed=True), []


def known_to_break(
    designs: pd.DataFrame, constraints: Sequence[OutcomeConstraint], observations: pd.DataFrame
) -> np.ndarray:
    """Return `(n,)` booleans: by its recipe a design breaks a limit, so no cell need be built to know.

    What was told otherwise, such as a laboratory's own price, is not known.
    """
    broken = np.zeros(len(designs), dtype=bool)
    for constraint in constraints:
        recipe = outcome_definition(constraint.outcome).recipe
        if recipe is None:
            continue
        told = observations[constraint.outcome].to_numpy(float)
        known = np.isfinite(told)
        if not _differs(told[known], recipe(observations[known])).any():
            values = recipe(designs)
            broken |= np.isfinite(values) & ~constraint.holds(values)
    return broken


def _differs(told: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return `(n,)` booleans: what was told is not what the recipe gives."""
    return ~np.isclose(told, values, rtol=TOLERANCE, atol=0.0)


def _all_levels(encoding: Encoding) -> pd.DataFrame:
    """Return designs among which every level is."""
    n = max((len(levels) for levels in encoding.levels.values()), default=1)
    columns = {fixed.name: [fixed.value] * n for fixed in encoding.space.fixed}
    columns |= {variable.name: [variable.hull[0]] * n for variable in encoding.space.numeric}
    columns |= {name: [levels[row % len(levels)] for row in range(n)] for name, levels in encoding.levels.items()}
    return pd.DataFrame(columns)
