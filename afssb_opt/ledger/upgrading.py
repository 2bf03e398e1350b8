"""How a store of an older release becomes one of this release: rehearsed on a copy, then one transaction."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from afssb_opt.domain.errors import CampaignBusyError, StoreError
from afssb_opt.ledger.canonical import time_from_text
from afssb_opt.ledger.copying import copy_ledger_file
from afssb_opt.ledger.engine import existing_engine, found_version, parse_url, sqlite_path, store_errors, writing
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.integrity import problems_of
from afssb_opt.ledger.records import Holder
from afssb_opt.ledger.schema import SCHEMA_VERSION, UPGRADES, leases, meta


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did.

    Attributes:
        before: Version that was found.
        after: Version of the store now.
        copy: The store as it was before; None where nothing was to be done, or the store is on a server.
    """

    before: int
    after: int
    copy: Path | None = None


def upgrade_store(url: str) -> Upgraded:
    """Bring a store up to this release; killed at any moment, it is the old one or the new one.

    A file is copied first (the copy stays beside it) and the upgrade is rehearsed on another copy, with a full check.
    Then the same statements change the store itself in one transaction. The file is not exchanged for its copy:
    a process that has it open would go on writing to the file that was put away.

    Raises:
        CampaignBusyError: A process is advancing a campaign of the store.
        StoreError: The store is missing or foreign, newer than this release, or damaged; it was not touched.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    engine = existing_engine(parsed)
    try:
        with store_errors(engine):
            before = found_version(engine, path)
        if before == SCHEMA_VERSION:
            return Upgraded(before, before)
        if before not in UPGRADES:
            raise StoreError(
                f"the ledger has version {before}; this release upgrades versions {min(UPGRADES)} to "
                f"{SCHEMA_VERSION - 1}. Nothing was touched; install the release that wrote it, or a newer one"
            )
        with writing(engine) as connection:
            if path is None:
                # Readers may go on; whoever writes waits until the upgrade is done.
                connection.exec_driver_sql("LOCK TABLE ledger_events IN EXCLUSIVE MODE")
            _require_idle(connection)
            copy = None if path is None else _rehearsed_copy(path, before)
            _run_steps(connection, before)
            reach("upgrade.changed")
        reach("upgrade.done")
        return Upgraded(before, SCHEMA_VERSION, copy)
    finally:
        engine.dispose()


def _require_idle(connection: Connection) -> None:
    now = datetime.now(UTC)
    for row in connection.execute(select(leases).where(leases.c.holder.is_not(None))).mappings():
        holder = Holder(**json.loads(row["holder"]))
        if time_from_text(row["expires_at"]) > now and not holder.is_dead():
            raise CampaignBusyError(
                f"the ledger is in use by {holder} ({row['role']}). Stop it, then upgrade; nothing was touched"
            )


def _rehearsed_copy(path: Path, before: int) -> Path:
    for left in path.parent.glob(f".{path.name}.*"):
        # What a killed upgrade left; nobody else works on this, because the store is locked for writing.
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    copy = path.with_name(f"{path.name}.v{before}")
    copy_ledger_file(path, copy, is_replacing=True)
    reach("upgrade.copied")
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".upgrade", dir=path.parent) as folder:
        rehearsal = Path(folder) / path.name
        copy_ledger_file(copy, rehearsal)
        engine = existing_engine(parse_url(f"sqlite:///{rehearsal}"))
        try:
            _rehearse(engine, copy)
        finally:
            engine.dispose()
    reach("upgrade.rehearsed")
    return copy


def _rehearse(engine: Engine, copy: Path) -> None:
    with writing(engine) as connection:
        _run_steps(connection, found_version(engine, copy))
        problems = problems_of(connection)
    if problems:
        raise StoreError(
            f"the ledger is damaged, so it was not upgraded: {'; '.join(map(str, problems[:5]))}. "
            f"Nothing was touched; restore a backup (the store as it is: {copy})"
        )


def _run_steps(connection: Connection, before: int) -> None:
    for version in range(before, SCHEMA_VERSION):
        for statement in UPGRADES[version]:
            connection.exec_driver_sql(statement)
    connection.execute(meta.update().where(meta.c.name == "schema_version").values(value=str(SCHEMA_VERSION)))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
