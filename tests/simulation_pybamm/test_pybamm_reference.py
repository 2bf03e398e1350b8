from __future__ import annotations

import importlib.metadata
import math
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import DEFAULT_PARAMETERS, simulate_cells
from afssb_opt.simulation.coefficients import CellCoefficients
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.model import STATES

pybamm = pytest.importorskip("pybamm", reason="needs the extra 'pybamm'")
reference = pytest.importorskip("afssb_opt.simulation.pybamm_reference")
names = pytest.importorskip("afssb_opt.simulation.pybamm_reference.parameter_values")
comparison = pytest.importorskip("afssb_opt.simulation.pybamm_reference.comparison")

HOUR = 3600.0
DESIGN = Design("Ag", 10.0, 4.0, 2.0)


@pytest.fixture(scope="module")
def cell():
    return reference.AnodeFreeSulfideCell()


def evaluate(symbol, values, **states: float) -> float:
    """Return the number a symbol stands for: parameters from `values`, states as given or as in the fresh cell."""
    point = {names.state_name(n): states.get(n, float(values[names.initial_name(n)])) for n in STATES}

    def number(node) -> float:
        if isinstance(node, pybamm.Variable):
            return pybamm.Scalar(point[node.name])
        children = [number(child) for child in node.children]
        return node.create_copy(new_children=children) if children else node

    return float(number(values.process_symbol(symbol)).evaluate(t=0.0))


def rate(cell, state: str, current_ma: float = 0.0, parameters=None, **states: float) -> float:
    """Return the rate of a state per hour; `current_ma` is positive on charge."""
    values = reference.parameter_values(DESIGN)
    values.update({"Current function [A]": -current_ma / 1000.0})
    values.update({names.parameter_name(n): v for n, v in (parameters or {}).items()})
    return HOUR * evaluate(cell.rhs[cell.variables[names.state_name(state)]], values, **states)


def test_a_modeller_finds_model_and_parameters_in_pybamm_alone():
    registered = {entry.name for entry in importlib.metadata.entry_points(group="pybamm_models")}
    if "AnodeFreeSulfideCell" not in registered:
        pytest.skip("this environment was installed before the entry points existed; install the package again")
    model = pybamm.Model("AnodeFreeSulfideCell")
    values = pybamm.ParameterValues("AnodeFreeSulfide2026")
    experiment = pybamm.Experiment([("Charge at 0.5 mA until 4.25 V", "Discharge at C/6 until 3.0 V")] * 2)
    solution = pybamm.Simulation(model, parameter_values=values, experiment=experiment).solve(calc_esoh=False)
    capacity = 1000.0 * np.ptp(solution.cycles[1].steps[1]["Discharge capacity [A.h]"].entries)
    assert 2.5 < capacity < 3.2
    total = solution["Total lithium [mA.h.cm-2]"].entries
    assert np.ptp(total) < 1e-6


def test_every_sourced_constant_is_cited_with_its_doi():
    from afssb_opt.simulation import parameter_table

    pybamm.ParameterValues(names.get_parameter_values())
    cited = " ".join(pybamm.citations._unknown_citations | pybamm.citations._papers_to_cite)
    table = parameter_table()
    sourced = table[table["source"].str.contains("doi ")]
    assert len(sourced) > 3
    assert not [name for name in sourced["name"] if name not in cited]


def test_every_coefficient_is_a_parameter_with_one_name():
    coefficients = [names.parameter_name(item.name) for item in fields(CellCoefficients)]
    assert len(set(coefficients)) == len(coefficients)
    values = names.get_parameter_values()
    assert set(coefficients) <= set(values)
    assert {names.initial_name(state) for state in STATES} <= set(values)
    assert set(names._UNITS) <= {item.name for item in fields(CellCoefficients)}


