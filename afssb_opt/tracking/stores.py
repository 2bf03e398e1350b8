"""Where the MLflow mirror of a campaign lives, and how its store is opened without being damaged."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast

import psutil
from mlflow import MlflowClient
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from afssb_opt.domain.errors import StoreError
from afssb_opt.domain.secrets import without_secrets
from afssb_opt.ledger.durable import sync_to_disk
from afssb_opt.tracking.calls import PatientClient, mlflow_calls

ALLOWED_SCHEMES: Final = ("sqlite", "postgresql", "http", "https")

# A database that does not answer within this time on a local network is down.
CONNECT_TIMEOUT_S: Final = 5

# A write-ahead log needs shared memory between processes, which these file systems do not give.
_NETWORK_FILE_SYSTEMS: Final = (
    "nfs", "cifs", "smb", "fuse.", "9p", "afs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs"
)  # fmt: skip

# SQLite files of MLflow that were opened here. They are a window that can be rebuilt, unlike the ledger's.
_WINDOWS: Final[set[str]] = set()

# Where MLflow announces each migration of a new store; a user who did not ask for MLflow need not read that.
_CHATTY_LOGGERS: Final = ("mlflow.store.db.utils", "alembic.runtime.migration", "alembic")


@dataclass(frozen=True)
class TrackingPlace:
    """Where runs and their files go.

    Attributes:
        uri: Absolute MLflow tracking address.
        artifact_root: URI of the folder for files; None where the server decides.
    """

    uri: str
    artifact_root: str | None

    @property
    def database(self) -> Path | None:
        """The SQLite file, where there is one."""
        return _sqlite_file(self.uri)


def resolve_tracking(store_folder: Path, environ: Mapping[str, str] = os.environ) -> TrackingPlace:
    """Return where MLflow data goes: `MLFLOW_TRACKING_URI` if it is set, else a SQLite file in the store folder.

    Args:
        store_folder: Folder of the campaign's stores; it need not exist yet.
        environ: Environment variables.

    Raises:
        StoreError: The address in the environment is of a kind that cannot hold a mirror.
    """
    given = environ.get("MLFLOW_TRACKING_URI", "").strip()
    folder = store_folder.expanduser().resolve()
    if not given:
        return TrackingPlace(f"sqlite:///{folder / 'mlflow.db'}", (folder / "mlartifacts").as_uri())
    scheme = given.partition("://")[0].partition("+")[0].lower() if "://" in given else ""
    if scheme not in ALLOWED_SCHEMES:
        allowed = ", ".join(f"{name}://" for name in ALLOWED_SCHEMES)
        raise StoreError(
            f"MLFLOW_TRACKING_URI is '{without_secrets(given, given)}', which cannot hold a campaign: MLflow no longer "
            f"writes to plain folders. Allowed: {allowed}. Unset it to use a file beside the campaign."
        )
    if scheme in ("http", "https"):
        return TrackingPlace(given.rstrip("/"), None)
    if scheme == "postgresql":
        return TrackingPlace(_with_driver(given), (folder / "mlartifacts").as_uri())
    database = _sqlite_file(given)
    if database is None:
        raise StoreError(
            f"MLFLOW_TRACKING_URI is '{given}', a store in memory that ends with the process. "
            "Allowed: sqlite:////absolute/path/mlflow.db. Name a file."
        )
    return TrackingPlace(f"sqlite:///{database}", (database.parent / "mlartifacts").as_uri())


def open_client(tracking_uri: str, artifact_root: str | None = None) -> MlflowClient:
    """Open MLflow; a SQLite store that does not exist is created whole or not at all.

    Raises:
        StoreError: The file is not an MLflow store, is of another version, or its folder cannot be written.
        StoreUnavailableError: The store does not answer.
    """
    with mlflow_calls(tracking_uri):
        database = _sqlite_file(tracking_uri)
        if database is not None:
            _ensure_sqlite_store(database, artifact_root)
            _WINDOWS.add(str(database))
        elif tracking_uri.startswith("postgresql"):
            _require_answer(tracking_uri)
        with _quiet_logs():
            return cast(MlflowClient, PatientClient(MlflowClient(tracking_uri=tracking_uri)))


@event.listens_for(Engine, "connect")
def _commit_without_waiting(connection: object, _record: object) -> None:
    """Let MLflow's commits to our SQLite stores wait for no disk: after a power cut the next sync writes them again.

    Only with a write-ahead log, where a power cut loses the last commits and never damages the file.
    """
    if not _WINDOWS or not isinstance(connection, sqlite3.Connection):
        return
    main = connection.execute("PRAGMA database_list").fetchone()[2]
    if main in _WINDOWS and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        connection.execute("PRAGMA synchronous = NORMAL")


def _with_driver(uri: str) -> str:
    """Name the installed driver: SQLAlchemy 2.0 takes a bare `postgresql://` for psycopg2, which we do not require."""
    if uri.startswith("postgresql://") and find_spec("psycopg2") is None:
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)
    return uri


def _require_answer(uri: str) -> None:
    """Connect once, because MLflow itself would try again for ten minutes."""
    engine = create_engine(uri, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _ensure_sqlite_store(database: Path, artifact_root: str | None) -> None:
    """Create the store beside its place, then rename it; a kernel lock on the folder lets one process do so."""
    if not database.parent.exists():
        database.parent.mkdir(parents=True, mode=0o700)
    if database.is_dir():
        raise StoreError(f"{database} is a folder, not an MLflow store. Name a file, such as {database / 'mlflow.db'}.")
    if _is_filled(database):
        _refuse_foreign(database)
        return
    with _folder_lock(database.parent):
        if _is_filled(database):
            return
        for leftover in database.parent.glob(f".{database.name}.new-*"):
            leftover.unlink()
        new = database.with_name(f".{database.name}.new-{os.getpid()}")
        with _quiet_logs():
            store = SqlAlchemyStore(f"sqlite:///{new}", artifact_root or (database.parent / "mlartifacts").as_uri())
            store.engine.dispose()
        if _is_on_local_disk(database.parent):
            with contextlib.closing(sqlite3.connect(new)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        new.chmod(0o600)
        sync_to_disk(new)
        new.replace(database)
        sync_to_disk(database.parent)


def _is_filled(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _refuse_foreign(database: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{database} cannot be read as an MLflow store ({error}). Move it aside; the mirror is rebuilt from "
            "the ledger."
        ) from error
    if not {"experiments", "runs", "alembic_version"} <= tables:
        raise StoreError(
            f"{database} is not an MLflow store: its tables are {', '.join(sorted(tables)) or 'none'}. "
            "Name another file; one that was left half made can be moved aside, the mirror is rebuilt from the ledger."
        )


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Hold a kernel lock on the folder itself: it needs no lock file and ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHATTY_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _is_on_local_disk(folder: Path) -> bool:
    mounts = [
        partition
        for partition in psutil.disk_partitions(all=True)
        if folder == Path(partition.mountpoint) or Path(partition.mountpoint) in folder.parents
    ]
    kind = max(mounts, key=lambda partition: len(partition.mountpoint)).fstype.lower() if mounts else ""
    return bool(kind) and not kind.startswith(_NETWORK_FILE_SYSTEMS)


def _sqlite_file(uri: str) -> Path | None:
    try:
        url = make_url(uri)
    except ArgumentError:
        return None
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).resolve()
