"""The submodels of the cell: one process each, with the states it owns, joined by the names of their variables.

Lithium is counted in mA.h.cm-2, rates are per hour until they become right-hand sides, which PyBaMM counts per second.
"""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pybamm

from afssb_opt.simulation.coefficients import CellCoefficients
from afssb_opt.simulation.pybamm_reference.laws import symbolic_laws
from afssb_opt.simulation.pybamm_reference.parameter_values import initial_name, parameter_name, state_name

SECONDS_PER_HOUR = 3600.0

Variables = dict[str, Any]


class Submodel(pybamm.BaseSubModel):
    """Base: the states that a submodel owns, coefficients as parameters, and the laws of the cell."""

    states: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__(None, name=type(self).__name__)
        names = [item.name for item in fields(CellCoefficients)]
        self.c = SimpleNamespace(**{name: pybamm.Parameter(parameter_name(name)) for name in names})
        self.law = symbolic_laws()

    def get_fundamental_variables(self) -> Variables:
        """Return the states."""
        return {state_name(name): pybamm.Variable(state_name(name)) for name in self.states}

    def set_initial_conditions(self, variables: Variables) -> None:
        """Start every state as in the fresh cell."""
        for name in self.states:
            self.initial_conditions[variables[state_name(name)]] = pybamm.Parameter(initial_name(name))

    def set_rhs(self, variables: Variables) -> None:
        """Set the right-hand side of every state."""
        for name, rate_per_h in self.rates(variables).items():
            self.rhs[variables[state_name(name)]] = rate_per_h / SECONDS_PER_HOUR

    def rates(self, v: Variables) -> Variables:  # noqa: ARG002  submodels with states use it
        """Return the rate per hour of every state."""
        return {}


class Current(Submodel):
    """The current that the protocol asks for; PyBaMM counts discharging as positive."""

    def get_fundamental_variables(self) -> Variables:
        """Return current densities and the charge that passed."""
        current = pybamm.FunctionParameter("Current function [A]", {"Time [s]": pybamm.t})
        density = 1000.0 * current / pybamm.Parameter("Electrode area [cm2]")
        return {
            "Current [A]": current,
            "Current variable [A]": current,
            "C-rate": current / pybamm.Parameter("Nominal cell capacity [A.h]"),
            "Charging current density [mA.cm-2]": pybamm.maximum(-density, 0),
            "Discharging current density [mA.cm-2]": pybamm.maximum(density, 0),
            "Discharge capacity [A.h]": pybamm.Variable("Discharge capacity [A.h]"),
            "Time [s]": pybamm.t,
            "Time [min]": pybamm.t / 60,
            "Time [h]": pybamm.t / SECONDS_PER_HOUR,
        }

    def set_rhs(self, variables: Variables) -> None:
        """Count the charge."""
        self.rhs[variables["Discharge capacity [A.h]"]] = variables["Current [A]"] / SECONDS_PER_HOUR

    def set_initial_conditions(self, variables: Variables) -> None:
        """Start the count at zero."""
        self.initial_conditions[variables["Discharge capacity [A.h]"]] = pybamm.Scalar(0)


