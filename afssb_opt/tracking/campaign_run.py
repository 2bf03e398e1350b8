"""What the one run named `campaign` shows: progress by step, the Pareto set, the report and the campaign file."""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import OPEN_STATES
from afssb_opt.ledger import CampaignRecord, Ledger
from afssb_opt.ledger.frames import observations_table
from afssb_opt.tracking.answer import Answer, answer
from afssb_opt.tracking.progress import best_rows, fixed_reference, progress_table
from afssb_opt.tracking.report import SurrogateView, write_report
from afssb_opt.tracking.run_index import CAMPAIGN_RUN, MirroredRun, text_sha256
from afssb_opt.tracking.run_writer import log_all, set_status
from afssb_opt.tracking.table_view import TRAINING_PAGES, VIEW_TAG, table_view
from afssb_opt.tracking.trial_run import MetricPoint, layout_of, milliseconds, mlflow_key, tag_text


def write_campaign_run(
    client: MlflowClient,
    experiment_id: str,
    spec: CampaignSpec,
    record: CampaignRecord,
    ledger: Ledger,
    known: MirroredRun | None,
    optimizer: SurrogateView | None,
    *,
    seq: str,
    has_report: bool,
) -> MirroredRun:
    """Create or update the campaign's own run and the note of its experiment, as of the event `seq`.

    Progress is a diary: a step once logged stays as it was known then, and the last step is logged again where an
    exclusion changed it. The report and `progress.csv` hold the curve as it is known now.

    `known` is the run as MLflow holds it; without it the run is created. `optimizer` gives the report its model pages.
    """
    is_report_due = has_report and (known is None or known.report_seq != seq)
    if known and known.ledger_seq == seq and known.layout == layout_of(spec) and not is_report_due:
        return known
    # Counts and columns only: records of all trials, read so often, would take ten times the room.
    standing = ledger.standing(record.uid)
    observations = spec.scored(ledger.observations(record.uid, by_end=True))
    found = answer(spec, standing, observations)
    tags = {
        "afssb.role": "campaign",
        "afssb.campaign_uid": record.uid,
        "afssb.config_sha256": record.config_sha256,
        "afssb.question": spec.question,
        "mlflow.note.content": _note(spec, found),
        "mlflow.source.name": "afssb-opt",
        "mlflow.user": "afssb-opt",
    }
    tags = {name: tag_text(value) for name, value in tags.items()}
    if known is None:
        born = client.create_run(experiment_id, milliseconds(record.created_at), tags, CAMPAIGN_RUN)
        known = MirroredRun(born.info.run_id, CAMPAIGN_RUN)
    is_over = standing.n_trials >= spec.budget.trials and not standing.n_in(OPEN_STATES)
    status = "FINISHED" if is_over else "RUNNING"
    set_status(client, known, status, milliseconds(standing.newest_at) if is_over and standing.newest_at else None)
    progress = progress_table(spec, observations)
    comparable = progress
    if len(spec.wanted) > 1:
        reference = fixed_reference(spec, observations)
        if reference is not None:
            tags["afssb.reference_point"] = reference
        else:
            # Hypervolumes above a point that still moves do not compare; all of them are logged once it stands.
            comparable = progress.drop(columns="hypervolume")
    points, n_steps = _new_points(comparable, known, milliseconds(record.created_at) + int(seq))
    with tempfile.TemporaryDirectory(prefix="afssb-campaign-") as folder:
        _write_tables(spec, record, observations, progress, Path(folder))
        if is_report_due:
            trials = ledger.trials(record.uid)
            # Not in the order above: the optimizer counts its rows in the ledger's.
            told = observations_table(trials)
            write_report(spec, trials, told, Path(folder) / "report.html", optimizer=optimizer, record=record)
        client.log_artifacts(known.run_id, folder)
    _describe_experiment(client, experiment_id, known.run_id, tags["mlflow.note.content"], table_view(spec))
    report_seq = seq if has_report else known.report_seq
    marks = {"afssb.n_progress": str(n_steps), "afssb.report_seq": report_seq, "afssb.layout": layout_of(spec),
             "afssb.ledger_seq": seq}  # fmt: skip
    params = {} if known.ledger_seq else _params(spec)
    log_all(client, known.run_id, points, params, {**tags, **marks})
    return replace(
        known,
        status=status,
        ledger_seq=seq,
        layout=layout_of(spec),
        report_seq=report_seq,
        n_progress=n_steps,
        metrics={**known.metrics, **{point.name: point.value for point in points}},
    )


