"""Evaluations on a real Dask cluster: every trial is recorded once, whatever happens to workers and scheduler."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.evaluating import open_trials
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import CampaignFileError
from afssb_opt.domain.spec import ClusterSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.evaluators import make_evaluator
from afssb_opt.ledger import NewTrial
from flows import dask_evaluation
from flows.dask_cluster import ClusterError, ClusterUnavailableError, cluster_client
from flows.dask_evaluation import evaluate_on_cluster

pytest.importorskip("distributed", reason="Dask is not installed (extra: dask)")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    # Workers that are killed on purpose leave sockets that their parent closes late.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Notes each evaluation and its process in a file before it answers.
PLANT = """
import os, time
import pandas as pd
def measure(designs, protocol):
    x = float(designs["x"].iloc[0])
    with open(os.environ["PLANT_LOG"], "a") as log:
        log.write(f"{x!r} {os.getppid()} {os.getpid()}\\n")
    time.sleep(0.3)
    return pd.DataFrame({"y": designs["x"] ** 2})
"""
MODULE = "afssb_cluster_plant"
PYTHON = {"python": f"{MODULE}:measure"}


def definition(**other) -> dict:
    return {
        "name": "scaled",
        "space": {"x": {"low": 0, "high": 1}},
        "objectives": {"y": {"goal": "maximize"}},
        "evaluator": PYTHON,
        "budget": {"trials": 64},
        **other,
    }


SIMULATED = definition(
    space={"seed_alloy": {"levels": ["none", "Ag"]}, "stack_pressure_mpa": {"low": 1, "high": 9}},
    objectives={"cycle_life": {"goal": "maximize"}},
    protocol={"cycles": 30},
    evaluator="simulation",
)


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """Give a module that workers import, and the log of its evaluations."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / f"{MODULE}.py").write_text(PLANT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv("PLANT_LOG", str(folder / "plant.log"))
        patch.syspath_prepend(str(folder))
        yield folder / "plant.log"


@pytest.fixture(scope="module")
def client(plant, tmp_path_factory):
    """Give a cluster of two workers, which the nannies replace when they are killed."""
    with cluster_client(ClusterSpec(local_workers=2), tmp_path_factory.mktemp("dask")) as client:
        yield client


@pytest.fixture
def campaign(client):
    client.wait_for_workers(2, timeout=60)
    with Campaign.load(definition()) as campaign:
        yield campaign


@pytest.fixture
def lease(campaign):
    with hold_lease(campaign.ledger, campaign.uid) as lease:
        yield lease


def propose(campaign, lease, count: int):
    designs = [NewTrial({"x": k / count}, 1, "by hand", {"seed": 0}) for k in range(count)]
    campaign.ledger.add_trials(lease, designs)
    return open_trials(campaign, lease)


def pids(client) -> list[int]:
    return sorted(client.run(os.getpid).values())


def evaluate(client, campaign, lease, trials):
    return evaluate_on_cluster(client, campaign.spec, campaign.ledger, lease, trials)


