"""The team stack as documented: no route of its servers is open, and killing a part of it loses nothing."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML

from afssb_opt import Campaign

DEPLOY = Path(__file__).parents[2] / "deploy"
RESTARTS = Path(__file__).parents[2] / "experiments" / "team_stack" / "restarts.py"

# What answers without credentials, and why that is harmless; everything else must say 401.
PREFECT_OPEN = {
    "/api/health": "says whether the server is alive, for the supervisor",
    "/api/ready": "says whether its database answers, for the supervisor",
    "/api/static/x": "files of Prefect's package, the same everywhere",
    "/docs": "the API's documentation, the same everywhere",
    "/docs/oauth2-redirect": "part of it",
    "/redoc": "part of it",
    "/openapi.json": "part of it",
    "/ui-settings": "tells the page where the API is and that it wants a password",
}
MLFLOW_OPEN = {
    "/health": "says whether the server is alive, for the supervisor",
    "/static-files/<path:path>": "files of MLflow's package, the same everywhere",
    "/favicon.ico": "a picture",
    "server-info": "tells a client how the server is configured before it logs in; no data",
}


def filled(path: str) -> str:
    return re.sub(r"<[^>]*>|\{[^}]*\}", "00000000-0000-4000-8000-000000000000", path)


def open_routes(address: str, routes) -> dict[str, int]:
    """Return each path that answers a stranger with anything but a demand for credentials."""
    with httpx.Client(base_url=address, timeout=60) as client:
        answers = {
            (method, path): client.request(method, filled(path)).status_code
            for method, path in routes
            if method != "WEBSOCKET"
        }
    assert len(answers) > 150
    return {path: code for (_, path), code in answers.items() if code not in (401, 403)}


# A minute of processor time for three servers and 900 routes.
NEEDS_SERVERS = pytest.mark.skipif(
    "AFSSB_SERVERS" not in os.environ, reason="starts PostgreSQL, Prefect and MLflow: AFSSB_SERVERS=1 runs it"
)


@pytest.fixture(scope="module")
def team(stack_module):
    """Start PostgreSQL, Prefect and MLflow from the units and example settings of `deploy/`."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: team)")
    pytest.importorskip("flask_wtf", reason="Flask-WTF is not installed (extra: team)")
    # Not below pytest's own folders, which the database's user may not pass through.
    with tempfile.TemporaryDirectory(prefix="afssb-team-", ignore_cleanup_errors=True) as folder:
        try:
            stack = stack_module.TeamStack(Path(folder))
        except FileNotFoundError as missing:
            pytest.skip(str(missing))
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


@NEEDS_SERVERS
@pytest.mark.slow
@pytest.mark.servers
def test_no_route_of_the_team_servers_is_open_without_credentials(
    team, prefect_routes, mlflow_auth_routes, opened_sockets
):
    opened = open_routes(team.prefect_url, prefect_routes)
    assert set(opened) <= set(PREFECT_OPEN), opened
    opened = open_routes(team.mlflow_url, mlflow_auth_routes)
    unexplained = {
        path: code for path, code in opened.items() if not any(path.endswith(known) for known in MLFLOW_OPEN)
    }
    assert unexplained == {}
    assert opened_sockets(team.prefect_url, prefect_routes) == []
    assert opened_sockets(team.prefect_url, prefect_routes, headers={"Origin": "https://page.example"}) == []
    # MLflow has none; whatever path is asked for, the handshake is refused.
    sockets = [("WEBSOCKET", path) for path in ("/", "/graphql", "/gateway/x", "/ajax-api/3.0/mlflow/x", "/v1/traces")]
    assert opened_sockets(team.mlflow_url, sockets) == []
    known = opened_sockets(team.prefect_url, prefect_routes, tokens=[team.worker["PREFECT_API_AUTH_STRING"]])
    assert sum("auth_success" in line for line in known) == len(known) >= 5
    # With credentials they do answer, so the walk did not find a dead server.
    user = ("afssb", team.worker["MLFLOW_TRACKING_PASSWORD"])
    search = "/api/2.0/mlflow/experiments/search"
    assert httpx.post(team.mlflow_url + search, json={"max_results": 5}, auth=user).status_code == 200
    name, _, password = team.worker["PREFECT_API_AUTH_STRING"].partition(":")
    listing = f"{team.prefect_url}/api/flows/filter"
    csrf = {"Prefect-Csrf-Client": "test"}
    token = httpx.get(f"{team.prefect_url}/api/csrf-token?client=test", auth=(name, password)).json()["token"]
    headers = {**csrf, "Prefect-Csrf-Token": token}
    assert httpx.post(listing, json={}, auth=(name, password), headers=headers).status_code == 200
    # The name and origin of strangers.
    assert httpx.get(team.mlflow_url + search, headers={"Host": "rebound.example"}, auth=user).status_code == 403
    reply = httpx.get(
        f"{team.prefect_url}/api/version", headers={"Origin": "https://page.example"}, auth=(name, password)
    )
    assert "access-control-allow-origin" not in reply.headers


@NEEDS_SERVERS
@pytest.mark.slow
@pytest.mark.servers
def test_a_campaign_runs_on_the_ledger_of_the_team(team, monkeypatch):
    monkeypatch.setenv("AFSSB_LEDGER_URL", team.worker["AFSSB_LEDGER_URL"])
    source = {
        "name": "of the team",
        "space": {"x": {"low": 0, "high": 1}},
        "objectives": {"y": {"goal": "maximize"}},
        "evaluator": "lab",
        "budget": {"trials": 4},
    }
    with Campaign.load(source) as campaign:
        campaign.propose(2)
    with Campaign.load(source, read_only=True) as again:
        assert len(again.trials()) == 2


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(1200)
@pytest.mark.skipif("AFSSB_RESTARTS" not in os.environ, reason="takes minutes: AFSSB_RESTARTS=1 runs it")
def test_killing_each_part_of_the_stack_loses_nothing():
    done = subprocess.run(
        [sys.executable, str(RESTARTS), "--json", "--trials", "40"], capture_output=True, text=True, timeout=1100
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["completed"] == counts["trials in the ledger"] == counts["trial runs in MLflow"] == 40
    assert counts["results recorded twice"] == counts["designs proposed twice"] == 0
    assert counts["problems of the ledger"] == []


def test_the_compose_file_names_the_same_settings_as_the_units():
    compose = YAML(typ="safe").load(DEPLOY / "compose.yaml")
    assert set(compose["services"]) == {"postgresql", "prefect", "mlflow", "worker"}
    for name in ("prefect", "mlflow", "worker"):
        unit = (DEPLOY / "systemd" / f"afssb-{name}.service").read_text()
        command = re.search(r"^ExecStart=/opt/afssb/bin/(.*)$", unit, re.M)[1]
        assert compose["services"][name]["command"] == command
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize(
    "name", ["server.env.example", "worker.env.example", "mlflow-auth.ini.example", "postgresql.sql.example"]
)
def test_example_settings_hold_no_password_that_works(name):
    text = (DEPLOY / name).read_text()
    for line in text.splitlines():
        if re.search(r"(PASSWORD|AUTH_STRING|SECRET_KEY|://[^/]*:[^/]*@)", line) and not line.startswith(
            ("#", ";", "--")
        ):
            assert "change-me" in line
