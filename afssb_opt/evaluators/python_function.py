"""A user's Python function as an evaluator: a table of designs in, a table of outcomes out, checked at the border."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from afssb_opt.domain.errors import EvaluationError, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators.protocol import Evaluation


@dataclass(frozen=True)
class PythonEvaluator:
    """Calls `function(designs, protocol) -> outcomes` with one row at a time.

    The returned table has one row and a column per outcome, optionally `<outcome>_sem` and
    `<outcome>_censored`, or `status` = `failed` for a cell that died before anything could be measured.
    """

    function: Callable[[pd.DataFrame, Protocol], pd.DataFrame]
    protocol: Protocol
    outcome_names: Sequence[str]

    @classmethod
    def from_target(cls, target: str, protocol: Protocol, outcome_names: Sequence[str]) -> PythonEvaluator:
        """Import `module:function`.

        Raises:
            EvaluationError: The module cannot be imported or has no such function.
        """
        module_name, _, function_name = target.partition(":")
        try:
            module = importlib.import_module(module_name)
        except Exception as error:  # a user's module may raise anything on import
            raise EvaluationError(
                f"evaluator {target}: the module cannot be imported ({type(error).__name__}: {error}). "
                "Install it, or put its folder on PYTHONPATH"
            ) from error
        function = getattr(module, function_name, None)
        if not callable(function):
            hint = suggest(function_name, [name for name in dir(module) if callable(getattr(module, name))])
            raise EvaluationError(f"evaluator {target}: {module_name} has no function '{function_name}'. {hint}")
        return cls(function, protocol, tuple(outcome_names))

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        """Return what the function said about one design, or a failure that says what is wrong with its answer."""
        try:
            answer = self.function(pd.DataFrame([dict(design)]), self.protocol)
        except Exception as error:  # the border to foreign code: whatever it raises becomes the trial's reason
            return Evaluation(TrialFailure("equipment", f"the evaluator raised {type(error).__name__}: {error}"))
        try:
            return Evaluation(self._result(answer))
        except EvaluationError as error:
            return Evaluation(TrialFailure("equipment", str(error)))

    def _result(self, answer: Any) -> TrialResult | TrialFailure:
        if not isinstance(answer, pd.DataFrame) or len(answer) != 1:
            shape = f"{len(answer)} rows" if isinstance(answer, pd.DataFrame) else type(answer).__name__
            raise EvaluationError(f"the evaluator returned {shape}; it must return a table with one row per design")
        row = {str(name): value for name, value in answer.iloc[0].items()}
        if str(row.get("status", "")).lower() == "failed":
            return TrialFailure("cell", str(row.get("reason", "the evaluator reported a failed cell")))
        missing = [name for name in self.outcome_names if name not in row]
        if missing:
            raise EvaluationError(
                f"the evaluator returned no column {', '.join(missing)}; it returned {', '.join(row) or 'nothing'}"
            )
        extras = {f"{name}{suffix}" for name in row for suffix in ("_sem", "_censored")} | {"status", "reason"}
        outcomes = {name: _number(name, row[name]) for name in row if name not in extras}
        wanted_but_absent = [name for name in self.outcome_names if not math.isfinite(outcomes[name])]
        if len(wanted_but_absent) == len(self.outcome_names):
            raise EvaluationError(f"the evaluator returned no finite value for {', '.join(wanted_but_absent)}")
        finite = {name: value for name, value in outcomes.items() if math.isfinite(value)}
        sem = {name: _number(f"{name}_sem", row[f"{name}_sem"]) for name in finite if f"{name}_sem" in row}
        return TrialResult(
            outcomes=finite,
            sem={name: value for name, value in sem.items() if math.isfinite(value) and value >= 0},
            censored=frozenset(name for name in finite if bool(row.get(f"{name}_censored", False))),
            source="python",
        )


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise EvaluationError(f"the evaluator returned {name} = {value!r}, which is not a number") from None
    if math.isinf(number):
        raise EvaluationError(f"the evaluator returned {name} = {number}; return NaN for what could not be measured")
    return number
