"""Do BoTorch's own objects say the same as the surrogate and the closed form that screens for them?"""

import numpy as np
import pandas as pd
import pytest
import torch
from botorch.models import SingleTaskGP
from scipy.stats import spearmanr

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer
from afssb_opt.strategies.decision import as_botorch
from afssb_opt.strategies.prospects import build_prospects

SPACE = DesignSpace((Categorical("level", ("a", "b", "c")), Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))


def cells(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"level": rng.choice(["a", "b", "c"], n), "x": rng.random(n), "y": rng.random(n)})
    table["f"] = np.sin(4 * table["x"]) + table["level"].map({"a": 0.0, "b": 0.5, "c": 1.0})
    table["g"] = table["y"] - table["x"] ** 2
    table["short"] = (table["y"] > 0.7).astype(float)
    return table


def told(objectives, constraints=()) -> Optimizer:
    optimizer = Optimizer(SPACE, objectives, constraints, seed=1)
    optimizer.tell(cells(18, seed=5))
    return optimizer


def test_the_botorch_model_has_the_posterior_of_the_surrogate():
    (entry,) = told([Objective("f")]).model().outcomes.values()
    model = told([Objective("f")]).model()
    features = torch.as_tensor(model.encoding.encode(cells(30, seed=8)))
    botorch_model = as_botorch(entry.gp)
    assert isinstance(botorch_model, SingleTaskGP)
    posterior = botorch_model.posterior(features)
    mean, variance = entry.gp.mean_and_variance(features)
    assert posterior.mean[:, 0].detach().numpy() == pytest.approx(mean.numpy(), abs=1e-6)
    assert posterior.variance[:, 0].detach().numpy() == pytest.approx(variance.numpy(), abs=1e-6)


@pytest.mark.parametrize(
    ("objectives", "constraints"),
    [
        ([Objective("f")], []),
        ([Objective("f"), Objective("g", "minimize")], []),
        ([Objective("f", "target", target=1.9)], [OutcomeConstraint("g", at_least=-0.3)]),
        ([Objective("f"), Objective("g")], [OutcomeConstraint("short", at_most=0)]),
    ],
)
def test_qlognei_and_qlognehvi_order_designs_as_the_closed_form_does(objectives, constraints):
    optimizer = told(objectives, constraints)
    model = optimizer.model()
    observed = torch.as_tensor(model.encoding.encode(optimizer.observations))
    failed = np.zeros(len(observed), dtype=bool)
    with torch.no_grad():
        prospects = build_prospects(model, objectives, constraints, observed, failed, n_ask=1, seed=3)
        candidates = torch.as_tensor(model.encoding.encode(cells(60, seed=11)))
        screened = prospects.acquisition(candidates).numpy()
    order = prospects.decision.order(candidates, seed=3)
    rank = np.empty(len(order))
    rank[order] = -np.arange(len(order))
    # Far down in the tails the two differ by rounding; what matters is the top.
    best = np.argsort(-screened)[:15]
    assert spearmanr(rank[best], screened[best]).statistic > 0.7
    assert order[0] in best[:6]


def test_a_decision_that_botorch_cannot_make_is_said_and_the_search_decides(monkeypatch):
    optimizer = told([Objective("f")])

    def refuse(*_):
        raise StrategyError("BoTorch could not evaluate the finalists (planted)")

    monkeypatch.setattr("afssb_opt.strategies.decision.Decision.order", refuse)
    designs = optimizer.ask(2)
    assert len(designs) == 2
    assert any("the order of the search stands" in note for note in designs.attrs["notes"])
