"""Do prior data help where they hold, and do no harm where they do not?"""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer
from afssb_opt.strategies.proposal import default_n_initial

LEVELS = tuple("abcdefgh")
SPACE = DesignSpace((Categorical("level", LEVELS), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
HEIGHT = dict(zip(LEVELS, np.random.default_rng(3).permutation(8) / 4.0, strict=True))


def truth(designs: pd.DataFrame) -> pd.DataFrame:
    bowl = 4.0 * (designs["x"] - 0.3) ** 2 + 2.0 * (designs["y"] - 0.7) ** 2
    return pd.DataFrame({"f": designs["level"].map(HEIGHT).astype(float) - bowl})


def known_before(kind: str, n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    designs = pd.DataFrame({"level": rng.choice(LEVELS, n), "x": rng.random(n), "y": rng.random(n)})
    value = {"biased": 1.7 * truth(designs)["f"] - 3.0, "wrong": -truth(designs)["f"], "chance": rng.random(n)}[kind]
    return designs.assign(f=value)


def course(prior: pd.DataFrame | None, n_rounds: int) -> list[float]:
    """Return the best value found after each batch of four."""
    optimizer = Optimizer(SPACE, [Objective("f")], seed=0, prior_data=prior)
    best = []
    for _ in range(n_rounds):
        designs = optimizer.ask(4)
        optimizer.tell(designs.join(truth(designs)))
        best.append(float(optimizer.observations["f"].max()))
    return best


@pytest.fixture(scope="module")
def without() -> list[float]:
    return course(None, 4)


def test_a_biased_simulation_finds_in_two_batches_what_takes_longer_without(without):
    helped = course(known_before("biased"), 2)
    assert helped[1] > without[1] + 0.1
    assert helped[1] > 1.5


def test_a_simulation_that_calls_the_worst_the_best_costs_little_after_some_batches(without):
    assert course(known_before("wrong"), 4)[3] > without[3] - 0.15


def test_predictions_follow_the_campaigns_own_scale_not_that_of_the_prior_data():
    optimizer = Optimizer(SPACE, [Objective("f")], seed=1, prior_data=known_before("biased", 60))
    rng = np.random.default_rng(5)
    own = pd.DataFrame({"level": rng.choice(LEVELS, 10), "x": rng.random(10), "y": rng.random(10)})
    optimizer.tell(own.join(truth(own)))
    asked = pd.DataFrame({"level": rng.choice(LEVELS, 40), "x": rng.random(40), "y": rng.random(40)})
    error = optimizer.predict(asked)["f"] - truth(asked)["f"]
    alone = Optimizer(SPACE, [Objective("f")], seed=1)
    alone.tell(own.join(truth(own)))
    assert error.abs().mean() < 0.5 * (alone.predict(asked)["f"] - truth(asked)["f"]).abs().mean()


@pytest.mark.parametrize(("kind", "holds"), [("biased", True), ("chance", False)])
def test_where_four_cells_speak_against_the_prior_data_they_are_left_aside(kind, holds):
    optimizer = Optimizer(SPACE, [Objective("f")], seed=1, prior_data=known_before(kind))
    # By chance four cells often speak for numbers without meaning; these do not.
    rng = np.random.default_rng(3)
    own = pd.DataFrame({"level": list("aceg"), "x": rng.random(4), "y": rng.random(4)})
    optimizer.tell(own.join(truth(own)))
    assert any("prior data are left aside" in note for note in optimizer.model().notes) != holds


@pytest.mark.parametrize("kind", ["biased", "chance"])
def test_the_start_is_as_long_as_without_prior_data_which_lead_two_of_its_cells(kind):
    optimizer = Optimizer(SPACE, [Objective("f")], seed=1, prior_data=known_before(kind))
    reasons = []
    for _ in range(3):
        designs = optimizer.ask(4)
        reasons += designs.attrs["reasons"]
        optimizer.tell(designs.join(truth(designs)))
    led, filling = (sum(r.startswith(s) for r in reasons) for s in ("as the prior data", "space-filling start"))
    assert led == 2
    assert led + filling == default_n_initial(SPACE)


def test_the_first_batch_follows_the_prior_data_with_every_other_design_and_says_so():
    optimizer = Optimizer(SPACE, [Objective("f")], seed=1, prior_data=known_before("biased"))
    designs = optimizer.ask(4)
    assert [reason.startswith("as the prior data suggest") for reason in designs.attrs["reasons"]] == [
        True,
        True,
        False,
        False,
    ]
    assert [one.reason for one in optimizer.explain(designs)] == designs.attrs["reasons"]
    assert len(optimizer.observations) == 0


def test_a_batch_that_shares_a_variable_shares_it_between_both_parts():
    space = DesignSpace((Categorical("level", LEVELS), Continuous("x", 0.0, 1.0, shared_per_batch=True),
                         Continuous("y", 0.0, 1.0)))  # fmt: skip
    designs = Optimizer(space, [Objective("f")], seed=1, prior_data=known_before("biased")).ask(4)
    assert designs["x"].nunique() == 1


def test_prior_data_of_one_outcome_only_teach_that_one_and_levels_out_of_the_space_are_taken():
    prior = known_before("biased").replace({"level": {"h": "old"}})
    wishes = [Objective("f"), Objective("cost", "minimize")]
    limit = OutcomeConstraint("works", at_least=1)
    optimizer = Optimizer(SPACE, wishes, [limit], binary_outcomes=["works"], prior_data=prior)
    for _ in range(2):
        designs = optimizer.ask(4)
        assert "old" not in set(designs["level"])
        optimizer.tell(designs.join(truth(designs)).assign(cost=designs["x"], works=(designs["y"] > 0.2) * 1.0))
    assert set(optimizer.predict(designs)) >= {"f", "cost", "works"}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (known_before("biased").drop(columns="x"), "column x: is missing"),
        (known_before("biased").drop(columns="f"), "hold no outcome of this task"),
        (known_before("biased").head(2), "Give at least 5"),
    ],
)
def test_prior_data_that_can_teach_nothing_are_refused(table, problem):
    with pytest.raises(DesignError, match=problem):
        Optimizer(SPACE, [Objective("f")], prior_data=table)
