"""How the trials of a campaign look as tables: what was observed, and what is still pending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.records import TrialRecord
from afssb_opt.ledger.replay import is_rejected_draft

# In no other state is a trial in the table of observations.
OBSERVED_STATES: Final = frozenset({TrialState.COMPLETED, TrialState.PARTIAL, TrialState.FAILED})
_PENDING: Final = frozenset({TrialState.DRAFT, TrialState.PROPOSED, TrialState.CLAIMED, TrialState.IN_TEST})
# Nor in the table of what is pending; rejected drafts are among the abandoned trials.
PENDING_STATES: Final = _PENDING | {TrialState.ABANDONED}


def observations_table(trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """Return one row per trial that tells the model something.

    Columns: trial_uid, label, number, round, the variables as built, then per outcome `<outcome>`, `<outcome>_sem`
    and `<outcome>_censored`, and status. Excluded and equipment-failed trials are left out; a failed cell has empty
    outcomes.
    """
    told = [trial for trial in trials if _tells_something(trial)]
    variables = _in_order(name for trial in told for name in (*trial.design, *(trial.as_built or {})))
    results = [None if trial.state is TrialState.FAILED else trial.result for trial in told]
    outcomes = _in_order(name for result in results if result for name in result.outcomes)
    designs = [trial.design | (trial.as_built or {}) for trial in told]
    # Column by column: a dictionary per row costs three times as much.
    columns: dict[str, Any] = _head_columns(told)
    columns |= {name: [design.get(name) for design in designs] for name in variables}
    for name in outcomes:
        columns[name] = np.array([r.outcomes.get(name, np.nan) if r else np.nan for r in results], dtype=float)
        columns[f"{name}_sem"] = np.array([r.sem.get(name, np.nan) if r else np.nan for r in results], dtype=float)
        columns[f"{name}_censored"] = [name in r.censored if r else False for r in results]
    columns["status"] = [str(trial.state) for trial in told]
    return _frame(columns)


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
    return {
        "trial_uid": [trial.uid for trial in trials],
        "label": [trial.label for trial in trials],
        "number": [trial.number for trial in trials],
        "round": [trial.round for trial in trials],
    }


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    """Return the columns as a table; one without rows has texts in it, not the numbers that pandas would assume."""
    return pd.DataFrame(columns, dtype=None if columns["number"] else object)


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _tells_something(trial: TrialRecord) -> bool:
    if trial.is_excluded or trial.state not in OBSERVED_STATES:
        return False
    return trial.state is not TrialState.FAILED or (trial.failure is not None and trial.failure.kind == "cell")
