"""What the surrogate believes, as figures: effects, importance, and how well it foretells cells it has not seen."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from afssb_opt.domain.space import round_significant
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.variables import Continuous, Discrete
from afssb_opt.tracking.figure_style import ACCENT, LEVEL_COLORS, MUTED, log_ticks, safe, styled, titled, value_axis
from afssb_opt.tracking.labels import outcome_label, outcome_name_and_unit, value_text, variable_label

# Fewer cells say nothing about how well the others are foretold.
MIN_CHECKED: Final = 3
# More labels in a sentence are for the table below it.
MAX_NAMED: Final = 5
# 1.96 standard deviations hold 95 % of a normal distribution.
_Z95: Final = 1.96


def effect_figures(spec: CampaignSpec, effects: pd.DataFrame, outcome: str) -> list[go.Figure]:
    """Draw the predicted outcome along each variable with its 95 % interval, all on the same vertical scale."""
    rows = effects[effects["outcome"] == outcome].reset_index(drop=True)
    means, sds = rows["mean"].to_numpy(float), rows["sd"].to_numpy(float)
    if not np.isfinite(means).any():
        return []
    is_log_scaled = spec.outcome(outcome).is_log_scaled
    rows["low"], rows["high"] = interval(means, sds, is_log_scaled=is_log_scaled)
    if spec.outcome(outcome).is_binary:
        rows[["low", "high"]] = rows[["low", "high"]].clip(0.0, 1.0)
    axis = value_axis(rows[["low", "high"]].to_numpy(float).ravel(), is_log_scaled=is_log_scaled)
    limits = np.array([rows["low"].min(), rows["high"].max()])
    limits = np.log10(limits) if axis["type"] == "log" else limits
    margin = 0.04 * float(np.ptp(limits)) or 1.0
    axis["range"] = [limits[0] - margin, limits[1] + margin]
    figures = []
    for name in dict.fromkeys(rows["variable"]):
        figure = _effect_figure(spec, str(name), rows[rows["variable"] == name])
        figure.update_yaxes(axis)
        figures.append(figure)
    return figures


def interval(mean: np.ndarray, sd: np.ndarray, *, is_log_scaled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95 % interval; that of a log-scaled outcome is one of its logarithm, above zero."""
    if not is_log_scaled:
        return mean - _Z95 * sd, mean + _Z95 * sd
    # The strategies give half the 68 % interval of the value: mean * sinh(deviation of the logarithm).
    factor = np.exp(_Z95 * np.arcsinh(sd / np.maximum(mean, 1e-300)))
    return mean / factor, mean * factor


