"""Which designs and protocols the cell model holds for: every reason against one, at once."""

from __future__ import annotations

import math

import pandas as pd

from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_layer
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES


def check_designs(designs: pd.DataFrame, protocol: Protocol) -> None:
    """Refuse what the model does not hold for.

    Raises:
        DesignError: A column, seed, value or protocol entry; all are named, with their rows counted from 0.
    """
    problems = [*_protocol_problems(protocol), *_design_problems(designs, protocol)]
    if problems:
        raise DesignError(problems, source="simulation")


def _design_problems(designs: pd.DataFrame, protocol: Protocol) -> list[Problem]:
    problems = [
        Problem(f"column {name}", "is not a variable that the simulator reads",
                f"{suggest(str(name), STANDARD_VARIABLES)}It reads: {', '.join(STANDARD_VARIABLES)}")
        for name in designs.columns if name not in STANDARD_VARIABLES
    ]  # fmt: skip
    for name, variable in STANDARD_VARIABLES.items():
        for row, value in enumerate(designs[name].tolist() if name in designs else []):
            where = f"row {row}, {name}"
            if not variable.is_numeric:
                allowed = variable.levels or seed_alloy_names()
                if value not in allowed:
                    what = "level" if variable.levels else "seed"
                    known = ", ".join(allowed)
                    problems.append(
                        Problem(where, f"unknown {what} '{value}'", f"{suggest(str(value), allowed)}Known: {known}")
                    )
                continue
            try:
                number = float(value)
            except (TypeError, ValueError):
                problems.append(Problem(where, f"'{value}' is not a number", f"Give a number in {variable.unit}"))
                continue
            low, high = variable.plausible_low, variable.plausible_high
            if not low <= number <= high:
                problems.append(
                    Problem(where, f"{number:g} is outside what the model holds for",
                            f"Allowed: {low:g} to {high:g} {variable.unit}; {variable.hint}")
                )  # fmt: skip
    if "layer_class" in designs and "seed_alloy" in designs:
        for row, (seed, layer) in enumerate(zip(designs["seed_alloy"], designs["layer_class"], strict=True)):
            if layer == "metal_film" and seed in seed_alloy_names() and seed_layer(seed).is_composite:
                problems.append(
                    Problem(f"row {row}, layer_class", f"'{seed}' is a carbon composite and cannot be a metal_film",
                            "Give layer_class carbon_metal or as_reported")
                )  # fmt: skip
    if protocol.cell_type == "half" and "li3n_wt_pct" in designs and (designs["li3n_wt_pct"] != 0).any():
        problems.append(
            Problem("column li3n_wt_pct", "is not zero in a half cell, which has no cathode to hold it",
                    "Set it to 0 or use a full cell")
        )  # fmt: skip
    return problems


# Protocol entry -> lowest and highest value that the model holds for, with the unit.
_PROTOCOL_RANGES = {
    "temperature_c": (-20.0, 100.0, "C; above it lithium softens and the activation energies end"),
    "current_density_ma_cm2": (0.01, 20.0, "mA/cm2"),
    "discharge_ma_cm2": (0.01, 20.0, "mA/cm2"),
    "areal_capacity_mah_cm2": (0.1, 20.0, "mAh/cm2"),
    "cycles": (1, 100_000, "cycles"),
    "upper_voltage_v": (3.9, 4.5, "V, the range of the NMC811 potential"),
    "lower_voltage_v": (2.0, 3.5, "V"),
    "rest_min": (0.0, 10_000.0, "min"),
}


def _protocol_problems(protocol: Protocol) -> list[Problem]:
    problems = []
    for name, (low, high, unit) in _PROTOCOL_RANGES.items():
        value = float(getattr(protocol, name))
        if not (math.isfinite(value) and low <= value <= high):
            problems.append(
                Problem(f"protocol.{name}", f"{value:g} is outside what the model holds for",
                        f"Allowed: {low:g} to {high:g} {unit}")
            )  # fmt: skip
    if protocol.cathode != "NMC811":
        problems.append(
            Problem("protocol.cathode", f"'{protocol.cathode}' has no potential in the model", "Allowed: NMC811")
        )
    return problems
