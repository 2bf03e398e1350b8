"""The laboratory to practise with, which the README sends newcomers to: its files are taken in on any day."""

import importlib.util

import pandas as pd
import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.ingesting import commit_plan, plan_ingest
from afssb_opt.campaign.lab_notes import held_parts
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.domain.trials import TrialState
from afssb_opt.lab.build_sheet import SheetTrial, write_csv_sheet
from afssb_opt.lab.planning import Asked
from afssb_opt.lab.reading import read_file
from afssb_opt.ledger import NewTrial


@pytest.fixture
def example(request):
    """Return the folder of the example."""
    return request.config.rootpath / "experiments" / "lab_example"


@pytest.fixture
def pretend_lab(example):
    place = importlib.util.spec_from_file_location("pretend_lab", example / "pretend_lab.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


# On the sixth of May a date written with slashes may also be the fifth of June.
@pytest.mark.parametrize("start", [None, pd.Timestamp("2099-05-06 08:00:00")], ids=["today", "a day that is a month"])
def test_the_files_of_the_example_are_taken_in_whatever_day_it_is(example, pretend_lab, make, tmp_path, start):
    with Campaign.load(example / "lab_example.yaml") as campaign:
        designs = [{**make.DESIGN, "seed_alloy": seed, "stack_pressure_mpa": 2.0} for seed in ("none", "Ag", "Mg")]
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            trials = campaign.ledger.add_trials(lease, [NewTrial(design, 1, "start") for design in designs])
        sheet = tmp_path / "sheet.csv"
        write_csv_sheet(campaign.spec, [SheetTrial(t.label, t.design, t.reason) for t in trials], sheet)
        pretend_lab.work(sheet, tmp_path / "arrived", campaign.spec.protocol, start)
        files = sorted((tmp_path / "arrived").iterdir())
        assert {path.suffix for path in files} == {".csv", ".mpt", ".001"}
        commit_plan(campaign, plan_ingest(campaign, files, Asked(), read=lambda paths: map(read_file, paths)), "tester")
        assert [held.findings for held in held_parts(campaign.ledger, campaign.uid)] == []
        assert {trial.state for trial in campaign.trials()} == {TrialState.COMPLETED}
