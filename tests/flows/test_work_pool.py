"""`flows/prefect.yaml` deployed for real to a process work pool and run by a real worker.

It takes a minute and more of processor time: `AFSSB_WORK_POOL=1 pytest tests/flows/test_work_pool.py`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger
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
budget: {trials: 8}
"""


def prefect(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "prefect", *arguments], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_all_deployments_of_the_prefect_file_are_taken_and_a_worker_runs_one(tmp_path, private_stores, monkeypatch):
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
        (advance,) = [row for row in found if row["entrypoint"] == "flows.advance.advance_campaign"]
        run = httpx.post(f"{api}/deployments/{advance['id']}/create_flow_run", json={}).json()["id"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cells"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        try:
            state = {}
            deadline = time.monotonic() + 300
            while state.get("type") not in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                assert time.monotonic() < deadline, state
                time.sleep(1)
                state = httpx.get(f"{api}/flow_runs/{run}").json()["state"]
        finally:
            worker.kill()
            worker.wait()
    assert state["type"] == "COMPLETED", state
    assert "2 new trials" in state["message"]
    with Ledger.open(f"sqlite:///{private_stores / 'ledger.db'}") as ledger:
        assert [t.state for t in ledger.trials(ledger.campaign("pooled").uid)] == [TrialState.PROPOSED] * 2
