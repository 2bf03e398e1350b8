"""Many processes at once: the first opening of a store, and writers of results."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from loop import Line, measured, opened
from postgresql import ThrowAwayServer
from processes import FORK, at_once

from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger, NewTrial, Recorded


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
