"""What one trial looks like as an MLflow run: its parameters, metrics, tags, status and note."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import TrialRecord
from afssb_opt.tracking.labels import (
    STATE_WORDS,
    design_text,
    outcome_name_and_unit,
    outcome_text,
    plain_markdown,
)

# Changes when runs are laid out differently, so that old ones are written again.
LAYOUT: Final = "1"

# Disputed trials wait for a person, so they are not shown as finished.
STATUS: Final[Mapping[TrialState, str]] = {
    TrialState.DRAFT: "SCHEDULED",
    TrialState.PROPOSED: "SCHEDULED",
    TrialState.CLAIMED: "RUNNING",
    TrialState.IN_TEST: "RUNNING",
    TrialState.PARTIAL: "RUNNING",
    TrialState.COMPLETED: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.ABANDONED: "KILLED",
    TrialState.VOID: "KILLED",
    TrialState.DISPUTED: "RUNNING",
}

CURVES: Final = (
    "discharge_capacity_mah_cm2",
    "coulombic_efficiency_pct",
    "areal_resistance_ohm_cm2",
    "pressure_min_mpa",
    "pressure_max_mpa",
    "contact_fraction",
)

# Tags that a later state of a trial may no longer have.
_PASSING_TAGS: Final = frozenset(
    {"afssb.source", "afssb.censored", "afssb.attributes", "afssb.failure_kind", "afssb.failure", "afssb.decision",
     "afssb.as_built"}
)  # fmt: skip

# What MLflow calls a run that is over.
TERMINAL: Final = frozenset({"FINISHED", "FAILED", "KILLED"})

# 64 points draw any of these curves; each point costs MLflow 0.1 ms and the whole table lies beside it as a file.
MAX_CURVE_POINTS: Final = 64
# MLflow cuts a tag at 8,000 and a parameter at 6,000 characters without saying so; we cut before, and say it.
_MAX_TEXT: Final = 5000


@dataclass(frozen=True)
class MetricPoint:
    """One value of one metric.

    Attributes:
        step: Cycle number for a curve; the revision of the result for an outcome.
        at_ms: Milliseconds since the epoch. MLflow takes an equal point twice without a word, and of two values of
            the same step the later one as the newest.
    """

    name: str
    value: float
    step: int
    at_ms: int


@dataclass(frozen=True)
class TrialRun:
    """An MLflow run to be written.

    Attributes:
        start_ms: Milliseconds since the epoch, UTC.
        end_ms: Likewise; None while the trial is open.
        metrics: Outcomes and as-built numbers; the curves come from `curve_points`.
    """

    name: str
    status: str
    start_ms: int
    end_ms: int | None
    params: dict[str, str]
    tags: dict[str, str]
    metrics: tuple[MetricPoint, ...]


def layout_of(spec: CampaignSpec) -> str:
    """Return what the runs of a campaign are written by: another one writes them anew, as does another score."""
    return (
        LAYOUT
        if spec.desirability is None
        else f"{LAYOUT}-{hashlib.sha256(repr(spec.desirability).encode()).hexdigest()[:12]}"
    )


def project_trial(spec: CampaignSpec, trial: TrialRecord) -> TrialRun:
    """Describe a trial as an MLflow run; the same trial always gives the same run."""
    return TrialRun(
        name=trial.label,
        status=STATUS[trial.state],
        start_ms=milliseconds(trial.proposed_at),
        end_ms=milliseconds(trial.ended_at) if trial.ended_at else None,
        params=_params(trial),
        tags={name: tag_text(value) for name, value in _tags(spec, trial).items()},
        metrics=tuple(_outcome_points(spec, trial)),
    )


def passing_tags(tags: Iterable[str]) -> frozenset[str]:
    """Return those of the tags that a later state of the trial may no longer have."""
    return _one_of(_PASSING_TAGS.intersection(tags))


@cache
def _one_of(tags: frozenset[str]) -> frozenset[str]:
    """Return the same set for equal ones: there are few, and one is kept for each of thousands of runs."""
    return tags


def curve_points(cycling: pd.DataFrame, at_ms: int, max_points: int = MAX_CURVE_POINTS) -> Iterator[MetricPoint]:
    """Yield each measured curve, thinned to every second, fourth, ... cycle; first and last cycle are kept.

    Strides are powers of two, so a table that has grown repeats the points already written.
    """
    cycles = cycling["cycle"].to_numpy(int)
    if not len(cycles):
        return
    stride = 1
    while len(cycles) / stride > max_points:
        stride *= 2
    kept = ((cycles - cycles[0]) % stride == 0) | (cycles == cycles[-1])
    for name in CURVES:
        values = cycling[name].to_numpy(float)
        for row in np.flatnonzero(kept & np.isfinite(values)):
            yield MetricPoint(f"cycle/{name}", float(values[row]), int(cycles[row]), at_ms)


def mlflow_key(name: str) -> str:
    """Return the name with everything replaced that MLflow refuses in the name of a metric or parameter."""
    key = re.sub(r"[^\w.\- ]", "_", name)[:200]
    return f"_{key}" if key.startswith(".") else key


def tag_text(value: str) -> str:
    """Return the text, cut with a remark where MLflow would cut it silently."""
    if len(value) <= _MAX_TEXT:
        return value
    return f"{value[:_MAX_TEXT]} … (cut here; {len(value)} characters in the ledger)"


def _params(trial: TrialRecord) -> dict[str, str]:
    params = {mlflow_key(name): _plain(value) for name, value in trial.design.items()}
    extra = {"trial_number": trial.number, "round": trial.round, "seed": trial.provenance.get("seed"),
             "method": trial.provenance.get("method")}  # fmt: skip
    for name, value in extra.items():
        if value is not None:
            params.setdefault(name, _plain(value))
    return {name: value[:_MAX_TEXT] for name, value in params.items()}


def _plain(value: object) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)


def _outcome_points(spec: CampaignSpec, trial: TrialRecord) -> Iterator[MetricPoint]:
    """Yield outcomes, their standard errors and as-built numbers; a revised result is a further step."""
    values: dict[str, float] = {}
    result = spec.scored_result(trial.result)
    if result is not None:
        values.update({mlflow_key(name): value for name, value in result.outcomes.items()})
        values.update({mlflow_key(f"{name}_sem"): sem for name, sem in result.sem.items()})
    for name, built in (trial.as_built or {}).items():
        if isinstance(built, int | float):
            values[f"as_built/{mlflow_key(name)}"] = built
    at_ms = milliseconds(trial.proposed_at) + trial.last_seq
    for key, value in values.items():
        if math.isfinite(value):
            yield MetricPoint(key, float(value), trial.n_revisions, at_ms)


def _tags(spec: CampaignSpec, trial: TrialRecord) -> dict[str, str]:
    tags = {
        "afssb.role": "trial",
        "afssb.trial_uid": trial.uid,
        "afssb.campaign_uid": trial.campaign_uid,
        "afssb.label": trial.label,
        "afssb.state": trial.state.value,
        "afssb.round": str(trial.round),
        "afssb.reason": trial.reason,
        "afssb.is_excluded": "true" if trial.is_excluded else "false",
        "afssb.attempts": str(trial.attempts),
        "afssb.provenance": json.dumps(trial.provenance, sort_keys=True, default=str),
        "afssb.protocol": json.dumps(spec.protocol.as_dict(), sort_keys=True),
        "mlflow.note.content": _note(spec, trial),
        "mlflow.source.name": "afssb-opt",
        "mlflow.user": "afssb-opt",
    }
    if trial.result is not None:
        tags["afssb.source"] = trial.result.source
        tags["afssb.censored"] = ", ".join(sorted(trial.result.censored)) or "none"
        if trial.result.attributes:
            tags["afssb.attributes"] = json.dumps(dict(trial.result.attributes), sort_keys=True, default=str)
    if trial.failure is not None:
        tags["afssb.failure_kind"] = trial.failure.kind
        tags["afssb.failure"] = trial.failure.reason
    if trial.decision_reason:
        tags["afssb.decision"] = trial.decision_reason
    if trial.as_built:
        tags["afssb.as_built"] = json.dumps(trial.as_built, sort_keys=True)
    return tags


def _note(spec: CampaignSpec, trial: TrialRecord) -> str:
    """Return the text of the run page, in Markdown."""
    excluded = ", **excluded from the model**" if trial.is_excluded else ""
    lines = [
        f"**{trial.label}**: trial {trial.number} of campaign {plain_markdown(spec.name)}, round {trial.round}, "
        f"{STATE_WORDS[trial.state]}{excluded}.",
        f"**Why this design.** {plain_markdown(trial.reason) or 'No reason was recorded.'}",
        f"**Design.** {plain_markdown(design_text(trial.design))}",
    ]
    if trial.as_built and trial.as_built != trial.design:
        lines.append(f"**As built.** {plain_markdown(design_text(trial.as_built))}")
    if trial.result is not None:
        lines.append("**Result.** " + plain_markdown(result_text(spec, trial)))
    if trial.failure is not None:
        lines.append(f"**Failure** ({trial.failure.kind}). {plain_markdown(trial.failure.reason)}")
    if trial.decision_reason:
        lines.append(f"**Decision.** {plain_markdown(trial.decision_reason)}")
    lines.append(
        "_To keep this trial out of the model, set the tag `afssb.review` to `exclude` and say why in "
        "`afssb.review_note`; `include` takes it back. The next sync records it._"
    )
    return "\n\n".join(lines)


def result_text(spec: CampaignSpec, trial: TrialRecord) -> str:
    """Return the outcomes the campaign asks for on one line, with units and limits."""
    result = spec.scored_result(trial.result)
    if result is None:
        return "no result"
    parts = []
    for name in spec.shown_outcomes:
        label, unit = outcome_name_and_unit(spec.outcome(name))
        value, sem = result.outcomes.get(name), result.sem.get(name)
        text = outcome_text(value, is_censored=name in result.censored, unit=unit, sem=sem)
        parts.append(f"{label} {text}")
    return ", ".join(parts)


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since the epoch, as MLflow counts time."""
    return int(moment.timestamp() * 1000)
