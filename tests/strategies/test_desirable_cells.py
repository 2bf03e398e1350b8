"""Is the one best cell found where objectives are combined, and is what is said about it true?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from afssb_opt.domain.desirability import Desirability
from afssb_opt.domain.errors import InputError, StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer
from afssb_opt.strategies.diagnostics import incumbent_row
from afssb_opt.strategies.prospects import build_prospects

SPACE = DesignSpace((Categorical("level", ("a", "b", "c")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
LIFE = Objective("life", "maximize", threshold=50.0, ideal=400.0, weight=2.0)
COST = Objective("cost", "minimize", threshold=3.0, ideal=0.5)
PULL = Objective("pull", "target", threshold=0.0, target=1.0)
GOALS = (LIFE, COST, PULL)


def truth(designs: pd.DataFrame) -> pd.DataFrame:
    height = designs["level"].map({"a": 0.0, "b": 0.7, "c": 0.3}).astype(float)
    life = np.exp(4.5 + height - 6.0 * (designs["x"] - 0.7) ** 2)
    return pd.DataFrame({"life": life, "cost": 0.3 + 2.0 * designs["x"] * designs["y"], "pull": 0.4 + designs["y"]})


def drawn(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"level": rng.choice(["a", "b", "c"], n), "x": rng.random(n), "y": rng.random(n)})


def told(n: int = 14, goals=GOALS, constraints=(), **settings) -> Optimizer:
    settings = {"seed": 1, "log_outcomes": ["life"], **settings}
    optimizer = Optimizer(SPACE, goals, constraints, combine="desirability", **settings)
    designs = drawn(n, seed=5)
    optimizer.tell(designs.join(truth(designs)))
    return optimizer


def true_score(optimizer: Optimizer, designs: pd.DataFrame) -> np.ndarray:
    return optimizer.desirability.of_table(truth(designs))


def test_the_most_desirable_design_is_found_with_few_cells():
    optimizer = Optimizer(SPACE, GOALS, seed=3, log_outcomes=["life"], combine="desirability")
    for _ in range(6):
        designs = optimizer.ask(4)
        assert not designs.duplicated().any()
        optimizer.tell(designs.join(truth(designs)))
    best = true_score(optimizer, drawn(100_000, seed=0)).max()
    assert true_score(optimizer, optimizer.observations).max() > 0.98 * best


def test_cells_far_from_every_threshold_lead_towards_them():
    goals = [Objective("life", "maximize", threshold=150.0, ideal=300.0), Objective("cost", "minimize", 0.6, ideal=0.3)]
    poor = pd.DataFrame({"level": ["a", "c"] * 4, "x": np.linspace(0.0, 0.35, 8), "y": np.linspace(1.0, 0.7, 8)})
    optimizer = Optimizer(SPACE, goals, seed=3, log_outcomes=["life"], combine="desirability", n_initial=4)
    optimizer.tell(poor.join(truth(poor)))
    assert true_score(optimizer, poor).max() < 0.0
    for _ in range(4):
        designs = optimizer.ask(4)
        optimizer.tell(designs.join(truth(designs)))
    # The best there is has 0.457.
    assert true_score(optimizer, optimizer.observations).max() > 0.45


def test_predictions_say_how_desirable_designs_are():
    optimizer = told(40)
    elsewhere = drawn(60, seed=8)
    found = optimizer.predict(elsewhere)
    error = found["desirability"].to_numpy() - true_score(optimizer, elsewhere)
    assert np.abs(error).mean() < 0.05
    assert (np.abs(error) < 3.0 * found["desirability_sd"] + 0.05).mean() > 0.9
    assert list(found)[:2] == ["desirability", "desirability_sd"]
    assert set(optimizer.effects()["outcome"]) == set(optimizer.importance()["outcome"])
    assert "desirability" in set(optimizer.effects()["outcome"])


def test_the_search_and_botorch_agree_on_what_is_worth_trying():
    optimizer = told(20)
    model = optimizer.model()
    observed = torch.as_tensor(model.encoding.encode(optimizer.observations))
    offered = torch.as_tensor(model.encoding.encode(drawn(200, seed=9)))
    prospects = build_prospects(model, GOALS, (), observed, np.zeros(20, dtype=bool), n_ask=1, seed=3)
    assert prospects.decision.is_possible
    gains = prospects.acquisition(offered).numpy()
    order = prospects.decision.order(offered, seed=4)
    # The better half by one holds the best twenty by the other.
    assert set(order[:20]) <= set(np.argsort(-gains)[:100])
    assert gains[order[0]] > 0.5 * gains.max()


def test_botorch_decides_by_the_score_and_not_by_the_trade_off():
    optimizer = told(20)
    model = optimizer.model()
    observed = torch.as_tensor(model.encoding.encode(optimizer.observations))
    prospects = build_prospects(model, GOALS, (), observed, np.zeros(20, dtype=bool), n_ask=1, seed=3)
    assert prospects.unit == 1.0, "a desirability is one in every reading of the cells"
    offered = torch.as_tensor(model.encoding.encode(drawn(300, seed=9)))
    best = offered[torch.as_tensor(np.argsort(-prospects.acquisition(offered).numpy())[:40].copy())]
    by_score = prospects.decision.order(best, seed=4)
    by_trade_off = replace(prospects.decision, score=None).order(best, seed=4)
    place = np.empty((2, 40))
    for row, order in enumerate((by_score, by_trade_off)):
        place[row, order] = np.arange(40)
    assert spearmanr(place[0], np.arange(40)).statistic > 0.9 > spearmanr(place[1], np.arange(40)).statistic


def test_cells_that_break_a_limit_are_not_what_others_must_beat():
    limit = OutcomeConstraint("cost", at_most=0.6)
    free, limited = told(20), told(20, constraints=[limit])
    model = limited.model()
    observed = torch.as_tensor(model.encoding.encode(limited.observations))
    outcomes = truth(limited.observations)
    is_allowed = limit.holds(outcomes["cost"].to_numpy())
    score = true_score(limited, limited.observations)
    assert score[is_allowed].max() < score.max() - 0.1
    gains = {}
    for name, limits in (("free", ()), ("limited", (limit,))):
        prospects = build_prospects(model, GOALS, limits, observed, np.zeros(20, dtype=bool), n_ask=1, seed=3)
        between = drawn(3000, seed=9)
        worth, cost = true_score(free, between), truth(between)["cost"]
        between = between[(worth < score.max() - 0.05) & (worth > score[is_allowed].max() + 0.05) & (cost < 0.55)]
        gains[name] = prospects.acquisition(torch.as_tensor(model.encoding.encode(between))).numpy()
    assert len(gains["free"])
    assert gains["limited"].mean() > 0.02 > gains["free"].mean()


def test_the_best_cell_is_the_most_desirable_not_that_of_the_best_ranks():
    cells = pd.DataFrame({"level": "a", "x": [0.1, 0.2, 0.3], "y": 0.5, "life": [100.0, 99.0, 400.0],
                          "cost": [0.5, 0.6, 2.0]})  # fmt: skip
    wishes = (LIFE, COST)
    assert incumbent_row(SPACE, wishes, (), cells) == 0
    assert incumbent_row(SPACE, wishes, (), cells, Desirability(wishes)) == 2


def test_both_readings_of_the_cells_are_scored():
    model = told(20).model()
    both = replace(model, desirability=None, rival=replace(model, desirability=None)).wanting(Desirability(GOALS))
    assert both.score is not None
    assert both.rival.score is not None


def test_the_gain_is_that_of_samples_of_the_predicted_outcomes():
    optimizer = told(20)
    model = optimizer.model()
    observed = torch.as_tensor(model.encoding.encode(optimizer.observations))
    prospects = build_prospects(model, GOALS, (), observed, np.zeros(20, dtype=bool), n_ask=1, seed=3)
    offered = drawn(300, seed=9)
    gains = prospects.acquisition(torch.as_tensor(model.encoding.encode(offered))).numpy()
    best = true_score(optimizer, optimizer.observations).max()
    for row in np.argsort(-gains)[:3]:
        features = torch.as_tensor(model.encoding.encode(offered.iloc[[row]]))
        draws = model.score.predicted(model.outcomes, features)[0].numpy()
        assert gains[row] == pytest.approx(np.maximum(draws - best, 0.0).mean(), rel=0.25, abs=2e-3)


def test_a_batch_is_explained_word_for_word_with_its_desirability():
    optimizer = told(14, constraints=[OutcomeConstraint("cost", at_most=2.0)])
    designs = optimizer.ask(2)
    assert "noisy expected improvement of the desirability (qLogNEI)" in designs.attrs["method"]
    assert designs.attrs["reference_point"] == {}
    for why, one in zip(designs.attrs["reasons"], optimizer.explain(designs), strict=True):
        assert one.reason == why
        assert "expected desirability" in why
        forecast = next(forecast for forecast in one.forecasts if forecast.outcome == "desirability")
        assert forecast.low <= forecast.mean <= forecast.high
        assert sum(forecast.drivers.values()) == pytest.approx(forecast.mean - forecast.reference, abs=1e-9)
    best = np.argmax(np.where(optimizer.observations["cost"] <= 2.0, true_score(optimizer, optimizer.observations), -9))
    assert optimizer.explain(designs)[0].reference_row == best


def test_stop_advice_weighs_the_gain_against_the_scatter_of_the_score():
    rng = np.random.default_rng(2)
    optimizer = told(1)
    designs = drawn(40, seed=6)
    noise = rng.normal(1.0, 0.1, (40, 3))
    optimizer.tell(designs.join(truth(designs) * noise))
    advice = optimizer.stop_advice(2)
    best = truth(designs).iloc[int(true_score(optimizer, designs).argmax())]
    repeats = pd.DataFrame(best.to_numpy() * rng.normal(1.0, 0.1, (4000, 3)), columns=["life", "cost", "pull"])
    assert advice.scatter == pytest.approx(optimizer.desirability.of_table(repeats).std(), rel=0.6)
    assert advice.ratio < 3.0


def test_an_objective_without_data_waits_and_the_others_count():
    optimizer = Optimizer(SPACE, GOALS, seed=1, log_outcomes=["life"], combine="desirability", n_initial=4)
    designs = drawn(8, seed=5)
    optimizer.tell(designs.join(truth(designs)).assign(pull=np.nan))
    assert "desirability" in optimizer.predict(designs)
    assert len(optimizer.ask(3)) == 3


def test_lives_that_go_on_are_lower_limits_of_the_score_too():
    optimizer = told(10)
    more = drawn(6, seed=7)
    optimizer.tell(more.join(truth(more)).assign(life_censored=True))
    assert len(optimizer.ask(2)) == 2


def test_the_words_of_a_campaign_file_open_the_library():
    definition = {
        "space": {"x": {"low": 0, "high": 1}},
        "objectives": {"a": {"goal": "maximize", "threshold": 0, "ideal": 1, "weight": 3}},
        "combine": "desirability",
    }
    optimizer = Optimizer.from_dict(definition)
    assert optimizer.desirability.objectives[0].weight == 3.0
    assert optimizer.ask(1).shape == (1, 1)


def test_what_cannot_be_combined_is_refused_with_what_is_missing():
    with pytest.raises(InputError, match=r"objectives\.life: has no ideal"):
        Optimizer(SPACE, [Objective("life", threshold=3.0)], combine="desirability")
    with pytest.raises(StrategyError, match="cannot be combined to 'product'; allowed are 'desirability' and None"):
        Optimizer(SPACE, GOALS, combine="product")
