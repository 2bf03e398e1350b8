"""What one can read in the record of truth; reading never writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection, Engine, Select, case, func, select

from afssb_opt.domain.errors import Problem, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import campaigns as _campaigns
from afssb_opt.ledger import integrity, portable
from afssb_opt.ledger.canonical import table_from_parquet, time_from_text
from afssb_opt.ledger.collecting import without_collector
from afssb_opt.ledger.engine import reading, shown_url
from afssb_opt.ledger.frames import OBSERVED_STATES, PENDING_STATES, observations_table, pending_table
from afssb_opt.ledger.outbox import Outbox
from afssb_opt.ledger.records import CampaignRecord, Event, Standing, TrialRecord
from afssb_opt.ledger.rows import event_from_row, load_trial, require_campaign, trial_from_row
from afssb_opt.ledger.schema import attachments, events, trials


class LedgerReader:
    """An open store as it is read. Every call sees one moment of it."""

    def __init__(
        self,
        engine: Engine,
        url: str,
        path: Path | None,
        clock: Callable[[], datetime] | None,
        outbox: Outbox | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self.url = url
        self.path = path
        self.outbox = outbox

    @property
    def place(self) -> str:
        """The address as it may be printed: without a password."""
        return shown_url(self._engine.url)

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

    def campaign(self, name: str) -> CampaignRecord | None:
        """Return the campaign of that name, if there is one."""
        with reading(self._engine) as connection:
            return _campaigns.campaign_named(connection, name)

    def campaigns(self) -> list[CampaignRecord]:
        """Return every campaign, oldest first."""
        with reading(self._engine) as connection:
            return _campaigns.all_campaigns(connection)

    def trial(self, uid_or_label: str) -> TrialRecord:
        """Return one trial.

        Raises:
            UnknownTrialError: There is none of that name, or the label's check letter does not fit.
        """
        with reading(self._engine) as connection:
            return load_trial(connection, uid_or_label)

    def trials(
        self,
        campaign_uid: str,
        after_seq: int = 0,
        *,
        states: Collection[TrialState] | None = None,
        uids: Collection[str] | None = None,
    ) -> list[TrialRecord]:
        """Return the trials of a campaign by number.

        Args:
            campaign_uid: The campaign.
            after_seq: Leave out trials that did not change after this event.
            states: Leave out trials in other states.
            uids: Leave out other trials.
        """
        chosen = select(trials).where(trials.c.campaign_uid == campaign_uid, trials.c.last_seq > after_seq)
        if states is not None:
            chosen = chosen.where(trials.c.state.in_(sorted(map(str, states))))
        if uids is not None:
            chosen = chosen.where(trials.c.uid.in_(uids))
        return list(self._trials(campaign_uid, chosen.order_by(trials.c.number)))

    def _trials(self, campaign_uid: str, chosen: Select[Any]) -> Iterator[TrialRecord]:
        """Read trials one by one, so that nobody need hold all of them."""
        with reading(self._engine) as connection, without_collector():
            require_campaign(connection, campaign_uid)
            for row in connection.execute(chosen).mappings():
                yield trial_from_row(row)

    def numbers(self, campaign_uid: str, after_seq: int = 0) -> dict[str, int]:
        """Return the numbers of a campaign's trials by uid, those that changed after a known event only."""
        chosen = select(trials.c.uid, trials.c.number).where(
            trials.c.campaign_uid == campaign_uid, trials.c.last_seq > after_seq
        )
        with reading(self._engine) as connection:
            require_campaign(connection, campaign_uid)
            return {row.uid: row.number for row in connection.execute(chosen.order_by(trials.c.number))}

    def standing(self, campaign_uid: str) -> Standing:
        """Return how many trials of a campaign there are in each state, without reading them."""
        moment = func.coalesce(trials.c.ended_at, trials.c.proposed_at)
        columns = (
            trials.c.state, func.count(), func.max(trials.c.round), func.max(trials.c.last_seq),
            func.sum(case((trials.c.is_excluded, 1), else_=0)), func.max(moment),
        )  # fmt: skip
        counted = select(*columns).where(trials.c.campaign_uid == campaign_uid).group_by(trials.c.state)
        with reading(self._engine) as connection:
            require_campaign(connection, campaign_uid)
            rows = connection.execute(counted).all()
        newest = max((row[5] for row in rows), default=None)
        return Standing(
            {TrialState(row[0]): row[1] for row in rows},
            last_round=max((row[2] for row in rows), default=0),
            last_seq=max((row[3] for row in rows), default=0),
            n_excluded=sum(row[4] for row in rows),
            newest_at=None if newest is None else time_from_text(newest),
        )

    def events(self, campaign_uid: str, after_seq: int = 0) -> list[Event]:
        """Return the events of a campaign in their order, those after a known one only."""
        where = (events.c.campaign_uid == campaign_uid) & (events.c.seq > after_seq)
        with reading(self._engine) as connection, without_collector():
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

    def observations(self, campaign_uid: str, *, by_end: bool = False) -> pd.DataFrame:
        """Return what was found so far, one row per trial; columns as in `frames.observations_table`.

        Args:
            campaign_uid: The campaign.
            by_end: Those that ended first come first, and those that are still cycling last; otherwise by number.
        """
        states = sorted(map(str, OBSERVED_STATES))
        chosen = select(trials).where(trials.c.campaign_uid == campaign_uid, trials.c.state.in_(states))
        ends = (trials.c.ended_at.is_(None), func.coalesce(trials.c.ended_at, trials.c.proposed_at)) if by_end else ()
        return observations_table(self._trials(campaign_uid, chosen.order_by(*ends, trials.c.number)))

    def pending(self, campaign_uid: str) -> pd.DataFrame:
        """Return the designs that wait, are claimed or in test, and the drafts that a person rejected."""
        return pending_table(self.trials(campaign_uid, states=PENDING_STATES))

    def export_campaign(self, campaign_uid: str, folder: Path) -> str:
        """Write a campaign into a new folder of plain files; the hash returned is the same from every store.

        Raises:
            StoreError: The folder exists or cannot be written.
        """
        with reading(self._engine) as connection:
            return portable.export_campaign(connection, campaign_uid, folder)

    def check(self) -> list[Problem]:
        """Return everything that is wrong with the store; nothing is changed."""
        try:
            with reading(self._engine) as connection:
                return integrity.problems_of(connection)
        except StoreUnavailableError:
            raise
        except StoreError as error:
            return [Problem("store", str(error), integrity.MEND)]
