"""What a trial looks like as a run: names MLflow takes, curves that can grow, words people read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.outcomes import OUTCOMES, OutcomeDefinition
from afssb_opt.tracking.labels import (
    design_text,
    number_text,
    outcome_label,
    outcome_text,
    pretty_unit,
    variable_label,
)
from afssb_opt.tracking.trial_run import MAX_CURVE_POINTS, curve_points, mlflow_key, project_trial, tag_text


@given(st.text(min_size=1, max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_name_becomes_one_that_mlflow_takes(name):
    _validate_metric_name(mlflow_key(name))
    _validate_metric_name(f"as_built/{mlflow_key(name)}")


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_a_longer_table_repeats_the_points_of_a_shorter_one_except_its_last(first, second):
    short, long = (steps(n) for n in sorted((first, second)))
    assert set(long) - set(short) or short == long
    dropped = set(short[:-1]) - set(long)
    # Points may be dropped when the stride doubles, but none is moved: what stays is at the same cycles.
    assert all(step not in long for step in dropped)
    assert (long[0], long[-1]) == (1, max(first, second))
    assert len(long) <= MAX_CURVE_POINTS + 1
    stride = long[1] - long[0] if len(long) > 2 else 1
    assert stride & (stride - 1) == 0


def steps(n: int) -> list[int]:
    cycle = np.arange(1, n + 1)
    table = as_cycling_table({"cycle": cycle, "discharge_capacity_mah_cm2": np.ones(n)})
    points = list(curve_points(table, at_ms=5))
    assert {point.name for point in points} == {"cycle/discharge_capacity_mah_cm2"}
    return [point.step for point in points]


def test_an_empty_cycling_table_has_no_points():
    assert list(curve_points(as_cycling_table({"cycle": np.array([], dtype=int)}), at_ms=5)) == []


def test_a_trial_without_a_result_is_told_without_one(bench):
    (trial,) = bench.propose()
    run = project_trial(bench.spec, trial)
    assert (run.status, run.end_ms, run.metrics) == ("SCHEDULED", None, ())
    assert "Result" not in run.tags["mlflow.note.content"]
    assert "afssb.review" in run.tags["mlflow.note.content"]


def test_what_was_really_built_is_shown_beside_what_was_asked_for(bench):
    (trial,) = bench.propose()
    built = {**trial.design, "stack_pressure_mpa": 7.5}
    bench.ledger.record_result(trial.uid, bench_result(), as_built=built)
    run = project_trial(bench.spec, bench.trials()[0])
    assert float(run.params["stack_pressure_mpa"]) == trial.design["stack_pressure_mpa"]
    assert {point.name: point.value for point in run.metrics}["as_built/stack_pressure_mpa"] == 7.5
    assert "**As built.** " in run.tags["mlflow.note.content"]
    assert "7.5 MPa" in run.tags["mlflow.note.content"]


def bench_result():
    from afssb_opt.domain.trials import TrialResult

    return TrialResult({"cycle_life": 12.0}, censored=frozenset({"cycle_life"}))


def test_a_long_text_is_cut_with_a_remark_that_gives_its_length():
    assert tag_text("x" * 5000) == "x" * 5000
    cut = tag_text("x" * 50_000)
    assert len(cut) < 6000
    assert "50000 characters in the ledger" in cut


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5.0, "5"), (0.012346, "0.01235"), (37.44449, "37.44"), (1234.5, "1,234"), (2.1e-6, "2.1e-06"),
     (3.2e7, "3.2e+07"), (float("nan"), "–"), (-12.5, "-12.5")],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert number_text(value) == text


def test_units_stand_with_every_quantity():
    assert variable_label("interlayer_thickness_um") == "Interlayer thickness (µm)"
    assert variable_label("cathode_loading_mg_cm2") == "Cathode loading (mg/cm²)"
    assert variable_label("coats") == "coats"
    assert pretty_unit("ohm cm2") == "Ω cm²"
    assert pretty_unit("cycles") == "cycles"
    assert outcome_label(OUTCOMES["areal_resistance_ohm_cm2"]) == "Areal resistance (Ω cm²)"
    assert outcome_label(OutcomeDefinition("peel_force_mpa", "peel_force_mpa", "", "")) == "Peel force (MPa)"
    assert outcome_text(500.0, is_censored=True, unit="cycles") == "> 500 cycles"
    assert outcome_text(80.0, sem=1.5, unit="%") == "80 ± 1.5 %"
    assert design_text({"seed_alloy": "Ag", "stack_pressure_mpa": 5.0}) == "Seed alloy Ag, Stack pressure 5 MPa"
