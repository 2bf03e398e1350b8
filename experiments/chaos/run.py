"""The chaos run: kills, crashes, races and outages by the thousand, counted in one table beside the peers' counts.

`python experiments/chaos/run.py [--only PART ...] [--kills N] ...` or `make chaos`; the parts are independent of each
other. Each line of the table says how often something was done to the ledger or the mirror, and what was lost, doubled
or left behind. Anything but zero ends with exit code 1. The peers' counts are those of the project's measurements on
the same kind of machine (MLflow 3.17, Optuna 5.0, Ax 1.3, Prefect 3.8), not of this run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from kills import crashes, kills_of_creation, kills_of_postgresql, kills_of_sqlite
from loop import Line
from postgresql import server_programs, server_user
from power_loss import is_possible, power_loss
from races import first_opens_of_postgresql, first_opens_of_sqlite, writers_of_postgresql, writers_of_sqlite


def _http_faults(folder: Path, count: int) -> Line:
    # MLflow brings threads, and the other parts fork.
    from http_faults import http_faults

    return http_faults(folder, count)


PARTS: dict[str, tuple[Callable[[Path, int], Line], int]] = {
    "creation": (kills_of_creation, 100),
    "first-opens": (first_opens_of_sqlite, 20),
    "first-opens-postgresql": (first_opens_of_postgresql, 20),
    "writers": (writers_of_sqlite, 250),
    "writers-postgresql": (writers_of_postgresql, 250),
    "crashes": (crashes, 30),
    "power-loss": (power_loss, 200),
    "http": (_http_faults, 2000),
    "kills-postgresql": (kills_of_postgresql, 300),
    "kills": (kills_of_sqlite, 2000),
}


@contextmanager
def counted_processes() -> Iterator[list[int]]:
    """Give a list that holds the processes left behind when the block ends."""
    left: list[int] = []
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield left
    left += [process.pid for process in psutil.Process().children(recursive=True) if process.pid not in before]


def main() -> int:
    """Run the parts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="parts to run")
    for name, (_, count) in PARTS.items():
        parser.add_argument(f"--{name}", type=int, default=count, metavar="N", help=f"default {count}")
    asked = parser.parse_args()
    lines = []
    for name in asked.only:
        part, _ = PARTS[name]
        if ("postgresql" in name or name == "crashes") and (server_programs() is None or server_user() is None):
            print(f"{name}: left out, no PostgreSQL server is installed", flush=True)
            continue
        if name == "power-loss" and not is_possible():
            print(f"{name}: left out, strace is not installed or may not trace here", flush=True)
            continue
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="afssb-chaos-") as folder, counted_processes() as left:
            line = part(Path(folder), getattr(asked, name.replace("-", "_")))
        line = Line(line.what, line.done, line.lost, line.doubled, line.left + len(left), line.peers,
                    time.monotonic() - begun)  # fmt: skip
        print(f"{name}: {line}", flush=True)
        lines.append(line)
    print(f"\n| {'what was done':50} | {'how often':28} | lost | doubled | left behind | peers, measured |")
    print("|---|---|---|---|---|---|")
    for line in lines:
        print(f"| {line.what:50} | {line.done:28} | {line.lost} | {line.doubled} | {line.left} | {line.peers} |")
    return 1 if any(line.lost or line.doubled or line.left for line in lines) else 0


if __name__ == "__main__":
    # A fork in the middle of another thread's work would copy its locks; nothing here runs threads before a fork.
    assert threading.active_count() == 1  # noqa: S101
    sys.exit(main())
