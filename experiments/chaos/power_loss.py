"""What a power cut would take: no acknowledged result may rest on a write that was not synced before it.

No plug is pulled here. A process creates a ledger, records results, falls back to the outbox and delivers from it while
`strace` writes down what it asks the kernel for. A model of a disk that keeps only what was synced is then led
through that list: data of a file after `fsync` or `fdatasync` of it, its name after `fsync` of its folder. At each
acknowledgement everything that counts must be kept. What stays unproven is that the disk keeps what it says it does.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from loop import Line, measured, opened

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.ledger import Ledger, NewTrial, Recorded, engine

CALLS = "openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,mkdir,mkdirat"
# What SQLite can do without after a crash, and what is not yet anything.
PASSING = re.compile(r"(-shm|-journal|\.draft|\.new)$")
CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<inside>.*)\) += +(?P<result>-?\d+)")
# `5</folder/file>`: a descriptor as strace -y writes it.
OPEN_FILE = re.compile(r"^(?P<fd>\d+)<(?P<path>[^>]*)>")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass
class Disk:
    """What a disk would hold after a power cut, as far as `root` goes."""

    root: str
    unsynced: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    n_syncs: int = 0

    def see(self, name: str, inside: str) -> None:
        """Follow one call."""
        texts = TEXT.findall(inside)
        found = OPEN_FILE.match(inside)
        path = found["path"] if found else ""
        if found:
            self.files[found["fd"]] = path
        if name in ("write", "pwrite64", "writev", "ftruncate"):
            self.unsynced.add(path)
        elif name in ("fsync", "fdatasync"):
            self.n_syncs += 1
            self.unsynced.discard(path)
            self.unnamed = {each for each in self.unnamed if os.path.dirname(each) != path}  # noqa: PTH120  texts
        elif name in ("mkdir", "mkdirat") or (name == "openat" and "O_CREAT" in inside):
            self._appear(texts[0])
        elif name.startswith("rename"):
            self._move(texts[0], texts[-1])
            for within in [each for each in self.unsynced | self.unnamed if each.startswith(f"{texts[0]}/")]:
                self._move(within, texts[-1] + within.removeprefix(texts[0]), is_named=within not in self.unnamed)
        elif name.startswith("link"):
            source = texts[0]
            if source.startswith("/proc/self/fd/"):
                source = self.files[source.rpartition("/")[2]]
            # The target is named within a folder that is given as a descriptor.
            folder = re.findall(r"\d+<([^>]*)>", inside)
            target = texts[-1] if texts[-1].startswith("/") else f"{folder[-1]}/{texts[-1]}"
            self._move(source, target)

    def at_risk(self) -> list[str]:
        """Return what an acknowledgement may not rest on, in words."""
        data = [f"data of {path}" for path in self.unsynced if self._counts(path)]
        return sorted([*data, *(f"name of {path}" for path in self.unnamed if self._counts(path))])

    def _appear(self, path: str) -> None:
        if path not in self.known:
            self.known.add(path)
            self.unnamed.add(path)

    def _move(self, source: str, target: str, *, is_named: bool = False) -> None:
        self.known.add(target)
        self.unnamed.discard(source)
        if not is_named:
            self.unnamed.add(target)
        if source in self.unsynced:
            self.unsynced.discard(source)
            self.unsynced.add(target)

    def _counts(self, path: str) -> bool:
        return path.startswith(self.root + "/") and not PASSING.search(path) and "/#" not in path


def audited_trace(lines: Iterable[str], root: str, *, is_syncing: bool = True) -> tuple[int, list[str], int]:
    """Return how many acknowledgements there were, what was at risk at one of them, and how many syncs."""
    disk, n_acknowledged, risks = Disk(root), 0, []
    for line in whole_calls(lines):
        call = CALL.match(line)
        if call is None or call["result"].startswith("-"):
            continue
        if call["name"] == "write" and call["inside"].startswith("1<"):
            (said,) = TEXT.findall(call["inside"])
            n_acknowledged += 1
            risks += [f"{said.removesuffix(chr(92) + 'n')}: {risk}" for risk in disk.at_risk()]
        elif is_syncing or not call["name"].endswith("sync"):
            disk.see(call["name"], call["inside"])
    return n_acknowledged, risks, disk.n_syncs


def whole_calls(lines: Iterable[str]) -> Iterator[str]:
    """Join the calls that strace wrote in two parts because another thread came between."""
    begun: dict[str, str] = {}
    for line in lines:
        pid = line.split(maxsplit=1)[0]
        if line.rstrip().endswith("<unfinished ...>"):
            begun[pid] = line.rstrip().removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            yield begun.pop(pid, "") + line.partition("resumed>")[2]
        else:
            yield line


def power_loss(folder: Path, count: int) -> Line:
    """Trace a process that records so many results, and look at the disk at each acknowledgement."""
    trace, root = folder / "trace", folder / "lab"
    root.mkdir()
    command = ["strace", "-f", "-y", "-s", "300", "-e", f"trace={CALLS}", "-o", str(trace),
               sys.executable, __file__, str(root), str(count)]  # fmt: skip
    with (folder / "said").open("wb") as said:
        subprocess.run(command, check=True, stdout=said)
    with trace.open(encoding="utf-8", errors="replace") as lines:
        n_acknowledged, risks, n_syncs = audited_trace(lines, str(root))
    with trace.open(encoding="utf-8", errors="replace") as lines:
        _, blind, _ = audited_trace(lines, str(root), is_syncing=False)
    if n_acknowledged < count or not blind:
        raise RuntimeError("the trace shows no results, or no writes whose syncs matter: it proves nothing")
    for risk in sorted(set(risks))[:20]:
        print(f"power-loss: {risk}", flush=True)
    done = f"{n_acknowledged} acknowledgements, {n_syncs} syncs"
    return Line("what a power cut would take, from a trace", done, len(risks), 0, 0, "")


def is_possible() -> bool:
    """Whether processes can be traced here."""
    strace = shutil.which("strace")
    return strace is not None and subprocess.run([strace, "-o", os.devnull, "true"], check=False).returncode == 0


def acknowledge(what: str) -> None:
    """Say that something is safe, in one call that the trace shows."""
    os.write(1, f"{what}\n".encode())


def record_results(root: Path, count: int) -> None:
    """Do what a laboratory does: a new store, results, a locked store, delivery, a copy and an export."""
    store, rng = root / "afssb-store", np.random.default_rng(7)
    with opened(f"sqlite:///{store / 'ledger.db'}", store) as ledger:
        campaign = ledger.register_campaign("power", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        trials = ledger.add_trials(lease, [NewTrial({"x": float(place)}, 1, "") for place in range(count)])
        acknowledge("proposal")
        for trial in trials:
            # Tables of noise fill the write-ahead log, so that checkpoints happen too.
            columns = {"cycle": np.arange(1, 401), "discharge_capacity_mah_cm2": rng.random(400)}
            is_locked = trial.number % 10 == 0
            if is_locked:
                other = sqlite3.connect(ledger.path, isolation_level=None)
                other.execute("BEGIN IMMEDIATE")
                became = _recorded_while_locked(ledger, trial.uid, trial.number)
                other.close()
            else:
                became = ledger.record_result(trial.uid, measured(trial.number), cycling=as_cycling_table(columns))
            acknowledge(f"result {trial.number} {became}")
            if is_locked:
                ledger.deliver()
                acknowledge(f"delivery of {trial.number}")
        ledger.export_campaign(campaign.uid, root / "export")
        acknowledge("export")


def _recorded_while_locked(ledger: Ledger, uid: str, number: int) -> Recorded:
    # Once the result is in the outbox its writer waits for the lock; here that would only take time.
    patience, engine.BUSY_TIMEOUT_S = engine.BUSY_TIMEOUT_S, 0.1  # type: ignore[misc]
    try:
        return ledger.record_result(uid, measured(number))
    finally:
        engine.BUSY_TIMEOUT_S = patience  # type: ignore[misc]


if __name__ == "__main__":
    record_results(Path(sys.argv[1]), int(sys.argv[2]))
