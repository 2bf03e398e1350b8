"""How records lie in the tables: one function each to append an event and to load or save a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, RowMapping, Select, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from afssb_opt.domain.space import design_key
from afssb_opt.domain.trials import TrialFailure, TrialState
from afssb_opt.ledger.canonical import canonical_json, content_from_json, sha256_text, time_from_text, time_text
from afssb_opt.ledger.errors import UnknownCampaignError, UnknownTrialError
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.labels import looks_like_label, serial_of_label, trial_label
from afssb_opt.ledger.records import Event, TrialRecord
from afssb_opt.ledger.replay import apply_event, result_from_words, result_words
from afssb_opt.ledger.schema import attachments, campaigns, claims, events, trials

# Built once: putting these together again for each trial costs more than running them.
_WANTED: Final[BindParameter[str]] = bindparam("wanted")
_FIND_CAMPAIGN: Final = select(campaigns.c.uid).where(campaigns.c.uid == _WANTED)
_LOCK_CAMPAIGN: Final = _FIND_CAMPAIGN.with_for_update()
_APPEND_ONE: Final = events.insert().returning(events.c.seq)
_APPEND_MANY: Final = events.insert().returning(events.c.seq, sort_by_parameter_order=True)
_TRIAL_BY_UID: Final = select(trials).where(trials.c.uid == _WANTED)
_TRIAL_BY_LABEL: Final = select(trials).where(trials.c.label == _WANTED)
_SAVE_TRIAL: Final = trials.update().where(trials.c.uid == _WANTED)
_ATTACH: Final = {
    "sqlite": sqlite.insert(attachments).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(attachments).on_conflict_do_nothing(),
}
_END_CLAIM: Final = claims.delete().where(claims.c.trial_uid == _WANTED)


@dataclass(frozen=True)
class Draft:
    """An event that has no place in the record yet.

    Attributes:
        content_sha256: Makes it the same event when it is handed in twice. Without it the payload counts, with the
            newest event it follows: a decision may be taken again.
        after_seq: That newest event, where there is one.
    """

    campaign_uid: str
    trial_uid: str | None
    kind: str
    payload: dict[str, Any]
    actor: str = ""
    content_sha256: str | None = None
    after_seq: int = 0


def lock_campaign(connection: Connection, campaign_uid: str) -> None:
    """Keep other writers off a campaign until the transaction ends, so that its events get their numbers in order.

    Raises:
        UnknownCampaignError: There is no such campaign.
    """
    # SQLite has no FOR UPDATE and needs none: its writing transactions exclude each other.
    _require_found(connection, campaign_uid, _LOCK_CAMPAIGN)


def require_campaign(connection: Connection, campaign_uid: str) -> None:
    """Refuse a uid of no campaign, such as a name, instead of finding nothing under it.

    Raises:
        UnknownCampaignError: There is no such campaign.
    """
    _require_found(connection, campaign_uid, _FIND_CAMPAIGN)


def _require_found(connection: Connection, campaign_uid: str, search: Select[tuple[str]]) -> None:
    if connection.execute(search, {"wanted": campaign_uid}).first() is None:
        known = ", ".join(connection.execute(select(campaigns.c.name).limit(20)).scalars()) or "none"
        raise UnknownCampaignError(f"no campaign of this ledger has the uid '{campaign_uid}'. Campaigns: {known}")


def append_events(connection: Connection, drafts: Sequence[Draft], at: datetime) -> list[Event]:
    """Add events to the record, in their order."""
    moment = time_text(at)
    rows: list[dict[str, Any]] = []
    payloads = []
    for draft in drafts:
        payload = canonical_json(draft.payload)
        row = {
            "campaign_uid": draft.campaign_uid,
            "trial_uid": draft.trial_uid,
            "kind": draft.kind,
            "content_sha256": draft.content_sha256 or sha256_text(f"{payload} after {draft.after_seq}"),
            "payload": payload,
            "at": moment,
            "actor": draft.actor,
        }
        payloads.append(payload)
        rows.append({**row, "row_sha256": row_sha256(row)})
    if len(rows) == 1:
        numbers = [connection.execute(_APPEND_ONE, rows[0]).scalar_one()]
    else:
        numbers = list(connection.execute(_APPEND_MANY, rows).scalars())
    reach("ledger.event.appended")
    return [
        Event(seq, draft.campaign_uid, draft.trial_uid, draft.kind, content_from_json(payload), at, draft.actor)
        for seq, draft, payload in zip(numbers, drafts, payloads, strict=True)
    ]


def row_sha256(row: Mapping[str, Any]) -> str:
    """Return the hash over a whole event row, its sequence number apart."""
    names = ("campaign_uid", "trial_uid", "kind", "content_sha256", "payload", "at", "actor")
    return sha256_text(canonical_json([row[name] for name in names]))


def event_from_row(row: RowMapping) -> Event:
    """Read an event."""
    return Event(
        row["seq"], row["campaign_uid"], row["trial_uid"], row["kind"],
        content_from_json(row["payload"]), time_from_text(row["at"]), row["actor"],
    )  # fmt: skip


def change_trial(connection: Connection, trial: TrialRecord, draft: Draft, at: datetime) -> TrialRecord:
    """Append one event on a trial and save where it then stands.

    Raises:
        MoveError: The trial's state does not allow the event; nothing is written.
    """
    # Applied before it has a number: a refused move must not reach the record.
    draft = replace(draft, after_seq=trial.last_seq)
    changed = apply_event(trial, Event(0, draft.campaign_uid, trial.uid, draft.kind, draft.payload, at, draft.actor))
    (event,) = append_events(connection, [draft], at)
    changed = replace(changed, last_seq=event.seq)
    connection.execute(_SAVE_TRIAL, {"wanted": trial.uid, **_standing(changed)})
    reach("ledger.trial.saved")
    if trial.state is TrialState.CLAIMED and changed.state is not TrialState.CLAIMED:
        connection.execute(_END_CLAIM, {"wanted": trial.uid})
    return changed


def attach_table(connection: Connection, sha256: str, parquet: bytes) -> None:
    """Keep a cycling table under the hash of its content; the same one may come with several trials."""
    connection.execute(_ATTACH[connection.dialect.name], {"sha256": sha256, "parquet": parquet})
    reach("ledger.table.attached")


def load_trial(connection: Connection, uid_or_label: str, *, is_locking: bool = False) -> TrialRecord:
    """Read one trial, and keep other writers off its campaign where `is_locking`.

    Raises:
        UnknownTrialError: There is no such trial.
    """
    row = _trial_row(connection, uid_or_label)
    if is_locking and connection.dialect.name != "sqlite":
        lock_campaign(connection, row["campaign_uid"])
        # Another writer may have changed it while this one waited.
        row = _trial_row(connection, row["uid"])
    return trial_from_row(row)


def _trial_row(connection: Connection, uid_or_label: str) -> RowMapping:
    name = uid_or_label.strip()
    serial = serial_of_label(name)
    if serial is not None:
        row = connection.execute(_TRIAL_BY_LABEL, {"wanted": trial_label(serial)}).mappings().first()
    elif looks_like_label(name):
        raise UnknownTrialError(
            f"'{uid_or_label}' is no label of a trial: its last letter does not fit its digits. "
            "Read the label again; one character is wrong"
        )
    else:
        row = connection.execute(_TRIAL_BY_UID, {"wanted": name}).mappings().first()
    if row is None:
        raise UnknownTrialError(
            f"no trial of this ledger is called '{uid_or_label}'. Give a label such as {trial_label(7)} "
            "or a trial's uid; `afssb trials` lists them"
        )
    return row


def row_of_trial(trial: TrialRecord) -> dict[str, Any]:
    """Return a trial as a row of its table."""
    return {
        "uid": trial.uid,
        "campaign_uid": trial.campaign_uid,
        "number": trial.number,
        "label": trial.label,
        "design_key": design_key(trial.design),
        # In the order of the campaign file, which people read it in.
        "design": json.dumps(trial.design),
        "round": trial.round,
        "reason": trial.reason,
        "provenance": canonical_json(trial.provenance),
        "proposed_at": time_text(trial.proposed_at),
        **_standing(trial),
    }


def _standing(trial: TrialRecord) -> dict[str, Any]:
    """Return the columns that events after the proposal can change."""
    return {
        "as_built": None if trial.as_built is None else canonical_json(trial.as_built),
        "state": str(trial.state),
        "result": None if trial.result is None else canonical_json(result_words(trial.result)),
        "failure": None if trial.failure is None else canonical_json(asdict(trial.failure)),
        "is_excluded": trial.is_excluded,
        "decision_reason": trial.decision_reason,
        "cycling_sha256": trial.cycling_sha256,
        "ended_at": None if trial.ended_at is None else time_text(trial.ended_at),
        "last_seq": trial.last_seq,
        "n_revisions": trial.n_revisions,
        "attempts": trial.attempts,
        "restores_to": None if trial.restores_to is None else str(trial.restores_to),
    }


def trial_from_row(row: RowMapping) -> TrialRecord:
    """Invert `row_of_trial`."""
    return TrialRecord(
        uid=row["uid"],
        campaign_uid=row["campaign_uid"],
        number=row["number"],
        label=row["label"],
        design=content_from_json(row["design"]),
        as_built=None if row["as_built"] is None else content_from_json(row["as_built"]),
        state=TrialState(row["state"]),
        round=row["round"],
        reason=row["reason"],
        provenance=content_from_json(row["provenance"]),
        result=None if row["result"] is None else result_from_words(content_from_json(row["result"])),
        failure=None if row["failure"] is None else TrialFailure(**content_from_json(row["failure"])),
        is_excluded=row["is_excluded"],
        decision_reason=row["decision_reason"],
        cycling_sha256=row["cycling_sha256"],
        proposed_at=time_from_text(row["proposed_at"]),
        ended_at=None if row["ended_at"] is None else time_from_text(row["ended_at"]),
        last_seq=row["last_seq"],
        n_revisions=row["n_revisions"],
        attempts=row["attempts"],
        restores_to=None if row["restores_to"] is None else TrialState(row["restores_to"]),
    )
