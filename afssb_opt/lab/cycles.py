"""Which cycles a time series holds: the cycling table of complete cycles, with what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.half_cycles import HalfCycles, half_cycles
from afssb_opt.lab.series import RawSeries

# More comes out than went in: the cell was not empty at the start of that charge (lab_files section 5, row 12).
PART_CHARGED_EFFICIENCY: Final = 1.2
# A leading discharge below this share of the first charge is settling after assembly, not a stored charge.
SETTLING_FRACTION: Final = 0.01
# A discharge that ends this far above the usual end, as a share of the voltage window, was not finished.
UNFINISHED_FRACTION: Final = 0.02
# Within 10 s of the end of charge the voltage step is mostly ohmic; later, diffusion adds to it (assumed).
RESISTANCE_SECONDS: Final = 10.0
# A voltage step over a smaller change of current (share of the usual one) is mostly noise.
RESISTANCE_CURRENT_FRACTION: Final = 0.2
# Integral and counter agree to a few 1e-4 on real files; more than this is worth a look.
COUNTER_TOLERANCE: Final = 0.02
PA_PER_MPA: Final = 1e6
# Dense lithium per charge: 3861 mAh/g (Faraday's law) and 0.534 g/cm3 (standard tables).
DENSE_LITHIUM_UM_PER_MAH_CM2: Final = 1e4 / (3861.0 * 0.534)


@dataclass(frozen=True)
class CellCycles:
    """The complete cycles of one cell.

    Attributes:
        cycling: Cycling table per electrode area; empty where no cycle is complete.
        rows: `(n, 4)` rows of the series per cycle: first and last of charge, first and last of discharge.
        current_ma_cm2: `(n, 2)` charge and discharge current density of the constant-current parts.
        voltage_v: `(n, 2)` lowest and highest voltage.
        starts_empty: The first charge began on a cell that had never been charged, as far as the file shows.
        has_unfinished: A cycle at the end is kept in the file but not counted.
        findings: What was noticed.
    """

    cycling: pd.DataFrame
    rows: np.ndarray
    current_ma_cm2: np.ndarray
    voltage_v: np.ndarray
    starts_empty: bool
    has_unfinished: bool
    findings: tuple[Finding, ...]


def cell_cycles(series: RawSeries, area_cm2: float, lower_voltage_v: float | None = None) -> CellCycles:
    """Return the complete cycles of a checked series.

    Args:
        series: Current positive on charge, time growing.
        area_cm2: Electrode area, from the record of the cell, never from the file.
        lower_voltage_v: Discharge limit of the protocol; without it, the usual end of the other cycles is used.
    """
    halves = half_cycles(series)
    findings = _about_integration(halves)
    table = halves.table
    starts_empty = True
    if len(table) and not table["is_charge"].iloc[0]:
        leading = float(table["charge_ah"].iloc[0])
        following = float(table["charge_ah"].iloc[1]) if len(table) > 1 else 0.0
        starts_empty = leading < SETTLING_FRACTION * following
        if not starts_empty:
            findings.append(
                Finding(
                    "cycles.first",
                    Verdict.WARNING,
                    "",
                    f"begins with a discharge of {1000 * leading:.4g} mAh",
                    "charge first",
                    "It is cycle 0, and no initial efficiency is given",
                )
            )
        table = table.iloc[1:].reset_index(drop=True)
    charges, discharges = table[table["is_charge"]], table[~table["is_charge"]]
    n = len(discharges)
    has_unfinished = len(charges) > n
    if n and _is_cut_off(discharges, len(series.table), lower_voltage_v):
        n, has_unfinished = n - 1, True
    charges, discharges = charges.iloc[:n].reset_index(drop=True), discharges.iloc[:n].reset_index(drop=True)
    if has_unfinished:
        findings.append(
            Finding(
                "cycles.unfinished",
                Verdict.NOTE,
                "",
                f"cycle {n + 1} is not finished",
                "",
                "It is kept in the file and not counted",
            )
        )
    first_cycle = 1
    if n and discharges["charge_ah"].iloc[0] > PART_CHARGED_EFFICIENCY * charges["charge_ah"].iloc[0]:
        efficiency = 100.0 * discharges["charge_ah"].iloc[0] / charges["charge_ah"].iloc[0]
        findings.append(
            Finding(
                "cycles.first",
                Verdict.WARNING,
                "",
                f"cycle 1 gives back {efficiency:.0f} % of its charge",
                "at most 120 %",
                "The cell was part charged at the start; cycle 1 is left out",
            )
        )
        starts_empty, first_cycle = False, 2
        charges, discharges = charges.iloc[1:].reset_index(drop=True), discharges.iloc[1:].reset_index(drop=True)
        n -= 1
    if n == 0:
        findings.append(
            Finding("cycles.none", Verdict.NOTE, "", "no complete cycle", "", "The file is kept; the cell stays open")
        )
    rows = np.column_stack([charges["first"], charges["last"], discharges["first"], discharges["last"]]).astype(int)
    return CellCycles(
        cycling=_table(series, charges, discharges, first_cycle, area_cm2, rows),
        rows=rows,
        current_ma_cm2=1000.0 * np.column_stack([charges["current_a"], discharges["current_a"]]) / area_cm2,
        voltage_v=np.column_stack(
            [np.minimum(charges["low_v"], discharges["low_v"]), np.maximum(charges["high_v"], discharges["high_v"])]
        ),
        starts_empty=starts_empty,
        has_unfinished=has_unfinished,
        findings=(*findings, *_about_numbering(series, rows, first_cycle)),
    )


def _is_cut_off(discharges: pd.DataFrame, n_rows: int, lower_voltage_v: float | None) -> bool:
    """Tell whether the file ends inside the last discharge."""
    final = discharges.iloc[-1]
    if final["last"] < n_rows - 1:
        return False
    window = float(discharges["high_v"].max() - discharges["low_v"].min())
    others = discharges["last_v"].iloc[:-1]
    if len(others) == 0 and lower_voltage_v is None:
        return False
    usual = float(others.median()) if len(others) else float(lower_voltage_v or 0.0)
    return bool(final["last_v"] > usual + UNFINISHED_FRACTION * window)


def _table(
    series: RawSeries,
    charges: pd.DataFrame,
    discharges: pd.DataFrame,
    first_cycle: int,
    area_cm2: float,
    rows: np.ndarray,
) -> pd.DataFrame:
    charge, discharge = charges["charge_ah"].to_numpy(float), discharges["charge_ah"].to_numpy(float)
    resistance = np.array([_resistance_ohm(series, last) for last in rows[:, 1]])
    columns: dict[str, np.ndarray] = {
        "cycle": np.arange(len(charge)) + first_cycle,
        "charge_capacity_mah_cm2": 1000.0 * charge / area_cm2,
        "discharge_capacity_mah_cm2": 1000.0 * discharge / area_cm2,
        "coulombic_efficiency_pct": 100.0 * _ratio(discharge, charge),
        "mean_charge_voltage_v": _ratio(charges["energy_wh"].to_numpy(float), charge),
        "mean_discharge_voltage_v": _ratio(discharges["energy_wh"].to_numpy(float), discharge),
        "areal_resistance_ohm_cm2": resistance * area_cm2,
        # Nobody measures it in a running cell; the stack's energy density is that of dense lithium.
        "plated_thickness_um": DENSE_LITHIUM_UM_PER_MAH_CM2 * 1000.0 * charge / area_cm2,
    }
    pressure = series.column("surface_pressure_pa")
    if pressure is not None and len(rows):
        spans = [pressure[row[0] : row[3] + 1] / PA_PER_MPA for row in rows]
        columns["pressure_min_mpa"] = np.array(
            [np.nanmin(span) if np.isfinite(span).any() else np.nan for span in spans]
        )
        columns["pressure_max_mpa"] = np.array(
            [np.nanmax(span) if np.isfinite(span).any() else np.nan for span in spans]
        )
    table = as_cycling_table(columns)
    return table.astype({name: float for name in table.columns if name != "cycle"})


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    ratio = np.full(len(above), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _resistance_ohm(series: RawSeries, last_of_charge: int) -> float:
    """Return the voltage step over the current step at the end of a charge, NaN where the record is too coarse."""
    following = last_of_charge + 1
    if following >= len(series.table):
        return float("nan")
    time, voltage, current = (
        series.table[name].to_numpy(float)[last_of_charge : following + 1]
        for name in ("test_time_second", "voltage_volt", "current_ampere")
    )
    change = current[0] - current[1]
    is_enough = change > RESISTANCE_CURRENT_FRACTION * abs(current[0]) > 0
    if time[1] - time[0] > RESISTANCE_SECONDS or not is_enough or voltage[0] <= voltage[1]:
        return float("nan")
    return float((voltage[0] - voltage[1]) / change)


def _about_integration(halves: HalfCycles) -> list[Finding]:
    findings = []
    if halves.n_pulses:
        findings.append(
            Finding(
                "series.pulses",
                Verdict.NOTE,
                "",
                f"{halves.n_pulses} short pulses",
                "",
                "Their charge is deducted from the half cycle around them",
            )
        )
    if halves.used_counter:
        findings.append(
            Finding(
                "series.counter",
                Verdict.WARNING,
                "current",
                f"is recorded too coarsely to integrate (counter over integral {halves.counter_ratio:.3f})",
                "steps below 1 % of the current",
                "The tester's capacity counter is used instead",
            )
        )
    elif abs(halves.counter_ratio - 1.0) > COUNTER_TOLERANCE:
        findings.append(
            Finding(
                "series.counter",
                Verdict.WARNING,
                "capacity",
                f"the tester's counter is {halves.counter_ratio:.3f} times the integral of the current",
                "0.98 to 1.02",
                "The integral is used; look for missing rows or a wrong unit",
            )
        )
    return findings


def _about_numbering(series: RawSeries, rows: np.ndarray, first_cycle: int) -> list[Finding]:
    vendor = series.column("cycle_count")
    if vendor is None or not len(rows):
        return []
    theirs = vendor[rows[:, 0]]
    # Many testers count from 0.
    offset = theirs[0] - first_cycle
    if offset in (0, -1) and np.array_equal(theirs, theirs[0] + np.arange(len(theirs))):
        return []
    return [
        Finding(
            "cycles.numbering",
            Verdict.NOTE,
            "cycle",
            f"the tester counts {theirs[0]:.0f} to {theirs[-1]:.0f} where there are {len(rows)} cycles",
            "",
            "Cycles are counted anew, from charge to charge",
        )
    ]
