"""The deployments of a campaign, as `afssb serve` registers them and as `flows/prefect.yaml` holds them."""

import inspect
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from ruamel.yaml import YAML

from afssb_opt.campaign_file import load_spec
from flows.deployments import KINDS, Served, campaign_deployments

PREFECT_YAML = Path(__file__).parents[2] / "flows" / "prefect.yaml"

LAB = {
    "name": "cells",
    "space": {"x": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 4},
}
SIMULATED = {**LAB, "name": "simulated", "evaluator": {"python": "plant:measure"}}


def served(**changes):
    return Served(Path("/lab/cells.yaml"), load_spec({**LAB, **changes}))


def by_flow(one, others=()):
    return {made.flow_name: made for made in campaign_deployments(one, others)}


def flow_of(entrypoint: str) -> Flow:
    module, _, name = entrypoint.rpartition(".")
    return getattr(import_module(module), name)


def test_a_campaign_has_the_deployments_it_needs_named_after_it():
    assert set(by_flow(served())) == {"advance-campaign", "ingest-results", "report-campaign", "reconcile-campaign"}
    assert "decide-drafts" in by_flow(served(approve=True))
    simulated = Served(Path("/lab/s.yaml"), load_spec(SIMULATED))
    assert "ingest-results" not in by_flow(simulated)
    assert {made.name for made in campaign_deployments(simulated, ())} == {"simulated"}


def test_the_schedule_of_the_campaign_file_is_that_of_the_deployment():
    (cron,) = by_flow(served(schedule={"cron": "0 6 * * mon-fri", "timezone": "Europe/Berlin"}))[
        "advance-campaign"
    ].schedules
    assert isinstance(cron.schedule, CronSchedule)
    assert (cron.schedule.cron, cron.schedule.timezone) == ("0 6 * * mon-fri", "Europe/Berlin")
    (interval,) = by_flow(served(schedule={"every_min": 90}))["advance-campaign"].schedules
    assert isinstance(interval.schedule, IntervalSchedule)
    assert interval.schedule.interval == timedelta(minutes=90)
    (default,) = by_flow(served())["advance-campaign"].schedules
    assert default.schedule.interval == timedelta(minutes=30)
    assert by_flow(served())["ingest-results"].schedules == []


def test_the_form_offers_the_served_campaigns_and_has_typed_fields():
    other = Served(Path("/lab/other.yaml"), load_spec(SIMULATED))
    advance = by_flow(served(), [served(), other])["advance-campaign"]
    fields = advance._parameter_openapi_schema.properties
    assert fields["campaign"]["enum"] == ["/lab/cells.yaml", "/lab/other.yaml"]
    assert {"type": "integer", "minimum": 1} in fields["n_designs"]["anyOf"]
    assert fields["dry_run"]["type"] == "boolean"
    assert advance.parameters == {"campaign": "/lab/cells.yaml"}
    assert advance.enforce_parameter_schema
    decide = by_flow(served(approve=True))["decide-drafts"]._parameter_openapi_schema
    assert decide.properties["action"]["enum"] == ["list", "approve", "reject"]


def test_no_deployment_has_a_place_that_a_killed_run_would_keep():
    assert {made.concurrency_limit for made in campaign_deployments(served(approve=True), ())} == {None}


def test_every_entrypoint_is_a_module_path_that_imports_to_its_flow():
    for made in campaign_deployments(served(approve=True), ()):
        assert flow_of(made.entrypoint).name == made.flow_name


@pytest.fixture(scope="module")
def file():
    return YAML(typ="safe").load(PREFECT_YAML)


def test_the_prefect_file_holds_the_same_flows_with_parameters_that_they_take(file):
    found = {flow_of(entry["entrypoint"]).name: entry for entry in file["deployments"]}
    assert set(found) == {kind.flow.name for kind in KINDS}
    for entry in found.values():
        signature = inspect.signature(flow_of(entry["entrypoint"]).fn)
        signature.bind(**entry["parameters"])
        # A killed run would keep its place for minutes; the ledger's lease is what keeps two apart.
        assert "concurrency_limit" not in entry


def test_the_prefect_file_has_the_same_schedules(file):
    for entry in file["deployments"]:
        made = by_flow(served(approve=True))[flow_of(entry["entrypoint"]).name]
        for mine, theirs in zip(entry["schedules"], made.schedules, strict=False):
            if "cron" in mine:
                assert mine["cron"] == theirs.schedule.cron
            else:
                assert timedelta(seconds=mine["interval"]) == theirs.schedule.interval
