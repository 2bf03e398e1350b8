import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from afssb_opt.domain.objectives import Objective, OutcomeConstraint, is_non_dominated, maximised_table, pareto_rows

OBJECTIVES = (Objective("life"), Objective("cost", "minimize"), Objective("ph", "target", target=2.0))


def test_every_goal_becomes_more_is_better():
    table = pd.DataFrame({"life": [10.0], "cost": [3.0], "ph": [5.0]})
    assert maximised_table(OBJECTIVES, table).tolist() == [[10.0, -3.0, -3.0]]


def test_a_missing_outcome_column_is_nan_and_never_on_the_front():
    table = pd.DataFrame({"life": [10.0, 1.0], "cost": [3.0, 9.0]})
    assert np.isnan(maximised_table(OBJECTIVES, table)[:, 2]).all()
    assert not pareto_rows(OBJECTIVES, (), table).any()


def test_the_front_of_a_known_set_is_found():
    values = np.array([[0.0, 3.0], [1.0, 2.0], [1.0, 1.0], [3.0, 0.0], [np.nan, 9.0]])
    assert is_non_dominated(values).tolist() == [True, True, False, True, False]


def test_equal_designs_stay_on_the_front_together():
    assert is_non_dominated(np.array([[1.0, 1.0], [1.0, 1.0]])).all()


# Few values, so that ties are many; both zeros are one number.
VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.0, 1e-300, np.nan, np.inf, -np.inf])


@given(arrays(float, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8), elements=VALUES))
def test_the_front_is_that_of_comparing_each_with_each(values):
    known = [row for row in values if np.isfinite(row).all()]
    front = [
        bool(np.isfinite(row).all()) and not any((other >= row).all() and (other > row).any() for other in known)
        for row in values
    ]
    assert is_non_dominated(values).tolist() == front


def test_a_cell_that_breaks_a_constraint_neither_enters_the_front_nor_dominates():
    table = pd.DataFrame({"life": [100.0, 10.0], "short": [1.0, 0.0]})
    rows = pareto_rows((Objective("life"),), (OutcomeConstraint("short", at_most=0),), table)
    assert rows.tolist() == [False, True]


def test_a_target_needs_a_value_and_a_constraint_a_limit():
    with pytest.raises(ValueError, match="go together"):
        Objective("ph", "target")
    with pytest.raises(ValueError, match="at_least or at_most"):
        OutcomeConstraint("ph")
