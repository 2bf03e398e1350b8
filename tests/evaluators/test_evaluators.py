import pandas as pd
import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators import PythonEvaluator, SimulationEvaluator, make_evaluator, simulate

DESIGN = {"seed_alloy": "Ag", "interlayer_thickness_um": 8.0, "stack_pressure_mpa": 5.0, "li3n_wt_pct": 2.0}


def evaluate(function) -> TrialResult | TrialFailure:
    return PythonEvaluator(function, Protocol(), ("y",)).evaluate({"x": 1.0}).result


def test_a_python_function_gives_outcomes_errors_and_censoring():
    result = evaluate(lambda d, p: pd.DataFrame({"y": d["x"] * 2, "y_sem": 0.1, "y_censored": True, "z": 5}))
    assert result == TrialResult({"y": 2.0, "z": 5.0}, {"y": 0.1}, frozenset({"y"}), "python")


def test_a_cell_that_died_is_a_failure_of_the_cell():
    result = evaluate(lambda d, p: pd.DataFrame({"status": ["failed"], "reason": ["delaminated"]}))
    assert result == TrialFailure("cell", "delaminated")


def raise_error(designs, protocol):
    raise RuntimeError("no licence")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (raise_error, "RuntimeError: no licence"),
        (lambda d, p: None, "returned NoneType"),
        (lambda d, p: {"y": 1}, "returned dict"),
        (lambda d, p: pd.DataFrame({"y": [1, 2]}), "returned 2 rows"),
        (lambda d, p: pd.DataFrame({"yy": [1]}), "no column y"),
        (lambda d, p: pd.DataFrame({"y": ["much"]}), "not a number"),
        (lambda d, p: pd.DataFrame({"y": [float("nan")]}), "no finite value"),
        (lambda d, p: pd.DataFrame({"y": [float("inf")]}), "return NaN"),
    ],
)
def test_a_wrong_answer_fails_the_trial_with_its_reason_and_is_never_modelled(function, words):
    result = evaluate(function)
    assert isinstance(result, TrialFailure)
    assert result.kind == "equipment"
    assert words in result.reason


def campaign(target: str):
    return load_spec(
        {
            "name": "a",
            "space": {"x": {"low": 0, "high": 1}},
            "objectives": {"y": {"goal": "maximize"}},
            "evaluator": {"python": target},
            "budget": {"trials": 1},
        }
    )


def test_a_missing_module_or_function_is_named():
    with pytest.raises(EvaluationError, match="PYTHONPATH"):
        make_evaluator(campaign("no_such_module:f"))
    with pytest.raises(EvaluationError, match="Did you mean 'sqrt'"):
        make_evaluator(campaign("math:sqr"))


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
