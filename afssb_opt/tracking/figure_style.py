"""How all figures of the report look: colours, axes and the HTML they become."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.tracking.answer import row_outcome_text
from afssb_opt.tracking.labels import outcome_name_and_unit, value_text, variable_name_and_unit

INK: Final = "#1f2933"
MUTED: Final = "#7b8794"
GRID: Final = "#e6e9ed"
ACCENT: Final = "#2f5d8a"
WARM: Final = "#c8642a"
# Okabe and Ito's colours, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/), then greys.
LEVEL_COLORS: Final = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a200", "#000000", "#6b7280", "#8c564b",
    "#17a2a2", "#a55194",
)  # fmt: skip
# Pale to dark on white, so that the wanted end stands out and none disappears.
PALE_TO_DARK: Final = [[0.0, "#c4d3e0"], [0.5, "#5b8db8"], [1.0, "#12304d"]]

# From this ratio of the whole range to that of the worthwhile values on, the latter are a line at the edge.
_STRETCHED_FROM: Final = 5.0
# From this ratio of largest to smallest value on, a linear axis hides the small ones.
_LOG_FROM: Final = 30.0


def styled(figure: go.Figure, height: int, *, has_legend: bool = False) -> go.Figure:
    """Apply the common look."""
    figure.update_layout(
        template="none",
        height=height,
        font={"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 64, "r": 24, "t": 36, "b": 52},
        showlegend=has_legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#c3c9d0", "activecolor": ACCENT},
        hoverlabel={"bgcolor": "white", "bordercolor": GRID, "font": {"size": 12, "color": INK}, "align": "left"},
    )
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": MUTED, "ticks": "outside", "tickcolor": GRID,
            "title_font": {"size": 12, "color": MUTED}, "tickfont": {"size": 11}, "automargin": True}  # fmt: skip
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_annotations(font={"size": 13, "color": INK})
    return figure


def titled(figure: go.Figure, title: str) -> go.Figure:
    """Give a panel its title, on the left as a caption."""
    return figure.update_layout(title={"text": safe(title), "font": {"size": 13}, "x": 0, "xref": "paper", "y": 0.97})


def counts(highest: int) -> dict[str, object]:
    """Return the ticks of an axis that counts: whole numbers only."""
    return {"dtick": 1} if highest <= 10 else {}


def to_json(figure: go.Figure) -> str:
    """Return the figure as JSON that may stand inside a script element: no text can close the element."""
    return str(figure.to_json()).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def safe(text: object) -> str:
    """Return text that a figure shows as it is; plotly would read `<b>` as bold."""
    return html.escape(str(text), quote=False)


def value_axis(values: np.ndarray, *, is_log_scaled: bool) -> dict[str, object]:
    """Return type and ticks of an axis for these values."""
    if axis_scale(values, is_log_scaled=is_log_scaled) == "linear":
        return {"type": "linear"}
    known = values[np.isfinite(values)]
    ticks = log_ticks(float(known.min()), float(known.max()))
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def worth_showing(objective: Objective, values: np.ndarray) -> np.ndarray:
    """Return booleans for the values that a linear axis or a colour scale should span.

    Values worse than the threshold are of no interest; where they would take most of the axis, it leaves them out,
    since the others could not be told apart.
    """
    known = np.isfinite(values)
    if objective.threshold is None:
        return known
    sign = -1.0 if objective.goal == "minimize" else 1.0
    wanted = known & (sign * values >= sign * objective.threshold)
    if wanted.sum() < 2 or np.ptp(values[known]) <= _STRETCHED_FROM * np.ptp(values[wanted]):
        return known
    return np.asarray(wanted)


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten, with 2 and 5 between them where there would be few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1,) if high / low > 1000 else (1, 3) if high / low > 30 else (1, 2, 5)
    return [digit * 10.0**power for power in powers for digit in digits]


def axis_scale(values: np.ndarray, *, is_log_scaled: bool) -> str:
    """Return `log` where the outcome is judged by factors and spans many of them, else `linear`."""
    known = values[np.isfinite(values)]
    if not is_log_scaled or not len(known) or known.min() <= 0:
        return "linear"
    return "log" if known.max() / known.min() > _LOG_FROM else "linear"


def hover_text(spec: CampaignSpec, row: pd.Series) -> str:
    """Return what a reader sees over one cell: its label, design and outcomes with units."""
    lines = [f"<b>{safe(row['label'])}</b>"]
    for name in spec.space.names:
        if name in row:
            label, unit = variable_name_and_unit(name)
            lines.append(f"{safe(label)}: {safe(value_text(row[name], unit))}")
    for name in spec.shown_outcomes:
        label, _ = outcome_name_and_unit(spec.outcome(name))
        lines.append(f"{safe(label)}: <b>{safe(row_outcome_text(spec, row, name))}</b>")
    return "<br>".join(lines)


def level_colors(levels: tuple[str, ...]) -> Mapping[str, str]:
    """Return a colour per level, repeated where there are more levels than colours."""
    return {level: LEVEL_COLORS[place % len(LEVEL_COLORS)] for place, level in enumerate(levels)}
