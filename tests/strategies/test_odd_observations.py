"""Does the optimizer take whatever a lab sends it, and say what it did about it?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer

SPACE = DesignSpace((Categorical("level", tuple("abc")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
NAN = float("nan")


def told(n: int, seed: int = 0, **columns: object) -> pd.DataFrame:
    """Return n cells with a smooth gain; columns given by name replace it or are added."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"level": rng.choice(list("abc"), n), "x": rng.random(n), "y": rng.random(n)})
    table["gain"] = 1.0 - (table["x"] - 0.3) ** 2 - (table["y"] - 0.6) ** 2 + 0.2 * (table["level"] == "b")
    return table.assign(**columns)


def with_first(value: float, n: int = 12) -> list[float]:
    gains = told(n)["gain"].tolist()
    return [value, *gains[1:]]


ODD = {
    "one row": told(1),
    "two rows": told(2),
    "all equal": told(9, gain=5.0),
    "all zero": told(9, gain=0.0),
    "tiny scale": told(9, gain=told(9)["gain"] * 1e-12),
    "huge scale": told(9, gain=told(9)["gain"] * 1e12),
    "an outlier of a million": told(12, gain=with_first(1e6)),
    "an outlier of 1e300": told(12, gain=with_first(1e300)),
    "only huge numbers": told(3, gain=[1e300, -1e300, 1e299]),
    "an infinite value": told(12, gain=with_first(np.inf)),
    "missing values": told(12, gain=[NAN, 1.0] * 6),
    "nothing measured": told(4, gain=NAN),
    "duplicates": pd.concat([told(3)] * 4, ignore_index=True),
    "near duplicates": pd.concat([told(3), told(3).assign(x=told(3)["x"] + 1e-9)] * 2, ignore_index=True),
    "outside the bounds": told(9, x=np.linspace(-3, 4, 9)),
    "all failed": told(9, gain=NAN, status="failed"),
    "one failed": told(9, gain=with_first(NAN, 9), status=["failed", *["completed"] * 8]),
    "known and unknown noise": told(9, gain_sem=[0.01, NAN, 0.0] * 3),
    "all censored": told(9, gain_censored=True),
    "numbers as text": told(6).astype({"gain": str, "x": str}),
    "an empty table": told(0),
}
WITHOUT_VALUES = ("nothing measured", "an empty table", "all failed")


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("with_constraint", [False, True], ids=["free", "constrained"])
def test_any_data_give_distinct_feasible_finite_designs(case, with_constraint):
    table = ODD[case]
    constraints = [OutcomeConstraint("short_circuit", at_most=0.5)] if with_constraint else []
    if with_constraint:
        shorts = np.where(table["gain"].astype(float).isna(), NAN, (table["x"].astype(float) > 0.5) * 1.0)
        table = table.assign(short_circuit=shorts)
    optimizer = Optimizer(SPACE, [Objective("gain")], constraints, n_initial=1)
    optimizer.tell(table)
    designs = optimizer.ask(2)
    assert SPACE.problems(designs) == []
    assert len(designs.drop_duplicates()) == 2


@pytest.mark.parametrize("case", [case for case in ODD if case not in WITHOUT_VALUES])
def test_predictions_of_any_data_are_finite(case):
    optimizer = Optimizer(SPACE, [Objective("gain")])
    optimizer.tell(ODD[case])
    assert np.isfinite(optimizer.predict(told(5, seed=1)).to_numpy()).all()
    assert np.isfinite(optimizer.effects()[["mean", "sd"]].to_numpy(float)).all()
    assert np.isfinite(optimizer.leave_one_out()[["mean", "sd"]].to_numpy(float)).all()
    assert optimizer.importance()["importance"].between(0.0, 1.0).all()


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("all equal", "all 9 values are 5, so it cannot tell designs apart"),
        ("an outlier of a million", "1e+06 in row 0 lies far outside the rest"),
        ("an infinite value", "infinite in rows 0, treated as missing"),
        ("two rows", "only 2 values, so the model is mostly prior"),
        ("all censored", "9 of 9 values are lower limits"),
        ("all failed", "no value yet, so it is not modelled"),
    ],
)
def test_notes_say_what_was_done_about_odd_data(case, expected):
    optimizer = Optimizer(SPACE, [Objective("gain")], n_initial=1)
    optimizer.tell(ODD[case])
    assert any(expected in note for note in optimizer.ask(1).attrs["notes"])


def test_one_outlier_does_not_spoil_the_model():
    optimizer = Optimizer(SPACE, [Objective("gain")])
    optimizer.tell(told(30, gain=with_first(1e6, 30)))
    fresh = told(40, seed=5)
    error = optimizer.predict(fresh)["gain"] - fresh["gain"]
    assert np.sqrt((error[5:] ** 2).mean()) < 0.5 * fresh["gain"].std()


