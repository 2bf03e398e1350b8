"""How folders and names come onto a disk, so that a power cut does not take a file together with its folder."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder with its parents, and put the names of all of them on the disk, whoever made them just before.

    Syncing a file, and the folder it lies in, does not keep the name of that folder in the one above.

    Args:
        folder: Absolute path.
        mode: Rights of the last one, where it is made.
    """
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for above in folder.parents:
        try:
            sync_to_disk(above)
        except OSError:
            # One that we may not even read was not made by this user, so it is older than anything here.
            return


def sync_to_disk(path: Path) -> None:
    """Put what a file holds, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
