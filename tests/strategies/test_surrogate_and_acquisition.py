"""Do the models and the acquisition agree with what is known exactly?"""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
from gpytorch.kernels import LinearKernel, MaternKernel
from scipy.optimize import check_grad

from afssb_opt.domain.objectives import Objective, OutcomeConstraint, maximised_table
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from afssb_opt.strategies import Optimizer, fitting, hypervolume, hypervolume_history, reference_point
from afssb_opt.strategies.acquisition import ObjectiveTerm
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.fitting import (
    NegativeLogPosterior,
    default_hyperparameters,
    fit_hyperparameters,
    rows_to_fit,
)
from afssb_opt.strategies.hypervolume import fixed_reference_point
from afssb_opt.strategies.hypervolume_grid import HypervolumeGrid
from afssb_opt.strategies.one_sided import condition_one_sided
from afssb_opt.strategies.surrogate import (
    BOWL_VARIANCE,
    MEAN_VARIANCE,
    Hyperparameters,
    KernelShape,
    kernel,
    prior_variance,
)

LEVELS = ("a", "b", "c")
DESCRIBED = DesignSpace(
    (
        Categorical("level", LEVELS, {"a": {"size": 1.0}, "b": {"size": 2.0}, "c": {"size": 5.0}}),
        Continuous("x", 0.0, 1.0),
        Continuous("y", 0.0, 1.0),
    )
)


def cells(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"level": rng.choice(LEVELS, n), "x": rng.random(n), "y": rng.random(n)})


def shape_and_features(n: int) -> tuple[KernelShape, torch.Tensor]:
    designs = cells(n)
    encoding = Encoding.for_data(DESCRIBED, designs)
    shape = replace(KernelShape.for_encoding(encoding), better_side=1.0)
    return shape, torch.as_tensor(encoding.encode(designs))


def test_covariances_are_sums_of_gpytorch_kernels():
    shape, features = shape_and_features(7)
    rng = np.random.default_rng(1)
    lengths = torch.as_tensor(rng.normal(0.0, 0.5, shape.n_groups))
    found = Hyperparameters(lengths, torch.as_tensor(rng.normal(-1.0, 0.5, shape.n_terms)), -5.0)
    # Columns: x, y, the descriptor, three names; names share a length scale.
    scaled = features / lengths.exp()[torch.as_tensor([0, 1, 2, 3, 3, 3])]
    centred = 2.0 * features - 1.0

    def matern(columns: list[int]) -> torch.Tensor:
        return (
            MaternKernel(nu=2.5, ard_num_dims=len(columns))
            .double()
            .initialize(lengthscale=1.0)(scaled[:, columns])
            .to_dense()
        )

    def line(columns: list[int], power: int) -> torch.Tensor:
        z = centred[:, columns] ** power
        return LinearKernel().double().initialize(variance=1.0)(z).to_dense() / len(columns)

    bowl = (centred[:, [0, 1]] ** 2).mean(1)
    rest, numeric, levels, slopes, parabola = found.log_variances.exp()
    expected = (
        rest * matern([0, 1, 2, 3, 4, 5]) + numeric * matern([0, 1]) + levels * matern([2, 3, 4, 5])
        + slopes * matern([2, 3, 4, 5]) * line([0, 1], 1)
        + parabola * (line([0, 1, 2], 1) + line([0, 1, 2], 2))
        + MEAN_VARIANCE + BOWL_VARIANCE * torch.outer(bowl, bowl)
    )  # fmt: skip
    covariance = kernel(shape, found, features, features)
    # GPyTorch adds a small jitter under its square roots.
    assert covariance.numpy() == pytest.approx(expected.detach().numpy(), abs=1e-6)
    assert prior_variance(shape, found, features).numpy() == pytest.approx(covariance.diagonal().numpy(), abs=1e-12)
    stacked = kernel(shape, found, features[None].expand(2, -1, -1), features[:3])
    assert stacked[1].numpy() == pytest.approx(covariance[:, :3].numpy(), abs=1e-12)


