"""What the surrogate believes, as figures: effects, importance, and how well it foretells cells it has not seen."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.variables import Continuous, Discrete
from afssb_opt.tracking.figure_style import ACCENT, LEVEL_COLORS, MUTED, log_ticks, safe, styled, value_axis
from afssb_opt.tracking.labels import outcome_label, outcome_name_and_unit, variable_label

# Four panels side by side stay readable on a laptop.
_PER_ROW: Final = 4
# 1.96 standard deviations hold 95 % of a normal distribution.
_Z95: Final = 1.96


def effects_figure(spec: CampaignSpec, effects: pd.DataFrame, outcome: str) -> go.Figure | None:
    """Draw the predicted outcome along each variable with its 95 % interval; None where there is nothing to draw."""
    rows = effects[effects["outcome"] == outcome]
    if rows.empty or not np.isfinite(rows["mean"].to_numpy(float)).any():
        return None
    names = list(dict.fromkeys(rows["variable"]))
    n_columns = min(_PER_ROW, len(names))
    n_rows = -(-len(names) // n_columns)
    figure = make_subplots(n_rows, n_columns, shared_yaxes=True, horizontal_spacing=0.025, vertical_spacing=0.24,
                           subplot_titles=None)  # fmt: skip
    means, sds = rows["mean"].to_numpy(float), rows["sd"].to_numpy(float)
    definition = spec.outcome(outcome)
    low, high = means - _Z95 * sds, means + _Z95 * sds
    if definition.is_log_scaled:
        # A life or resistance cannot be negative; the interval is that of its logarithm.
        factor = np.exp(_Z95 * np.arcsinh(sds / np.maximum(means, 1e-300)))
        low, high = means / factor, means * factor
    axis = value_axis(np.r_[low, high], is_log_scaled=definition.is_log_scaled)
    bounds = pd.DataFrame({"low": low, "high": high}, index=rows.index)
    for place, name in enumerate(names):
        row, column = divmod(place, n_columns)
        slice_ = rows[rows["variable"] == name]
        _draw_effect(figure, spec, name, slice_, bounds.loc[slice_.index], row + 1, column + 1)
    figure = styled(figure, 270 * n_rows + 40)
    figure.update_yaxes(axis)
    for row in range(n_rows):
        figure.update_yaxes(title_text=safe(outcome_label(definition)), row=row + 1, col=1)
    return figure


def _draw_effect(
    figure: go.Figure, spec: CampaignSpec, name: str, slice_: pd.DataFrame, bounds: pd.DataFrame, row: int, column: int
) -> None:
    mean, low, high = slice_["mean"], bounds["low"], bounds["high"]
    variable = spec.space[name]
    place = {"row": row, "col": column}
    if isinstance(variable, Continuous | Discrete):
        x = slice_["value"].astype(float)
        figure.add_scatter(x=pd.concat([x, x[::-1]]), y=pd.concat([high, low[::-1]]), fill="toself", mode="none",
                           fillcolor="rgba(47,93,138,0.15)", hoverinfo="skip", **place)  # fmt: skip
        figure.add_scatter(x=x, y=mean, mode="lines", line={"color": ACCENT, "width": 2}, customdata=np.c_[low, high],
                           hovertemplate="%{x:.4g}: %{y:.4g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})"
                           "<extra></extra>", **place)  # fmt: skip
        figure.update_xaxes(type=variable.scale, **place)
        if variable.scale == "log":
            ticks = log_ticks(float(x.min()), float(x.max()))
            figure.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks], **place)
    else:
        x = slice_["value"].astype(str).map(safe)
        figure.add_scatter(
            x=x, y=mean, mode="markers", marker={"color": ACCENT, "size": 8},
            error_y={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low,
                     "color": ACCENT, "thickness": 1.2, "width": 3},
            hovertemplate="%{x}: %{y:.4g}<extra></extra>", **place,
        )  # fmt: skip
        figure.update_xaxes(type="category", **place)
    figure.update_xaxes(title_text=safe(variable_label(name)), **place)


def importance_figure(spec: CampaignSpec, importance: pd.DataFrame) -> go.Figure | None:
    """Draw the share of each variable in the variation of each outcome; None where nothing varies."""
    if importance.empty or not (importance["importance"] > 0).any():
        return None
    outcomes = list(dict.fromkeys(importance["outcome"]))
    total = importance.groupby("variable")["importance"].sum().sort_values()
    figure = go.Figure()
    for place, outcome in enumerate(outcomes):
        shares = importance[importance["outcome"] == outcome].set_index("variable")["importance"].reindex(total.index)
        figure.add_bar(
            x=100.0 * shares, y=[safe(variable_label(name)) for name in total.index], orientation="h",
            name=safe(outcome_name_and_unit(spec.outcome(outcome))[0]), marker={"color": LEVEL_COLORS[place % 12]},
            hovertemplate="%{y}: %{x:.0f} %<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure = styled(figure, 90 + len(total) * max(34, 20 * len(outcomes)), has_legend=len(outcomes) > 1)
    figure.update_layout(barmode="group", bargap=0.3, legend={"traceorder": "normal"})
    figure.update_xaxes(title_text="share of the variation, alone (%)", rangemode="tozero")
    figure.update_yaxes(showgrid=False, ticks="")
    return figure


def check_figure(spec: CampaignSpec, left_out: pd.DataFrame, labels: list[str]) -> go.Figure | None:
    """Draw each cell as predicted from all others against what was observed; None with fewer than three cells.

    Args:
        labels: Label of each row of the observations.
    """
    outcomes = [name for name in dict.fromkeys(left_out["outcome"]) if (left_out["outcome"] == name).sum() >= 3]
    if not outcomes:
        return None
    n_columns = min(3, len(outcomes))
    n_rows = -(-len(outcomes) // n_columns)
    titles = [safe(outcome_label(spec.outcome(name))) for name in outcomes]
    figure = make_subplots(n_rows, n_columns, subplot_titles=titles, horizontal_spacing=0.08, vertical_spacing=0.16)
    for place, name in enumerate(outcomes):
        row, column = divmod(place, n_columns)
        rows = left_out[left_out["outcome"] == name]
        observed, mean, sd = (rows[column_].to_numpy(float) for column_ in ("observed", "mean", "sd"))
        span = [float(np.nanmin([observed, mean])), float(np.nanmax([observed, mean]))]
        where = {"row": row + 1, "col": column + 1}
        figure.add_scatter(x=span, y=span, mode="lines", line={"color": MUTED, "dash": "dot", "width": 1},
                           hoverinfo="skip", **where)  # fmt: skip
        figure.add_scatter(
            x=observed, y=mean, mode="markers", marker={"color": ACCENT, "size": 7, "opacity": 0.85},
            error_y={"type": "data", "array": _Z95 * sd, "color": "rgba(47,93,138,0.35)", "thickness": 1.2, "width": 0},
            text=[safe(labels[int(place_)]) for place_ in rows["row"]],
            hovertemplate="%{text}: observed %{x:.4g}, predicted %{y:.4g}<extra></extra>", **where,
        )  # fmt: skip
        axis = value_axis(np.r_[observed, mean], is_log_scaled=spec.outcome(name).is_log_scaled)
        figure.update_xaxes(axis, title_text="observed", **where)
        figure.update_yaxes(axis, title_text="predicted from the others" if column == 0 else "", **where)
    return styled(figure, 340 * n_rows + 20)


def check_sentences(spec: CampaignSpec, left_out: pd.DataFrame) -> list[str]:
    """Say in words how far the predictions can be trusted, per outcome."""
    sentences = []
    for name in dict.fromkeys(left_out["outcome"]):
        rows = left_out[left_out["outcome"] == name]
        if len(rows) < 3:
            continue
        observed, mean, sd = (rows[column].to_numpy(float) for column in ("observed", "mean", "sd"))
        inside = int((np.abs(observed - mean) <= _Z95 * sd).sum())
        error = float(np.median(np.abs(observed - mean)))
        rank = pd.Series(observed).corr(pd.Series(mean), method="spearman") if np.ptp(observed) > 0 else np.nan
        label, unit = outcome_name_and_unit(spec.outcome(name))
        order = f", rank correlation {rank:.2f}" if np.isfinite(rank) else ""
        sentences.append(
            f"{label}: {inside} of {len(rows)} cells lie inside their 95 % interval; median error "
            f"{f'{error:.2g} {unit}'.strip()}{order}."
        )
    return sentences
