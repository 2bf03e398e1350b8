"""Kills and crashes: the loop, the first opening of a store, and the database server under the loop."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from loop import LIMIT_S, SEED, Line, audited, note, nothing_told, received, work
from postgresql import ThrowAwayServer
from processes import FORK

from afssb_opt.domain.errors import CampaignBusyError, StoreError
from afssb_opt.ledger import Ledger, engine


def kills(url: str, folder: Path, n_kills: int) -> tuple[str, int, int, int]:
    """Kill the loop at random times, each life at least one step long."""
    pauses, told = random.Random(SEED), nothing_told()  # noqa: S311
    n_done, ends_at = 0, time.monotonic() + LIMIT_S
    while n_done < n_kills and time.monotonic() < ends_at:
        n_done += 1
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=work, args=(url, folder, theirs))
        child.start()
        theirs.close()
        if not ours.poll(120):
            raise RuntimeError("a resumed loop did nothing for two minutes")
        time.sleep(pauses.uniform(0.0, 0.08))
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        received(ours, told)
    n_trials, lost, doubled, left = audited(url, folder, told)
    done = f"{n_done} kills, {n_trials} trials ({len(told['again'])} measured again)"
    return done, lost, doubled, left


def kills_of_sqlite(folder: Path, count: int) -> Line:
    """Kill the loop on a file."""
    done, lost, doubled, left = kills(f"sqlite:///{folder / 'ledger.db'}", folder, count)
    peers = "MLflow lost 31 of 181 measured, Optuna 9/259 + 64 zombies per 100 kills, Ax 12/111"
    return Line("kill -9 of the loop, SQLite", done, lost, doubled, left, peers)


def kills_of_postgresql(folder: Path, count: int) -> Line:
    """Kill the loop on a server."""
    with ThrowAwayServer() as server:
        done, lost, doubled, left = kills(server.new_url(), folder, count)
    return Line("kill -9 of the loop, PostgreSQL", done, lost, doubled, left, "")


def _create(url: str) -> None:
    Ledger.create_or_open(url).close()


def kills_of_creation(folder: Path, count: int) -> Line:
    """Kill the first open at random times; the next one must come up with nothing half made beside it."""
    pauses, dead, left = random.Random(SEED), 0, 0  # noqa: S311
    for place in range(count):
        home = folder / str(place)
        url = f"sqlite:///{home / 'ledger.db'}"
        child = FORK.Process(target=_create, args=(url,))
        child.start()
        time.sleep(pauses.uniform(0.0, 0.03))
        child.kill()
        child.join()
        with Ledger.create_or_open(url) as ledger:
            dead += ledger.check() != []
        left += len({path.name for path in home.iterdir()} - {"ledger.db", "ledger.db-wal", "ledger.db-shm"})
    return Line("killed while the store is made", f"{count} kills", dead, 0, left, "MLflow 12 of 20 dead")


def crashes(folder: Path, count: int) -> Line:
    """Kill the whole database server, or the processes that serve its clients, under a loop that is started again."""
    told, lives = nothing_told(), 0
    with ThrowAwayServer() as server:
        url = server.new_url()
        pauses = random.Random(SEED)  # noqa: S311
        child, ours = None, None
        for place in range(count):
            ends_at = time.monotonic() + pauses.uniform(0.5, 2.0)
            while time.monotonic() < ends_at:
                if child is None or not child.is_alive():
                    ours, child = _life(url, folder, told, ours)
                    lives += 1
                while ours is not None and ours.poll(0.01):
                    try:
                        note(told, *ours.recv())
                    except EOFError:
                        break
            if place % 2:
                server.kill_backends()
            else:
                server.crash()
                time.sleep(pauses.uniform(0.0, 1.0))
                server.start()
        server.wait_until_up()
        if child is not None and ours is not None:
            child.join(60)
            child.kill()
            child.join()
            received(ours, told)
        n_trials, lost, doubled, left = audited(url, folder, told)
        # What was measured must not be measured again: it lies in the ledger or in the outbox.
        lost += len(told["again"])
    peers = "MLflow: 4 of 54 measured lost, the worker died in 10 of 10 crashes"
    done = f"{count} crashes, {n_trials} trials, {lives} lives"
    return Line("PostgreSQL crashed under the loop", done, lost, doubled, left, peers)


def _life(
    url: str, folder: Path, told: dict[str, set[str]], before: Connection | None
) -> tuple[Connection, multiprocessing.process.BaseProcess]:
    """Start the loop again, as a schedule would after it ended with an error."""
    if before is not None:
        received(before, told)
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_work_until_refused, args=(url, folder, theirs))
    child.start()
    theirs.close()
    return ours, child


def _work_until_refused(url: str, folder: Path, told: Connection) -> None:
    # Long enough to live through a restart of the server; what cannot wait ends with an error and is called again.
    engine.RECONNECT_S = 5.0  # type: ignore[misc]
    try:
        work(url, folder, told)
    except (StoreError, CampaignBusyError, BrokenPipeError):
        time.sleep(0.05)
