"""A finished campaign costs no more flow runs, and goes on by itself when it can: against a real Prefect server."""

import os

import httpx
import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from afssb_opt import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign_file import load_spec
from afssb_opt.ledger import NewTrial
from flows.deployments import Served, campaign_deployments
from flows.local_server import prefect_api
from flows.resting import LOOK_S, Rest

CELLS = """
name: finite
space: {{x: {{low: 0, high: 1}}}}
objectives: {{y: {{goal: maximize}}}}
evaluator: lab
batch_size: 1
budget: {{trials: {trials}}}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with prefect_api(tmp_path_factory.mktemp("server") / "prefect", lambda: os.environ["PREFECT_API_URL"]) as address:
        yield address


@pytest.fixture
def server(api):
    # Another test may have imported Prefect, which reads its settings then.
    with temporary_settings({PREFECT_API_URL: api}):
        yield api


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
