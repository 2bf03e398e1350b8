"""Is what follows from the recipe, such as a price, computed wherever it can be, and modelled where it cannot?"""

import numpy as np
import pandas as pd
import pytest
import torch

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.seed_alloys import seed_descriptors
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.stack import seed_costs_usd_m2
from afssb_opt.domain.variables import Categorical, Continuous, Discrete, Fixed
from afssb_opt.strategies import Optimizer
from afssb_opt.strategies.decision import as_botorch
from afssb_opt.strategies.encoding import Encoding

PRICE = "seed_cost_usd_m2"
ALLOYS = ("Ag", "Au", "Mg", "Zn")
SPACE = DesignSpace(
    (
        Categorical("seed_alloy", ALLOYS, {name: seed_descriptors(name) for name in ALLOYS}),
        Continuous("interlayer_thickness_um", 0.5, 30.0, "log"),
        Continuous("stack_pressure_mpa", 0.5, 50.0),
    )
)
GOALS = [Objective("cycle_life"), Objective(PRICE, "minimize")]


def designs(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    levels = pd.DataFrame({"seed_alloy": rng.choice(ALLOYS, n)})
    return SPACE.from_unit(rng.random((n, 2)), levels)


def cells(n: int = 10) -> pd.DataFrame:
    table = designs(n, seed=3)
    life = 300.0 - (table["interlayer_thickness_um"] - 8.0) ** 2 + 50.0 * (table["seed_alloy"] == "Mg")
    return table.assign(cycle_life=life.clip(lower=20.0), **{PRICE: seed_costs_usd_m2(table)})


def told(table: pd.DataFrame, objectives=GOALS, constraints=(), space=SPACE, **settings) -> Optimizer:
    optimizer = Optimizer(space, objectives, constraints, seed=1, n_initial=4, **settings)
    optimizer.tell(table)
    return optimizer


def test_a_price_is_predicted_exactly_for_designs_far_from_all_cells():
    optimizer = told(cells())
    elsewhere = designs(50, seed=9)
    found = optimizer.predict(elsewhere)
    assert found[PRICE].to_numpy() == pytest.approx(seed_costs_usd_m2(elsewhere), rel=1e-9)
    assert (found[f"{PRICE}_sd"] == 0.0).all()
    assert (found["cycle_life_sd"] > 0.0).all()


def test_a_dear_alloy_among_cheap_ones_is_no_outlier():
    cheap = cells(30).query("seed_alloy == 'Zn' or seed_alloy == 'Mg'")
    one_dear = pd.DataFrame({"seed_alloy": ["Au"], "interlayer_thickness_um": [30.0], "stack_pressure_mpa": [5.0]})
    one_dear = one_dear.assign(cycle_life=200.0, **{PRICE: seed_costs_usd_m2(one_dear)})
    optimizer = told(pd.concat([cheap, one_dear], ignore_index=True))
    assert optimizer.ask(2).attrs["notes"] == []
    assert optimizer.predict(one_dear)[PRICE].iloc[0] == pytest.approx(one_dear[PRICE].iloc[0], rel=1e-9)


def test_reasons_and_explanations_state_the_price_as_known():
    optimizer = told(cells())
    proposed = optimizer.ask(2)
    for (_, design), why, one in zip(proposed.iterrows(), proposed.attrs["reasons"], optimizer.explain(proposed),
                                     strict=True):  # fmt: skip
        price = seed_costs_usd_m2(pd.DataFrame([design]))[0]
        assert f"seed cost {price:.4g} USD/m2" in why
        assert f"seed cost {price:.4g} ±" not in why
        forecast = next(forecast for forecast in one.forecasts if forecast.outcome == PRICE)
        assert (forecast.sd, forecast.low) == (0.0, forecast.high)
        assert forecast.mean == pytest.approx(price, rel=1e-9)
        assert forecast.drivers["stack_pressure_mpa"] == pytest.approx(0.0, abs=1e-9 * price)
    assert set(optimizer.leave_one_out()["outcome"]) == {"cycle_life"}


def test_a_limit_on_the_price_is_kept_to_the_last_cent():
    limit = 0.05
    optimizer = told(cells(), [Objective("cycle_life")], [OutcomeConstraint(PRICE, at_most=limit)])
    proposed = optimizer.ask(6)
    assert (seed_costs_usd_m2(proposed) <= limit).all()
    assert {one.chances[f"{PRICE} <= 0.05"] for one in optimizer.explain(proposed)} == {1.0}


def test_a_price_alone_is_minimised_with_one_cell():
    proposed = told(cells(), [Objective(PRICE, "minimize")]).ask(1)
    everything = designs(4000, seed=5)
    assert seed_costs_usd_m2(proposed)[0] <= seed_costs_usd_m2(everything).min()


def test_a_price_written_with_two_digits_is_the_same_price():
    rounded = cells().assign(**{PRICE: lambda t: [float(f"{price:.2g}") for price in t[PRICE]]})
    found = told(rounded).predict(designs(20, seed=9))
    assert found[PRICE].to_numpy() == pytest.approx(seed_costs_usd_m2(designs(20, seed=9)), rel=1e-9)


def test_the_price_of_a_laboratory_is_modelled_from_what_it_tells():
    own = cells(16).assign(**{PRICE: lambda t: 2.0 + 0.1 * t["interlayer_thickness_um"]})
    optimizer = told(own)
    (note,) = [note for note in optimizer.ask(1).attrs["notes"] if "recipe" in note]
    assert note.startswith(f"{PRICE}: 16 of 16 values told are not what the recipe gives ({own[PRICE].iloc[0]:g} in ")
    there = pd.DataFrame({"seed_alloy": ["Mg"], "interlayer_thickness_um": [10.0], "stack_pressure_mpa": [5.0]})
    found = optimizer.predict(there).iloc[0]
    assert found[PRICE] == pytest.approx(3.0, abs=0.4)
    assert found[f"{PRICE}_sd"] > 0.0


def test_an_alloy_without_a_price_leaves_the_price_to_the_model():
    space = DesignSpace((Categorical("seed_alloy", ("Ag", "our own")), *SPACE.numeric))
    table = cells(12).assign(seed_alloy=["Ag", "our own"] * 6)
    found = told(table, space=space).predict(table)
    assert (found[f"{PRICE}_sd"] > 0.0).all()


def test_without_any_price_told_there_is_nothing_to_compute():
    optimizer = told(cells().assign(**{PRICE: np.nan}))
    assert PRICE not in optimizer.predict(designs(2, seed=9))


def test_prior_data_do_not_come_between_a_price_and_its_recipe():
    biased = cells(20).assign(cycle_life=lambda t: 0.5 * t["cycle_life"], **{PRICE: 7.0})
    elsewhere = designs(20, seed=9)
    found = told(cells(), prior_data=biased).predict(elsewhere)
    assert found[PRICE].to_numpy() == pytest.approx(seed_costs_usd_m2(elsewhere), rel=1e-9)


@pytest.mark.filterwarnings("ignore::linear_operator.utils.warnings.NumericalWarning")
def test_botorch_decides_with_the_same_price():
    model = told(cells()).model()
    features = torch.as_tensor(model.encoding.encode(designs(20, seed=9)))
    gp = model.outcomes[PRICE].gp
    stacked = features.reshape(4, 5, -1)
    posterior = as_botorch(gp).posterior(stacked)
    assert posterior.mean[..., 0].detach() == pytest.approx(gp.shape.prior_mean(stacked), rel=1e-6, abs=1e-6)
    assert posterior.variance.detach().numpy() == pytest.approx(0.0, abs=1e-5)


def test_alloys_that_differ_in_price_alone_are_alike():
    table = told(cells(24)).level_map("seed_alloy").set_index("level")
    places = table[["x", "y"]]
    apart = {level: np.hypot(*(places.loc[level] - places.loc["Ag"])) for level in ("Au", "Mg")}
    assert apart["Au"] < 0.3 * apart["Mg"], "Mg cells live longer, and gold is only dear"
    assert (table[f"best_{PRICE}_sd"] == 0.0).all()


def test_features_lead_back_to_the_designs_they_came_from():
    space = DesignSpace(
        (
            Fixed("temperature_c", 60.0),
            SPACE["seed_alloy"],
            Continuous("stack_pressure_mpa", 0.5, 50.0, "log"),
            Categorical("buffer", ("none", "mxene")),
            Discrete("li3n_wt_pct", (0.0, 2.0, 10.0)),
        )
    )
    table = pd.DataFrame({
        "temperature_c": 60.0, "seed_alloy": ["Zn", "Ag", "a new one"], "stack_pressure_mpa": [0.5, 7.25, 60.0],
        "buffer": ["mxene", "none", "mxene"], "li3n_wt_pct": [10.0, 2.0, 0.0],
    })  # fmt: skip
    encoding = Encoding.for_data(space, table)
    pd.testing.assert_frame_equal(encoding.designs(encoding.encode(table)), table)


def test_no_first_cell_is_spent_on_what_the_price_forbids():
    dear, limit = {"Ag", "Au"}, [OutcomeConstraint(PRICE, at_most=0.02)]
    first = Optimizer(SPACE, [Objective("cycle_life")], limit, seed=1, n_initial=8).ask(8)
    assert not dear & set(first["seed_alloy"])
    assert (seed_costs_usd_m2(first) <= 0.02).all()
    # Without the limit they have their turn.
    assert dear <= set(Optimizer(SPACE, [Objective("cycle_life")], seed=1, n_initial=8).ask(8)["seed_alloy"])


def test_a_dear_alloy_is_proposed_where_the_user_holds_it_or_prices_are_his_own():
    goals, limit = [Objective("cycle_life")], [OutcomeConstraint(PRICE, at_most=0.02)]
    assert (Optimizer(SPACE, goals, limit, seed=1).ask(3, fixed={"seed_alloy": "Au"})["seed_alloy"] == "Au").all()
    stock = designs(6, seed=2).assign(seed_alloy="Au")
    assert len(Optimizer(SPACE, goals, limit, seed=1).ask(2, candidates=stock)) == 2
    own = cells(4).assign(**{PRICE: 0.001, "seed_alloy": ["Mg", "Zn", "Mg", "Zn"]})
    optimizer = Optimizer(SPACE, goals, limit, seed=1, n_initial=12)
    optimizer.tell(own)
    assert {"Ag", "Au"} & set(optimizer.ask(4)["seed_alloy"])
