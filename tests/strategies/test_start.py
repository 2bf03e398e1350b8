"""Do the first cells come from well inside the bounds, wherever that can be?"""

import numpy as np

from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.rules import LinearConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, ConditionalBounds, Continuous, Discrete
from afssb_opt.strategies import Optimizer

LEVELS = Categorical("seed_alloy", tuple("abcdef"))
PRESSURE = Continuous("stack_pressure_mpa", 0.5, 50.0, "log")


def start(*variables, rules=(), n=12, seed=0):
    return Optimizer(DesignSpace(variables, rules=rules), [Objective("life")], seed=seed, n_initial=n).ask(n)


def test_the_first_cells_lie_in_the_inner_half_of_each_range_and_fill_it():
    designs = start(LEVELS, PRESSURE, Continuous("li3n_wt_pct", 0.0, 10.0))
    unit = np.array([PRESSURE.to_unit(x) for x in designs["stack_pressure_mpa"]])
    assert 0.24 < unit.min() < 0.35 < 0.65 < unit.max() < 0.76
    assert designs["li3n_wt_pct"].between(2.4, 7.6).all()
    assert designs["seed_alloy"].value_counts().eq(2).all()


def test_values_that_a_lab_named_one_by_one_are_all_tried():
    designs = start(LEVELS, PRESSURE, Discrete("current_density_ma_cm2", (0.1, 0.5, 1.0)))
    assert set(designs["current_density_ma_cm2"]) == {0.1, 0.5, 1.0}


def test_where_a_rule_forbids_the_inner_half_the_first_cells_obey_the_rule():
    rule = LinearConstraint({"x": 1.0, "y": 1.0}, at_least=1.8)
    designs = start(Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0), rules=(rule,), n=6)
    assert (designs["x"] + designs["y"] >= 1.8 - 1e-9).all()
    assert len(designs.drop_duplicates()) == 6


def test_bounds_that_depend_on_the_level_have_an_inner_half_of_their_own():
    pressure = Continuous("stack_pressure_mpa", 0.0, 100.0, when=ConditionalBounds("seed_alloy", {"a": (80.0, 100.0)}))
    designs = start(LEVELS, pressure)
    assert designs.loc[designs["seed_alloy"] == "a", "stack_pressure_mpa"].between(84.9, 95.1).all()
