from __future__ import annotations

import pandas as pd
import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import CampaignFileError, EvaluationError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators import make_evaluator

ROWS = [
    {"seed_alloy": "none", "stack_pressure_mpa": 2.0, "cycle_life": 40, "cycle_life_sem": 3.0},
    {"seed_alloy": "Ag", "stack_pressure_mpa": 2.0, "cycle_life": 200, "cycle_life_censored": True},
    {"seed_alloy": "Ag", "stack_pressure_mpa": 8.0, "status": "failed", "reason": "short"},
    {"seed_alloy": "Mg", "stack_pressure_mpa": 2.00004, "cycle_life": 100},
    {"seed_alloy": "Mg", "stack_pressure_mpa": 2.0, "cycle_life": 140},
]


def evaluator(folder, rows, name="cells.csv"):
    table = pd.DataFrame(rows)
    table.to_csv(folder / name, index=False) if name.endswith("csv") else table.to_parquet(folder / name)
    spec = load_spec(
        {
            "name": "a",
            "space": {
                "seed_alloy": {"levels": ["none", "Ag", "Mg"]},
                "stack_pressure_mpa": {"low": 1, "high": 50, "scale": "log"},
                "li3n_wt_pct": {"fixed": 0},
            },
            "objectives": {"cycle_life": {"goal": "maximize"}},
            "evaluator": {"replay": name},
            "budget": {"trials": 1},
        },
        folder=str(folder),
    )
    return make_evaluator(spec)


def answer(replay, seed: str, pressure: float):
    design = {"seed_alloy": seed, "stack_pressure_mpa": pressure, "li3n_wt_pct": 0.0}
    return replay.evaluate(design).result


@pytest.mark.parametrize("name", ["cells.csv", "cells.parquet"])
def test_a_recorded_design_is_answered_with_what_was_measured(tmp_path, name):
    replay = evaluator(tmp_path, ROWS, name)
    assert answer(replay, "none", 2.0) == TrialResult({"cycle_life": 40.0}, {"cycle_life": 3.0}, source="replay")
    assert answer(replay, "Ag", 2.0).censored == {"cycle_life"}
    assert answer(replay, "Ag", 8.0) == TrialFailure("cell", "short")


def test_repeats_of_a_design_give_their_mean_and_its_standard_error(tmp_path):
    result = answer(evaluator(tmp_path, ROWS), "Mg", 2.0)
    assert result.outcomes == {"cycle_life": 120.0}
    # Two values 40 apart: standard deviation 40 / sqrt(2), over sqrt(2).
    assert result.sem["cycle_life"] == pytest.approx(20.0)


def test_a_design_that_was_not_recorded_fails_and_names_the_nearest(tmp_path):
    failure = answer(evaluator(tmp_path, ROWS), "Ag", 7.0)
    assert isinstance(failure, TrialFailure)
    assert failure.kind == "equipment"
    assert "seed_alloy Ag, stack_pressure_mpa 8.0" in failure.reason


def test_the_designs_of_the_table_are_the_candidates_of_a_campaign(tmp_path):
    designs = evaluator(tmp_path, ROWS).designs
    assert designs.to_dict("records")[2] == {"seed_alloy": "Ag", "stack_pressure_mpa": 8.0, "li3n_wt_pct": 0.0}
    assert len(designs) == 4


def test_all_that_is_wrong_with_a_table_is_named_at_once(tmp_path):
    rows = [{**ROWS[0], "stack_pressure_mpa": "high"}, ROWS[1], {**ROWS[0], "cycle_life": "long"}]
    with pytest.raises(EvaluationError, match=r"(?s)row 1 \(line 2\).*'high'.*row 3 \(line 4\).*'long'"):
        evaluator(tmp_path, rows)
    with pytest.raises(EvaluationError, match=r"(?s)column stack_pressure_mpa.*missing.*column cycle_life.*missing"):
        evaluator(tmp_path, [{"seed_alloy": "Ag"}])


def test_a_missing_table_is_said_at_once(tmp_path):
    evaluator(tmp_path, ROWS)
    (tmp_path / "cells.csv").unlink()
    with pytest.raises(EvaluationError, match="cannot be read"):
        make_evaluator(load_spec(**missing(tmp_path)))


def missing(folder):
    definition = {
        "name": "a",
        "space": {"x": {"low": 0, "high": 1}},
        "objectives": {"y": {"goal": "maximize"}},
        "evaluator": {"replay": "cells.csv"},
        "budget": {"trials": 1},
    }
    return {"source": definition, "folder": str(folder)}


@pytest.mark.parametrize(
    ("evaluator", "words"),
    [
        ({"replay": "cells.docx"}, "evaluator.replay"),
        ({"replay": "cells.csv", "python": "a:b"}, "more than one"),
        ({}, "names no evaluator"),
        ({"python": "a:b", "timeout": 3}, "Did you mean 'timeout_min'"),
        ({"python": "a:b", "timeout_min": 0}, "evaluator.timeout_min"),
        ({"python": "../a.py:b"}, "evaluator.python"),
        ({"pybamm": "a:b", "parameters": {"z": {"parameter": "p"}}}, "is not a variable of the space"),
        ({"pybamm": "a:b"}, "is not read off the cycles"),
        ("simulaton", "Did you mean 'simulation'"),
    ],
)
def test_a_wrong_evaluator_is_refused_with_a_remedy(tmp_path, evaluator, words):
    source = {**missing(tmp_path)["source"], "evaluator": evaluator}
    with pytest.raises(CampaignFileError, match=words):
        load_spec(source)


def test_a_campaign_on_recorded_data_proposes_what_was_recorded_and_ends_with_it(tmp_path):
    from afssb_opt.campaign import Campaign
    from afssb_opt.campaign.lease import hold_lease
    from afssb_opt.campaign.proposing import propose_trials

    pd.DataFrame(ROWS).to_csv(tmp_path / "cells.csv", index=False)
    (tmp_path / "campaign.yaml").write_text(
        "name: replayed\n"
        "space: {seed_alloy: {levels: [none, Ag, Mg]}, stack_pressure_mpa: {low: 1, high: 50}}\n"
        "objectives: {cycle_life: {goal: maximize}}\n"
        "evaluator: {replay: cells.csv}\n"
        "budget: {trials: 20}\n"
    )
    with Campaign.load(tmp_path / "campaign.yaml") as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        first, second = propose_trials(campaign, lease, 3), propose_trials(campaign, lease, 3)
        assert (len(first), len(second)) == (3, 1)
        assert propose_trials(campaign, lease, 3) == []
        replay = make_evaluator(campaign.spec)
        answers = [replay.evaluate(trial.design).result for trial in (*first, *second)]
    assert not [a for a in answers if isinstance(a, TrialFailure) and a.kind == "equipment"]
