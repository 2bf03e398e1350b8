"""Tables of designs and outcomes for the terminal."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Literal

import pandas as pd
from rich.table import Table

from afssb_opt.cli.output import heading, plain_table, shown
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import TrialRecord

# A longer Pareto set is for the report; the terminal shows the best by the first objective.
MAX_ROWS = 12
# Blanks between two columns of a plain table, and at both of its sides together.
COLUMN_GAP = 2
EDGES = 2


def best_table(spec: CampaignSpec, best: pd.DataFrame, width: int) -> Table:
    """Return the best designs as a table for a terminal of this width, best by the first objective on top."""
    title = f"Pareto set: {len(best)} design{'s' if len(best) > 1 else ''} that no other beats"
    if spec.desirability is not None:
        title = "Most desirable design" if len(best) == 1 else f"Most desirable designs: {len(best)} that are equal"
    if len(best) > MAX_ROWS:
        title += f" (the {MAX_ROWS} best by {spec.wanted[0].outcome})"
    frame = best.head(MAX_ROWS).rename(columns={"label": "trial"})
    names = ["trial", *spec.space.names, *(objective.outcome for objective in spec.shown_objectives)]
    return _fitted(plain_table(title), frame, names, width)


def trials_table(spec: CampaignSpec, frame: pd.DataFrame, width: int) -> Table:
    """Return `trials_frame` as a table for a terminal of this width; excluded trials are dim."""
    names = ["trial", "round", "state", *spec.space.names, *spec.shown_outcomes]
    return _fitted(plain_table(), frame, names, width, frame["excluded"].tolist())


def _fitted(table: Table, frame: pd.DataFrame, names: list[str], width: int, dim: Sequence[bool] = ()) -> Table:
    """Fill in the columns that find room: the round goes first, then those on the right.

    A number that is cut reads as another number, so whole columns are left out, and the caption says which.
    """
    names = [name for name in names if name in frame.columns]
    heads = {name: heading(name)[:1].upper() + heading(name)[1:] for name in names}
    texts = {name: _texts(frame, name) for name in names}
    # Headings break between words, values nowhere.
    least = {name: max(map(len, (*heads[name].split(), *texts[name]))) for name in names}
    whole = {name: max(map(len, (heads[name], *texts[name]))) for name in names}
    to_go = ["round", *(name for name in reversed(names) if name not in {"trial", "round", "state"})]
    kept = names
    while to_go and _width(least, kept) > width:
        leaving = to_go.pop(0)
        kept = [name for name in kept if name != leaving]
    is_tight = _width(whole, kept) > width
    for name in kept:
        side: Literal["left", "right"] = "right" if pd.api.types.is_numeric_dtype(frame[name]) else "left"
        table.add_column(heads[name], justify=side, width=least[name] if is_tight else None)
    for row in range(len(frame)):
        table.add_row(*(texts[name][row] for name in kept), style="dim" if dim and dim[row] else None)
    if len(kept) < len(names):
        missing = ", ".join(heads[name] for name in names if name not in kept)
        table.caption = f"No room here for {missing}; `afssb trials CAMPAIGN --out FILE.csv` has all"
        table.caption_justify = "left"
    return table


def _width(columns: Mapping[str, int], kept: Sequence[str]) -> int:
    return EDGES + sum(columns[name] + COLUMN_GAP for name in kept)


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    limits = frame.get(f"{name}_censored", [False] * len(frame))
    return [shown(value, is_censored=limit is True) for value, limit in zip(frame[name], limits, strict=True)]


def designs_table(spec: CampaignSpec, title: str, trials: Sequence[TrialRecord], bright: Container[str]) -> Table:
    """Return designs that are not evaluated yet with their reasons; those whose label is not `bright` are dim."""
    table = plain_table(title)
    numbers = {variable.name for variable in spec.space.numeric}
    table.add_column("Trial", no_wrap=True)
    for name in spec.space.names:
        table.add_column(heading(name), justify="right" if name in numbers else "left")
    table.add_column("Why")
    for trial in trials:
        values = [shown(trial.design.get(name)) for name in spec.space.names]
        table.add_row(trial.label, *values, trial.reason, style=None if trial.label in bright else "dim")
    return table


def trials_frame(spec: CampaignSpec, trials: list[TrialRecord]) -> pd.DataFrame:
    """Return all trials as plain columns: label, round, state, variables as built, outcomes, reason."""
    rows = []
    for trial in trials:
        result = spec.scored_result(trial.result)
        outcomes = dict(result.outcomes) if isinstance(result, TrialResult) else {}
        row: dict[str, object] = {"trial": trial.label, "round": trial.round, "state": str(trial.state)}
        row |= trial.as_built or trial.design
        row |= {name: outcomes.get(name) for name in spec.shown_outcomes}
        row |= {f"{name}_censored": True for name in (result.censored if result else ()) if name in spec.shown_outcomes}
        row |= {"excluded": trial.is_excluded, "failure": trial.failure.reason if trial.failure else ""}
        row |= {"reason": trial.reason}
        rows.append(row)
    return pd.DataFrame(rows)
