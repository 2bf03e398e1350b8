"""How charge and energy per half cycle follow from current, voltage and time: integrated inside steps only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.lab.series import RawSeries

# A current below this share of the usual one is rest or offset; constant-voltage steps end at 1/20 to 1/100 of it.
REST_FRACTION: Final = 1e-3
# The counter is preferred where it disagrees with the integral by more than this share, and half a digit of the
# recorded current is more than that too (Landt rounds 0.18 mA to 0.2 mA).
MAX_QUANTISATION: Final = 0.01
# A pulse of a resistance test lasts seconds to half a minute; a half cycle that short and this much smaller than
# both neighbours is one, unless the cell had reached the end of its voltage window.
PULSE_SECONDS: Final = 60.0
PULSE_RATIO: Final = 20.0
AT_LIMIT_FRACTION: Final = 0.05


@dataclass(frozen=True)
class HalfCycles:
    """Alternating charge and discharge half cycles.

    Attributes:
        table: Columns is_charge, first, last (row numbers), charge_ah and energy_wh (positive), duration_s,
            current_a (of the constant-current part), first_v, last_v, low_v, high_v.
        n_pulses: Short pulses that were taken into the half cycle around them.
        used_counter: The tester's capacity counter was used, since the recorded current is too coarse.
        counter_ratio: Counter over integral summed over all half cycles; NaN where there is no counter.
    """

    table: pd.DataFrame
    n_pulses: int
    used_counter: bool
    counter_ratio: float


def polarity(current: np.ndarray) -> np.ndarray:
    """Return +1, 0, -1 per row; `current` is `(n,)` in A."""
    size = np.abs(current)
    usual = np.percentile(size[size > 0], 95) if (size > 0).any() else 0.0
    return np.where(size > REST_FRACTION * usual, np.sign(current), 0).astype(np.int8)


def step_starts(series: RawSeries, sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each step, and whether the tester began a step there (not only the current's sign)."""
    new_by_tester = np.zeros(len(sign), dtype=bool)
    for name in ("step_count", "step_id", "step_type"):
        values = series.column(name)
        if values is not None:
            new_by_tester[1:] |= values[1:] != values[:-1]
    step_time = series.column("step_time_second")
    if step_time is not None:
        new_by_tester[1:] |= step_time[1:] < step_time[:-1]
    new = new_by_tester.copy()
    new[1:] |= sign[1:] != sign[:-1]
    new[0] = new_by_tester[0] = True
    first = np.flatnonzero(new)
    return first, new_by_tester[first]


def half_cycles(series: RawSeries) -> HalfCycles:
    """Return the half cycles of a series whose current is positive on charge and whose time grows."""
    time, voltage, current = (
        series.table[name].to_numpy(float) for name in ("test_time_second", "voltage_volt", "current_ampere")
    )
    sign = polarity(current)
    first, by_tester = step_starts(series, sign)
    last = np.append(first[1:] - 1, len(time) - 1)
    charge, energy = _integrals(series, time, voltage, current, first, by_tester)
    counted = _counted(series, sign, first, last)
    moving = sign[first] != 0
    ratio = np.nan
    if counted is not None and np.abs(charge[moving]).sum() > 0:
        ratio = float(counted[moving].sum() / np.abs(charge[moving]).sum())
    is_coarse = abs(ratio - 1.0) > MAX_QUANTISATION and quantisation(current) > MAX_QUANTISATION
    used_counter = counted is not None and is_coarse
    if counted is not None and is_coarse:
        scale = np.divide(counted, np.abs(charge), out=np.ones_like(charge), where=np.abs(charge) > 0)
        energy, charge = energy * scale, sign[first] * counted
    vendor_cycle = series.column("cycle_count")
    steps = pd.DataFrame(
        {
            "sign": sign[first],
            "first": first,
            "last": last,
            "charge": charge,
            "energy": energy,
            "duration_s": time[last] - time[first],
            "first_v": voltage[first],
            "last_v": voltage[last],
            "low_v": np.minimum.reduceat(voltage, first),
            "high_v": np.maximum.reduceat(voltage, first),
            "vendor_cycle": vendor_cycle[first] if vendor_cycle is not None else np.zeros(len(first)),
        }
    )
    # A single record without a duration passes no charge and is no half cycle.
    steps = steps[steps["sign"] * steps["charge"] > 0].reset_index(drop=True)
    steps, n_pulses = _without_pulses(steps)
    return HalfCycles(_merged(steps), n_pulses, used_counter, ratio)


