"""Reading foreign files in a child process under memory and time limits, so that no file can take the campaign down."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afssb_opt.isolation.process import ChildError, ChildProcess, Limits
from afssb_opt.lab.content_store import read_content
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.reading import FileContent

# One thread: numbers are parsed, nothing is multiplied, and another child may run beside.
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
# Importing the readers takes a second; on a loaded machine it took ten.
_START_SECONDS: Final = 60.0


@dataclass(frozen=True)
class ReadingLimits:
    """What reading one file may cost.

    Attributes:
        seconds: Wall-clock time.
        memory_bytes: Memory really used by the child process.
    """

    # 700,000 rows take about 3 s and 0.5 GB; a file that needs far more is refused.
    seconds: float = 120.0
    memory_bytes: int = 3_000_000_000


def read_isolated(paths: Sequence[Path], limits: ReadingLimits = ReadingLimits()) -> list[FileContent]:
    """Read files one after another in a child process; one that breaks it is refused and the rest is read anew."""
    contents: list[FileContent] = []
    child: ChildProcess | None = None
    with tempfile.TemporaryDirectory(prefix="afssb-read-") as folder:
        try:
            for number, path in enumerate(paths):
                place = Path(folder) / str(number)
                place.mkdir()
                try:
                    if child is None:
                        child = ChildProcess("afssb_opt.lab.reading_process:open_worker", _ENVIRONMENT)
                        child.ask(None, Limits(_START_SECONDS))
                    request = {"path": str(path.absolute()), "folder": str(place)}
                    child.ask(request, Limits(limits.seconds, limits.memory_bytes))
                    contents.append(read_content(place))
                except ChildError as error:
                    contents.append(_refused(str(error), limits))
                    if child is not None:
                        child.close()
                    child = None
        finally:
            if child is not None:
                child.close()
    return contents


def _refused(reason: str, limits: ReadingLimits) -> FileContent:
    finding = Finding(
        "file.limits",
        Verdict.REJECTED,
        "",
        f"reading it {reason.splitlines()[0]}",
        f"{limits.seconds:g} s and {limits.memory_bytes / 1e9:g} GB",
        "The file is damaged or far too large; export it again",
    )
    return FileContent("refused", findings=(finding,))
