"""Whether a raw series can be believed: rows, ranges, time, sign of the current; mended where that is certain."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.half_cycles import polarity, step_starts
from afssb_opt.lab.series import REQUIRED, RawSeries

# No lithium cell is outside; a decimal comma read in the wrong locale gives 23 MV (lab_files section 5, row 59).
MAX_VOLTS: Final = 10.0
# Testers mark a missing reading with such numbers.
MISSING_MARKS: Final = (-999.0, -9999.0, 9999.0, 99999.0)
# Above this share of incomplete rows the file is damaged rather than patchy (assumed).
MAX_MISSING: Final = 0.5
# Share of steps whose voltage must move with the current (0 and 99 % on real files of wrong and right sign).
SIGN_AGREES, SIGN_OPPOSES = 0.9, 0.1
# A step that moves the voltage less than this is held at constant voltage, or too short, and shows no sign.
MIN_STEP_VOLTS: Final = 0.005
# A dead channel reads exactly nothing.
DEAD_VOLTS: Final = 1e-3
# A test is restarted a few times; more, and the rows are not in order.
MAX_RESTARTS: Final = 5
# Test time and wall clock differ by seconds over months; a unit differs by 60 or more.
CLOCK_RATIO: Final = 10.0
PRESSURE_FLAT_FRACTION: Final = 1e-4


def checked_series(series: RawSeries) -> RawSeries:
    """Return the series with doubtful rows removed, time growing and charging current positive.

    Raises:
        UnreadableError: There are no rows, or voltages that no cell has.
    """
    for step in (
        _without_impedance,
        _without_missing,
        _in_range,
        _without_dead_end,
        _with_growing_time,
        _with_checked_clock,
        _with_right_sign,
        _with_checked_pressure,
    ):
        series = step(series)
    return series


def _kept(series: RawSeries, keep: np.ndarray, *findings: Finding) -> RawSeries:
    table = series.table[keep].reset_index(drop=True)
    return replace(series, table=table, findings=(*series.findings, *findings))


def _without_impedance(series: RawSeries) -> RawSeries:
    frequency = series.column("frequency_hertz")
    if frequency is None or not (frequency > 0).any():
        return series
    swept = frequency > 0
    return _kept(
        series,
        ~swept,
        Finding("series.impedance", Verdict.NOTE, "", f"{int(swept.sum())} rows of impedance", "", "They are left out"),
    )


def _without_missing(series: RawSeries) -> RawSeries:
    if not len(series.table):
        raise refuse("series.rows", "no rows of data", "at least one", "Export the test again; the file may be cut off")
    values = series.table.loc[:, list(REQUIRED)].to_numpy(float)
    complete = np.isfinite(values).all(axis=1) & (np.abs(values) < 1e30).all(axis=1)
    complete &= ~np.isin(values[:, 1], MISSING_MARKS) & ~np.isin(values[:, 2], MISSING_MARKS)
    n_missing = int((~complete).sum())
    if n_missing > MAX_MISSING * len(values):
        raise refuse(
            "series.missing",
            f"{n_missing} of {len(values)} rows lack time, voltage or current",
            "at most half",
            "Export the test again",
        )
    if not n_missing:
        return series
    return _kept(
        series,
        complete,
        Finding(
            "series.missing",
            Verdict.WARNING,
            "",
            f"{n_missing} rows lack time, voltage or current",
            "complete rows",
            "They are left out",
        ),
    )


def _in_range(series: RawSeries) -> RawSeries:
    voltage = series.table["voltage_volt"].to_numpy(float)
    largest = float(voltage[np.argmax(np.abs(voltage))])
    if abs(largest) > MAX_VOLTS:
        row = int(np.argmax(np.abs(voltage)))
        raise refuse(
            "series.range",
            f"a voltage of {largest:.4g} V",
            f"-{MAX_VOLTS:g} to {MAX_VOLTS:g} V",
            "Look for the decimal sign and the unit of the export",
            f"row {row + 1}",
        )
    return series


def _without_dead_end(series: RawSeries) -> RawSeries:
    voltage = series.table["voltage_volt"].to_numpy(float)
    current = series.table["current_ampere"].to_numpy(float)
    alive = np.flatnonzero((np.abs(voltage) > DEAD_VOLTS) | (current != 0))
    end = int(alive[-1]) + 1 if len(alive) else 0
    # Two rows at zero could be the end of a discharge to 0 V.
    if end == 0 or end > len(voltage) - 3 or abs(voltage[end - 1]) < 10 * DEAD_VOLTS:
        return series
    return _kept(
        series,
        np.arange(len(voltage)) < end,
        Finding(
            "series.crash",
            Verdict.WARNING,
            f"row {end + 1}",
            f"{len(voltage) - end} rows at 0 V and 0 A to the end",
            "a living channel",
            "Cut there; the cell counts as stopped at the last good row",
        ),
    )


def _with_growing_time(series: RawSeries) -> RawSeries:
    time = series.table["test_time_second"].to_numpy(float)
    back = np.flatnonzero(np.diff(time) < 0)
    if not len(back):
        return series
    is_unordered = len(back) > MAX_RESTARTS and len(back) > 0.01 * len(time)
    # A restarted test counts from zero again: the gap is unknown, and no charge flowed in it.
    shift = np.zeros(len(time))
    for row in back:
        shift[row + 1 :] += time[row] - time[row + 1]
    table = series.table.assign(test_time_second=time + shift)
    return replace(series, table=table).noting(
        Finding(
            "series.time",
            Verdict.HELD if is_unordered else Verdict.WARNING,
            f"row {back[0] + 2}",
            f"test time goes back {len(back)} times",
            "growing time",
            "The parts are put one after another; nothing is integrated across",
        )
    )


def _with_checked_clock(series: RawSeries) -> RawSeries:
    clock = series.column("unix_time_second")
    if clock is None or len(clock) < 3:
        return series
    time = series.table["test_time_second"].to_numpy(float)
    finite = np.isfinite(clock)
    steps = np.diff(clock[finite])
    found = []
    if (steps < 0).any():
        found.append(
            Finding(
                "series.clock",
                Verdict.WARNING,
                "",
                f"the wall clock goes back by up to {-steps.min():.0f} s",
                "a growing clock",
                "Test time is used",
            )
        )
    span, clocked = float(np.ptp(time[finite])), float(np.ptp(clock[finite]))
    if clocked > 60 and span > 0 and not 1 / CLOCK_RATIO < span / clocked < CLOCK_RATIO:
        found.append(
            Finding(
                "series.unit",
                Verdict.HELD,
                "test time",
                f"spans {span:.4g} s while the clock spans {clocked:.4g} s",
                "the same",
                f"The unit is probably wrong by a factor of {clocked / span:.4g}",
            )
        )
    return series.noting(*found)


def _with_right_sign(series: RawSeries) -> RawSeries:
    current = series.table["current_ampere"].to_numpy(float)
    direction = series.column("direction")
    if direction is not None and not (current < 0).any() and (direction < 0).any() and (current > 0).any():
        series = replace(series, table=series.table.assign(current_ampere=current * np.where(direction < 0, -1.0, 1.0)))
        series = series.noting(
            Finding(
                "series.sign", Verdict.NOTE, "current", "is a magnitude", "", "Its sign is taken from the step type"
            )
        )
        current = series.table["current_ampere"].to_numpy(float)
    agreement = sign_agreement(series)
    if not np.isfinite(agreement) or agreement > SIGN_AGREES:
        return series
    if agreement < SIGN_OPPOSES:
        flipped = replace(series, table=series.table.assign(current_ampere=-current))
        return flipped.noting(
            Finding(
                "series.sign",
                Verdict.WARNING,
                "current",
                "is negative on charge",
                "positive on charge",
                "The sign was turned, since the voltage rises where it is negative",
            )
        )
    what = "has no sign" if not (current < 0).any() or not (current > 0).any() else "disagrees with the voltage"
    return series.noting(
        Finding(
            "series.sign",
            Verdict.HELD,
            "current",
            f"{what}: the voltage follows it in {100 * agreement:.0f} % of steps",
            "more than 90 % (or less than 10 %)",
            "Export with signed current, or with the step type",
        )
    )


def sign_agreement(series: RawSeries) -> float:
    """Return the share of steps whose voltage moves in the direction of the current; NaN where no step tells."""
    current = series.table["current_ampere"].to_numpy(float)
    voltage = series.table["voltage_volt"].to_numpy(float)
    sign = polarity(current)
    first, _ = step_starts(series, sign)
    last = np.append(first[1:] - 1, len(sign) - 1)
    change = voltage[last] - voltage[first]
    tells = (sign[first] != 0) & (np.abs(change) > MIN_STEP_VOLTS)
    if not tells.any():
        return float("nan")
    return float(np.mean(np.sign(change[tells]) == sign[first][tells]))


def _with_checked_pressure(series: RawSeries) -> RawSeries:
    pressure = series.column("surface_pressure_pa")
    if pressure is None:
        return series
    finite = pressure[np.isfinite(pressure)]
    is_flat = len(finite) > 2 and float(np.ptp(finite)) <= PRESSURE_FLAT_FRACTION * abs(float(finite.mean()))
    if not is_flat and (finite > 0).any():
        return series
    without: pd.DataFrame = series.table.drop(columns="surface_pressure_pa")
    return replace(series, table=without).noting(
        Finding(
            "pressure.sensor",
            Verdict.NOTE,
            "pressure",
            f"constant at {float(finite.mean()) / 1e6:.4g} MPa",
            "a moving value",
            "The sensor counts as off",
        )
    )
