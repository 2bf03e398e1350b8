"""How a design becomes numbers for the surrogate: unit cube, descriptors and one column per level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical


class FurtherColumns(Protocol):
    """Columns that are computed from the others; `transfer.PriorColumns` gives them."""

    @property
    def plain(self) -> Encoding:
        """The encoding without them."""
        ...

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Outcome that each column is about."""
        ...

    def columns(self, features: np.ndarray) -> np.ndarray:
        """Return `(n, k)` columns for `(n, n_columns)` plain features."""
        ...


@dataclass(frozen=True)
class Encoding:
    """Columns and column groups of the feature matrix.

    The columns of one group share a length scale: each numeric variable and each descriptor is a group of
    one column; the levels of a categorical variable are one group of one column per level. Levels that are
    only in the data, no longer in the space, get a column too and the middle value of each descriptor.

    Attributes:
        levels: Per categorical variable the levels of the space, then the further ones of the data.
        groups: `(n_columns,)` group number per column.
        group_names: Variable that each group belongs to.
        is_level_group: Whether the group tells levels apart, by descriptor or by name.
        is_number: `(n_columns,)` booleans: the column is a numeric variable or a descriptor.
        prior: Columns at the end that say what prior data predict; None without any.
    """

    space: DesignSpace
    levels: Mapping[str, tuple[str, ...]]
    groups: np.ndarray
    group_names: tuple[str, ...]
    is_level_group: np.ndarray
    is_number: np.ndarray
    _level_features: Mapping[str, np.ndarray] = field(repr=False)
    prior: FurtherColumns | None = None

    @classmethod
    def for_data(cls, space: DesignSpace, designs: pd.DataFrame) -> Encoding:
        """Build the encoding for a space and the designs seen in it."""
        groups: list[int] = list(range(len(space.numeric)))
        names = [variable.name for variable in space.numeric]
        is_number = [True] * len(names)
        level_features, all_levels = {}, {}
        for variable in space.categorical:
            seen = {str(level) for level in designs[variable.name]}
            levels = variable.levels + tuple(sorted(seen - set(variable.levels)))
            descriptors = _scaled_descriptors(variable, levels)
            # Two different levels then are at squared distance 1, as far apart as the ends of a numeric variable.
            names_apart = np.eye(len(levels)) / math.sqrt(2.0)
            level_features[variable.name] = np.hstack([descriptors, names_apart])
            all_levels[variable.name] = levels
            first = len(names)
            n_descriptors = descriptors.shape[1]
            groups += [first + index for index in range(n_descriptors)]
            groups += [first + n_descriptors] * len(levels)
            names += [variable.name] * (n_descriptors + 1)
            is_number += [True] * n_descriptors + [False] * len(levels)
        is_level = np.arange(len(names)) >= len(space.numeric)
        return cls(space, all_levels, np.array(groups), tuple(names), is_level, np.array(is_number), level_features)

    @property
    def n_groups(self) -> int:
        """Number of length scales."""
        return len(self.group_names)

    def level_codes(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n, c)` positions of the levels in `levels`."""
        codes = np.zeros((len(designs), len(self.space.categorical)), dtype=int)
        for column, variable in enumerate(self.space.categorical):
            position = {level: code for code, level in enumerate(self.levels[variable.name])}
            codes[:, column] = [position[str(level)] for level in designs[variable.name]]
        return codes

    def features(self, unit: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return `(n, n_columns)` features of `(n, d)` unit coordinates and `(n, c)` level codes."""
        parts = [unit]
        for column, variable in enumerate(self.space.categorical):
            parts.append(self._level_features[variable.name][codes[:, column]])
        plain = np.hstack(parts)
        return plain if self.prior is None else np.hstack([plain, self.prior.columns(plain)])

    def encode(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n, n_columns)` features of a table of designs."""
        return self.features(self.space.to_unit(designs), self.level_codes(designs))

    def designs(self, features: np.ndarray) -> pd.DataFrame:
        """Return the table of designs that `(n, n_columns)` features stand for; numbers are not rounded."""
        end = len(self.space.numeric)
        unit, levels = features[:, :end], {}
        for name, level_features in self._level_features.items():
            end += level_features.shape[1]
            names = np.array(self.levels[name], dtype=object)
            levels[name] = names[features[:, end - len(names) : end].argmax(axis=1)]
        return self.space.unrounded(unit, levels)


def _scaled_descriptors(variable: Categorical, levels: Sequence[str]) -> np.ndarray:
    """Return `(n_levels, k)` descriptors scaled to `[0, 1]`; constant ones are left out."""
    columns = []
    for name in variable.descriptor_names:
        known = np.array([variable.descriptors[level][name] for level in variable.levels], dtype=float)
        low, high = known.min(), known.max()
        if high > low:
            middle = np.full(len(levels) - len(known), 0.5)
            columns.append(np.concatenate([(known - low) / (high - low), middle]))
    return np.column_stack(columns) if columns else np.empty((len(levels), 0))
