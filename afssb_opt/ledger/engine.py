"""How the ledger reaches its database: opening, transactions, and errors in the project's words."""

from __future__ import annotations

import os
import random
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Pool, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
)

from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.secrets import without_secrets
from afssb_opt.ledger.errors import LedgerFaultError
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.schema import APPLICATION_ID, SCHEMA_VERSION, UPGRADES, counters, meta, metadata
from afssb_opt.ledger.sqlite_file import create_file, require_local_place

# Longer than any transaction of ours by far (they take milliseconds), shorter than a person's patience.
BUSY_TIMEOUT_S: Final = 30.0
# A server that is restarted answers again after a few seconds; one that was never there is not waited for.
RECONNECT_S: Final = 10.0
# How libpq finds out that a server or the network to it is gone, instead of waiting for hours; `hanging` does the rest.
_SERVER_LIMITS: Final = {
    "connect_timeout": 10, "tcp_user_timeout": 30_000, "keepalives_idle": 15, "keepalives_interval": 5,
}  # fmt: skip
# Any constant serves, as long as every process that makes the tables takes the same lock.
_CREATION_LOCK: Final = APPLICATION_ID

# Classes of SQLSTATE that pass by themselves: connection, rollback (deadlock), full or busy, locked, shut down.
_PASSING_SQL_STATES: Final = frozenset({"08", "40", "53", "55", "57"})

# Engines to be cut off in a forked child, and the parent's connections a child must keep but never touch.
_ENGINES: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()
_PARENT_POOLS: Final[list[Pool]] = []


def parse_url(url: str) -> URL:
    """Read a store address.

    Raises:
        StoreError: It is neither a file of SQLite nor a PostgreSQL database.
    """
    allowed = "Allowed: sqlite:///folder/ledger.db, sqlite:////absolute/ledger.db, postgresql://user@server/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"'{without_secrets(url, url)}' is not a store address. {allowed}") from error
    shown = shown_url(parsed)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:") or parsed.query or parsed.host:
            raise StoreError(f"'{shown}' names no file: a ledger in memory would lose every result. {allowed}")
        if parsed.get_driver_name() != "pysqlite":
            raise StoreError(f"'{shown}' asks for a driver the ledger does not use. {allowed}")
    elif backend != "postgresql":
        raise StoreError(f"'{shown}' is a store of kind '{backend}'. {allowed}")
    # Without a driver's name SQLAlchemy 2.0 would take the older psycopg2, which our extra does not bring.
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def shown_url(url: URL) -> str:
    """Return an address as it may be printed: SQLAlchemy itself hides no password that stands in the query."""
    return without_secrets(_written(url), _written(url))


def _written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def sqlite_path(url: URL) -> Path | None:
    """Return the absolute path of an SQLite store, None for a server."""
    return Path.cwd() / str(url.database) if url.get_backend_name() == "sqlite" else None


def open_engine(url: URL, *, is_creating: bool) -> Engine:
    """Open a store, after making it where that is wanted, and check that it is ours.

    Raises:
        StoreError: The store is missing, foreign, of another version, or in an unusable place.
        StoreUnavailableError: The server does not answer.
    """
    path = sqlite_path(url)
    if path is not None and is_creating:
        require_local_place(path)
        create_file(path)
    engine = existing_engine(url)
    try:
        with store_errors(engine):
            if path is None and is_creating:
                _create_tables(engine)
            _require_our_version(engine, path)
    except BaseException:
        engine.dispose()
        raise
    if path is None:
        event.remove(engine, "do_connect", _connect)
        event.listen(engine, "do_connect", _reconnect)
    _ENGINES.add(engine)
    return engine


