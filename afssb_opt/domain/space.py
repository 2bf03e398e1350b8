"""Which designs exist: the variables, their bounds and rules, and a design's place in the unit cube."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.rules import TOLERANCE, DesignRule
from afssb_opt.domain.variables import Categorical, Continuous, Discrete, Fixed, NumericVariable, Variable

# Four digits are more than a lab can set and keep build sheets readable.
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True)
class DesignSpace:
    """All designs a campaign may build.

    A table of designs has one column per variable, fixed ones included: numbers in the unit that the
    variable's name states, levels as text.
    """

    variables: tuple[Variable, ...]
    rules: tuple[DesignRule, ...] = ()

    def __post_init__(self) -> None:
        names = [variable.name for variable in self.variables]
        if len(set(names)) != len(names):
            raise ValueError(f"variable names must differ: {names}")
        if not self.numeric and not self.categorical:
            raise ValueError("a design space needs at least one variable that is not fixed")

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all variables, in the order of the campaign file."""
        return tuple(variable.name for variable in self.variables)

    @property
    def numeric(self) -> tuple[NumericVariable, ...]:
        """Continuous and discrete variables: the axes of the unit cube."""
        return tuple(v for v in self.variables if isinstance(v, Continuous | Discrete))

    @property
    def categorical(self) -> tuple[Categorical, ...]:
        """Categorical variables."""
        return tuple(v for v in self.variables if isinstance(v, Categorical))

    @property
    def fixed(self) -> tuple[Fixed, ...]:
        """Variables held at one value."""
        return tuple(v for v in self.variables if isinstance(v, Fixed))

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Variables that all designs of one batch share."""
        return tuple(v.name for v in self.variables if not isinstance(v, Fixed) and v.shared_per_batch)

    @property
    def n_level_combinations(self) -> int:
        """How many combinations of categorical levels exist."""
        return math.prod(len(variable.levels) for variable in self.categorical)

    def level_combinations(self) -> Iterator[dict[str, str]]:
        """Yield each combination of categorical levels (one empty combination where there are none)."""
        names = [variable.name for variable in self.categorical]
        for levels in itertools.product(*(variable.levels for variable in self.categorical)):
            yield dict(zip(names, levels, strict=True))

    def unit_bounds(self, levels: Mapping[str, str]) -> np.ndarray:
        """Return `(2, d)` bounds of the numeric variables in the unit cube for given levels."""
        bounds = np.zeros((2, len(self.numeric)))
        bounds[1] = 1.0
        for column, variable in enumerate(self.numeric):
            if isinstance(variable, Continuous) and variable.when is not None:
                bounds[:, column] = [variable.to_unit(bound) for bound in variable.bounds_at(levels)]
        return bounds

    def to_unit(self, designs: pd.DataFrame) -> np.ndarray:
        """Return the numeric variables as `(n, d)` in the unit cube; values outside the bounds leave it."""
        columns = [[v.to_unit(float(value)) for value in designs[v.name]] for v in self.numeric]
        return np.array(columns, dtype=float).T.reshape(len(designs), len(self.numeric))

    def from_unit(self, unit: np.ndarray, levels: pd.DataFrame) -> pd.DataFrame:
        """Build designs from `(n, d)` unit coordinates and one row of levels each, rounded to what a lab can set."""
        designs: dict[str, object] = {}
        column = 0
        for variable in self.variables:
            if isinstance(variable, Fixed):
                designs[variable.name] = [variable.value] * len(unit)
            elif isinstance(variable, Categorical):
                designs[variable.name] = levels[variable.name].astype(str).tolist()
            else:
                designs[variable.name] = [variable.from_unit(float(value)) for value in unit[:, column]]
                column += 1
        return self.round_designs(pd.DataFrame(designs, columns=list(self.names)))

    def unrounded(self, unit: np.ndarray, levels: Mapping[str, np.ndarray]) -> pd.DataFrame:
        """Build designs from `(n, d)` unit coordinates and `(n,)` levels per variable as they are, fast for thousands.

        Numbers between the values of a discrete variable stay there.
        """
        columns: dict[str, object] = {**levels, **{fixed.name: [fixed.value] * len(unit) for fixed in self.fixed}}
        for variable, place in zip(self.numeric, unit.T, strict=True):
            low, high = variable.hull
            if variable.scale == "log":
                columns[variable.name] = np.exp(np.log(low) + place * (np.log(high) - np.log(low)))
            else:
                columns[variable.name] = low + place * (high - low)
        return pd.DataFrame(columns, columns=list(self.names))

    def round_designs(self, designs: pd.DataFrame) -> pd.DataFrame:
        """Round continuous values to what a lab can set inside their bounds, and discrete values to an allowed one."""
        rounded = designs.loc[:, list(self.names)].reset_index(drop=True).copy()
        for variable in self.numeric:
            if isinstance(variable, Discrete):
                values = [variable.from_unit(variable.to_unit(value)) for value in rounded[variable.name]]
            else:
                values = []
                for (_, row), value in zip(rounded.iterrows(), rounded[variable.name], strict=True):
                    low, high = variable.bounds_at({c.name: str(row[c.name]) for c in self.categorical})
                    values.append(min(max(_round(variable, float(value)), low), high))
            rounded[variable.name] = values
        return rounded

    def problems(self, designs: pd.DataFrame) -> list[Problem]:
        """List everything that keeps the designs from being candidates of this space."""
        missing = [name for name in self.names if name not in designs.columns]
        problems = [
            Problem(f"column {name}", "is missing", f"The variables are: {', '.join(self.names)}") for name in missing
        ]
        for row, (_, design) in enumerate(designs.iterrows()):
            for variable in self.variables:
                if variable.name not in missing:
                    problem = self._value_problem(variable, design)
                    if problem:
                        problems.append(Problem(f"row {row}, {variable.name}", *problem))
        if not problems:
            for rule in self.rules:
                for broken in np.flatnonzero(~rule.holds(designs)):
                    problems.append(
                        Problem(f"row {broken}", f"breaks the rule {rule}", "Change the design or the rule")
                    )
        return problems

    def _value_problem(self, variable: Variable, design: pd.Series) -> tuple[str, str] | None:
        value = design[variable.name]
        if isinstance(variable, Categorical):
            if str(value) in variable.levels:
                return None
            hint = suggest(str(value), variable.levels)
            return f"unknown level '{value}'", f"{hint}Allowed: {', '.join(variable.levels)}"
        if isinstance(variable, Fixed):
            return None if value == variable.value else (f"is {value}", f"It is fixed at {variable.value}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            return f"'{value}' is not a number", "Give a number"
        if isinstance(variable, Discrete):
            if any(math.isclose(number, allowed, rel_tol=TOLERANCE) for allowed in variable.values):
                return None
            return f"{number:g} is not allowed", f"Allowed: {', '.join(f'{v:g}' for v in variable.values)}"
        low, high = variable.bounds_at({c.name: str(design.get(c.name, "")) for c in self.categorical})
        slack = TOLERANCE * max(abs(low), abs(high))
        if low - slack <= number <= high + slack:
            return None
        return f"{number:g} is outside the bounds", f"Allowed: {low:g} to {high:g}"

    def is_feasible(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n,)` booleans: true where a design is a candidate of this space."""
        return np.array([not self.problems(designs.iloc[[row]]) for row in range(len(designs))], dtype=bool)

    def obeys_rules(self, designs: pd.DataFrame) -> np.ndarray:
        """Return `(n,)` booleans for the rules alone; bounds and levels are not looked at."""
        obeys = np.ones(len(designs), dtype=bool)
        for rule in self.rules:
            obeys &= rule.holds(designs)
        return obeys

    def require_columns(self, designs: pd.DataFrame) -> None:
        """Refuse a table that lacks a variable.

        Raises:
            DesignError: A column is missing.
        """
        missing = [name for name in self.names if name not in designs.columns]
        if missing:
            raise DesignError(
                [
                    Problem(f"column {name}", "is missing", f"Given: {', '.join(map(str, designs.columns))}")
                    for name in missing
                ],
                source="table of designs",
            )


def _round(variable: Continuous, value: float) -> float:
    """Round to four digits; on a linear scale also to a thousandth of the range, so that 0.005006 of 10 is 0.01."""
    if variable.scale == "linear":
        low, high = variable.hull
        step = 10.0 ** math.floor(math.log10((high - low) / 1000.0))
        value = round(value / step) * step
    return round_significant(value)


def round_significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> float:
    """Round to a number of significant digits."""
    return float(f"{value:.{digits}g}")


def design_key(design: Mapping[str, object]) -> str:
    """Return a stable hash of one design, equal for equal values whatever their column order or type."""
    plain = {name: value if isinstance(value, str) else float(value) for name, value in design.items()}  # type: ignore[arg-type]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
