"""Whether a password in an address of a store ever shows in anything that is printed, logged or written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afssb_opt import Campaign
from afssb_opt.cli.app import app
from afssb_opt.domain.errors import AfssbError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Ledger, NewTrial
from afssb_opt.tracking.calls import mlflow_calls
from afssb_opt.tracking.stores import open_client, resolve_tracking

CANARY = "c4nary-pa55word"
DEFINITION = {
    "name": "secret",
    "space": {"x": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 9},
}
CAMPAIGN = """
name: secret
space: {x: {low: 0, high: 1}}
objectives: {y: {goal: maximize}}
evaluator: lab
budget: {trials: 9}
"""
# Nothing listens there: every use of the address ends in an error that names it.
LEDGERS = [
    f"postgresql://me:{CANARY}@127.0.0.1:9/lab",
    f"postgresql+psycopg://me:{CANARY}@127.0.0.1:9/lab?sslmode=disable",
    f"postgresql://127.0.0.1:9/lab?user=me&password={CANARY}",
    f"mysql://me:{CANARY}@127.0.0.1/lab",
    f"postgresql://me:{CANARY}@127.0.0.1:port/lab",
]
TRACKERS = [
    f"http://me:{CANARY}@127.0.0.1:9",
    f"postgresql://me:{CANARY}@127.0.0.1:9/mlflow",
    f"postgresql://127.0.0.1:9/mlflow?user=me&password={CANARY}",
    f"mysql://me:{CANARY}@127.0.0.1/mlflow",
]


def chain(error: BaseException) -> str:
    """What a user sees of an error: its own words, not those of its cause."""
    return f"{error} {error!r}"


@pytest.mark.parametrize("url", LEDGERS)
def test_the_password_of_the_ledger_shows_in_no_error(url: str) -> None:
    for opener in (Ledger.create_or_open, Ledger.open):
        with pytest.raises(AfssbError) as caught:
            opener(url)
        assert CANARY not in chain(caught.value)
        assert "127.0.0.1" in chain(caught.value)


@pytest.mark.parametrize("uri", TRACKERS)
def test_the_password_of_the_tracking_server_shows_in_no_error(tmp_path: Path, uri: str) -> None:
    with pytest.raises(AfssbError) as caught:
        _use(tmp_path, uri)
    assert CANARY not in chain(caught.value)


def _use(folder: Path, uri: str) -> None:
    place = resolve_tracking(folder, {"MLFLOW_TRACKING_URI": uri})
    client = open_client(place.uri, place.artifact_root)
    with mlflow_calls(place.uri):
        client.get_experiment_by_name("x")


@pytest.mark.parametrize("url", LEDGERS)
def test_the_command_line_prints_no_password(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AFSSB_LEDGER_URL", url)
    path = tmp_path / "campaign.yaml"
    path.write_text(CAMPAIGN)
    for command in (["status"], ["trials"], ["status", "--json"]):
        done = CliRunner().invoke(app, [command[0], str(path), *command[1:]])
        assert isinstance(done.exception, AfssbError)
        assert CANARY not in done.output + chain(done.exception) + caplog.text


@pytest.mark.servers
def test_no_record_export_report_or_log_of_a_campaign_holds_the_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    private_stores: Path,
    chaos: Callable[[str], Any],
) -> None:
    """A real server that asks for no password takes any, so the canary travels in a working address."""
    from afssb_opt.campaign.moving import export_campaign
    from afssb_opt.campaign.window import Window, write_campaign_report

    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")
    postgresql = chaos("postgresql")
    if postgresql.server_programs() is None or postgresql.server_user() is None:
        pytest.skip("no PostgreSQL server is installed")
    caplog.set_level(logging.DEBUG)
    with postgresql.ThrowAwayServer() as server:
        address = server.new_url().replace(f"{server.user}@", f"{server.user}:{CANARY}@")
        monkeypatch.setenv("AFSSB_LEDGER_URL", address)
        with Campaign.load(DEFINITION) as campaign:
            lease = campaign.ledger.acquire_lease(campaign.uid)
            (trial,) = campaign.ledger.add_trials(lease, [NewTrial({"x": 0.5}, 1, "")])
            campaign.ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
            export_campaign(campaign, tmp_path / "out")
            write_campaign_report(campaign, None)
            Window(campaign).update(has_report=True)
            server.crash()
            monkeypatch.setattr("afssb_opt.ledger.engine.RECONNECT_S", 0.1)
            campaign.ledger.record_result(trial.uid, TrialResult({"z": 2.0}))
            assert len(campaign.stores.outbox.waiting()) == 1
    assert "waits there" in caplog.text
    assert CANARY not in caplog.text
    written = [path for folder in (private_stores, tmp_path / "out") for path in folder.rglob("*") if path.is_file()]
    assert {"mlflow.db", "secret.html", "manifest.json"} <= {path.name for path in written}
    for path in written:
        assert CANARY.encode() not in path.read_bytes(), path
