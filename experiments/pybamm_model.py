"""A PyBaMM model of your own as an evaluator: a lithium-ion cell whose electrodes and charging rate may vary.

`pybamm_model.yaml` names the two functions; they run in a child process, one design at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pybamm

from afssb_opt.domain.protocol import Protocol

# Collectors shared with the neighbours in a stack, and the sheet of Chen et al. 2020 (doi 10.1149/1945-7111/ab9050).
HALF_COLLECTORS_UM = 0.5 * (12.0 + 16.0)
SHEET_M2 = 0.065 * 1.58
SEPARATOR_UM = {"thin": 9.0, "thick": 20.0}


def cell(design: Mapping[str, float | str], protocol: Protocol) -> dict[str, Any]:
    """Return the keyword arguments of `pybamm.Simulation`, and under `solve` those of its `solve`."""
    steps = (
        f"Charge at {design['charge_c_rate']} C until 4.2 V",
        "Rest for 10 minutes",
        "Discharge at 1 C until 2.5 V",
    )
    return {
        "model": pybamm.lithium_ion.SPMe(),
        "parameter_values": pybamm.ParameterValues("Chen2020"),
        "experiment": pybamm.Experiment([steps]),
        "solve": {"initial_soc": 0.0},
    }


def outcomes(solution: Any, design: Mapping[str, float | str], protocol: Protocol) -> dict[str, float]:
    """Read off how long the charge took, and the discharge energy over the volume of the layers."""
    charge, _, discharge = solution.cycles[0].steps
    hours = discharge["Time [h]"].entries
    energy_wh = np.trapezoid(discharge["Current [A]"].entries * discharge["Voltage [V]"].entries, hours)
    layers_um = float(design["negative_electrode_um"]) + float(design["positive_electrode_um"]) + HALF_COLLECTORS_UM
    volume_l = SHEET_M2 * (layers_um + SEPARATOR_UM[str(design["separator"])]) * 1e-6 * 1e3
    minutes = charge["Time [min]"].entries
    return {"charge_time_min": float(minutes[-1] - minutes[0]), "layer_energy_wh_l": float(energy_wh / volume_l)}
