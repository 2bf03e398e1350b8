"""Whether the ledger is sound: the file, the hashes, the numbering, and that the events add up to the trials."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby

from sqlalchemy import Connection, select

from afssb_opt.domain.errors import AfssbError, Problem
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.canonical import table_from_parquet
from afssb_opt.ledger.labels import serial_of_label
from afssb_opt.ledger.records import Event, TrialRecord
from afssb_opt.ledger.replay import apply_event
from afssb_opt.ledger.rows import event_from_row, row_sha256, trial_from_row
from afssb_opt.ledger.schema import attachments, campaigns, claims, counters, events, trials

MEND = "Keep a copy of the store as it is, then restore a backup or import an export"


def problems_of(connection: Connection) -> list[Problem]:
    """List everything found wrong, nothing where the ledger is sound."""
    found = _file_problems(connection)
    if found:
        # Reading on in a damaged file would only repeat the first problem in other words.
        return found
    sound, found = _event_problems(connection)
    replayed, problems = _replayed(sound)
    found += problems
    stored = {row["uid"]: trial_from_row(row) for row in connection.execute(select(trials)).mappings()}
    return [
        *found,
        *_state_problems(replayed, stored),
        *_numbering_problems(connection, stored),
        *_claim_problems(connection, stored),
        *_attachment_problems(connection, stored),
    ]


def _file_problems(connection: Connection) -> list[Problem]:
    if connection.dialect.name != "sqlite":
        return []
    lines = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
    broken = [Problem("ledger file", line, MEND) for line in lines if line != "ok"]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return broken + [
        Problem(f"table {row[0]}", f"row {row[1]} belongs to nothing in {row[2]}", MEND) for row in orphans
    ]


def _event_problems(connection: Connection) -> tuple[list[Event], list[Problem]]:
    sound, found = [], []
    for row in connection.execute(select(events).order_by(events.c.seq)).mappings():
        if row_sha256(dict(row)) == row["row_sha256"]:
            sound.append(event_from_row(row))
        else:
            found.append(Problem(f"event {row['seq']}", "does not fit its hash: it was changed or damaged", MEND))
    registered = {event.campaign_uid for event in sound if event.kind == "campaign_registered"}
    for uid, name in connection.execute(select(campaigns.c.uid, campaigns.c.name)):
        if uid not in registered:
            found.append(Problem(f"campaign {name}", "has no event that registers it", MEND))
    return sound, found


def _replayed(sound: list[Event]) -> tuple[dict[str, TrialRecord], list[Problem]]:
    replayed: dict[str, TrialRecord] = {}
    found = []
    for event in sound:
        if event.trial_uid is not None:
            try:
                replayed[event.trial_uid] = apply_event(replayed.get(event.trial_uid), event)
            except (AfssbError, KeyError, TypeError) as error:
                found.append(Problem(f"event {event.seq}", f"cannot follow what was before it: {error}", MEND))
    return replayed, found


def _state_problems(replayed: dict[str, TrialRecord], stored: dict[str, TrialRecord]) -> list[Problem]:
    found = []
    for uid in sorted(replayed.keys() | stored.keys()):
        derived, kept = replayed.get(uid), stored.get(uid)
        if derived is None or kept is None:
            missing = "events" if derived is None else "row"
            found.append(Problem(f"trial {uid}", f"has no {missing}", MEND))
        elif derived != kept:
            names = [f.name for f in fields(TrialRecord) if getattr(derived, f.name) != getattr(kept, f.name)]
            found.append(Problem(f"trial {kept.label}", f"differs from its events in: {', '.join(names)}", MEND))
    return found


def _numbering_problems(connection: Connection, stored: dict[str, TrialRecord]) -> list[Problem]:
    found = []
    by_campaign = sorted(stored.values(), key=lambda trial: (trial.campaign_uid, trial.number))
    for uid, of_campaign in groupby(by_campaign, key=lambda trial: trial.campaign_uid):
        numbers = [trial.number for trial in of_campaign]
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(Problem(f"campaign {uid}", f"its trials are not numbered 1 to {len(numbers)}", MEND))
    serials = [serial_of_label(trial.label) for trial in stored.values()]
    count = connection.execute(select(counters.c.value).where(counters.c.name == "trial_serial")).scalar() or 0
    for trial, serial in zip(stored.values(), serials, strict=True):
        if serial is None or serial > count:
            found.append(Problem(f"trial {trial.label}", f"its label was never given out (last: {count})", MEND))
    return found


def _claim_problems(connection: Connection, stored: dict[str, TrialRecord]) -> list[Problem]:
    held = set(connection.execute(select(claims.c.trial_uid)).scalars())
    claimed = {uid for uid, trial in stored.items() if trial.state is TrialState.CLAIMED}
    return [
        Problem(f"trial {stored[uid].label if uid in stored else uid}", "its state and its claim do not agree", MEND)
        for uid in sorted(held ^ claimed)
    ]


def _attachment_problems(connection: Connection, stored: dict[str, TrialRecord]) -> list[Problem]:
    found, present = [], set()
    for sha256, body in connection.execute(select(attachments.c.sha256, attachments.c.parquet)):
        present.add(sha256)
        try:
            table_from_parquet(body, sha256)
        except AfssbError as error:
            found.append(Problem(f"cycling table {sha256[:12]}", str(error), MEND))
    missing = [trial for trial in stored.values() if trial.cycling_sha256 and trial.cycling_sha256 not in present]
    return found + [
        Problem(f"trial {trial.label}", f"its cycling table {trial.cycling_sha256} is missing", MEND)
        for trial in missing
    ]
