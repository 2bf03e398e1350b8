"""How one cell cycled: a picture of capacity and efficiency above resistance and pressure."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BLUE, ORANGE, GREEN, GREY = "#2f5d8a", "#d1792b", "#4a8f5c", "#8a8f98"


def draw_cycles(cycling: pd.DataFrame, title: str, path: Path) -> None:
    """Draw a cycling table to a PNG file; quantities that were not measured are left out."""
    figure = Figure(figsize=(7.2, 5.6))
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    # Fixed margins: letting matplotlib find them draws everything twice.
    figure.subplots_adjust(left=0.1, right=0.89, top=0.88, bottom=0.09, hspace=0.16)
    cycles = cycling["cycle"].to_numpy(int)
    style = {"marker": "o", "markersize": 3} if len(cycles) < 40 else {}
    _draw(upper, cycles, cycling, {"discharge_capacity_mah_cm2": ("discharge", BLUE, style)}, "Capacity (mAh/cm²)")
    upper.set_ylim(bottom=0)
    efficiency = cycling["coulombic_efficiency_pct"].to_numpy(float)
    if np.isfinite(efficiency).any():
        right = upper.twinx()
        # The first cycle is far below the others, so it is written: on the same scale nothing else would be seen.
        later = cycles > cycles[0] if len(cycles) > 2 else np.ones(len(cycles), dtype=bool)
        right.plot(cycles[later], efficiency[later], color=ORANGE, linewidth=1.5, **style)
        right.set_ylabel("Coulombic efficiency (%)", color=ORANGE)
        # A span of one percent at least: less would blow up the last digit of the measurement.
        low, high = right.get_ylim()
        right.set_ylim(min(low, high - 1.0), high)
        if not later[0] and np.isfinite(efficiency[0]):
            right.set_title(f"first cycle {efficiency[0]:.1f} %", fontsize=9, color=ORANGE, loc="right")
        right.spines["top"].set_visible(False)
    _draw(lower, cycles, cycling, {"areal_resistance_ohm_cm2": ("resistance", GREEN, style)}, "Resistance (Ω cm²)")
    pressures: dict[str, tuple[str, str, dict[str, object]]] = {
        "pressure_max_mpa": ("highest pressure", GREY, {"linestyle": "-"}),
        "pressure_min_mpa": ("lowest pressure", GREY, {"linestyle": "--"}),
    }
    if any(np.isfinite(cycling[name].to_numpy(float)).any() for name in pressures):
        right = lower.twinx()
        _draw(right, cycles, cycling, pressures, "Stack pressure (MPa)")
        right.set_ylim(bottom=0)
        right.legend(fontsize=8, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.98))
    lower.set_xlabel("Cycle")
    if len(cycles) < 3:
        lower.set_xlim(cycles.min() - 0.5, cycles.max() + 0.5)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(textwrap.fill(title, 88), fontsize=10)
    # Light compression: a few kilobytes more for a tenth of the time.
    figure.savefig(path, dpi=110, pil_kwargs={"compress_level": 2})


def _draw(
    axes: Axes,
    cycles: np.ndarray,
    cycling: pd.DataFrame,
    curves: dict[str, tuple[str, str, dict[str, object]]],
    label: str,
) -> None:
    color, is_empty = GREY, True
    for name, (legend, color, style) in curves.items():
        values = cycling[name].to_numpy(float)
        if np.isfinite(values).any():
            is_empty = False
            axes.plot(cycles, values, color=color, label=legend, linewidth=1.5, **style)  # type: ignore[arg-type]
    if is_empty:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "not measured", color=GREY, ha="center", transform=axes.transAxes)
    axes.set_ylabel(label, color=color)
    axes.spines["top"].set_visible(False)
    axes.margins(x=0.02)
