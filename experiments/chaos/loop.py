"""The loop that is killed, cut off and raced: propose, claim, measure, record; and the count of what became of it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, NewTrial, Outbox, Recorded

SEED = 17
# As in the measurements of the peers: the share of a trial spent on storing decides how often a kill hits it.
EVALUATION_S = 0.02
# A part that is slower than this on a busy machine ends early, and the table says how far it came.
LIMIT_S = float(os.environ.get("CHAOS_LIMIT_S", "3600"))


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
