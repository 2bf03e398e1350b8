"""Does the map of levels say which are alike and what each can do at a recipe of its own?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.rules import LinearConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer

LEVELS = ("one", "twin", "other", "shorting", "untried")
SPACE = DesignSpace((Categorical("seed", LEVELS), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
# Where each level is best in x, and how good it is there.
BEST_AT = {"one": 0.3, "twin": 0.32, "other": 0.8, "shorting": 0.5, "untried": 0.5}
HEIGHT = {"one": 3.0, "twin": 3.05, "other": 2.0, "shorting": 4.0, "untried": 1.0}
GAIN = (Objective("gain"),)
LIMIT = OutcomeConstraint("short", at_most=0)


def cells(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"seed": rng.choice(LEVELS[:4], n), "x": rng.random(n), "y": rng.random(n)})
    gain = table["seed"].map(HEIGHT) - 8.0 * (table["x"] - table["seed"].map(BEST_AT)) ** 2
    return table.assign(gain=gain, cost=table["x"], short=(table["seed"] == "shorting") * 1.0)


def mapped(objectives=GAIN, constraints=(LIMIT,), space=SPACE, **settings) -> pd.DataFrame:
    optimizer = Optimizer(space, objectives, constraints, seed=1, **settings)
    optimizer.tell(cells())
    return optimizer.level_map("seed").set_index("level")


def distance(table: pd.DataFrame, one: str, other: str) -> float:
    return float(np.hypot(*(table.loc[one, ["x", "y"]] - table.loc[other, ["x", "y"]]).astype(float)))


def test_levels_that_behave_alike_lie_together_and_others_apart():
    table = mapped()
    assert list(table.index) == list(LEVELS)
    assert distance(table, "one", "twin") < 0.25 * distance(table, "one", "other")
    assert 0.5 < table.attrs["share"] <= 1.0


def test_each_level_is_judged_at_a_recipe_of_its_own():
    table = mapped()
    for level in ("one", "twin", "other"):
        assert table.loc[level, "best_gain"] == pytest.approx(HEIGHT[level], abs=0.15)
    assert table.loc["untried", "best_gain_sd"] > 3.0 * table.loc["one", "best_gain_sd"]
    assert table["n_cells"].to_dict() == {**cells()["seed"].value_counts().to_dict(), "untried": 0}


def test_a_level_that_always_fails_is_unlikely_to_keep_the_limits_and_still_has_a_value():
    table = mapped()
    assert table.loc["one", "chance"] > 0.9
    assert table.loc["shorting", "chance"] < 0.3
    assert np.isfinite(table["best_gain"]).all()
    assert "chance" in mapped(constraints=())
    assert (mapped(constraints=())["chance"] == 1.0).all()


def test_the_best_is_the_lowest_where_less_is_wanted_and_the_nearest_where_a_target_is():
    table = mapped((Objective("cost", "minimize"), Objective("gain", "target", target=2.5)))
    assert (table["best_cost"].drop(["shorting", "untried"]) < 0.1).all()
    assert table.loc["one", "best_gain"] == pytest.approx(2.5, abs=0.05)
    assert table.loc["other", "best_gain"] == pytest.approx(2.0, abs=0.2)


def test_only_recipes_that_obey_the_rules_count():
    narrow = DesignSpace(SPACE.variables, (LinearConstraint({"x": 1.0}, at_most=0.5),))
    table = mapped(space=narrow)
    assert table.loc["other", "best_gain"] < 1.6
    assert table.loc["one", "best_gain"] == pytest.approx(3.0, abs=0.15)


def test_of_few_recipes_that_obey_the_best_is_one_of_them():
    narrow = DesignSpace(SPACE.variables, (LinearConstraint({"x": 1.0}, at_most=0.05),))
    table = mapped(space=narrow)
    # At the upper end of what is left.
    assert table.loc["one", "best_gain"] == pytest.approx(3.0 - 8.0 * 0.25**2, abs=0.2)
    none_left = DesignSpace(SPACE.variables, (LinearConstraint({"x": 1.0, "y": 1.0}, at_most=1e-6),))
    assert mapped(space=none_left)[["chance", "best_gain"]].isna().all(axis=None)


def test_the_best_is_that_of_recipes_likely_to_keep_the_limits():
    optimizer = Optimizer(SPACE, GAIN, [LIMIT], seed=1)
    told = cells()
    optimizer.tell(told.assign(short=(told["x"] > 0.5) * 1.0))
    table = optimizer.level_map("seed").set_index("level")
    # Its best, 2.0, lies at 0.8, where every cell shorts.
    assert table.loc["other", "best_gain"] < 1.5
    assert table.loc["one", "best_gain"] == pytest.approx(3.0, abs=0.15)
    assert table.loc["other", "chance"] > 0.8


def test_a_desirability_comes_first():
    wishes = (Objective("gain", threshold=1.0, ideal=3.0), Objective("cost", "minimize", threshold=0.9, ideal=0.2))
    table = mapped(wishes, combine="desirability")
    assert [name for name in table if not name.endswith("_sd")][4:] == ["best_desirability", "best_gain", "best_cost"]
    assert table.loc["one", "best_desirability"] > table.loc["other", "best_desirability"]


def test_a_space_of_levels_alone_has_a_map():
    space = DesignSpace((Categorical("seed", ("a", "b", "c")), Categorical("wash", ("no", "yes"))))
    optimizer = Optimizer(space, [Objective("gain")])
    told = pd.DataFrame(
        {"seed": ["a", "b", "c", "a"], "wash": ["no", "no", "yes", "yes"], "gain": [1.0, 2.0, 3.0, 1.5]}
    )
    optimizer.tell(told)
    assert optimizer.level_map("wash")["n_cells"].tolist() == [2, 2]
    assert np.isfinite(optimizer.level_map("seed")[["x", "y", "best_gain"]].to_numpy()).all()


def test_a_space_of_levels_alone_has_effects_where_no_cell_is_allowed():
    space = DesignSpace((Categorical("seed", ("a", "b", "c")),))
    optimizer = Optimizer(space, [Objective("gain")], [OutcomeConstraint("gain", at_least=9.0)])
    optimizer.tell(pd.DataFrame({"seed": ["a", "b", "c"], "gain": [1.0, 2.0, 3.0]}))
    assert optimizer.effects()["value"].tolist() == ["a", "b", "c"]


def test_outcomes_and_variables_may_have_the_names_of_the_columns():
    space = DesignSpace((Categorical("level", ("a", "b")), Continuous("x", 0.0, 1.0)))
    optimizer = Optimizer(space, [Objective("y"), Objective("chance"), Objective("n_cells", "minimize")])
    optimizer.tell(pd.DataFrame({"level": list("abab"), "x": [0.1, 0.2, 0.8, 0.9], "y": 1.0, "chance": 5.0,
                                 "n_cells": [1.0, 2.0, 3.0, 4.0]}))  # fmt: skip
    table = optimizer.level_map("level")
    assert table["n_cells"].tolist() == [2, 2]
    assert {"best_y", "best_chance", "best_n_cells"} <= set(table)


def test_a_variable_without_levels_is_refused():
    optimizer = Optimizer(SPACE, [Objective("gain")])
    with pytest.raises(StrategyError, match="'x' is no categorical variable; known are seed"):
        optimizer.level_map("x")
    with pytest.raises(StrategyError, match="no model yet"):
        optimizer.level_map("seed")
