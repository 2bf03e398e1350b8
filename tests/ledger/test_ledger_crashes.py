"""Whether anything is lost, doubled or left behind when processes are killed or all come at once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, NewTrial, Recorded

# A forked child starts in a millisecond, so that the kills fall into the work and not into the imports.
FORK = multiprocessing.get_context("fork")
# The full count of the goals is run by hand with AFSSB_KILLS=2000.
N_KILLS = int(os.environ.get("AFSSB_KILLS", "12"))
SEED = 11
N_PROCESSES = 8
N_CAMPAIGNS = 6

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def measured(number: int) -> TrialResult:
    """What evaluating a trial gives: the same whoever does it."""
    return TrialResult({"y": number / 7.0})


def work_until_killed(url: str, acknowledgements: Connection) -> None:
    """Resume the campaign and go on proposing, claiming and recording, telling what was acknowledged."""
    with Ledger.create_or_open(url) as ledger:
        campaign = ledger.register_campaign("killed", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        ledger.release_orphaned_claims(lease)
        while True:
            waiting = ledger.pending(campaign.uid)
            if waiting.empty:
                start = len(ledger.trials(campaign.uid))
                added = ledger.add_trials(lease, [NewTrial({"x": float(start + i)}, 1, "") for i in range(3)])
                acknowledgements.send(("proposed", [trial.uid for trial in added]))
                continue
            trial = ledger.trial(waiting["trial_uid"].iloc[0])
            claim = ledger.claim(lease, trial.uid)
            cycling = as_cycling_table({"cycle": np.arange(1, 50), "short_progress": np.full(49, trial.number / 3.0)})
            assert (
                ledger.record_result(trial.uid, measured(trial.number), cycling=cycling, claim=claim)
                is Recorded.RECORDED
            )
            acknowledgements.send(("recorded", [trial.uid]))


def test_killing_the_loop_at_random_loses_and_doubles_nothing(url: str) -> None:
    pauses = random.Random(SEED)
    acknowledged: dict[str, set[str]] = {"proposed": set(), "recorded": set()}
    for _ in range(N_KILLS):
        ours, theirs = FORK.Pipe(duplex=False)
        child = FORK.Process(target=work_until_killed, args=(url, theirs))
        child.start()
        theirs.close()
        # It may die anywhere, but each life gets some work done however slow the machine is.
        for _ in range(pauses.randint(1, 8)):
            assert ours.poll(30), "the resumed loop did nothing"
            kind, uids = ours.recv()
            acknowledged[kind] |= set(uids)
        time.sleep(pauses.uniform(0.0, 0.015))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        try:
            while True:
                kind, uids = ours.recv()
                acknowledged[kind] |= set(uids)
        except EOFError:
            ours.close()
    with Ledger.open(url) as ledger:
        (campaign,) = ledger.campaigns()
        lease = ledger.acquire_lease(campaign.uid)
        ledger.release_orphaned_claims(lease)
        trials = ledger.trials(campaign.uid)
        ended = {trial.uid: trial for trial in trials if trial.state is TrialState.COMPLETED}
        assert acknowledged["proposed"] <= {trial.uid for trial in trials}
        assert acknowledged["recorded"] <= ended.keys()
        assert acknowledged["recorded"]
        # A kill between the commit and its acknowledgement leaves at most one result more.
        assert len(ended) <= len(acknowledged["recorded"]) + N_KILLS
        for trial in ended.values():
            assert trial.result == measured(trial.number)
            assert ledger.cycling_table(str(trial.cycling_sha256))["short_progress"].iloc[0] == trial.number / 3.0
        assert {trial.state for trial in trials} <= {TrialState.COMPLETED, TrialState.PROPOSED}
        assert [trial.number for trial in trials] == list(range(1, len(trials) + 1))
        assert len({trial.design["x"] for trial in trials}) == len(trials)
        results = [event.trial_uid for event in ledger.events(campaign.uid) if event.kind == "result"]
        assert sorted(results) == sorted(ended)
        assert ledger.check() == []


def open_and_register(url: str, barrier: Barrier, name: str, answer: Connection) -> None:
    try:
        barrier.wait(30)
        with Ledger.create_or_open(url) as ledger:
            for place in range(N_CAMPAIGNS):
                barrier.wait(30)
                campaign = ledger.register_campaign(f"shared {place}", {}, "h")
                ledger.append_note(campaign.uid, "hello", {"name": name})
        answer.send("up")
    except Exception as error:
        barrier.abort()
        answer.send(repr(error))


def test_processes_that_open_a_new_store_at_once_all_come_up(url: str, chaos: Callable[[str], Any]) -> None:
    barrier = FORK.Barrier(N_PROCESSES)
    arguments = [(url, barrier, f"process {place}") for place in range(N_PROCESSES)]
    assert chaos("processes").at_once(open_and_register, arguments) == ["up"] * N_PROCESSES
    with Ledger.open(url) as ledger:
        campaigns = ledger.campaigns()
        assert [campaign.name for campaign in campaigns] == [f"shared {place}" for place in range(N_CAMPAIGNS)]
        for campaign in campaigns:
            assert sum(event.kind == "hello" for event in ledger.events(campaign.uid)) == N_PROCESSES
        if ledger.path is not None:
            assert {path.name for path in ledger.path.parent.iterdir()} <= {
                "ledger.db",
                "ledger.db-wal",
                "ledger.db-shm",
            }
        assert ledger.check() == []


def test_a_kill_while_the_store_is_made_leaves_nothing_half_made(tmp_path: Path) -> None:
    pauses = random.Random(SEED)
    for attempt in range(20):
        url = f"sqlite:///{tmp_path / str(attempt) / 'ledger.db'}"
        child = FORK.Process(target=lambda url=url: Ledger.create_or_open(url))
        child.start()
        time.sleep(pauses.uniform(0.0, 0.04))
        child.kill()
        child.join()
        with Ledger.create_or_open(url) as ledger:
            assert ledger.path is not None
            assert ledger.register_campaign("c", {}, "h").name == "c"
            names = {path.name for path in ledger.path.parent.iterdir()}
            assert names <= {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
            assert ledger.check() == []


def hand_in_all(url: str, uids: list[str], answer: Connection) -> None:
    with Ledger.open(url) as ledger:
        answer.send([ledger.record_result(uid, measured(place)) for place, uid in enumerate(uids)])


def test_many_who_hand_in_the_same_results_record_each_once(url: str, chaos: Callable[[str], Any]) -> None:
    with Ledger.create_or_open(url) as ledger:
        campaign = ledger.register_campaign("shared", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        uids = [t.uid for t in ledger.add_trials(lease, [NewTrial({"x": float(i)}, 1, "") for i in range(15)])]
        answers = chaos("processes").at_once(hand_in_all, [(url, uids)] * 4)
        for place in range(len(uids)):
            told = [answer[place] for answer in answers]
            assert told.count(Recorded.RECORDED) == 1
            assert told.count(Recorded.ALREADY_KNOWN) == 3
        assert {trial.n_revisions for trial in ledger.trials(campaign.uid)} == {0}
        assert ledger.check() == []
