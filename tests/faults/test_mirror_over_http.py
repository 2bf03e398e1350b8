"""The mirror on a real MLflow server behind a proxy that breaks requests: nothing doubled, nothing waits, all there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mlflow import MlflowClient

from afssb_opt import Campaign
from afssb_opt.campaign.window import Window
from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import NewTrial
from afssb_opt.tracking.mirror import Mirror

pytestmark = [pytest.mark.servers, pytest.mark.slow]
DEFINITION = {
    "name": "through the storm",
    "space": {"x": {"low": 0, "high": 1000}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 900},
}


@pytest.fixture(scope="module")
def server(chaos: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chaos("mlflow_server").MlflowServer(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def proxy(chaos: Callable[[str], Any], server: Any) -> Iterator[Any]:
    with chaos("faulty_proxy").FaultyProxy(server.port) as started:
        yield started


@pytest.fixture
def faults(chaos: Callable[[str], Any]) -> Any:
    """Give the class that says what the proxy does wrong."""
    return chaos("faulty_proxy").Faults


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    with Campaign.load({**DEFINITION, "name": request.node.name}) as opened:
        yield opened


def add(campaign: Campaign, number: int) -> None:
    lease = campaign.ledger.acquire_lease(campaign.uid)
    (trial,) = campaign.ledger.add_trials(lease, [NewTrial({"x": float(number)}, 1, "")])
    campaign.ledger.record_result(trial.uid, TrialResult({"y": number / 7.0}))
    campaign.ledger.release_lease(lease)


def mirror_of(campaign: Campaign, url: str) -> Mirror:
    return Mirror(campaign.spec, campaign.ledger, campaign.record_of_campaign, url)


def require_equal(campaign: Campaign, url: str) -> None:
    """MLflow shows each trial once, with its result, and nothing else."""
    client = MlflowClient(tracking_uri=url)
    experiment = client.get_experiment_by_name(campaign.spec.name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=3, max_results=1000)
    shown = {run.data.tags.get("afssb.trial_uid", "campaign"): run for run in runs}
    trials = campaign.trials()
    assert len(shown) == len(runs) == len(trials) + 1
    for trial in trials:
        run = shown[trial.uid]
        assert trial.result is not None
        assert run.data.metrics["y"] == trial.result.outcomes["y"]
        assert (run.info.status, run.data.tags["afssb.ledger_seq"]) == ("FINISHED", str(trial.last_seq))


def test_errors_lost_and_cut_replies_leave_one_run_per_trial(campaign: Campaign, proxy: Any, faults: Any) -> None:
    proxy.faults = faults(error=0.15, lose=0.2, cut=0.1)
    mirror = mirror_of(campaign, proxy.url)
    n_failed = 0
    for number in range(6):
        add(campaign, number)
        try:
            mirror.sync(has_figures=False, has_report=False)
        except StoreError:
            n_failed += 1
    assert proxy.n_faults > 10
    proxy.faults = faults()
    mirror.sync(has_figures=False, has_report=False)
    require_equal(campaign, proxy.url)
    assert n_failed < 6, "no attempt came through, although calls may be repeated"


def test_a_lost_reply_to_a_creation_makes_no_second_run(campaign: Campaign, proxy: Any, faults: Any) -> None:
    add(campaign, 1)
    mirror = mirror_of(campaign, proxy.url)
    mirror.sync(has_figures=False, has_report=False)
    for number in range(2, 5):
        add(campaign, number)
        proxy.faults = faults(lose=1.0)
        with pytest.raises(StoreUnavailableError, match="Nothing is lost"):
            mirror.sync(has_figures=False, has_report=False)
        proxy.faults = faults()
        mirror.sync(has_figures=False, has_report=False)
    require_equal(campaign, proxy.url)


def test_a_hanging_server_is_given_up_once_and_then_left_alone(
    campaign: Campaign, proxy: Any, faults: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    add(campaign, 1)
    proxy.faults = faults(slow=1.0, slow_s=30.0)
    window = Window(campaign)
    assert "Nothing is lost" in window.update()[0]
    n_before, begun = proxy.n_requests, time.monotonic()
    for number in range(2, 12):
        add(campaign, number)
        assert window.update() == []
    # Ten rounds that wait for nobody: not one request was sent to the server that hangs.
    assert proxy.n_requests == n_before
    assert time.monotonic() - begun < 20
    proxy.faults = faults()
    assert window.update(is_rewrite=True) == []
    require_equal(campaign, proxy.url)


def test_what_came_during_an_outage_is_shown_afterwards_in_its_order(
    campaign: Campaign, proxy: Any, server: Any
) -> None:
    add(campaign, 1)
    mirror = mirror_of(campaign, proxy.url)
    mirror.sync(has_figures=False, has_report=False)
    server.kill()
    for number in range(2, 5):
        add(campaign, number)
    with pytest.raises(StoreUnavailableError):
        mirror.sync(has_figures=False, has_report=False)
    server.start()
    assert mirror.sync(has_figures=False, has_report=False).n_created == 3
    require_equal(campaign, proxy.url)
    client = MlflowClient(tracking_uri=proxy.url)
    experiment = client.get_experiment_by_name(campaign.spec.name)
    runs = client.search_runs([experiment.experiment_id], "tags.`afssb.role` = 'trial'", order_by=["start_time ASC"])
    assert [run.info.run_name for run in runs] == [trial.label for trial in campaign.trials()]


def test_what_somebody_changed_through_the_api_is_reported_and_set_right(campaign: Campaign, proxy: Any) -> None:
    add(campaign, 1)
    add(campaign, 2)
    mirror_of(campaign, proxy.url).sync(has_figures=False, has_report=False)
    client = MlflowClient(tracking_uri=proxy.url)
    before = campaign.ledger.events(campaign.uid)
    trial = campaign.trials()[0]
    experiment = client.get_experiment_by_name(campaign.spec.name)
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`afssb.trial_uid` = '{trial.uid}'")
    client.log_metric(run.info.run_id, "y", 99.0, step=7)
    client.set_tag(run.info.run_id, "afssb.state", "failed")
    client.set_terminated(run.info.run_id, "FAILED")
    (warning,) = mirror_of(campaign, proxy.url).sync(has_figures=False, has_report=False).warnings
    for word in (
        trial.label,
        "metric y is 99.0 there",
        "tag afssb.state is failed",
        "status is FAILED",
        "ledger stands",
    ):
        assert word in warning
    assert campaign.ledger.events(campaign.uid) == before
    assert campaign.observations()["y"].tolist() == [1 / 7.0, 2 / 7.0]
    require_equal(campaign, proxy.url)
    assert mirror_of(campaign, proxy.url).sync(has_figures=False, has_report=False).warnings == ()


def test_a_reviewers_tag_comes_back_as_a_decision_in_the_ledger(
    campaign: Campaign, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
    add(campaign, 1)
    window = Window(campaign)
    assert window.update() == []
    client = MlflowClient(tracking_uri=proxy.url)
    experiment = client.get_experiment_by_name(campaign.spec.name)
    (run,) = client.search_runs([experiment.experiment_id], "tags.`afssb.role` = 'trial'")
    for name, value in (("review", "exclude"), ("review_note", "leaked"), ("reviewer", "Ada")):
        client.set_tag(run.info.run_id, f"afssb.{name}", value)
    assert window.update() == []
    (trial,) = campaign.trials()
    assert (trial.is_excluded, trial.decision_reason) == (True, "leaked")
    assert campaign.ledger.events(campaign.uid)[-1].actor == "Ada"
