"""How a ledger file is copied while it is in use: a whole copy under a new name, or none."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger.durable import make_folder, sync_to_disk
from afssb_opt.ledger.failpoints import reach


def copy_ledger_file(path: Path, target: Path, *, is_replacing: bool = False) -> None:
    """Copy one moment of a ledger file; whoever writes to it meanwhile goes on.

    Args:
        path: The ledger file.
        target: Where the copy goes; it appears there when it is whole and on the disk.
        is_replacing: An older copy of that name may be replaced.

    Raises:
        StoreError: The copy cannot be written, or something has its name.
    """
    try:
        make_folder(target.parent, mode=0o700)
        fd, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".copy", dir=target.parent)
        os.close(fd)
        draft = Path(name)
        try:
            with (
                closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(draft)) as copy,
            ):
                source.backup(copy)
            with draft.open("rb") as stream:
                os.fsync(stream.fileno())
            reach("copy.written")
            if is_replacing:
                draft.replace(target)
            else:
                os.link(draft, target)
        finally:
            for left in target.parent.glob(f"{draft.name}*"):
                left.unlink()
        sync_to_disk(target.parent)
    except FileExistsError:
        raise StoreError(f"{target} exists already. Name a file that does not, so that no copy is replaced") from None
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the ledger cannot be copied to {target}: {error}. Free space there, or name another"
        ) from error