@pytest.mark.parametrize(
    ("outcome", "goal", "side"),
    [("f", "maximize", -1.0), ("f", "minimize", 1.0), ("f", "target", 0.0), ("seed_cost_usd_m2", "minimize", 0.0)],
)
def test_before_cells_say_otherwise_the_corners_are_expected_to_be_worse_than_the_middle(outcome, goal, side):
    space = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
    optimizer = Optimizer(space, [Objective(outcome, goal, target=1.0 if goal == "target" else None)])
    optimizer.tell(pd.DataFrame({"x": [0.4, 0.5, 0.6], "y": [0.5, 0.6, 0.4], outcome: [1.0, 1.1, 0.9]}))
    middle, corner = optimizer.predict(pd.DataFrame({"x": [0.5, 0.98], "y": [0.5, 0.02]}))[outcome]
    assert np.sign(round(corner - middle, 1)) == side


def test_cells_soon_overrule_the_expectation_that_corners_are_worse():
    rng = np.random.default_rng(1)
    space = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
    optimizer = Optimizer(space, [Objective("f")], seed=3)
    for _ in range(4):
        designs = optimizer.ask(4)
        designs["f"] = designs["x"] + 0.5 * designs["y"] + 0.02 * rng.standard_normal(4)
        optimizer.tell(designs)
    assert optimizer.observations["f"].max() > 1.4
    corner = optimizer.predict(pd.DataFrame({"x": [1.0], "y": [1.0]}))["f"].iloc[0]
    assert corner == pytest.approx(1.5, abs=0.05)


def test_a_parabola_is_carried_on_beyond_the_cells():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"x": rng.uniform(0.0, 0.5, 12), "y": rng.random(12)})
    space = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
    # Of a target neither side is better, so no bowl is expected.
    optimizer = Optimizer(space, [Objective("f", "target", target=1.0)])
    optimizer.tell(table.assign(f=3.0 * table["x"] - 2.0 * table["x"] ** 2 + rng.normal(0.0, 0.01, 12)))
    found = optimizer.predict(pd.DataFrame({"x": [0.8], "y": [0.5]}))
    # The slope at the last cells is 1; a model that returns to its mean, .5, would say about .8.
    assert found["f"].iloc[0] == pytest.approx(3.0 * 0.8 - 2.0 * 0.8**2, abs=0.18)


def test_gradient_of_the_posterior_is_that_of_finite_differences():
    shape, features = shape_and_features(9)
    targets = torch.sin(4.0 * features[:, 0])
    known = torch.full((9,), torch.nan, dtype=torch.float64)
    known[:3] = 0.01
    objective = NegativeLogPosterior(shape, features, targets, known)
    start = objective.start() + 0.1 * np.random.default_rng(0).standard_normal(len(objective.start()))
    error = check_grad(lambda x: objective(x)[0], lambda x: objective(x)[1], start, epsilon=1e-6)
    assert error < 1e-3 * np.linalg.norm(objective(start)[1])


def test_a_smooth_function_is_recovered_and_the_noise_is_found():
    rng = np.random.default_rng(3)
    table = cells(60, seed=2)
    truth = np.sin(3 * table["x"]) + table["y"] ** 2 + table["level"].map({"a": 0.0, "b": 0.3, "c": 1.0})
    optimizer = Optimizer(DESCRIBED, [Objective("f")])
    optimizer.tell(table.assign(f=truth + 0.05 * rng.standard_normal(60)))
    fresh = cells(100, seed=9)
    expected = np.sin(3 * fresh["x"]) + fresh["y"] ** 2 + fresh["level"].map({"a": 0.0, "b": 0.3, "c": 1.0})
    predicted = optimizer.predict(fresh)
    assert np.sqrt(((predicted["f"] - expected) ** 2).mean()) < 0.05
    within = (predicted["f"] - expected).abs() < 2.0 * predicted["f_sd"]
    assert within.mean() > 0.85
    loo = optimizer.leave_one_out()
    assert 0.5 < ((loo["observed"] - loo["mean"]) / loo["sd"]).std() < 1.5


def test_known_noise_is_believed():
    table = pd.DataFrame({"level": "a", "x": np.linspace(0, 1, 8), "y": 0.5, "f": [0.0, 1.0] * 4})
    sure, unsure = (Optimizer(DESCRIBED, [Objective("f")]) for _ in range(2))
    sure.tell(table.assign(f_sem=1e-3))
    unsure.tell(table.assign(f_sem=2.0))
    here = table.iloc[[3]]
    assert abs(sure.predict(here)["f"].iloc[0] - 1.0) < 0.05
    assert abs(unsure.predict(here)["f"].iloc[0] - 0.5) < 0.3


