"""How the ledger is shown in MLflow: an idempotent projection that can be rebuilt at any time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mlflow import MlflowClient

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import CampaignRecord, Lease, Ledger, TrialRecord
from afssb_opt.ledger.failpoints import reach
from afssb_opt.tracking.calls import mlflow_calls
from afssb_opt.tracking.campaign_run import write_campaign_run
from afssb_opt.tracking.report import SurrogateView
from afssb_opt.tracking.reviews import ReviewDecision, read_reviews
from afssb_opt.tracking.run_index import (
    CAMPAIGN_RUN,
    MirroredRun,
    ensure_experiment,
    known_run,
    reviewed_runs,
    with_review_of,
)
from afssb_opt.tracking.run_writer import write_trial_run
from afssb_opt.tracking.scanning import has_cycling, is_current, is_settled, scan_runs
from afssb_opt.tracking.stores import open_client

# Long enough for a slow server to take one trial; renewed while the sync goes on, so a dead one blocks no longer.
_LEASE_S: Final = 120.0
# Rounds of a simulated campaign take seconds or less, and nobody looks at its progress more often than this.
_CAMPAIGN_RUN_EVERY_S: Final = 20.0
# One query reads as many; of a new store's hundred thousand no more are in memory at once.
_TRIALS_AT_ONCE: Final = 500


@dataclass(frozen=True)
class SyncReport:
    """What one sync did.

    Attributes:
        n_left: Trials not looked at because the time was up; the next sync takes them.
        warnings: What was mended or could not be understood, in words.
        decisions: What reviewers decided in MLflow and the ledger does not hold yet.
    """

    n_created: int = 0
    n_updated: int = 0
    n_left: int = 0
    warnings: tuple[str, ...] = ()
    decisions: tuple[ReviewDecision, ...] = ()


class Mirror:
    """Shows one campaign as one MLflow experiment: a flat run per trial and one run named `campaign`.

    The ledger is the truth. A run is found by the trial uid it was born with, and the tag `afssb.ledger_seq`, written
    last, says up to which event it is complete. Killed, repeated or late, a sync ends in the same runs.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        ledger: Ledger,
        campaign_record: CampaignRecord,
        tracking_uri: str,
        artifact_root: str | None = None,
        lab_folder: Path | None = None,
    ) -> None:
        """Prepare a mirror; MLflow is not touched before the first sync.

        Args:
            spec: The campaign as it stands now.
            ledger: Where trials are read and the lease for syncing is taken.
            campaign_record: The same campaign in the ledger.
            tracking_uri: As from `resolve_tracking`.
            artifact_root: URI of the folder for files; None leaves it to the server.
            lab_folder: Folder with one folder of raw files per trial label, for the reviewer.
        """
        self._spec = spec
        self._ledger = ledger
        self._record = campaign_record
        self._uri = tracking_uri
        self._artifact_root = artifact_root
        self._lab_folder = lab_folder
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        # What is known of MLflow since the last scan; None means that it must be scanned before anything is written.
        # Of trials that are over and shown in full only number and run id: a campaign may have a hundred thousand.
        self._runs: dict[str, MirroredRun] | None = None
        self._settled: dict[int, str] = {}
        self._campaign_run_due_at = 0.0
        # Numbers by uid of the trials that MLflow does not show in full, as of the event up to which the ledger was
        # read.
        self._due: dict[str, int] = {}
        self._read_up_to = 0

    @property
    def experiment_id(self) -> str:
        """MLflow's number of the experiment; empty before the first sync."""
        return self._experiment_id

    def sync(
        self,
        *,
        optimizer: SurrogateView | None = None,
        has_figures: bool = True,
        has_report: bool = True,
        is_rewrite: bool = False,
        deadline_s: float = 300.0,
    ) -> SyncReport:
        """Bring MLflow up to the ledger and read back what reviewers decided.

        Args:
            optimizer: Told with all observations; gives the report its model pages.
            has_figures: Draw the figure of each trial (0.2 s each); left out now, a later sync draws it.
            has_report: Write the HTML report. Without it the campaign's own run is written every 20 s at most; a
                later sync, also one of another process, writes what this one left out.
            is_rewrite: Scan MLflow again and write every run anew, as `afssb doctor --repair` does.
            deadline_s: After this time no further trial is begun.

        Raises:
            StoreUnavailableError: MLflow does not answer; nothing is lost and the next sync catches up.
            StoreError: MLflow refuses, for instance because the experiment's name is taken.
            CampaignBusyError: Another process is syncing the same campaign.
        """
        lease = self._ledger.acquire_lease(self._record.uid, role="mirror", duration_s=_LEASE_S)
        try:
            with mlflow_calls(self._uri):
                client = self._opened()
                is_known = self._is_known(client) and not is_rewrite
                seq = self._read_due(is_known)
                runs, warnings = self._reviewed(client) if is_known else self._scanned(client, is_rewrite)
                reach("mirror.opened")
                report = self._sync_trials(client, runs, lease, has_figures, time.monotonic() + deadline_s)
                reach("mirror.trials")
                reviews = read_reviews(self._trials_under_review(runs), runs)
                for run_id, tags in reviews.tags.items():
                    for name, value in tags.items():
                        client.set_tag(run_id, name, value)
                reach("mirror.reviewed")
                is_due = CAMPAIGN_RUN not in runs or time.monotonic() >= self._campaign_run_due_at
                if not report.n_left and (is_due or has_report or is_rewrite):
                    runs[CAMPAIGN_RUN] = write_campaign_run(
                        client, self._experiment_id, self._spec, self._record, self._ledger,
                        runs.get(CAMPAIGN_RUN), optimizer, seq=str(seq), has_report=has_report,
                    )  # fmt: skip
                    self._campaign_run_due_at = time.monotonic() + _CAMPAIGN_RUN_EVERY_S
                    reach("mirror.campaign")
            warnings += [*report.warnings, *reviews.warnings]
            return replace(report, warnings=tuple(warnings), decisions=reviews.decisions)
        except BaseException:
            # What was written is unknown now, so the next sync scans before it creates anything.
            self._runs = None
            raise
        finally:
            self._ledger.release_lease(lease)

    def read_decisions(self) -> tuple[ReviewDecision, ...]:
        """Read only what reviewers decided and the ledger does not hold yet; no run is compared or written.

        The next sync shows the reviewers that they were heard, and warns of tags that cannot be understood.

        Raises:
            StoreUnavailableError: MLflow does not answer.
            StoreError: MLflow refuses, for instance because the experiment's name is taken.
        """
        with mlflow_calls(self._uri):
            client = self._opened()
            experiment_id = ensure_experiment(client, self._record, self._artifact_root)
            runs = {run.key: run for run in reviewed_runs(client, experiment_id)}
        return read_reviews(self._trials_under_review(runs), runs).decisions

    def _opened(self) -> MlflowClient:
        self._client = self._client or open_client(self._uri, self._artifact_root)
        return self._client

    def _is_known(self, client: MlflowClient) -> bool:
        """Tell whether what MLflow holds is known from an earlier sync."""
        experiment_id = ensure_experiment(client, self._record, self._artifact_root)
        is_same, self._experiment_id = experiment_id == self._experiment_id, experiment_id
        return is_same and self._runs is not None

    def _read_due(self, is_known: bool) -> int:
        """Note the trials that changed since the last sync, or all of them, and return the newest event."""
        if not is_known:
            self._due, self._read_up_to = {}, 0
        # Read before the trials: what comes in between is then seen again by the next sync, not skipped.
        seq = self._ledger.last_seq(self._record.uid)
        self._due |= self._ledger.numbers(self._record.uid, self._read_up_to)
        self._read_up_to = seq
        return seq

    def _due_trials(self) -> Iterator[TrialRecord]:
        """Read the trials that are due, some at a time, by number."""
        uids = sorted(self._due, key=lambda uid: self._due[uid])
        for start in range(0, len(uids), _TRIALS_AT_ONCE):
            yield from self._ledger.trials(self._record.uid, uids=uids[start : start + _TRIALS_AT_ONCE])

    def _trials_under_review(self, runs: Mapping[str, MirroredRun]) -> list[TrialRecord]:
        uids = [key for key, run in runs.items() if run.review and key != CAMPAIGN_RUN]
        return self._ledger.trials(self._record.uid, uids=uids) if uids else []

    def _sync_trials(
        self,
        client: MlflowClient,
        runs: dict[str, MirroredRun],
        lease: Lease,
        has_figures: bool,
        ends_at: float,
    ) -> SyncReport:
        n_created = n_updated = 0
        renew_at = time.monotonic() + _LEASE_S / 3
        with tempfile.TemporaryDirectory(prefix="afssb-mirror-") as folder:
            n_due = len(self._due)
            for done, trial in enumerate(self._due_trials()):
                known = runs.get(trial.uid)
                if known is None and trial.number in self._settled:
                    known = known_run(client, self._settled[trial.number])
                if known and is_current(self._spec, known, trial, has_figures=has_figures):
                    self._let_go(runs, known, trial)
                    continue
                if time.monotonic() > ends_at:
                    n_left = n_due - done
                    warning = f"{n_left} trials are left for the next sync: MLflow is slow."
                    return SyncReport(n_created, n_updated, n_left, (warning,))
                if time.monotonic() > renew_at:
                    lease = self._ledger.renew_lease(lease, duration_s=_LEASE_S)
                    renew_at = time.monotonic() + _LEASE_S / 3
                cycling = None
                if trial.cycling_sha256 and not (known and has_cycling(known, trial, has_figures=has_figures)):
                    cycling = self._ledger.cycling_table(trial.cycling_sha256)
                runs[trial.uid] = write_trial_run(
                    client, self._experiment_id, self._spec, trial, known, cycling,
                    Path(folder) if has_figures else None,
                    self._lab_folder / trial.label if self._lab_folder else None,
                )  # fmt: skip
                self._let_go(runs, runs[trial.uid], trial)
                n_created, n_updated = n_created + (known is None), n_updated + (known is not None)
        return SyncReport(n_created, n_updated)

    def _let_go(self, runs: dict[str, MirroredRun], known: MirroredRun, trial: TrialRecord) -> None:
        """Forget what need not be known any more of a trial and its run."""
        if is_current(self._spec, known, trial, has_figures=True):
            del self._due[trial.uid]
        if is_settled(self._spec, known, trial):
            self._settled[trial.number] = known.run_id
            runs.pop(trial.uid, None)

    def _reviewed(self, client: MlflowClient) -> tuple[dict[str, MirroredRun], list[str]]:
        """Return the known runs with what reviewers say of them now, and no warnings."""
        runs = self._runs or {}
        reviewed = {run.key: run for run in reviewed_runs(client, self._experiment_id)}
        for key, run in runs.items():
            fresh = reviewed.pop(key, None)
            if fresh is not None or run.review:
                runs[key] = with_review_of(run, fresh)
        # Those of trials that were let go of.
        runs |= reviewed
        return runs, []

    def _scanned(self, client: MlflowClient, is_rewrite: bool) -> tuple[dict[str, MirroredRun], list[str]]:
        """Scan MLflow, put it in order, and return its runs with warnings."""
        scan = scan_runs(client, self._experiment_id, self._spec, self._ledger, self._record.uid, is_rewrite=is_rewrite)
        warnings = []
        for run_id in scan.surplus:
            client.delete_run(run_id)
        if scan.surplus:
            warnings.append(f"{len(scan.surplus)} runs that had been made twice were deleted from MLflow.")
        deleted = [key for key, run in scan.runs.items() if run.is_deleted]
        labels = {trial.uid: trial.label for trial in self._ledger.trials(self._record.uid, uids=deleted)}
        for key in deleted:
            client.restore_run(scan.runs[key].run_id)
            scan.runs[key] = replace(scan.runs[key], is_deleted=False)
            warnings.append(
                f"The deleted run of {labels.get(key, key)} was restored: a deletion decides nothing. "
                "To keep a trial out of the model set its tag afssb.review to exclude."
            )
        for edit in scan.edits:
            warnings.append(str(edit))
            # Written again like a run that is behind, with metrics that come after the changed ones.
            run = replace(scan.runs[edit.trial_uid], layout="", metrics_sha256="", outdone=edit.outdone, status="")
            scan.runs[edit.trial_uid] = run
        if is_rewrite:
            for key, run in scan.runs.items():
                scan.runs[key] = replace(run, layout="", cycling_sha256="", files_sha256="", metrics_sha256="")
        self._runs, self._settled = scan.runs, scan.settled
        self._due = {uid: number for uid, number in self._due.items() if number not in scan.settled}
        return scan.runs, warnings