@pytest.mark.parametrize("n_dead", [1, 2, 3, 4, 9])
def test_a_good_cell_beside_dead_ones_is_no_outlier(n_dead):
    optimizer = Optimizer(SPACE, [Objective("gain")], n_initial=1)
    cells = told(n_dead + 1, gain=[92.0, *[0.0] * n_dead])
    optimizer.tell(cells)
    assert not any("outside the rest" in note for note in optimizer.ask(1).attrs["notes"])
    good, *dead = optimizer.predict(cells)["gain"]
    assert good > max(dead) + 10.0


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("log_outcomes", [(), ("gain",)])
@pytest.mark.parametrize("factor", [15.0, 85.0, 400.0])
def test_the_first_cell_that_works_is_believed_and_followed(factor, log_outcomes, goal):
    rng = np.random.default_rng(3)
    cells = told(13).assign(gain=rng.uniform(0.9, 1.1, 13))
    cells.loc[12, "gain"] = factor
    if goal == "minimize":
        cells["gain"] = 1.0 / cells["gain"] if log_outcomes else 500.0 - cells["gain"]
    optimizer = Optimizer(SPACE, [Objective("gain", goal)], seed=1, log_outcomes=log_outcomes)
    optimizer.tell(cells)
    (note,) = [note for note in optimizer.ask(1).attrs["notes"] if "row 12" in note]
    assert "is far better than the others and is taken as it is; repeat the cell, or void the trial" in note
    found = optimizer.predict(cells)["gain"]
    assert found[12] == pytest.approx(cells["gain"][12], rel=0.2)
    # A cell as much worse is not believed: a broken channel, or a slip of the pen.
    mirrored = Optimizer(SPACE, [Objective("gain", "minimize" if goal == "maximize" else "maximize")], seed=1,
                         log_outcomes=log_outcomes)  # fmt: skip
    mirrored.tell(cells)
    assert any("row 12 lies far outside the rest" in note for note in mirrored.ask(1).attrs["notes"])


@pytest.mark.parametrize(("target", "dead", "good"), [(50.0, 1.0, 45.0), (2.0, 300.0, 9.0)])
def test_the_first_cell_near_a_target_is_believed(target, dead, good):
    cells = told(13).assign(gain=dead + np.random.default_rng(3).uniform(-0.1, 0.1, 13))
    cells.loc[12, "gain"] = good
    optimizer = Optimizer(SPACE, [Objective("gain", "target", target=target)], seed=1)
    optimizer.tell(cells)
    assert any("row 12 is far better than the others" in note for note in optimizer.ask(1).attrs["notes"])
    assert optimizer.predict(cells)["gain"][12] == pytest.approx(good, abs=0.1 * abs(good - dead))
    cells.loc[12, "gain"] = dead + (dead - good)
    optimizer = Optimizer(SPACE, [Objective("gain", "target", target=target)], seed=1)
    optimizer.tell(cells)
    assert any("row 12 lies far outside the rest" in note for note in optimizer.ask(1).attrs["notes"])


def test_without_any_outcome_there_is_no_model_to_predict_with():
    optimizer = Optimizer(SPACE, [Objective("gain")])
    with pytest.raises(StrategyError, match="no model yet"):
        optimizer.predict(told(2))


def test_unknown_levels_cannot_be_predicted():
    optimizer = Optimizer(SPACE, [Objective("gain")])
    optimizer.tell(told(4))
    with pytest.raises(StrategyError, match="neither in the space nor in the data: level: q"):
        optimizer.predict(told(1, level="q"))


def test_diagnostics_of_failures_alone_are_tables():
    optimizer = Optimizer(SPACE, [Objective("gain")])
    optimizer.tell(ODD["all failed"])
    assert optimizer.predict(told(3))["completed"].between(0.0, 0.5).all()
    assert set(optimizer.effects()["outcome"]) == {"completed"}
    assert optimizer.importance().empty
    assert optimizer.leave_one_out().empty


def test_a_pass_fail_outcome_is_predicted_as_the_chance_of_a_one():
    table = told(30).assign(short_circuit=(told(30)["x"] > 0.5) * 1)
    optimizer = Optimizer(SPACE, [Objective("gain")], [OutcomeConstraint("short_circuit", at_most=0.5)])
    optimizer.tell(table)
    ends = pd.DataFrame({"level": ["a", "a"], "x": [0.05, 0.95], "y": [0.5, 0.5]})
    safe, shorted = optimizer.predict(ends)["short_circuit"]
    assert safe < 0.2
    assert shorted > 0.8


def test_failed_cells_are_avoided():
    rng = np.random.default_rng(0)
    table = told(24)
    dead = table["x"] > 0.4
    table["status"] = np.where(dead, "failed", "completed")
    table["gain"] = np.where(dead, NAN, table["x"] + 0.01 * rng.standard_normal(24))
    optimizer = Optimizer(SPACE, [Objective("gain")])
    optimizer.tell(table)
    designs = optimizer.ask(3)
    # Between what held and what failed at its level a cell may be tried, beyond what failed not.
    assert (designs["x"] < designs["level"].map(table[dead].groupby("level")["x"].min())).all()
    assert "completed" in designs.attrs["reasons"][0]
