"""Recording a table of results that a user has in hand: checked as a whole, then recorded row by row."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from afssb_opt.domain.errors import InputError, Problem, suggest
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.domain.variables import Categorical
from afssb_opt.ledger import Ledger, Recorded, TrialRecord

STATUSES = ("completed", "partial", "failed")


def record_table(spec: CampaignSpec, ledger: Ledger, campaign_uid: str, results: pd.DataFrame) -> pd.DataFrame:
    """Check the whole table, then record each row; see `Campaign.record`.

    Raises:
        InputError: Nothing was recorded; all problems are listed.
    """
    known = {trial.label: trial for trial in ledger.trials(campaign_uid)}
    known |= {trial.uid: trial for trial in known.values()}
    problems: list[Problem] = []
    if "trial" not in results.columns:
        raise InputError([Problem("column trial", "is missing", "Give the trial label of each row")], "results")
    if results["trial"].duplicated().any():
        twice = ", ".join(sorted(set(results.loc[results["trial"].duplicated(), "trial"].astype(str))))
        problems.append(Problem("column trial", f"repeats {twice}", "Give one row per trial"))
    parsed = [_parse_row(spec, known, index, row, problems) for index, row in results.iterrows()]
    if problems:
        raise InputError(problems, "results")
    done = []
    for entry in parsed:
        if entry is None:
            continue
        trial, answer, as_built, is_final = entry
        if isinstance(answer, TrialFailure):
            told = ledger.record_failure(trial.uid, answer)
            done.append({"trial": trial.label, "recorded": "waiting" if told is Recorded.WAITING else "failed"})
        else:
            what = ledger.record_result(trial.uid, answer, as_built=as_built, is_final=is_final, actor="record")
            done.append({"trial": trial.label, "recorded": str(what)})
    return pd.DataFrame(done, columns=["trial", "recorded"])


def _parse_row(
    spec: CampaignSpec, known: dict[str, TrialRecord], index: Any, row: pd.Series, problems: list[Problem]
) -> tuple[TrialRecord, TrialResult | TrialFailure, dict[str, float | str] | None, bool] | None:
    label = str(row["trial"])
    where = f"row {index} ({label})"
    before = len(problems)
    if label not in known:
        labels = [name for name in known if name == known[name].label]
        problems.append(
            Problem(where, "is not a trial of this campaign", f"{suggest(label, labels)}See `afssb trials`")
        )
    status = str(row.get("status", "completed"))
    if status not in STATUSES:
        problems.append(Problem(f"{where}, status", f"is '{status}'", f"Allowed: {', '.join(STATUSES)}"))
    variables = [name for name in spec.space.names if name in row.index]
    suffixes = ("_sem", "_censored")
    outcomes = [
        str(name)
        for name in row.index
        if name not in {"trial", "status", "reason", *variables} and not str(name).endswith(suffixes)
    ]
    unknown = [name for name in outcomes if name not in spec.outcome_names and suggest(name, spec.outcome_names)]
    for name in unknown:
        problems.append(
            Problem(f"column {name}", "is not an outcome of this campaign", suggest(name, spec.outcome_names))
        )
    values = {name: _number(f"{where}, {name}", row[name], problems) for name in outcomes}
    sem = {
        name: _number(f"{where}, {name}_sem", row[f"{name}_sem"], problems)
        for name in outcomes
        if f"{name}_sem" in row.index
    }
    as_built: dict[str, float | str] = {}
    for name in variables:
        is_text = isinstance(spec.space[name], Categorical)
        as_built[name] = str(row[name]) if is_text else _number(f"{where}, {name}", row[name], problems)
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    if status != "failed" and not finite:
        problems.append(Problem(where, "has no outcome", f"Fill in one of: {', '.join(spec.outcome_names)}"))
    if len(problems) > before:
        return None
    trial = known[label]
    if status == "failed":
        return trial, TrialFailure("cell", str(row.get("reason", "reported as failed"))), None, True
    result = TrialResult(
        outcomes=finite,
        sem={name: value for name, value in sem.items() if math.isfinite(value) and name in finite},
        censored=frozenset(name for name in finite if row.get(f"{name}_censored", False) in (True, 1, "true", "True")),
        source="lab",
    )
    design = {**trial.design, **as_built}
    return trial, spec.with_recipe_outcomes(design, result), design if as_built else None, status == "completed"


def _number(where: str, value: Any, problems: list[Problem]) -> float:
    if value is None or value is pd.NA or (isinstance(value, str) and not value.strip()):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        problems.append(Problem(where, f"is '{value}'", "Give a number, or leave it empty"))
        return math.nan
    if math.isinf(number):
        problems.append(Problem(where, "is infinite", "Give a number, or leave it empty"))
    return number
