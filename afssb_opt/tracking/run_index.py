"""Which MLflow run belongs to which trial, and what the mirror must know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from afssb_opt.domain.errors import StoreError
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import CampaignRecord
from afssb_opt.ledger.collecting import without_collector
from afssb_opt.tracking.trial_run import LAYOUT, STATUS, TERMINAL, passing_tags

# One page is one query; 1,000 runs keep the scan of 10,000 below half a gigabyte.
_PAGE: Final = 1000

CAMPAIGN_RUN: Final = "campaign"


# One for all runs: a dictionary in each would take a tenth of the memory of the index.
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return NOTHING


@dataclass(frozen=True, slots=True)
class MirroredRun:
    """What the mirror must know of a run to leave it alone or bring it up to date.

    Attributes:
        key: Trial uid, or `CAMPAIGN_RUN`.
        ledger_seq: Commit mark: the event up to which the run is complete; empty while it never was.
        cycling_sha256: Cycling table whose curves are logged.
        files_sha256: Cycling table whose figure and file are there.
        passing_tags: Those of its tags that a later state of the trial may no longer have.
        is_note_ours: The description is as the mirror wrote it, so it may be replaced.
        report_seq: Event up to which the report of the campaign run is complete.
        n_progress: Steps of progress logged on the campaign run.
        metrics: Latest values, kept for the campaign run only.
        outdone: Per metric that somebody changed step and time of the newest value, which the right one must follow.
    """

    run_id: str
    key: str
    status: str = "RUNNING"
    is_deleted: bool = False
    ledger_seq: str = ""
    layout: str = LAYOUT
    cycling_sha256: str = ""
    files_sha256: str = ""
    metrics_sha256: str = ""
    passing_tags: frozenset[str] = frozenset()
    review: str = ""
    review_note: str = ""
    reviewer: str = ""
    review_seen: str = ""
    is_note_ours: bool = True
    report_seq: str = ""
    n_progress: int = 0
    metrics: Mapping[str, float] = field(default_factory=_nothing)
    outdone: Mapping[str, tuple[int, int]] = field(default_factory=_nothing)


def ensure_experiment(client: MlflowClient, record: CampaignRecord, artifact_root: str | None) -> str:
    """Return the id of the campaign's experiment; it is created or, where a user deleted it, restored.

    Raises:
        StoreError: The name is taken by an experiment of somebody else.
    """
    found = client.get_experiment_by_name(record.name)
    if found is None:
        location = f"{artifact_root}/{record.uid}" if artifact_root else None
        tags = {"afssb.campaign_uid": record.uid, "mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(record.name, artifact_location=location, tags=tags))
    owner = found.tags.get("afssb.campaign_uid")
    if owner != record.uid:
        whose = "another campaign of the same name" if owner else "something else than this program"
        deleted = (
            " (it is deleted, but its name stays taken until `mlflow gc`)" if found.lifecycle_stage == "deleted" else ""
        )
        raise StoreError(
            f"The MLflow experiment '{record.name}' belongs to {whose}{deleted}. "
            "Rename that experiment in MLflow, give the campaign another name, or set MLFLOW_TRACKING_URI to "
            "another store."
        )
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def run_pages(client: MlflowClient, experiment_id: str) -> Iterator[list[Run]]:
    """Yield every run of the experiment, deleted ones too, page by page and oldest first."""
    return _pages(client, experiment_id, "", ViewType.ALL)


def known_run(client: MlflowClient, run_id: str) -> MirroredRun | None:
    """Read one run again; None where it is no longer of this program."""
    return mirrored_run(client.get_run(run_id))


def in_order_of_choice(run: MirroredRun) -> tuple[bool, bool]:
    """Return what to sort by, so that the run to be kept comes first: a complete one, and not a deleted one."""
    return run.is_deleted, not run.ledger_seq


def reviewed_runs(client: MlflowClient, experiment_id: str) -> list[MirroredRun]:
    """Read only the runs that carry a reviewer's tag."""
    found = _pages(client, experiment_id, "tags.`afssb.review` LIKE '%'", ViewType.ACTIVE_ONLY)
    return [run for page in found for run in map(mirrored_run, page) if run is not None]


def with_review_of(run: MirroredRun, fresh: MirroredRun | None) -> MirroredRun:
    """Return a run known from an earlier scan with the review tags read just now; None means it has none."""
    source = fresh or MirroredRun(run.run_id, run.key)
    return replace(
        run,
        review=source.review,
        review_note=source.review_note,
        reviewer=source.reviewer,
        review_seen=source.review_seen,
    )


def mirrored_run(run: Run) -> MirroredRun | None:
    """Return what is to be known of a run; None where it is not of this program or was made twice."""
    tags = run.data.tags
    role = tags.get("afssb.role")
    key = CAMPAIGN_RUN if role == "campaign" else tags.get("afssb.trial_uid", "") if role == "trial" else ""
    if not key:
        return None
    n_progress = tags.get("afssb.n_progress", "")
    marks = {} if _is_half_born(run) else tags
    note, note_sha256 = tags.get("mlflow.note.content", ""), tags.get("afssb.note_sha256")
    return MirroredRun(
        run_id=run.info.run_id,
        key=key,
        status=run.info.status,
        is_deleted=run.info.lifecycle_stage == "deleted",
        ledger_seq=marks.get("afssb.ledger_seq", ""),
        layout=tags.get("afssb.layout", LAYOUT),
        cycling_sha256=marks.get("afssb.cycling_sha256", ""),
        files_sha256=marks.get("afssb.files_sha256", ""),
        metrics_sha256=marks.get("afssb.metrics_sha256", ""),
        passing_tags=passing_tags(tags),
        review=tags.get("afssb.review", ""),
        review_note=tags.get("afssb.review_note", ""),
        reviewer=tags.get("afssb.reviewer", ""),
        review_seen=tags.get("afssb.review_seen", ""),
        is_note_ours=note_sha256 is None or note_sha256 == text_sha256(note),
        report_seq=tags.get("afssb.report_seq", ""),
        n_progress=int(n_progress) if n_progress.isdecimal() else 0,
        metrics=dict(run.data.metrics) if key == CAMPAIGN_RUN else NOTHING,
    )


def _is_half_born(run: Run) -> bool:
    """Whether a run still has the status of its birth although its trial was over then: it may lack everything else."""
    state = run.data.tags.get("afssb.state", "")
    over = state in TrialState.__members__.values() and STATUS[TrialState(state)] in TERMINAL
    return over and run.info.status == "RUNNING"


def text_sha256(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pages(client: MlflowClient, experiment_id: str, query: str, view: str) -> Iterator[list[Run]]:
    # Rising start times: a run created between two pages comes last instead of shifting the others.
    token: str | None = None
    while True:
        # Putting a page together makes tens of thousands of objects, and the collector would walk over all it knows.
        with without_collector():
            page = client.search_runs([experiment_id], query, view, _PAGE, ["attributes.start_time ASC"], token)
        yield list(page)
        token = page.token
        if not token:
            return