def when(condition, act) -> threading.Thread:
    """Do something in the background as soon as something else holds."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def evaluations(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def result_events(campaign) -> list[str]:
    return [event.trial_uid for event in campaign.ledger.events(campaign.uid) if event.kind == "result"]


def assert_each_recorded_once(campaign, trials) -> None:
    assert {trial.state for trial in campaign.trials()} == {TrialState.COMPLETED}
    assert sorted(result_events(campaign)) == sorted(trial.uid for trial in trials)
    assert {trial.attempts for trial in campaign.trials()} == {1}
    assert campaign.ledger.check() == []


def test_a_cluster_gives_the_same_results_as_this_process(client):
    with Campaign.load(SIMULATED) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        designs = [{"seed_alloy": name, "stack_pressure_mpa": p} for name in ("none", "Ag") for p in (2.0, 8.0)]
        campaign.ledger.add_trials(lease, [NewTrial(design, 1, "by hand", {"seed": 0}) for design in designs])
        trials = open_trials(campaign, lease)
        # First here, so that the workers find the compiled simulation on the disk.
        here = [make_evaluator(campaign.spec).evaluate(trial.design) for trial in trials]
        done = evaluate(client, campaign, lease, trials)
        assert [trial.result for trial in done] == [evaluation.result for evaluation in here]
        for trial, evaluation in zip(done, here, strict=True):
            assert campaign.ledger.cycling_table(trial.cycling_sha256).equals(evaluation.cycling)


def test_every_trial_is_recorded_once_when_a_worker_is_killed_in_the_middle(client, campaign, lease, plant):
    trials, victims, n_before = propose(campaign, lease, 12), pids(client), len(evaluations(plant))
    killer = when(lambda: len(evaluations(plant)) >= n_before + 3, lambda: os.kill(victims[0], signal.SIGKILL))
    evaluate(client, campaign, lease, trials)
    killer.join()
    assert victims[0] not in pids(client)
    assert_each_recorded_once(campaign, trials)


def test_a_worker_that_hangs_costs_a_copy_and_not_the_round(client, campaign, lease, plant, monkeypatch):
    monkeypatch.setattr(dask_evaluation, "STRAGGLER_SECONDS", 0.5)
    trials, victim, n_before = propose(campaign, lease, 8), pids(client)[0], len(evaluations(plant))
    stopper = when(lambda: len(evaluations(plant)) >= n_before + 3, lambda: os.kill(victim, signal.SIGSTOP))
    try:
        evaluate(client, campaign, lease, trials)
        stopper.join()
        assert psutil.Process(victim).status() == psutil.STATUS_STOPPED
    finally:
        os.kill(victim, signal.SIGCONT)
    # The sleeper wakes, answers late, and nobody asks.
    assert_each_recorded_once(campaign, trials)


def test_claims_are_kept_alive_while_they_wait(client, campaign, lease, monkeypatch):
    beats = []
    heartbeat = campaign.ledger.heartbeat
    monkeypatch.setattr(campaign.ledger, "heartbeat", lambda claim: (beats.append(claim.trial_uid), heartbeat(claim)))
    monkeypatch.setattr(dask_evaluation, "HEARTBEAT_SECONDS", 0.3)
    trials = propose(campaign, lease, 6)
    evaluate(client, campaign, lease, trials)
    assert beats
    assert set(beats) <= {trial.uid for trial in trials}
    assert_each_recorded_once(campaign, trials)


def test_a_worker_without_the_evaluators_module_ends_the_run_with_a_remedy(client):
    source = definition(name="absent", evaluator={"python": "json:loads"})
    with Campaign.load(source) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        trials = propose(campaign, lease, 1)
        spec = load_spec({**source, "evaluator": {"python": "afssb_module_that_is_nowhere:measure"}})
        with pytest.raises(ClusterError, match="where the worker finds it"):
            evaluate_on_cluster(client, spec, campaign.ledger, lease, trials)


def test_a_worker_with_another_version_is_refused():
    with pytest.raises(ClusterError, match="same version on all workers"):
        dask_evaluation.evaluate_on_worker(load_spec(definition()), "0.0.1", {"x": 0.5})


def test_a_scheduler_that_is_killed_and_started_again_is_given_the_rest(plant, tmp_path, free_port):
    address = f"tcp://127.0.0.1:{free_port}"
    with Campaign.load(definition(name="restart")) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        trials, n_before = propose(campaign, lease, 6), len(evaluations(plant))
        with ExitStack() as stack:
            first = stack.enter_context(dask_program("scheduler", "--host", address, "--no-dashboard"))
            stack.enter_context(dask_program("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"))

            def restart() -> None:
                first.kill()
                first.wait()
                stack.enter_context(dask_program("scheduler", "--host", address, "--no-dashboard"))
                stack.enter_context(dask_program("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"))

            client = stack.enter_context(cluster_client(ClusterSpec(address=address), tmp_path))
            # Joined while the stack unwinds too: what it starts is ended with the rest, also when the test fails.
            stack.callback(when(lambda: len(evaluations(plant)) >= n_before + 3, restart).join)
            evaluate(client, campaign, lease, trials)
        assert_each_recorded_once(campaign, trials)


@contextmanager
def dask_program(*arguments: str):
    """Run `dask scheduler` or `dask worker` until the block ends; left by a killed test run, it leaves in a minute."""
    leave = {"scheduler": ("--idle-timeout", "60"), "worker": ("--death-timeout", "30")}[arguments[0]]
    program = subprocess.Popen([sys.executable, "-m", "dask", *arguments, *leave], stderr=subprocess.DEVNULL)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.dask_cluster.CONNECT_SECONDS", 1)
    with (
        pytest.raises(ClusterUnavailableError, match=r"tcp://127\.0\.0\.1:9 does not answer"),
        cluster_client(ClusterSpec(address="tcp://127.0.0.1:9"), tmp_path),
    ):
        pytest.fail("there is no scheduler")


@pytest.mark.parametrize(
    "cluster",
    [{}, {"local_workers": 0}, {"dask": "host:8786"}, {"dask": "tls://host:8786", "local_workers": 2}, {"ray": "x"}],
)
def test_a_cluster_that_cannot_be_is_refused_with_its_place(cluster):
    with pytest.raises(CampaignFileError, match="cluster"):
        load_spec(definition(cluster=cluster))


def test_a_lab_has_nothing_to_compute_on_a_cluster():
    with pytest.raises(CampaignFileError, match="nothing to compute"):
        load_spec({**SIMULATED, "evaluator": "lab", "cluster": {"local_workers": 2}})


def test_a_campaign_may_move_to_a_cluster_and_keeps_its_hash_without_one(campaign):
    assert "cluster" not in campaign.spec.definition
    with Campaign.load(definition(cluster={"local_workers": 2})) as moved:
        assert [change.path for change in moved.changes] == ["cluster"]
        assert moved.spec.cluster == ClusterSpec(local_workers=2)
