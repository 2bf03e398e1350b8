from __future__ import annotations

import pandas as pd
import pytest

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators import SimulationEvaluator, simulate
from afssb_opt.evaluators.messages import from_message, to_message
from afssb_opt.evaluators.protocol import Evaluation
from afssb_opt.evaluators.python_function import call_function

DESIGN = {"seed_alloy": "Ag", "interlayer_thickness_um": 8.0, "stack_pressure_mpa": 5.0, "li3n_wt_pct": 2.0}


def evaluate(function, names=("y",)) -> TrialResult | TrialFailure:
    return call_function(function, {"x": 1.0, "seed": "Ag"}, Protocol(), names).result


def test_a_python_function_gives_outcomes_errors_and_censoring():
    result = evaluate(lambda d, p: pd.DataFrame({"y": d["x"] * 2, "y_sem": 0.1, "y_censored": True, "z": 5}))
    assert result == TrialResult({"y": 2.0, "z": 5.0}, {"y": 0.1}, frozenset({"y"}), "python")


def test_the_design_may_be_repeated_in_the_answer_and_is_no_outcome():
    assert evaluate(lambda d, p: d.assign(y=3.0)) == TrialResult({"y": 3.0})


def test_a_cell_that_died_is_a_failure_of_the_cell():
    result = evaluate(lambda d, p: pd.DataFrame({"status": ["failed"], "reason": ["delaminated"]}))
    assert result == TrialFailure("cell", "delaminated")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda d, p: None, "returned NoneType"),
        (lambda d, p: {"y": 1}, "returned dict"),
        (lambda d, p: pd.DataFrame({"y": [1, 2]}), "returned 2 rows"),
        (lambda d, p: pd.DataFrame({"yy": [1]}), "y is missing. Did you mean 'yy'"),
        (lambda d, p: pd.DataFrame({"y": ["much"]}), "'much' is not a number"),
        (lambda d, p: pd.DataFrame({"y": [float("nan")]}), "no finite value"),
        (lambda d, p: pd.DataFrame({"y": [None]}), "no finite value"),
        (lambda d, p: pd.DataFrame({"y": [float("inf")]}), "return NaN"),
        (lambda d, p: pd.DataFrame({"y": [1.0], "y_sem": [-1.0]}), "y_sem is -1, below zero"),
        (lambda d, p: pd.DataFrame([[1.0, 2.0]], columns=["y", "y"]), "column y twice"),
        (lambda d, p: pd.DataFrame({"z": ["much"]}), "y is missing. It has z; z = 'much' is not a number"),
    ],
)
def test_a_wrong_answer_fails_the_trial_with_all_its_reasons_and_is_never_modelled(function, words):
    result = evaluate(function)
    assert isinstance(result, TrialFailure)
    assert result.kind == "equipment"
    assert words in result.reason


@pytest.mark.parametrize(
    ("name", "value"), [("initial_ce_pct", 0.93), ("pressure_max_mpa", 5000.0), ("energy_density_wh_l", 0.9)]
)
def test_a_value_in_a_wrong_unit_fails_the_trial(name, value):
    result = evaluate(lambda d, p: pd.DataFrame({name: [value]}), (name,))
    assert isinstance(result, TrialFailure)
    assert "is the unit right?" in result.reason


def test_zero_is_what_a_cell_gives_that_died_at_once():
    assert (
        evaluate(lambda d, p: pd.DataFrame({"retention_pct": [0]}), ("retention_pct",)).outcomes["retention_pct"] == 0
    )


def test_an_evaluation_is_the_same_after_its_way_through_a_message():
    done = SimulationEvaluator(Protocol(cycles=5)).evaluate(DESIGN)
    back = from_message(to_message(done))
    assert back.result == done.result
    pd.testing.assert_frame_equal(back.cycling, done.cycling)
    failed = Evaluation(TrialFailure("cell", "delaminated"))
    assert from_message(to_message(failed)) == failed


def test_the_simulation_gives_finite_outcomes_and_the_table_they_come_from():
    evaluation = SimulationEvaluator(Protocol(cycles=40)).evaluate(DESIGN)
    assert isinstance(evaluation.result, TrialResult)
    assert {"cycle_life", "energy_density_wh_l", "seed_cost_usd_m2", "short_circuit"} <= set(evaluation.result.outcomes)
    assert len(evaluation.cycling) == evaluation.result.attributes["n_cycles"]


def test_simulating_a_table_equals_simulating_its_rows():
    protocol = Protocol(cycles=30)
    table = pd.DataFrame([DESIGN, {**DESIGN, "seed_alloy": "none"}], index=[5, 9])
    simulated = simulate(table, protocol)
    assert simulated.outcomes.index.tolist() == [5, 9]
    alone = SimulationEvaluator(protocol).evaluate({**DESIGN, "seed_alloy": "none"}).result
    assert alone.outcomes == {
        name: value for name, value in simulated.outcomes.loc[9].items() if name in alone.outcomes
    }
