"""The cell as a PyBaMM model: for modellers, and as the reference that the compiled cell is measured against.

`pybamm.Model("AnodeFreeSulfideCell")` and `pybamm.ParameterValues("AnodeFreeSulfide2026")` find it in PyBaMM alone.
"""

from afssb_opt.simulation.pybamm_reference.comparison import charge_first_experiment, reference_capacities
from afssb_opt.simulation.pybamm_reference.model import AnodeFreeSulfideCell
from afssb_opt.simulation.pybamm_reference.parameter_values import get_parameter_values, parameter_values

__all__ = [
    "AnodeFreeSulfideCell",
    "charge_first_experiment",
    "get_parameter_values",
    "parameter_values",
    "reference_capacities",
]
