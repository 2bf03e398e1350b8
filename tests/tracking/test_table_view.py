"""The table of runs opens with the campaign's own columns: each is there, and the address asks for them."""

import json

from mlflow import MlflowClient

from afssb_opt.tracking.mirror import Mirror
from afssb_opt.tracking.table_view import VIEW_TAG, runs_address
from afssb_opt.tracking.ui import experiment_page, runs_page


def synced(bench, database):
    bench.run(2)
    files = (bench.folder / "files").as_uri()
    Mirror(bench.spec, bench.ledger, bench.record, f"sqlite:///{database}", files).sync(has_report=False)
    client = MlflowClient(tracking_uri=f"sqlite:///{database}")
    return client, client.get_experiment_by_name(bench.record.name)


def test_each_column_of_the_view_is_one_that_the_runs_have(bench, mlflow_db):
    client, experiment = synced(bench, mlflow_db)
    view = json.loads(experiment.tags[VIEW_TAG])
    assert view["selectedColumns"][0] == "params.`seed_alloy`"
    assert "metrics.`cycle_life`" in view["columnOrder"]
    data = client.search_runs([experiment.experiment_id], "tags.`afssb.role` = 'trial'")[0].data
    there = {f"params.`{name}`" for name in data.params} | {f"metrics.`{name}`" for name in data.metrics}
    assert set(view["selectedColumns"]) <= there | {f"tags.`{name}`" for name in data.tags}
    assert set(view["columnWidths"]) == set(view["columnOrder"]) == set(view["selectedColumns"])


def test_the_printed_address_asks_for_the_view_and_for_the_pages_of_training_runs(bench, mlflow_db, monkeypatch):
    _, experiment = synced(bench, mlflow_db)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{mlflow_db}")
    page = runs_page(bench.folder, 5001, bench.record.name)
    begin = f"http://127.0.0.1:5001/#/experiments/{experiment.experiment_id}/runs?"
    assert page == f"{begin}workflowType=machine_learning&viewStateShareKey=afssb"
    assert experiment_page(bench.folder, bench.record.name) == ""


def test_an_experiment_of_an_older_release_is_not_asked_for_a_view_that_it_has_not():
    assert runs_address("http://host:5000", "7", {}) == (
        "http://host:5000/#/experiments/7/runs?workflowType=machine_learning"
    )
