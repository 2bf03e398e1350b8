"""Whether a result that was handed in is on a disk whatever the ledger's database does, and comes in once, in order."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from afssb_opt import Campaign
from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialFailure, TrialResult, TrialState
from afssb_opt.ledger import Ledger, MoveError, NewTrial, Outbox, Recorded, TrialRecord, engine
from afssb_opt.ledger.failpoints import LEDGER_POINTS, VARIABLE, FailpointError
from afssb_opt.ledger.recording import PreparedResult, prepare_result


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox", tmp_path / "spare")


@pytest.fixture
def opened(url: str, outbox: Outbox) -> Iterator[Ledger]:
    with Ledger.create_or_open(url, outbox=outbox) as ledger:
        yield ledger


def propose(ledger: Ledger, n: int = 3) -> list[TrialRecord]:
    lease = ledger.acquire_lease(ledger.register_campaign("c", {}, "h").uid)
    made = ledger.add_trials(lease, [NewTrial({"x": float(place)}, 1, "") for place in range(n)])
    ledger.release_lease(lease)
    return made


def lock(path: Path | None) -> sqlite3.Connection:
    """Another program that writes to the file and does not end."""
    blocker = sqlite3.connect(str(path), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    return blocker


def test_a_result_waits_while_the_file_is_locked_and_comes_in_once_in_its_order(
    sqlite_url: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.3)
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        first, second, third = propose(ledger)
        blocker = lock(ledger.path)
        assert ledger.record_result(first.uid, TrialResult({"y": 1.0}), is_final=False) is Recorded.WAITING
        assert ledger.record_result(first.uid, TrialResult({"y": 2.0})) is Recorded.WAITING
        assert ledger.record_failure(second.uid, TrialFailure("cell", "short")) is Recorded.WAITING
        assert len(outbox.waiting()) == 3
        blocker.execute("ROLLBACK")
        blocker.close()
        assert ledger.record_result(third.uid, TrialResult({"y": 3.0})) is Recorded.RECORDED
        assert outbox.waiting() == []
        after = ledger.trials(first.campaign_uid)
        assert [trial.state for trial in after] == [TrialState.COMPLETED, TrialState.FAILED, TrialState.COMPLETED]
        assert after[0].result == TrialResult({"y": 2.0})
        kinds = [e.kind for e in ledger.events(first.campaign_uid) if e.trial_uid and e.kind != "proposed"]
        assert kinds == ["result", "result", "failure", "result"]
        assert ledger.check() == []


def test_a_result_is_on_the_disk_before_it_waits_for_another_writer(
    sqlite_url: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        (trial, *_) = propose(ledger)
        blocker = lock(ledger.path)
        seen = []
        deliver = Outbox.deliver

        def free_and_deliver(self: Outbox, into: Ledger) -> object:
            seen.append(len(self.waiting()))
            blocker.execute("ROLLBACK")
            return deliver(self, into)

        monkeypatch.setattr(Outbox, "deliver", free_and_deliver)
        assert ledger.record_result(trial.uid, TrialResult({"y": 1.0})) is Recorded.RECORDED
        blocker.close()
        assert seen == [1]
        assert outbox.waiting() == []


def test_a_result_is_on_the_disk_in_time_although_an_earlier_one_waits_too(sqlite_url: str, outbox: Outbox) -> None:
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        first, second, _ = propose(ledger)
        outbox.keep(first.uid, TrialResult({"y": 1.0}))
        blocker = lock(ledger.path)
        with ThreadPoolExecutor() as pool:
            told = pool.submit(ledger.record_result, second.uid, TrialResult({"y": 2.0}))
            ends_at = time.monotonic() + engine.BUSY_TIMEOUT_S / 3
            while len(outbox.waiting()) < 2 and time.monotonic() < ends_at:
                time.sleep(0.01)
            kept = len(outbox.waiting())
            blocker.execute("ROLLBACK")
            blocker.close()
            assert told.result() is Recorded.RECORDED
        assert kept == 2
        assert [trial.state for trial in ledger.trials(first.campaign_uid)][:2] == [TrialState.COMPLETED] * 2


def test_only_what_was_left_in_the_outbox_is_news(
    opened: Ledger, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = propose(opened)
    # As a call does that waits for other writers in another thread.
    in_hand = outbox.keep_prepared(first.uid, prepared({"y": 1.0}), "")
    assert opened.record_result(second.uid, TrialResult({"y": 2.0})) is Recorded.RECORDED
    assert opened.trial(first.uid).state is TrialState.COMPLETED
    assert not in_hand.exists()
    assert caplog.messages == []
    outbox.keep(first.uid, TrialResult({"z": 1.0}))
    # What another process kept, alive or dead, is news too.
    Outbox(outbox.folder).keep_prepared(second.uid, prepared({"z": 1.0}), "")
    assert opened.record_result(third.uid, TrialResult({"y": 3.0})) is Recorded.RECORDED
    assert caplog.messages == ["results that had been left in the outbox are recorded now: 2"]


def test_a_result_that_two_threads_hand_in_at_once_is_no_news(
    opened: Ledger, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trial, *_) = propose(opened)
    outbox.keep_prepared(trial.uid, prepared({"y": 1.0}), "")
    hand_in, deliveries = opened.hand_in_result, []

    def hand_in_after_another(*given: Any) -> Recorded:
        if not deliveries:
            deliveries.append(None)
            deliveries[0] = outbox.deliver(opened)
        return hand_in(*given)

    monkeypatch.setattr(opened, "hand_in_result", hand_in_after_another)
    second = outbox.deliver(opened)
    assert list(deliveries[0].recorded.values()) == [Recorded.RECORDED]
    assert list(second.recorded.values()) == [Recorded.ALREADY_KNOWN]
    assert deliveries[0].left_over == second.left_over == ()


def test_a_result_that_a_call_had_to_leave_is_news_when_it_is_recorded(
    sqlite_url: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        first, second, _ = propose(ledger)
        blocker = lock(ledger.path)
        assert ledger.record_result(first.uid, TrialResult({"y": 1.0})) is Recorded.WAITING
        blocker.close()
        with monkeypatch.context() as patched:
            patched.setattr("afssb_opt.ledger.recording.record_result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                ledger.record_result(second.uid, TrialResult({"y": 2.0}))
        caplog.clear()
        ledger.deliver()
        assert caplog.messages == ["results that had been left in the outbox are recorded now: 2"]


def prepared(outcomes: dict[str, float]) -> PreparedResult:
    return prepare_result(TrialResult(outcomes), None, None, is_final=True, is_correction=False)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_results_of_a_campaign_come_in_when_it_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = {"name": "kept", "space": {"x": {"low": 0, "high": 1}}, "objectives": {"y": {"goal": "maximize"}},
                  "evaluator": "lab", "budget": {"trials": 9}}  # fmt: skip
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    with Campaign.load(definition) as campaign:
        lease = campaign.ledger.acquire_lease(campaign.uid)
        trials = campaign.ledger.add_trials(lease, [NewTrial({"x": 0.1}, 1, ""), NewTrial({"x": 0.2}, 1, "")])
        blocker = lock(campaign.ledger.path)
        import pandas as pd

        table = pd.DataFrame({"trial": [t.label for t in trials], "y": [1.0, 2.0], "status": ["completed", "failed"]})
        assert campaign.record(table)["recorded"].tolist() == ["waiting", "waiting"]
        blocker.close()
    with Campaign.load(definition, read_only=True) as campaign:
        assert len(campaign.observations()) == 0
    with Campaign.load(definition) as campaign:
        assert [trial.state for trial in campaign.trials()] == [TrialState.COMPLETED, TrialState.FAILED]
        assert campaign.stores.outbox.waiting() == []


def test_no_trial_is_evaluated_again_whose_result_waits(opened: Ledger, outbox: Outbox) -> None:
    (trial, *_) = propose(opened)
    lease = opened.acquire_lease(trial.campaign_uid)
    opened.claim(lease, trial.uid, duration_s=0.0)
    outbox.keep(trial.uid, TrialResult({"y": 1.0}))
    assert opened.release_orphaned_claims(lease) == []
    assert opened.trial(trial.uid).state is TrialState.COMPLETED


@pytest.mark.parametrize("point", [point for point in LEDGER_POINTS if "create" not in point and "table" not in point])
@pytest.mark.parametrize("kind", ["result", "failure"])
def test_whatever_fails_inside_the_ledger_the_result_is_kept_first(
    sqlite_url: str, outbox: Outbox, point: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        (trial, *_) = propose(ledger)
        monkeypatch.setattr("afssb_opt.ledger.failpoints._reached", Counter())
        monkeypatch.setenv(VARIABLE, f"{point}:1:raise")
        result, failure = TrialResult({"y": 1.0}), TrialFailure("cell", "short")
        hand_in = {"result": lambda: ledger.record_result(trial.uid, result),
                   "failure": lambda: ledger.record_failure(trial.uid, failure)}[kind]  # fmt: skip
        with pytest.raises(FailpointError):
            hand_in()
        monkeypatch.delenv(VARIABLE)
        assert len(outbox.waiting()) == 1
        ledger.deliver()
        assert ledger.trial(trial.uid).state is (TrialState.COMPLETED if kind == "result" else TrialState.FAILED)
        assert sum(event.kind == kind for event in ledger.events(trial.campaign_uid)) == 1
        assert outbox.waiting() == []


def test_a_signal_in_the_middle_of_recording_keeps_the_result_and_goes_on(
    sqlite_url: str, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.create_or_open(sqlite_url, outbox=outbox) as ledger:
        (trial, *_) = propose(ledger)
        with monkeypatch.context() as patched:
            patched.setattr("afssb_opt.ledger.recording.record_result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
        assert len(outbox.waiting()) == 1
        ledger.deliver()
        assert ledger.trial(trial.uid).state is TrialState.COMPLETED


def test_what_the_ledger_refuses_is_not_kept(opened: Ledger, outbox: Outbox) -> None:
    (trial, *_) = propose(opened)
    opened.record_result(trial.uid, TrialResult({"y": 1.0}))
    with pytest.raises(MoveError):
        opened.record_failure(trial.uid, TrialFailure("equipment", "late"))
    with pytest.raises(StoreError):
        opened.record_result("nobody", TrialResult({"y": 1.0}))
    assert outbox.waiting() == []


def test_names_follow_each_other_although_the_clock_is_set_back(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([2_000_000_000 * 10**9, 1_000_000_000 * 10**9, 1_500_000_000 * 10**9])
    monkeypatch.setattr("afssb_opt.ledger.outbox.time.time_ns", lambda: next(times))
    kept = [outbox.keep("u", TrialResult({"y": float(place)})) for place in range(3)]
    assert outbox.waiting() == kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte; only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take the last byte of the disk."""
    hog = folder / "hog"
    with hog.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(b"\0" * 4096)
        except OSError:
            return hog


