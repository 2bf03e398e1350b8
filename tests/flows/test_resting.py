"""A finished campaign costs no more flow runs, and goes on by itself when it can: against a real Prefect server."""

import httpx
import pandas as pd
import pytest
from prefect.client.orchestration import get_client

from afssb_opt import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign_file import load_spec
from afssb_opt.ledger import NewTrial
from flows.advance import advance_campaign
from flows.deployments import Served, campaign_deployments
from flows.pool_resting import rest_or_wake
from flows.reconcile import reconcile_campaign
from flows.resting import LOOK_S, Rest

CELLS = """
name: finite
space: {{x: {{low: 0, high: 1}}}}
objectives: {{y: {{goal: maximize}}}}
evaluator: lab
batch_size: 1
budget: {{trials: {trials}}}
"""


@pytest.mark.slow
@pytest.mark.servers
def test_the_schedule_of_a_finished_campaign_is_paused_and_resumed_by_a_larger_budget(server, tmp_path):
    file = tmp_path / "finite.yaml"
    file.write_text(CELLS.format(trials=1))
    with Campaign.load(file) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        (trial,) = campaign.ledger.add_trials(lease, [NewTrial({"x": 0.5}, 1, "by hand", {})])
    served = Served(file, load_spec(file))
    (advance,) = [made for made in campaign_deployments(served, ()) if made.flow_name == "advance-campaign"]
    rest = Rest(served, advance.apply())

    def is_paused():
        return httpx.get(f"{server}/deployments/{rest.deployment}").json()["paused"]

    assert (rest.look(0.0), is_paused()) == ([], False)
    with Campaign.load(file) as campaign:
        campaign.record(pd.DataFrame({"trial": [trial.label], "y": [1.0], "status": ["completed"]}))
    assert (rest.look(LOOK_S / 2), is_paused()) == ([], False)
    (line,) = rest.look(LOOK_S)
    assert "the budget of 1 trials is spent" in line
    assert is_paused()
    assert rest.look(2 * LOOK_S) == []

    file.write_text(CELLS.format(trials=2))
    (line,) = rest.look(3 * LOOK_S)
    assert "goes on" in line
    assert not is_paused()

    # What a person does to a schedule stays until the campaign itself changes.
    httpx.patch(f"{server}/deployments/{rest.deployment}", json={"paused": True}).raise_for_status()
    assert rest.look(4 * LOOK_S) == []
    assert is_paused()

    file.write_text("name: [")
    (line,) = rest.look(5 * LOOK_S)
    assert "was not looked after" in line
    assert rest.look(6 * LOOK_S) == []


@pytest.fixture
def finished(server, tmp_path):
    """Give the file of a campaign whose only trial is done."""
    httpx.post(f"{server}/work_pools/", json={"name": "cells", "type": "process"})
    path = tmp_path / "finite.yaml"
    path.write_text(CELLS.format(trials=1))
    with Campaign.load(path) as campaign:
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            (trial,) = campaign.ledger.add_trials(lease, [NewTrial({"x": 0.5}, 1, "by hand", {})])
        campaign.record(pd.DataFrame({"trial": [trial.label], "y": [1.0], "status": ["completed"]}))
    yield path
    # Prefect's client tries again where the server's database is busy.
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)


def deployed(flow, file, **options):
    made = flow.to_deployment(name="finite", interval=60, parameters={"campaign": str(file)}, tags=["mine"])
    return made.apply(**({"work_pool_name": "cells"} | options))


def standing_of(server, deployment):
    found = httpx.get(f"{server}/deployments/{deployment}").json()
    return found["paused"], len(found["tags"])


def look(file, deployment=None):
    with Campaign.load(file, read_only=True) as campaign:
        assert rest_or_wake(campaign, file, deployment and str(deployment)) == []


@pytest.mark.slow
@pytest.mark.servers
def test_a_finished_campaign_rests_until_its_budget_grows_and_a_persons_decision_stands(server, finished):
    advance, _ = deployed(advance_campaign, finished), deployed(reconcile_campaign, finished)
    look(finished, advance)
    assert standing_of(server, advance) == (True, 2)

    # A person wants it to go on all the same.
    httpx.patch(f"{server}/deployments/{advance}", json={"paused": False}).raise_for_status()
    look(finished, advance)
    assert standing_of(server, advance) == (False, 2)

    httpx.patch(f"{server}/deployments/{advance}", json={"paused": True}).raise_for_status()
    look(finished)
    assert standing_of(server, advance) == (True, 2), "woken although the campaign is over"
    finished.write_text(CELLS.format(trials=2))
    look(finished)
    assert standing_of(server, advance) == (False, 1)


@pytest.mark.slow
@pytest.mark.servers
def test_a_deployment_that_a_person_paused_is_not_woken(server, finished):
    advance, _ = deployed(advance_campaign, finished), deployed(reconcile_campaign, finished)
    httpx.patch(f"{server}/deployments/{advance}", json={"paused": True}).raise_for_status()
    finished.write_text(CELLS.format(trials=2))
    look(finished)
    assert standing_of(server, advance) == (True, 1)


@pytest.mark.slow
@pytest.mark.servers
def test_a_deployment_that_nothing_would_wake_keeps_its_schedule(server, finished):
    advance = deployed(advance_campaign, finished)
    look(finished, advance)
    assert standing_of(server, advance) == (False, 1)
    reconcile = deployed(reconcile_campaign, finished)
    httpx.patch(f"{server}/deployments/{reconcile}", json={"paused": True}).raise_for_status()
    look(finished, advance)
    assert standing_of(server, advance) == (False, 1)


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_about_another_campaign_or_of_afssb_serve_pauses_nothing(server, finished, tmp_path):
    other = tmp_path / "other.yaml"
    deployed(reconcile_campaign, finished)
    chosen_in_a_form = deployed(advance_campaign, other)
    look(finished, chosen_in_a_form)
    assert standing_of(server, chosen_in_a_form) == (False, 1)
    served = deployed(advance_campaign.with_options(name="served"), finished, work_pool_name=None)
    look(finished, served)
    assert standing_of(server, served) == (False, 1)