class Mechanics(Submodel):
    """Stack pressure from the swelling of lithium and host against the fixture, relaxing slowly."""

    states = ("relaxed_pressure",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return the pressure."""
        c = self.c
        metal = variables[state_name("metal")] + variables[state_name("dead")]
        expansion = c.metal_thickness * metal + c.host_thickness * variables[state_name("host")]
        relaxed = variables[state_name("relaxed_pressure")]
        pressure = self.law.stack_pressure(c.assembled_pressure, relaxed, c.stiffness, expansion)
        return {"Stack pressure [MPa]": pressure}

    def rates(self, v: Variables) -> Variables:
        """Return the relaxation."""
        return {"relaxed_pressure": self.c.relaxation * (self.c.pressure_loss - v[state_name("relaxed_pressure")])}


class Nucleation(Submodel):
    """How much of the interface deposits lithium, and the overpotential of the part that is still bare."""

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return coverage and overpotential."""
        c, metal = self.c, variables[state_name("metal")]
        bare = 1 - self.law.nuclei_coverage(metal, 0.0, c.coalescence)
        return {
            "Nuclei coverage": self.law.nuclei_coverage(metal, c.dense_nuclei, c.coalescence),
            "Nucleation overpotential [V]": c.nucleation_voltage * bare,
        }


class HostLithiation(Submodel):
    """The interlayer and its seed take up lithium before any plates, and give it back last."""

    states = ("host",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return filling, share of the charging current and chemical uptake."""
        c, host = self.c, variables[state_name("host")]
        filling = host / c.host_capacity
        present = variables["Metal share"]
        uptake = present * self.law.chemical_uptake(c.host_capacity - host, c.host_uptake, c.uptake_room)
        return {
            "Host filling": filling,
            "Host share of charging": self.law.host_share(filling, c.host_filling, c.host_width),
            "Chemical uptake [mA.cm-2]": uptake,
            "Host potential [V]": self.law.host_potential(filling, c.host_trapped),
        }

    def rates(self, v: Variables) -> Variables:
        """Return what the host gains."""
        emptied = v["Discharging current density [mA.cm-2]"] + v["SEI growth [mA.cm-2]"]
        filled = v["Charging current density [mA.cm-2]"] * v["Host share of charging"] + v["Chemical uptake [mA.cm-2]"]
        return {"host": filled - emptied * (1 - v["Metal share"])}


class Plating(Submodel):
    """Lithium metal: plated when the host is full, stripped while there is any."""

    states = ("metal",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return plating and stripping currents."""
        present = self.law.metal_share(variables[state_name("metal")], self.c.metal_switch)
        new = {
            "Metal share": present,
            "Stripping current density [mA.cm-2]": variables["Discharging current density [mA.cm-2]"] * present,
        }
        # The host's share needs the metal's: PyBaMM asks again when it finds one of them missing.
        variables.update(new)
        plating = variables["Charging current density [mA.cm-2]"] * (1 - variables["Host share of charging"])
        return {**new, "Plating current density [mA.cm-2]": plating}

    def rates(self, v: Variables) -> Variables:
        """Return what the metal gains."""
        gone = v["Chemical uptake [mA.cm-2]"] + v["Leakage [mA.cm-2]"] + v["Dead lithium growth [mA.cm-2]"]
        passed = v["Plating current density [mA.cm-2]"] - v["Stripping current density [mA.cm-2]"]
        return {"metal": passed - gone - v["SEI growth [mA.cm-2]"] * v["Metal share"]}


class Contact(Submodel):
    """Voids that stripping leaves and creep closes, and delamination that does not heal."""

    states = ("void", "delaminated")

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return the share of the interface in contact."""
        void, delaminated = variables[state_name("void")], variables[state_name("delaminated")]
        return {"Contact fraction": self.law.contact_fraction(void, delaminated)}

    def rates(self, v: Variables) -> Variables:
        """Return the growth of voids and of delamination."""
        c, law, pressure = self.c, self.law, v["Stack pressure [MPa]"]
        void, delaminated = v[state_name("void")], v[state_name("delaminated")]
        stripping = v["Stripping current density [mA.cm-2]"]
        growing = v["Metal share"] * law.void_growth(stripping, v["Contact fraction"], c.vacancy_limit, c.void_gain)
        creep = law.pore_closure(void, pressure, c.closure_log, c.creep_exponent, c.closure_floor)
        rest = law.rough_contact_loss(pressure, c.rough_loss, c.rough_pressure, c.void_mean)
        closing = creep + c.plating_fill * v["Plating current density [mA.cm-2]"]
        passing = v["Charging current density [mA.cm-2]"] + v["Discharging current density [mA.cm-2]"]
        spread = law.delamination_spread(delaminated, c.delamination_rate, c.delamination_start)
        return {
            "void": growing - closing * law.closable_void(void, rest),
            "delaminated": passing * spread * law.pressure_damping(pressure, c.delamination_pressure),
        }


class SEI(Submodel):
    """Interphase that grows by the square-root law and on fresh lithium."""

    states = ("sei",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return the lithium that the interphase takes."""
        c, present = self.c, variables["Metal share"]
        reducing = present + (1 - present) * variables["Host filling"]
        grown = self.law.sei_growth(variables[state_name("sei")], c.sei_area, c.sei_rate, c.sei_initial)
        fresh = variables["Plating current density [mA.cm-2]"] * c.sei_fresh
        return {"SEI growth [mA.cm-2]": reducing * grown + fresh}

    def rates(self, v: Variables) -> Variables:
        """Return the growth."""
        return {"sei": v["SEI growth [mA.cm-2]"]}


class DeadLithium(Submodel):
    """Lithium that loses contact while it is stripped beside voids."""

    states = ("dead",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return what is lost."""
        lost = variables[state_name("void")] + self.c.delamination_exposure * variables[state_name("delaminated")]
        dead = self.c.dead_per_void * lost * variables["Stripping current density [mA.cm-2]"]
        return {"Dead lithium growth [mA.cm-2]": dead}

    def rates(self, v: Variables) -> Variables:
        """Return the growth."""
        return {"dead": v["Dead lithium growth [mA.cm-2]"]}


class SacrificialLi3N(Submodel):
    """Li3N in the cathode, oxidised once while charging."""

    states = ("li3n",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return the oxidation current."""
        present = self.law.share_present(variables[state_name("li3n")], self.c.li3n_switch)
        oxidised = variables["Charging current density [mA.cm-2]"] * self.c.li3n_share * present
        return {"Li3N oxidation [mA.cm-2]": oxidised}

    def rates(self, v: Variables) -> Variables:
        """Return the loss of Li3N."""
        return {"li3n": -v["Li3N oxidation [mA.cm-2]"]}


class SoftShort(Submodel):
    """A filament that grows by local current and by creep into the separator, and what leaks through it."""

    states = ("short",)

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return the leakage."""
        short = variables[state_name("short")]
        leak = (self.c.leak * short**6 + self.c.electronic_leak) * variables["Metal share"]
        return {"Leakage [mA.cm-2]": leak}

    def rates(self, v: Variables) -> Variables:
        """Return the growth; 1 is a short."""
        area = v["Contact fraction"] * v["Nuclei coverage"]
        filament = self.law.filament_growth(v["Plating current density [mA.cm-2]"], area, self.c.filament)
        pressed = self.law.creep_penetration(v["Stack pressure [MPa]"], self.c.penetration)
        return {"short": filament + v["Metal share"] * pressed}

    def add_events_from(self, variables: Variables) -> None:
        """End where the filament has crossed the separator."""
        self.events.append(pybamm.Event("Short circuit", 1 - variables[state_name("short")]))


class Cathode(Submodel):
    """NMC811: its lithium, its fading and the growth of its resistance."""

    states = ("cathode", "trapped", "active_cathode", "cathode_resistance")

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return stoichiometry and open-circuit potential."""
        active = self.c.cathode_max * variables[state_name("active_cathode")]
        stoichiometry = variables[state_name("cathode")] / active
        return {
            "Cathode stoichiometry": stoichiometry,
            "Cathode open-circuit potential [V]": self.law.cathode_potential(stoichiometry),
        }

    def rates(self, v: Variables) -> Variables:
        """Return the rates of lithium, loss and resistance."""
        c, cathode = self.c, v[state_name("cathode")]
        charging, discharging = v["Charging current density [mA.cm-2]"], v["Discharging current density [mA.cm-2]"]
        passing = charging + discharging
        faded = c.cathode_fade * passing
        gained = v["Li3N oxidation [mA.cm-2]"] - charging + discharging + v["Leakage [mA.cm-2]"]
        damped = self.law.pressure_damping(v["Stack pressure [MPa]"], c.cathode_pressure)
        return {
            "cathode": gained - faded * cathode,
            "trapped": faded * cathode,
            "active_cathode": -faded * v[state_name("active_cathode")],
            "cathode_resistance": c.resistance_growth * passing * (0.2 + damped),
        }


class Voltage(Submodel):
    """The cell voltage under current."""

    def get_coupled_variables(self, variables: Variables) -> Variables:
        """Return resistance and voltage."""
        c, v = self.c, variables
        charging, discharging = v["Charging current density [mA.cm-2]"], v["Discharging current density [mA.cm-2]"]
        films = c.series_resistance + v[state_name("cathode_resistance")] + c.sei_resistance * v[state_name("sei")]
        resistance = films + c.interface_resistance / v["Contact fraction"]
        hindrance = c.filling_resistance * self.law.filling_hindrance(v["Cathode stoichiometry"], c.cathode_full)
        on_discharge = (1 - v["Metal share"]) * v["Host potential [V]"] + discharging * hindrance
        voltage = (
            v["Cathode open-circuit potential [V]"]
            + 1e-3 * (charging - discharging) * resistance
            + (charging > 0) * v["Nucleation overpotential [V]"]
            - (discharging > 0) * on_discharge
        )
        return {
            "Areal resistance [Ohm.cm2]": resistance,
            "Voltage [V]": voltage,
            "Battery voltage [V]": voltage,
            "Terminal voltage [V]": voltage,
        }


SUBMODELS: tuple[type[Submodel], ...] = (
    Current, Mechanics, Nucleation, HostLithiation, Plating, Contact, SEI, DeadLithium, SacrificialLi3N, SoftShort,
    Cathode, Voltage,
)  # fmt: skip
