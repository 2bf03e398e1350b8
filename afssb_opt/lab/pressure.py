"""What a stack-pressure trace tells (lowest, highest, swing, drift), and joining it to the cycles of a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.moments import clock_seconds
from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.text_file import DELIMITERS, decimal_sign, read_head
from afssb_opt.lab.units import UNITS, split_header

# A sensor at its limit repeats its largest value; a coarse one that works does so now and then.
RAIL_FRACTION: Final = 0.5
PA_PER_MPA: Final = 1e6
# No cell holder presses harder, Pa; larger numbers are another unit.
MAX_PA: Final = 2e9


@dataclass(frozen=True)
class PressureTrace:
    """A recorded stack pressure.

    Attributes:
        time_s: `(n,)` seconds since the epoch where `has_clock`, else since the start of the record.
        pressure_pa: `(n,)`.
    """

    time_s: np.ndarray
    pressure_pa: np.ndarray
    has_clock: bool
    findings: tuple[Finding, ...] = ()


def read_pressure(path: Path) -> PressureTrace | None:
    """Read a text file of time and pressure, or return None where the header names no pressure with its unit."""
    head = read_head(path)
    for number, line in enumerate(head.lines[:50]):
        for delimiter in DELIMITERS:
            split = [split_header(name) for name in line.split(delimiter)]
            places = [
                i
                for i, (label, unit) in enumerate(split)
                if "pressure" in label and unit and UNITS[unit][0] == "pressure"
            ]
            clock = next((i for i, (label, _) in enumerate(split) if re.match(r"date|clock|timestamp", label)), None)
            time = next(
                (i for i, (label, unit) in enumerate(split) if "time" in label and unit and UNITS[unit][0] == "time"),
                None,
            )
            if len(split) < 2 or not places or (clock is None and time is None):
                continue
            body = [text for text in head.lines[number + 1 :] if text.strip()]
            decimal, _ = decimal_sign(body, delimiter)
            table = _rows(path, head.encoding, delimiter, decimal, number + 1)
            pressure = pd.to_numeric(table[places[0]], errors="coerce").to_numpy(float) * UNITS[split[places[0]][1]][1]
            if clock is not None:
                seconds = clock_seconds(table[clock], "iso")
            elif time is not None:
                seconds = pd.to_numeric(table[time], errors="coerce").to_numpy(float) * UNITS[split[time][1]][1]
            return _checked(PressureTrace(seconds, pressure, clock is not None))
    return None


def _rows(path: Path, encoding: str, delimiter: str, decimal: str, n_above: int) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path, sep=delimiter, decimal=decimal, skiprows=n_above, header=None, encoding=encoding, index_col=False
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise refuse("table.fields", str(error).strip(), "as many fields as the header", "Mend the line") from None


def _checked(trace: PressureTrace) -> PressureTrace:
    keep = np.isfinite(trace.time_s) & np.isfinite(trace.pressure_pa)
    if keep.sum() < 3:
        raise refuse(
            "pressure.sensor", f"{int(keep.sum())} readings", "at least 3", "Check the clock and number columns"
        )
    pressure = trace.pressure_pa[keep]
    findings = []
    if n_missing := int((~keep).sum()):
        findings.append(
            Finding(
                "series.missing", Verdict.WARNING, "", f"{n_missing} readings lack time or pressure", "", "Left out"
            )
        )
    at_top = float(np.mean(pressure == pressure.max()))
    if np.ptp(pressure) == 0 or at_top > RAIL_FRACTION:
        raise refuse(
            "pressure.sensor",
            f"{100 * at_top:.0f} % of readings are {pressure.max() / PA_PER_MPA:.4g} MPa",
            "a moving value off its limits",
            "The sensor is off or at its limit; the trace counts as missing",
        )
    if pressure.max() > MAX_PA:
        findings.append(
            Finding(
                "value.plausible",
                Verdict.HELD,
                "pressure",
                f"{pressure.max() / PA_PER_MPA:.4g} MPa",
                f"at most {MAX_PA / PA_PER_MPA:g} MPa",
                "Check the unit in the header",
            )
        )
    return replace(trace, time_s=trace.time_s[keep], pressure_pa=pressure, findings=tuple(findings))


def with_pressure(series: RawSeries, trace: PressureTrace) -> RawSeries:
    """Return the series with the trace's pressure at each of its rows; NaN outside the trace."""
    clock = series.column("unix_time_second")
    test_time = series.table["test_time_second"].to_numpy(float)
    time = clock if trace.has_clock and clock is not None else test_time
    if trace.has_clock and clock is None and np.isfinite(series.started_at):
        time = series.started_at + test_time
    at_rows = np.interp(time, trace.time_s, trace.pressure_pa, left=np.nan, right=np.nan)
    if not np.isfinite(at_rows).any():
        return series.noting(
            Finding(
                "pressure.sensor",
                Verdict.WARNING,
                "pressure",
                "the trace shares no time with the test",
                "the same clock",
                "Set the clocks alike, or export both with date and time",
            )
        )
    return replace(series, table=series.table.assign(surface_pressure_pa=at_rows))


def pressure_summary(cycling: pd.DataFrame) -> dict[str, float]:
    """Return the swing per cycle and the drift of its middle over 100 cycles in MPa, where pressure was measured."""
    low, high = cycling["pressure_min_mpa"].to_numpy(float), cycling["pressure_max_mpa"].to_numpy(float)
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return {}
    summary = {"pressure_swing_mpa": float(np.median((high - low)[known]))}
    if known.sum() > 2:
        slope = np.polyfit(cycling["cycle"].to_numpy(float)[known], 0.5 * (low + high)[known], 1)[0]
        summary["pressure_drift_mpa_per_100_cycles"] = float(100.0 * slope)
    return summary
