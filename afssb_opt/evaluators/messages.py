"""An evaluation as plain data, for the way from a child process to the campaign."""

from __future__ import annotations

from typing import Any

import pandas as pd

from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators.protocol import Evaluation


def to_message(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON types."""
    result = evaluation.result
    if isinstance(result, TrialFailure):
        return {"failure": {"kind": result.kind, "reason": result.reason}}
    return {
        "result": {
            "outcomes": dict(result.outcomes),
            "sem": dict(result.sem),
            "censored": sorted(result.censored),
            "source": result.source,
            "attributes": dict(result.attributes),
        },
        "cycling": None if evaluation.cycling is None else evaluation.cycling.to_dict("list"),
    }


def from_message(message: dict[str, Any]) -> Evaluation:
    """Return the evaluation that `to_message` turned into plain data."""
    if "failure" in message:
        return Evaluation(TrialFailure(**message["failure"]))
    result = message["result"]
    cycling = None if message["cycling"] is None else pd.DataFrame(message["cycling"])
    return Evaluation(TrialResult(**{**result, "censored": frozenset(result["censored"])}), cycling)
