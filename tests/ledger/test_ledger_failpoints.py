"""Whether each step of a write may be killed, fail or hang without anything being lost or doubled."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, NewTrial, Outbox, Recorded, engine
from afssb_opt.ledger.failpoints import LEDGER_POINTS, OUTBOX_POINTS, VARIABLE, FailpointError

FORK = multiprocessing.get_context("fork")
N_TRIALS = 3

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def small_campaign(url: str, acknowledgements: Connection | None = None) -> None:
    """Advance a campaign of three trials from wherever it stands to its end."""
    with Ledger.create_or_open(url) as ledger:
        campaign = ledger.register_campaign("small", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        ledger.release_orphaned_claims(lease)
        for place in range(len(ledger.trials(campaign.uid)), N_TRIALS):
            ledger.add_trials(lease, [NewTrial({"x": float(place)}, 1, "")])
        for uid in ledger.pending(campaign.uid)["trial_uid"]:
            number = ledger.trial(uid).number
            cycling = as_cycling_table({"cycle": np.arange(1, 9), "short_progress": np.full(8, float(number))})
            result = TrialResult({"y": float(number)})
            assert (
                ledger.record_result(uid, result, cycling=cycling, claim=ledger.claim(lease, uid)) is Recorded.RECORDED
            )
            if acknowledgements is not None:
                acknowledgements.send(uid)
        ledger.release_lease(lease)


def with_failpoint(setting: str, work, *arguments: object) -> None:  # type: ignore[no-untyped-def]
    os.environ[VARIABLE] = setting
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    work(*arguments)
    # Exit handlers of libraries that other tests have loaded do not survive a fork.
    os._exit(0)


def require_whole_campaign(url: str, acknowledged: set[str]) -> None:
    with Ledger.open(url) as ledger:
        (campaign,) = ledger.campaigns()
        trials = ledger.trials(campaign.uid)
        assert [trial.state for trial in trials] == [TrialState.COMPLETED] * N_TRIALS
        assert [trial.result for trial in trials] == [TrialResult({"y": float(n)}) for n in range(1, N_TRIALS + 1)]
        assert acknowledged <= {trial.uid for trial in trials}
        assert sum(event.kind == "result" for event in ledger.events(campaign.uid)) == N_TRIALS
        assert ledger.check() == []


@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize("point", LEDGER_POINTS)
@pytest.mark.parametrize("action", ["kill", "raise"])
def test_a_campaign_ends_whole_whatever_step_fails(sqlite_url: str, point: str, nth: int, action: str) -> None:
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=with_failpoint, args=(f"{point}:{nth}:{action}", small_campaign, sqlite_url, theirs))
    child.start()
    theirs.close()
    child.join()
    is_reached = child.exitcode != 0
    # The store is made once and each trial has one table; every other step is met often enough.
    assert is_reached or (nth > 1 and "create" in point) or (nth > N_TRIALS and "table" in point)
    if is_reached:
        assert child.exitcode == (-signal.SIGKILL if action == "kill" else 1)
    acknowledged = set()
    try:
        while True:
            acknowledged.add(ours.recv())
    except EOFError:
        ours.close()
    small_campaign(sqlite_url)
    require_whole_campaign(sqlite_url, acknowledged)
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert {path.name for path in folder.iterdir()} <= {"ledger.db", "ledger.db-wal", "ledger.db-shm"}


@pytest.mark.parametrize(
    "point", [point for point in LEDGER_POINTS if "create" not in point and "committed" not in point]
)
def test_a_write_that_fails_half_way_leaves_no_trace(ledger: Ledger, trial, point: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("afssb_opt.ledger.failpoints._reached", Counter())
    before = ledger.trial(trial.uid), ledger.events(trial.campaign_uid)
    cycling = as_cycling_table({"cycle": np.arange(1, 9)})
    monkeypatch.setenv(VARIABLE, f"{point}:1:raise")
    with pytest.raises(FailpointError):
        ledger.record_result(trial.uid, TrialResult({"y": 1.0}), cycling=cycling)
    monkeypatch.delenv(VARIABLE)
    assert (ledger.trial(trial.uid), ledger.events(trial.campaign_uid)) == before
    assert ledger.record_result(trial.uid, TrialResult({"y": 1.0}), cycling=cycling) is Recorded.RECORDED


def note_until_refused(ledger: Ledger) -> None:
    campaign = ledger.register_campaign("mine", {}, "h")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        ledger.append_note(campaign.uid, "tick", {"at": time.monotonic_ns()})


def test_a_process_that_hangs_in_a_write_blocks_others_for_their_patience_only(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.create_or_open(sqlite_url).close()
    child = FORK.Process(target=with_failpoint, args=("ledger.write.committing:1:hang", small_campaign, sqlite_url))
    child.start()
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    with Ledger.open(sqlite_url) as ledger:
        with pytest.raises(StoreUnavailableError):
            note_until_refused(ledger)
        child.kill()
        child.join()
        ledger.append_note(ledger.register_campaign("mine", {}, "h").uid, "tick", {"at": 0})
        assert ledger.campaign("small") is None


@pytest.mark.parametrize(
    "setting", ["", "x", "nowhere:1:kill", "ledger.write.begun:0.5:kill", "ledger.write.begun:1:explode"]
)
def test_a_mistyped_failpoint_is_an_error_and_not_ignored(sqlite_url: str, setting: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv(VARIABLE, setting)
    with pytest.raises(StoreError, match="Unset it"):
        Ledger.create_or_open(sqlite_url)


def keep_and_deliver(url: str, folder: Path) -> None:
    outbox = Outbox(folder)
    with Ledger.open(url) as ledger:
        (campaign,) = ledger.campaigns()
        for trial in ledger.trials(campaign.uid):
            outbox.keep(trial.uid, TrialResult({"y": float(trial.number)}), actor="me")
        assert outbox.deliver(ledger).problems == ()


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", OUTBOX_POINTS)
def test_kept_results_are_handed_in_once_whatever_step_is_killed(
    sqlite_url: str, tmp_path: Path, point: str, nth: int
) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        campaign = ledger.register_campaign("small", {}, "h")
        ledger.add_trials(
            ledger.acquire_lease(campaign.uid), [NewTrial({"x": float(i)}, 1, "") for i in range(N_TRIALS)]
        )
    child = FORK.Process(
        target=with_failpoint, args=(f"{point}:{nth}:kill", keep_and_deliver, sqlite_url, tmp_path / "out")
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    n_waiting = len(Outbox(tmp_path / "out").waiting())
    # A result is safe from the moment that `keep` has renamed its file.
    assert n_waiting == {"outbox.written": nth - 1, "outbox.kept": nth, "outbox.recorded": N_TRIALS - nth + 1}[point]
    keep_and_deliver(sqlite_url, tmp_path / "out")
    require_whole_campaign(sqlite_url, set())
    assert Outbox(tmp_path / "out").waiting() == []
