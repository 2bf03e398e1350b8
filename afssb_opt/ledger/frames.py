"""How the trials of a campaign look as tables: what was observed, and what is still pending."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger.records import TrialRecord
from afssb_opt.ledger.replay import is_rejected_draft

# In no other state is a trial in the table of observations.
OBSERVED_STATES: Final = frozenset({TrialState.COMPLETED, TrialState.PARTIAL, TrialState.FAILED})
_PENDING: Final = frozenset({TrialState.DRAFT, TrialState.PROPOSED, TrialState.CLAIMED, TrialState.IN_TEST})
# Nor in the table of what is pending; rejected drafts are among the abandoned trials.
PENDING_STATES: Final = _PENDING | {TrialState.ABANDONED}

# The first columns of each table, and what of a trial stands there.
_HEAD: Final = {"trial_uid": "uid", "label": "label", "number": "number", "round": "round"}


def observations_table(trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """Return one row per trial that tells the model something.

    Columns: trial_uid, label, number, round, the variables as built, then per outcome `<outcome>`, `<outcome>_sem`
    and `<outcome>_censored`, and status. Excluded and equipment-failed trials are left out; a failed cell has empty
    outcomes. Each trial is looked at once and let go of, so they may come one by one from the store.
    """
    # Column by column: a dictionary per row costs three times as much.
    heads: dict[str, list[Any]] = {name: [] for name in _HEAD}
    variables: dict[str, list[Any]] = {}
    outcomes: dict[str, _OutcomeColumns] = {}
    status: list[str] = []
    for trial in trials:
        if not _tells_something(trial):
            continue
        n_before = len(status)
        status.append(trial.state.value)
        for name, column in heads.items():
            column.append(getattr(trial, _HEAD[name]))
        _append(variables, trial.design | (trial.as_built or {}), n_before)
        result = None if trial.state is TrialState.FAILED else trial.result
        for name in result.outcomes if result else ():
            if name not in outcomes:
                outcomes[name] = _OutcomeColumns.empty(n_before)
        for name, columns in outcomes.items():
            columns.append(name, result)
    table: dict[str, Any] = {**heads, **variables}
    for name, columns in outcomes.items():
        table[name] = np.array(columns.values)
        table[f"{name}_sem"] = np.array(columns.sems)
        table[f"{name}_censored"] = columns.censored
    return _frame(table | {"status": status})


@dataclass(frozen=True)
class _OutcomeColumns:
    """One outcome of all rows; numbers as such, which take a quarter of the room of Python's."""

    values: array[float]
    sems: array[float]
    censored: list[bool]

    @classmethod
    def empty(cls, n_rows: int) -> _OutcomeColumns:
        return cls(array("d", [np.nan] * n_rows), array("d", [np.nan] * n_rows), [False] * n_rows)

    def append(self, name: str, result: TrialResult | None) -> None:
        self.values.append(result.outcomes.get(name, np.nan) if result else np.nan)
        self.sems.append(result.sem.get(name, np.nan) if result else np.nan)
        self.censored.append(name in result.censored if result else False)


def _append(columns: dict[str, list[Any]], row: Mapping[str, Any], n_before: int) -> None:
    """Add a row to columns of equal length; one that comes new is empty above it."""
    for name in row:
        if name not in columns:
            columns[name] = [None] * n_before
    for name, column in columns.items():
        column.append(row.get(name))


def pending_table(trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """Return one row per trial that has no reading yet: trial_uid, label, number, round, state and its design.

    Drafts that a person rejected are among them: the model must not count on what they would tell, nor ask again.
    """
    waiting = [trial for trial in trials if trial.state in _PENDING or is_rejected_draft(trial)]
    variables = _in_order(name for trial in waiting for name in trial.design)
    columns = _head_columns(waiting)
    columns["state"] = [str(trial.state) for trial in waiting]
    return _frame(columns | {name: [trial.design.get(name) for trial in waiting] for name in variables})


def _head_columns(trials: Sequence[TrialRecord]) -> dict[str, Any]:
    return {name: [getattr(trial, attribute) for trial in trials] for name, attribute in _HEAD.items()}


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    """Return the columns as a table; one without rows has texts in it, not the numbers that pandas would assume."""
    return pd.DataFrame(columns, dtype=None if columns["number"] else object)


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _tells_something(trial: TrialRecord) -> bool:
    if trial.is_excluded or trial.state not in OBSERVED_STATES:
        return False
    return trial.state is not TrialState.FAILED or (trial.failure is not None and trial.failure.kind == "cell")