@pytest.mark.parametrize(
    ("design", "protocol"),
    [
        (DESIGN, Protocol(cycles=4)),
        (Design("none", 0.02, 2.0, 0.0), Protocol(cycles=4, temperature_c=25.0)),
        (Design("Al", 6.0, 0.5, 10.0), Protocol(cycles=3, discharge_current_density_ma_cm2=1.0, rest_min=0.0)),
        (Design("Ag", 10.0, 4.0, 0.0), Protocol(cycles=3, cell_type="half", lower_voltage_v=2.0)),
        (Design("Mg", 15.0, 8.0, 3.0), Protocol(cycles=3, fixture="constant_force", upper_voltage_v=4.2)),
    ],
)
def test_the_compiled_cell_is_within_its_error_of_pybamm(design, protocol):
    expected = reference.reference_capacities(design, protocol)
    table = pd.DataFrame([vars(design)])
    for rtol, allowed in ((1e-3, 1.5e-3), (1e-8, 1e-7)):
        (found,) = simulate_cells(table, protocol, rtol=rtol)
        capacities = found.cycling["discharge_capacity_mah_cm2"].to_numpy()
        assert len(expected) == len(capacities) == protocol.cycles
        assert np.abs(capacities - expected).max() < allowed * protocol.areal_capacity_mah_cm2


def test_pressure_relaxes_exponentially_to_its_loss(cell):
    parameters = {"relaxation": 0.02, "pressure_loss": 3.0}
    # x' = k (L - x): at a quarter of the way, three quarters of k L are left.
    assert rate(cell, "relaxed_pressure", parameters=parameters, relaxed_pressure=0.75) == pytest.approx(0.02 * 2.25)
    assert rate(cell, "relaxed_pressure", parameters=parameters, relaxed_pressure=3.0) == 0.0


def test_the_interphase_obeys_the_square_root_law(cell):
    # On a whole electrode q^2 + 2 q q0 = k t, so q' = k / (2 (q + q0)); with much metal its share is 1.
    parameters = {"sei_rate": 0.01, "sei_area": 1.0, "sei_initial": 0.05, "sei_fresh": 0.0}
    metal = {"metal": 1e6}
    assert rate(cell, "sei", parameters=parameters, sei=0.0, **metal) == pytest.approx(0.01 / (2 * 0.05), rel=1e-9)
    assert rate(cell, "sei", parameters=parameters, sei=0.15, **metal) == pytest.approx(0.01 / (2 * 0.2), rel=1e-9)


def test_fresh_lithium_reacts_in_proportion_to_plating(cell):
    parameters = {"sei_rate": 0.0, "sei_fresh": 0.002, "host_filling": 0.5, "host_capacity": 1.0, "host_width": 0.01}
    assert rate(cell, "sei", 0.5, parameters, host=1.0, metal=1.0) == pytest.approx(0.002 * 0.5, rel=1e-9)


def test_li3n_gives_its_share_of_the_charge_and_nothing_on_discharge(cell):
    parameters = {"li3n_share": 0.4, "li3n_switch": 0.02}
    assert rate(cell, "li3n", 0.5, parameters, li3n=0.18) == pytest.approx(-0.5 * 0.4 * 0.9)
    assert rate(cell, "li3n", -0.5, parameters, li3n=0.18) == 0.0


def test_a_host_with_room_takes_the_charge_and_a_full_one_leaves_it_to_plating(cell):
    parameters = {"host_capacity": 1.0, "host_filling": 0.5, "host_width": 0.02, "sei_rate": 0.0, "sei_fresh": 0.0}
    parameters |= {"leak": 0.0, "electronic_leak": 0.0}
    assert rate(cell, "host", 0.5, parameters, host=0.0) == pytest.approx(0.5, rel=1e-6)
    assert rate(cell, "host", 0.5, parameters, host=0.5) == pytest.approx(0.25, rel=1e-6)
    assert rate(cell, "metal", 0.5, parameters, host=1.0, metal=0.0) == pytest.approx(0.5, rel=1e-6)


def test_stripping_takes_metal_first_and_half_from_the_host_at_the_switch(cell):
    parameters = {"metal_switch": 0.1, "host_uptake": 0.0, "dead_per_void": 0.0, "sei_rate": 0.0, "leak": 0.0}
    parameters |= {"electronic_leak": 0.0}
    assert rate(cell, "metal", -0.5, parameters, metal=100.0) == pytest.approx(-0.5, rel=1e-5)
    assert rate(cell, "metal", -0.5, parameters, metal=0.1) == pytest.approx(-0.25, rel=1e-9)
    assert rate(cell, "host", -0.5, parameters, metal=0.1, host=0.3) == pytest.approx(-0.25, rel=1e-9)


def test_dead_lithium_is_what_voids_and_delamination_cut_off(cell):
    parameters = {"dead_per_void": 0.05, "delamination_exposure": 0.5}
    found = rate(cell, "dead", -0.4, parameters, metal=1e6, void=0.2, delaminated=0.1)
    assert found == pytest.approx(0.05 * (0.2 + 0.05) * 0.4, rel=1e-9)