def test_on_a_full_disk_results_go_to_the_spare_folder_and_come_in_with_space(small_disk: Path, outbox: Outbox) -> None:
    outbox = Outbox(small_disk / "outbox", outbox.spare)
    with Ledger.create_or_open(f"sqlite:///{small_disk / 'ledger.db'}", outbox=outbox) as ledger:
        trials = propose(ledger)
        assert ledger.record_result(trials[0].uid, TrialResult({"y": 1.0})) is Recorded.RECORDED
        hog = fill(small_disk)
        long = TrialResult({"y": 2.0}, attributes={"log": "x" * 20_000})
        assert ledger.record_result(trials[1].uid, long) is Recorded.WAITING
        assert [path.parent for path in outbox.waiting()] == [outbox.spare]
        assert ledger.trial(trials[0].uid).state is TrialState.COMPLETED
        hog.unlink()
        assert ledger.record_result(trials[2].uid, TrialResult({"y": 3.0})) is Recorded.RECORDED
        assert [trial.state for trial in ledger.trials(trials[0].campaign_uid)] == [TrialState.COMPLETED] * 3
        assert outbox.waiting() == []
        assert ledger.check() == []


def test_a_store_on_a_read_only_disk_is_refused_with_the_remedy_and_comes_back(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'ledger.db'}"
    with Ledger.create_or_open(url) as ledger:
        propose(ledger)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        with pytest.raises(StoreError, match="may be read and written by you"):
            Ledger.open(url)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with Ledger.open(url) as ledger:
        assert ledger.check() == []


