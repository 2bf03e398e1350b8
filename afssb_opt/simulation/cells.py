"""What a cell of a given design does when it is cycled: designs in, cycling tables out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.cycling import CYCLING_COLUMNS
from afssb_opt.domain.errors import DesignError, Problem, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import kernel as k
from afssb_opt.simulation.coefficients import Cell, build_cell
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.limits import check_designs
from afssb_opt.simulation.parameters import DEFAULT_PARAMETERS, CellParameters

# Fidelity -> bend of a state, as a share of its size, that a jump over cycles may leave; 0 simulates every cycle.
# What `jump` costs in accuracy and saves in time stands in docs/simulation.md.
FIDELITIES: Final[dict[str, float]] = {"full": 0.0, "jump": 1e-3}

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
    fidelity: str = "full",
    parameters: CellParameters = DEFAULT_PARAMETERS,
) -> list[SimulatedCell]:
    """Cycle one cell per design.

    A cell gives the same bits alone and in any batch.

    Args:
        designs: One row per cell; columns are standard variables, those not given take their default.
        rtol: Relative tolerance of the integrator.
        fidelity: `full`, or `jump`: most cycles are skipped while the cell changes slowly; their rows in the cycling
            table are interpolated.

    Raises:
        DesignError: A column, seed, value or protocol entry is not one that the model holds for; all are named.
    """
    problems = []
    if not 1e-12 < rtol < 0.1:
        problems.append(Problem("rtol", f"is {rtol:g}", "Give a relative tolerance between 1e-12 and 0.1"))
    if fidelity not in FIDELITIES:
        hint = f"{suggest(fidelity, FIDELITIES)}Known: {', '.join(FIDELITIES)}"
        problems.append(Problem("fidelity", f"is '{fidelity}'", hint))
    if problems:
        raise DesignError(problems, source="simulation")
    check_designs(designs, protocol)
    cells = [build_cell(design, protocol, parameters) for design in _as_designs(designs)]
    simulated: list[SimulatedCell] = []
    chunk = max(CHUNK_CELL_CYCLES // protocol.cycles, LANES)
    for start in range(0, len(cells), chunk):
        simulated.extend(_run(cells[start : start + chunk], protocol, rtol, FIDELITIES[fidelity]))
    return simulated


def _run(cells: Sequence[Cell], protocol: Protocol, rtol: float, jump: float) -> list[SimulatedCell]:
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
                protocol.areal_capacity_mah_cm2 / protocol.current_density_ma_cm2
                if protocol.cell_type == "half"
                else 0.0,
            ]
        ),
        rtol,
        jump,
        lanes,
        records,
        n_done,
        reasons,
        imbalances,
        n_steps,
    )
    return [
        SimulatedCell(
            cycling=_cycling_table(_filled(records[i, : n_done[i]]) if jump > 0.0 else records[i, : n_done[i]]),
            stop_reason=STOP_REASONS[int(reasons[i])],
            lithium_imbalance_mah_cm2=float(imbalances[i]),
            solver_ok=bool(reasons[i] != k.SOLVER_FAILED),
            n_steps=int(n_steps[i]),
        )
        for i in range(n)
    ]


def _filled(records: np.ndarray) -> np.ndarray:
    """Return the records with those of skipped cycles, which have no contact, interpolated."""
    is_simulated = records[:, k.CONTACT] > 0.0
    cycles = np.arange(len(records))
    columns = [np.interp(cycles, cycles[is_simulated], column[is_simulated]) for column in records.T]
    return np.column_stack(columns)


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
        Design(
            **{  # type: ignore[arg-type]
                name: float(value) if STANDARD_VARIABLES[name].is_numeric else str(value)
                for name, value in zip(columns, row, strict=True)
            }
        )
        for row in zip(*columns.values(), strict=True)
    ]