def _params(spec: CampaignSpec) -> dict[str, str]:
    protocol = {f"protocol/{mlflow_key(name)}": str(value) for name, value in spec.protocol.as_dict().items()}
    return {**protocol, "evaluator": spec.evaluator.kind, "seed": str(spec.seed), "batch_size": str(spec.batch_size),
            "budget_trials": str(spec.budget.trials)}  # fmt: skip


def _new_points(progress: pd.DataFrame, known: MirroredRun, at_ms: int) -> tuple[list[MetricPoint], int]:
    """Return the steps not logged yet, and how many there are then; a changed last step is logged once more."""
    points = []
    last = len(progress) - 1
    n_steps = max(len(progress), known.n_progress)
    for name in (name for name in progress.columns if name not in ("trials", "number", "label")):
        key, values = mlflow_key(name), progress[name].to_numpy(float)
        first = known.n_progress if key in known.metrics else 0
        # Where nothing is new the last step may have changed.
        for row in range(min(first, max(last, 0)), len(progress)):
            is_changed = row >= first or known.metrics[key] != values[row]
            if is_changed and math.isfinite(values[row]):
                step = n_steps if row == last else row + 1
                points.append(MetricPoint(key, float(values[row]), step, at_ms))
    return points, n_steps


def _write_tables(
    spec: CampaignSpec, record: CampaignRecord, observations: pd.DataFrame, progress: pd.DataFrame, folder: Path
) -> None:
    observations[best_rows(spec, observations)].to_csv(folder / "pareto.csv", index=False)
    observations.to_csv(folder / "observations.csv", index=False)
    progress.to_csv(folder / "progress.csv", index=False)
    definition = json.dumps(record.definition, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    (folder / "campaign.json").write_text(definition + "\n", encoding="utf-8")


def _note(spec: CampaignSpec, found: Answer) -> str:
    lines = [f"**{spec.question}**" if spec.question else "", found.standing]
    lines += [f"- {sentence}" for sentence in found.findings]
    lines += [f"- _{sentence}_" for sentence in found.caveats]
    return "\n".join([*lines[:2], "", *lines[2:]]).strip()


def _describe_experiment(client: MlflowClient, experiment_id: str, run_id: str, note: str, view: str) -> None:
    """Describe the experiment, link its report and keep its columns; a description that a user wrote stays."""
    link = f"#/experiments/{experiment_id}/runs/{run_id}"
    text = (
        f"{note}\n\n[Report, Pareto set and progress]({link}/artifacts/report.html{TRAINING_PAGES}) "
        f"are on the run [campaign]({link}{TRAINING_PAGES}); each other run is one trial. Columns worth showing: the "
        "design (parameters), the outcomes (metrics), `afssb.state` and `afssb.reason` (tags); the address that "
        "`afssb ui CAMPAIGN` prints has them."
    )
    present = client.get_experiment(experiment_id).tags
    if present.get(VIEW_TAG) != view:
        client.set_experiment_tag(experiment_id, VIEW_TAG, view)
    is_ours = present.get("afssb.note_sha256") == text_sha256(present.get("mlflow.note.content", ""))
    if "mlflow.note.content" not in present or is_ours:
        client.set_experiment_tag(experiment_id, "mlflow.note.content", text)
        client.set_experiment_tag(experiment_id, "afssb.note_sha256", text_sha256(text))
