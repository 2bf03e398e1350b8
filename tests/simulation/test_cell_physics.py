"""Whether each law has the limit that can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import DEFAULT_PARAMETERS, model, parameter_table, physics, simulate_cells
from afssb_opt.simulation.coefficients import (
    Cell,
    CellCoefficients,
    arrhenius,
    build_cell,
    charged_stoichiometry,
)
from afssb_opt.simulation.elementary import exp, log
from afssb_opt.simulation.interlayer import Design

DESIGN = Design("Ag", 10.0, 4.0, 0.0)
PROTOCOL = Protocol(temperature_c=25.0)


def charged(cell: Cell, metal: float = 3.0) -> np.ndarray:
    state = cell.state.copy()
    state[model.METAL] = metal
    state[model.HOST] = cell.coefficients[model.HOST_CAPACITY]
    state[model.CATHODE] -= metal + state[model.HOST]
    return state


def test_the_elementary_functions_agree_with_the_library() -> None:
    x = np.linspace(-650.0, 650.0, 20_001)
    assert max(abs(exp(float(v)) / math.exp(v) - 1.0) for v in x) < 1e-11
    positive = np.exp(np.linspace(-600.0, 600.0, 20_001))
    assert max(abs(log(float(v)) - math.log(v)) for v in positive) < 1e-12
    assert exp(1e9) == exp(700.0) < math.inf


def test_every_coefficient_stands_in_the_row_of_its_name() -> None:
    names = [item.name.upper() for item in fields(CellCoefficients)]
    assert [getattr(model, name) for name in names] == list(range(model.N_COEFFICIENTS))
    assert len(model.STATES) == model.N_STATES


def test_every_parameter_has_a_unit_a_source_and_lies_in_its_range() -> None:
    table = parameter_table()
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table[["unit", "source"]].map(len) > 0).all(axis=None)


def test_relaxed_pressure_approaches_its_share_exponentially(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    end = solo.hold(cell.coefficients, cell.state, 0.0, 300.0, 1e-6).state
    share, hours = DEFAULT_PARAMETERS.pressure_loss_share, DEFAULT_PARAMETERS.pressure_loss_h
    assert end[model.RELAXED] == pytest.approx(4.0 * share * (1.0 - math.exp(-300.0 / hours)), rel=1e-5)


def test_a_spring_fixture_does_not_lose_pressure(solo: Any) -> None:
    cell = build_cell(DESIGN, replace(PROTOCOL, fixture="constant_force"), DEFAULT_PARAMETERS)
    assert solo.hold(cell.coefficients, cell.state, 0.0, 300.0, 1e-6).state[model.RELAXED] == 0.0


def test_the_interphase_follows_the_square_root_law(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    c, hours = cell.coefficients, 400.0
    end = solo.hold(c, charged(cell), 0.0, hours, 1e-6).state
    expected = math.sqrt(c[model.SEI_INITIAL] ** 2 + c[model.SEI_RATE] * hours) - c[model.SEI_INITIAL]
    assert end[model.SEI] / c[model.SEI_AREA] == pytest.approx(expected, rel=1e-4)


def test_the_interphase_of_a_bare_collector_at_25_c_is_the_measured_one(solo: Any) -> None:
    # Aktekin et al. 2023: 60 uAh/cm2 after 400 h; the model starts with 10 of them already there.
    cell = build_cell(Design("none", 0.02, 4.0, 0.0), PROTOCOL, DEFAULT_PARAMETERS)
    end = solo.hold(cell.coefficients, charged(cell), 0.0, 400.0, 1e-5).state
    assert end[model.SEI] == pytest.approx(0.05, abs=0.006)


def test_pore_closure_is_the_power_law_of_wilkinson_and_ashby() -> None:
    n, prefactor, void, pressure = 6.6, 0.02, 0.2, 1.3
    expected = prefactor * pressure**n / (1.0 - void ** (1.0 / n)) ** n
    assert physics.pore_closure(void, pressure, math.log(prefactor), n, 0.0) == pytest.approx(expected, rel=1e-9)


def test_pores_under_high_pressure_close_with_the_shortest_time(solo: Any) -> None:
    cell = build_cell(replace(DESIGN, stack_pressure_mpa=90.0), PROTOCOL, DEFAULT_PARAMETERS)
    state = cell.state.copy()
    state[model.VOID] = 0.5
    seconds = 60.0
    end = solo.hold(cell.coefficients, state, 0.0, seconds / 3600.0, 1e-7).state[model.VOID]
    # x' = -k x^2 / (x + w) ends as ln x - w / x, with the width w of the smooth end of closing.
    ends = 0.5, end - DEFAULT_PARAMETERS.void_mean
    width = physics._CLOSING_END
    passed = [math.log(x) - width / x for x in ends]
    assert passed[0] - passed[1] == pytest.approx(seconds / DEFAULT_PARAMETERS.closure_time_floor_s, rel=2e-3)


def test_voids_that_pressure_has_closed_do_not_reopen(solo: Any) -> None:
    cell = build_cell(replace(DESIGN, stack_pressure_mpa=1.0), PROTOCOL, DEFAULT_PARAMETERS)
    state = cell.state.copy()
    state[model.VOID] = 0.5 * cell.state[model.VOID]
    assert solo.hold(cell.coefficients, state, 0.0, 100.0, 1e-6).state[model.VOID] == state[model.VOID]


def test_the_slope_of_closing_is_its_derivative() -> None:
    for void in (0.0, 0.0101, 0.0102, 0.05, 0.9):
        step = 1e-8
        ends = [physics.closable_void(void + sign * step, 0.01) for sign in (1, -1)]
        assert physics.closable_slope(void, 0.01) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-5)


def test_delamination_spreads_as_a_logistic_curve(solo: Any) -> None:
    bare = Design("none", 1.0, 2.0, 0.0, layer_class="as_reported")
    cell = build_cell(bare, replace(PROTOCOL, fixture="constant_force"), DEFAULT_PARAMETERS)
    c, hours, current = cell.coefficients, 6.0, 0.5
    end = solo.hold(c, cell.state, current, hours, 1e-8).state
    pressure_share = physics.pressure_damping(2.0, DEFAULT_PARAMETERS.delamination_pressure_mpa)
    start = c[model.DELAMINATION_START]
    grown = math.exp((1.0 + start) * c[model.DELAMINATION_RATE] * pressure_share * current * hours)
    # The spring lets the pressure rise by a few percent while lithium is plated.
    assert end[model.DELAMINATED] == pytest.approx(start * (grown - 1.0) / (1.0 + start * grown), rel=0.03)


def test_a_constant_current_moves_exactly_its_charge(solo: Any) -> None:
    cell = build_cell(replace(DESIGN, li3n_wt_pct=2.0), PROTOCOL, DEFAULT_PARAMETERS)
    coefficients = cell.coefficients.copy()
    # Self-discharge aside: it moves charge without a current.
    coefficients[[model.LEAK, model.ELECTRONIC_LEAK]] = 0.0
    end = solo.hold(coefficients, cell.state, 0.5, 4.0, 1e-3).state
    source = [model.CATHODE, model.LI3N, model.TRAPPED]
    sink = [model.HOST, model.METAL, model.DEAD, model.SEI]
    assert cell.state[source].sum() - end[source].sum() == pytest.approx(2.0, abs=1e-12)
    assert end[sink].sum() == pytest.approx(2.0, abs=1e-12)


def test_li3n_gives_its_capacity_once() -> None:
    cells = simulate_cells(pd.DataFrame([{"seed_alloy": "Ag", "li3n_wt_pct": 2.0}]), Protocol(cycles=10))
    p = DEFAULT_PARAMETERS
    composite_mg = 3.0 / 0.2 / p.active_mass_share
    expected = 0.02 * composite_mg * p.li3n_capacity_mah_g * p.li3n_utilisation / 1000.0
    given = cells[0].cycling["li3n_capacity_mah_cm2"]
    assert given.sum() == pytest.approx(expected, rel=1e-3)
    assert given.iloc[0] > 0.9 * expected


def test_voids_grow_by_the_excess_over_the_vacancy_limit() -> None:
    assert physics.void_growth(2.0, 1.0, 0.5, 1.0) == pytest.approx(1.5, rel=1e-3)
    assert physics.void_growth(0.1, 1.0, 0.5, 1.0) == pytest.approx(0.0, abs=1e-3)


def test_a_short_takes_the_measured_time_at_25_c(solo: Any) -> None:
    # Doux et al. 2020, lithium without interlayer: 474 h at 10 MPa, about 48 h at 25 MPa, over 1000 h at 5 MPa.
    for pressure, hours in ((10.0, 474.0), (25.0, 48.0)):
        cell = build_cell(Design("none", 0.001, pressure, 0.0), replace(PROTOCOL, fixture="constant_force"),
                          DEFAULT_PARAMETERS)  # fmt: skip
        rate = solo.rates_of(cell.coefficients, charged(cell), 0.0)[model.SHORT]
        assert 1.0 / rate == pytest.approx(hours, rel=0.06)
    cell = build_cell(Design("none", 0.001, 5.0, 0.0), replace(PROTOCOL, fixture="constant_force"), DEFAULT_PARAMETERS)
    assert 1.0 / solo.rates_of(cell.coefficients, charged(cell), 0.0)[model.SHORT] > 1000.0


def test_a_charged_cell_at_rest_loses_what_the_electrolyte_conducts(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    start = charged(cell)
    end = solo.hold(cell.coefficients, start, 0.0, 100.0, 1e-6).state
    assert end[model.CATHODE] - start[model.CATHODE] == pytest.approx(
        100.0 * DEFAULT_PARAMETERS.electronic_leak_ma_cm2, rel=5e-3
    )


def test_filaments_race_at_the_critical_current() -> None:
    below, above = (physics.filament_growth(j, 1.0, 0.1) for j in (1.0, 2.0))
    assert below == pytest.approx(0.1, rel=0.01)
    assert above / below == pytest.approx(64.0, rel=0.15)


def test_the_host_takes_lithium_first_and_the_metal_follows(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    empty, full = cell.state.copy(), cell.state.copy()
    full[model.HOST] = 2.0 * cell.coefficients[model.HOST_CAPACITY]
    assert solo.rates_of(cell.coefficients, empty, 0.5)[model.HOST] == pytest.approx(0.5, rel=1e-3)
    assert solo.rates_of(cell.coefficients, full, 0.5)[model.METAL] == pytest.approx(0.5, rel=0.02)


def test_the_charged_cathode_meets_the_upper_voltage() -> None:
    assert physics.cathode_potential(charged_stoichiometry(4.25)) == pytest.approx(4.25, abs=1e-9)


def test_the_voltage_falls_by_current_times_resistance(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    state = charged(cell)
    small, large = (solo.voltage(cell.coefficients, state, -j) for j in (0.5, 1.5))
    contact = (1.0 - state[model.VOID]) * (1.0 - state[model.DELAMINATED])
    c = cell.coefficients
    resistance = c[model.SERIES_RESISTANCE] + state[model.R_CATHODE] + c[model.INTERFACE_RESISTANCE] / contact
    assert small - large == pytest.approx(1e-3 * resistance, rel=1e-6)


def test_an_arrhenius_process_is_unchanged_at_25_c_and_faster_when_hot() -> None:
    assert arrhenius(50.0, 25.0) == pytest.approx(1.0)
    assert arrhenius(37.0, 60.0) == pytest.approx(4.8, rel=0.01)


@pytest.mark.parametrize(("current", "hours"), [(0.5, 5.0), (-0.5, 4.0), (0.0, 2.0)])
@pytest.mark.parametrize("pressure", [0.3, 4.0, 40.0])
def test_the_integrator_agrees_with_an_implicit_one(solo: Any, current: float, hours: float, pressure: float) -> None:
    cell = build_cell(Design("Mg", 6.0, pressure, 1.0), PROTOCOL, DEFAULT_PARAMETERS)
    start = cell.state if current > 0 else charged(cell)
    expected = solo.hold_by_scipy(cell.coefficients, start, current, hours)
    for rtol, allowed in ((1e-3, 2e-3), (1e-7, 1e-6)):
        found = solo.hold(cell.coefficients, start, current, hours, rtol).state
        assert np.max(np.abs(found - expected) / (0.1 + np.abs(expected))) < allowed


def test_the_method_is_of_third_order(solo: Any) -> None:
    cell = build_cell(DESIGN, PROTOCOL, DEFAULT_PARAMETERS)
    start = charged(cell)
    exact = solo.hold(cell.coefficients, start, -0.5, 4.0, 1e-11).state
    steps, errors = [], []
    for rtol in (1e-6, 1e-7, 1e-8, 1e-9):
        result = solo.hold(cell.coefficients, start, -0.5, 4.0, rtol)
        steps.append(math.log(result.n_steps))
        errors.append(math.log(np.max(np.abs(result.state - exact)[[model.VOID, model.METAL, model.DEAD]])))
    assert -np.polyfit(steps, errors, 1)[0] == pytest.approx(3.0, abs=0.3)
