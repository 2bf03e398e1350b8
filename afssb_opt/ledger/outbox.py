"""Where a result waits while the ledger does not answer: one durable file per result, handed in later exactly once."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from afssb_opt.domain.errors import AfssbError, Problem, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger.canonical import canonical_json, plain_text, sha256_text, table_from_parquet
from afssb_opt.ledger.failpoints import reach
from afssb_opt.ledger.ledger import Ledger
from afssb_opt.ledger.recording import prepare_result
from afssb_opt.ledger.records import Recorded
from afssb_opt.ledger.replay import result_from_words

_WAITING: Final = ".result"
_REFUSED: Final = ".refused"


@dataclass(frozen=True)
class Delivery:
    """What became of the results that waited.

    Attributes:
        recorded: Per file name what the ledger said.
        problems: Results that could not be handed in; their files are kept under another name.
    """

    recorded: Mapping[str, Recorded]
    problems: tuple[Problem, ...] = ()


class Outbox:
    """A private folder on a local disk, beside the ledger or anywhere else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
            StoreError: The folder cannot be written.
        """
        prepared = prepare_result(result, cycling, as_built, is_final=is_final, is_correction=is_correction)
        parquet = None if prepared.parquet is None else base64.b64encode(prepared.parquet).decode()
        body = canonical_json(
            {"trial_uid": trial_uid, "words": prepared.words, "parquet": parquet, "actor": plain_text(actor)}
        )
        # The time only sorts; the random part keeps two processes apart.
        final = self.folder / f"{time.time_ns():020d}-{uuid.uuid4().hex}{_WAITING}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, draft = tempfile.mkstemp(suffix=".draft", dir=self.folder)
            with os.fdopen(fd, "w", encoding="ascii") as stream:
                stream.write(f"{sha256_text(body)}\n{body}\n")
                stream.flush()
                os.fsync(stream.fileno())
            reach("outbox.written")
            Path(draft).rename(final)
            _sync_folder(self.folder)
        except OSError as error:
            raise StoreError(
                f"the result of trial {trial_uid} cannot be kept in {self.folder}: {error}. "
                "Free space there or name another folder, and keep it again before this process ends"
            ) from error
        reach("outbox.kept")
        return final

    def waiting(self) -> list[Path]:
        """Return the files of results that wait, oldest first."""
        return sorted(self.folder.glob(f"*{_WAITING}"))

    def deliver(self, ledger: Ledger) -> Delivery:
        """Hand in what waits, each once, however often this is interrupted and repeated.

        A result the ledger refuses stays in the folder under another name and is reported.

        Raises:
            StoreUnavailableError: The ledger does not answer; what was not handed in waits on.
        """
        recorded: dict[str, Recorded] = {}
        problems = []
        for path in self.waiting():
            try:
                told = _hand_in(ledger, path)
            except StoreUnavailableError:
                raise
            except FileNotFoundError:
                # Another process handed it in meanwhile.
                continue
            except AfssbError as error:
                kept = path.with_suffix(_REFUSED)
                path.rename(kept)
                problems.append(Problem(str(kept), str(error), f"Mend it and rename it to {path.name}, or delete it"))
                continue
            reach("outbox.recorded")
            recorded[path.name] = told
            path.unlink(missing_ok=True)
        if recorded:
            _sync_folder(self.folder)
        return Delivery(recorded, tuple(problems))


def _hand_in(ledger: Ledger, path: Path) -> Recorded:
    checksum, _, body = path.read_text(encoding="ascii", errors="replace").partition("\n")
    body = body.removesuffix("\n")
    if sha256_text(body) != checksum:
        raise StoreError(f"{path.name} is damaged: it does not fit its checksum")
    kept = json.loads(body)
    words = kept["words"]
    table = None
    if kept["parquet"] is not None:
        table = table_from_parquet(base64.b64decode(kept["parquet"]), words["cycling_sha256"])
    return ledger.record_result(
        kept["trial_uid"], result_from_words(words), cycling=table, as_built=words["as_built"],
        is_final=words["is_final"], is_correction=words["is_correction"], actor=kept["actor"],
    )  # fmt: skip


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
