"""What one can do with the record of truth: campaigns, leases, trials, results and decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection, Engine, func, select

from afssb_opt.domain.errors import Problem, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger import campaigns as _campaigns
from afssb_opt.ledger import deciding, integrity, leasing, portable, proposing, recording
from afssb_opt.ledger.canonical import table_from_parquet
from afssb_opt.ledger.engine import open_engine, parse_url, reading, sqlite_path, writing
from afssb_opt.ledger.frames import observations_table, pending_table
from afssb_opt.ledger.records import CampaignRecord, Claim, Event, Holder, Lease, NewTrial, Recorded, TrialRecord
from afssb_opt.ledger.rows import event_from_row, load_trial, require_campaign, trial_from_row
from afssb_opt.ledger.schema import attachments, events, trials

# A step of a campaign renews its lease between trials; a machine that stops answering blocks others this long.
LEASE_S = 60.0
# An evaluator sends heartbeats far more often; a process that vanished on another machine is noticed after this.
CLAIM_S = 3600.0


class Ledger:
    """An open store. Every call is one transaction, durable when it returns; reading never writes.

    It may be shared by threads. A forked child gets connections of its own.
    """

    def __init__(self, engine: Engine, url: str, path: Path | None, clock: Callable[[], datetime] | None) -> None:
        self._engine = engine
        self._clock = clock
        self.url = url
        self.path = path

    @classmethod
    def create_or_open(cls, url: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open a store, making it first where there is none.

        Args:
            url: `sqlite:///folder/ledger.db` or `postgresql://user@server/database`.
            clock: Tells the time instead of this machine (SQLite) or the server (PostgreSQL).

        Raises:
            StoreError: The place is unusable, or holds something else.
            StoreUnavailableError: The server does not answer.
        """
        return cls._opened(url, clock, is_creating=True)

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] | None = None) -> Self:
        """Open an existing store as it is; it is never made and never changed by that.

        Raises:
            StoreError: There is none, or it is foreign, or of another version.
            StoreUnavailableError: The server does not answer.
        """
        return cls._opened(url, clock, is_creating=False)

    @classmethod
    def _opened(cls, url: str, clock: Callable[[], datetime] | None, *, is_creating: bool) -> Self:
        parsed = parse_url(url)
        return cls(open_engine(parsed, is_creating=is_creating), url, sqlite_path(parsed), clock)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _now(self, connection: Connection) -> datetime:
        if self._clock is not None:
            return self._clock()
        if self.path is not None:
            return datetime.now(UTC)
        # Machines disagree about the time; the leases of one server are measured with the server's clock.
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

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

    def campaign(self, name: str) -> CampaignRecord | None:
        """Return the campaign of that name, if there is one."""
        with reading(self._engine) as connection:
            return _campaigns.campaign_named(connection, name)

    def campaigns(self) -> list[CampaignRecord]:
        """Return every campaign, oldest first."""
        with reading(self._engine) as connection:
            return _campaigns.all_campaigns(connection)

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
        """Send trials whose evaluator is gone or silent back to `proposed`, and return their uids."""
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

        Raises:
            InputError: A value is not a finite number.
            StaleLeaseError: The trial was claimed again since.
            MoveError: The trial's state does not allow it.
        """
        prepared = recording.prepare_result(result, cycling, as_built, is_final=is_final, is_correction=is_correction)
        with writing(self._engine) as connection:
            return recording.record_result(connection, self._now(connection), trial_uid, prepared, claim, actor)

    def record_failure(
        self, trial_uid: str, failure: TrialFailure, *, claim: Claim | None = None, actor: str = ""
    ) -> Recorded:
        """Record why a trial has no result; `restore` sends a failed trial back for another attempt."""
        with writing(self._engine) as connection:
            return recording.record_failure(connection, self._now(connection), trial_uid, failure, claim, actor)

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

    # Reading

    def trial(self, uid_or_label: str) -> TrialRecord:
        """Return one trial.

        Raises:
            UnknownTrialError: There is none of that name, or the label's check letter does not fit.
        """
        with reading(self._engine) as connection:
            return load_trial(connection, uid_or_label)

    def trials(self, campaign_uid: str) -> list[TrialRecord]:
        """Return the trials of a campaign by number."""
        chosen = select(trials).where(trials.c.campaign_uid == campaign_uid).order_by(trials.c.number)
        with reading(self._engine) as connection:
            require_campaign(connection, campaign_uid)
            return [trial_from_row(row) for row in connection.execute(chosen).mappings()]

    def events(self, campaign_uid: str, after_seq: int = 0) -> list[Event]:
        """Return the events of a campaign in their order, those after a known one only."""
        where = (events.c.campaign_uid == campaign_uid) & (events.c.seq > after_seq)
        with reading(self._engine) as connection:
            require_campaign(connection, campaign_uid)
            rows = connection.execute(select(events).where(where).order_by(events.c.seq)).mappings()
            return [event_from_row(row) for row in rows]

    def last_seq(self, campaign_uid: str) -> int:
        """Return the number of the newest event of a campaign."""
        with reading(self._engine) as connection:
            require_campaign(connection, campaign_uid)
            newest = select(func.max(events.c.seq)).where(events.c.campaign_uid == campaign_uid)
            return connection.execute(newest).scalar() or 0

    def cycling_table(self, sha256: str) -> pd.DataFrame:
        """Return a recorded cycling table, compared with its hash.

        Raises:
            StoreError: There is none, or it is damaged.
        """
        with reading(self._engine) as connection:
            body = connection.execute(select(attachments.c.parquet).where(attachments.c.sha256 == sha256)).scalar()
        if body is None:
            raise StoreError(f"no cycling table has the hash '{sha256}'. A trial's `cycling_sha256` names its table")
        return table_from_parquet(body, sha256)

    def observations(self, campaign_uid: str) -> pd.DataFrame:
        """Return what was found so far, one row per trial; columns as in `frames.observations_table`."""
        return observations_table(self.trials(campaign_uid))

    def pending(self, campaign_uid: str) -> pd.DataFrame:
        """Return the designs that wait, are claimed or in test."""
        return pending_table(self.trials(campaign_uid))

    # Plain files

    def export_campaign(self, campaign_uid: str, folder: Path) -> str:
        """Write a campaign into a new folder of plain files; the hash returned is the same from every store.

        Raises:
            StoreError: The folder exists or cannot be written.
        """
        with reading(self._engine) as connection:
            return portable.export_campaign(connection, campaign_uid, folder)

    def import_campaign(self, folder: Path) -> CampaignRecord:
        """Enter an exported campaign with all its history, under its own uid and labels.

        Raises:
            InputError: The export is damaged.
            StoreError: Its name or labels are taken here.
        """
        with writing(self._engine) as connection:
            return portable.import_campaign(connection, self._now(connection), folder)

    def check(self) -> list[Problem]:
        """Return everything that is wrong with the store; nothing is changed."""
        try:
            with reading(self._engine) as connection:
                return integrity.problems_of(connection)
        except StoreUnavailableError:
            raise
        except StoreError as error:
            return [Problem("store", str(error), integrity.MEND)]
