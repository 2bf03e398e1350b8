"""Which mirrored values somebody changed in MLflow: reported and set right, while the ledger never follows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mlflow import MlflowClient
from mlflow.entities import Run

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import TrialRecord
from afssb_opt.tracking.run_index import MirroredRun
from afssb_opt.tracking.trial_run import MetricPoint, TrialRun, layout_of, project_trial

# They follow the campaign file, which may be amended after a run was written.
_NOT_OF_THE_TRIAL: Final = frozenset({"afssb.protocol"})


@dataclass(frozen=True)
class Edit:
    """What MLflow shows otherwise than the ledger, although its run was complete.

    Attributes:
        changes: Each with both values, in words.
        outdone: Per changed metric step and time of its newest value, which a corrected one must come after.
        is_mendable: Whether everything can be set right; MLflow cannot change a parameter.
    """

    trial_uid: str
    label: str
    changes: tuple[str, ...]
    outdone: Mapping[str, tuple[int, int]]
    is_mendable: bool

    def __str__(self) -> str:
        after = "It is set right again" if self.is_mendable else "MLflow cannot set a parameter right"
        return (
            f"{self.label} was changed in MLflow: {'; '.join(self.changes)}. The ledger stands. {after}; "
            "to keep a trial out of the model, set its tag afssb.review to exclude."
        )


def find_edit(
    client: MlflowClient, spec: CampaignSpec, trial: TrialRecord, known: MirroredRun, shown: Run
) -> Edit | None:
    """Compare a complete run, as MLflow shows it, with its trial; one that is behind is written anew anyway."""
    if known.ledger_seq != str(trial.last_seq) or known.layout != layout_of(spec):
        return None
    wanted = project_trial(spec, trial)
    metrics = [point for point in wanted.metrics if shown.data.metrics.get(point.name) != point.value]
    params = [name for name, value in wanted.params.items() if shown.data.params.get(name) != value]
    changes = [
        *(_words(f"metric {point.name}", point.value, shown.data.metrics.get(point.name)) for point in metrics),
        *(_words(f"parameter {name}", wanted.params[name], shown.data.params.get(name)) for name in params),
        *_changes_of_tags(wanted, shown),
    ]
    if not changes:
        return None
    outdone = {point.name: newest_point(client, known.run_id, point) for point in metrics}
    return Edit(trial.uid, trial.label, tuple(changes), outdone, not params)


def _changes_of_tags(wanted: TrialRun, run: Run) -> list[str]:
    tags = {
        name: value
        for name, value in wanted.tags.items()
        if name.startswith("afssb.") and name not in _NOT_OF_THE_TRIAL
    }
    changes = [
        _words(f"tag {name}", value, run.data.tags.get(name))
        for name, value in tags.items()
        if run.data.tags.get(name) != value
    ]
    if run.info.status != wanted.status:
        changes.append(_words("status", wanted.status, run.info.status))
    return changes


def newest_point(client: MlflowClient, run_id: str, point: MetricPoint) -> tuple[int, int]:
    """Return step and time of the point that MLflow takes for the newest of a metric, or those of ours."""
    history = client.get_metric_history(run_id, point.name)
    return max(((entry.step, entry.timestamp) for entry in history), default=(point.step, point.at_ms))


def _words(what: str, wanted: object, found: object) -> str:
    return f"{what} is {str(found)[:60]} there and {str(wanted)[:60]} in the ledger"
