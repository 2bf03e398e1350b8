"""Whether whole cells behave: conservation, robustness, trends, independence of the batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.cycling import CYCLING_COLUMNS
from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_layer
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import DEFAULT_PARAMETERS, SimulatedCell, simulate_cells
from afssb_opt.simulation.hardware import BUFFERS, with_hardware

BASE = {
    "seed_alloy": "Ag",
    "interlayer_thickness_um": 10.0,
    "stack_pressure_mpa": 4.0,
    "li3n_wt_pct": 0.0,
}
# Long enough that the lives to be compared have ended.
HOT = Protocol(cycles=4000)
ROOM = Protocol(cycles=4000, temperature_c=25.0)
BARE = {"seed_alloy": "none", "layer_class": "as_reported"}
FILM = {"layer_class": "metal_film", "interlayer_thickness_um": 0.5}


def life(cell: SimulatedCell) -> int:
    """Count the cycles before the first one below 80 % of the second."""
    discharge = cell.cycling["discharge_capacity_mah_cm2"].to_numpy()
    if len(discharge) < 2:
        return 0
    below = np.flatnonzero(discharge[1:] < 0.8 * discharge[1])
    return int(below[0]) + 1 if len(below) else len(discharge)


def lives(variable: str, values: list[object], protocol: Protocol = HOT, **others: object) -> list[int]:
    designs = pd.DataFrame([{**BASE, **others, variable: value} for value in values])
    return [life(cell) for cell in simulate_cells(designs, protocol)]


def test_no_lithium_is_lost_or_made_in_a_thousand_cycles() -> None:
    designs = pd.DataFrame([BASE, {**BASE, "seed_alloy": "Mg", "li3n_wt_pct": 3.0}, {**BASE, "seed_alloy": "none"}])
    for cell in simulate_cells(designs.assign(interlayer_thickness_um=60.0), HOT):
        assert len(cell.cycling) > 100
        assert cell.lithium_imbalance_mah_cm2 < 1e-9


@pytest.mark.parametrize(("temperature_c", "current"), [(0.0, 0.05), (25.0, 5.0), (60.0, 0.5), (80.0, 2.0)])
def test_the_solver_never_fails_over_the_whole_range(
    designs_over_the_whole_range: pd.DataFrame, temperature_c: float, current: float
) -> None:
    protocol = Protocol(temperature_c=temperature_c, current_density_ma_cm2=current, cycles=30)
    cells = simulate_cells(designs_over_the_whole_range, protocol)
    for cell in cells:
        assert cell.solver_ok
        assert cell.stop_reason in {"cycles_done", "capacity_exhausted", "short_circuit"}
        assert cell.lithium_imbalance_mah_cm2 < 1e-9
        assert list(cell.cycling.columns) == list(CYCLING_COLUMNS)
        assert 1 <= len(cell.cycling) <= 30
    table = pd.concat([cell.cycling for cell in cells])
    assert table["contact_fraction"].between(0.0, 1.0).all()
    assert table["short_progress"].between(0.0, 1.0).all()
    assert (table["pressure_min_mpa"] > 0).all()
    assert (table["pressure_max_mpa"] >= table["pressure_min_mpa"]).all()
    assert (table[["charge_capacity_mah_cm2", "discharge_capacity_mah_cm2"]] >= 0).all(axis=None)


def test_every_column_is_filled_while_a_cell_lives() -> None:
    (cell,) = simulate_cells(pd.DataFrame([BASE]), Protocol(cycles=5))
    assert cell.stop_reason == "cycles_done"
    assert cell.cycling.notna().all(axis=None)
    assert cell.cycling["cycle"].tolist() == [1, 2, 3, 4, 5]


def test_a_cell_gives_the_same_bits_alone_in_a_batch_and_in_any_order() -> None:
    designs = pd.DataFrame([{**BASE, "stack_pressure_mpa": p, "seed_alloy": s} for p in (0.4, 3.0, 9.0, 30.0)
                            for s in ("none", "Mg", "Ag-ZnO")])  # fmt: skip
    protocol = Protocol(cycles=60, temperature_c=25.0)
    together = simulate_cells(designs, protocol)
    backwards = simulate_cells(designs.iloc[::-1], protocol)[::-1]
    for row, cell in enumerate(together):
        (alone,) = simulate_cells(designs.iloc[[row]], protocol)
        pd.testing.assert_frame_equal(cell.cycling, alone.cycling, check_exact=True)
        pd.testing.assert_frame_equal(cell.cycling, backwards[row].cycling, check_exact=True)


def test_a_variable_that_is_not_given_takes_its_default() -> None:
    named = pd.DataFrame([{"seed_alloy": "Ag", "interlayer_thickness_um": 5.0, "stack_pressure_mpa": 5.0,
                           "li3n_wt_pct": 0.0}])  # fmt: skip
    full, short = (simulate_cells(d, Protocol(cycles=3))[0].cycling for d in (named, named[["seed_alloy"]]))
    pd.testing.assert_frame_equal(full, short, check_exact=True)


def test_all_problems_of_the_designs_are_named_at_once() -> None:
    designs = pd.DataFrame(
        {"seed_alloy": ["Agg", "Mg"], "stack_pressure_mpa": [5.0, 5000.0], "interlayer_um": [1.0, 1.0]}
    )
    with pytest.raises(DesignError, match="simulation: 3 problems") as caught:
        simulate_cells(designs, HOT)
    message = str(caught.value)
    assert "unknown seed 'Agg'. Did you mean 'Ag'" in message
    assert "5000 is outside what the model holds for" in message
    assert "column interlayer_um" in message


def test_a_missing_number_is_refused() -> None:
    with pytest.raises(DesignError, match="nan is outside"):
        simulate_cells(pd.DataFrame({"li3n_wt_pct": [float("nan")]}), HOT)


def test_a_protocol_outside_the_model_is_refused() -> None:
    with pytest.raises(DesignError, match=r"protocol.temperature_c.*\n.*protocol.cathode"):
        simulate_cells(pd.DataFrame([BASE]), Protocol(temperature_c=400.0, cathode="LCO"))


@pytest.mark.parametrize("protocol", [HOT, ROOM])
def test_life_has_an_optimum_of_pressure_inside_the_window(protocol: Protocol) -> None:
    pressures = [0.5, 2.0, 5.0, 10.0, 30.0, 100.0]
    found = lives("stack_pressure_mpa", pressures, protocol)
    best = int(np.argmax(found))
    assert 0 < best < len(found) - 2
    assert found[: best + 1] == sorted(found[: best + 1])
    assert found[best:] == sorted(found[best:], reverse=True)


def test_heat_moves_the_best_pressure_down() -> None:
    pressures = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
    hot, room = (int(np.argmax(lives("stack_pressure_mpa", pressures, protocol, **{**FILM, "seed_alloy": "Sn"})))
                 for protocol in (HOT, ROOM))  # fmt: skip
    assert hot < room


def test_too_much_pressure_ends_in_a_short() -> None:
    (cell,) = simulate_cells(pd.DataFrame([{**BASE, "stack_pressure_mpa": 60.0}]), HOT)
    assert cell.stop_reason == "short_circuit"
    assert cell.cycling["short_progress"].iloc[-1] == 1.0
    assert cell.cycling["short_progress"].is_monotonic_increasing


def test_too_little_pressure_costs_contact() -> None:
    low, high = (simulate_cells(pd.DataFrame([{**BASE, "stack_pressure_mpa": p}]), ROOM)[0].cycling
                 for p in (0.5, 8.0))  # fmt: skip
    assert low["contact_fraction"].iloc[20] < high["contact_fraction"].iloc[20] - 0.1
    assert low["areal_resistance_ohm_cm2"].iloc[20] > high["areal_resistance_ohm_cm2"].iloc[20]


@pytest.mark.parametrize("protocol", [HOT, ROOM])
def test_life_rises_with_thickness_while_the_layer_is_thin(protocol: Protocol) -> None:
    found = lives("interlayer_thickness_um", [0.02, 0.5, 2.0, 5.0, 10.0, 20.0], protocol)
    assert found == sorted(found)
    assert found[-1] > 5 * found[0]


def test_a_very_thick_layer_costs_voltage_at_room_temperature() -> None:
    designs = pd.DataFrame([{**BASE, "interlayer_thickness_um": d} for d in (20.0, 200.0)])
    medium, thick = (cell.cycling.iloc[1] for cell in simulate_cells(designs, Protocol(cycles=2, temperature_c=25.0)))
    assert thick["mean_discharge_voltage_v"] < medium["mean_discharge_voltage_v"] - 0.1


@pytest.mark.parametrize("protocol", [HOT, ROOM])
def test_life_of_a_film_has_an_optimum_of_li3n_inside_the_range(protocol: Protocol) -> None:
    film = {**FILM, "seed_alloy": "Mg", "stack_pressure_mpa": 1.0}
    found = lives("li3n_wt_pct", [0.0, 1.0, 3.0, 6.0, 12.0, 25.0], protocol, **film)
    assert 0 < int(np.argmax(found)) < len(found) - 1


def test_li3n_lowers_the_first_efficiency_and_the_capacity() -> None:
    designs = pd.DataFrame([{**BASE, "li3n_wt_pct": w} for w in (0.0, 1.0, 3.0)])
    first = [cell.cycling.iloc[1] for cell in simulate_cells(designs, Protocol(cycles=2))]
    initial = [cell.cycling.iloc[0] for cell in simulate_cells(designs, Protocol(cycles=2))]
    assert [row["coulombic_efficiency_pct"] for row in initial] == sorted(
        (row["coulombic_efficiency_pct"] for row in initial), reverse=True
    )
    assert first[0]["discharge_capacity_mah_cm2"] > first[2]["discharge_capacity_mah_cm2"]
    assert initial[0]["li3n_capacity_mah_cm2"] == 0.0


def test_seeds_rank_as_reported() -> None:
    protocol = Protocol(cycles=1000, temperature_c=25.0, areal_capacity_mah_cm2=2.0)
    bare, silver, gold, magnesium, doped, dual = lives(
        "seed_alloy", ["none", "Ag", "Au", "Mg", "Ag-In", "Ag-ZnO"], protocol, **FILM
    )
    assert bare < silver
    assert min(magnesium, doped, dual) > silver
    assert gold > silver


def test_a_bare_collector_at_60_c_dies_within_tens_of_cycles() -> None:
    # Steel in Lee et al. 2020: 80 % at about 15 cycles, 50 % at about 20.
    protocol = Protocol(cycles=100, current_density_ma_cm2=0.68, discharge_current_density_ma_cm2=2.24,
                        areal_capacity_mah_cm2=6.8, fixture="constant_force")  # fmt: skip
    (found,) = lives("stack_pressure_mpa", [2.0], protocol, **BARE)
    assert 8 <= found <= 30


def test_silver_in_carbon_at_60_c_lasts_a_thousand_cycles_at_a_high_rate() -> None:
    # Lee et al. 2020: 89 % after 1000 cycles at 3.4 mA/cm2 and 2 MPa; a silver film or carbon alone does less.
    protocol = Protocol(cycles=1000, current_density_ma_cm2=3.4, areal_capacity_mah_cm2=6.8, fixture="constant_force")
    designs = pd.DataFrame(
        {"seed_alloy": ["Ag-C", "C", "Ag"], "layer_class": "as_reported", "stack_pressure_mpa": 2.0,
         "interlayer_thickness_um": [7.5, 7.5, 0.1]}
    )  # fmt: skip
    both, carbon, film = (life(cell) for cell in simulate_cells(designs, protocol))
    assert both == 1000
    assert film < carbon < 900


def test_gold_keeps_at_least_the_contact_of_silver() -> None:
    silver, gold = (simulate_cells(pd.DataFrame([{**BASE, "seed_alloy": s}]), Protocol(cycles=50))[0].cycling
                    for s in ("Ag", "Au"))  # fmt: skip
    assert gold["contact_fraction"].iloc[-1] > silver["contact_fraction"].iloc[-1]


def test_more_current_means_more_resistance_loss_and_a_shorter_life() -> None:
    slow, fast = (Protocol(cycles=600, temperature_c=25.0, current_density_ma_cm2=j) for j in (0.5, 1.5))
    voltages = [simulate_cells(pd.DataFrame([BASE]), Protocol(cycles=2, current_density_ma_cm2=j))[0]
                .cycling["mean_discharge_voltage_v"].iloc[1] for j in (0.5, 2.0)]  # fmt: skip
    assert voltages[0] > voltages[1]
    film = pd.DataFrame([{**BASE, **FILM}])
    assert life(simulate_cells(film, slow)[0]) > life(simulate_cells(film, fast)[0])


def test_cold_raises_the_resistance() -> None:
    resistances = [simulate_cells(pd.DataFrame([BASE]), Protocol(cycles=1, temperature_c=t))[0]
                   .cycling["areal_resistance_ohm_cm2"].iloc[0] for t in (10.0, 25.0, 60.0)]  # fmt: skip
    assert resistances == sorted(resistances, reverse=True)


def test_a_spring_fixture_damps_the_pressure_swing() -> None:
    swings = []
    for fixture in ("constant_gap", "constant_force"):
        (cell,) = simulate_cells(pd.DataFrame([BASE]), Protocol(cycles=2, fixture=fixture))  # type: ignore[arg-type]
        swings.append(cell.cycling["pressure_max_mpa"].iloc[1] - cell.cycling["pressure_min_mpa"].iloc[1])
    assert 0.5 < swings[0] < 2.5
    assert swings[1] < 0.1 * swings[0]


def test_a_tighter_tolerance_changes_the_capacity_by_less_than_the_stated_error() -> None:
    designs = pd.DataFrame([{**BASE, "stack_pressure_mpa": p} for p in (0.5, 2.0, 4.0, 12.0)])
    coarse, fine = (simulate_cells(designs, Protocol(cycles=80), rtol=rtol) for rtol in (1e-3, 1e-6))
    for a, b in zip(coarse, fine, strict=True):
        n = min(len(a.cycling), len(b.cycling))
        error = (a.cycling - b.cycling)["discharge_capacity_mah_cm2"].iloc[:n].abs().max()
        assert error / 3.0 < 1.5e-3


def test_a_buffer_behind_the_collector_damps_the_pressure_swing_and_raises_the_first_efficiency() -> None:
    bare = pd.DataFrame([{**BARE, "stack_pressure_mpa": 2.0, "buffer": buffer} for buffer in ("none", "carbon_felt")])
    stiff, soft = (cell.cycling for cell in simulate_cells(bare, Protocol(cycles=2)))
    swings = [table["pressure_max_mpa"].iloc[1] - table["pressure_min_mpa"].iloc[1] for table in (stiff, soft)]
    assert swings[1] < 0.3 * swings[0]
    stiff, soft = (
        cell.cycling for cell in simulate_cells(bare, Protocol(cycles=1, temperature_c=25.0, cell_type="half"))
    )
    assert soft["coulombic_efficiency_pct"].iloc[0] > stiff["coulombic_efficiency_pct"].iloc[0] + 1.0


def test_no_buffer_and_a_smooth_collector_change_no_constant() -> None:
    assert with_hardware(DEFAULT_PARAMETERS, "none", 0.0) == DEFAULT_PARAMETERS


def test_the_levels_of_the_buffer_variable_are_those_the_simulation_knows() -> None:
    assert STANDARD_VARIABLES["buffer"].levels == tuple(BUFFERS)


def test_a_moderately_rough_collector_outlives_a_smooth_and_a_deeply_etched_one() -> None:
    smooth, moderate, deep = lives("current_collector_roughness_um", [0.0, 1.0, 8.0], ROOM, **BARE)
    assert moderate > max(smooth, deep)


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DesignError, match=r"unknown level 'carbon_fel'\. Did you mean 'carbon_felt'"):
        simulate_cells(pd.DataFrame([{**BASE, "buffer": "carbon_fel"}]), HOT)


def test_a_composite_cannot_be_built_as_a_film() -> None:
    with pytest.raises(DesignError, match="'Ag-C' is a carbon composite and cannot be a metal_film"):
        simulate_cells(pd.DataFrame([{**BASE, "seed_alloy": "Ag-C", "layer_class": "metal_film"}]), HOT)


def test_a_composite_by_name_is_the_same_cell_as_its_metal_in_carbon() -> None:
    designs = pd.DataFrame([{**BASE, "seed_alloy": s} for s in ("Ag", "Ag-C", "none", "C")])
    silver, named, none, carbon = (cell.cycling for cell in simulate_cells(designs, Protocol(cycles=20)))
    pd.testing.assert_frame_equal(silver, named, check_exact=True)
    assert carbon["discharge_capacity_mah_cm2"].iloc[-1] == pytest.approx(
        none["discharge_capacity_mah_cm2"].iloc[-1], rel=1e-3
    )


@pytest.mark.parametrize("seed", seed_alloy_names())
def test_every_system_of_the_review_can_be_cycled_in_its_reported_layer(seed: str) -> None:
    thickness = 10.0 if seed_layer(seed).is_composite else 0.2
    design = {"seed_alloy": seed, "layer_class": "as_reported", "interlayer_thickness_um": thickness}
    (cell,) = simulate_cells(pd.DataFrame([design]), Protocol(cycles=5, areal_capacity_mah_cm2=2.0))
    assert cell.solver_ok
    assert len(cell.cycling) == 5


def test_a_half_cell_plates_what_was_asked_and_never_runs_out_of_lithium() -> None:
    designs = pd.DataFrame([{**BASE, **BARE}, {**BASE, "seed_alloy": "Mg", "layer_class": "carbon_metal"}])
    for cell in simulate_cells(designs, Protocol(cycles=20, areal_capacity_mah_cm2=2.0, cell_type="half")):
        assert cell.cycling["charge_capacity_mah_cm2"].to_numpy() == pytest.approx(np.full(20, 2.0), rel=1e-9)
        assert cell.cycling["coulombic_efficiency_pct"].between(50.0, 100.0).all()
        assert cell.lithium_imbalance_mah_cm2 < 1e-9


def test_a_conversion_layer_binds_lithium_for_good() -> None:
    thick = {**BASE, "interlayer_thickness_um": 40.0}
    zinc, oxide = (simulate_cells(pd.DataFrame([{**thick, "seed_alloy": s}]), Protocol(cycles=1))[0].cycling
                   for s in ("Zn", "ZnO"))  # fmt: skip
    assert oxide["coulombic_efficiency_pct"].iloc[0] < zinc["coulombic_efficiency_pct"].iloc[0] - 1.0


def test_a_silver_and_zinc_oxide_dual_seed_outlives_either_alone() -> None:
    protocol = Protocol(cycles=500, temperature_c=25.0, current_density_ma_cm2=1.0)
    silver, oxide, dual = lives("seed_alloy", ["Ag", "ZnO", "Ag-ZnO"], protocol, **FILM)
    assert dual > max(silver, oxide)
