"""What was reached so far as one small picture: two objectives against each other, or one over the trials."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from afssb_opt.domain.objectives import pareto_rows
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.tracking.labels import outcome_label
from afssb_opt.tracking.trial_figure import BLUE, GREY, ORANGE


def pareto_png(spec: CampaignSpec, observations: pd.DataFrame) -> bytes | None:
    """Return a PNG, or None where no cell has what is to be drawn."""
    names = [objective.outcome for objective in spec.wanted][:2]
    if any(name not in observations for name in names):
        return None
    cells = observations[(observations["status"] != "failed") & observations[names].notna().all(axis=1)]
    if cells.empty:
        return None
    best = np.asarray(pareto_rows(spec.wanted, spec.constraints, cells), dtype=bool)
    figure = Figure(figsize=(6.4, 4.0))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    if len(names) == 1:
        _draw(axes, cells["number"].to_numpy(float), cells[names[0]].to_numpy(float), best, "best")
        axes.set_xlabel("Trial")
    else:
        _draw(axes, cells[names[0]].to_numpy(float), cells[names[1]].to_numpy(float), best, "Pareto set")
        axes.set_xlabel(outcome_label(spec.outcome(names[0])))
    axes.set_ylabel(outcome_label(spec.outcome(names[-1])))
    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()


def _draw(axes: Axes, x: np.ndarray, y: np.ndarray, best: np.ndarray, label: str) -> None:
    axes.scatter(x[~best], y[~best], color=GREY, s=22, alpha=0.7, label="other cells")
    axes.scatter(x[best], y[best], color=ORANGE, edgecolor=BLUE, s=40, label=label)
    axes.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
