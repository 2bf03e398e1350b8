"""Where a result waits while the ledger does not answer: one durable file per result, handed in later exactly once."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from afssb_opt.domain.errors import InputError, Problem, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger.canonical import canonical_json, plain_text, sha256_text, table_from_parquet
from afssb_opt.ledger.durable import make_folder, sync_to_disk
from afssb_opt.ledger.errors import LedgerFaultError
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.recording import PreparedResult, prepare_result
from afssb_opt.ledger.records import Recorded
from afssb_opt.ledger.replay import result_from_words

if TYPE_CHECKING:
    from afssb_opt.ledger.ledger import Ledger

_WAITING: Final = ".result"
_REFUSED: Final = ".refused"
# Digits of nanoseconds since 1970 until the year 2286, so that names sort as times do.
_STAMP_DIGITS: Final = 19


@dataclass(frozen=True)
class Delivery:
    """What became of the results that waited.

    Attributes:
        recorded: Per file name what the ledger said.
        problems: Results that could not be handed in; their files are kept under another name.
        left_over: Names of those that were not known yet and whose own call had ended without recording them.
    """

    recorded: Mapping[str, Recorded]
    problems: tuple[Problem, ...] = ()
    left_over: tuple[str, ...] = ()


class Outbox:
    """A private folder on a local disk, and a second one for the day on which the first is full."""

    def __init__(self, folder: Path, spare: Path | None = None) -> None:
        """Name the folders; nothing is made before the first result is kept.

        Args:
            folder: Beside the ledger, or anywhere else.
            spare: Used where the first cannot be written; best on another disk.
        """
        self.folder = folder
        self.spare = spare
        # Names of results whose call, in a thread of this process, still waits for the ledger.
        self._in_hand: set[str] = set()

    @classmethod
    def of_store(cls, store_folder: Path) -> Outbox:
        """Return the outbox of a campaign's store folder; the spare one is in the user's state folder."""
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        # The store's path, hashed: results of two campaigns must not meet in the spare folder.
        name = hashlib.sha256(str(store_folder).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return cls(store_folder / "outbox", state / "afssb" / "outbox" / name)

    def keep(
        self,
        trial_uid: str,
        result: TrialResult,
        *,
        cycling: pd.DataFrame | None = None,
        as_built: dict[str, Any] | None = None,
        is_final: bool = True,
        is_correction: bool = False,
        actor: str = "",
    ) -> Path:
        """Put a result on the disk; it is safe when this returns.

        Raises:
            InputError: A value is not a finite number.
            StoreError: No folder can be written.
        """
        prepared = prepare_result(result, cycling, as_built, is_final=is_final, is_correction=is_correction)
        path = self.keep_prepared(trial_uid, prepared, actor)
        self.leave(path)
        return path

    def keep_prepared(self, trial_uid: str, prepared: PreparedResult, actor: str) -> Path:
        """Put a result on the disk that was checked already, in hand until it is delivered or left.

        Raises:
            StoreError: No folder can be written.
        """
        parquet = None if prepared.parquet is None else base64.b64encode(prepared.parquet).decode()
        words = {"trial_uid": trial_uid, "words": prepared.words, "parquet": parquet, "actor": plain_text(actor)}
        return self._keep(trial_uid, words)

    def keep_failure(self, trial_uid: str, failure: TrialFailure, actor: str) -> Path:
        """Put the reason why a trial has no result on the disk, in hand until it is delivered or left.

        Raises:
            StoreError: No folder can be written.
        """
        return self._keep(trial_uid, {"trial_uid": trial_uid, "failure": asdict(failure), "actor": plain_text(actor)})

    def leave(self, path: Path) -> None:
        """Say that the call that kept a result ends without recording it: a later one will, and will say so."""
        self._in_hand.discard(path.name)

    def waiting(self) -> list[Path]:
        """Return the files of results that wait, oldest first."""
        found = [path for folder in self._folders() for path in folder.glob(f"*{_WAITING}")]
        return sorted(found, key=lambda path: path.name)

    def refused(self) -> list[Path]:
        """Return the files of results that the ledger refused and that a person has to look into."""
        return sorted(path for folder in self._folders() for path in folder.glob(f"*{_REFUSED}"))

    def deliver(self, ledger: Ledger, patience_s: float | None = None) -> Delivery:
        """Hand in what waits, each once, however often this is interrupted and repeated.

        A result the ledger refuses stays in the folder under another name and is reported.

        Args:
            ledger: Where it goes.
            patience_s: How long each may wait for other writers; the default is the ledger's own patience.

        Raises:
            StoreUnavailableError: The ledger does not answer; what was not handed in waits on.
            LedgerFaultError: Its database failed; likewise.
        """
        recorded: dict[str, Recorded] = {}
        problems, left_over = [], []
        for path in self.waiting():
            try:
                told = _hand_in(ledger, path, patience_s)
            except (StoreUnavailableError, LedgerFaultError):
                raise
            except FileNotFoundError:
                # Another process handed it in meanwhile.
                continue
            except (InputError, StoreError) as error:
                kept = path.with_suffix(_REFUSED)
                # Another thread or process may have met the same refusal.
                with contextlib.suppress(FileNotFoundError):
                    path.rename(kept)
                problems.append(Problem(str(kept), str(error), f"Mend it and rename it to {path.name}, or delete it"))
                continue
            reach("outbox.recorded")
            recorded[path.name] = told
            # Several threads may hand in the same one side by side; only for the first of them it is not known yet.
            if told is not Recorded.ALREADY_KNOWN:
                left_over += [path.name] if path.name not in self._in_hand else []
                self._in_hand.discard(path.name)
            path.unlink(missing_ok=True)
            sync_to_disk(path.parent)
        return Delivery(recorded, tuple(problems), tuple(left_over))

    def _folders(self) -> tuple[Path, ...]:
        return (self.folder,) if self.spare is None else (self.folder, self.spare)

    def _keep(self, trial_uid: str, words: dict[str, Any]) -> Path:
        body = canonical_json(words)
        text = f"{sha256_text(body)}\n{body}\n"
        # After everything that waits, also where the clock was set back; the random part keeps two processes apart.
        newest = max((int(path.name[:_STAMP_DIGITS]) for path in self.waiting()), default=0)
        name = f"{max(time.time_ns(), newest + 1):0{_STAMP_DIGITS}d}-{uuid.uuid4().hex}{_WAITING}"
        failures = []
        # Before the file can be seen: another thread may hand it in at once.
        self._in_hand.add(name)
        for folder in self._folders():
            try:
                return _write_durably(folder, name, text)
            except OSError as error:
                failures.append(f"{folder}: {error.strerror or error}")
        self._in_hand.discard(name)
        raise StoreError(
            f"the result of trial {trial_uid} cannot be kept ({'; '.join(failures)}). "
            "Free space there or name another folder, and keep it again before this process ends"
        )


def _write_durably(folder: Path, name: str, text: str) -> Path:
    make_folder(folder, mode=0o700)
    fd, draft = tempfile.mkstemp(suffix=".draft", dir=folder)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
    reach("outbox.written")
    final = Path(draft).rename(folder / name)
    sync_to_disk(folder)
    reach("outbox.kept")
    return final


def _hand_in(ledger: Ledger, path: Path, patience_s: float | None) -> Recorded:
    checksum, _, body = path.read_text(encoding="ascii", errors="replace").partition("\n")
    body = body.removesuffix("\n")
    if sha256_text(body) != checksum:
        raise StoreError(f"{path.name} is damaged: it does not fit its checksum")
    kept = json.loads(body)
    if "failure" in kept:
        failure = TrialFailure(**kept["failure"])
        return ledger.hand_in_failure(kept["trial_uid"], failure, kept["actor"], patience_s)
    words = kept["words"]
    table = None
    if kept["parquet"] is not None:
        table = table_from_parquet(base64.b64decode(kept["parquet"]), words["cycling_sha256"])
    prepared = prepare_result(
        result_from_words(words), table, words["as_built"],
        is_final=words["is_final"], is_correction=words["is_correction"],
    )  # fmt: skip
    return ledger.hand_in_result(kept["trial_uid"], prepared, kept["actor"], patience_s)
