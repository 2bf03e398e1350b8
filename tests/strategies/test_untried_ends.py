"""Is every end of every range looked at, so that a start that lies beyond a cliff as a whole is noticed?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer, proposal

SPACE = DesignSpace((Categorical("level", tuple("abc")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))


def measured(designs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return cells that nearly all fell: only a low x keeps clear of the cliff."""
    gain = 10.0 - 20.0 * (designs["y"] - 0.5) ** 2 + 16.0 * designs["x"] * (1.0 - designs["x"])
    return designs.assign(gain=gain + 12.0 * (designs["x"] < 0.2) + 0.2 * rng.standard_normal(len(designs)))


def campaign(n_batches: int, seed: int) -> tuple[Optimizer, list[str]]:
    """Return the optimiser after some batches of four, and the reasons of all its cells."""
    optimizer, rng, reasons = Optimizer(SPACE, [Objective("gain")], seed=seed), np.random.default_rng(0), []
    for _ in range(n_batches):
        designs = optimizer.ask(4)
        reasons += designs.attrs["reasons"]
        optimizer.tell(measured(designs, rng))
    return optimizer, reasons


@pytest.mark.parametrize("seed", [0, 4])
def test_a_campaign_that_started_beyond_the_cliff_finds_the_other_side(seed, monkeypatch):
    optimizer, reasons = campaign(7, seed)
    assert optimizer.observations["gain"].max() > 22.0
    assert any("first cell at the low end of x" in reason for reason in reasons)
    monkeypatch.setattr(proposal, "END_PLACE", -1)
    assert campaign(7, seed)[0].observations["gain"].max() < 15.0


def test_each_end_is_looked_at_once():
    optimizer, reasons = campaign(7, seed=3)
    named = [reason for reason in reasons if "first cell at the" in reason]
    assert 1 <= len(named) <= 4
    unit = optimizer.observations[["x", "y"]].to_numpy(float)
    assert (unit.min(axis=0) < proposal.END).all()
    assert (unit.max(axis=0) > 1.0 - proposal.END).all()


def test_a_list_of_candidates_is_ranked_by_what_they_promise_not_by_where_they_lie():
    optimizer, _ = campaign(2, seed=0)
    optimizer.tell(measured(optimizer.ask(2), np.random.default_rng(1)))
    offered = pd.DataFrame({"level": "a", "x": [0.02, 0.5, 0.98], "y": [0.02, 0.5, 0.98]})
    first = optimizer.ask(1, candidates=offered)
    assert first["x"].tolist() == [0.5]
    assert "first cell" not in first.attrs["reasons"][0]


def test_a_variable_that_is_held_keeps_its_value_though_its_ends_are_untried():
    optimizer, _ = campaign(2, seed=0)
    optimizer.tell(measured(optimizer.ask(2), np.random.default_rng(1)))
    designs = optimizer.ask(2, fixed={"x": 0.5, "y": 0.5})
    assert designs[["x", "y"]].to_numpy().tolist() == [[0.5, 0.5]] * 2
    assert not any("first cell" in reason for reason in designs.attrs["reasons"])


@pytest.mark.parametrize(("n_failed", "is_looked_at"), [(10, True), (4, False)])
def test_ends_need_no_cell_once_a_limit_has_been_met_and_broken(n_failed, is_looked_at):
    optimizer = Optimizer(SPACE, [Objective("gain")], [OutcomeConstraint("short", at_most=0.5)])
    rng = np.random.default_rng(2)
    middle = pd.DataFrame(
        {"level": rng.choice(list("abc"), 10), "x": rng.uniform(0.3, 0.7, 10), "y": rng.uniform(0.3, 0.7, 10)}
    )
    middle = middle.sort_values("x", ascending=False, ignore_index=True)
    optimizer.tell(measured(middle, rng).assign(short=(middle.index < n_failed) * 1.0))
    reasons = optimizer.ask(1).attrs["reasons"]
    assert any("first cell" in reason for reason in reasons) == is_looked_at


def test_explain_says_of_such_a_cell_what_was_said_when_it_was_proposed():
    optimizer, _ = campaign(2, seed=0)
    designs = optimizer.ask(4)
    assert any("first cell at the" in reason for reason in designs.attrs["reasons"])
    assert [explanation.reason for explanation in optimizer.explain(designs)] == designs.attrs["reasons"]