def test_a_limit_far_below_the_prior_changes_nothing_and_one_above_pulls_the_mean_beyond_it():
    shape, features = shape_and_features(6)
    found = default_hyperparameters(shape)
    noise = torch.full((6,), 0.01, dtype=torch.float64)
    targets = torch.zeros(6, dtype=torch.float64)
    side = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    without = condition_one_sided(shape, found, features[:5], targets[:5], noise[:5], side[:5])
    far = condition_one_sided(shape, found, features, targets - 20.0 * side, noise, side)
    assert torch.allclose(far.mean_and_variance(features)[0], without.mean_and_variance(features)[0], atol=1e-3)
    above = condition_one_sided(shape, found, features, targets + 2.0 * side, noise, side)
    assert float(above.mean_and_variance(features)[0][5]) > 1.5 > float(without.mean_and_variance(features)[0][5]) + 1.0


def test_one_limit_gives_the_mean_and_variance_of_a_truncated_normal():
    shape, features = shape_and_features(1)
    found = default_hyperparameters(shape)
    limit, side = torch.tensor([0.5], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    gp = condition_one_sided(shape, found, features, limit, torch.tensor([1e-8], dtype=torch.float64), side)
    mean, variance = gp.mean_and_variance(features)
    spread = np.sqrt(float(gp.prior_variance(features)[0]))
    draws = float(shape.prior_mean(features)[0]) + spread * np.random.default_rng(0).standard_normal(2_000_000)
    kept = draws[draws > 0.5]
    assert float(mean) == pytest.approx(kept.mean(), abs=0.01)
    assert float(variance) == pytest.approx(kept.var(), abs=0.01)


def test_censored_lives_are_predicted_longer_than_the_day_they_were_read():
    rng = np.random.default_rng(4)
    table = cells(60, seed=7)
    life = 100.0 * np.exp(2.0 * table["x"] + 0.1 * rng.standard_normal(60))
    seen = np.minimum(life, 300.0)
    table = table.assign(cycle_life=seen, cycle_life_censored=life > 300.0)
    aware, naive = (Optimizer(DESCRIBED, [Objective("cycle_life")], log_outcomes=["cycle_life"]) for _ in range(2))
    aware.tell(table)
    naive.tell(table.drop(columns="cycle_life_censored"))
    long_lived = pd.DataFrame({"level": "b", "x": [0.9], "y": [0.5]})
    truth = 100.0 * np.exp(1.8)
    assert aware.predict(long_lived)["cycle_life"].iloc[0] > 400.0
    errors = [abs(np.log(o.predict(long_lived)["cycle_life"].iloc[0] / truth)) for o in (aware, naive)]
    assert errors[0] < 0.5 * errors[1]


def test_expected_excess_of_a_target_matches_sampling():
    term = ObjectiveTerm(0, target=0.4)
    mean, sd = torch.tensor([[0.1]], dtype=torch.float64), torch.tensor([[0.5]], dtype=torch.float64)
    level = torch.tensor([[-0.3]], dtype=torch.float64)
    draws = term.maximised(0.1 + 0.5 * torch.randn(400_000, dtype=torch.float64, generator=torch.manual_seed(0)))
    assert float(term.expected_excess(mean, sd, level)) == pytest.approx(
        float((draws + 0.3).clamp_min(0).mean()), rel=0.02
    )


@pytest.mark.parametrize("m", [2, 3, 4])
def test_expected_hypervolume_gain_of_a_certain_point_is_its_hypervolume_improvement(m):
    rng = np.random.default_rng(m)
    front, point, reference = rng.random((7, m)), rng.random((5, m)) + 0.3, np.full(m, 0.1)
    grid = HypervolumeGrid(torch.as_tensor(front)[None], torch.as_tensor(reference))
    excess = [
        ObjectiveTerm(0).expected_excess(
            torch.as_tensor(point[:, [j]])[..., None], torch.full((1, 1, 1), 1e-9, dtype=torch.float64),
            grid.levels[None, :, j, :],
        )
        for j in range(m)
    ]  # fmt: skip
    gain = grid.expected_gain(excess)[:, 0].numpy()
    expected = [hypervolume(np.vstack([front, row]), reference) - hypervolume(front, reference) for row in point]
    assert gain == pytest.approx(expected, abs=1e-6)


def test_hypervolume_of_known_sets():
    assert hypervolume(np.array([[1.0, 2.0], [2.0, 1.0], [0.5, 0.5]]), np.zeros(2)) == pytest.approx(3.0)
    assert hypervolume(np.array([[1.0, 1.0, 1.0]]), np.zeros(3)) == pytest.approx(1.0)
    assert hypervolume(np.array([[-1.0, 5.0], [np.nan, 1.0]]), np.zeros(2)) == 0.0
    assert hypervolume(np.array([[3.0], [5.0]]), np.array([1.0])) == 4.0


def test_reference_point_takes_thresholds_and_is_not_dragged_away_by_a_bad_trade():
    objectives = [Objective("life", threshold=10.0), Objective("cost", "minimize")]
    table = pd.DataFrame({"life": [20.0, 30.0, 40.0, 40.5], "cost": [1.0, 2.0, 3.0, 90.0]})
    reference = reference_point(objectives, table)
    assert reference[0] == 10.0
    assert -4.0 < reference[1] < -3.0


def test_the_reference_point_of_the_progress_stands_once_eight_cells_are_complete():
    objectives = [Objective("life", threshold=10.0), Objective("cost", "minimize")]
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"life": rng.uniform(5.0, 40.0, 20), "cost": rng.uniform(1.0, 9.0, 20)})
    table.loc[3, "cost"] = np.nan
    early, is_fixed = fixed_reference_point(objectives, table.head(8))
    assert not is_fixed
    standing, is_fixed = fixed_reference_point(objectives, table.head(9))
    assert is_fixed
    later = pd.concat([table, pd.DataFrame({"life": [90.0], "cost": [0.1]})])
    assert fixed_reference_point(objectives, later)[0].tolist() == standing.tolist()
    assert early[0] == standing[0] == 10.0
    longer = hypervolume_history(objectives, later)
    assert longer[: len(table)].tolist() == hypervolume_history(objectives, table).tolist()
    given = [Objective("life", threshold=10.0), Objective("cost", "minimize", threshold=5.0)]
    assert fixed_reference_point(given, table.head(1))[1]


