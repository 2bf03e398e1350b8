"""Whether a campaign survives being killed, failing or hanging at every step of propose, evaluate, ingest and mirror.

One store lives through all of it: each life goes on where the last one ended and fails at the next step; a life without
a fault is followed by an audit. A life proposes, evaluates half of what waits, plugs in a table for the other half,
holds a row of no trial, and brings MLflow up to date.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.evaluating import evaluate_trial, open_trials
from afssb_opt.campaign.ingesting import commit_plan, plan_ingest
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.proposing import propose_trials
from afssb_opt.domain.errors import CampaignBusyError
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.evaluators import Evaluation
from afssb_opt.lab.reading import read_file
from afssb_opt.ledger.failpoints import (
    EVALUATE_POINTS,
    INGEST_POINTS,
    LEDGER_POINTS,
    MIRROR_POINTS,
    PROPOSE_POINTS,
    VARIABLE,
)
from afssb_opt.tracking.mirror import Mirror
from afssb_opt.tracking.stores import open_client, resolve_tracking

FORK = multiprocessing.get_context("fork")
DEFINITION: dict[str, Any] = {
    "name": "nine lives",
    "seed": 3,
    "space": {"x": {"low": 0, "high": 1}, "z": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    # The surrogate has tests of its own; here a space-filling design is proposed at once.
    "initial_trials": 900,
    "batch_size": 2,
    "budget": {"trials": 900},
}
CAMPAIGN_POINTS = (*PROPOSE_POINTS, *EVALUATE_POINTS, *INGEST_POINTS, *MIRROR_POINTS)
# Steps that are no longer met once the store is made.
WRITE_POINTS = tuple(point for point in LEDGER_POINTS if "create" not in point and "table" not in point)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def value_of(design: Mapping[str, float | str]) -> float:
    """What evaluating a design gives: the same whoever does it."""
    return round(float(design["x"]) - float(design["z"]), 6)


class Plant:
    """An evaluator that knows the answer."""

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        return Evaluation(TrialResult({"y": value_of(design)}))


def live(folder: Path, n_life: int) -> None:
    """Do one round of everything."""
    with Campaign.load(DEFINITION) as campaign:
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            waiting = open_trials(campaign, lease)
            waiting += propose_trials(campaign, lease, 2)
            for trial in waiting[::2]:
                evaluate_trial(campaign.ledger, lease, Plant(), trial)
        rows = [{"trial": trial.label, "y": value_of(trial.design), "status": "completed"} for trial in waiting[1::2]]
        table = pd.DataFrame(rows)
        table.to_csv(folder / f"results {n_life}.csv", index=False)
        doubtful = f"trial,y,status\nT9{n_life:03d}-A,1,completed\n"
        (folder / f"doubtful {n_life}.csv").write_text(doubtful)
        plan = plan_ingest(campaign, [folder], read=lambda paths: [read_file(path) for path in paths])
        commit_plan(campaign, plan, "tester")
        mirror_of(campaign).sync(has_figures=True, has_report=False)


def mirror_of(campaign: Campaign) -> Mirror:
    place = resolve_tracking(campaign.stores.folder)
    return Mirror(campaign.spec, campaign.ledger, campaign.record_of_campaign, place.uri, place.artifact_root)


def live_until(setting: str, folder: Path, n_life: int, log: Path) -> None:
    """Live with a failpoint, as the command line would: SIGTERM goes through every `finally`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ[VARIABLE] = setting
    sys.stderr = log.open("w", encoding="utf-8")
    live(folder, n_life)


