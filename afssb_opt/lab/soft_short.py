"""Whether a cell shows signs of a soft short: evidence per sign, never a verdict (thresholds of this project)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from afssb_opt.lab.cycles import CellCycles
from afssb_opt.lab.series import RawSeries

# A charge that takes this much more than the smallest one before it (lab_files section 3: 1.05, ours).
OVERLONG_CHARGE: Final = 1.05
# Healthy cells stay below 100.5 % (225 cycles of a real cell: none above).
MAX_EFFICIENCY_PCT: Final = 100.5
# A cut-off missed by this share of the voltage window was not reached.
CUTOFF_FRACTION: Final = 0.02
# Noise of a charge over that of the cell's own first cycles.
NOISE_RATIO: Final = 5.0
# The recorder's resolution hides noise below this (assumed), V.
NOISE_FLOOR_V: Final = 5e-4
REFERENCE_CYCLES: Final = 3


@dataclass(frozen=True)
class ShortEvidence:
    """Signs of a soft short.

    Attributes:
        signs: Sentences that name sign, cycles and values.
        is_suspected: Two signs coincide in one cycle.
    """

    signs: tuple[str, ...]
    is_suspected: bool


def short_evidence(series: RawSeries, cycles: CellCycles) -> ShortEvidence:
    """Look for over-long charges, missed cut-offs, odd efficiencies and noisy charging."""
    table = cycles.cycling
    if len(table) < 2:
        return ShortEvidence((), False)
    number = table["cycle"].to_numpy(int)
    charge = table["charge_capacity_mah_cm2"].to_numpy(float)
    efficiency = table["coulombic_efficiency_pct"].to_numpy(float)
    low, high = cycles.voltage_v[:, 0], cycles.voltage_v[:, 1]
    overlong = np.append(False, charge[1:] > OVERLONG_CHARGE * np.minimum.accumulate(charge)[:-1])
    usual_high = float(np.median(high[: max(REFERENCE_CYCLES, 1)]))
    missed = high < usual_high - CUTOFF_FRACTION * (usual_high - float(np.median(low)))
    dropped = overlong & (efficiency < np.median(efficiency) - 1.0)
    excessive = efficiency > MAX_EFFICIENCY_PCT
    noise = np.array([_noise(series, first, last) for first, last in cycles.rows[:, :2]])
    own = max(float(np.nanmedian(noise[:REFERENCE_CYCLES])), NOISE_FLOOR_V) if np.isfinite(noise[:3]).any() else np.nan
    noisy = noise > NOISE_RATIO * own
    signs = [
        _sentence("charge longer than before by more than 5 %", number, overlong),
        _sentence("charge did not reach its cut-off voltage", number, missed),
        _sentence("efficiency fell while the charge was over-long", number, dropped),
        _sentence(f"efficiency above {MAX_EFFICIENCY_PCT:g} %", number, excessive),
        _sentence(f"voltage noise above {NOISE_RATIO:g} times that of the first cycles", number, noisy),
    ]
    together = overlong.astype(int) + missed + dropped + noisy
    return ShortEvidence(tuple(sign for sign in signs if sign), bool((together >= 2).any()))


def _noise(series: RawSeries, first: int, last: int) -> float:
    """Return the RMS of the second difference of the charging voltage in V, which a smooth curve does not have."""
    voltage = series.table["voltage_volt"].to_numpy(float)[first : last + 1]
    if len(voltage) < 10:
        return float("nan")
    bend = np.diff(voltage, 2)
    # The steps between constant-current and constant-voltage parts are no noise.
    inner = bend[np.abs(bend) <= np.percentile(np.abs(bend), 98)]
    return float(np.sqrt(np.mean(inner**2)))


def _sentence(sign: str, cycle: np.ndarray, where: np.ndarray) -> str:
    if not where.any():
        return ""
    cycles = cycle[where]
    shown = ", ".join(map(str, cycles[:5])) + (f" and {len(cycles) - 5} more" if len(cycles) > 5 else "")
    return f"{sign} (cycle {shown})"
