"""How the trials of a campaign look as tables: what was observed, and what is still pending."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.records import TrialRecord
from afssb_opt.ledger.replay import is_rejected_draft

_OBSERVED: Final = frozenset({TrialState.COMPLETED, TrialState.PARTIAL, TrialState.FAILED})
_PENDING: Final = frozenset({TrialState.DRAFT, TrialState.PROPOSED, TrialState.CLAIMED, TrialState.IN_TEST})


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
    rows = []
    for trial, result in zip(told, results, strict=True):
        row = _head(trial) | trial.design | (trial.as_built or {})
        for name in outcomes:
            row[name] = result.outcomes.get(name) if result else None
            row[f"{name}_sem"] = result.sem.get(name) if result else None
            row[f"{name}_censored"] = name in result.censored if result else False
        row["status"] = str(trial.state)
        rows.append(row)
    suffixes = ("", "_sem", "_censored")
    outcome_columns = [f"{name}{suffix}" for name in outcomes for suffix in suffixes]
    table = pd.DataFrame(rows, columns=[*_HEAD, *variables, *outcome_columns, "status"])
    for name in outcomes:
        table[[name, f"{name}_sem"]] = table[[name, f"{name}_sem"]].astype(float)
    return table


def pending_table(trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """Return one row per trial that has no reading yet: trial_uid, label, number, round, state and its design.

    Drafts that a person rejected are among them: the model must not count on what they would tell, nor ask again.
    """
    waiting = [trial for trial in trials if trial.state in _PENDING or is_rejected_draft(trial)]
    variables = _in_order(name for trial in waiting for name in trial.design)
    rows = [_head(trial) | {"state": str(trial.state)} | trial.design for trial in waiting]
    return pd.DataFrame(rows, columns=[*_HEAD, "state", *variables])


_HEAD: Final = ("trial_uid", "label", "number", "round")


def _head(trial: TrialRecord) -> dict[str, Any]:
    return {"trial_uid": trial.uid, "label": trial.label, "number": trial.number, "round": trial.round}


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _tells_something(trial: TrialRecord) -> bool:
    if trial.is_excluded or trial.state not in _OBSERVED:
        return False
    return trial.state is not TrialState.FAILED or (trial.failure is not None and trial.failure.kind == "cell")
