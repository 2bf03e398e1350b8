"""Does the stop advice tell a campaign that can still gain from one that cannot?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Continuous
from afssb_opt.strategies import Optimizer

SPACE = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
NOISE = 0.1


def measured(designs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    bowl = 1.0 - (designs["x"] - 0.4) ** 2 - (designs["y"] - 0.6) ** 2
    return pd.DataFrame({"f": bowl + NOISE * rng.standard_normal(len(designs)), "g": designs["x"]})


def told(n: int, objectives: list[Objective]) -> Optimizer:
    optimizer, rng = Optimizer(SPACE, objectives, seed=1, n_initial=4), np.random.default_rng(0)
    designs = pd.DataFrame(rng.random((n, 2)), columns=["x", "y"])
    optimizer.tell(designs.join(measured(designs, rng)))
    return optimizer


def test_the_ratio_falls_as_the_best_cell_is_found():
    early, late = told(4, [Objective("f")]).stop_advice(4), told(80, [Objective("f")]).stop_advice(4)
    assert early.ratio > 1.0
    assert late.ratio < 0.5
    assert "times the cell-to-cell scatter" in str(late)


def test_designs_under_test_count_as_if_their_results_were_in():
    optimizer = told(8, [Objective("f")])
    before = optimizer.stop_advice(2)
    optimizer.ask(6)
    after = optimizer.stop_advice(2)
    assert after.gain < before.gain


def test_advice_asks_for_nothing_and_is_that_of_the_batch_that_follows():
    optimizer = told(10, [Objective("f"), Objective("g", "minimize")])
    advice = optimizer.stop_advice(2)
    assert optimizer.pending.empty
    assert optimizer.ask(2).attrs["advice"] == advice.to_dict()


def test_while_the_space_is_being_filled_it_is_too_early_to_say():
    advice = Optimizer(SPACE, [Objective("f")]).stop_advice(4)
    assert advice.ratio is None
    assert "too early" in str(advice)


def test_the_scatter_is_that_of_repeated_cells():
    ratios = []
    for seed in range(5):
        optimizer, rng = Optimizer(SPACE, [Objective("f")], seed=1, n_initial=4), np.random.default_rng(seed)
        ten = np.random.default_rng(seed + 1).random((10, 2))
        places = pd.DataFrame(np.repeat(ten, 4, axis=0), columns=["x", "y"])
        table = places.join(measured(places, rng)[["f"]])
        optimizer.tell(table)
        within = table.groupby(["x", "y"])["f"].std(ddof=0).pow(2).mean() ** 0.5 * (4 / 3) ** 0.5
        ratios.append(optimizer.stop_advice(1).scatter * table["f"].std(ddof=0) / within)
    # Ten places can leave a part of the surface that looks like scatter; usually they do not.
    assert np.median(ratios) == pytest.approx(1.0, abs=0.15)
    assert max(ratios) < 1.6
