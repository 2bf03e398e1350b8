"""What the surrogate says of the levels of a variable, such as seed alloys: which are alike, and what each can do."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.tracking.figure_style import ACCENT, INK, MUTED, PALE_TO_DARK, safe, styled, titled, value_axis
from afssb_opt.tracking.labels import outcome_label, outcome_name_and_unit, value_text
from afssb_opt.tracking.model_figures import interval

# A level is pale where its likeliest recipe is less likely than this to keep all limits; so `Optimizer.level_map` draws
# the line too.
_LIKELY: Final = 0.5
_PALE: Final = "#b8bfc8"
# Diameter in pixels of a level without cells, and what the square root of their number adds to it.
_DOT_PX, _PER_ROOT_PX = 8.0, 2.0
# Names of neighbours on different sides of their dots do not hide each other.
_SIDES: Final = ("top center", "bottom center", "middle right", "middle left")


def level_map_figure(spec: CampaignSpec, table: pd.DataFrame) -> go.Figure:
    """Draw levels so that those lie together that are predicted to behave alike.

    Args:
        spec: The campaign.
        table: As from `Optimizer.level_map`.
    """
    objective = _drawn(spec, table)[0]
    name, unit = outcome_name_and_unit(spec.outcome(objective.outcome))
    best = table[f"best_{objective.outcome}"].to_numpy(float)
    cells = table["n_cells"].to_numpy(int)
    ranks = table["x"].rank(method="first").astype(int).tolist()
    figure = go.Figure(
        go.Scatter(
            x=table["x"], y=table["y"], mode="markers+text", text=table["level"].map(safe),
            textposition=[_SIDES[rank % len(_SIDES)] for rank in ranks], textfont={"size": 11, "color": INK},
            marker={
                "size": _DOT_PX + _PER_ROOT_PX * np.sqrt(cells), "color": best, "colorscale": PALE_TO_DARK,
                "reversescale": objective.goal == "minimize", "symbol": np.where(cells > 0, "circle", "circle-open"),
                "line": {"width": 1, "color": MUTED},
                "colorbar": {"title": {"text": safe(f"best {name}"), "font": {"size": 11}}, "thickness": 10,
                             "tickfont": {"size": 10}},
            },
            hovertext=[
                f"{safe(level)}: {n} cells, best {safe(name)} predicted {value_text(float(value), unit)}"
                for level, n, value in zip(table["level"], cells, best, strict=True)
            ],
            hoverinfo="text",
        )
    )  # fmt: skip
    styled(figure, 380)
    # Distances count, not places: one scale for both axes, without numbers.
    figure.update_xaxes(showticklabels=False, ticks="")
    figure.update_yaxes(showticklabels=False, ticks="", scaleanchor="x")
    return titled(figure, "Alike or not")


def reach_figures(spec: CampaignSpec, table: pd.DataFrame) -> list[go.Figure]:
    """Draw the best that each level is predicted to reach, per objective, the best level on top.

    What follows from the recipe has no figure: its best is known without a model.
    """
    drawn = [o for o in _drawn(spec, table) if (table[f"best_{o.outcome}_sd"] > 0).any()]
    if not drawn:
        return []
    order = np.argsort(drawn[0].maximised(table[f"best_{drawn[0].outcome}"].to_numpy(float)), kind="stable")
    return [_reach_figure(spec, objective, table.iloc[order]) for objective in drawn]


def _reach_figure(spec: CampaignSpec, objective: Objective, table: pd.DataFrame) -> go.Figure:
    definition = spec.outcome(objective.outcome)
    mean, sd = (table[f"best_{objective.outcome}{end}"].to_numpy(float) for end in ("", "_sd"))
    low, high = interval(mean, sd, is_log_scaled=definition.is_log_scaled)
    is_likely = table["chance"].to_numpy(float) >= _LIKELY
    figure = go.Figure()
    for chosen, color in ((is_likely, ACCENT), (~is_likely, _PALE)):
        rows = table[chosen]
        figure.add_scatter(
            x=mean[chosen], y=np.flatnonzero(chosen), mode="markers", marker={"color": color, "size": 8},
            error_x={"type": "data", "symmetric": False, "array": (high - mean)[chosen],
                     "arrayminus": (mean - low)[chosen], "color": color, "thickness": 1.2, "width": 3},
            text=[f"{safe(level)}: {n} cells, {chance:.0%} likely to keep all limits at best"
                  for level, n, chance in zip(rows["level"], rows["n_cells"], rows["chance"], strict=True)],
            hovertemplate="%{text}<br>%{x:.4g}<extra></extra>",
        )  # fmt: skip
    styled(figure, 90 + 26 * max(len(table), 10))
    figure.update_xaxes(value_axis(np.r_[low, high], is_log_scaled=definition.is_log_scaled))
    labels = [f"{safe(level)} ({n})" for level, n in zip(table["level"], table["n_cells"], strict=True)]
    figure.update_yaxes(tickvals=list(range(len(table))), ticktext=labels, showgrid=False, ticks="")
    return titled(figure, outcome_label(definition))


def _drawn(spec: CampaignSpec, table: pd.DataFrame) -> list[Objective]:
    return [objective for objective in spec.shown_objectives if f"best_{objective.outcome}" in table]
