"""What the parameters of the PyBaMM model are called, in which unit, and their values for a design and a protocol."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, Final

import pybamm

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation.coefficients import CellCoefficients, build_cell
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.model import STATES
from afssb_opt.simulation.parameters import DEFAULT_PARAMETERS, CellParameters, parameter_table

_AREAL: Final = "mA.h.cm-2"
_CURRENT: Final = "mA.cm-2"

# Unit per coefficient of the cell; what is not named has none.
_UNITS: Final = {
    "li3n_switch": _AREAL,
    "host_capacity": _AREAL,
    "host_uptake": "h-1",
    "uptake_room": _AREAL,
    "metal_switch": _AREAL,
    "sei_rate": "mA2.h.cm-4",
    "sei_initial": _AREAL,
    "vacancy_limit": _CURRENT,
    "void_gain": "cm2.mA-1.h-1",
    "plating_fill": "cm2.mA-1.h-1",
    "closure_floor": "h",
    "rough_pressure": "MPa",
    "delamination_rate": "cm2.mA-1.h-1",
    "delamination_pressure": "MPa",
    "assembled_pressure": "MPa",
    "stiffness": "MPa.um-1",
    "metal_thickness": "um.cm2.mA-1.h-1",
    "host_thickness": "um.cm2.mA-1.h-1",
    "pressure_loss": "MPa",
    "relaxation": "h-1",
    "filament": "cm12.mA-6.h-1",
    "penetration": "MPa-2.5.h-1",
    "coalescence": _AREAL,
    "leak": _CURRENT,
    "electronic_leak": _CURRENT,
    "cathode_max": _AREAL,
    "cathode_fade": "cm2.mA-1.h-1",
    "resistance_growth": "Ohm.cm4.mA-1.h-1",
    "cathode_pressure": "MPa",
    "series_resistance": "Ohm.cm2",
    "interface_resistance": "Ohm.cm2",
    "sei_resistance": "Ohm.cm4.mA-1.h-1",
    "filling_resistance": "V.cm2.mA-1",
    "nucleation_voltage": "V",
}

_STATE_UNITS: Final = {
    "void": "",
    "delaminated": "",
    "active_cathode": "",
    "cathode_resistance": "Ohm.cm2",
    "short": "",
    "relaxed_pressure": "MPa",
}

# The cell whose values the registered parameter set holds: the quickstart's middle.
REFERENCE_DESIGN: Final = Design("Ag", 10.0, 4.0, 0.0)


def parameter_name(coefficient: str) -> str:
    """Return the PyBaMM name of a coefficient, with its unit."""
    return _named(coefficient, _UNITS.get(coefficient, ""))


def state_name(state: str) -> str:
    """Return the PyBaMM name of a state, with its unit."""
    words = state if state in _STATE_UNITS else f"{state}_lithium"
    return _named(words, _STATE_UNITS.get(state, _AREAL))


def initial_name(state: str) -> str:
    """Return the PyBaMM name of a state's value in the fresh cell."""
    name = state_name(state)
    return f"Initial {name[0].lower() if not name.startswith(('SEI', 'Li3N')) else name[0]}{name[1:]}"


def parameter_values(
    design: Design, protocol: Protocol = Protocol(), parameters: CellParameters = DEFAULT_PARAMETERS
) -> Any:
    """Return the `pybamm.ParameterValues` of a cell, with the sources of its constants as citations."""
    return pybamm.ParameterValues(_values(design, protocol, parameters))


def get_parameter_values() -> dict[str, Any]:
    """Return the values of an Ag cell with a 10 um interlayer at 4 MPa and 60 C, for `pybamm.ParameterValues`.

    Constants come from the literature, each with its DOI as a citation, or are assumed; see
    `afssb_opt.simulation.parameter_table()`.
    """
    return _values(REFERENCE_DESIGN, Protocol(), DEFAULT_PARAMETERS)


def _values(design: Design, protocol: Protocol, parameters: CellParameters) -> dict[str, Any]:
    cell = build_cell(design, protocol, parameters)
    names = [item.name for item in fields(CellCoefficients)]
    values: dict[str, Any] = {
        parameter_name(name): float(value) for name, value in zip(names, cell.coefficients, strict=True)
    }
    values |= {initial_name(name): float(value) for name, value in zip(STATES, cell.state, strict=True)}
    # Capacities are per area: one square centimetre, so that amperes and amperes per area differ by no factor.
    nominal = protocol.areal_capacity_mah_cm2 / 1000.0
    values |= {
        "Electrode area [cm2]": 1.0,
        "Nominal cell capacity [A.h]": nominal,
        "Current function [A]": -protocol.current_density_ma_cm2 / 1000.0,
        "Lower voltage cut-off [V]": protocol.lower_voltage_v,
        "Upper voltage cut-off [V]": protocol.upper_voltage_v,
        "Ambient temperature [K]": protocol.temperature_c + 273.15,
        "citations": _citations(),
    }
    return values


def _citations() -> list[str]:
    """Return one BibTeX entry per DOI, each with the constants that were taken from it."""
    used: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    for _, row in parameter_table().iterrows():
        found = re.search(r"doi (10\.\S+?)[,;)]?(\s|$)", str(row["source"]))
        if found:
            used.setdefault(found[1], []).append(str(row["name"]))
            titles.setdefault(found[1], str(row["source"]).split(", doi")[0])
    return [
        f"@misc{{afssb_{re.sub(r'[^0-9A-Za-z]+', '_', doi)}, title = {{{titles[doi]}}}, doi = {{{doi}}}, "
        f"note = {{{', '.join(names)}}}}}"
        for doi, names in used.items()
    ]


def _named(words: str, unit: str) -> str:
    text = words.replace("_", " ")
    text = text[0].upper() + text[1:]
    for plain, right in (("Sei ", "SEI "), ("Li3n", "Li3N")):
        text = text.replace(plain, right)
    return f"{text} [{unit}]" if unit else text
