import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.rules import Exclusion, LinearConstraint, Range
from afssb_opt.domain.space import DesignSpace, design_key, round_significant
from afssb_opt.domain.variables import Categorical, ConditionalBounds, Continuous, Discrete, Fixed

SPACE = DesignSpace(
    (
        Categorical("layer_class", ("metal_film", "carbon"), {"metal_film": {"k": 1.0}, "carbon": {"k": 2.0}}),
        Continuous("thickness_um", 0.5, 30, "log", ConditionalBounds("layer_class", {"metal_film": (0.02, 1.0)})),
        Continuous("li3n_wt_pct", 0, 10),
        Discrete("coats", (1, 2, 5)),
        Fixed("cathode", "NMC811"),
    ),
    (
        LinearConstraint({"thickness_um": 1.0, "coats": 2.0}, at_most=33),
        Exclusion({"layer_class": ("carbon",), "li3n_wt_pct": Range(above=8)}, "swells"),
    ),
)


def designs(**columns: object) -> pd.DataFrame:
    values = {"layer_class": "carbon", "thickness_um": 5.0, "li3n_wt_pct": 2.0, "coats": 1, "cathode": "NMC811"}
    return pd.DataFrame([{**values, **columns}])


def test_a_design_inside_all_bounds_and_rules_is_feasible():
    assert SPACE.is_feasible(designs()).tolist() == [True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer_class": "Carbn"}, "Did you mean 'carbon'"),
        ({"layer_class": "metal_film", "thickness_um": 5.0}, "Allowed: 0.02 to 1"),
        ({"thickness_um": 31.0}, "outside the bounds"),
        ({"coats": 3}, "Allowed: 1, 2, 5"),
        ({"cathode": "LFP"}, "fixed at NMC811"),
        ({"li3n_wt_pct": "much"}, "not a number"),
        ({"thickness_um": 29.0, "coats": 5}, "thickness_um"),
        ({"li3n_wt_pct": 9.0}, "swells"),
    ],
)
def test_each_fault_of_a_design_is_named_with_what_is_allowed(change, words):
    (problem,) = SPACE.problems(designs(**change))
    assert words in str(problem)


def test_all_faults_of_a_table_are_listed_at_once():
    table = pd.concat([designs(coats=3, thickness_um=99.0), designs(layer_class="x")])
    assert len(SPACE.problems(table)) == 3


def test_a_missing_column_is_refused_by_name():
    with pytest.raises(DesignError, match="column coats: is missing"):
        SPACE.require_columns(designs().drop(columns="coats"))


@given(unit=st.lists(st.floats(0, 1), min_size=3, max_size=3), level=st.sampled_from(["metal_film", "carbon"]))
def test_every_point_of_a_levels_box_becomes_a_design_inside_its_bounds(unit, level):
    bounds = SPACE.unit_bounds({"layer_class": level})
    point = bounds[0] + np.array(unit) * (bounds[1] - bounds[0])
    design = SPACE.from_unit(point[None, :], pd.DataFrame({"layer_class": [level]}))
    assert [problem for problem in SPACE.problems(design) if "breaks the rule" not in str(problem)] == []


@given(unit=st.floats(0, 1))
def test_unit_coordinates_survive_the_round_trip_to_four_digits(unit):
    point = np.array([[unit, unit, 0.0]])
    design = SPACE.from_unit(point, pd.DataFrame({"layer_class": ["carbon"]}))
    low = SPACE.unit_bounds({"layer_class": "carbon"})[0, 0]
    expected = np.array([[max(unit, low), unit, 0.0]])
    # One part in 10^4 of a value is at most 1e-3 of this log axis.
    assert SPACE.to_unit(design) == pytest.approx(expected, abs=1e-3)


def test_rounding_keeps_four_digits_and_never_leaves_the_bounds():
    assert round_significant(0.0123456) == 0.01235
    rounded = SPACE.round_designs(designs(thickness_um=29.99999, layer_class="carbon"))
    assert rounded.loc[0, "thickness_um"] == 30.0
    outside = SPACE.round_designs(designs(thickness_um=1.00004, layer_class="metal_film"))
    assert outside.loc[0, "thickness_um"] == 1.0


def test_equal_designs_have_equal_keys_whatever_their_order_and_number_type():
    assert design_key({"a": 1, "b": "x"}) == design_key({"b": "x", "a": 1.0})
    assert design_key({"a": 1}) != design_key({"a": 1.0000001})


def test_a_space_of_fixed_variables_only_is_refused():
    with pytest.raises(ValueError, match="at least one variable"):
        DesignSpace((Fixed("a", 1.0),))
