"""What one can do with the record of truth: campaigns, leases, trials, results and decisions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection

from afssb_opt.domain.errors import StoreError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger import campaigns as _campaigns
from afssb_opt.ledger import deciding, leasing, portable, proposing, recording
from afssb_opt.ledger.copying import copy_ledger_file
from afssb_opt.ledger.engine import open_engine, parse_url, sqlite_path, writing
from afssb_opt.ledger.outbox import Delivery, Outbox
from afssb_opt.ledger.reader import LedgerReader
from afssb_opt.ledger.records import CampaignRecord, Claim, Event, Holder, Lease, NewTrial, Recorded, TrialRecord
from afssb_opt.ledger.safekeeping import record_safely

# A step of a campaign renews its lease between trials; a machine that stops answering blocks others this long.
LEASE_S = 60.0
# An evaluator sends heartbeats far more often; a process that vanished on another machine is noticed after this.
CLAIM_S = 3600.0

log = logging.getLogger(__name__)


class Ledger(LedgerReader):
    """An open store. Every call is one transaction, durable when it returns; reading never writes.

    It may be shared by threads. A forked child gets connections of its own.

    With an outbox a result that was handed in is on a disk when the call ends, however it ends, unless the ledger
    answered and refused it.
    """

    @classmethod
    def create_or_open(
        cls, url: str, *, clock: Callable[[], datetime] | None = None, outbox: Outbox | None = None
    ) -> Self:
        """Open a store, making it first where there is none.

        Args:
            url: `sqlite:///folder/ledger.db` or `postgresql://user@server/database`.
            clock: Tells the time instead of this machine (SQLite) or the server (PostgreSQL).
            outbox: Where results wait while the store does not answer.

        Raises:
            StoreError: The place is unusable, or holds something else.
            StoreUnavailableError: The server does not answer.
        """
        return cls._opened(url, clock, outbox, is_creating=True)

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] | None = None, outbox: Outbox | None = None) -> Self:
        """Open an existing store as it is; it is never made and never changed by that.

        Raises:
            StoreError: There is none, or it is foreign, or of another version.
            StoreUnavailableError: The server does not answer.
        """
        return cls._opened(url, clock, outbox, is_creating=False)

    @classmethod
    def _opened(
        cls, url: str, clock: Callable[[], datetime] | None, outbox: Outbox | None, *, is_creating: bool
    ) -> Self:
        parsed = parse_url(url)
        return cls(open_engine(parsed, is_creating=is_creating), url, sqlite_path(parsed), clock, outbox)

    @contextmanager
    def writing(self, patience_s: float | None = None) -> Iterator[Connection]:
        """Open a transaction for the parts of this package; outside of it the other methods are the way to write."""
        with writing(self._engine, patience_s) as connection:
            yield connection

    # Campaigns

    def register_campaign(self, name: str, definition: dict[str, Any], config_sha256: str) -> CampaignRecord:
        """Enter a campaign, or return it where it stands with the same definition.

        Raises:
            StoreError: It stands there with another definition.
        """
        with writing(self._engine) as connection:
            now = self._now(connection)
            return _campaigns.register_campaign(connection, now, name, definition, config_sha256)

    def amend_campaign(
        self, campaign_uid: str, definition: dict[str, Any], config_sha256: str, changes: Sequence[str]
    ) -> CampaignRecord:
        """Record a changed definition and what changed, in plain language."""
        with writing(self._engine) as connection:
            now = self._now(connection)
            return _campaigns.amend_campaign(connection, now, campaign_uid, definition, config_sha256, changes)

    def append_note(self, campaign_uid: str, kind: str, payload: dict[str, Any], *, actor: str = "") -> Event:
        """Add a note, such as the summary of a round; the same note again is the first one."""
        with writing(self._engine) as connection:
            return _campaigns.append_note(connection, self._now(connection), campaign_uid, kind, payload, actor)

    # Leases and claims

    def acquire_lease(
        self, campaign_uid: str, *, role: str = "advance", duration_s: float = LEASE_S, holder: Holder | None = None
    ) -> Lease:
        """Take the right to advance a campaign.

        Raises:
            CampaignBusyError: Another process has it; one of this machine that is gone does not count.
        """
        holder = holder or Holder.current()
        with writing(self._engine) as connection:
            return leasing.acquire_lease(connection, self._now(connection), campaign_uid, role, duration_s, holder)

    def renew_lease(self, lease: Lease, *, duration_s: float = LEASE_S) -> Lease:
        """Keep a lease for longer.

        Raises:
            StaleLeaseError: Another process has taken it.
        """
        with writing(self._engine) as connection:
            return leasing.renew_lease(connection, self._now(connection), lease, duration_s)

    def release_lease(self, lease: Lease) -> None:
        """Give a lease back."""
        with writing(self._engine) as connection:
            leasing.release_lease(connection, lease)

    def claim(self, lease: Lease, trial_uid: str, duration_s: float = CLAIM_S) -> Claim:
        """Take a proposed trial for evaluation; this counts as its first heartbeat.

        Raises:
            StaleLeaseError: The lease was lost.
            MoveError: The trial is not waiting.
        """
        with writing(self._engine) as connection:
            return leasing.claim_trial(connection, self._now(connection), lease, trial_uid, duration_s)

    def heartbeat(self, claim: Claim) -> None:
        """Say that an evaluation is alive.

        Raises:
            StaleLeaseError: The trial is no longer in this claim's hands.
        """
        with writing(self._engine) as connection:
            leasing.heartbeat(connection, self._now(connection), claim)

    def release_orphaned_claims(self, lease: Lease) -> list[str]:
        """Send trials whose evaluator is gone or silent back to `proposed`, and return their uids.

        Results that wait in the outbox go in first, so that no trial is evaluated again that has one.
        """
        self.deliver()
        with writing(self._engine) as connection:
            return leasing.release_orphaned_claims(connection, self._now(connection), lease)

    # Trials

    def add_trials(self, lease: Lease, new_trials: Sequence[NewTrial]) -> list[TrialRecord]:
        """Record designs as proposed trials, all or none; one whose uid is known is returned as it stands.

        Raises:
            StaleLeaseError: The lease was lost.
            StoreError: A design has a standing trial and is not marked as a replicate.
        """
        with writing(self._engine) as connection:
            return proposing.add_trials(connection, self._now(connection), lease, new_trials)

    def record_result(
        self,
        trial_uid: str,
        result: TrialResult,
        *,
        cycling: pd.DataFrame | None = None,
        as_built: dict[str, Any] | None = None,
        claim: Claim | None = None,
        is_final: bool = True,
        is_correction: bool = False,
        actor: str = "",
    ) -> Recorded:
        """Record a result and its cycling table once, whatever happens afterwards.

        A result adds to what stands; where it contradicts a completed trial, both are kept and the trial is disputed.

        Args:
            trial_uid: Uid or label of the trial.
            result: What was found.
            cycling: The cycling table it was found from.
            as_built: What was really built, by variable name, where that is known.
            claim: The claim under which it was evaluated; results from a laboratory need none.
            is_final: The cell has ended; otherwise the trial is partial and a later reading adds to it.
            is_correction: It replaces what stands instead of adding to it or contradicting it.
            actor: Who hands it in.

        Returns:
            What became of it; `WAITING` where the store does not answer and the outbox has it.

        Raises:
            InputError: A value is not a finite number.
            StaleLeaseError: The trial was claimed again since.
            MoveError: The trial's state does not allow it.
        """
        prepared = recording.prepare_result(result, cycling, as_built, is_final=is_final, is_correction=is_correction)

        def write(connection: Connection) -> Recorded:
            return recording.record_result(connection, self._now(connection), trial_uid, prepared, claim, actor)

        return record_safely(self, write, lambda outbox: outbox.keep_prepared(trial_uid, prepared, actor))

    def record_failure(
        self, trial_uid: str, failure: TrialFailure, *, claim: Claim | None = None, actor: str = ""
    ) -> Recorded:
        """Record why a trial has no result; `restore` sends a failed trial back for another attempt."""

        def write(connection: Connection) -> Recorded:
            return recording.record_failure(connection, self._now(connection), trial_uid, failure, claim, actor)

        return record_safely(self, write, lambda outbox: outbox.keep_failure(trial_uid, failure, actor))

    def deliver(self, patience_s: float | None = None) -> Delivery:
        """Hand in what waits in the outbox, in its order and each once.

        Args:
            patience_s: How long each may wait for other writers; the default is as long as everything else.

        Raises:
            StoreUnavailableError: The store does not answer; what was not handed in waits on.
            LedgerFaultError: The database failed; likewise.
        """
        if self.outbox is None or not self.outbox.waiting():
            return Delivery({})
        delivery = self.outbox.deliver(self, patience_s)
        if delivery.left_over:
            log.warning("results that had been left in the outbox are recorded now: %d", len(delivery.left_over))
        # The others are in the hands of calls that wait at this moment for other writers: nothing was wrong.
        for problem in delivery.problems:
            log.warning("a result that had waited was refused: %s", problem)
        return delivery

    def hand_in_result(
        self, trial_uid: str, prepared: recording.PreparedResult, actor: str, patience_s: float | None = None
    ) -> Recorded:
        """Record a result that waited, or fail; the outbox keeps it until this returns."""
        with writing(self._engine, patience_s) as connection:
            return recording.record_result(connection, self._now(connection), trial_uid, prepared, None, actor)

    def hand_in_failure(
        self, trial_uid: str, failure: TrialFailure, actor: str, patience_s: float | None = None
    ) -> Recorded:
        """Record a failure that waited, or fail; the outbox keeps it until this returns."""
        with writing(self._engine, patience_s) as connection:
            return recording.record_failure(connection, self._now(connection), trial_uid, failure, None, actor)

    def mark(self, trial_uid: str, action: deciding.Action, *, reason: str, actor: str) -> TrialRecord:
        """Record a decision about a trial; the same decision for the same reason again changes nothing.

        Raises:
            MoveError: The trial's state does not allow it.
        """
        with writing(self._engine) as connection:
            return deciding.mark(connection, self._now(connection), trial_uid, action, reason, actor)

    def settle(self, trial_uid: str, *, keep: int | None, reason: str, actor: str) -> TrialRecord:
        """End a dispute: `keep` is the event of the right result or failure, None keeps what stood before."""
        with writing(self._engine) as connection:
            return deciding.settle(connection, self._now(connection), trial_uid, keep, reason, actor)

    # Copies and plain files

    def backup(self, target: Path) -> None:
        """Copy the whole store into a new file while it is in use.

        Raises:
            StoreError: The file exists or cannot be written, or the store is on a server.
        """
        if self.path is None:
            raise StoreError(
                "a ledger in PostgreSQL is backed up with pg_dump, by whoever runs the server; "
                "`afssb export` writes one campaign as plain files from any store"
            )
        copy_ledger_file(self.path, target)

    def import_campaign(self, folder: Path) -> CampaignRecord:
        """Enter an exported campaign with all its history, under its own uid and labels.

        Raises:
            InputError: The export is damaged.
            StoreError: Its name or labels are taken here.
        """
        with writing(self._engine) as connection:
            return portable.import_campaign(connection, self._now(connection), folder)
