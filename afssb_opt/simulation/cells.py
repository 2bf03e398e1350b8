"""What a cell of a given design does when it is cycled: designs in, cycling tables out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from afssb_opt.domain.cycling import CYCLING_COLUMNS
from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import kernel as k
from afssb_opt.simulation.coefficients import Cell, build_cell
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.parameters import DEFAULT_PARAMETERS, CellParameters

# Cells that fill one vector register of eight doubles.
LANES = 8
# Below this a vector would run mostly empty: one lane costs a fifth of eight.
SCALAR_BELOW = 4
# Cell-cycles per call: keeps the record array below 25 MB, with at least one full vector.
CHUNK_CELL_CYCLES = 256 * 1000

STOP_REASONS = {
    k.CYCLES_DONE: "cycles_done",
    k.CAPACITY_EXHAUSTED: "capacity_exhausted",
    k.SHORT_CIRCUIT: "short_circuit",
    k.SOLVER_FAILED: "solver_failed",
}

_NUMBER_COLUMNS = [name for name in CYCLING_COLUMNS if name != "cycle"]


@dataclass(frozen=True)
class SimulatedCell:
    """What the simulation of one design gave.

    Attributes:
        cycling: One row per cycle, columns as in `domain.cycling.CYCLING_COLUMNS`.
        stop_reason: `cycles_done`, `capacity_exhausted` (below half of the second cycle's discharge capacity),
            `short_circuit` (the last row is the cycle it happened in) or `solver_failed`.
        lithium_imbalance_mah_cm2: Largest drift of the sum of all lithium.
        solver_ok: Whether every step met its tolerance.
        n_steps: Steps that were tried, a measure of the work.
    """

    cycling: pd.DataFrame
    stop_reason: str
    lithium_imbalance_mah_cm2: float
    solver_ok: bool
    n_steps: int = 0


def simulate_cells(
    designs: pd.DataFrame,
    protocol: Protocol,
    *,
    rtol: float = 1e-3,
    parameters: CellParameters = DEFAULT_PARAMETERS,
) -> list[SimulatedCell]:
    """Cycle one cell per design.

    A cell gives the same bits alone and in any batch.

    Args:
        designs: One row per cell; columns are standard variables, those not given take their default.
        rtol: Relative tolerance of the integrator.

    Raises:
        DesignError: A column, seed, value or protocol entry is not one that the model holds for; all are named.
    """
    problems = [*_protocol_problems(protocol), *_design_problems(designs)]
    if not 1e-12 < rtol < 0.1:
        problems.append(Problem("rtol", f"is {rtol:g}", "Give a relative tolerance between 1e-12 and 0.1"))
    if problems:
        raise DesignError(problems, source="simulation")
    cells = [build_cell(design, protocol, parameters) for design in _as_designs(designs)]
    simulated: list[SimulatedCell] = []
    chunk = max(CHUNK_CELL_CYCLES // protocol.cycles, LANES)
    for start in range(0, len(cells), chunk):
        simulated.extend(_run(cells[start : start + chunk], protocol, rtol))
    return simulated


def _run(cells: Sequence[Cell], protocol: Protocol, rtol: float) -> list[SimulatedCell]:
    n = len(cells)
    records = np.zeros((n, protocol.cycles, k.N_RECORDS))
    n_done, reasons, n_steps = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    imbalances = np.zeros(n)
    capacities = np.array([cell.capacity_mah_cm2 for cell in cells])
    lanes = 1 if n < SCALAR_BELOW else LANES
    k.kernel(lanes)(
        np.array([cell.coefficients for cell in cells]),
        np.array([cell.state for cell in cells]),
        capacities,
        np.array(
            [
                protocol.current_density_ma_cm2,
                protocol.discharge_ma_cm2,
                protocol.upper_voltage_v,
                protocol.lower_voltage_v,
                protocol.rest_min / 60.0,
            ]
        ),
        rtol,
        lanes,
        records,
        n_done,
        reasons,
        imbalances,
        n_steps,
    )
    return [
        SimulatedCell(
            cycling=_cycling_table(records[i, : n_done[i]]),
            stop_reason=STOP_REASONS[int(reasons[i])],
            lithium_imbalance_mah_cm2=float(imbalances[i]),
            solver_ok=bool(reasons[i] != k.SOLVER_FAILED),
            n_steps=int(n_steps[i]),
        )
        for i in range(n)
    ]


def _cycling_table(records: np.ndarray) -> pd.DataFrame:
    charge, discharge = records[:, k.CHARGE], records[:, k.DISCHARGE]
    with np.errstate(divide="ignore", invalid="ignore"):
        efficiency = np.where(charge > 0, 100.0 * discharge / charge, np.nan)
        charge_v = np.where(charge > 0, records[:, k.CHARGE_ENERGY] / charge, np.nan)
        discharge_v = np.where(discharge > 0, records[:, k.DISCHARGE_ENERGY] / discharge, np.nan)
    columns = {
        "charge_capacity_mah_cm2": charge,
        "discharge_capacity_mah_cm2": discharge,
        "li3n_capacity_mah_cm2": records[:, k.LI3N_CHARGE],
        "coulombic_efficiency_pct": efficiency,
        "mean_charge_voltage_v": charge_v,
        "mean_discharge_voltage_v": discharge_v,
        "areal_resistance_ohm_cm2": records[:, k.RESISTANCE],
        "pressure_min_mpa": records[:, k.PRESSURE_MIN],
        "pressure_max_mpa": records[:, k.PRESSURE_MAX],
        "contact_fraction": records[:, k.CONTACT],
        "plated_thickness_um": records[:, k.THICKNESS],
        "short_progress": records[:, k.SHORT_PROGRESS],
    }
    # One block of numbers: a table column by column costs a seventh of the time of a whole batch.
    table = pd.DataFrame(np.column_stack([columns[name] for name in _NUMBER_COLUMNS]), columns=_NUMBER_COLUMNS)
    table.insert(0, "cycle", np.arange(1, len(records) + 1))
    return table


def _as_designs(designs: pd.DataFrame) -> list[Design]:
    columns = {
        name: designs[name].tolist() if name in designs else [variable.default] * len(designs)
        for name, variable in STANDARD_VARIABLES.items()
    }
    return [
        Design(str(seed), float(thickness), float(pressure), float(li3n))
        for seed, thickness, pressure, li3n in zip(
            columns["seed_alloy"],
            columns["interlayer_thickness_um"],
            columns["stack_pressure_mpa"],
            columns["li3n_wt_pct"],
            strict=True,
        )
    ]


def _design_problems(designs: pd.DataFrame) -> list[Problem]:
    problems = [
        Problem(f"column {name}", "is not a variable that the simulator reads",
                f"{suggest(str(name), STANDARD_VARIABLES)}It reads: {', '.join(STANDARD_VARIABLES)}")
        for name in designs.columns if name not in STANDARD_VARIABLES
    ]  # fmt: skip
    for name, variable in STANDARD_VARIABLES.items():
        for row, value in enumerate(designs[name].tolist() if name in designs else []):
            where = f"row {row}, {name}"
            if not variable.is_numeric:
                if value not in seed_alloy_names():
                    hint = suggest(str(value), seed_alloy_names())
                    known = ", ".join(seed_alloy_names())
                    problems.append(Problem(where, f"unknown seed '{value}'", f"{hint}Known: {known}"))
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
