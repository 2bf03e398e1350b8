"""No route of the servers that `afssb run`, `afssb serve` and `afssb ui` start answers another host or web page."""

import os
import re
import subprocess
import time
from pathlib import Path

import httpx
import psutil
import pytest

from afssb_opt.tracking.ui import ui_command
from flows.local_server import prefect_api

pytestmark = [pytest.mark.slow, pytest.mark.servers]

# With the tests of the team stack beside it, more than a minute of processor time.
NEEDS_A_MINUTE = pytest.mark.skipif(
    "AFSSB_SERVERS" not in os.environ, reason="walks 600 routes: AFSSB_SERVERS=1 runs it"
)

# Paths that MLflow answers under any name: whether it is alive, and nothing else.
MLFLOW_OPEN = {"/health", "/version"}


def filled(path: str) -> str:
    """Return a path with something in the place of each parameter."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "00000000-0000-4000-8000-000000000000", path)


def refused(address: str, routes, headers, refusal: int) -> list[str]:
    """Ask every route with these headers and return those that did not refuse."""
    with httpx.Client(base_url=address, timeout=30) as client:
        answers = {
            (method, path): client.request(method, filled(path), headers=headers).status_code
            for method, path in routes
            if method != "WEBSOCKET"
        }
    assert len(answers) > 150
    return sorted(f"{method} {path} -> {code}" for (method, path), code in answers.items() if code != refusal)


def listening(pid: int) -> set[str]:
    """Return the addresses on which a process and its children listen."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    sockets = [each for member in family for each in member.net_connections("inet")]
    return {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}


def test_the_local_prefect_server_answers_its_own_machine_and_pages_only(tmp_path, prefect_routes, opened_sockets):
    with prefect_api(tmp_path / "prefect", meanwhile=lambda: os.environ["PREFECT_API_URL"]) as address:
        origin = address.removesuffix("/api")
        assert httpx.get(f"{address}/health").status_code == 200
        assert refused(origin, prefect_routes, {"Host": "rebound.example"}, 403) == []
        assert refused(origin, prefect_routes, {"Origin": "https://page.example"}, 403) == []
        assert httpx.post(f"{address}/flows/filter", json={}, headers={"Origin": origin}).status_code == 200
        assert opened_sockets(origin, prefect_routes, headers={"Host": "rebound.example"}) == []
        assert opened_sockets(origin, prefect_routes, headers={"Origin": "https://page.example"}) == []
        # Its own page gets them all, so the walk did not knock at wrong doors.
        own = opened_sockets(origin, prefect_routes, headers={"Origin": origin}, tokens=[None])
        assert sum("auth_success" in line for line in own) == len({line.split()[0] for line in own}) >= 5
        (server,) = [c for c in psutil.Process().children() if "flows.local_server" in c.cmdline()]
        assert listening(server.pid) == {"127.0.0.1"}


@NEEDS_A_MINUTE
def test_the_mlflow_ui_answers_its_own_machine_and_pages_only(tmp_path: Path, mlflow_routes, free_port, opened_sockets):
    command, environment = ui_command(tmp_path, free_port)
    address = f"http://127.0.0.1:{free_port}"
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 120
        while not is_up(address):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        open_under_any_name = refused(address, mlflow_routes, {"Host": "rebound.example"}, 403)
        assert {line.split()[1] for line in open_under_any_name} <= MLFLOW_OPEN
        changing = [(method, path) for method, path in mlflow_routes if method not in ("GET", "HEAD") and "api" in path]
        assert refused(address, changing, {"Origin": "https://page.example"}, 403) == []
        # A page of another origin may ask, but its browser does not hand it the answer.
        reply = httpx.get(f"{address}/api/2.0/mlflow/experiments/search", headers={"Origin": "https://page.example"})
        assert "access-control-allow-origin" not in reply.headers
        sockets = [
            ("WEBSOCKET", path) for path in ("/", "/graphql", "/gateway/x", "/ajax-api/3.0/mlflow/x", "/v1/traces")
        ]
        assert opened_sockets(address, sockets) == []
        assert listening(server.pid) == {"127.0.0.1"}
    finally:
        for member in [*psutil.Process(server.pid).children(recursive=True), server]:
            member.kill()
        server.wait()


def is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
