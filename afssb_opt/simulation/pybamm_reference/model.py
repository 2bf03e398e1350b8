"""The cell as a `pybamm.BaseModel`, put together from its submodels."""

from __future__ import annotations

from typing import Any

import pybamm

from afssb_opt.simulation.model import N_LITHIUM, STATES
from afssb_opt.simulation.pybamm_reference.parameter_values import get_parameter_values, state_name
from afssb_opt.simulation.pybamm_reference.submodels import SUBMODELS


class AnodeFreeSulfideCell(pybamm.BaseModel):
    """NMC811 | Li6PS5Cl | interlayer with seed | collector, cycled charge first, per square centimetre.

    Thirteen ordinary differential equations. A negative current charges, as everywhere in PyBaMM; an experiment for a
    cell of 1 cm2 says "Charge at 0.5 mA until 4.25 V".
    """

    def __init__(self, name: str = "Anode-free sulfide cell") -> None:
        super().__init__(name)
        self.submodels = {submodel.__name__: submodel() for submodel in SUBMODELS}
        self.build_fundamental()
        self.build_coupled_variables()
        self.build_model_equations()
        lithium = sum(self.variables[state_name(state)] for state in STATES[:N_LITHIUM])
        self.variables["Total lithium [mA.h.cm-2]"] = lithium
        # PyBaMM's cycling reads these at the end of each cycle.
        self.summary_variables = [state_name(state) for state in STATES]

    @property
    def default_parameter_values(self) -> Any:
        """Values of the reference cell."""
        return pybamm.ParameterValues(get_parameter_values())

    @property
    def default_solver(self) -> Any:
        """IDAKLU, whose events end half cycles without a step too many."""
        return pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8)

    @property
    def default_quick_plot_variables(self) -> list[str]:
        """What `pybamm.dynamic_plot` shows."""
        return ["Voltage [V]", "Stack pressure [MPa]", "Contact fraction", state_name("metal"), state_name("dead")]
