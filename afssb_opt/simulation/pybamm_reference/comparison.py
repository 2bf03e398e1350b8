"""What PyBaMM gives for a design and a protocol, cycle by cycle, to measure the compiled cell against."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pybamm

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.parameters import DEFAULT_PARAMETERS, CellParameters
from afssb_opt.simulation.pybamm_reference.model import AnodeFreeSulfideCell
from afssb_opt.simulation.pybamm_reference.parameter_values import parameter_values

# Far below the tolerance of the compiled cell, so that the difference is that cell's error.
_RTOL: Final = 1e-8
_ATOL: Final = 1e-10


def charge_first_experiment(protocol: Protocol) -> Any:
    """Return the protocol in the words of `pybamm.Experiment`, for a cell of one square centimetre."""
    rest = [f"Rest for {protocol.rest_min} minutes"] if protocol.rest_min > 0 else []
    limit = f"until {protocol.upper_voltage_v} V"
    if protocol.cell_type == "half":
        limit = f"for {protocol.areal_capacity_mah_cm2 / protocol.current_density_ma_cm2} hours or {limit}"
    cycle = (
        f"Charge at {protocol.current_density_ma_cm2} mA {limit}",
        *rest,
        f"Discharge at {protocol.discharge_ma_cm2} mA until {protocol.lower_voltage_v} V",
        *rest,
    )
    return pybamm.Experiment([cycle] * protocol.cycles)


def solve_reference(
    design: Design, protocol: Protocol, parameters: CellParameters = DEFAULT_PARAMETERS, rtol: float = _RTOL
) -> Any:
    """Return PyBaMM's solution of the cell under the protocol."""
    simulation = pybamm.Simulation(
        AnodeFreeSulfideCell(),
        parameter_values=parameter_values(design, protocol, parameters),
        experiment=charge_first_experiment(protocol),
        solver=pybamm.IDAKLUSolver(rtol=rtol, atol=min(_ATOL, rtol), root_tol=1e-10),
    )
    return simulation.solve(calc_esoh=False)


def reference_capacities(
    design: Design, protocol: Protocol, parameters: CellParameters = DEFAULT_PARAMETERS
) -> np.ndarray:
    """Return the discharge capacity of each complete cycle in mAh/cm2."""
    n_steps = 4 if protocol.rest_min > 0 else 2
    at = 2 if protocol.rest_min > 0 else 1
    capacities = []
    for cycle in solve_reference(design, protocol, parameters).cycles:
        if cycle is None or len(cycle.steps) < n_steps:
            break
        passed = cycle.steps[at]["Discharge capacity [A.h]"].entries
        capacities.append(1000.0 * float(passed[-1] - passed[0]))
    return np.array(capacities)
