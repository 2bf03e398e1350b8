"""How one trial is written to MLflow: in an order that a kill at any point leaves to be finished later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from afssb_opt.domain.desirability import DESIRABILITY
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import TrialRecord
from afssb_opt.ledger.failpoints import reach
from afssb_opt.tracking.edits import newest_point
from afssb_opt.tracking.labels import design_text
from afssb_opt.tracking.run_index import NOTHING, MirroredRun, text_sha256
from afssb_opt.tracking.trial_figure import draw_cycles
from afssb_opt.tracking.trial_run import TERMINAL, MetricPoint, curve_points, layout_of, passing_tags, project_trial

# MLflow takes 1,000 entries and 100 parameters in one batch.
_MAX_METRICS: Final = 800
_MAX_PARAMS: Final = 90


def write_trial_run(
    client: MlflowClient,
    experiment_id: str,
    spec: CampaignSpec,
    trial: TrialRecord,
    known: MirroredRun | None,
    cycling: pd.DataFrame | None,
    figure_folder: Path | None,
    lab_files: Path | None = None,
) -> MirroredRun:
    """Create or update the run of a trial and return it as MLflow holds it then.

    A new run is born with the trial's uid in one transaction. The commit mark comes last: the tag `afssb.ledger_seq`,
    or the status of a run that is born with all its tags (`run_index.mirrored_run` tells the two apart).

    Args:
        client: MLflow.
        experiment_id: Where a new run goes.
        spec: The campaign.
        trial: What is to be shown.
        known: The run as MLflow holds it; None creates it.
        cycling: Cycling table, where its curves or files are not there yet.
        figure_folder: Where files are made before they are sent; None sends no files.
        lab_files: Folder with the raw files of the trial's cells; it need not exist.
    """
    run = project_trial(spec, trial)
    note_sha256 = text_sha256(run.tags["mlflow.note.content"])
    before = known or MirroredRun("", trial.uid)
    outdone = dict(before.outdone)
    if before.run_id and before.layout != layout_of(spec):
        # A score by other wishes may be lower, and of equal moments MLflow takes the higher value for the newest.
        scores = [point for point in run.metrics if point.name == DESIRABILITY]
        outdone |= {point.name: newest_point(client, before.run_id, point) for point in scores}
    metrics = [_after(point, outdone.get(point.name)) for point in run.metrics]
    metrics_sha256 = text_sha256(repr([(point.name, point.value, point.step) for point in metrics]))
    if metrics_sha256 == before.metrics_sha256:
        metrics = []
    cycling_sha256, files_sha256 = before.cycling_sha256, before.files_sha256
    if cycling is not None and cycling_sha256 != trial.cycling_sha256:
        metrics += curve_points(cycling, run.start_ms)
        cycling_sha256 = trial.cycling_sha256 or ""
    are_files_due = cycling is not None and figure_folder is not None and files_sha256 != trial.cycling_sha256
    if are_files_due:
        files_sha256 = trial.cycling_sha256 or ""
    marks = {
        "afssb.cycling_sha256": cycling_sha256,
        "afssb.files_sha256": files_sha256,
        "afssb.metrics_sha256": metrics_sha256,
        "afssb.layout": layout_of(spec),
        "afssb.ledger_seq": str(trial.last_seq),
    }
    # A trial that is over when it is first shown is born with all tags; its status, set last, is then the mark.
    is_born_over = known is None and run.status in TERMINAL
    if known is None:
        birth = {**run.tags, "afssb.note_sha256": note_sha256, **(marks if is_born_over else {})}
        born = client.create_run(experiment_id, run.start_ms, birth, run.name)
        reach("mirror.created")
        known = MirroredRun(born.info.run_id, trial.uid, passing_tags=passing_tags(birth))
        tags = {} if is_born_over else marks
    else:
        tags = {**run.tags, "afssb.note_sha256": note_sha256, **marks}
        if not known.is_note_ours:
            del tags["mlflow.note.content"], tags["afssb.note_sha256"]
    if not is_born_over:
        set_status(client, known, run.status, run.end_ms)
    reach("mirror.status")
    for name in sorted(known.passing_tags - set(run.tags)):
        client.delete_tag(known.run_id, name)
    if are_files_due and cycling is not None and figure_folder is not None:
        _send_files(client, known.run_id, trial, cycling, figure_folder)
    if figure_folder is not None and lab_files is not None and lab_files.is_dir():
        client.log_artifacts(known.run_id, str(lab_files), "lab")
    reach("mirror.files")
    # Parameters cannot change, so only a run that was never complete may lack them.
    params = run.params if not known.ledger_seq else {}
    log_all(client, known.run_id, metrics, params, tags)
    reach("mirror.logged")
    if is_born_over:
        set_status(client, known, run.status, run.end_ms)
    return replace(
        known,
        status=run.status,
        ledger_seq=str(trial.last_seq),
        layout=layout_of(spec),
        cycling_sha256=cycling_sha256,
        files_sha256=files_sha256,
        metrics_sha256=metrics_sha256,
        passing_tags=passing_tags(run.tags),
        outdone=NOTHING,
    )


def _after(point: MetricPoint, outdone: tuple[int, int] | None) -> MetricPoint:
    """Return the point so that MLflow takes it for the newest, where somebody logged another one after it."""
    if outdone is None:
        return point
    return replace(point, step=max(point.step, outdone[0]), at_ms=max(point.at_ms, outdone[1] + 1))


def log_all(
    client: MlflowClient,
    run_id: str,
    metrics: Sequence[MetricPoint],
    params: dict[str, str],
    tags: dict[str, str],
) -> None:
    """Write metrics and parameters in batches MLflow takes; the tags go with the last one, which writes them last."""
    points = [Metric(point.name, point.value, point.at_ms, point.step) for point in metrics]
    pairs = [Param(name, value) for name, value in params.items()]
    while len(points) > _MAX_METRICS or len(pairs) > _MAX_PARAMS:
        client.log_batch(run_id, points[:_MAX_METRICS], pairs[:_MAX_PARAMS])
        points, pairs = points[_MAX_METRICS:], pairs[_MAX_PARAMS:]
    client.log_batch(run_id, points, pairs, [RunTag(name, value) for name, value in tags.items()])


def set_status(client: MlflowClient, known: MirroredRun, status: str, end_ms: int | None) -> None:
    """Bring the status of a run in line; nothing is sent where it is right already."""
    if status == known.status:
        return
    if status in TERMINAL:
        client.set_terminated(known.run_id, status, end_ms)
    else:
        client.update_run(known.run_id, status)


def _send_files(client: MlflowClient, run_id: str, trial: TrialRecord, cycling: pd.DataFrame, folder: Path) -> None:
    table, figure = folder / "cycling.csv", folder / "cycles.png"
    cycling.dropna(axis=1, how="all").to_csv(table, index=False)
    draw_cycles(cycling, f"{trial.label}: {design_text(trial.as_built or trial.design)}", figure)
    client.log_artifact(run_id, str(table))
    client.log_artifact(run_id, str(figure))
