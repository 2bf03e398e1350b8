"""The mirror on a real ledger and a real MLflow store: faithful, idempotent, and whole after every interruption."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import CampaignBusyError, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.tracking.mirror import Mirror, SyncReport


def mirror_of(bench, database: Path) -> Mirror:
    return Mirror(bench.spec, bench.ledger, bench.record, f"sqlite:///{database}", (bench.folder / "files").as_uri())


def client_of(database: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{database}")


def runs_of(bench, database: Path, view: str = ViewType.ACTIVE_ONLY) -> dict[str, Run]:
    client = client_of(database)
    experiment = client.get_experiment_by_name(bench.record.name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=view, max_results=1000)
    by_name = {run.info.run_name: run for run in runs}
    assert len(by_name) == len(runs), "a trial has two runs"
    return by_name


def snapshot(bench, database: Path) -> dict[str, object]:
    """Everything a reader sees, without the numbers that MLflow gives to runs."""
    client = client_of(database)
    seen = {}
    for name, run in runs_of(bench, database).items():
        tags = {key: value for key, value in run.data.tags.items() if run.info.run_id not in value}
        histories = {
            key: sorted({(p.step, p.value) for p in client.get_metric_history(run.info.run_id, key)})
            for key in run.data.metrics
        }
        files = sorted(file.path for file in client.list_artifacts(run.info.run_id))
        seen[name] = (run.info.status, run.info.start_time, run.data.params, tags, histories, files)
    return seen


def test_a_campaign_without_trials_has_an_experiment_with_one_run(bench, mlflow_db):
    report = mirror_of(bench, mlflow_db).sync()
    assert report == SyncReport()
    assert list(runs_of(bench, mlflow_db)) == ["campaign"]


def test_a_completed_trial_is_one_run_with_its_design_outcomes_curves_and_files(bench, mlflow_db):
    bench.reasons[1] = "explore: thin interlayers are unknown"
    (trial,) = bench.propose()
    bench.complete(trial, n_cycles=300)
    report = mirror_of(bench, mlflow_db).sync(has_report=False)
    assert (report.n_created, report.n_updated, report.warnings) == (1, 0, ())
    run = runs_of(bench, mlflow_db)[trial.label]
    assert run.info.status == "FINISHED"
    assert run.data.params["seed_alloy"] == trial.design["seed_alloy"]
    assert float(run.data.params["stack_pressure_mpa"]) == trial.design["stack_pressure_mpa"]
    assert run.data.metrics["cycle_life"] == 65.0
    assert run.data.metrics["energy_density_wh_l_sem"] == 4.0
    tags = run.data.tags
    assert tags["afssb.trial_uid"] == trial.uid
    assert tags["afssb.ledger_seq"] == str(bench.trials()[0].last_seq)
    assert "explore: thin interlayers are unknown" in tags["mlflow.note.content"]
    assert "µm" in tags["mlflow.note.content"]
    client = client_of(mlflow_db)
    capacity = client.get_metric_history(run.info.run_id, "cycle/discharge_capacity_mah_cm2")
    assert {capacity[0].step, capacity[-1].step} == {1, 300}
    assert len(capacity) <= 65
    assert "cycle/contact_fraction" not in run.data.metrics, "a quantity that was not measured was logged"
    files = {file.path: file.file_size for file in client.list_artifacts(run.info.run_id)}
    assert set(files) == {"cycles.png", "cycling.csv"}
    assert files["cycles.png"] > 10_000


def test_a_second_sync_changes_nothing_whether_in_the_same_or_a_new_process(bench, mlflow_db):
    bench.run(3, n_cycles=20)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync()
    before = snapshot(bench, mlflow_db)
    for again in (mirror, mirror_of(bench, mlflow_db)):
        report = again.sync()
        assert (report.n_created, report.n_updated) == (0, 0)
    assert snapshot(bench, mlflow_db) == before


def test_each_state_of_a_trial_shows_as_the_agreed_mlflow_status(bench, mlflow_db):
    bench.propose(8)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    lease = bench.ledger.acquire_lease(bench.record.uid)
    trials = bench.trials()
    bench.ledger.claim(lease, trials[1].uid)
    bench.ledger.mark(trials[2].uid, "in_test", reason="built", actor="lab")
    bench.report_partial(trials[3])
    bench.complete(trials[4])
    bench.fail(trials[5])
    bench.ledger.mark(trials[6].uid, "abandon", reason="no channel", actor="lab")
    bench.ledger.mark(trials[7].uid, "void", reason="wrong foil", actor="lab")
    mirror.sync(has_report=False)
    status = {run.data.tags["afssb.state"]: run.info.status for name, run in runs_of(bench, mlflow_db).items()
              if name != "campaign"}  # fmt: skip
    assert status == {
        "proposed": "SCHEDULED", "claimed": "RUNNING", "in_test": "RUNNING", "partial": "RUNNING",
        "completed": "FINISHED", "failed": "FAILED", "abandoned": "KILLED", "void": "KILLED",
    }  # fmt: skip


def test_a_trial_that_was_restored_loses_the_tags_of_its_failure(bench, mlflow_db):
    (trial,) = bench.propose()
    bench.fail(trial)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    assert runs_of(bench, mlflow_db)[trial.label].data.tags["afssb.failure"] == "short circuit in cycle 1"
    bench.ledger.mark(trial.uid, "void", reason="the fixture was wrong", actor="lab")
    mirror.sync(has_report=False)
    tags = runs_of(bench, mlflow_db)[trial.label].data.tags
    assert tags["afssb.decision"] == "the fixture was wrong"
    bench.ledger.mark(trial.uid, "restore", reason="it was not", actor="lab")
    mirror.sync(has_report=False)
    tags = runs_of(bench, mlflow_db)[trial.label].data.tags
    assert tags["afssb.state"] == bench.trials()[0].state == TrialState.FAILED


def test_a_cell_that_goes_on_cycling_extends_its_curves_and_shows_its_newest_outcomes(bench, mlflow_db):

    (trial,) = bench.propose()
    bench.report_partial(trial, n_cycles=12)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    bench.complete(trial, n_cycles=130, cycle_life=110.0)
    mirror.sync(has_report=False)
    run = runs_of(bench, mlflow_db)[trial.label]
    assert run.data.metrics["cycle_life"] == 110.0
    history = client_of(mlflow_db).get_metric_history(run.info.run_id, "cycle/discharge_capacity_mah_cm2")
    steps = sorted(point.step for point in history)
    assert len(steps) == len(set(steps)), "one cycle was written twice"
    assert (steps[0], steps[-1]) == (1, 130)


class KilledError(Exception):
    """Stands for a kill: nothing of this project catches it."""


class FlakyClient(MlflowClient):
    """Dies at the n-th write, before it is sent or after it has arrived but before the answer is back."""

    def __init__(self, uri: str, at: int, when: str) -> None:
        super().__init__(tracking_uri=uri)
        self.left, self.when = at, when

    def __getattribute__(self, name: str):
        attribute = super().__getattribute__(name)
        writes = ("create_run", "log_batch", "log_artifact", "log_artifacts", "set_terminated", "update_run",
                  "set_experiment_tag", "create_experiment", "delete_tag", "set_tag")  # fmt: skip
        if name not in writes:
            return attribute

        def write(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left == 0 and self.when == "before":
                raise KilledError
            answer = attribute(*args, **kwargs)
            if self.left == 0:
                raise KilledError
            return answer

        return write


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sync_that_dies_at_any_write_is_finished_by_the_next_one(bench, mlflow_db, when):
    bench.propose(2)
    bench.complete(bench.trials()[0], n_cycles=6)
    mirror_of(bench, mlflow_db).sync(has_figures=False, has_report=False)
    expected = snapshot(bench, mlflow_db)
    assert len(expected) == 3
    for at in range(1, 100):
        # Another name is another experiment, empty again.
        bench.record = replace(bench.record, name=f"quickstart {at}")
        mirror = mirror_of(bench, mlflow_db)
        mirror._client = FlakyClient(f"sqlite:///{mlflow_db}", at, when)
        try:
            mirror.sync(has_figures=False, has_report=False)
        except KilledError:
            mirror_of(bench, mlflow_db).sync(has_figures=False, has_report=False)
            assert snapshot(bench, mlflow_db) == expected, f"differs after the death at write {at}"
        else:
            assert at > 10, "the sync writes less often than it must"
            return
    pytest.fail("the sync never came to its end")


def test_a_run_made_twice_by_a_lost_answer_is_reduced_to_one(bench, mlflow_db):
    (trial,) = bench.propose()
    mirror_of(bench, mlflow_db).sync(has_report=False)
    client = client_of(mlflow_db)
    experiment = client.get_experiment_by_name("quickstart")
    client.create_run(experiment.experiment_id, tags={"afssb.role": "trial", "afssb.trial_uid": trial.uid})
    report = mirror_of(bench, mlflow_db).sync(has_report=False)
    assert "made twice" in report.warnings[0]
    assert set(runs_of(bench, mlflow_db)) == {trial.label, "campaign"}
    assert mirror_of(bench, mlflow_db).sync(has_report=False).warnings == ()


def test_a_run_that_was_deleted_in_the_ui_comes_back_with_a_word_about_exclusion(bench, mlflow_db):
    bench.run(2)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    before = snapshot(bench, mlflow_db)
    label = bench.trials()[0].label
    client_of(mlflow_db).delete_run(runs_of(bench, mlflow_db)[label].info.run_id)
    report = mirror_of(bench, mlflow_db).sync(has_report=False)
    assert label in report.warnings[0]
    assert "afssb.review" in report.warnings[0]
    assert snapshot(bench, mlflow_db) == before


def test_a_deleted_experiment_is_restored_and_a_lost_store_is_rebuilt(bench, mlflow_db, empty_store):
    bench.run(3, n_cycles=5)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    before = snapshot(bench, mlflow_db)
    client = client_of(mlflow_db)
    client.delete_experiment(client.get_experiment_by_name("quickstart").experiment_id)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert snapshot(bench, mlflow_db) == before
    other = Path(shutil.copy(empty_store, bench.folder / "other.db"))
    shutil.rmtree(bench.folder / "files")
    assert mirror_of(bench, other).sync(has_report=False).n_created == 3
    assert snapshot(bench, other) == before


def test_a_rewrite_mends_what_somebody_changed_by_hand(bench, mlflow_db):
    bench.run(2, n_cycles=5)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    before = snapshot(bench, mlflow_db)
    run = runs_of(bench, mlflow_db)[bench.trials()[0].label]
    client_of(mlflow_db).set_tag(run.info.run_id, "afssb.state", "failed")
    assert mirror.sync(has_report=False, is_rewrite=True).n_updated == 2
    assert snapshot(bench, mlflow_db) == before


def test_an_experiment_of_somebody_else_is_refused_and_left_alone(bench, mlflow_db):
    client = client_of(mlflow_db)
    number = client.create_experiment("quickstart")
    with pytest.raises(StoreError, match="belongs to something else") as caught:
        mirror_of(bench, mlflow_db).sync()
    assert "another name" in str(caught.value)
    assert not isinstance(caught.value, StoreUnavailableError)
    assert client.search_runs([number]) == []
    client.delete_experiment(number)
    with pytest.raises(StoreError, match="mlflow gc"):
        mirror_of(bench, mlflow_db).sync()


def test_two_syncs_of_one_campaign_never_run_at_once(bench, mlflow_db):
    bench.ledger.acquire_lease(bench.record.uid, role="mirror")
    mirror = mirror_of(bench, mlflow_db)
    with pytest.raises(CampaignBusyError):
        mirror.sync()


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "postgresql+psycopg://nobody@127.0.0.1:9/none"])
def test_a_server_that_is_down_is_reported_quickly_and_the_next_sync_catches_up(bench, mlflow_db, uri):
    bench.run(1)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="Nothing is lost"):
        Mirror(bench.spec, bench.ledger, bench.record, uri).sync()
    assert time.monotonic() - began < 15
    assert mirror_of(bench, mlflow_db).sync(has_report=False).n_created == 1


def test_a_sync_out_of_time_says_what_is_left_and_the_next_one_takes_it(bench, mlflow_db):
    bench.run(3)
    mirror = mirror_of(bench, mlflow_db)
    report = mirror.sync(deadline_s=0.0)
    assert (report.n_created, report.n_left) == (0, 3)
    assert "next sync" in report.warnings[0]
    assert mirror.sync(has_report=False).n_created == 3


def test_names_and_texts_that_mlflow_refuses_or_cuts_arrive_all_the_same(make_bench, empty_store):
    space = {"a:b <i> µ": {"low": 0, "high": 1}, "..": {"low": 0, "high": 1}, "solvent": {"levels": ["x", "y"]}}
    odd = make_bench(space=space, objectives={"gain; %": {"goal": "maximize"}}, constraints={})
    lease = odd.ledger.acquire_lease(odd.record.uid)
    from afssb_opt.ledger import NewTrial

    design = {"a:b <i> µ": 0.25, "..": 0.5, "solvent": "x"}
    (trial,) = odd.ledger.add_trials(lease, [NewTrial(design, 1, "because " * 3000)])
    odd.ledger.record_result(trial.uid, TrialResult({"gain; %": 2.0}))
    database = Path(shutil.copy(empty_store, odd.folder / "mlflow.db"))
    mirror_of(odd, database).sync()
    run = runs_of(odd, database)[trial.label]
    assert {"0.25", "0.5", "x"} <= set(run.data.params.values())
    assert 2.0 in run.data.metrics.values()
    assert "24000 characters in the ledger" in run.data.tags["afssb.reason"]


def test_the_campaign_run_shows_progress_step_by_step_and_carries_the_report(bench, mlflow_db):
    bench.run(3)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync()
    bench.run(3)
    mirror.sync()
    run = runs_of(bench, mlflow_db)["campaign"]
    history = client_of(mlflow_db).get_metric_history(run.info.run_id, "best_cycle_life")
    assert [(p.step, p.value) for p in sorted(history, key=lambda p: p.step)] == [
        (1, 65.0), (2, 90.0), (3, 115.0), (4, 115.0), (5, 115.0), (6, 190.0)
    ]  # fmt: skip
    assert run.data.metrics["n_failed"] == 1
    assert run.data.metrics["hypervolume"] > 0
    files = {file.path for file in client_of(mlflow_db).list_artifacts(run.info.run_id)}
    assert files == {"campaign.json", "observations.csv", "pareto.csv", "progress.csv", "report.html"}
    experiment = client_of(mlflow_db).get_experiment_by_name("quickstart")
    assert run.info.run_id in experiment.tags["mlflow.note.content"]


def test_hypervolumes_are_shown_once_their_reference_point_stands_and_then_all_of_them(make_bench, empty_store):
    bench = make_bench(n_objectives=3)
    store = Path(shutil.copy(empty_store, bench.folder / "mlflow.db"))
    mirror = mirror_of(bench, store)
    bench.run(5)
    mirror.sync(has_report=False)
    young = runs_of(bench, store)["campaign"].data
    assert "hypervolume" not in young.metrics
    assert "afssb.reference_point" not in young.tags
    bench.run(7)
    mirror.sync()
    run = runs_of(bench, store)["campaign"]
    assert run.data.tags["afssb.reference_point"].startswith("cycle_life 50, energy_density_wh_l 400, areal_resistance")
    steps = {p.step for p in client_of(store).get_metric_history(run.info.run_id, "hypervolume")}
    assert steps == set(range(1, 13))


def test_an_exclusion_lowers_the_latest_progress_and_keeps_the_diary(bench, mlflow_db):
    bench.run(3)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    best = bench.trials()[2]
    bench.ledger.mark(best.uid, "exclude", reason="the channel drifted", actor="lab")
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert runs_of(bench, mlflow_db)["campaign"].data.metrics["best_cycle_life"] == 90.0
    bench.run(1)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert runs_of(bench, mlflow_db)["campaign"].data.metrics["n_completed"] == 3


def test_the_campaigns_run_is_not_written_each_round_and_nothing_stays_out_of_it(bench, mlflow_db):
    bench.run(1)
    mirror = mirror_of(bench, mlflow_db)

    def shown() -> float:
        return runs_of(bench, mlflow_db)["campaign"].data.metrics["n_completed"]

    mirror.sync(has_report=False)
    bench.run(1)
    mirror.sync(has_report=False)
    assert shown() == 1
    mirror.sync(has_report=True)
    assert shown() == 2
    bench.run(1)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert shown() == 3


def test_a_run_that_says_it_is_complete_but_never_ended_is_written_again(bench, mlflow_db):
    """The state after a kill between the birth of a run and its last write."""
    bench.run(1)
    (trial,) = bench.trials()
    mirror_of(bench, mlflow_db).sync(has_report=False)
    expected = snapshot(bench, mlflow_db)
    client = client_of(mlflow_db)
    whole = runs_of(bench, mlflow_db)[trial.label]
    client.delete_run(whole.info.run_id)
    half = client.create_run(whole.info.experiment_id, whole.info.start_time, whole.data.tags, trial.label)
    assert half.info.status == "RUNNING"
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert snapshot(bench, mlflow_db) == expected


def test_a_description_written_by_a_reviewer_stays(bench, mlflow_db):
    (trial,) = bench.propose()
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    client = client_of(mlflow_db)
    run_id = runs_of(bench, mlflow_db)[trial.label].info.run_id
    client.set_tag(run_id, "mlflow.note.content", "Looked at under the microscope: fine.")
    bench.complete(trial)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    tags = client.get_run(run_id).data.tags
    assert tags["mlflow.note.content"] == "Looked at under the microscope: fine."
    assert tags["afssb.state"] == "completed"


def test_figures_can_be_left_for_a_later_sync(bench, mlflow_db):
    bench.run(2, n_cycles=5)
    mirror = mirror_of(bench, mlflow_db)
    for n_created in (2, 0):
        report = mirror.sync(has_figures=False, has_report=False)
        assert (report.n_created, report.n_updated) == (n_created, 0)
    run = runs_of(bench, mlflow_db)[bench.trials()[0].label]
    client = client_of(mlflow_db)
    assert client.list_artifacts(run.info.run_id) == []
    before = client.get_metric_history(run.info.run_id, "cycle/coulombic_efficiency_pct")
    assert mirror.sync(has_report=False).n_updated == 2
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"cycles.png", "cycling.csv"}
    assert client.get_metric_history(run.info.run_id, "cycle/coulombic_efficiency_pct") == before
    assert mirror.sync(has_report=False).n_updated == 0


SetTags = Callable[..., None]


@pytest.fixture
def tag(bench, mlflow_db) -> SetTags:
    """Set tags on a trial's run, as a reviewer does in the UI."""

    def set_tags(label: str, **tags: str) -> None:
        run_id = runs_of(bench, mlflow_db)[label].info.run_id
        for name, value in tags.items():
            client_of(mlflow_db).set_tag(run_id, f"afssb.{name}", value)

    return set_tags