def existing_engine(url: URL) -> Engine:
    """Return the way to a store, which is not looked at before the first connection.

    Raises:
        StoreError: The file is missing or in an unusable place, or the driver of the server is.
    """
    path = sqlite_path(url)
    if path is None:
        return _postgresql_engine(url)
    require_local_place(path)
    if not path.exists():
        raise StoreError(f"there is no ledger at {path}. Check the address, or start a campaign to make one")
    return _sqlite_engine(path)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one moment of the store and writes nothing."""
    with store_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection


@contextmanager
def writing(engine: Engine, patience_s: float | None = None) -> Iterator[Connection]:
    """Open a transaction that writes: all of it is durable when the block ends, or nothing.

    Args:
        engine: The store.
        patience_s: How long to wait for other writers; the default is `BUSY_TIMEOUT_S`.
    """
    with store_errors(engine), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            _begin_immediate(connection, patience_s)
        elif patience_s is not None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(1000 * patience_s)}")
        reach("ledger.write.begun")
        yield connection
        reach("ledger.write.committing")
    reach("ledger.write.committed")


def _begin_immediate(connection: Connection, patience_s: float | None) -> None:
    """Begin as a writer: who will write waits at the start, where waiting is safe, not half way."""
    if patience_s is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(1000 * patience_s)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(1000 * BUSY_TIMEOUT_S)}")


@contextmanager
def store_errors(engine: Engine) -> Iterator[None]:
    """Turn a database error into a `StoreError` that says what to do."""
    try:
        yield
    except DBAPIError as error:
        where = shown_url(engine.url)
        cause = without_secrets(str(error.orig).strip(), _written(engine.url))
        if error.connection_invalidated or "locked" in cause or _is_server_away(error):
            raise StoreUnavailableError(
                f"the ledger {where} does not answer: {cause}. Nothing was written; try again when it is free"
            ) from error
        # A value that does not fit is a matter of this call; everything else is one of the database.
        kind = StoreError if isinstance(error, DataError | IntegrityError) else LedgerFaultError
        raise kind(f"the ledger {where} cannot be used: {cause}. {_remedy(cause)}") from error


def _is_server_away(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return False
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    # No code: the connection itself failed.
    return isinstance(error, OperationalError) and (code is None or code[:2] in _PASSING_SQL_STATES)


def _remedy(cause: str) -> str:
    remedies = {
        "readonly": "Give the file and its folder back their write permission",
        "unable to open": "Check that the file and its folder may be read and written by you",
        "full": "Free some space on that disk and repeat the call; nothing was written",
        "I/O": "Check the disk; nothing of this call was written",
        "malformed": "The file is damaged: copy it away as it is, then restore a backup or import an export",
        "not a database": "It is another program's file; give another address",
    }
    return next((remedy for word, remedy in remedies.items() if word in cause), "Run `afssb doctor`")


def _sqlite_engine(path: Path) -> Engine:
    # mode=rw: opening never creates, so a mistyped path is an error and not a new empty store.
    address = f"file:{quote(str(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            # FULL: a transaction is on the disk before the call that made it returns.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return create_engine(f"sqlite:///{path}", creator=connect)


def _postgresql_engine(url: URL) -> Engine:
    try:
        # A pooled connection may have died with its server; a ping before each use finds out.
        engine = create_engine(url, pool_pre_ping=True, connect_args=_SERVER_LIMITS)
        event.listen(engine, "do_connect", _connect)
        return engine
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError(
            f"PostgreSQL needs a driver that is not installed ({error}). Install the extra: afssb-opt[postgres]"
        ) from error


def _connect(_dialect: Dialect, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Connect to a server, so that no call waits for it for ever."""
    # The driver is an extra.
    from afssb_opt.ledger.hanging import BoundedConnection

    return BoundedConnection.connect(*arguments, **options)


def _reconnect(dialect: Dialect, record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Connect to a server that answered before, waiting for it to come back."""
    ends_at = time.monotonic() + RECONNECT_S
    while True:
        try:
            return _connect(dialect, record, arguments, options)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() > ends_at:
                raise
            # Jittered, so that all workers of a restarted server do not come at the same moment.
            time.sleep(random.uniform(0.05, 0.25))  # noqa: S311  not a secret


def _create_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CREATION_LOCK})
        if inspect(connection).has_table(meta.name):
            return
        metadata.create_all(connection, checkfirst=False)
        connection.execute(meta.insert().values(name="schema_version", value=str(SCHEMA_VERSION)))
        connection.execute(counters.insert().values(name="trial_serial", value=0))


def found_version(engine: Engine, path: Path | None) -> int:
    """Return the version of a store.

    Raises:
        StoreError: The store is not ours, or there is none in the database.
    """
    where = str(path) if path else shown_url(engine.url)
    with engine.connect() as connection:
        if path is not None:
            if connection.exec_driver_sql("PRAGMA application_id").scalar_one() != APPLICATION_ID:
                raise StoreError(
                    f"{where} is not a ledger of this project but another file; it was not touched. "
                    "Give another address, or move that file away"
                )
            return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if not inspect(connection).has_table(meta.name):
            raise StoreError(f"there is no ledger in {where}. Check the address, or start a campaign to make one")
        return int(connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar_one())


def _require_our_version(engine: Engine, path: Path | None) -> None:
    found = found_version(engine, path)
    if found == SCHEMA_VERSION:
        return
    where = str(path) if path else shown_url(engine.url)
    if found > SCHEMA_VERSION:
        remedy = "Install a newer release of afssb-opt"
    elif found in UPGRADES:
        remedy = "Upgrade it with `afssb doctor CAMPAIGN --upgrade`; a copy of it is kept"
    else:
        remedy = "Export it with the release that wrote it"
    raise StoreError(
        f"the ledger {where} has version {found}, this release reads version {SCHEMA_VERSION}; "
        f"it was not touched. {remedy}"
    )


def _cut_off_child(*_: Any) -> None:
    for engine in list(_ENGINES):
        # Closing an inherited SQLite or server connection would disturb the parent's, so it is kept and never used.
        _PARENT_POOLS.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cut_off_child)
