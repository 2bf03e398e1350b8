"""What was observed, as figures: progress, the trade-off between objectives, and all designs at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from afssb_opt.domain.objectives import Objective, meets_constraints
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.variables import Categorical, Fixed
from afssb_opt.tracking.answer import is_censored
from afssb_opt.tracking.figure_style import (
    ACCENT,
    GRID,
    INK,
    MUTED,
    PALE_TO_DARK,
    WARM,
    axis_scale,
    counts,
    hover_text,
    level_colors,
    log_ticks,
    safe,
    styled,
    titled,
    value_axis,
    worth_showing,
)
from afssb_opt.tracking.labels import number_text, outcome_label, outcome_name_and_unit, variable_label
from afssb_opt.tracking.progress import best_rows

# With fewer cells than this a line is not yet a course and a scatter not yet a trade-off.
MIN_CELLS: Final = 2
# Below this many lines a table says more than parallel coordinates.
MIN_LINES: Final = 6


def progress_figures(spec: CampaignSpec, observations: pd.DataFrame, progress: pd.DataFrame) -> list[go.Figure]:
    """Draw each objective cell by cell with the best so far, and the hypervolume; nothing with too few cells."""
    hovers = [hover_text(spec, row) for _, row in observations.iterrows()]
    drawn = [o for o in spec.shown_objectives if _n_known(observations, o.outcome) >= MIN_CELLS]
    figures = [_objective_figure(spec, objective, observations, progress, hovers) for objective in drawn]
    if drawn and "hypervolume" in progress and float(progress["hypervolume"].max()) > 0:
        figure = go.Figure()
        figure.add_scatter(
            x=progress["trials"], y=progress["hypervolume"], mode="lines", fill="tozeroy",
            line={"color": ACCENT, "width": 2, "shape": "hv"}, fillcolor="rgba(47,93,138,0.10)",
            hovertemplate="after %{x} cells: %{y:.4g}<extra></extra>",
        )  # fmt: skip
        figures.append(titled(styled(figure, 290), "Hypervolume"))
    for figure in figures:
        figure.update_xaxes(title_text="cells, in the order they ended", rangemode="tozero", **counts(len(progress)))
    return figures


def _objective_figure(
    spec: CampaignSpec, objective: Objective, observations: pd.DataFrame, progress: pd.DataFrame, hovers: list[str]
) -> go.Figure:
    values = observations[objective.outcome].to_numpy(float)
    limits = is_censored(observations, objective.outcome)
    allowed = meets_constraints(spec.constraints, observations)
    figure = go.Figure()
    figure.add_scatter(
        x=progress["trials"], y=progress[f"best_{objective.outcome}"], mode="lines", hoverinfo="skip",
        line={"color": WARM, "width": 2, "shape": "hv"},
    )  # fmt: skip
    figure.add_scatter(
        x=progress["trials"], y=values, mode="markers", hovertext=hovers, hoverinfo="text",
        marker={"color": np.where(allowed, ACCENT, "#b8bfc8"), "size": 7, "opacity": 0.8,
                "symbol": np.where(limits, "triangle-up", "circle")},
    )  # fmt: skip
    mark = objective.target if objective.target is not None else objective.threshold
    if mark is not None and _is_near(mark, values):
        figure.add_hline(y=mark, line={"color": MUTED, "width": 1, "dash": "dot"})
    definition = spec.outcome(objective.outcome)
    styled(figure, 290)
    axis = value_axis(values, is_log_scaled=definition.is_log_scaled)
    figure.update_yaxes(axis)
    if axis["type"] == "linear":
        _end_axis(figure, objective, values)
    return titled(figure, outcome_label(definition))


def _end_axis(figure: go.Figure, objective: Objective, values: np.ndarray) -> None:
    """End the axis where values are of no interest any more, and say how many lie beyond."""
    chosen = worth_showing(objective, values)
    beyond = values[np.isfinite(values) & ~chosen]
    if not len(beyond):
        return
    shown = values[chosen]
    is_up = objective.goal == "minimize"
    # The words need room beside the last cell that is shown.
    below, above = (0.05, 0.2) if is_up else (0.2, 0.05)
    span = float(np.ptp(shown))
    figure.update_yaxes(range=[shown.min() - below * span, shown.max() + above * span])
    worst = f"up to {number_text(beyond.max())}" if is_up else f"down to {number_text(beyond.min())}"
    figure.add_annotation(
        text=f"{len(beyond)} beyond, {worst}", showarrow=False, font={"size": 11, "color": MUTED}, x=1, xref="paper",
        xanchor="right", y=float(is_up), yref="paper", yanchor="top" if is_up else "bottom",
    )  # fmt: skip


def trade_off_figure(spec: CampaignSpec, observations: pd.DataFrame) -> go.Figure | None:
    """Draw the first two objectives against each other; None for one objective or too few cells.

    A third objective is the colour, else the first categorical variable; the Pareto set is outlined.
    """
    if len(spec.objectives) < 2:
        return None
    first, second = spec.objectives[:2]
    if not {first.outcome, second.outcome} <= set(observations.columns):
        return None
    known = observations[[first.outcome, second.outcome]].notna().all(axis=1).to_numpy()
    if known.sum() < MIN_CELLS:
        return None
    cells = observations[known].reset_index(drop=True)
    best = best_rows(spec, observations)[known]
    allowed = meets_constraints(spec.constraints, cells)
    figure = go.Figure()
    _add_front(figure, spec, cells, best)
    groups = _color_groups(spec, cells)
    for name, rows, color in groups:
        for is_allowed in (True, False):
            chosen = rows & (allowed == is_allowed)
            if chosen.any():
                is_named = is_allowed or not (rows & allowed).any()
                _add_cells(figure, spec, cells, chosen, best, color, name, is_allowed, is_named)
    figure = styled(figure, 520, has_legend=len(groups) > 1)
    for objective, axis in ((first, figure.update_xaxes), (second, figure.update_yaxes)):
        definition = spec.outcome(objective.outcome)
        ticks = value_axis(cells[objective.outcome].to_numpy(float), is_log_scaled=definition.is_log_scaled)
        axis(title_text=safe(outcome_label(definition)), **ticks)
    for objective, add_line, where in ((first, figure.add_vline, "x"), (second, figure.add_hline, "y")):
        if objective.threshold is not None and _is_near(objective.threshold, cells[objective.outcome].to_numpy(float)):
            add_line(**{where: objective.threshold}, line={"color": MUTED, "width": 1, "dash": "dot"})
    return figure


def _color_groups(spec: CampaignSpec, cells: pd.DataFrame) -> list[tuple[str, np.ndarray, object]]:
    """Return name, rows and colour (one, or a value per cell) of each group of cells."""
    everything = np.ones(len(cells), dtype=bool)
    if len(spec.objectives) > 2 and spec.objectives[2].outcome in cells:
        return [("cells", everything, cells[spec.objectives[2].outcome].to_numpy(float))]
    if not spec.space.categorical:
        return [("cells", everything, ACCENT)]
    variable = spec.space.categorical[0]
    present = tuple(dict.fromkeys([*variable.levels, *cells[variable.name].astype(str)]))
    colors = level_colors(present)
    levels = cells[variable.name].astype(str).to_numpy()
    return [(level, levels == level, colors[level]) for level in present if (levels == level).any()]


def _add_cells(
    figure: go.Figure, spec: CampaignSpec, cells: pd.DataFrame, rows: np.ndarray, best: np.ndarray,
    color: object, name: str, is_allowed: bool, is_named: bool,
) -> None:  # fmt: skip
    """Add the cells of one colour that meet all limits, or those that break one; a legend entry comes once."""
    first, second = spec.objectives[0].outcome, spec.objectives[1].outcome
    limits = (is_censored(cells, first) | is_censored(cells, second))[rows]
    marker: dict[str, object] = {
        "size": np.where(best[rows], 13, 8),
        "opacity": 0.9 if is_allowed else 0.6,
        "symbol": np.where(limits, "triangle-up", "circle") if is_allowed else "x-thin",
        "line": {"color": INK, "width": np.where(best[rows], 1.8, 0.0)},
        "color": color,
    }
    if not is_allowed:
        marker["line"] = {"color": MUTED if isinstance(color, np.ndarray) else color, "width": 1.6}
        marker["color"] = MUTED
    elif isinstance(color, np.ndarray):
        # Ink would not show around the dark end of the scale.
        marker["line"] = {"color": WARM, "width": np.where(best[rows], 2.5, 0.0)}
        definition = spec.outcome(spec.objectives[2].outcome)
        label, unit = outcome_name_and_unit(definition)
        title = f"{safe(label)}<br>({safe(unit)})" if unit else safe(label)
        spanned = color[worth_showing(spec.objectives[2], color)]
        ends = (float(spanned.min()), float(spanned.max())) if len(spanned) else (0.0, 1.0)
        marker |= {
            "color": color[rows],
            "colorscale": PALE_TO_DARK,
            "reversescale": spec.objectives[2].goal == "minimize",
            "cmin": ends[0],
            "cmax": ends[1],
            "colorbar": {"title": {"text": title, "font": {"size": 12}}, "thickness": 12, "outlinewidth": 0},
        }
    hovers = [hover_text(spec, row) for _, row in cells[rows].iterrows()]
    figure.add_scatter(x=cells[first][rows], y=cells[second][rows], mode="markers", marker=marker, name=safe(name),
                       showlegend=is_named, hovertext=hovers, hoverinfo="text")  # fmt: skip


def _add_front(figure: go.Figure, spec: CampaignSpec, cells: pd.DataFrame, best: np.ndarray) -> None:
    """Join the Pareto set by a line; with a third objective it is a surface, of which a line would lie."""
    if len(spec.objectives) != 2 or best.sum() < 2:
        return
    first, second = spec.objectives[0].outcome, spec.objectives[1].outcome
    front = cells[best].sort_values(first)
    figure.add_scatter(x=front[first], y=front[second], mode="lines", line={"color": MUTED, "width": 1.5},
                       hoverinfo="skip", showlegend=False)  # fmt: skip


def parallel_figure(spec: CampaignSpec, observations: pd.DataFrame) -> go.Figure | None:
    """Draw every complete cell as a line through its variables and objectives; None with too few cells."""
    outcomes = [o.outcome for o in spec.shown_objectives if o.outcome in observations]
    if not outcomes:
        return None
    cells = observations[observations[outcomes].notna().all(axis=1)]
    if len(cells) < MIN_LINES:
        return None
    dimensions: list[dict[str, object]] = []
    for variable in spec.space.variables:
        if isinstance(variable, Fixed):
            continue
        if isinstance(variable, Categorical):
            levels = list(dict.fromkeys([*variable.levels, *cells[variable.name].astype(str)]))
            codes = [levels.index(level) for level in cells[variable.name].astype(str)]
            # Plotly reads markup in the label, but not in these ticks.
            dimensions.append({"label": safe(variable_label(variable.name)), "values": codes,
                               "tickvals": list(range(len(levels))), "ticktext": levels,
                               "range": [0, len(levels) - 1]})  # fmt: skip
        else:
            values = cells[variable.name].to_numpy(float)
            dimensions.append(_axis(variable_label(variable.name), values, is_log=variable.scale == "log"))
    for name in outcomes:
        definition = spec.outcome(name)
        values = cells[name].to_numpy(float)
        is_log = axis_scale(values, is_log_scaled=definition.is_log_scaled) == "log"
        dimensions.append(_axis(outcome_label(definition), values, is_log=is_log))
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions, labelfont={"size": 12}, tickfont={"size": 10, "color": MUTED}, rangefont={"size": 1},
            line={"color": dimensions[-len(outcomes)]["values"], "colorscale": PALE_TO_DARK,
                  "reversescale": spec.shown_objectives[0].goal == "minimize"},
            unselected={"line": {"color": GRID}},
        )
    )  # fmt: skip
    figure = styled(figure, 400)
    figure.update_layout(margin={"l": 90, "r": 100, "t": 70, "b": 24})
    return figure


def _axis(label: str, values: np.ndarray, *, is_log: bool) -> dict[str, object]:
    """Return one axis; parallel coordinates have no log scale of their own."""
    if not is_log or values.min() <= 0:
        return {"label": safe(label), "values": values}
    exponents = np.log10(values)
    ticks = [tick for tick in log_ticks(values.min(), values.max()) if values.min() <= tick <= values.max()]
    return {"label": safe(label), "values": exponents, "tickvals": np.log10(ticks) if ticks else exponents[:1],
            "ticktext": [f"{tick:g}" for tick in ticks] or [f"{values[0]:g}"]}  # fmt: skip


def _is_near(mark: float, values: np.ndarray) -> bool:
    """Whether a line at this value would leave the data most of the axis."""
    known = values[np.isfinite(values)]
    slack = 0.25 * float(np.ptp(known))
    return bool(known.min() - slack <= mark <= known.max() + slack)


def _n_known(observations: pd.DataFrame, outcome: str) -> int:
    return int(observations[outcome].notna().sum()) if outcome in observations else 0
