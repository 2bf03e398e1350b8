"""`afssb run` as a user meets it: real Prefect, MLflow, BoTorch and simulation, stopped and killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger
from flows.local_server import prefect_api

pytestmark = [pytest.mark.slow, pytest.mark.servers]

SIMULATED = """
name: small
seed: 3
space:
  seed_alloy: {levels: [none, Ag, Mg]}
  interlayer_thickness_um: {low: 0.5, high: 30, scale: log}
  stack_pressure_mpa: {low: 0.5, high: 50, scale: log}
  li3n_wt_pct: {low: 0, high: 10}
objectives:
  cycle_life: {goal: maximize, threshold: 1}
  energy_density_wh_l: {goal: maximize, threshold: 300}
protocol: {cycles: 60}
evaluator: simulation
batch_size: 2
initial_trials: 4
budget: {trials: 6}
"""

SLOW = """
name: slow
space:
  x: {low: 0, high: 1}
  kind: {levels: [a, b, c]}
objectives: {y: {goal: maximize}}
evaluator: {python: "slow_plant:measure"}
batch_size: 4
initial_trials: 12
budget: {trials: 12}
"""

# Notes each evaluation in a file before it answers, so that a test can tell what was evaluated how often.
SLOW_PLANT = """
import os, time
import pandas as pd
def measure(designs, protocol):
    with open(os.environ["PLANT_LOG"], "a") as log:
        log.write(repr(float(designs["x"].iloc[0])) + "\\n")
    time.sleep(0.4)
    return pd.DataFrame({"y": designs["x"] ** 2})
"""


def ledger_of(home: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{home / 'ledger.db'}")


def trials_of(home: Path, name: str) -> list:
    with ledger_of(home) as ledger:
        record = ledger.campaign(name)
        return ledger.trials(record.uid) if record else []


def servers_left(home: Path) -> list[int]:
    """Return processes that work under this store: servers of a run that is gone."""
    left = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if "flows.local_server" in (process.info["cmdline"] or []) and process.environ().get("AFSSB_HOME") == str(
                home
            ):
                left.append(process.pid)
        except psutil.Error:
            continue
    return left


def wait_until(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.fixture
def slow_campaign(tmp_path, monkeypatch):
    (tmp_path / "slow_plant.py").write_text(SLOW_PLANT)
    path = tmp_path / "slow.yaml"
    path.write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PLANT_LOG", str(tmp_path / "plant.log"))
    return path


@pytest.fixture(scope="module")
def server_address(tmp_path_factory):
    """Give the address of a Prefect server, so that not every test waits for one of its own."""
    with prefect_api(tmp_path_factory.mktemp("prefect"), meanwhile=lambda: os.environ["PREFECT_API_URL"]) as address:
        yield address


@pytest.fixture
def shared_server(server_address, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", server_address)


class Run:
    """`afssb run` in the background, its output in a file."""

    def __init__(self, campaign: Path) -> None:
        self.log = campaign.with_suffix(".log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "afssb_opt.cli", "run", str(campaign)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> int:
        return self.process.wait(120)

    @property
    def output(self) -> str:
        return self.log.read_text()


def test_a_campaign_runs_to_its_budget_and_fills_ledger_mlflow_and_report(tmp_path, private_stores, afssb):
    campaign = tmp_path / "small.yaml"
    campaign.write_text(SIMULATED)
    done = afssb("run", campaign)
    assert done.returncode == 0, done.stderr
    assert "budget of 6 trials is spent" in done.stdout
    assert "Pareto set" in done.stdout
    assert "afssb ui" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    trials = trials_of(private_stores, "small")
    assert [trial.state for trial in trials] == [TrialState.COMPLETED] * 6
    assert all(trial.cycling_sha256 for trial in trials)
    client = MlflowClient(f"sqlite:///{private_stores / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    runs = {run.data.tags["afssb.role"]: run for run in client.search_runs([experiment.experiment_id])}
    assert len(client.search_runs([experiment.experiment_id], "tags.`afssb.role` = 'trial'")) == 6
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert (private_stores / "reports" / "small.html").stat().st_size > 100_000
    assert servers_left(private_stores) == []

    again = afssb("run", campaign, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["n_made"] == 0
    assert len(trials_of(private_stores, "small")) == 6


def test_a_killed_run_loses_nothing_repeats_nothing_and_leaves_no_process(
    private_stores, slow_campaign, afssb, tmp_path
):
    run = Run(slow_campaign)
    wait_until(lambda: (tmp_path / "plant.log").exists() and len(trials_of(private_stores, "slow")) >= 4, 120)
    time.sleep(0.7)
    run.process.kill()
    run.wait()
    wait_until(lambda: servers_left(private_stores) == [], 5)
    kept = {trial.uid: trial for trial in trials_of(private_stores, "slow")}
    finished = {uid for uid, trial in kept.items() if trial.state == TrialState.COMPLETED}

    resumed = afssb("run", slow_campaign)
    assert resumed.returncode == 0, resumed.stderr
    trials = trials_of(private_stores, "slow")
    assert len(trials) == 12
    assert {trial.state for trial in trials} == {TrialState.COMPLETED}
    assert set(kept) <= {trial.uid for trial in trials}
    assert len({(trial.design["x"], trial.design["kind"]) for trial in trials}) == 12
    evaluated = (tmp_path / "plant.log").read_text().split()
    assert all(evaluated.count(repr(kept[uid].design["x"])) == 1 for uid in finished)
    assert servers_left(private_stores) == []
    states = afssb_flow_states(private_stores)
    assert states.count("RUNNING") == 0
    assert "CRASHED" in states


def afssb_flow_states(home: Path) -> list[str]:
    """Read the states of all flow runs out of Prefect's own database."""
    import sqlite3

    (database,) = home.glob("prefect/*/prefect.db")
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT state_type FROM flow_run").fetchall()
    connection.close()
    return [str(row[0]) for row in rows]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_so_and_the_same_command_goes_on(
    private_stores, slow_campaign, afssb, shared_server, sent, code
):
    run = Run(slow_campaign)
    wait_until(lambda: any(t.state == TrialState.COMPLETED for t in trials_of_if_any(private_stores)), 120)
    run.process.send_signal(sent)
    assert run.wait() == code, run.output
    assert "the same command goes on" in run.output
    assert "Traceback" not in run.output
    assert servers_left(private_stores) == []
    assert afssb("run", slow_campaign).returncode == 0
    assert {trial.state for trial in trials_of(private_stores, "slow")} == {TrialState.COMPLETED}


def trials_of_if_any(home: Path) -> list:
    return trials_of(home, "slow") if (home / "ledger.db").exists() else []


def test_a_second_run_of_the_same_campaign_is_refused_while_the_first_works(
    private_stores, slow_campaign, afssb, shared_server
):
    run = Run(slow_campaign)
    wait_until(lambda: len(trials_of_if_any(private_stores)) > 0, 120)
    second = afssb("run", slow_campaign)
    assert second.returncode == 3
    assert f"{run.process.pid}" in second.stderr
    assert run.wait() == 0, run.output
    assert len(trials_of(private_stores, "slow")) == 12
