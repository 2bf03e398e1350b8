"""How a ledger file comes into being whole, and which places and files are refused."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger.durable import make_folder
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.schema import APPLICATION_ID, SCHEMA_VERSION, metadata

# File systems whose locks or shared memory do not hold between machines; SQLite's own advice is to keep off them.
NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.ceph", "fuse.glusterfs", "glusterfs", "lustre",
     "gpfs", "beegfs", "9p", "afpfs", "webdav", "davfs", "fuse.davfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs"}
)  # fmt: skip
# Bytes 18 and 19 of an SQLite file say which journal it is written with; 2 is the write-ahead log (file format 1.3).
_JOURNAL_BYTES: Final = slice(18, 20)
_WRITE_AHEAD: Final = b"\x02\x02"


def require_local_place(path: Path) -> None:
    """Refuse a path where a ledger file cannot live.

    Raises:
        StoreError: The path is a directory or lies on a network file system.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a directory, not a ledger file. Give a file in it, such as {path / 'ledger.db'}")
    kind = file_system_of(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"{path} lies on a network file system ({kind}), where SQLite's locks do not hold and results can be lost. "
            "Put the ledger on a local disk, or use PostgreSQL: postgresql://user@server/database"
        )


def file_system_of(path: Path) -> str:
    """Return the type of the file system a path lies on, or an empty string where that is unknown."""
    target = Path(os.path.realpath(path))
    best, kind = -1, ""
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        # A later mount on the same point hides the earlier one.
        if target.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), partition.fstype.lower()
    return kind


def create_file(path: Path) -> None:
    """Make a new ledger file, whole or not at all; leave an existing file alone.

    The file is written without a name (or under a private one), made durable, and linked to its name in one step
    that fails where the name is taken. So any number of processes may call this at once.

    Raises:
        StoreError: The folder cannot be made or written.
    """
    folder = path.parent
    try:
        if not path.exists():
            # 0700: results of a laboratory are private until somebody decides otherwise.
            make_folder(folder, mode=0o700)
            _link_new_file(path, _empty_ledger())
    except OSError as error:
        raise StoreError(
            f"no ledger can be made at {path}: {error.strerror or error}. "
            "Give a place you may write to on a local disk, with AFSSB_LEDGER_URL or the campaign's store folder"
        ) from error


def _link_new_file(path: Path, body: bytes) -> None:
    folder_fd = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(FileExistsError):
            if not _link_unnamed(folder_fd, path, body):
                _link_named(path, body)
        reach("ledger.create.linked")
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)


def _link_unnamed(folder_fd: int, path: Path, body: bytes) -> bool:
    """Write a file that has no name yet, so that a kill leaves nothing; false where the system cannot do that."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return False
    try:
        fd = os.open(path.parent, flag | os.O_RDWR, 0o600)
    except OSError:
        return False
    try:
        _write_durably(fd, body)
        reach("ledger.create.written")
        # `dst_dir_fd` makes Python use linkat, which alone follows the link to the nameless file.
        os.link(f"/proc/self/fd/{fd}", path.name, dst_dir_fd=folder_fd, follow_symlinks=True)
    except FileNotFoundError:
        return False
    finally:
        os.close(fd)
    return True


def _link_named(path: Path, body: bytes) -> None:
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        try:
            _write_durably(fd, body)
        finally:
            os.close(fd)
        reach("ledger.create.written")
        os.link(name, path)
    finally:
        Path(name).unlink()


def _write_durably(fd: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(fd, view) :]
    os.fsync(fd)


def _empty_ledger() -> bytes:
    connection = sqlite3.connect(":memory:")
    try:
        metadata.create_all(create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("INSERT INTO ledger_meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
        connection.execute("INSERT INTO ledger_counters VALUES ('trial_serial', 0)")
        connection.commit()
        body = bytearray(connection.serialize())
    finally:
        connection.close()
    body[_JOURNAL_BYTES] = _WRITE_AHEAD
    return bytes(body)
