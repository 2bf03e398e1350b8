"""Which numbers are reported for anode-free cells, and what the simulator gives for each of them.

`reported_numbers.csv` holds one number per row with the cell it was measured on. Column `part` says whether the number
was used to calibrate the constants or is kept to validate them; `assumed` names what the source does not state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import DEFAULT_PARAMETERS, CellParameters, SimulatedCell, simulate_cells
from afssb_opt.simulation.coefficients import Cell, build_cell
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.model import PENETRATION, SEI_INITIAL, SEI_RATE
from afssb_opt.simulation.physics import PENETRATION_EXPONENT

TABLE = Path(__file__).with_name("reported_numbers.csv")
# Cycles to run past the last one that a number is read at; a life is looked for up to ten times the reported one.
_SPARE_CYCLES = 2
_LIFE_REACH = 10
# Pressures tried where a source does not state it: the range of sulfide cells in the review.
UNKNOWN_PRESSURES_MPA = (2.0, 10.0)
# Quantities that are compared by factor; the others in points of percent.
_BY_FACTOR = {"life", "hours_to_short", "interphase_uah_cm2"}


@dataclass(frozen=True)
class ReportedNumber:
    """One reported number and the cell it belongs to."""

    name: str
    part: Literal["calibration", "validation"]
    quantity: str
    at: float
    reported: float
    relation: Literal["=", "<", ">"]
    tolerance: float
    design: dict[str, object]
    pressure_is_reported: bool
    seed_mass_share: float
    protocol: Protocol
    assumed: str
    source: str

    def misfit(self, simulated: float) -> float:
        """Return the distance from the reported number in tolerances; 0 inside an open bound."""
        if not math.isfinite(simulated):
            return 10.0
        if self.quantity in _BY_FACTOR:
            distance = math.log(max(simulated, 0.5) / self.reported) / math.log(self.tolerance)
        elif self.quantity == "average_ce":
            lost = max(100.0 - simulated, 1e-3)
            distance = math.log(lost / (100.0 - self.reported)) / math.log(self.tolerance)
        else:
            distance = (simulated - self.reported) / self.tolerance
        if self.relation == "<":
            return max(distance, 0.0)
        return min(distance, 0.0) if self.relation == ">" else distance


def read_numbers(path: Path = TABLE) -> list[ReportedNumber]:
    """Read the table."""
    return [_from_row(row) for row in pd.read_csv(path, keep_default_na=False).to_dict("records")]


def _from_row(row: dict[str, object]) -> ReportedNumber:
    def number(name: str) -> float:
        return float(str(row[name]) or "nan")

    quantity, at, reported = str(row["quantity"]), number("at"), number("reported")
    cycles = {
        "retention": at + _SPARE_CYCLES, "contact_lost": at + _SPARE_CYCLES, "life": _LIFE_REACH * reported,
        "average_ce": 300,
    }.get(quantity, 2)  # fmt: skip
    protocol = Protocol(
        temperature_c=number("temperature_c"),
        current_density_ma_cm2=number("charge_ma_cm2"),
        discharge_current_density_ma_cm2=number("discharge_ma_cm2"),
        areal_capacity_mah_cm2=number("areal_capacity_mah_cm2"),
        cycles=int(cycles),
        fixture=str(row["fixture"]),  # type: ignore[arg-type]
        cell_type=str(row["cell_type"]),  # type: ignore[arg-type]
    )
    return ReportedNumber(
        name=str(row["id"]),
        part=str(row["part"]),  # type: ignore[arg-type]
        quantity=quantity,
        at=at,
        reported=reported,
        relation=str(row["relation"]),  # type: ignore[arg-type]
        tolerance=number("tolerance"),
        design={name: row[name] for name in STANDARD_VARIABLES if name in row},
        pressure_is_reported=row["pressure_is_reported"] == "yes",
        seed_mass_share=number("seed_mass_share"),
        protocol=protocol,
        assumed=str(row["assumed"]),
        source=str(row["source"]),
    )


def simulate_numbers(numbers: Sequence[ReportedNumber], parameters: CellParameters = DEFAULT_PARAMETERS) -> np.ndarray:
    """Return the simulated value of each number, `(n,)`; cells of one protocol run side by side."""
    found = np.full(len(numbers), np.nan)
    groups: dict[tuple[Protocol, float], list[int]] = {}
    for i, item in enumerate(numbers):
        if item.quantity in {"hours_to_short", "interphase_uah_cm2"}:
            found[i] = _from_coefficients(item, parameters)
        else:
            groups.setdefault((item.protocol, item.seed_mass_share), []).append(i)
    for (protocol, share), members in groups.items():
        p = replace(parameters, seed_mass_share=share)
        designs = pd.DataFrame([numbers[i].design for i in members])
        for i, cell in zip(members, simulate_cells(designs, protocol, parameters=p), strict=True):
            reference = None
            if numbers[i].quantity == "capacity_of_60c":
                warm = replace(protocol, temperature_c=60.0)
                (reference,) = simulate_cells(pd.DataFrame([numbers[i].design]), warm, parameters=p)
            found[i] = _read(numbers[i], cell, reference)
    return found


def _from_coefficients(item: ReportedNumber, parameters: CellParameters) -> float:
    cell: Cell = build_cell(Design(**item.design), item.protocol, parameters)  # type: ignore[arg-type]
    if item.quantity == "hours_to_short":
        pressure = float(str(item.design["stack_pressure_mpa"]))
        return float(1.0 / (cell.coefficients[PENETRATION] * pressure**PENETRATION_EXPONENT))
    start, rate = cell.coefficients[SEI_INITIAL], cell.coefficients[SEI_RATE]
    return float(1e3 * math.sqrt(start**2 + rate * item.at))


def _read(item: ReportedNumber, cell: SimulatedCell, reference: SimulatedCell | None) -> float:
    table = cell.cycling
    discharge = table["discharge_capacity_mah_cm2"].to_numpy()
    if item.quantity == "initial_ce":
        return float(table["coulombic_efficiency_pct"].iloc[0])
    if len(discharge) < 2 or discharge[1] <= 0.0:
        return 1.0 if item.quantity == "life" else 0.0
    if item.quantity == "average_ce":
        return float(table["coulombic_efficiency_pct"].iloc[1:].mean())
    if item.quantity == "contact_lost":
        return float(100.0 * (1.0 - table["contact_fraction"].iloc[min(int(item.at), len(table)) - 1]))
    if reference is not None:
        return float(100.0 * discharge[1] / reference.cycling["discharge_capacity_mah_cm2"].iloc[1])
    retained = 100.0 * discharge / discharge[1]
    if item.quantity == "retention":
        return float(retained[int(item.at) - 1]) if len(retained) >= item.at else 0.0
    return crossing(retained, item.at)


def crossing(retained: np.ndarray, level: float) -> float:
    """Return the cycle at which the retention falls below a level, between cycles by interpolation."""
    below = np.flatnonzero(retained[1:] < level)
    if not len(below):
        return float(len(retained))
    last = int(below[0])
    before, after = retained[last], retained[last + 1]
    return last + 1 + float((before - level) / (before - after)) if before > after else float(last + 1)
