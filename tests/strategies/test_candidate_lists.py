"""Does `ask` keep to what a user fixes or offers?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import DesignError, StrategyError
from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.rules import LinearConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous, Discrete, Fixed
from afssb_opt.strategies import Optimizer

SPACE = DesignSpace(
    (
        Categorical("metal", ("Ag", "Mg", "none")),
        Continuous("pressure_mpa", 0.5, 10.0, "log", shared_per_batch=True),
        Continuous("thickness_um", 1.0, 20.0),
        Discrete("coats", (1.0, 2.0, 5.0)),
        Fixed("temperature_c", 60.0),
    ),
    rules=(LinearConstraint({"pressure_mpa": 1.0, "coats": 1.0}, at_most=11.0),),
)


def life(designs: pd.DataFrame) -> pd.Series:
    return designs["metal"].map({"Ag": 1.0, "Mg": 2.0, "none": 0.0}) - (designs["thickness_um"] / 10.0 - 1.0) ** 2


def told(n: int) -> Optimizer:
    optimizer = Optimizer(SPACE, [Objective("life")], seed=4, n_initial=6)
    if n:
        designs = a_list(n, seed=1)
        optimizer.tell(designs.assign(life=life(designs)))
    return optimizer


def a_list(n: int, seed: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "supplier": [f"lot {i}" for i in range(n)],
            "metal": rng.choice(["Ag", "Mg", "none"], n),
            "pressure_mpa": 4.0,
            "thickness_um": rng.uniform(1.0, 20.0, n),
            "coats": rng.choice([1.0, 2.0, 5.0], n),
        }
    )


@pytest.mark.parametrize("n", [0, 12])
def test_fixed_values_hold_in_every_design_before_and_after_there_is_a_model(n):
    designs = told(n).ask(3, fixed={"metal": "Ag", "coats": 2, "pressure_mpa": 3.3333333})
    assert set(designs["metal"]) == {"Ag"}
    assert set(designs["coats"]) == {2.0}
    assert set(designs["pressure_mpa"]) == {3.3333333}
    assert designs["thickness_um"].nunique() == 3


def test_a_fixed_design_that_leaves_too_little_freedom_is_refused_with_what_to_do():
    with pytest.raises(StrategyError, match="Fix fewer variables or ask for fewer"):
        told(12).ask(2, fixed={"metal": "Ag", "thickness_um": 7.0, "coats": 2, "pressure_mpa": 3.0})


def test_every_wrong_fixed_value_is_named_with_what_is_allowed():
    with pytest.raises(DesignError) as refused:
        told(0).ask(1, fixed={"metal": "Agg", "thickness_um": 50, "coats": 3, "preasure_mpa": 1, "pressure_mpa": "x"})
    text = str(refused.value)
    assert "5 problems" in text
    for part in ("Did you mean 'Ag'?", "Allowed: 1 to 20", "Allowed: 1, 2, 5", "Did you mean 'pressure_mpa'?",
                 "'x' is not a number"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("n", [0, 12])
def test_designs_out_of_a_list_are_rows_of_it_untouched_and_different(n):
    listed = a_list(30)
    designs = told(n).ask(5, candidates=listed)
    rows = designs.attrs["rows"]
    assert len(set(rows)) == 5
    pd.testing.assert_frame_equal(
        designs[["metal", "thickness_um", "coats"]],
        listed.loc[rows, ["metal", "thickness_um", "coats"]].reset_index(drop=True),
        check_dtype=False,
    )


def test_with_a_model_the_best_of_a_list_comes_first():
    listed = a_list(30)
    first = told(24).ask(1, candidates=listed)
    assert life(first).iloc[0] >= life(listed).nlargest(3).min()


def test_a_list_with_fewer_new_designs_than_asked_for_is_refused():
    optimizer, listed = told(8), a_list(3)
    optimizer.tell(listed.head(1).assign(life=1.0))
    with pytest.raises(StrategyError, match=r"2 of 3 found.*Add designs to the list of 3"):
        optimizer.ask(3, candidates=listed)


def test_every_wrong_candidate_is_named_by_row_and_column_with_what_is_allowed():
    listed = a_list(4)
    listed.loc[1, "metal"] = "Mgg"
    listed.loc[2, "thickness_um"] = 300.0
    with pytest.raises(DesignError) as refused:
        told(0).ask(1, candidates=listed)
    text = str(refused.value)
    assert "row 1, metal: unknown level 'Mgg'. Did you mean 'Mg'?" in text
    assert "row 2, thickness_um: 300 is outside the bounds. Allowed: 1 to 20" in text


def test_a_candidate_that_breaks_a_rule_is_refused():
    with pytest.raises(DesignError, match="row 0: breaks the rule"):
        told(0).ask(1, candidates=a_list(1).assign(pressure_mpa=9.0, coats=5.0))


def test_a_list_without_a_variable_is_refused():
    with pytest.raises(DesignError, match="column thickness_um: is missing"):
        told(0).ask(1, candidates=a_list(3).drop(columns="thickness_um"))
