"""The chaos run: kills, crashes, races and outages by the thousand, counted in one table beside the peers' counts.

`python experiments/chaos/run.py [--only PART ...] [--kills N] ...` or `make chaos`; the parts are independent of each
other. Each line of the table says how often something was done to the ledger or the mirror, and what was lost, doubled
or left behind. Anything but zero ends with exit code 1. The peers' counts are those of the project's measurements on
the same kind of machine (MLflow 3.17, Optuna 5.0, Ax 1.3, Prefect 3.8), not of this run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psutil
from faulty_proxy import Faults, FaultyProxy
from postgresql import ThrowAwayServer, server_programs, server_user

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import CampaignBusyError, StoreError
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, NewTrial, Outbox, Recorded, engine

FORK = multiprocessing.get_context("fork")
SEED = 17
# As in the measurements of the peers: the share of a trial spent on storing decides how often a kill hits it.
EVALUATION_S = 0.02
# A part that is slower than this on a busy machine ends early, and the table says how far it came.
LIMIT_S = float(os.environ.get("CHAOS_LIMIT_S", "3600"))
SPEC = {
    "name": "chaos",
    "space": {"x": {"low": 0, "high": 1e9}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 100_000},
}


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    done: str
    lost: int
    doubled: int
    left: int
    peers: str
    seconds: float = 0.0


def measured(number: int) -> TrialResult:
    """Return what evaluating a trial gives: the same whoever does it."""
    return TrialResult({"y": number / 7.0})


def opened(url: str, folder: Path) -> Ledger:
    """Open a ledger with its outbox."""
    return Ledger.create_or_open(url, outbox=Outbox(folder / "outbox", folder / "spare"))


def work(url: str, folder: Path, told: Connection | None, n_trials: int | None = None) -> None:
    """Go on with the campaign: propose, claim, measure, record; tell what was measured and what was acknowledged."""
    with opened(url, folder) as ledger:
        ledger.deliver()
        campaign = ledger.register_campaign("chaos", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        ledger.release_orphaned_claims(lease)
        while True:
            waiting = ledger.pending(campaign.uid)
            count = len(ledger.trials(campaign.uid))
            if waiting.empty and n_trials is not None and count >= n_trials:
                break
            if waiting.empty:
                ledger.add_trials(lease, [NewTrial({"x": float(count + i)}, 1, "") for i in range(3)])
                continue
            for uid in waiting["trial_uid"]:
                trial = ledger.trial(uid)
                if trial.state is not TrialState.PROPOSED:
                    continue
                claim = ledger.claim(lease, uid)
                time.sleep(EVALUATION_S)
                if told is not None:
                    told.send(("measured", uid))
                became = ledger.record_result(uid, measured(trial.number), claim=claim)
                if told is not None and became is not Recorded.WAITING:
                    told.send(("recorded", uid))
        ledger.release_lease(lease)


def note(told: dict[str, set[str]], kind: str, uid: str) -> None:
    """Remember what a child said; a trial that is measured twice had been measured in vain."""
    if kind == "measured" and uid in told["measured"]:
        told["again"].add(uid)
    told[kind].add(uid)


def nothing_told() -> dict[str, set[str]]:
    """Return an empty memory."""
    return {"measured": set(), "recorded": set(), "again": set()}


def received(ours: Connection, told: dict[str, set[str]]) -> None:
    """Take everything that a dead child had said."""
    try:
        while True:
            note(told, *ours.recv())
    except (EOFError, OSError):
        ours.close()


def audited(url: str, folder: Path, told: dict[str, set[str]]) -> tuple[int, int, int, int]:
    """Resume once to the end and count trials, and what is lost, doubled and left behind."""
    with opened(url, folder) as ledger:
        campaign = ledger.register_campaign("chaos", {}, "h")
        count = len(ledger.trials(campaign.uid))
    work(url, folder, None, count)
    with opened(url, folder) as ledger:
        trials = {trial.uid: trial for trial in ledger.trials(campaign.uid)}
        results = [event.trial_uid for event in ledger.events(campaign.uid) if event.kind == "result"]
        ended = {uid for uid, trial in trials.items() if trial.state is TrialState.COMPLETED}
        wrong = sum(trials[uid].result != measured(trials[uid].number) for uid in ended)
        lost = len(told["recorded"] - ended) + wrong + len(ledger.check())
        doubled = len(results) - len(set(results)) + len(trials) - len({trial.design["x"] for trial in trials.values()})
        left = len(trials) - len(ended) + len(ledger.outbox.waiting() if ledger.outbox else [])
        return len(trials), lost, doubled, left


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


def at_once(target: Callable[..., None], arguments: list[tuple[object, ...]]) -> list[object]:
    """Run one process per tuple of arguments; a process that dies without an answer counts as its own answer."""
    readers, children = [], []
    for given in arguments:
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=target, args=(*given, theirs))
        child.start()
        theirs.close()
        readers.append(ours)
        children.append(child)
    answers: list[object] = []
    for reader in readers:
        try:
            answers.append(reader.recv())
        except EOFError:
            answers.append("died")
    for child in children:
        child.join()
    return answers


def _open_first(url: str, barrier: Barrier, answer: Connection) -> None:
    barrier.wait(120)
    with Ledger.create_or_open(url) as ledger:
        ledger.register_campaign("chaos", {}, "h")
    answer.send("up")


def first_opens(folder: Path, rounds: int, url_of: Callable[[int], str]) -> int:
    """Let 16 processes open a new store at once, and count those that did not come up."""
    failed = 0
    for place in range(rounds):
        url = url_of(place)
        barrier = FORK.Barrier(16)
        failed += sum(answer != "up" for answer in at_once(_open_first, [(url, barrier)] * 16))
        with Ledger.open(url) as ledger:
            failed += len(ledger.campaigns()) != 1 or ledger.check() != []
    return failed


def first_opens_of_sqlite(folder: Path, count: int) -> Line:
    """Open new files."""
    failed = first_opens(folder, count, lambda place: f"sqlite:///{folder / str(place) / 'ledger.db'}")
    return Line("16 first opens at once, SQLite", f"{count} rounds", failed, 0, 0, "MLflow 3 of 12 up, Optuna 12 of 28")


def first_opens_of_postgresql(folder: Path, count: int) -> Line:
    """Open new schemas."""
    with ThrowAwayServer() as server:
        failed = first_opens(folder, count, lambda _: server.new_url())
    return Line("16 first opens at once, PostgreSQL", f"{count} rounds", failed, 0, 0, "MLflow 2 of 8 up")


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


def _write(url: str, folder: Path, uids: list[str], answer: Connection) -> None:
    with opened(url, folder) as ledger:
        told = [ledger.record_result(uid, measured(place)) for place, uid in enumerate(uids)]
        while ledger.outbox and ledger.outbox.waiting():
            ledger.deliver()
    answer.send(sum(became in (Recorded.RECORDED, Recorded.WAITING) for became in told))


def writers(url: str, folder: Path, count: int) -> tuple[int, int]:
    """Let 8 processes record their own results and all of the others' first ones at once; count lost and doubled."""
    with opened(url, folder) as ledger:
        campaign = ledger.register_campaign("chaos", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        new = [NewTrial({"x": float(place)}, 1, "") for place in range(8 * count)]
        uids = [trial.uid for trial in ledger.add_trials(lease, new)]
        acknowledged = at_once(_write, [(url, folder / str(i), uids[i * count : (i + 1) * count]) for i in range(8)])
        ended = [trial for trial in ledger.trials(campaign.uid) if trial.state is TrialState.COMPLETED]
        results = [event.trial_uid for event in ledger.events(campaign.uid) if event.kind == "result"]
        said = sum(answer for answer in acknowledged if isinstance(answer, int))
        lost = 8 * count - len(ended) + abs(said - len(ended)) + len(ledger.check())
        return lost, len(results) - len(set(results))


def writers_of_sqlite(folder: Path, count: int) -> Line:
    """Write to a file."""
    lost, doubled = writers(f"sqlite:///{folder / 'ledger.db'}", folder, count)
    return Line("8 writers at once, SQLite", f"8 x {count} results", lost, doubled, 0, "Ax kept 41 of 135 acknowledged")


def writers_of_postgresql(folder: Path, count: int) -> Line:
    """Write to a server."""
    with ThrowAwayServer() as server:
        lost, doubled = writers(server.new_url(), folder, count)
    return Line("8 writers at once, PostgreSQL", f"8 x {count} results", lost, doubled, 0, "")


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


def http_faults(folder: Path, count: int) -> Line:
    """Sync a mirror through a faulty proxy until enough faults were injected, then once without."""
    from mlflow_server import MlflowServer

    from afssb_opt.tracking.mirror import Mirror

    spec = load_spec(SPEC)
    blocked = 0
    with (
        MlflowServer(folder) as server,
        FaultyProxy(server.port) as proxy,
        opened(f"sqlite:///{folder / 'ledger.db'}", folder) as ledger,
    ):
        record = ledger.register_campaign(spec.name, dict(spec.definition), spec.sha256)
        proxy.faults = Faults(error=0.2, lose=0.2, cut=0.1, slow=0.02, slow_s=0.5)
        mirror = Mirror(spec, ledger, record, proxy.url)
        number = 0
        ends_at = time.monotonic() + LIMIT_S
        while proxy.n_faults < count and time.monotonic() < ends_at:
            lease = ledger.acquire_lease(record.uid)
            begun = time.monotonic()
            (trial,) = ledger.add_trials(lease, [NewTrial({"x": float(number)}, 1, "")])
            ledger.record_result(trial.uid, measured(trial.number))
            # The mirror is never asked: neither a proposal nor a result waits for it.
            blocked += time.monotonic() - begun > 30.0
            ledger.release_lease(lease)
            number += 1
            for _ in range(3):
                try:
                    mirror.sync(has_figures=False, has_report=False, deadline_s=60.0)
                    break
                except StoreError:
                    continue
        proxy.faults = Faults()
        mirror.sync(has_figures=False, has_report=False)
        n_faults = proxy.n_faults
        wrong, phantoms = _compared(proxy.url, mirror.experiment_id, ledger, record.uid)
        lost = wrong + blocked + len(ledger.check())
    return Line(
        "MLflow over HTTP: 500s, lost, cut and slow replies",
        f"{n_faults} faults, {number} trials",
        lost,
        phantoms,
        0,
        "8 of 8 lost replies became phantom runs",
    )


def _compared(url: str, experiment_id: str, ledger: Ledger, campaign_uid: str) -> tuple[int, int]:
    """Count trials that MLflow shows wrongly, and runs that stand for nothing."""
    from mlflow import MlflowClient

    client, token, runs = MlflowClient(tracking_uri=url), None, []
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        runs += list(page)
        token = page.token
        if not token:
            break
    trials = {trial.uid: trial for trial in ledger.trials(campaign_uid)}
    of_trials = [run for run in runs if run.data.tags.get("afssb.role") == "trial"]
    phantoms = len(runs) - len(trials) - 1
    right = sum(
        run.info.status == "FINISHED" and run.data.metrics.get("y") == trials[uid].result.outcomes["y"]
        for run in of_trials
        if (uid := run.data.tags.get("afssb.trial_uid")) in trials and trials[uid].result is not None
    )
    return len(trials) - right, phantoms


PARTS: dict[str, tuple[Callable[[Path, int], Line], int]] = {
    "creation": (kills_of_creation, 100),
    "first-opens": (first_opens_of_sqlite, 20),
    "first-opens-postgresql": (first_opens_of_postgresql, 20),
    "writers": (writers_of_sqlite, 250),
    "writers-postgresql": (writers_of_postgresql, 250),
    "crashes": (crashes, 30),
    "http": (http_faults, 2000),
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
