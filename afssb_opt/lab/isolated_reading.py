"""Reading foreign files in a child process under memory and time limits, so that no file can take the campaign down."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from afssb_opt.lab.content_store import read_content
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.reading import FileContent

# 700,000 rows take about 3 s and 0.5 GB; a file that needs ten times that is refused.
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class ReadingLimits:
    """What reading one file may cost.

    Attributes:
        seconds: Wall-clock time.
        memory_bytes: Memory really used by the child process.
    """

    seconds: float = 120.0
    memory_bytes: int = 3_000_000_000


def read_isolated(paths: Sequence[Path], limits: ReadingLimits = ReadingLimits()) -> list[FileContent]:
    """Read files one after another in a child process; one that breaks it is refused and the rest is read anew."""
    contents: list[FileContent] = []
    with tempfile.TemporaryDirectory(prefix="afssb-read-") as folder:
        while len(contents) < len(paths):
            waiting = [str(path.absolute()) for path in paths[len(contents) :]]
            place = Path(folder) / str(len(contents))
            place.mkdir()
            n_done, reason = _read_some(waiting, place, limits)
            contents += [read_content(place / str(number)) for number in range(n_done)]
            if n_done < len(waiting):
                finding = Finding(
                    "file.limits",
                    Verdict.REJECTED,
                    "",
                    reason,
                    f"{limits.seconds:g} s and {limits.memory_bytes / 1e9:g} GB",
                    "The file is damaged or far too large; export it again",
                )
                contents.append(FileContent("refused", findings=(finding,)))
    return contents


def _read_some(paths: list[str], folder: Path, limits: ReadingLimits) -> tuple[int, str]:
    """Return how many files were read, and why the next one was not."""
    command = [sys.executable, "-m", "afssb_opt.lab.reading_process", str(folder)]
    # One thread: numbers are parsed, nothing is multiplied, and another child may run beside.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    with (
        (folder / "messages").open("wb") as messages,
        subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, env=environment, text=True
        ) as child,
    ):
        assert child.stdin is not None  # noqa: S101  a pipe
        try:
            child.stdin.write(json.dumps(paths))
            child.stdin.close()
        except BrokenPipeError:
            return 0, f"the reading process ended at once (code {child.wait()})"
        return _watch(child, len(paths), limits)


def _watch(child: subprocess.Popen[str], n_paths: int, limits: ReadingLimits) -> tuple[int, str]:
    stdout = child.stdout
    assert stdout is not None  # noqa: S101  a pipe
    n_done = 0
    deadline = time.monotonic() + limits.seconds + _START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while n_done < n_paths:
            if selector.select(_POLL_SECONDS):
                line = stdout.readline()
                if not line:
                    return n_done, f"reading it ended the process (code {child.wait()})"
                n_done = int(line) + 1
                deadline = time.monotonic() + limits.seconds
            elif time.monotonic() > deadline:
                child.kill()
                return n_done, f"reading it took more than {limits.seconds:g} s"
            elif _memory(child.pid) > limits.memory_bytes:
                child.kill()
                return n_done, f"reading it took more than {limits.memory_bytes / 1e9:g} GB of memory"
    return n_done, ""


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
