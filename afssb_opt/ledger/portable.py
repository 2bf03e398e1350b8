"""How a whole campaign becomes plain files with hashes, and a campaign of another ledger again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from afssb_opt.domain.errors import InputError, Problem, StoreError
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.campaigns import campaign_with_uid
from afssb_opt.ledger.canonical import canonical_json, table_from_parquet, time_text
from afssb_opt.ledger.durable import make_folder, sync_to_disk
from afssb_opt.ledger.labels import serial_of_label
from afssb_opt.ledger.records import CampaignRecord, TrialRecord
from afssb_opt.ledger.replay import replay
from afssb_opt.ledger.rows import attach_table, event_from_row, require_campaign, row_of_trial, row_sha256
from afssb_opt.ledger.schema import attachments, campaigns, claims, counters, events, trials

FORMAT: Final = "afssb-campaign-1"
_EVENTS: Final = "events.jsonl"
_MANIFEST: Final = "manifest.json"
_TABLES: Final = "cycling"
# Everything of an event but its number, which belongs to the ledger it lies in.
_COLUMNS: Final = ("campaign_uid", "trial_uid", "kind", "content_sha256", "payload", "at", "actor", "row_sha256")
_WORN: Final = "Get the export again from where it came; nothing was imported"


def export_campaign(connection: Connection, campaign_uid: str, folder: Path) -> str:
    """Write a campaign into a new folder, whole or not at all, and return the hash of the export.

    The same campaign gives the same files and hash, whichever store it lies in.

    Raises:
        UnknownCampaignError: There is no such campaign.
        StoreError: The folder holds something or cannot be written.
    """
    folder = Path.cwd() / folder
    if folder.exists():
        raise StoreError(f"{folder} exists already. Name a folder that does not, so that no file there is replaced")
    require_campaign(connection, campaign_uid)
    where = events.c.campaign_uid == campaign_uid
    rows = connection.execute(select(events).where(where).order_by(events.c.seq)).mappings().all()
    lines = [canonical_json({name: row[name] for name in _COLUMNS}) for row in rows]
    wanted = {json.loads(row["payload"]).get("cycling_sha256") for row in rows if row["kind"] == "result"} - {None}
    try:
        make_folder(folder.parent)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            (draft / _TABLES).mkdir()
            files = {_EVENTS: _write(draft / _EVENTS, "".join(f"{line}\n" for line in lines).encode())}
            for sha256 in sorted(wanted):
                table = select(attachments.c.parquet).where(attachments.c.sha256 == sha256)
                body = connection.execute(table).scalar_one()
                files[f"{_TABLES}/{sha256}.parquet"] = _write(draft / _TABLES / f"{sha256}.parquet", body)
            words = {"format": FORMAT, "campaign_uid": campaign_uid, "n_events": len(rows), "files": files}
            manifest = json.dumps(words, indent=2, sort_keys=True) + "\n"
            export_sha256 = _write(draft / _MANIFEST, manifest.encode())
            for written in (draft / _TABLES, draft):
                sync_to_disk(written)
            draft.rename(folder)
            sync_to_disk(folder.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"no export can be written to {folder}: {error}. Name another folder") from error
    return export_sha256


def import_campaign(connection: Connection, now: datetime, folder: Path) -> CampaignRecord:
    """Enter an exported campaign; one that is already here with the same events is returned.

    Raises:
        InputError: Files are missing, damaged or do not belong together; all of them are listed.
        StoreError: Another campaign has its name, or other trials have its labels.
    """
    words, rows, tables = _read_export(folder)
    uid = words["campaign_uid"]
    connection.execute(select(counters.c.value).where(counters.c.name == "trial_serial").with_for_update()).one()
    present = connection.execute(select(events.c.row_sha256).where(events.c.campaign_uid == uid).order_by(events.c.seq))
    known = list(present.scalars())
    if known:
        if known != [row["row_sha256"] for row in rows]:
            raise StoreError(
                f"campaign {uid} is in this ledger with other events than in {folder}. Import into an empty ledger"
            )
        return campaign_with_uid(connection, uid)
    name = json.loads(rows[0]["payload"])["name"]
    if connection.execute(select(campaigns.c.uid).where(campaigns.c.name == name)).first() is not None:
        raise StoreError(f"another campaign of this ledger is called '{name}'. Import into an empty ledger")
    connection.execute(campaigns.insert().values(uid=uid, name=name, created_at=rows[0]["at"]))
    connection.execute(events.insert(), rows)
    for sha256, body in tables.items():
        attach_table(connection, sha256, body)
    written = select(events).where(events.c.campaign_uid == uid).order_by(events.c.seq)
    entered = list(replay(event_from_row(row) for row in connection.execute(written).mappings()).values())
    if entered:
        _enter_trials(connection, now, entered, rows)
    return campaign_with_uid(connection, uid)


def _enter_trials(
    connection: Connection, now: datetime, entered: list[TrialRecord], rows: list[dict[str, Any]]
) -> None:
    labels = [trial.label for trial in entered]
    taken = connection.execute(select(trials.c.label).where(trials.c.label.in_(labels))).scalars().all()
    if taken:
        raise StoreError(
            f"other trials of this ledger are called {', '.join(sorted(taken)[:5])}, and labels are written on cells. "
            "Import into an empty ledger"
        )
    connection.execute(trials.insert(), [row_of_trial(trial) for trial in entered])
    highest = max(serial_of_label(label) or 0 for label in labels)
    raised = counters.update().where((counters.c.name == "trial_serial") & (counters.c.value < highest))
    connection.execute(raised.values(value=highest))
    holders = {row["trial_uid"]: json.loads(row["payload"])["holder"] for row in rows if row["kind"] == "claimed"}
    for trial in entered:
        if trial.state is TrialState.CLAIMED:
            # Whoever held it holds it in the other ledger; here the claim counts as run out.
            connection.execute(
                claims.insert().values(
                    trial_uid=trial.uid,
                    campaign_uid=trial.campaign_uid,
                    token=trial.last_seq,
                    holder=canonical_json(holders[trial.uid]),
                    duration_s=0.0,
                    since=time_text(now),
                    expires_at=time_text(now),
                )
            )


def _read_export(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]:
    try:
        words = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if words["format"] != FORMAT:
            raise ValueError(f"format {words['format']}, this release reads {FORMAT}")
        files: dict[str, str] = dict(words["files"])
        bodies = {name: body for name in files if (body := _read(folder, name)) is not None}
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem(_MANIFEST, f"cannot be read ({error})", "Give the folder that `afssb export` made")
        raise InputError([problem], source=str(folder)) from error
    problems = [Problem(name, "is missing or lies outside the folder", _WORN) for name in files if name not in bodies]
    for name, body in bodies.items():
        if hashlib.sha256(body).hexdigest() != files[name]:
            problems.append(Problem(name, "does not fit the hash in the manifest", _WORN))
    if problems:
        raise InputError(problems, source=str(folder))
    rows = [json.loads(line) for line in bodies.pop(_EVENTS, b"").decode("ascii").splitlines()]
    tables = {Path(name).stem: body for name, body in bodies.items()}
    problems = [
        Problem(f"{_EVENTS} line {place}", "does not fit its hash or campaign", _WORN)
        for place, row in enumerate(rows, start=1)
        if set(row) != set(_COLUMNS)
        or row_sha256(row) != row["row_sha256"]
        or row["campaign_uid"] != words["campaign_uid"]
    ]
    if not rows or rows[0].get("kind") != "campaign_registered" or len(rows) != words.get("n_events"):
        problems.append(Problem(_EVENTS, "does not hold the whole campaign", _WORN))
    if problems:
        raise InputError(problems, source=str(folder))
    for sha256, body in tables.items():
        table_from_parquet(body, sha256)
    return words, rows, tables


def _read(folder: Path, name: str) -> bytes | None:
    path = folder / name
    is_inside = path.resolve().is_relative_to(folder.resolve())
    return path.read_bytes() if is_inside and path.is_file() else None


def _write(path: Path, body: bytes) -> str:
    with path.open("xb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    return hashlib.sha256(body).hexdigest()