def test_a_proposal_names_its_reference_point_in_the_outcomes_units():
    space = DesignSpace((Continuous("x", 0.0, 1.0), Continuous("y", 0.0, 1.0)))
    wanted = [Objective("life", threshold=10.0), Objective("cost", "minimize"), Objective("ph", "target", target=7.0)]
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"x": rng.random(12), "y": rng.random(12)})
    table = table.assign(life=40.0 * table["x"], cost=3.0 + 5.0 * table["x"] + table["y"], ph=6.0 + 2.0 * table["y"])
    optimizer = Optimizer(space, wanted, n_initial=4)
    optimizer.tell(table)
    point = optimizer.ask(1).attrs["reference_point"]
    assert point["life"] == pytest.approx(10.0)
    assert table["cost"].min() < point["cost"] < 12.0
    assert point["ph"] > 7.0


def test_hypervolume_history_is_that_of_the_first_rows_and_looks_only_at_those_on_the_front(monkeypatch):
    rng = np.random.default_rng(7)
    # Rounded, so that there are equal values and equal cells.
    table = pd.DataFrame(rng.random((200, 3)).round(1), columns=["a", "b", "c"])
    table.loc[3, "b"] = np.nan
    objectives = [Objective("a", "maximize", 0.1), Objective("b", "minimize", 0.9), Objective("c", "maximize", 0.2)]
    values, point = maximised_table(objectives, table), np.array([0.1, -0.9, 0.2])
    expected = [hypervolume(values[: row + 1], point) for row in range(len(table))]
    sizes = []

    def counted(front, reference):
        sizes.append(len(front))
        return hypervolume(front, reference)

    # The package has a function of the module's name.
    monkeypatch.setattr(import_module("afssb_opt.strategies.hypervolume"), "hypervolume", counted)
    assert hypervolume_history(objectives, table).tolist() == expected
    assert len(sizes) < 50
    assert max(sizes) < 30


