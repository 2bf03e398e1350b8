"""What a first look at MLflow tells: which runs are as they should be, which are not, and which are too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mlflow import MlflowClient

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import ENDED_STATES
from afssb_opt.ledger import Ledger, TrialRecord
from afssb_opt.tracking.edits import Edit, find_edit
from afssb_opt.tracking.run_index import MirroredRun, in_order_of_choice, mirrored_run, run_pages
from afssb_opt.tracking.trial_run import layout_of


@dataclass
class Scan:
    """What MLflow holds of a campaign.

    Attributes:
        settled: Run ids by number of the trials that are over and shown in full; nothing else need be known of them.
        runs: By uid the run of each other trial, and the campaign's own.
        surplus: Ids of runs made twice.
        edits: What somebody changed in runs that were complete.
    """

    settled: dict[int, str] = field(default_factory=dict)
    runs: dict[str, MirroredRun] = field(default_factory=dict)
    surplus: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """A run, its trial where the ledger has it, and what somebody changed in it."""

    run: MirroredRun
    trial: TrialRecord | None
    edit: Edit | None


def scan_runs(
    client: MlflowClient, experiment_id: str, spec: CampaignSpec, ledger: Ledger, campaign_uid: str, *, is_rewrite: bool
) -> Scan:
    """Read every run of the experiment, deleted ones too, and compare it with its trial.

    It goes page by page and keeps only what is not as it should be: MLflow's runs of a large campaign fill gigabytes.

    Args:
        client: MLflow.
        experiment_id: Of the campaign.
        spec: The campaign.
        ledger: Has its trials.
        campaign_uid: Its uid.
        is_rewrite: Every run is to be written anew, so take none for settled.
    """
    scan = Scan()
    candidates: dict[str, list[_Found]] = {}
    numbers: dict[str, int] = {}
    for found in _found_runs(client, experiment_id, spec, ledger, campaign_uid):
        run, trial = found.run, found.trial
        is_new = trial is not None and trial.number not in scan.settled
        if trial is not None and is_new and not is_rewrite and found.edit is None and is_settled(spec, run, trial):
            scan.settled[trial.number] = run.run_id
            continue
        candidates.setdefault(run.key, []).append(replace(found, trial=None))
        if trial is not None:
            numbers[run.key] = trial.number
    for key, several in candidates.items():
        several.sort(key=lambda found: in_order_of_choice(found.run))
        is_first_too_many = numbers.get(key) in scan.settled
        if not is_first_too_many:
            scan.runs[key] = several[0].run
            scan.edits += [several[0].edit] if several[0].edit else []
        surplus = several if is_first_too_many else several[1:]
        scan.surplus += [found.run.run_id for found in surplus if not found.run.is_deleted]
    return scan


def _found_runs(
    client: MlflowClient, experiment_id: str, spec: CampaignSpec, ledger: Ledger, campaign_uid: str
) -> Iterator[_Found]:
    """Yield each run of ours once, compared with its trial."""
    seen: set[str] = set()
    for page in run_pages(client, experiment_id):
        ours = {run.info.run_id: run for run in page if run.info.run_id not in seen}
        seen.update(ours)
        known = [mirrored for mirrored in map(mirrored_run, ours.values()) if mirrored is not None]
        trials = {trial.uid: trial for trial in ledger.trials(campaign_uid, uids={run.key for run in known})}
        for run in known:
            trial = trials.get(run.key)
            edit = find_edit(client, spec, trial, run, ours[run.run_id]) if trial is not None else None
            yield _Found(run, trial, edit)


def is_current(spec: CampaignSpec, known: MirroredRun, trial: TrialRecord, *, has_figures: bool) -> bool:
    """Whether the run shows the trial as it stands."""
    is_shown = known.ledger_seq == str(trial.last_seq) and known.layout == layout_of(spec)
    return is_shown and has_cycling(known, trial, has_figures=has_figures)


def has_cycling(known: MirroredRun, trial: TrialRecord, *, has_figures: bool) -> bool:
    """Whether the run shows the trial's cycling table: its curves, and its files where figures are wanted."""
    sha256 = trial.cycling_sha256 or ""
    return known.cycling_sha256 == sha256 and (not has_figures or known.files_sha256 == sha256)


def is_settled(spec: CampaignSpec, known: MirroredRun, trial: TrialRecord) -> bool:
    """Whether a run need not be kept in mind: its trial is over, it shows all of it, and nobody reviews it."""
    is_left_alone = not known.is_deleted and not known.review
    return is_left_alone and trial.state in ENDED_STATES and is_current(spec, known, trial, has_figures=True)