def test_where_no_folder_takes_the_result_the_error_names_them_all(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    with Ledger.create_or_open(sqlite_url, outbox=Outbox(tmp_path / "a" / "x", tmp_path / "b" / "x")) as ledger:
        (trial, *_) = propose(ledger)
        blocker = lock(ledger.path)
        with pytest.raises(StoreError, match=r"cannot be kept \(.*a/x: .*; .*b/x: .*\).*before this process ends"):
            ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
        blocker.close()


@pytest.mark.servers
def test_a_database_server_that_crashes_and_returns_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chaos: Callable[[str], Any]
) -> None:
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")
    postgresql = chaos("postgresql")
    if postgresql.server_programs() is None or postgresql.server_user() is None:
        pytest.skip("no PostgreSQL server is installed")
    monkeypatch.setattr(engine, "RECONNECT_S", 0.2)
    outbox = Outbox(tmp_path / "outbox")
    with postgresql.ThrowAwayServer() as server, Ledger.create_or_open(server.new_url(), outbox=outbox) as ledger:
        first, second, third = propose(ledger)
        assert ledger.record_result(first.uid, TrialResult({"y": 1.0})) is Recorded.RECORDED
        server.crash()
        assert ledger.record_result(second.uid, TrialResult({"y": 2.0})) is Recorded.WAITING
        with pytest.raises(StoreUnavailableError):
            ledger.trial(second.uid)
        server.start()
        assert ledger.record_result(third.uid, TrialResult({"y": 3.0})) is Recorded.RECORDED
        assert [trial.state for trial in ledger.trials(first.campaign_uid)] == [TrialState.COMPLETED] * 3
        assert outbox.waiting() == []
        # Backends killed alone: the server drops every connection and recovers by itself.
        monkeypatch.setattr(engine, "RECONNECT_S", 20.0)
        server.kill_backends()
        assert ledger.record_result(third.uid, TrialResult({"z": 4.0})) is Recorded.RECORDED
        assert ledger.check() == []
