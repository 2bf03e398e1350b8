"""What foreign code says about one design, checked: the right keys, finite numbers, values possible in their unit."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from afssb_opt.domain.errors import EvaluationError, suggest
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.lab.plausible import PLAUSIBLE

_SUFFIXES = ("_sem", "_censored")
_NOT_OUTCOMES = frozenset({"status", "reason"})


def read_answer(
    row: Mapping[str, Any], outcome_names: Sequence[str], source: str, design_names: Collection[str] = ()
) -> TrialResult | TrialFailure:
    """Return what one row of outcomes says.

    Args:
        row: A value per outcome, optionally `<outcome>_sem` and `<outcome>_censored`; or `status` = `failed` and a
            `reason` for a cell that died before anything could be measured.
        outcome_names: Outcomes that the campaign needs.
        design_names: Variables that the row may repeat.

    Raises:
        EvaluationError: All that is wrong with the row.
    """
    row = {str(name): value for name, value in row.items()}
    if str(row.get("status", "")).lower() == "failed":
        return TrialFailure("cell", str(row.get("reason") or "the evaluator reported a failed cell"))
    names = [name for name in row if not _is_side_column(name, row) and name not in design_names]
    problems = [_missing(name, names) for name in outcome_names if name not in row]
    values: dict[str, float] = {}
    sem: dict[str, float] = {}
    for name in names:
        try:
            values[name] = _outcome(name, row[name])
            if f"{name}_sem" in row:
                sem[name] = _number(f"{name}_sem", row[f"{name}_sem"])
        except EvaluationError as error:
            problems.append(str(error))
    problems += [f"{name}_sem is {value:g}, below zero" for name, value in sem.items() if value < 0]
    if problems:
        raise EvaluationError(f"the evaluator's answer is refused: {'; '.join(problems)}")
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    if not finite.keys() & set(outcome_names):
        raise EvaluationError(f"the evaluator returned no finite value for {', '.join(outcome_names)}")
    return TrialResult(
        outcomes=finite,
        sem={name: value for name, value in sem.items() if name in finite and math.isfinite(value)},
        censored=frozenset(name for name in finite if _flag(row.get(f"{name}_censored", False))),
        source=source,
    )


def _is_side_column(name: str, row: Mapping[str, Any]) -> bool:
    return name in _NOT_OUTCOMES or any(
        name.endswith(suffix) and name.removesuffix(suffix) in row for suffix in _SUFFIXES
    )


def _missing(name: str, given: Sequence[str]) -> str:
    return f"{name} is missing. {suggest(name, given)}It has {', '.join(given) or 'nothing'}"


def _outcome(name: str, value: Any) -> float:
    number = _number(name, value)
    limits = PLAUSIBLE.get(name)
    # Zero is what a cell gives that died at once.
    if limits is not None and number != 0 and not math.isnan(number) and not limits.low <= number <= limits.high:
        raise EvaluationError(
            f"{name} is {number:g}, outside {limits.low:g} to {limits.high:g}: is the unit right? "
            f"It means {limits.hint}"
        )
    return number


def _number(name: str, value: Any) -> float:
    try:
        number = math.nan if value is None else float(value)
    except Exception:  # whatever the value is, its conversion may raise anything
        raise EvaluationError(f"{name} = {value!r} is not a number") from None
    if math.isinf(number):
        raise EvaluationError(f"{name} is {number}; return NaN for what could not be measured")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "1", "1.0")
    number = _number("a _censored flag", value)
    return number == number and bool(number)
