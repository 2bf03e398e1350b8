"""Do explanations say what the model and the choice really rest on?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer

SPACE = DesignSpace((Categorical("level", tuple("abc")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))


def truth(designs: pd.DataFrame) -> pd.DataFrame:
    height = designs["level"].map({"a": 0.0, "b": 1.0, "c": 0.5})
    return pd.DataFrame({"gain": height + 2.0 * designs["x"], "cost": designs["x"] + 3.0 * designs["y"]})


def told(n: int, *, constraints: tuple[OutcomeConstraint, ...] = (), both: bool = True) -> Optimizer:
    objectives = [Objective("gain"), Objective("cost", "minimize")] if both else [Objective("gain")]
    optimizer = Optimizer(SPACE, objectives, constraints, seed=2, n_initial=6)
    rng = np.random.default_rng(8)
    designs = pd.DataFrame({"level": rng.choice(list("abc"), n), "x": rng.random(n), "y": rng.random(n)})
    optimizer.tell(designs.join(truth(designs)))
    return optimizer


@pytest.fixture(scope="module")
def campaign() -> Optimizer:
    return told(14, constraints=(OutcomeConstraint("cost", at_most=2.5),))


def test_what_ask_says_of_a_batch_explain_says_again_to_the_last_digit(campaign):
    designs = campaign.ask(2)
    explained = campaign.explain(designs)
    assert [one.reason for one in explained] == designs.attrs["reasons"]
    assert [one.gain.total for one in explained] == [gain["total"] for gain in designs.attrs["gains"]]
    assert [one.gain.exploit for one in explained] == [gain["exploit"] for gain in designs.attrs["gains"]]


def test_drivers_add_up_to_the_difference_from_the_reference(campaign):
    for one in campaign.explain(campaign.observations.loc[[1, 3], ["level", "x", "y"]]):
        assert one.reference_row is not None
        for forecast in one.forecasts:
            assert sum(forecast.drivers.values()) == pytest.approx(forecast.mean - forecast.reference, abs=1e-9)


def test_a_variable_without_effect_drives_nothing_and_one_with_effect_does(campaign):
    best = campaign.observations.loc[[0]]
    design = best.assign(level="b", x=0.9, y=0.1)
    (one,) = campaign.explain(design)
    reference = campaign.observations.loc[one.reference_row]
    gain = next(forecast for forecast in one.forecasts if forecast.outcome == "gain")
    # The true outcome is additive, so that the true contributions are known.
    expected = {"x": 2.0 * (0.9 - reference["x"]), "y": 0.0}
    for name, value in expected.items():
        assert gain.drivers[name] == pytest.approx(value, abs=0.15)


def test_with_more_variables_than_can_be_exchanged_in_every_order_the_drivers_still_add_up():
    space = DesignSpace(tuple(Continuous(f"x{i}", 0.0, 1.0) for i in range(10)))
    optimizer = Optimizer(space, [Objective("f")], seed=1, n_initial=2)
    designs = optimizer.ask(12)
    optimizer.tell(designs.assign(f=designs["x0"] * designs["x1"]))
    (one,) = optimizer.explain(optimizer.ask(1))
    (forecast,) = one.forecasts
    assert len(forecast.drivers) == 10
    assert sum(forecast.drivers.values()) == pytest.approx(forecast.mean - forecast.reference, abs=1e-9)


def test_the_prediction_is_that_of_predict_and_its_interval_holds_95_percent(campaign):
    designs = pd.DataFrame({"level": ["c"], "x": [0.35], "y": [0.6]})
    (one,) = campaign.explain(designs)
    predicted = campaign.predict(designs).iloc[0]
    for forecast in one.forecasts:
        assert forecast.mean == pytest.approx(predicted[forecast.outcome], abs=1e-12)
        assert forecast.high - forecast.low == pytest.approx(2 * 1.96 * predicted[f"{forecast.outcome}_sd"], rel=1e-6)


def test_the_gain_is_split_by_what_certainty_would_leave_of_it():
    optimizer = told(14, both=False)
    explored, exploited = optimizer.explain(pd.DataFrame({"level": ["a", "b"], "x": [0.1, 1.0], "y": [0.5, 0.5]}))
    assert explored.gain.exploit_share < 0.05
    assert explored.gain.total == pytest.approx(explored.gain.exploit + explored.gain.explore)
    assert exploited.gain.total >= explored.gain.total
    assert 0.0 <= exploited.gain.exploit_share <= 1.0


def test_the_chance_of_a_limit_is_near_0_far_beyond_it_and_near_1_far_inside(campaign):
    cheap, dear = campaign.explain(pd.DataFrame({"level": ["b", "b"], "x": [0.1, 0.9], "y": [0.1, 0.95]}))
    assert cheap.chance > 0.95
    assert dear.chance < 0.05
    assert list(cheap.chances) == ["cost <= 2.5"]


def test_the_nearest_cell_of_an_observed_design_is_itself(campaign):
    (one,) = campaign.explain(campaign.observations.loc[[5], ["level", "x", "y"]])
    assert one.neighbours[0].row == 5
    assert one.neighbours[0].distance == 0.0
    assert one.neighbours[0].differs == ()
    assert [cell.distance for cell in one.neighbours] == sorted(cell.distance for cell in one.neighbours)


def test_before_any_result_an_explanation_says_that_the_design_fills_the_space():
    optimizer = Optimizer(SPACE, [Objective("gain")], seed=1)
    designs = optimizer.ask(2)
    for one, reason in zip(optimizer.explain(designs), designs.attrs["reasons"], strict=True):
        assert one.reason == reason
        assert one.gain is None
        assert one.forecasts == ()


def test_a_design_that_lacks_a_variable_is_refused(campaign):
    with pytest.raises(DesignError, match="column y: is missing"):
        campaign.explain(pd.DataFrame({"level": ["a"], "x": [0.1]}))


def test_total_importance_counts_interactions_and_equals_the_known_shares():
    space = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0), Continuous("z", 0.0, 1.0)))
    rng = np.random.default_rng(0)
    designs = pd.DataFrame(rng.random((60, 3)), columns=["x", "y", "z"])
    optimizer = Optimizer(space, [Objective("f")], seed=0)
    # f = x + (y - 1/2)(z - 1/2): variances 1/12 and 1/144, so that y and z act together only.
    optimizer.tell(designs.assign(f=designs["x"] + (designs["y"] - 0.5) * (designs["z"] - 0.5)))
    shares = optimizer.importance().set_index("variable")
    alone, total = shares["importance"], shares["total"]
    assert alone["x"] == pytest.approx(12 / 13, abs=0.03)
    assert total["x"] == pytest.approx(12 / 13, abs=0.03)
    assert alone["y"] == pytest.approx(0.0, abs=0.03)
    assert total["y"] == pytest.approx(1 / 13, abs=0.03)
    assert total["z"] == pytest.approx(1 / 13, abs=0.03)
