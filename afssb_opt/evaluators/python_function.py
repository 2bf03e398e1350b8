"""A user's Python function as an evaluator (in a child process): a table of designs in, one of outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.trials import TrialFailure
from afssb_opt.evaluators.answers import read_answer
from afssb_opt.evaluators.foreign_code import load
from afssb_opt.evaluators.messages import to_message
from afssb_opt.evaluators.protocol import Evaluation

Design = Mapping[str, float | str]


def open_worker(settings: dict[str, Any]) -> Callable[[Design], dict[str, Any]]:
    """Import the function once and return what evaluates one design after another.

    Raises:
        EvaluationError: The module or function does not exist.
    """
    function = load(settings["target"], settings["folder"])
    protocol = Protocol(**settings["protocol"])
    return lambda design: to_message(call_function(function, design, protocol, settings["outcome_names"]))


def call_function(
    function: Callable[..., Any], design: Design, protocol: Protocol, outcome_names: Sequence[str]
) -> Evaluation:
    """Call `function(designs, protocol)` with one row and check what it returns.

    An exception of the function itself passes; the border to the campaign is the child process.
    """
    answer = function(pd.DataFrame([dict(design)]), protocol)
    try:
        if not isinstance(answer, pd.DataFrame) or len(answer) != 1:
            shape = f"{len(answer)} rows" if isinstance(answer, pd.DataFrame) else type(answer).__name__
            raise EvaluationError(f"the evaluator returned {shape}; it must return a table with one row per design")
        repeated = answer.columns[answer.columns.duplicated()].tolist()
        if repeated:
            raise EvaluationError(f"the evaluator returned the column {repeated[0]} twice")
        return Evaluation(read_answer(dict(answer.iloc[0]), outcome_names, "python", design))
    except EvaluationError as error:
        return Evaluation(TrialFailure("equipment", str(error)))
