"""Which tables of observations are accepted, and what their columns mean once read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.space import DesignSpace, design_key
from afssb_opt.domain.variables import Categorical, Fixed

STATUSES: Final = ("completed", "failed", "pending")


def empty_observations(space: DesignSpace, outcomes: Sequence[str]) -> pd.DataFrame:
    """Return the table of no observations."""
    return _assemble(space, outcomes, pd.DataFrame(columns=list(space.names)), {})


def read_observations(space: DesignSpace, outcomes: Sequence[str], table: pd.DataFrame) -> pd.DataFrame:
    """Check a user's table and return it with all columns in place.

    The result has the variables, then per outcome `<outcome>`, `<outcome>_sem` and `<outcome>_censored`, then
    `status`. Other columns are left out; they belong to the caller (a trial number, a note).

    Args:
        space: Variables that must be columns; fixed ones may be left out.
        outcomes: Outcomes that must be columns where at least one row is completed.
        table: One row per cell.

    Raises:
        DesignError: Columns are missing or hold values that cannot be read; all problems are listed.
    """
    problems: list[Problem] = []
    problems += _variable_problems(space, table)
    status, status_problems = _read_status(table)
    problems += status_problems
    numbers: dict[str, np.ndarray] = {}
    for outcome in outcomes:
        if outcome not in table.columns and (status == "completed").any():
            spare = [str(name) for name in table.columns if name not in space.names]
            problems.append(
                Problem(f"column {outcome}", "is missing", f"{suggest(outcome, spare)}Leave single cells empty "
                        "where nothing was measured, or give all rows the status failed or pending")
            )  # fmt: skip
        for name in (outcome, f"{outcome}_sem"):
            if name in table.columns:
                numbers[name], found = _read_numbers(name, table[name])
                problems += found
        if f"{outcome}_sem" in numbers:
            for row in np.flatnonzero(numbers[f"{outcome}_sem"] < 0):
                problems.append(Problem(f"row {row}, {outcome}_sem", "is negative", "A standard error is 0 or more"))
        if f"{outcome}_censored" in table.columns:
            numbers[f"{outcome}_censored"], found = _read_flags(f"{outcome}_censored", table[f"{outcome}_censored"])
            problems += found
    if problems:
        raise DesignError(problems, source="table of observations")
    table = table.reset_index(drop=True)
    return _assemble(space, outcomes, table, numbers).assign(status=status)


def _assemble(
    space: DesignSpace, outcomes: Sequence[str], table: pd.DataFrame, numbers: dict[str, np.ndarray]
) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for variable in space.variables:
        if isinstance(variable, Fixed):
            columns[variable.name] = [variable.value] * len(table)
        elif isinstance(variable, Categorical):
            columns[variable.name] = table[variable.name].astype(str).astype(object)
        else:
            columns[variable.name] = pd.to_numeric(table[variable.name]).astype(float)
    for outcome in outcomes:
        missing = np.full(len(table), np.nan)
        columns[outcome] = numbers.get(outcome, missing)
        columns[f"{outcome}_sem"] = numbers.get(f"{outcome}_sem", missing)
        columns[f"{outcome}_censored"] = numbers.get(f"{outcome}_censored", np.zeros(len(table))).astype(bool)
    columns["status"] = np.array(["completed"] * len(table), dtype=object)
    return pd.DataFrame(columns)


def _variable_problems(space: DesignSpace, table: pd.DataFrame) -> list[Problem]:
    problems = []
    for variable in space.variables:
        if variable.name not in table.columns:
            if not isinstance(variable, Fixed):
                hint = suggest(variable.name, [str(name) for name in table.columns])
                problems.append(Problem(f"column {variable.name}", "is missing", f"{hint}Add it; each variable of "
                                        f"the design is needed: {', '.join(space.names)}"))  # fmt: skip
        elif isinstance(variable, Categorical):
            for row in np.flatnonzero(table[variable.name].isna().to_numpy()):
                problems.append(Problem(f"row {row}, {variable.name}", "is empty", "Name the level"))
        elif not isinstance(variable, Fixed):
            numbers, found = _read_numbers(variable.name, table[variable.name])
            problems += found
            is_log = getattr(variable, "scale", "linear") == "log"
            for row in np.flatnonzero(~np.isfinite(numbers) | (is_log & (numbers <= 0))):
                given = table[variable.name].iloc[row]
                if not any(problem.where == f"row {row}, {variable.name}" for problem in found):
                    needed = "a positive number (the scale is logarithmic)" if is_log else "a finite number"
                    problems.append(Problem(f"row {row}, {variable.name}", f"is {given}", f"Give {needed}"))
    return problems


def _read_numbers(name: str, column: pd.Series) -> tuple[np.ndarray, list[Problem]]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan).copy()
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    unreadable = np.isnan(numbers) & ~text.str.lower().isin(["", "nan", "none", "<na>"]).to_numpy()
    return numbers, [
        Problem(f"row {row}, {name}", f"'{column.iloc[row]}' is not a number", "Give a number or leave it empty")
        for row in np.flatnonzero(unreadable)
    ]


def _read_flags(name: str, column: pd.Series) -> tuple[np.ndarray, list[Problem]]:
    words = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0, "": 0.0, "nan": 0.0, "none": 0.0}
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
    problems = [
        Problem(f"row {row}, {name}", f"is '{column.iloc[row]}'", "Allowed: true, false or empty")
        for row in np.flatnonzero(~text.isin(list(words)).to_numpy())
    ]
    return text.map(words).fillna(0.0).to_numpy(float), problems


def _read_status(table: pd.DataFrame) -> tuple[np.ndarray, list[Problem]]:
    if "status" not in table.columns:
        return np.array(["completed"] * len(table), dtype=object), []
    column = table["status"]
    status = column.astype(object).where(column.notna(), "completed").astype(str).str.strip().to_numpy(object)
    problems = [
        Problem(f"row {row}, status", f"is '{status[row]}'", f"{suggest(status[row], STATUSES)}"
                f"Allowed: {', '.join(STATUSES)}")
        for row in np.flatnonzero(~np.isin(status.astype(str), STATUSES))
    ]  # fmt: skip
    return status, problems


def design_keys(space: DesignSpace, designs: pd.DataFrame) -> list[str]:
    """Return one key per design, equal for equal designs."""
    rows = designs.loc[:, list(space.names)].to_dict("records")
    return [design_key({str(name): value for name, value in row.items()}) for row in rows]