def test_a_reviewers_exclusion_is_returned_until_the_ledger_holds_it_and_never_again(bench, mlflow_db, tag):
    bench.run(2)
    mirror = mirror_of(bench, mlflow_db)
    assert mirror.sync(has_report=False).decisions == ()
    trial = bench.trials()[0]
    tag(trial.label, review=" Exclude ", review_note="contact was lost", reviewer="Ada")
    for again in (mirror, mirror_of(bench, mlflow_db)):
        (decision,) = again.sync(has_report=False).decisions
        assert (decision.trial_uid, decision.action) == (trial.uid, "exclude")
        assert (decision.note, decision.who) == ("contact was lost", "Ada")
    bench.ledger.mark(trial.uid, decision.action, reason=decision.note, actor=decision.who)
    assert mirror.sync(has_report=False).decisions == ()
    assert mirror.sync(has_report=False).decisions == ()
    assert runs_of(bench, mlflow_db)[trial.label].data.tags["afssb.is_excluded"] == "true"


def test_a_later_decision_in_the_ledger_is_not_undone_by_the_old_tag(bench, mlflow_db, tag):
    bench.run(1)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    (trial,) = bench.trials()
    tag(trial.label, review="exclude")
    mirror.sync(has_report=False)
    bench.ledger.mark(trial.uid, "exclude", reason="as asked in MLflow", actor="Ada")
    mirror.sync(has_report=False)
    bench.ledger.mark(trial.uid, "include", reason="it was fine", actor="Bob")
    for _ in range(3):
        assert mirror.sync(has_report=False).decisions == ()
    assert runs_of(bench, mlflow_db)[trial.label].data.tags["afssb.review"] == "include"
    tag(trial.label, review="exclude")
    assert [decision.action for decision in mirror.sync(has_report=False).decisions] == ["exclude"]


