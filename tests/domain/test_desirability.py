"""Is one score of several outcomes what Derringer and Suich mean by it, and what does it say where one is missed?"""

import numpy as np
import pandas as pd
import pytest
import torch

from afssb_opt.domain.desirability import Desirability
from afssb_opt.domain.errors import InputError
from afssb_opt.domain.objectives import Objective

LIFE = Objective("life", "maximize", threshold=100.0, ideal=500.0)
PRICE = Objective("price", "minimize", threshold=10.0, ideal=2.0)
PRESSURE = Objective("pressure", "target", threshold=5.0, target=2.0)
ALL = Desirability((LIFE, PRICE, PRESSURE))


def score(life: float, price: float, pressure: float) -> float:
    return ALL.of_table(pd.DataFrame({"life": [life], "price": [price], "pressure": [pressure]}))[0]


def test_the_score_is_the_geometric_mean_of_what_each_outcome_is_worth():
    # Halfway in life, three quarters of the way in price, two thirds in pressure, from either side.
    expected = (0.5 * 0.75 * 2.0 / 3.0) ** (1.0 / 3.0)
    assert score(300.0, 4.0, 3.0) == pytest.approx(expected)
    assert score(300.0, 4.0, 1.0) == pytest.approx(expected)


def test_beyond_the_ideal_nothing_is_worth_more():
    assert score(500.0, 2.0, 2.0) == pytest.approx(1.0)
    assert score(9000.0, -3.0, 2.0) == pytest.approx(1.0)


def test_a_weight_of_two_counts_like_two_objectives():
    heavy = Desirability((Objective("life", "maximize", 100.0, ideal=500.0, weight=2.0), PRICE))
    found = heavy.of_table(pd.DataFrame({"life": [300.0], "price": [4.0]}))[0]
    assert found == pytest.approx((0.5 * 0.5 * 0.75) ** (1.0 / 3.0))


def test_a_missed_threshold_makes_the_score_negative_and_the_more_so_the_more_it_is_missed():
    assert score(100.0, 4.0, 3.0) == pytest.approx(0.0)
    just, far, hopeless = score(90.0, 4.0, 3.0), score(20.0, 4.0, 3.0), score(-1e9, 1e9, 1e9)
    assert 0.0 > just > far > hopeless > -1.0
    # Better in what is not missed does not make up for it.
    assert score(90.0, 2.0, 2.0) == pytest.approx(just)


def test_a_missing_outcome_leaves_no_score():
    table = pd.DataFrame({"life": [300.0, np.nan], "price": [4.0, 4.0], "pressure": [3.0, 3.0]})
    assert np.isnan(ALL.of_table(table)).tolist() == [False, True]
    assert np.isnan(ALL.of_table(table.drop(columns="price"))).all()
    assert ALL.of_cell({"life": 300.0, "price": 4.0}) is None
    assert ALL.of_cell({"life": 300.0, "price": 4.0, "pressure": 3.0}) == pytest.approx(ALL.of_table(table)[0])


def test_arrays_of_torch_get_the_same_score_as_those_of_numpy():
    rng = np.random.default_rng(0)
    columns = [rng.uniform(0.0, 600.0, 50), rng.uniform(0.0, 12.0, 50), rng.uniform(0.0, 7.0, 50)]
    expected = ALL.score(columns)
    assert ALL.score([torch.as_tensor(column) for column in columns]).numpy() == pytest.approx(expected, abs=1e-12)


def test_every_objective_that_cannot_be_scored_is_named():
    with pytest.raises(InputError) as caught:
        Desirability(
            (
                Objective("a"),
                Objective("b", "maximize", threshold=5.0, ideal=5.0),
                Objective("c", "minimize", threshold=1.0, ideal=3.0),
                Objective("d", "target", threshold=2.0, target=2.0, ideal=3.0),
            )
        )
    text = str(caught.value)
    for words in (
        "objectives.a: has no threshold",
        "objectives.a: has no ideal",
        "(5) is not above the threshold (5)",
        "(3) is not below the threshold (1)",
        "d.ideal: is given beside a target",
        "is the target itself",
    ):
        assert words in text
