import json
import socket
from pathlib import Path

import pandas as pd
import pytest

from afssb_opt import Campaign

REPOSITORY = Path(__file__).parents[2]
QUICKSTART = REPOSITORY / "experiments" / "quickstart.yaml"

LAB = """
name: lab
space:
  seed_alloy: {levels: [none, Ag, Mg]}
  stack_pressure_mpa: {low: 0.5, high: 50, scale: log}
objectives: {cycle_life: {goal: maximize}}
evaluator: lab
batch_size: 2
budget: {trials: 4}
"""

OPEN = """
name: open
space:
  solvent: {levels: [one, two, three]}
  x: {low: 0, high: 1}
objectives:
  cycle_life: {goal: maximize, threshold: 50}
  cost: {goal: minimize}
evaluator: lab
batch_size: 3
budget: {trials: 6}
"""


@pytest.fixture
def lab_campaign(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(LAB)
    with Campaign.load(path) as campaign:
        first, second = campaign.propose()["trial"]
        campaign.record(
            pd.DataFrame({"trial": [first, second], "cycle_life": [120, 300], "cycle_life_censored": [False, True]})
        )
    return path


def test_every_command_has_help_and_json(afssb):
    listing = afssb("--help").stdout
    for command in ("check", "run", "status", "trials", "report", "simulate", "ui", "doctor", "exclude", "void"):
        assert command in listing
    assert "--json" in afssb("status", "--help").stdout


def test_check_accepts_the_shipped_campaigns(afssb):
    for path in (REPOSITORY / "experiments").glob("*.yaml"):
        done = afssb("check", path, PYTHONPATH=str(path.parent))
        assert done.returncode == 0, done.stderr


def test_check_prints_all_problems_and_leaves_with_2(afssb, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(LAB.replace("Ag", "Agg").replace("trials: 4", "trials: many"))
    done = afssb("check", path)
    assert done.returncode == 2
    assert "2 problems" in done.stderr
    answer = json.loads(afssb("check", path, "--json").stdout)
    assert [problem["line"] for problem in answer["problems"]] == [4, 9]


def test_check_names_objectives_whose_worst_value_of_interest_is_open(afssb, tmp_path):
    path = tmp_path / "open.yaml"
    path.write_text(OPEN)
    shown = afssb("check", path).stdout
    assert "maximise Cycle life, of interest above 50 cycles; minimise cost" in shown
    assert "hint give cost a threshold" in shown
    # With all thresholds, or one objective that needs none, nothing is missing.
    for text in (OPEN.replace("goal: minimize", "goal: minimize, threshold: 3"), LAB):
        path.write_text(text)
        assert json.loads(afssb("check", path, "--json").stdout)["hints"] == []


def test_check_says_that_objectives_are_combined(afssb, tmp_path):
    path = tmp_path / "one.yaml"
    wishes = "{goal: maximize, threshold: 50, ideal: 500}\n  cost: {goal: minimize, threshold: 3, ideal: 1, weight: 2}"
    text = OPEN.replace("{goal: maximize, threshold: 50}", wishes).replace("\n  cost: {goal: minimize}", "")
    path.write_text(text + "combine: desirability\n")
    shown = " ".join(afssb("check", path).stdout.split())
    assert "minimise cost, of interest below 3, ideal from 1 on, counts 2 times" in shown
    assert "combines these to one score, the desirability, and looks for the one best cell" in shown


def test_a_change_of_the_file_is_told_in_words(afssb, lab_campaign):
    lab_campaign.write_text(LAB.replace("{goal: maximize}", "{goal: maximize, threshold: 5}"))
    told = "changed since the last run objectives.cycle_life.threshold: (absent) -> 5 (recorded results are scored"
    assert told in " ".join(afssb("status", lab_campaign).stdout.split())


def test_names_are_printed_as_they_are(afssb, tmp_path):
    path = tmp_path / "names.yaml"
    path.write_text(OPEN.replace("one, two, three", "'[bmim]', 'a:m:b', '[/red]'"))
    for command in (("propose", path, "--out", tmp_path), ("trials", path)):
        done = afssb(*command)
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout for name in ("[bmim]", "a:m:b", "[/red]"))
    refused = afssb("check", REPOSITORY / "experiments" / "coating.yaml", AFSSB_TRUSTED_CODE="")
    assert "evaluator coating:coat: its code" in refused.stderr


def test_status_and_trials_show_what_is_recorded(afssb, lab_campaign):
    status = json.loads(afssb("status", lab_campaign, "--json").stdout)
    assert status["states"] == {"completed": 2}
    assert status["stop_reason"] is None
    shown = afssb("status", lab_campaign).stdout
    assert "> 300" in shown
    assert f"goes on with `afssb propose {lab_campaign}`" in shown, "the next step, ready to be copied"
    rows = json.loads(afssb("trials", lab_campaign, "--json").stdout)
    assert [row["cycle_life"] for row in rows] == [120, 300]


def test_trials_are_written_as_a_table_that_reads_back(afssb, lab_campaign, tmp_path):
    out = tmp_path / "trials.csv"
    assert afssb("trials", lab_campaign, "--out", out).returncode == 0
    table = pd.read_csv(out, keep_default_na=False)
    assert table["state"].tolist() == ["completed", "completed"]
    assert set(table["seed_alloy"]) <= {"none", "Ag", "Mg"}


def test_a_decision_is_recorded_and_undone(afssb, lab_campaign):
    label = json.loads(afssb("trials", lab_campaign, "--json").stdout)[1]["trial"]
    done = afssb("exclude", lab_campaign, label, "--reason", "wrong fixture")
    assert done.returncode == 0, done.stderr
    assert json.loads(afssb("status", lab_campaign, "--json").stdout)["n_excluded"] == 1
    with Campaign.load(lab_campaign, read_only=True) as campaign:
        assert campaign.best()["cycle_life"].tolist() == [120]
    assert afssb("include", lab_campaign, label, "--reason", "it was right").returncode == 0
    assert json.loads(afssb("status", lab_campaign, "--json").stdout)["n_excluded"] == 0
    unknown = afssb("void", lab_campaign, "T0001", "--reason", "x")
    assert unknown.returncode == 2
    assert "Did you mean" in unknown.stderr


def test_looking_at_a_campaign_that_never_ran_says_how_to_start_it(afssb, tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(LAB)
    done = afssb("status", path)
    assert done.returncode == 1
    assert "afssb run" in done.stderr
    assert "Traceback" not in done.stderr


def test_simulate_prints_one_cell_and_writes_its_cycles(afssb, tmp_path):
    out = tmp_path / "cycles.csv"
    done = afssb("simulate", "--set", "seed_alloy=Mg", "--set", "stack_pressure_mpa=8", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "Cycle life" in done.stdout
    assert pd.read_csv(out)["cycle"].is_monotonic_increasing


def test_simulate_takes_a_table_and_a_protocol(afssb, tmp_path):
    table, out = tmp_path / "designs.csv", tmp_path / "outcomes.csv"
    pd.DataFrame({"seed_alloy": ["none", "Ag"] * 10, "stack_pressure_mpa": 4.0}).to_csv(table, index=False)
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text("cycles: 20\ntemperature_c: 25\n")
    done = afssb("simulate", "--designs", table, "--protocol", protocol, "--out", out)
    assert done.returncode == 0, done.stderr
    outcomes = pd.read_csv(out, keep_default_na=False)
    assert len(outcomes) == 20
    assert outcomes["seed_alloy"].iloc[0] == "none"


def test_simulate_names_all_wrong_settings(afssb):
    done = afssb("simulate", "--set", "seed_aloy=Mg", "--set", "li3n_wt_pct=much")
    assert done.returncode == 2
    assert "Did you mean 'seed_alloy'" in done.stderr
    assert "'much' is not a number" in done.stderr


def test_ui_refuses_a_port_in_use_and_a_store_that_is_not_there(afssb, tmp_path, monkeypatch):
    missing = afssb("ui", tmp_path / "none.yaml")
    assert missing.returncode == 1
    assert "Run a campaign first" in missing.stderr
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = afssb("ui", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert f"--port {port + 1}" in done.stderr


def test_unknown_commands_and_options_are_explained(afssb):
    done = afssb("rn")
    assert done.returncode == 2
    assert "No such command" in done.stderr


@pytest.mark.slow
def test_doctor_finds_a_healthy_installation_and_store(afssb, lab_campaign):
    done = afssb("doctor", lab_campaign, "--json")
    assert done.returncode == 0, done.stderr
    assert {finding["what"] for finding in json.loads(done.stdout)} >= {
        "Prefect server",
        "MLflow",
        "ledger",
        "MLflow mirror",
    }


@pytest.mark.slow
def test_doctor_names_a_device_that_is_not_there_and_those_that_are(afssb):
    done = afssb("doctor", "--json", AFSSB_DEVICE="cuda:99")
    assert done.returncode == 1
    (found,) = [finding for finding in json.loads(done.stdout) if finding["what"] == "device"]
    assert not found["is_right"]
    assert "Here are: cpu" in found["seen"]
    assert "AFSSB_DEVICE" in found["remedy"]


@pytest.mark.slow
def test_report_is_written_where_asked(afssb, lab_campaign, tmp_path):
    out = tmp_path / "page.html"
    done = afssb("report", lab_campaign, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "<html" in out.read_text()[:2000]