def wait_for_failpoint(child: multiprocessing.process.BaseProcess, log: Path) -> None:
    deadline = time.monotonic() + 120
    while not (log.exists() and "reached" in log.read_text(encoding="utf-8")):
        assert child.is_alive(), f"it ended with {child.exitcode} before it hung: {log.read_text(encoding='utf-8')}"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def audit() -> None:
    """Everything that was proposed has its one result, and MLflow shows exactly that."""
    with Campaign.load(DEFINITION, read_only=True) as campaign:
        ledger = campaign.ledger
        trials = campaign.trials()
        assert ledger.check() == []
        assert {trial.state for trial in trials} == {TrialState.COMPLETED}
        assert [trial.number for trial in trials] == list(range(1, len(trials) + 1))
        for trial in trials:
            assert trial.result is not None
            assert trial.result.outcomes == {"y": value_of(trial.design)}
        # One that was evaluated and stood in the table of a life before has come from two sources, once from each.
        results = [(e.trial_uid, e.payload["source"]) for e in ledger.events(campaign.uid) if e.kind == "result"]
        assert len(results) == len(set(results))
        assert {uid for uid, _ in results} == {trial.uid for trial in trials}
        assert campaign.stores.outbox.waiting() == []
        place = resolve_tracking(campaign.stores.folder)
        client = open_client(place.uri, place.artifact_root)
        experiment = client.get_experiment_by_name(campaign.spec.name)
        runs = client.search_runs([experiment.experiment_id], run_view_type=3, max_results=5000)
        shown = {run.data.tags["afssb.trial_uid"]: run for run in runs if run.data.tags["afssb.role"] == "trial"}
        assert len(runs) == len(trials) + 1
        for trial in trials:
            run = shown[trial.uid]
            assert (run.info.status, run.info.lifecycle_stage) == ("FINISHED", "active")
            assert run.data.tags["afssb.ledger_seq"] == str(trial.last_seq)
            assert run.data.metrics["y"] == value_of(trial.design)


@pytest.fixture
def inbox(tmp_path: Path, empty_mlflow: Path, private_stores: Path) -> Path:
    private_stores.mkdir(mode=0o700)
    (private_stores / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    folder = tmp_path / "inbox"
    folder.mkdir()
    live(folder, 0)
    return folder


@pytest.fixture(scope="module")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    open_client(f"sqlite:///{database}")
    return database


@pytest.mark.parametrize("action", ["kill", "raise"])
def test_a_campaign_goes_on_after_each_step_was_killed_or_failed(inbox: Path, tmp_path: Path, action: str) -> None:
    for n_life, point in enumerate(CAMPAIGN_POINTS, start=1):
        log = tmp_path / f"{point}.log"
        child = FORK.Process(target=live_until, args=(f"{point}:1:{action}", inbox, n_life, log))
        child.start()
        child.join()
        assert child.exitcode == (-signal.SIGKILL if action == "kill" else 1), log.read_text(encoding="utf-8")
        assert f"{point}:1:{action} reached" in log.read_text(encoding="utf-8")
    live(inbox, len(CAMPAIGN_POINTS) + 1)
    audit()


def test_a_step_that_hangs_stops_no_reader_and_leaves_on_sigterm(inbox: Path, tmp_path: Path) -> None:
    points = (*WRITE_POINTS, *CAMPAIGN_POINTS)
    for n_life, point in enumerate(points, start=1):
        log = tmp_path / f"{point}.log"
        child = FORK.Process(target=live_until, args=(f"{point}:1:hang", inbox, n_life, log))
        child.start()
        wait_for_failpoint(child, log)
        with Campaign.load(DEFINITION, read_only=True) as campaign:
            assert len(campaign.observations()) > 0
            if point in (*PROPOSE_POINTS, *EVALUATE_POINTS):
                # Its lease is renewed beside it: it counts as at work, and nobody works against it.
                with pytest.raises(CampaignBusyError), hold_lease(campaign.ledger, campaign.uid):
                    pass
            child.terminate()
            child.join()
            assert child.exitcode == 143, log.read_text(encoding="utf-8")
            # What it held was given back, not left to run out.
            for role in ("advance", "mirror"):
                campaign.ledger.release_lease(campaign.ledger.acquire_lease(campaign.uid, role=role))
    live(inbox, len(points) + 1)
    audit()
