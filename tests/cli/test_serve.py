"""`afssb serve` as a user meets it: a real Prefect server, real schedules, files that arrive, forms, kills."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from afssb_opt.cli import main
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Ledger

LAB = """
name: served
space:
  x: {low: 0, high: 1}
  kind: {levels: [a, b]}
objectives: {y: {goal: maximize}}
evaluator: lab
batch_size: 2
budget: {trials: 8}
approve: true
inbox: arriving
schedule: {cron: "* * * * *", timezone: Europe/Berlin}
"""


class Serving:
    """`afssb serve` in the background, its output in a file."""

    def __init__(self, campaign: Path, *arguments: str, **environment: str) -> None:
        self.log = campaign.with_suffix(f".{len(arguments)}.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "afssb_opt.cli", "serve", str(campaign), *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, condition, seconds: float = 200):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            # Each look opens the ledger, which at three a second took as much processor as a flow run.
            time.sleep(1.0)
        return found


@pytest.fixture
def receiver():
    """Take webhook calls and keep their bodies."""
    bodies: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", bodies
    server.shutdown()
    server.server_close()


@pytest.fixture
def refused(monkeypatch, capsys):
    """Return a function that runs `afssb serve` in this process, two seconds cheaper, where it is to end at once.

    It gives the exit code and what was said on the error stream.
    """

    def run(*arguments: object) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["afssb", "serve", *map(str, arguments)])
        # The command sets it for its process; here it has to go again.
        monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        return left.value.code, capsys.readouterr().err

    return run


@pytest.fixture
def campaign(tmp_path):
    path = tmp_path / "served.yaml"
    path.write_text(LAB)
    return path


def ask(method: str, url: str, **body: object) -> httpx.Response:
    """Ask Prefect's API; on a busy machine its SQLite answers 503 now and then, and means "again"."""
    for _ in range(20):
        answer = httpx.request(method, url, json=body or None, timeout=60)
        if answer.status_code != 503:
            return answer
        time.sleep(1)
    return answer


def trials(home: Path) -> list:
    if not (home / "ledger.db").exists():
        return []
    with Ledger.open(f"sqlite:///{home / 'ledger.db'}") as ledger:
        record = ledger.campaign("served")
        return ledger.trials(record.uid) if record else []


def states(home: Path) -> list[TrialState]:
    return [trial.state for trial in trials(home)]


def begun_runs(api: str, deployment: str) -> list[str]:
    """Return the flow runs of a deployment that are at work or have ended."""
    chosen = {"deployments": {"id": {"any_": [deployment]}},
              "flow_runs": {"state": {"type": {"any_": ["RUNNING", "COMPLETED"]}}}}  # fmt: skip
    return [run["id"] for run in ask("POST", f"{api}/flow_runs/filter", **chosen).json()]


def subjects(bodies) -> set[str]:
    return {body["subject"] for body in bodies}


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(600)
def test_a_served_campaign_goes_on_by_itself_takes_in_files_asks_people_and_ends_cleanly(
    campaign, private_stores, receiver, refused, free_port, tmp_path
):
    url, bodies = receiver
    inbox = tmp_path / "arriving"
    inbox.mkdir()
    # Arrived while nobody served; its trial does not exist, so a person has to look.
    (inbox / "early.csv").write_text("trial,y\nT9999,1.5\n")
    api = f"http://127.0.0.1:{free_port}/api"
    serving = Serving(campaign, "--port", str(free_port), "--webhook", url)
    try:
        serving.wait_for(lambda: "deployments registered" in serving.output)
        advance = ask("GET", f"{api}/deployments/name/advance-campaign/served").json()["id"]
        # The schedule fired for real. One firing is enough; each further one costs seconds of processor.
        serving.wait_for(lambda: begun_runs(api, advance))
        assert ask("PATCH", f"{api}/deployments/{advance}", paused=True).status_code == 204
        # What it proposed waits for a person.
        serving.wait_for(lambda: len(states(private_stores)) == 2)
        assert set(states(private_stores)) == {TrialState.DRAFT}
        serving.wait_for(lambda: {"afssb: drafts waiting", "afssb: results held"} <= subjects(bodies))

        # The store is served; a second server on the same database is refused with the address to look at.
        code, said = refused(campaign)
        assert code == 3
        assert str(free_port) in said

        # A second process that joins the same Prefect server is harmless, and leaves on SIGTERM.
        second = Serving(campaign, PREFECT_API_URL=api)
        second.wait_for(lambda: "deployments registered" in second.output)
        # It registered the deployment anew, with its schedule.
        assert not ask("GET", f"{api}/deployments/{advance}").json()["paused"]
        assert ask("PATCH", f"{api}/deployments/{advance}", paused=True).status_code == 204
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(60) == 143, second.output
        assert "Traceback" not in second.output

        # The form: a campaign that is not served is refused, a decision is carried out.
        deployment = ask("GET", f"{api}/deployments/name/decide-drafts/served").json()["id"]
        wrong = {"parameters": {"campaign": "/etc/passwd", "action": "approve"}, "enforce_parameter_schema": True}
        answer = ask("POST", f"{api}/deployments/{deployment}/create_flow_run", **wrong)
        assert answer.status_code in (409, 422), answer.text
        right = {"parameters": {"campaign": str(campaign), "action": "approve", "decided_by": "ada"}}
        run = ask("POST", f"{api}/deployments/{deployment}/create_flow_run", **right).json()["id"]
        serving.wait_for(lambda: set(states(private_stores)) == {TrialState.PROPOSED})
        serving.wait_for(lambda: ask("GET", f"{api}/flow_runs/{run}").json()["state"]["type"] == "COMPLETED")
        assert {trial.decision_reason for trial in trials(private_stores)} == {"approved"}

        # A real result comes in, and a cell that died of a short, which people are told.
        one, other = (trial.label for trial in trials(private_stores))
        (inbox / "late.csv.part").write_text("trial,y\n")
        (inbox / "late.csv").write_text(
            f"trial,y,status,reason\n{one},2.5,completed,\n{other},,failed,short circuit in the first charge\n"
        )
        serving.wait_for(lambda: "afssb: cell short" in subjects(bodies))
        assert states(private_stores) == [TrialState.COMPLETED, TrialState.FAILED]
        keys = {row["key"] for row in ask("POST", f"{api}/artifacts/latest/filter", limit=100).json()}
        assert {"served-round", "served-drafts", "served-held", "served-progress", "served-pareto-set"} <= keys
        assert "Failed" not in serving.output
    finally:
        children = serving.children()
        serving.process.kill()
        serving.process.wait()
    assert children, "neither server nor flow run was there to be left behind"
    # A run that still imports leaves when it looks for its server.
    _, left = psutil.wait_procs(children, 60)
    assert left == []


def test_two_campaigns_of_one_name_are_refused(campaign, tmp_path, refused):
    (tmp_path / "deep").mkdir()
    other = tmp_path / "deep" / "other.yaml"
    other.write_text(LAB)
    code, said = refused(campaign, other)
    assert code == 2
    assert "deployments are named after their campaign" in said


def test_a_port_in_use_is_said_with_two_ways_out(campaign, refused):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = refused(campaign, "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "--port" in said
    assert "PREFECT_API_URL" in said
