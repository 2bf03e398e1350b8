"""A new database for Prefect's server: copied from one that this machine has made before, where there is one.

Prefect builds a database by running all of its migrations, 6 s of processor for some empty tables. What the migrations
end in is kept once per Prefect version in the user's cache folder. Whatever is wrong with that copy, the server still
runs its migrations on what it is given, so the worst that can come of it is the time they take.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path


def provide_database(database: Path) -> None:
    """Make the database unless it exists: a copy of the kept one, otherwise by Prefect's migrations, then kept.

    Call it in the server's process, whose settings name the same file.
    """
    if database.exists():
        return
    kept = kept_database()
    if _copy(kept, database):
        return
    asyncio.run(_migrate())
    _keep(database, kept)


def kept_database() -> Path:
    """Return where the migrated, empty database of the installed Prefect is kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "afssb" / f"prefect-{version('prefect')}.db"


def _copy(kept: Path, database: Path) -> bool:
    """Copy the kept database whole or not at all, and tell whether it was fit for that."""
    try:
        _refuse_broken(kept)
        with tempfile.TemporaryDirectory(dir=database.parent) as folder:
            copied = shutil.copyfile(kept, Path(folder) / "copied")
            copied.replace(database)
    except (OSError, sqlite3.Error):
        return False
    return True


def _refuse_broken(kept: Path) -> None:
    """Raise an error where the file is no database that migrations have ended in."""
    with closing(sqlite3.connect(f"file:{kept}?mode=ro&immutable=1", uri=True)) as connection:
        (found,) = connection.execute("PRAGMA quick_check").fetchone()
        if found != "ok" or not connection.execute("SELECT version_num FROM alembic_version").fetchall():
            raise sqlite3.DatabaseError(found)


async def _migrate() -> None:
    # Imported here: only the first server of a machine needs it, and after its settings are made.
    from prefect.server.database import provide_database_interface

    interface = provide_database_interface()
    await interface.create_db()
    await (await interface.engine()).dispose()


def _keep(database: Path, kept: Path) -> None:
    """Keep a snapshot of a new database; a cache folder that cannot be written costs the next one its time."""
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            snapshot = Path(folder) / "snapshot"
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("VACUUM INTO ?", (str(snapshot),))
            snapshot.replace(kept)
    except (OSError, sqlite3.Error) as error:
        logging.getLogger(__name__).warning("%s is not kept for the next server: %s", kept, error)
