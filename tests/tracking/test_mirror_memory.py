"""What the mirror keeps of a campaign between syncs: nothing of trials that are over, and yet no run is made twice."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from afssb_opt.ledger import TrialRecord
from afssb_opt.tracking import run_index
from afssb_opt.tracking.mirror import Mirror
from afssb_opt.tracking.run_index import MirroredRun


def mirror_of(bench, database: Path) -> Mirror:
    return Mirror(bench.spec, bench.ledger, bench.record, f"sqlite:///{database}", (bench.folder / "files").as_uri())


@pytest.fixture
def runs(bench, mlflow_db):
    """The runs by name, as a reader of MLflow finds them; one made twice is an error."""

    def shown() -> dict[str, Run]:
        client = MlflowClient(tracking_uri=f"sqlite:///{mlflow_db}")
        experiment = client.get_experiment_by_name(bench.record.name)
        found = client.search_runs([experiment.experiment_id], max_results=1000)
        assert len({run.info.run_name for run in found}) == len(found), "a trial has two runs"
        return {run.info.run_name: run for run in found}

    return shown


def held(kind: type) -> Iterator[object]:
    gc.collect()
    return (found for found in gc.get_objects() if type(found) is kind)


def known_trials(bench) -> set[str]:
    """Uids of this campaign's trials whose run somebody keeps in memory."""
    return {run.key for run in held(MirroredRun)} & {trial.uid for trial in bench.trials()}


def test_the_mirror_lets_go_of_trials_that_mlflow_shows(bench, mlflow_db):
    bench.run(3, n_cycles=5)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    waiting = bench.propose(1)[0].uid
    mirror.sync(has_figures=False, has_report=False)
    assert not [found.label for found in held(TrialRecord) if found.campaign_uid == bench.record.uid]
    assert known_trials(bench) == {waiting}


def test_a_first_look_at_mlflow_keeps_no_more_than_the_syncs_before_it(bench, mlflow_db):
    bench.run(3, n_cycles=5)
    (waiting,) = bench.propose(1)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    later = mirror_of(bench, mlflow_db)
    report = later.sync(has_report=False)
    assert (report.n_created, report.n_updated) == (0, 0)
    assert known_trials(bench) == {waiting.uid}


@pytest.mark.parametrize("is_new_process", [False, True])
def test_a_trial_that_changes_after_it_was_let_go_of_is_shown_on_the_run_it_has(bench, mlflow_db, runs, is_new_process):
    bench.run(3)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    before = {name: run.info.run_id for name, run in runs().items()}
    if is_new_process:
        mirror = mirror_of(bench, mlflow_db)
        mirror.sync(has_report=False)
    first, second, _ = bench.trials()
    bench.ledger.mark(first.uid, "void", reason="the foil was wrong", actor="lab")
    bench.ledger.mark(second.uid, "exclude", reason="the channel drifted", actor="lab")
    report = mirror.sync(has_report=False)
    assert (report.n_created, report.n_updated, report.warnings) == (0, 2, ())
    assert {name: run.info.run_id for name, run in runs().items()} == before
    assert runs()[first.label].info.status == "KILLED"
    assert runs()[second.label].data.tags["afssb.is_excluded"] == "true"
    assert mirror.sync(has_report=False).n_updated == 0


def test_a_reviewers_tag_on_a_trial_that_was_let_go_of_is_followed_and_taken_back(bench, mlflow_db, runs):
    bench.run(2)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    trial = bench.trials()[0]
    client, run_id = MlflowClient(tracking_uri=f"sqlite:///{mlflow_db}"), runs()[trial.label].info.run_id
    client.set_tag(run_id, "afssb.review", "exclude")
    (decision,) = mirror.sync(has_report=False).decisions
    assert (decision.trial_uid, decision.action) == (trial.uid, "exclude")
    bench.ledger.mark(trial.uid, decision.action, reason=decision.note, actor=decision.who)
    mirror.sync(has_report=False)
    assert runs()[trial.label].data.tags["afssb.review_seen"] == "exclude"
    client.set_tag(run_id, "afssb.review", "include")
    (decision,) = mirror.sync(has_report=False).decisions
    assert decision.action == "include"


def test_many_pages_of_runs_are_told_apart_like_one(bench, mlflow_db, runs, monkeypatch):
    monkeypatch.setattr(run_index, "_PAGE", 2)
    monkeypatch.setattr("afssb_opt.tracking.mirror._TRIALS_AT_ONCE", 2)
    bench.run(5)
    bench.propose(2)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    ended, waiting = bench.trials()[0], bench.trials()[5]
    client = MlflowClient(tracking_uri=f"sqlite:///{mlflow_db}")
    before = runs()
    for trial in (ended, waiting):
        # Of each trial one run too many, among the first and among the last.
        for start_ms in (1, None):
            tags = {"afssb.role": "trial", "afssb.trial_uid": trial.uid}
            client.create_run(before[trial.label].info.experiment_id, start_ms, tags, f"{trial.label} {start_ms}")
    client.set_tag(before[bench.trials()[1].label].info.run_id, "afssb.state", "failed")
    report = mirror_of(bench, mlflow_db).sync(has_report=False)
    assert "4 runs that had been made twice" in report.warnings[0]
    assert "tag afssb.state is failed" in report.warnings[1]
    assert (report.n_created, report.n_updated) == (0, 1)
    assert {name: run.info.run_id for name, run in runs().items()} == {n: r.info.run_id for n, r in before.items()}
    assert mirror_of(bench, mlflow_db).sync(has_report=False).warnings == ()


def test_the_campaigns_own_run_is_written_without_reading_all_trials(bench, mlflow_db, monkeypatch):
    bench.run(3)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    bench.run(1)
    read: list[int] = []
    trials = bench.ledger.trials

    def counted(*args, **kwargs):
        found = trials(*args, **kwargs)
        read.append(len(found))
        return found

    monkeypatch.setattr(bench.ledger, "trials", counted)
    mirror._campaign_run_due_at = 0.0
    mirror.sync(has_report=False)
    assert sum(read) == 1


def test_the_report_in_mlflow_gets_its_cells_in_the_order_in_which_the_optimizer_knows_them(
    bench, mlflow_db, monkeypatch
):
    first, second = bench.propose(2)
    bench.complete(second)
    bench.complete(first)
    told = []
    monkeypatch.setattr("afssb_opt.tracking.campaign_run.write_report", lambda *given, **_: told.append(given[2]))
    mirror_of(bench, mlflow_db).sync(has_report=True)
    assert told[0]["trial_uid"].tolist() == bench.observations()["trial_uid"].tolist() == [first.uid, second.uid]
