"""What a user may hold fixed or offer as a list before asking, and the space that remains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous, Discrete, Fixed
from afssb_opt.strategies.candidates import MAX_LISTED, Candidates, MixedSpace

# More lines of problems than this nobody reads; the first ones show what is wrong with the rest.
MAX_PROBLEMS: Final = 20


def read_fixed(space: DesignSpace, fixed: Mapping[str, object]) -> dict[str, object]:
    """Check values that a user holds fixed and return them as the space has them.

    Raises:
        DesignError: A name is no variable, or a value is not one it may take; all problems are listed.
    """
    values: dict[str, object] = {}
    problems = []
    free = [variable.name for variable in space.variables if not isinstance(variable, Fixed)]
    for name, value in fixed.items():
        if name not in space.names:
            problems.append(Problem(f"fixed {name}", "is not a variable of this space",
                                    f"{suggest(name, free)}Allowed: {', '.join(free)}"))  # fmt: skip
            continue
        found = _read_value(space, name, value)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            values[name] = found
    if problems:
        raise DesignError(problems, source="fixed values")
    return values


def _read_value(space: DesignSpace, name: str, value: object) -> Problem | float | str:
    variable, where = space[name], f"fixed {name}"
    if isinstance(variable, Fixed):
        is_same = str(value) == str(variable.value)
        return variable.value if is_same else Problem(where, f"is {value}", f"The space has it at {variable.value}")
    if isinstance(variable, Categorical):
        if str(value) in variable.levels:
            return str(value)
        hint = suggest(str(value), variable.levels)
        return Problem(where, f"unknown level '{value}'", f"{hint}Allowed: {', '.join(variable.levels)}")
    try:
        number = float(str(value))
    except ValueError:
        return Problem(where, f"'{value}' is not a number", "Give a number")
    if isinstance(variable, Discrete):
        if number in variable.values:
            return number
        return Problem(where, f"{number:g} is not allowed", f"Allowed: {', '.join(f'{v:g}' for v in variable.values)}")
    low, high = variable.hull
    if low <= number <= high:
        return number
    return Problem(where, f"{number:g} is outside the bounds", f"Allowed: {low:g} to {high:g}")


def read_candidates(space: DesignSpace, table: pd.DataFrame) -> pd.DataFrame:
    """Check a user's list of designs and return its variables, the values exactly as given.

    Fixed variables may be left out, other columns are not looked at.

    Raises:
        DesignError: The list is empty, too long, or a row is not a design of this space; all problems are listed.
    """
    if not 1 <= len(table) <= MAX_LISTED:
        what = f"has {len(table)} rows"
        raise DesignError([Problem("candidates", what, f"Give 1 to {MAX_LISTED} designs")], source="candidates")
    table = table.reset_index(drop=True)
    columns: dict[str, object] = {}
    for variable in space.variables:
        if isinstance(variable, Fixed) and variable.name not in table:
            columns[variable.name] = [variable.value] * len(table)
        elif variable.name in table:
            given = table[variable.name]
            if isinstance(variable, Continuous | Discrete):
                numbers = pd.to_numeric(given, errors="coerce")
                columns[variable.name] = numbers.astype(float) if numbers.notna().all() else given.astype(object)
            elif isinstance(variable, Categorical):
                columns[variable.name] = given.astype(str).astype(object)
            else:
                columns[variable.name] = given
    read = pd.DataFrame(columns)
    problems = space.problems(read)
    if problems:
        more = len(problems) - MAX_PROBLEMS
        tail = [Problem("candidates", f"have {more} more problems", "Mend these first")] if more > 0 else []
        raise DesignError([*problems[:MAX_PROBLEMS], *tail], source="candidates")
    return read[list(space.names)]


class ListedSpace(MixedSpace):
    """The designs of a user's list as the whole of the space."""

    def __init__(self, space: DesignSpace, table: pd.DataFrame, shared: Mapping[str, object]) -> None:
        """Take a list as `read_candidates` returns it; of it only the rows with the shared values."""
        super().__init__(space, shared)
        keep = np.ones(len(table), dtype=bool)
        for name, value in shared.items():
            keep &= (table[name] == value).to_numpy()
        self._table = table.loc[keep]
        codes = np.zeros((len(self._table), len(space.categorical)), dtype=int)
        for column, variable in enumerate(space.categorical):
            codes[:, column] = [variable.levels.index(str(level)) for level in self._table[variable.name]]
        self._listed = Candidates(space.to_unit(self._table), codes)
        self._place = {self._key(self._listed, row): row for row in reversed(range(len(self._table)))}

    def listed(self) -> Candidates:
        """Return all designs of the list."""
        return self._listed

    def rounded(self, candidates: Candidates) -> pd.DataFrame:
        """Return the rows of the list, their values untouched and their index that of the list."""
        return self._table.iloc[[self._place[self._key(candidates, row)] for row in range(len(candidates))]]

    @staticmethod
    def _key(candidates: Candidates, row: int) -> tuple[bytes, bytes]:
        return candidates.unit[row].tobytes(), candidates.codes[row].tobytes()
