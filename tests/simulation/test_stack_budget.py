"""Whether stack budgets give the published energy densities, and seed costs make sense."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.stack import (
    Layer,
    cell_layers,
    energy_density,
    energy_per_volume_wh_l,
    interlayer_density_g_cm3,
    seed_cost_usd_m2,
    seed_costs_usd_m2,
    seed_loading_mg_cm2,
    stack_mass_mg_cm2,
    stack_thickness_um,
)

# Lee et al. 2020 (digest): a bicell has two cathodes on one aluminium foil, two separators, two lithium layers and
# two steel foils; insulation lies between bicells; two pouch films close the stack. Outline 57 cm2.
OUTLINE_CM2 = 57.0


def published_stack(n_bicells: int) -> list[Layer]:
    return [
        Layer("cathode", 100.0, 3.3, 2.0 * n_bicells),
        Layer("aluminium", 12.0, 2.70, n_bicells),
        Layer("separator", 30.0, 1.4, 2.0 * n_bicells),
        Layer("lithium", 30.0, 0.534, 2.0 * n_bicells),
        Layer("steel", 10.0, 7.9, 2.0 * n_bicells),
        Layer("insulation", 40.0, 1.4, n_bicells - 1),
        Layer("pouch", 120.0, 1.5, 2.0),
    ]


@pytest.mark.parametrize(("n_bicells", "measured_um"), [(1, 594.0), (10, 4140.0)])
def test_the_layer_sum_gives_the_published_thickness(n_bicells: int, measured_um: float) -> None:
    assert stack_thickness_um(published_stack(n_bicells)) == pytest.approx(measured_um, rel=0.01)


@pytest.mark.parametrize(
    ("n_bicells", "capacity_ah", "volts", "published_wh_l"), [(1, 0.64, 3.76, 703.0), (10, 5.87, 3.79, 942.0)]
)
def test_the_layer_sum_gives_the_published_energy_density(
    n_bicells: int, capacity_ah: float, volts: float, published_wh_l: float
) -> None:
    energy = 1000.0 * capacity_ah * volts / OUTLINE_CM2
    assert energy_per_volume_wh_l(energy, published_stack(n_bicells)) == pytest.approx(published_wh_l, rel=0.02)


def test_the_largest_published_stack_needs_the_lithium_and_cathode_of_its_capacity() -> None:
    # 21 Ah in 34 bicells is 5 % more per bicell than in the stack of 10, so its layers are thicker in proportion.
    thicker = (21.0 / 34) / (5.87 / 10)
    layers = [
        Layer(one.name, one.thickness_um * (thicker if one.name in {"cathode", "lithium"} else 1.0),
              one.density_g_cm3, one.count)
        for one in published_stack(34)
    ]  # fmt: skip
    assert stack_thickness_um(layers) == pytest.approx(13_990.0, rel=0.02)
    assert energy_per_volume_wh_l(1000.0 * 21.0 * 3.79 / OUTLINE_CM2, layers) == pytest.approx(998.0, rel=0.02)


def test_energy_density_is_energy_over_the_layers_of_the_cell() -> None:
    design = {"seed_alloy": "Ag", "interlayer_thickness_um": 10.0, "li3n_wt_pct": 0.0}
    layers = cell_layers(design, Protocol(), plated_thickness_um=14.6)
    volumetric, gravimetric = energy_density(design, Protocol(), 11.4, 14.6)
    assert volumetric == pytest.approx(1e4 * 11.4 / sum(one.thickness_um * one.count for one in layers))
    assert gravimetric == pytest.approx(1e3 * 11.4 / stack_mass_mg_cm2(layers))
    assert 800 < volumetric < 1100
    assert 300 < gravimetric < 450


@pytest.mark.parametrize(("name", "low", "high"), [("interlayer_thickness_um", 2.0, 20.0), ("li3n_wt_pct", 0.0, 8.0)])
def test_a_thicker_layer_and_more_li3n_lower_the_energy_density(name: str, low: float, high: float) -> None:
    thin, thick = (energy_density({"seed_alloy": "Mg", name: value}, Protocol(), 11.0, 14.6) for value in (low, high))
    assert thick[0] < thin[0]
    if name == "interlayer_thickness_um":
        assert thick[1] < thin[1]


def test_the_interlayer_is_a_quarter_seed_by_weight() -> None:
    # 1 / (0.25 / 10.49 + 0.75 / 1.9) g/cm3 of solids, 70 % of the volume.
    assert interlayer_density_g_cm3("Ag") == pytest.approx(0.7 * 2.389, rel=1e-3)
    loading = seed_loading_mg_cm2({"seed_alloy": "Ag", "interlayer_thickness_um": 10.0})
    assert loading == pytest.approx(0.25 * 0.7 * 2.389, rel=1e-3)


def test_seed_cost_grows_with_thickness_and_ranks_by_price() -> None:
    designs = {name: {"seed_alloy": name, "interlayer_thickness_um": 10.0} for name in ("none", "Mg", "Ag", "Au")}
    cost = {name: seed_cost_usd_m2(design) for name, design in designs.items()}
    assert cost["none"] == 0.0
    assert 0.0 < cost["Mg"] < cost["Ag"] < cost["Au"]
    assert seed_cost_usd_m2({"seed_alloy": "Ag", "interlayer_thickness_um": 20.0}) == pytest.approx(2 * cost["Ag"])


def test_prices_of_a_table_are_those_of_its_rows() -> None:
    table = pd.DataFrame({
        "seed_alloy": ["Ag", "none", "Mg", "Ag"], "interlayer_thickness_um": [10.0, 3.0, 0.5, 0.02],
        "layer_class": ["carbon_metal", "as_reported", "metal_film", "metal_film"],
    })  # fmt: skip
    for columns in (list(table), ["seed_alloy"], ["interlayer_thickness_um"], ["seed_alloy", "layer_class"]):
        part = table[columns]
        one_by_one = [seed_cost_usd_m2(row) for row in part.to_dict("records")]
        assert seed_costs_usd_m2(part) == pytest.approx(one_by_one, rel=1e-12)
    unknown = seed_costs_usd_m2(table.assign(seed_alloy=["Ag", "our own", "Mg", "Ag"]))
    assert np.isnan(unknown).tolist() == [False, True, False, False]


def test_a_film_is_dense_metal_and_a_bare_collector_has_no_layer() -> None:
    film = {"seed_alloy": "Mg", "interlayer_thickness_um": 1.0, "layer_class": "metal_film"}
    assert seed_loading_mg_cm2(film) == pytest.approx(0.174)
    named = {layer.name: layer for layer in cell_layers(film, Protocol(), 14.0)}
    assert (named["interlayer"].thickness_um, named["interlayer"].density_g_cm3) == (1.0, 1.74)
    bare = {"seed_alloy": "none", "interlayer_thickness_um": 5.0, "layer_class": "as_reported"}
    assert {layer.name: layer for layer in cell_layers(bare, Protocol(), 14.0)}["interlayer"].thickness_um == 0.0
    assert seed_cost_usd_m2(bare) == 0.0


def test_a_composite_by_name_stays_one_whatever_the_layer_class() -> None:
    designs = [
        {"seed_alloy": "Ag-C", "interlayer_thickness_um": 10.0, "layer_class": layer}
        for layer in ("carbon_metal", "as_reported")
    ]
    assert seed_loading_mg_cm2(designs[0]) == seed_loading_mg_cm2(designs[1])
    assert seed_loading_mg_cm2(designs[0]) == pytest.approx(
        seed_loading_mg_cm2({"seed_alloy": "Ag", "interlayer_thickness_um": 10.0})
    )


def test_a_variable_that_is_not_given_takes_its_default() -> None:
    assert energy_density({}, Protocol(), 11.0, 14.0) == energy_density(
        {"seed_alloy": "none", "interlayer_thickness_um": 5.0, "li3n_wt_pct": 0.0}, Protocol(), 11.0, 14.0
    )
