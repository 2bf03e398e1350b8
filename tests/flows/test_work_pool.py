"""`flows/prefect.yaml` deployed for real to a process work pool and run by a real worker.

It takes a minute and more of processor time: `AFSSB_WORK_POOL=1 pytest tests/flows/test_work_pool.py`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pandas as pd
import pytest

from afssb_opt import Campaign
from afssb_opt.domain.trials import TrialState
from flows.local_server import prefect_api

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.skipif("AFSSB_WORK_POOL" not in os.environ, reason="set AFSSB_WORK_POOL=1: takes minutes"),
]

REPOSITORY = Path(__file__).parents[2]
LAB = """
name: pooled
space: {x: {low: 0, high: 1}}
objectives: {y: {goal: maximize}}
evaluator: lab
batch_size: 2
budget: {trials: 2}
"""


def prefect(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "prefect", *arguments], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def ended(api: str, deployment: str) -> dict[str, str]:
    """Ask for a run of a deployment, wait for its end and return its state."""
    run = httpx.post(f"{api}/deployments/{deployment}/create_flow_run", json={}).json()["id"]
    state: dict[str, str] = {}
    deadline = time.monotonic() + 300
    while state.get("type") not in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        assert time.monotonic() < deadline, state
        time.sleep(1)
        state = httpx.get(f"{api}/flow_runs/{run}").json()["state"]
    return state


def is_paused(api: str, deployment: str) -> bool:
    return bool(httpx.get(f"{api}/deployments/{deployment}").json()["paused"])


def test_a_worker_runs_the_deployments_of_the_prefect_file_and_a_finished_campaign_rests(
    tmp_path, private_stores, monkeypatch
):
    campaign = tmp_path / "pooled.yaml"
    campaign.write_text(LAB)
    for name, value in {"CAMPAIGN": str(campaign), "NAME": "pooled", "POOL": "cells"}.items():
        monkeypatch.setenv(f"AFSSB_{name}", value)
    with prefect_api(tmp_path / "prefect", lambda: os.environ["PREFECT_API_URL"]) as api:
        prefect("work-pool", "create", "cells", "--type", "process")
        prefect("--no-prompt", "deploy", "--all", "--prefect-file", "flows/prefect.yaml")
        found = httpx.post(f"{api}/deployments/filter", json={}).json()
        assert len(found) == 5
        assert {row["name"] for row in found} == {"pooled"}
        identity = {row["entrypoint"]: row["id"] for row in found}
        advance, reconcile = (identity[f"flows.{name}_campaign"] for name in ("advance.advance", "reconcile.reconcile"))
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cells"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        try:
            state = ended(api, advance)
            assert state["type"] == "COMPLETED", state
            assert "2 new trials" in state["message"]
            assert not is_paused(api, advance)
            with Campaign.load(campaign) as opened:
                trials = opened.trials()
                assert [trial.state for trial in trials] == [TrialState.PROPOSED] * 2
                results = {"trial": [trial.label for trial in trials], "y": [1.0, 2.0], "status": ["completed"] * 2}
                opened.record(pd.DataFrame(results))
            state = ended(api, advance)
            assert "the budget of 2 trials is spent" in state["message"], state
            assert is_paused(api, advance)
            campaign.write_text(LAB.replace("trials: 2", "trials: 4"))
            state = ended(api, reconcile)
            assert state["type"] == "COMPLETED", state
            assert not is_paused(api, advance)
        finally:
            worker.kill()
            worker.wait()