def test_pores_close_by_wilkinson_and_ashby(cell):
    # Without current and far above the rest: -phi' = phi A (P / (1 - phi^(1/n)))^n, capped by 1 / floor.
    parameters = {"closure_log": math.log(1e-3), "creep_exponent": 2.0, "closure_floor": 0.0, "rough_loss": 0.0}
    parameters |= {"void_mean": 0.0, "stiffness": 0.0, "assembled_pressure": 3.0, "plating_fill": 0.0}
    found = rate(cell, "void", 0.0, parameters, void=0.25, metal=0.0)
    # phi^(1/2) = 1/2, so the pressure counts twice; `closable_void` leaves out 0.08 % of a quarter.
    assert found == pytest.approx(-1e-3 * (3.0 / 0.5) ** 2 * 0.25, rel=2e-3)
    capped = rate(cell, "void", 0.0, {**parameters, "closure_log": 20.0, "closure_floor": 0.5}, void=0.25, metal=0.0)
    assert capped == pytest.approx(-0.25 / 0.5, rel=2e-3)


def test_voids_grow_by_the_current_above_the_vacancy_limit(cell):
    parameters = {"vacancy_limit": 0.1, "void_gain": 2.0, "closure_log": -100.0, "plating_fill": 0.0}
    slow = rate(cell, "void", -0.05, parameters, metal=1e6, void=0.0, delaminated=0.0)
    fast = rate(cell, "void", -1.1, parameters, metal=1e6, void=0.0, delaminated=0.0)
    assert fast == pytest.approx(2.0 * 1.0, rel=1e-3)
    assert slow < 0.01 * fast


def test_a_filament_grows_with_the_sixth_power_of_the_local_current(cell):
    parameters = {"filament": 1e-6, "penetration": 0.0, "dense_nuclei": 1.0, "host_capacity": 1.0, "host_filling": 0.1}
    parameters |= {"host_width": 0.01}
    one, two = (rate(cell, "short", j, parameters, host=1.0, void=0.0, metal=1.0) for j in (0.5, 1.0))
    assert two / one == pytest.approx(64.0, rel=1e-6)


def test_lithium_is_conserved_by_the_sum_of_all_rates(cell):
    states = {"host": 0.4, "metal": 1.0, "dead": 0.1, "sei": 0.05, "trapped": 0.02, "void": 0.1, "short": 0.5}
    lithium = ("cathode", "li3n", "host", "metal", "dead", "sei", "trapped")
    for current in (0.5, 0.0, -0.5):
        rates = [rate(cell, name, current, {"cathode_fade": 1e-3, "leak": 0.3}, **states) for name in lithium]
        assert max(map(abs, rates)) > 1e-4
        assert sum(rates) == pytest.approx(0.0, abs=1e-12)


def test_the_resistance_drops_with_the_current_and_signs_follow_the_direction(cell):
    values = reference.parameter_values(DESIGN)
    states = {"metal": 1e6, "cathode": 0.5 * float(values[names.parameter_name("cathode_max")]), "void": 0.0}

    def voltage(current_ma: float) -> float:
        values.update({"Current function [A]": -current_ma / 1000.0})
        return evaluate(cell.variables["Voltage [V]"], values, **states)

    values.update({names.parameter_name("filling_resistance"): 0.0})
    resistance = evaluate(cell.variables["Areal resistance [Ohm.cm2]"], values, **states)
    assert voltage(1.0) - voltage(0.0) == pytest.approx(1e-3 * resistance, rel=1e-6)
    assert voltage(0.0) - voltage(-1.0) == pytest.approx(1e-3 * resistance, rel=1e-6)


def test_a_shorting_cell_ends_in_the_same_cycle_as_the_compiled_one():
    design, protocol = Design("Ag", 5.0, 30.0, 0.0), Protocol(cycles=30)
    weak = replace(DEFAULT_PARAMETERS, penetration_rate_1_h=30 * DEFAULT_PARAMETERS.penetration_rate_1_h)
    (found,) = simulate_cells(pd.DataFrame([vars(design)]), protocol, parameters=weak)
    assert found.stop_reason == "short_circuit"
    solution = comparison.solve_reference(design, protocol, weak)
    assert "Short circuit" in solution.termination
    assert len(solution.cycles) == len(found.cycling)
