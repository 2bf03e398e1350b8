"""How campaigns enter the ledger, are amended and read back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger.canonical import canonical_json, plain_text, sha256_text, time_from_text, time_text
from afssb_opt.ledger.records import Amendment, CampaignRecord, Event
from afssb_opt.ledger.replay import CAMPAIGN_KINDS, TRIAL_KINDS
from afssb_opt.ledger.rows import Draft, append_events, event_from_row, lock_campaign
from afssb_opt.ledger.schema import campaigns, counters, events


def register_campaign(
    connection: Connection, now: datetime, name: str, definition: dict[str, Any], config_sha256: str
) -> CampaignRecord:
    """Enter a campaign, or return it where it stands with the same definition.

    Raises:
        StoreError: It stands there with another definition.
    """
    name = plain_text(name)
    if not name.strip():
        raise StoreError("a campaign needs a name; give one of your own choice")
    # No campaign is there to be locked yet; the counter stands for the ledger as a whole.
    connection.execute(select(counters.c.value).where(counters.c.name == "trial_serial").with_for_update()).one()
    known = campaign_named(connection, name)
    if known is not None:
        if known.config_sha256 != config_sha256:
            raise StoreError(
                f"campaign '{name}' is recorded with another definition (hash {known.config_sha256[:12]}, "
                f"given {config_sha256[:12]}). Record the change as an amendment, or choose another name"
            )
        return known
    uid = uuid.uuid4().hex
    connection.execute(campaigns.insert().values(uid=uid, name=name, created_at=time_text(now)))
    words = {"name": name, "definition": definition, "config_sha256": config_sha256}
    (event,) = append_events(connection, [Draft(uid, None, "campaign_registered", words)], now)
    return CampaignRecord(uid, name, event.payload["definition"], config_sha256, now)


def amend_campaign(
    connection: Connection,
    now: datetime,
    campaign_uid: str,
    definition: dict[str, Any],
    config_sha256: str,
    changes: Sequence[str],
) -> CampaignRecord:
    """Record a changed definition; the one that already stands is no change.

    Raises:
        UnknownCampaignError: There is no such campaign.
    """
    lock_campaign(connection, campaign_uid)
    standing = campaign_with_uid(connection, campaign_uid)
    if standing.config_sha256 == config_sha256:
        return standing
    words = {"definition": definition, "config_sha256": config_sha256, "changes": list(changes)}
    append_events(connection, [Draft(campaign_uid, None, "campaign_amended", words)], now)
    return campaign_with_uid(connection, campaign_uid)


def campaign_named(connection: Connection, name: str) -> CampaignRecord | None:
    """Return the campaign of that name, if there is one."""
    uid = connection.execute(select(campaigns.c.uid).where(campaigns.c.name == plain_text(name))).scalar()
    return None if uid is None else campaign_with_uid(connection, uid)


def campaign_with_uid(connection: Connection, uid: str) -> CampaignRecord:
    """Return a campaign that is known to exist."""
    row = connection.execute(select(campaigns).where(campaigns.c.uid == uid)).mappings().one()
    definitions = _events_of_kinds(connection, uid, sorted(CAMPAIGN_KINDS))
    amendments = tuple(
        Amendment(event.seq, event.at, event.payload["config_sha256"], tuple(event.payload["changes"]))
        for event in definitions
        if event.kind == "campaign_amended"
    )
    last = definitions[-1].payload
    created_at = time_from_text(row["created_at"])
    return CampaignRecord(uid, row["name"], last["definition"], last["config_sha256"], created_at, amendments)


def all_campaigns(connection: Connection) -> list[CampaignRecord]:
    """Return every campaign, oldest first."""
    uids = connection.execute(select(campaigns.c.uid).order_by(campaigns.c.created_at, campaigns.c.name)).scalars()
    return [campaign_with_uid(connection, uid) for uid in uids.all()]


def append_note(
    connection: Connection, now: datetime, campaign_uid: str, kind: str, payload: dict[str, Any], actor: str
) -> Event:
    """Add a note to a campaign's record; the same note again is the first one.

    Raises:
        StoreError: The kind is one the ledger writes itself.
    """
    if kind in TRIAL_KINDS | CAMPAIGN_KINDS or not kind or len(kind) > events.c.kind.type.length:  # type: ignore[attr-defined]
        taken = ", ".join(sorted(TRIAL_KINDS | CAMPAIGN_KINDS))
        raise StoreError(f"'{kind}' cannot be the kind of a note. Allowed: up to 64 characters, and not {taken}")
    lock_campaign(connection, campaign_uid)
    content = sha256_text(canonical_json(payload))
    for event in _events_of_kinds(connection, campaign_uid, [kind]):
        if sha256_text(canonical_json(event.payload)) == content:
            return event
    (event,) = append_events(connection, [Draft(campaign_uid, None, kind, payload, plain_text(actor))], now)
    return event


def _events_of_kinds(connection: Connection, campaign_uid: str, kinds: Sequence[str]) -> list[Event]:
    where = (events.c.campaign_uid == campaign_uid) & events.c.trial_uid.is_(None) & events.c.kind.in_(kinds)
    rows = connection.execute(select(events).where(where).order_by(events.c.seq)).mappings()
    return [event_from_row(row) for row in rows]
