"""Which designs are looked at: feasible points of the mixed space, in unit coordinates and level codes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.stats import qmc

from afssb_opt.domain.rules import LinearConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Continuous, Discrete

# Up to here all level combinations are searched; beyond, a fresh sample of them at each pick.
MAX_COMBINATIONS: Final = 64
# Spaces without continuous variables up to this size are listed completely.
MAX_LISTED: Final = 20_000
# Rejection sampling gives up after this many draws per wanted point and asks a linear program instead.
MAX_DRAWS_PER_POINT: Final = 12


@dataclass(frozen=True)
class Candidates:
    """Designs before rounding.

    Attributes:
        unit: `(n, d)` coordinates of the numeric variables.
        codes: `(n, c)` level positions of the categorical variables.
    """

    unit: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: np.ndarray) -> Candidates:
        """Return the given rows."""
        return Candidates(self.unit[rows], self.codes[rows])

    @staticmethod
    def stack(parts: list[Candidates]) -> Candidates:
        """Return all parts one after the other."""
        return Candidates(np.vstack([p.unit for p in parts]), np.vstack([p.codes for p in parts]))


class MixedSpace:
    """A design space seen by the search, with the variables that a batch already shares held fixed."""

    def __init__(
        self,
        space: DesignSpace,
        shared: Mapping[str, object] | None = None,
        open_levels: Sequence[np.ndarray] | None = None,
    ) -> None:
        """Narrow the space.

        Args:
            space: All designs.
            shared: Variables held at one value.
            open_levels: Per categorical variable booleans over its levels; a design needs one open level.
        """
        self.space = space
        self._open_levels = open_levels
        self.shared = dict(shared or {})
        self.n_unit = len(space.numeric)
        self.n_levels = [len(variable.levels) for variable in space.categorical]
        self._fixed_codes = {
            column: variable.levels.index(str(self.shared[variable.name]))
            for column, variable in enumerate(space.categorical)
            if variable.name in self.shared
        }
        self._fixed_unit = {
            column: variable.to_unit(float(str(self.shared[variable.name])))
            for column, variable in enumerate(space.numeric)
            if variable.name in self.shared
        }
        self._grids = {
            column: np.array([variable.to_unit(value) for value in variable.values])
            for column, variable in enumerate(space.numeric)
            if isinstance(variable, Discrete)
        }
        self._bounds_cache: dict[tuple[int, ...], np.ndarray] = {}

    def is_open(self, codes: np.ndarray) -> np.ndarray:
        """Return `(n,)` booleans: the level codes have a level that is open."""
        if not self._open_levels:
            return np.ones(len(codes), dtype=bool)
        return np.any([flags[codes[:, column]] for column, flags in enumerate(self._open_levels)], axis=0)

    def combinations(self, rng: np.random.Generator) -> np.ndarray:
        """Return `(k, c)` level codes: all combinations where few, else a random sample of different ones."""
        options = [
            [self._fixed_codes[column]] if column in self._fixed_codes else list(range(count))
            for column, count in enumerate(self.n_levels)
        ]
        total = int(np.prod([len(choice) for choice in options], dtype=float)) if options else 1
        if total <= MAX_COMBINATIONS:
            return self._open_ones(np.array(list(itertools.product(*options)), dtype=int).reshape(total, len(options)))
        drawn = np.column_stack([rng.choice(choice, 4 * MAX_COMBINATIONS) for choice in options])
        _, first = np.unique(drawn, axis=0, return_index=True)
        return self._open_ones(drawn[np.sort(first)[:MAX_COMBINATIONS]])

    def _open_ones(self, codes: np.ndarray) -> np.ndarray:
        is_open = self.is_open(codes)
        return codes[is_open] if is_open.any() else codes

    def bounds(self, codes: np.ndarray) -> np.ndarray:
        """Return `(n, 2, d)` unit bounds for `(n, c)` level codes."""
        if not codes.shape[1]:
            return np.broadcast_to(self._bounds_of(()), (len(codes), 2, self.n_unit))
        different, which = np.unique(codes, axis=0, return_inverse=True)
        bounds = [self._bounds_of(tuple(int(code) for code in row)) for row in different]
        return np.array(bounds).reshape(len(different), 2, self.n_unit)[which.ravel()]

    def _bounds_of(self, codes: tuple[int, ...]) -> np.ndarray:
        if codes not in self._bounds_cache:
            levels = {v.name: v.levels[code] for v, code in zip(self.space.categorical, codes, strict=True)}
            bounds = self.space.unit_bounds(levels)
            for column, value in self._fixed_unit.items():
                bounds[:, column] = value
            self._bounds_cache[codes] = bounds
        return self._bounds_cache[codes]

    def settle(self, unit: np.ndarray, codes: np.ndarray) -> Candidates:
        """Move points into the bounds of their levels and onto the values of discrete variables."""
        if self._fixed_codes:
            codes = codes.copy()
            for column, code in self._fixed_codes.items():
                codes[:, column] = code
        bounds = self.bounds(codes)
        settled = np.clip(unit, bounds[:, 0], bounds[:, 1])
        for column, grid in self._grids.items():
            if column not in self._fixed_unit:
                settled[:, column] = grid[np.abs(settled[:, [column]] - grid).argmin(axis=1)]
        return Candidates(settled, codes)

    def obeys_rules(self, candidates: Candidates) -> np.ndarray:
        """Return `(n,)` booleans."""
        if not self.space.rules or not len(candidates):
            return np.ones(len(candidates), dtype=bool)
        return self.space.obeys_rules(self.as_values(candidates))

    def as_values(self, candidates: Candidates) -> pd.DataFrame:
        """Return unrounded designs."""
        return self.space.unrounded(candidates.unit, self._levels_of(candidates))

    def rounded(self, candidates: Candidates) -> pd.DataFrame:
        """Return designs as a lab can set them, with shared variables at exactly the shared value."""
        levels = pd.DataFrame(self._levels_of(candidates), index=range(len(candidates)))
        designs = self.space.from_unit(candidates.unit, levels)
        for name, value in self.shared.items():
            designs[name] = pd.Series([value] * len(designs))
        return designs

    def _levels_of(self, candidates: Candidates) -> dict[str, np.ndarray]:
        columns = zip(self.space.categorical, candidates.codes.T, strict=True)
        return {variable.name: np.array(variable.levels, dtype=object)[codes] for variable, codes in columns}

    def listed(self) -> Candidates | None:
        """Return all designs of a space without continuous variables, or None where it is not so small."""
        if any(isinstance(v, Continuous) and v.name not in self.shared for v in self.space.numeric):
            return None
        grids = [
            np.array([self._fixed_unit[column]]) if column in self._fixed_unit else self._grids[column]
            for column in range(self.n_unit)
        ]
        options = [
            [self._fixed_codes[column]] if column in self._fixed_codes else list(range(count))
            for column, count in enumerate(self.n_levels)
        ]
        total = float(np.prod([len(g) for g in grids] + [len(o) for o in options], dtype=float))
        if total > MAX_LISTED:
            return None
        unit = np.array(list(itertools.product(*grids)), dtype=float).reshape(-1, self.n_unit)
        codes = np.array(list(itertools.product(*options)), dtype=int).reshape(-1, len(options))
        both = Candidates(np.repeat(unit, len(codes), axis=0), np.tile(codes, (len(unit), 1)))
        return both.take(np.flatnonzero(self.obeys_rules(both)))

    def sample(self, codes: np.ndarray, seed: np.random.SeedSequence, reach: float = 1.0) -> Candidates:
        """Return at most one feasible point per row of `(n, c)` level codes, spread evenly over the numeric cube.

        Args:
            codes: Level codes.
            seed: Of the Sobol scrambling.
            reach: Share of the range of each continuous variable, around its middle, that is sampled; where no point
                of it obeys the rules, the whole range is.
        """
        rng = np.random.default_rng(seed)
        if not self.n_unit:
            alone = Candidates(np.zeros((len(codes), 0)), codes)
            return alone.take(np.flatnonzero(self.obeys_rules(alone)))
        engine = qmc.Sobol(self.n_unit, scramble=True, rng=rng)
        widths = np.array([reach if isinstance(v, Continuous) else 1.0 for v in self.space.numeric])
        open_rows = np.arange(len(codes))
        unit = np.full((len(codes), self.n_unit), np.nan)
        for _ in range(MAX_DRAWS_PER_POINT):
            bounds = self.bounds(codes[open_rows])
            draw = engine.random_base2(max(1, int(np.ceil(np.log2(max(2, len(open_rows)))))))[: len(open_rows)]
            draw = 0.5 + widths * (draw - 0.5)
            trial = self.settle(bounds[:, 0] + draw * (bounds[:, 1] - bounds[:, 0]), codes[open_rows])
            obeys = self.obeys_rules(trial)
            unit[open_rows[obeys]] = trial.unit[obeys]
            open_rows = open_rows[~obeys]
            engine = qmc.Sobol(self.n_unit, scramble=True, rng=rng)
            if not len(open_rows):
                break
        if len(open_rows):
            thin = self._from_corners(codes[open_rows], rng)
            obeys = self.obeys_rules(thin)
            unit[open_rows[obeys]] = thin.unit[obeys]
        found = np.flatnonzero(np.isfinite(unit).all(axis=1))
        return Candidates(unit[found], codes[found])

    def _from_corners(self, codes: np.ndarray, rng: np.random.Generator) -> Candidates:
        """Return points inside thin linear constraints: random mixtures of corners found by linear programs."""
        linear = [rule for rule in self.space.rules if isinstance(rule, LinearConstraint)]
        names = [variable.name for variable in self.space.numeric]
        if not linear:
            return self.settle(rng.random((len(codes), self.n_unit)), codes)
        rows, limits = [], []
        for rule in linear:
            weights = np.array([rule.coefficients.get(name, 0.0) for name in names])
            if rule.at_most is not None:
                rows.append(weights)
                limits.append(rule.at_most)
            if rule.at_least is not None:
                rows.append(-weights)
                limits.append(-rule.at_least)
        unit = np.zeros((len(codes), self.n_unit))
        for combination in np.unique(codes, axis=0):
            here = np.flatnonzero((codes == combination).all(axis=1))
            corner = Candidates(self.bounds(combination[None])[0], np.repeat(combination[None], 2, axis=0))
            box = self.as_values(corner)[names].to_numpy(float)
            corners = []
            for _ in range(2 * self.n_unit + 2):
                found = linprog(rng.normal(size=self.n_unit) / np.maximum(box[1] - box[0], 1e-12), A_ub=np.array(rows),
                                b_ub=np.array(limits), bounds=list(zip(box[0], box[1], strict=True)))  # fmt: skip
                if found.status == 0:
                    corners.append(found.x)
            if corners:
                mixed = rng.dirichlet(np.ones(len(corners)), len(here)) @ np.array(corners)
                for column, variable in enumerate(self.space.numeric):
                    low, high = box[0, column], box[1, column]
                    unit[here, column] = [variable.to_unit(float(min(max(x, low), high))) for x in mixed[:, column]]
        return self.settle(unit, codes)
