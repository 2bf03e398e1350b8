"""Pictures of one lab cell for a reviewer: capacity and efficiency, voltage profiles of chosen cycles, Nyquist plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.spectrum import Spectrum

# The eye tells about six curves of one picture apart.
MAX_PROFILES: Final = 6
# A profile with more points looks the same.
MAX_POINTS: Final = 2000


def draw_capacity(cycling: pd.DataFrame, title: str, path: Path) -> None:
    """Draw capacities and efficiency against the cycle number."""
    figure = _figure(title)
    axes = figure.subplots()
    cycle = cycling["cycle"].to_numpy(int)
    axes.plot(cycle, cycling["charge_capacity_mah_cm2"], "o-", ms=3, lw=1, color="#8a8f98", label="charge")
    axes.plot(cycle, cycling["discharge_capacity_mah_cm2"], "o-", ms=3, lw=1, color="#2f5d8a", label="discharge")
    axes.set(xlabel="Cycle", ylabel="Capacity (mAh/cm²)")
    axes.set_ylim(bottom=0)
    right = axes.twinx()
    right.plot(cycle, cycling["coulombic_efficiency_pct"], "s", ms=3, color="#d1792b", label="efficiency")
    right.set_ylabel("Coulombic efficiency (%)", color="#d1792b")
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=110)


def draw_profiles(
    series: RawSeries, rows: Sequence[tuple[int, int, int, int, int]], area_cm2: float, path: Path
) -> None:
    """Draw voltage against capacity for the first, second, last and some cycles between.

    Args:
        rows: Per cycle its number, and first and last row of charge and of discharge.
    """
    figure = _figure("Voltage profiles")
    axes = figure.subplots()
    chosen = sorted({0, min(1, len(rows) - 1), *np.linspace(0, len(rows) - 1, MAX_PROFILES - 1).astype(int)})
    time, voltage, current = (
        series.table[name].to_numpy(float) for name in ("test_time_second", "voltage_volt", "current_ampere")
    )
    for place, index in enumerate(chosen):
        color = colormaps["viridis"](0.9 * place / max(len(chosen) - 1, 1))
        for side in (1, 3):
            part = slice(rows[index][side], rows[index][side + 1] + 1)
            passed = (
                np.concatenate([[0.0], np.cumsum(np.abs(current[part][1:]) * np.diff(time[part]))]) / 3.6 / area_cm2
            )
            stride = max(1, len(passed) // MAX_POINTS)
            label = f"cycle {rows[index][0]}" if side == 1 else None
            axes.plot(passed[::stride], voltage[part][::stride], color=color, lw=1.2, label=label)
    axes.set(xlabel="Capacity (mAh/cm²)", ylabel="Voltage (V)")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def draw_nyquist(spectra: Sequence[Spectrum], path: Path) -> None:
    """Draw all spectra of a cell in the complex plane."""
    figure = _figure("Impedance")
    axes = figure.subplots()
    for spectrum in spectra:
        z = spectrum.impedance_ohm
        axes.plot(z.real, -z.imag, "o-", ms=3, lw=1, label=spectrum.conditions.get("date", ""))
    axes.set(xlabel="Re Z (Ω)", ylabel="-Im Z (Ω)")
    axes.set_aspect("equal", adjustable="datalim")
    if any(spectrum.conditions.get("date") for spectrum in spectra):
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def _figure(title: str) -> Figure:
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    return figure
