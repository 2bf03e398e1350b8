"""How far the compiled cells are from the same equations written again in PyBaMM and solved by IDAKLU at rtol 1e-8.

The laws are transcribed here in PyBaMM's language on purpose: a shared source would check the integrator alone.
Run: PYBAMM_DISABLE_TELEMETRY=true python experiments/simulator_validation/pybamm_reference.py  (needs pybamm)
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

import numpy as np
import pandas as pd
import pybamm

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import DEFAULT_PARAMETERS, simulate_cells
from afssb_opt.simulation.coefficients import Cell, CellCoefficients, build_cell
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.model import STATES

# Corners of the range and the middle of it; all live for 10 cycles at least.
DESIGNS = (
    Design("Ag", 10.0, 4.0, 0.0),
    Design("Mg", 15.0, 5.0, 3.0),
    Design("none", 0.02, 2.0, 0.0),
    Design("Ag-ZnO", 3.0, 0.5, 1.0),
    Design("Sn", 30.0, 8.0, 10.0),
    Design("Au", 0.5, 12.0, 0.0),
    Design("In", 100.0, 1.0, 2.0),
    Design("Al", 6.0, 0.1, 20.0),
)
ALLOWED = 1.5e-3


def build_model(cell: Cell, protocol: Protocol) -> pybamm.BaseModel:
    """Write the cell as a PyBaMM model in hours, with the currents and the initial state as inputs."""
    c = dict(zip((item.name for item in fields(CellCoefficients)), map(float, cell.coefficients), strict=True))
    model = pybamm.BaseModel("anode-free sulfide cell")
    y = {name: pybamm.Variable(name) for name in STATES}
    charging, discharging = pybamm.InputParameter("charging"), pybamm.InputParameter("discharging")
    passing = charging + discharging
    maximum, exp, sqrt = pybamm.maximum, pybamm.exp, pybamm.sqrt

    pressure = maximum(
        c["assembled_pressure"] - y["relaxed_pressure"]
        + c["stiffness"] * (c["metal_thickness"] * (y["metal"] + y["dead"]) + c["host_thickness"] * y["host"]),
        1e-3,
    )  # fmt: skip
    contact = pybamm.minimum(maximum((1 - y["void"]) * (1 - y["delaminated"]), 1e-3), 1)
    metal2 = maximum(y["metal"], 0) ** 2
    present = metal2 / (metal2 + c["metal_switch"] ** 2)
    filling = y["host"] / c["host_capacity"]

    oxidised = charging * c["li3n_share"] * y["li3n"] / (y["li3n"] + c["li3n_switch"])
    into_host = 1 / (1 + exp((filling - c["host_filling"]) / c["host_width"]))
    plating, stripping = charging * (1 - into_host), discharging * present
    room = c["host_capacity"] - y["host"]
    uptake = present * c["host_uptake"] * room / (1 + abs(room) / c["uptake_room"])
    leak = c["leak"] * y["short"] ** 6 * present
    reducing = present + (1 - present) * filling
    film = y["sei"] / c["sei_area"] + c["sei_initial"]
    sei = reducing * c["sei_area"] * c["sei_rate"] / (2 * film) + plating * c["sei_fresh"]
    dead = c["dead_per_void"] * (y["void"] + c["delamination_exposure"] * y["delaminated"]) * stripping
    faded = c["cathode_fade"] * passing

    excess = stripping / contact - c["vacancy_limit"]
    growing = present * c["void_gain"] * 0.5 * (excess + sqrt(excess**2 + 0.02**2)) * contact**2
    root = pybamm.minimum(maximum(y["void"], 1e-6), 0.98) ** (1 / c["creep_exponent"])
    creep = exp(c["closure_log"]) * (pressure / (1 - root)) ** c["creep_exponent"]
    closing = creep / (1 + c["closure_floor"] * creep) + c["plating_fill"] * plating
    resting = c["rough_loss"] / (1 + (pressure / c["rough_pressure"]) ** 2) + c["void_mean"]
    coverage = c["dense_nuclei"] + (1 - c["dense_nuclei"]) * y["metal"] / (y["metal"] + c["coalescence"])
    filament = c["filament"] * (plating / (contact * coverage)) ** 6

    model.rhs = {
        y["cathode"]: oxidised - charging + discharging + leak - faded * y["cathode"],
        y["li3n"]: -oxidised,
        y["host"]: charging * into_host + uptake - (discharging + sei) * (1 - present),
        y["metal"]: plating - stripping - uptake - leak - dead - sei * present,
        y["dead"]: dead,
        y["sei"]: sei,
        y["trapped"]: faded * y["cathode"],
        y["void"]: growing - closing * (y["void"] - resting),
        y["delaminated"]: c["delamination_rate"] * passing * (1 - y["delaminated"])
        / (1 + (pressure / c["delamination_pressure"]) ** 2),
        y["active_cathode"]: -faded * y["active_cathode"],
        y["cathode_resistance"]: c["resistance_growth"] * passing
        * (0.2 + 1 / (1 + (pressure / c["cathode_pressure"]) ** 2)),
        y["short"]: filament / (1 + filament / 60) + present * c["penetration"] * pressure**2.5,
        y["relaxed_pressure"]: c["relaxation"] * (c["pressure_loss"] - y["relaxed_pressure"]),
    }  # fmt: skip
    model.initial_conditions = {variable: pybamm.InputParameter(f"start {name}") for name, variable in y.items()}

    x = y["cathode"] / (c["cathode_max"] * y["active_cathode"])
    tanh = pybamm.tanh
    open_circuit = (
        -0.8090 * x + 4.4875 - 0.0428 * tanh(18.5138 * (x - 0.5542))
        - 17.7326 * tanh(15.7890 * (x - 0.3117)) + 17.5842 * tanh(15.9308 * (x - 0.3120))
    )  # fmt: skip
    resistance = (
        c["series_resistance"] + y["cathode_resistance"] + c["sei_resistance"] * y["sei"]
        + c["interface_resistance"] / contact
    )  # fmt: skip
    bare = 1 - y["metal"] / (y["metal"] + c["coalescence"])
    host = 0.1 * (1 - filling) + 0.8 * exp(pybamm.minimum((c["host_trapped"] - filling) / 0.03, 700))
    hindrance = c["filling_resistance"] * exp(51.9 * (x - c["cathode_full"]))
    charge_v = open_circuit + 1e-3 * charging * resistance + c["nucleation_voltage"] * bare
    discharge_v = open_circuit - 1e-3 * discharging * resistance - (1 - present) * host - discharging * hindrance
    on_charge, on_discharge = charging > 0, discharging > 0
    model.events = [
        pybamm.Event("upper", (1 - on_charge) + on_charge * (protocol.upper_voltage_v - charge_v)),
        pybamm.Event("lower", (1 - on_discharge) + on_discharge * (discharge_v - protocol.lower_voltage_v)),
        pybamm.Event("short", 1 - y["short"]),
    ]
    model.variables = dict(y)
    pybamm.Discretisation().process_model(model)
    return model


def reference_capacities(design: Design, protocol: Protocol) -> list[float]:
    """Return the discharge capacity of each cycle, segment by segment."""
    cell = build_cell(design, protocol, DEFAULT_PARAMETERS)
    model = build_model(cell, protocol)
    solver = pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-10, root_tol=1e-10)
    state, capacities = cell.state.copy(), []
    rest_h = protocol.rest_min / 60.0
    for _ in range(protocol.cycles):
        for charging, discharging, hours in (
            (protocol.current_density_ma_cm2, 0.0, 1000.0),
            (0.0, 0.0, rest_h),
            (0.0, protocol.discharge_ma_cm2, 1000.0),
            (0.0, 0.0, rest_h),
        ):
            inputs = {"charging": charging, "discharging": discharging}
            inputs |= {f"start {name}": float(value) for name, value in zip(STATES, state, strict=True)}
            solution = solver.solve(model, np.array([0.0, hours]), inputs=inputs)
            if solution.termination == "event: short":
                return capacities
            is_event = solution.t_event is not None
            state = np.asarray(solution.y_event if is_event else solution.y[:, -1]).ravel()
            if discharging > 0:
                end_h = float(np.ravel(solution.t_event)[0]) if is_event else float(solution.t[-1])
                capacities.append(discharging * end_h)
    return capacities


def main() -> int:
    """Print the largest difference per design; return 1 where one exceeds the allowed error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--rtol", type=float, default=1e-3)
    arguments = parser.parse_args()
    worst = 0.0
    for temperature_c in (25.0, 60.0):
        protocol = Protocol(cycles=arguments.cycles, temperature_c=temperature_c)
        table = pd.DataFrame([vars(design) for design in DESIGNS])
        for design, cell in zip(DESIGNS, simulate_cells(table, protocol, rtol=arguments.rtol), strict=True):
            expected = np.array(reference_capacities(design, protocol))
            found = cell.cycling["discharge_capacity_mah_cm2"].to_numpy()
            n = min(len(expected), len(found) - (cell.stop_reason == "short_circuit"))
            error = float(np.max(np.abs(found[:n] - expected[:n]))) / protocol.areal_capacity_mah_cm2 if n else 0.0
            worst = max(worst, error)
            print(f"{temperature_c:4.0f} C  {n:4d} cycles  error {error:.1e}  {design}", flush=True)
    print(f"largest error {worst:.1e} of the areal capacity, allowed {ALLOWED:.1e}")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