def test_a_review_tag_that_nobody_can_understand_is_a_warning(bench, mlflow_db, tag):
    bench.run(1)
    mirror = mirror_of(bench, mlflow_db)
    mirror.sync(has_report=False)
    tag(bench.trials()[0].label, review="exlude")
    report = mirror.sync(has_report=False)
    assert report.decisions == ()
    assert "Did you mean 'exclude'?" in report.warnings[0]


def test_an_amended_question_reaches_mlflow(bench, mlflow_db):
    bench.run(1)
    mirror_of(bench, mlflow_db).sync(has_report=False)
    bench.spec = replace(bench.spec, question="Which seed is cheap?", sha256="b" * 64)
    bench.record = bench.ledger.amend_campaign(bench.record.uid, {"question": "?"}, "b" * 64, ["question changed"])
    mirror_of(bench, mlflow_db).sync(has_report=False)
    assert runs_of(bench, mlflow_db)["campaign"].data.tags["afssb.question"] == "Which seed is cheap?"


def test_a_desirability_stands_in_every_run_and_follows_an_amendment_up_and_down(make_bench, empty_store):
    objectives = {
        "cycle_life": {"goal": "maximize", "threshold": 50.0, "ideal": 300.0},
        "energy_density_wh_l": {"goal": "maximize", "threshold": 400.0, "ideal": 900.0},
    }
    bench = make_bench(objectives=objectives, combine="desirability")
    database = Path(shutil.copy(empty_store, bench.folder / "mlflow.db"))
    bench.run(6, n_cycles=4)
    mirror_of(bench, database).sync()

    def shown() -> dict[str, float]:
        runs = runs_of(bench, database)
        return {name: run.data.metrics["desirability"] for name, run in runs.items() if name in labels}

    labels = set(bench.observations().query("status == 'completed'")["label"])
    before = shown()
    scored = bench.spec.scored(bench.observations()).set_index("label")["desirability"].dropna()
    assert before == pytest.approx(scored.to_dict())
    assert runs_of(bench, database)["campaign"].data.metrics["best_desirability"] > 0
    for life, is_up in ((3000.0, False), (150.0, True)):
        changed = copy.deepcopy(dict(bench.spec.definition))
        changed["objectives"]["cycle_life"]["ideal"] = life
        spec = load_spec(changed)
        bench.record = bench.ledger.amend_campaign(bench.record.uid, dict(spec.definition), spec.sha256, ["ideal"])
        bench.spec = spec
        report = mirror_of(bench, database).sync()
        assert report.warnings == (), "nobody changed anything in MLflow"
        after = shown()
        scored = bench.spec.scored(bench.observations()).set_index("label")["desirability"].dropna()
        assert after == pytest.approx(scored.to_dict())
        assert all((after[label] > before[label]) == is_up for label in labels if 0.0 < before[label] < 1.0)
        before = after


def test_the_raw_files_of_a_cell_are_in_its_run(bench, mlflow_db, tmp_path):
    (trial,) = bench.propose(1)
    raw = tmp_path / "lab" / trial.label / "raw"
    raw.mkdir(parents=True)
    (raw / "cell.mpt").write_text("EC-Lab")
    bench.complete(trial, 20)
    uri = f"sqlite:///{mlflow_db}"
    root = (bench.folder / "files").as_uri()
    Mirror(bench.spec, bench.ledger, bench.record, uri, root, lab_folder=tmp_path / "lab").sync()
    run = runs_of(bench, mlflow_db)[trial.label]
    assert [file.path for file in client_of(mlflow_db).list_artifacts(run.info.run_id, "lab/raw")] == [
        "lab/raw/cell.mpt"
    ]