def quantisation(current: np.ndarray) -> float:
    """Return half the resolution of the recorded current over its usual magnitude."""
    # Ten thousand rows show the resolution of a recorder as well as a million do.
    sample = np.abs(current[:: max(1, len(current) // 10_000)])
    values = np.unique(sample[sample > 0])
    if not len(values):
        return 0.0
    resolution = 0.0
    for decimals in range(10):
        if np.allclose(np.round(values, decimals), values, rtol=1e-7, atol=0.0):
            resolution = 10.0**-decimals
            break
    return float(0.5 * resolution / np.median(sample[sample > 0]))


def _integrals(
    series: RawSeries,
    time: np.ndarray,
    voltage: np.ndarray,
    current: np.ndarray,
    first: np.ndarray,
    by_tester: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return charge (Ah) and energy (Wh) per step, signed.

    The first interval of a step counts with the step's own current as far as the tester's step time says it lasted.
    """
    dt = np.diff(time, prepend=time[0])
    power = voltage * current
    charge = np.zeros(len(time))
    energy = np.zeros(len(time))
    charge[1:] = 0.5 * (current[1:] + current[:-1]) * dt[1:]
    energy[1:] = 0.5 * (power[1:] + power[:-1]) * dt[1:]
    lead = np.zeros(len(first))
    step_time = series.column("step_time_second")
    if step_time is not None:
        # A file that begins with its test has no record before the first; one that was cut out of a test says less.
        if 0.0 < time[0] <= 1.001 * step_time[0]:
            dt[0] = time[0]
        lead = np.where(by_tester, np.clip(np.minimum(step_time[first], dt[first]), 0.0, None), 0.0)
    charge[first] = current[first] * lead
    energy[first] = power[first] * lead
    return np.add.reduceat(charge, first) / 3600.0, np.add.reduceat(energy, first) / 3600.0


def _counted(series: RawSeries, sign: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray | None:
    """Return Ah per step from the tester's counters, which may restart at any step; None where there are none."""
    columns = [series.column(name) for name in ("charging_capacity_ah", "discharging_capacity_ah")]
    per_step = series.column("step_capacity_ah")
    if columns[0] is None and columns[1] is None and per_step is None:
        return None
    counted = np.zeros(len(first))
    sources = [(1, columns[0]), (-1, columns[1])] if per_step is None else [(1, per_step), (-1, per_step)]
    for side, values in sources:
        if values is None:
            continue
        magnitude = np.abs(values)
        before = np.where(first > 0, magnitude[np.maximum(first - 1, 0)], 0.0)
        before = np.where(before > magnitude[first] + 1e-12, 0.0, before)
        if per_step is not None:
            before = np.zeros(len(first))
        counted = np.where(sign[first] == side, magnitude[last] - before, counted)
    return np.nan_to_num(np.maximum(counted, 0.0))


def _without_pulses(steps: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Give pulses the sign of the half cycle around them, so that their charge is deducted there."""
    if len(steps) < 3:
        return steps, 0
    halves = (steps["sign"] != steps["sign"].shift()).cumsum().to_numpy()
    groups = steps.groupby(halves)
    size = groups["charge"].sum().abs().to_numpy()
    duration = groups["duration_s"].sum().to_numpy()
    vendor = groups["vendor_cycle"].agg(["first", "last"]).to_numpy()
    end_v = groups["last_v"].last().to_numpy()
    signs = groups["sign"].first().to_numpy()
    low, high = float(steps["low_v"].min()), float(steps["high_v"].max())
    margin = AT_LIMIT_FRACTION * (high - low)
    inner = slice(1, -1)
    before_v, before_sign = end_v[:-2], signs[:-2]
    at_limit = np.where(before_sign > 0, before_v > high - margin, before_v < low + margin)
    is_pulse = np.zeros(len(size), dtype=bool)
    is_pulse[inner] = (
        (duration[inner] <= PULSE_SECONDS)
        & (PULSE_RATIO * size[inner] < np.minimum(size[:-2], size[2:]))
        & (vendor[:-2, 1] == vendor[2:, 0])
        & ~at_limit
    )
    if not is_pulse.any():
        return steps, 0
    flipped = steps.copy()
    flipped.loc[is_pulse[halves - 1], "sign"] *= -1
    return flipped, int(is_pulse.sum())


def _merged(steps: pd.DataFrame) -> pd.DataFrame:
    """Join steps of one sign that follow each other; rests between them do not matter."""
    half = (steps["sign"] != steps["sign"].shift()).cumsum()
    groups = steps.groupby(half)
    duration = groups["duration_s"].sum()
    charge = groups["charge"].sum() * groups["sign"].first()
    # Constant-voltage tails and pulses run below the current of the constant-current part.
    mean_current = 3600.0 * steps["charge"] * steps["sign"] / steps["duration_s"].clip(lower=1.0)
    current = mean_current.groupby(half).max()
    return pd.DataFrame(
        {
            "is_charge": groups["sign"].first() > 0,
            "first": groups["first"].first(),
            "last": groups["last"].last(),
            "charge_ah": charge,
            "energy_wh": groups["energy"].sum() * groups["sign"].first(),
            "duration_s": duration,
            "current_a": current,
            "first_v": groups["first_v"].first(),
            "last_v": groups["last_v"].last(),
            "low_v": groups["low_v"].min(),
            "high_v": groups["high_v"].max(),
        }
    ).reset_index(drop=True)
