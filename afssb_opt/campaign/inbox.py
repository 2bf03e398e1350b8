"""The folder where results arrive by themselves: which files have finished arriving, and taking each in once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from afssb_opt.campaign.ingesting import collect_files, commit_plan, plan_ingest
from afssb_opt.campaign.lab_notes import HeldPart, held_parts
from afssb_opt.campaign.stores import Stores, safe_file_name
from afssb_opt.domain.spec import CampaignSpec

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# Size, time of the last change, and of the last change of name or times: copying tools set the second one back.
Stamp: TypeAlias = tuple[int, int, int]

# What copying programs and browsers call a file until it is whole.
UNFINISHED_ENDINGS: Final = (
    ".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".!sync", ".swp", "~"
)  # fmt: skip
# A network copy that stalls for longer than this is rare; one that does is taken for whole and read again later.
SETTLE_S: Final = 5.0
# Kind of the note that says what became of a file's content.
TAKEN_IN: Final = "inbox_taken_in"


@dataclass(frozen=True)
class TakenIn:
    """What one look into the inbox did.

    Attributes:
        done: What was done per cell and loose part, as `commit_plan` says it.
        files: Names of the files that were new.
        newly_held: Parts that wait for a person since this look.
        held: Everything that waits for a person.
    """

    done: tuple[dict[str, str], ...]
    files: tuple[str, ...]
    newly_held: tuple[HeldPart, ...]
    held: tuple[HeldPart, ...]


def inbox_folder(spec: CampaignSpec, stores: Stores, campaign_file: Path) -> Path:
    """Return the folder that the campaign file names, or the one in the store folder."""
    if spec.inbox is not None:
        return (campaign_file.resolve().parent / Path(spec.inbox).expanduser()).resolve()
    return stores.folder / "inbox" / safe_file_name(spec.name)


class Inbox:
    """One folder watched over time: a file has arrived when nothing about it changed for `settle_s`."""

    def __init__(self, folder: Path, settle_s: float = SETTLE_S) -> None:
        self.folder = folder
        self._settle_s = settle_s
        self._seen: dict[Path, tuple[Stamp, float]] = {}
        self._hashes: dict[tuple[Path, Stamp], str] = {}

    def look(self, now: float) -> dict[Path, str]:
        """Return the files that have arrived, with the SHA-256 of their content.

        Args:
            now: A clock that never goes back, in seconds.

        Raises:
            InputError: The folder is gone, or holds far too many files.
        """
        stamps = _stamps(self.folder)
        self._seen = {path: self._since(path, stamp, now) for path, stamp in stamps.items()}
        settled = [path for path, (_, since) in self._seen.items() if now - since >= self._settle_s]
        known, self._hashes = self._hashes, {}
        for path in settled:
            key = (path, stamps[path])
            found = known.get(key) or _sha256(path)
            # A file that changed while it was hashed has not arrived; the next look begins its time anew.
            if found is not None and _stamp(path) == stamps[path]:
                self._hashes[key] = found
        return {path: sha256 for (path, _), sha256 in self._hashes.items()}

    def _since(self, path: Path, stamp: Stamp, now: float) -> tuple[Stamp, float]:
        before = self._seen.get(path)
        return before if before is not None and before[0] == stamp else (stamp, now)


def arrived_files(folder: Path, settle_s: float = SETTLE_S) -> dict[Path, str]:
    """Watch a folder for as long as files need to settle, and return those that have arrived.

    Raises:
        InputError: The folder is gone, or holds far too many files.
    """
    inbox = Inbox(folder, settle_s)
    inbox.look(time.monotonic())
    time.sleep(settle_s)
    return inbox.look(time.monotonic())


def not_taken_in(campaign: Campaign, arrived: Mapping[Path, str]) -> dict[Path, str]:
    """Return the files whose content no earlier look took in."""
    events = campaign.ledger.events(campaign.uid)
    taken = {event.payload["sha256"] for event in events if event.kind == TAKEN_IN}
    return {path: sha256 for path, sha256 in arrived.items() if sha256 not in taken}


def take_in(campaign: Campaign, arrived: Mapping[Path, str], actor: str) -> TakenIn:
    """Record what is clean in the new files, hold the rest, and note that these contents were looked at.

    Held files are looked at again with the new ones: a build sheet may say now whose they are.

    Raises:
        CampaignBusyError: Another process is advancing the campaign, and a replicate needs a new trial.
    """
    new = not_taken_in(campaign, arrived)
    if not new:
        return TakenIn((), (), (), tuple(held_parts(campaign.ledger, campaign.uid)))
    before = held_parts(campaign.ledger, campaign.uid)
    waiting = {sha256 for part in before for _, sha256 in part.files}
    plan = plan_ingest(campaign, [path for path, sha256 in arrived.items() if path in new or sha256 in waiting])
    done = commit_plan(campaign, plan, actor)
    # Last, as the mark that all of it is recorded: whoever is killed before looks at the same files again.
    for path, sha256 in new.items():
        campaign.ledger.append_note(campaign.uid, TAKEN_IN, {"name": path.name, "sha256": sha256}, actor=actor)
    after = held_parts(campaign.ledger, campaign.uid)
    return TakenIn(tuple(done), tuple(path.name for path in new), _added(before, after), tuple(after))


def _added(before: Collection[HeldPart], after: Collection[HeldPart]) -> tuple[HeldPart, ...]:
    known = {part.key for part in before}
    return tuple(part for part in after if part.key not in known)


def _stamps(folder: Path) -> dict[Path, Stamp]:
    stamps = {}
    for path in collect_files([folder]):
        if not path.name.lower().endswith(UNFINISHED_ENDINGS) and (stamp := _stamp(path)) is not None:
            stamps[path] = stamp
    return stamps


def _stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file, or None where it went away meanwhile or is no plain file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns) if path.is_file() and not path.is_symlink() else None


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