def test_hypervolume_history_never_falls_and_skips_cells_that_break_a_constraint():
    objectives = [Objective("f", threshold=0.0), Objective("g", threshold=0.0)]
    table = pd.DataFrame({"f": [1.0, 3.0, 2.0, np.nan], "g": [1.0, 3.0, 2.0, 5.0], "ok": [1, 0, 1, 1]})
    history = hypervolume_history(objectives, table, [OutcomeConstraint("ok", at_least=1)])
    assert history.tolist() == [1.0, 1.0, 4.0, 4.0]


def test_fit_ignores_useless_inputs():
    rng = np.random.default_rng(0)
    features = torch.as_tensor(rng.random((40, 3)))
    nowhere = np.zeros((1, 3), dtype=bool)
    shape = KernelShape(np.arange(3), ~nowhere, np.zeros(1), np.zeros(1, dtype=int), nowhere, nowhere[0])
    unknown = torch.full((40,), torch.nan, dtype=torch.float64)
    best = fit_hyperparameters(shape, features, torch.sin(5.0 * features[:, 1]), unknown)
    lengths = best.log_lengths.exp()
    assert lengths[1] < 0.3 * min(lengths[0], lengths[2])


def test_of_many_cells_the_same_are_fitted_until_there_are_a_tenth_more():
    seed = np.random.SeedSequence(3)
    assert rows_to_fit(np.arange(100), seed).tolist() == list(range(100))
    of_150 = rows_to_fit(np.arange(150), seed)
    assert len(of_150) == 100
    assert rows_to_fit(np.arange(160), seed).tolist() == of_150.tolist()
    of_200 = rows_to_fit(np.arange(200), seed)
    assert len(np.setdiff1d(of_200, of_150)) > 10
    # Where one cell is taken away, one other steps in.
    others = np.delete(np.arange(150), of_150[7])
    assert len(np.intersect1d(others[rows_to_fit(others, seed)], of_150)) == 99


def test_a_fit_is_not_taken_for_that_of_other_data():
    shape, features = shape_and_features(12)
    targets = torch.sin(4.0 * features[:, 0])
    unknown = torch.full((12,), torch.nan, dtype=torch.float64)
    cases = [
        (shape, features, targets, unknown),
        (replace(shape, better_side=-1.0), features, targets, unknown),
        (shape, features + 0.1, targets, unknown),
        (shape, features, targets**2, unknown),
        (shape, features, targets, torch.full_like(unknown, 0.5)),
    ]
    found = [fit_hyperparameters(*case) for case in cases]
    assert all(fit_hyperparameters(*case) is one for case, one in zip(cases, found, strict=True))
    assert len({tuple(one.log_variances.tolist()) for one in found}) == len(cases)


def test_one_more_of_many_cells_needs_hardly_a_new_fit_and_a_new_session_proposes_the_same(monkeypatch):
    table = cells(151)
    table = table.assign(f=np.sin(3.0 * table["x"]) + table["y"])
    fits = []
    monkeypatch.setattr(fitting, "NegativeLogPosterior", lambda *data: fits.append(1) or NegativeLogPosterior(*data))
    fitting.most_probable.cache_clear()
    running = Optimizer(DESCRIBED, [Objective("f")])
    running.tell(table.iloc[:150])
    running.ask(1)
    fits.clear()
    running.tell(table.iloc[150:])
    mean = running.predict(cells(20, seed=7))["f"]
    n_running = len(fits)
    fitting.most_probable.cache_clear()
    fits.clear()
    anew = Optimizer(DESCRIBED, [Objective("f")])
    anew.tell(table)
    assert anew.predict(cells(20, seed=7))["f"].tolist() == mean.tolist()
    # Without the cells that may have fallen there are fewer than a fit takes, so those are fitted anew.
    assert n_running < 0.5 * len(fits)


def test_importance_and_effects_name_the_variable_that_matters():
    optimizer = Optimizer(DESCRIBED, [Objective("f")])
    table = cells(40)
    optimizer.tell(table.assign(f=3.0 * table["x"] + 0.01 * np.random.default_rng(0).standard_normal(40)))
    ranking = optimizer.importance()
    assert ranking.loc[0, "variable"] == "x"
    assert ranking.loc[0, "importance"] > 0.9
    effects = optimizer.effects()
    along_x = effects[effects["variable"] == "x"]
    assert len(along_x) == 25
    assert np.ptp(along_x["mean"].to_numpy(float)) == pytest.approx(3.0, abs=0.3)
    assert (effects["variable"] == "level").sum() == 3