def _effect_figure(spec: CampaignSpec, name: str, rows: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    variable = spec.space[name]
    mean, low, high = rows["mean"], rows["low"], rows["high"]
    if isinstance(variable, Continuous | Discrete):
        x = rows["value"].astype(float)
        figure.add_scatter(x=pd.concat([x, x[::-1]]), y=pd.concat([high, low[::-1]]), fill="toself", mode="none",
                           fillcolor="rgba(47,93,138,0.15)", hoverinfo="skip")  # fmt: skip
        figure.add_scatter(x=x, y=mean, mode="lines", line={"color": ACCENT, "width": 2}, customdata=np.c_[low, high],
                           hovertemplate="%{x:.4g}: %{y:.4g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})"
                           "<extra></extra>")  # fmt: skip
        styled(figure, 260)
        if variable.scale == "log":
            ticks = log_ticks(float(x.min()), float(x.max()))
            figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    else:
        figure.add_scatter(
            x=rows["value"].astype(str).map(safe), y=mean, mode="markers", marker={"color": ACCENT, "size": 8},
            error_y={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low,
                     "color": ACCENT, "thickness": 1.2, "width": 3},
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )  # fmt: skip
        styled(figure, 260)
        # Long names of levels stand upright and would run into the title.
        figure.update_xaxes(type="category", title_standoff=6)
    figure.update_xaxes(title_text=safe(variable_label(name)))
    return figure


def importance_figure(spec: CampaignSpec, importance: pd.DataFrame) -> go.Figure | None:
    """Draw how much of the variation of each outcome each variable causes; None where nothing varies.

    Dark is what it causes alone, pale behind it what it causes together with others too (Sobol's total index).
    """
    if importance.empty or not (importance["total"] > 0).any():
        return None
    present = set(importance["outcome"])
    outcomes = [name for name in spec.shown_outcomes if name in present]
    order = importance.groupby("variable")["total"].sum().sort_values().index
    labels = [safe(variable_label(name)) for name in order]
    figure = go.Figure()
    for place, outcome in enumerate(outcomes):
        rows = importance[importance["outcome"] == outcome].set_index("variable").reindex(order)
        name = safe(outcome_name_and_unit(spec.outcome(outcome))[0])
        for share, opacity in (("total", 0.3), ("importance", 1.0)):
            # Bars of one offset group lie on each other.
            figure.add_bar(
                x=100.0 * rows[share], y=labels, orientation="h", name=name, offsetgroup=str(place), opacity=opacity,
                showlegend=share == "importance", marker={"color": LEVEL_COLORS[place % 12]},
                customdata=100.0 * rows[["importance", "total"]],
                hovertemplate="%{y}: alone %{customdata[0]:.0f} %, with others %{customdata[1]:.0f} %"
                "<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    figure = styled(figure, 90 + len(order) * max(34, 20 * len(outcomes)), has_legend=len(outcomes) > 1)
    figure.update_layout(barmode="group", bargap=0.3, legend={"traceorder": "normal"})
    figure.update_xaxes(title_text="share of the variation (%): alone, and pale with others", rangemode="tozero")
    figure.update_yaxes(showgrid=False, ticks="")
    return figure


def check_figures(spec: CampaignSpec, left_out: pd.DataFrame, labels: list[str]) -> list[go.Figure]:
    """Draw each cell as predicted from all others against what was observed, for outcomes of three cells or more.

    Args:
        spec: The campaign.
        left_out: As from the optimizer.
        labels: Label of each row of the observations.
    """
    figures = []
    for name in _checkable(left_out):
        rows = left_out[left_out["outcome"] == name]
        observed, mean, sd = (rows[column].to_numpy(float) for column in ("observed", "mean", "sd"))
        definition = spec.outcome(name)
        low, high = interval(mean, sd, is_log_scaled=definition.is_log_scaled)
        both = np.r_[observed, mean]
        span = [float(both.min()), float(both.max())]
        figure = go.Figure()
        figure.add_scatter(x=span, y=span, mode="lines", line={"color": MUTED, "dash": "dot", "width": 1},
                           hoverinfo="skip")  # fmt: skip
        figure.add_scatter(
            x=observed, y=mean, mode="markers", marker={"color": ACCENT, "size": 7, "opacity": 0.85},
            error_y={"type": "data", "symmetric": False, "array": high - mean, "arrayminus": mean - low,
                     "color": "rgba(47,93,138,0.35)", "thickness": 1.2, "width": 0},
            text=[safe(dict(enumerate(labels)).get(int(place), "")) for place in rows["row"]],
            hovertemplate="%{text}: observed %{x:.4g}, predicted %{y:.4g}<extra></extra>",
        )  # fmt: skip
        styled(figure, 330)
        axis = value_axis(both, is_log_scaled=definition.is_log_scaled)
        figure.update_xaxes(axis, title_text="observed")
        figure.update_yaxes(axis, title_text="predicted from the others")
        figures.append(titled(figure, outcome_label(definition)))
    return figures


def _checkable(left_out: pd.DataFrame) -> list[str]:
    counts = left_out["outcome"].value_counts()
    return [name for name in dict.fromkeys(left_out["outcome"]) if counts[name] >= MIN_CHECKED]


def check_sentences(spec: CampaignSpec, left_out: pd.DataFrame) -> list[str]:
    """Say in words how far the predictions can be trusted, per outcome."""
    sentences = []
    for name in _checkable(left_out):
        rows = left_out[left_out["outcome"] == name]
        observed, mean, sd = (rows[column].to_numpy(float) for column in ("observed", "mean", "sd"))
        low, high = interval(mean, sd, is_log_scaled=spec.outcome(name).is_log_scaled)
        inside = int(((observed >= low) & (observed <= high)).sum())
        error = float(np.median(np.abs(observed - mean)))
        rank = pd.Series(observed).corr(pd.Series(mean), method="spearman") if np.ptp(observed) > 0 else np.nan
        label, unit = outcome_name_and_unit(spec.outcome(name))
        order = f", rank correlation {rank:.2f}" if np.isfinite(rank) else ""
        sentences.append(
            f"{label}: {inside} of {len(rows)} cells lie inside their 95 % interval; median error "
            f"{value_text(round_significant(error, 2), unit)}{order}."
        )
    return sentences


def unmodelled_sentences(spec: CampaignSpec, left_out: pd.DataFrame, observations: pd.DataFrame) -> list[str]:
    """Say of which outcomes the model leaves measured cells out, so that nobody takes its curves for theirs.

    Args:
        spec: The campaign.
        left_out: As from the optimizer; it has a row for each value that is modelled.
        observations: What the optimizer was told, in the same order.
    """
    sentences = []
    for name in dict.fromkeys(left_out["outcome"]):
        modelled = set(left_out.loc[left_out["outcome"] == name, "row"])
        measured = np.flatnonzero(np.isfinite(observations[name].to_numpy(float)))
        apart = [str(observations["label"].iloc[row]) for row in measured if row not in modelled]
        if apart:
            which = ", ".join(apart[:MAX_NAMED]) + (", ..." if len(apart) > MAX_NAMED else "")
            label, _ = outcome_name_and_unit(spec.outcome(name))
            sentences.append(
                f"{label}: {len(apart)} of {len(measured)} measured cells ({which}) broke a pass/fail limit or are far "
                "worse than the others. The curves are made without them; how likely a design is to end like them is "
                "learned apart."
            )
    return sentences
