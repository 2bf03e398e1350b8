"""What stands in the tables of the report: the best cells, all trials, and the conditions they were made under."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.domain.variables import Categorical
from afssb_opt.ledger import CampaignRecord, TrialRecord
from afssb_opt.tracking.answer import goal_text, limit_text, row_outcome_text
from afssb_opt.tracking.labels import (
    STATE_WORDS,
    number_text,
    outcome_name_and_unit,
    outcome_text,
    value_text,
    variable_name_and_unit,
)
from afssb_opt.tracking.progress import best_rows

_PROTOCOL_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "temperature_c": ("Temperature", "°C"),
    "current_density_ma_cm2": ("Charge current", "mA/cm²"),
    "areal_capacity_mah_cm2": ("Areal capacity", "mAh/cm²"),
    "cycles": ("Cycles at most", ""),
    "discharge_current_density_ma_cm2": ("Discharge current", "mA/cm²"),
    "upper_voltage_v": ("Upper voltage", "V"),
    "lower_voltage_v": ("Lower voltage", "V"),
    "rest_min": ("Rest", "min"),
    "cell_type": ("Cell", ""),
    "fixture": ("Fixture", ""),
    "cathode": ("Cathode", ""),
    "electrolyte": ("Electrolyte", ""),
}


@dataclass(frozen=True)
class Column:
    """Heading of a column."""

    label: str
    unit: str = ""
    is_number: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        sort: What the column is sorted by: a number or text; empty comes last.
        kind: CSS class.
    """

    text: str
    sort: float | str = ""
    kind: str = ""
    state: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    cells: tuple[Cell, ...]
    is_excluded: bool = False


@dataclass(frozen=True)
class Table:
    """A table ready to be printed."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Block:
    """A titled list of names and values."""

    title: str
    pairs: tuple[tuple[str, str], ...]


def best_table(spec: CampaignSpec, observations: pd.DataFrame) -> Table:
    """Return the Pareto set (or the best cell), best in the first objective first."""
    best = observations[best_rows(spec, observations)]
    if len(best):
        first = spec.wanted[0]
        order = first.maximised(best[first.outcome].to_numpy(float)).argsort(kind="stable")[::-1]
        best = best.iloc[order]
    rows = []
    for _, row in best.iterrows():
        outcomes = [
            Cell(row_outcome_text(spec, row, name, has_unit=False), kind="number") for name in spec.shown_outcomes
        ]
        design = _design_cells(spec, {str(name): value for name, value in row.items()})
        rows.append(Row((Cell(str(row["label"]), kind="label"), *design, *outcomes)))
    return Table((Column("Trial"), *_design_columns(spec), *_outcome_columns(spec)), tuple(rows))


def trial_table(spec: CampaignSpec, trials: Sequence[TrialRecord], best: Collection[str]) -> Table:
    """Return every trial, whatever became of it; those whose uid is in `best` get a star."""
    columns = (Column("Trial"), Column("State"), Column("Round", is_number=True), *_design_columns(spec),
               *_outcome_columns(spec), Column("Why"))  # fmt: skip
    rows = []
    for trial in trials:
        cells = (
            Cell(trial.label, trial.number, "label", is_best=trial.uid in best),
            Cell(STATE_WORDS[trial.state], list(TrialState).index(trial.state), state=trial.state.value),
            Cell(str(trial.round), trial.round, "number"),
            *_design_cells(spec, trial.as_built or trial.design),
            *_outcome_cells(spec, trial),
            Cell(_why(trial), kind="why"),
        )
        rows.append(Row(cells, trial.is_excluded or trial.state is TrialState.VOID))
    return Table(columns, tuple(rows))


def conditions(spec: CampaignSpec, trials: Sequence[TrialRecord], record: CampaignRecord | None) -> list[Block]:
    """Return what was wanted, under which protocol, and where the numbers come from."""
    wanted = [("Objective", goal_text(spec, objective)) for objective in spec.objectives]
    if spec.desirability is not None:
        wanted.append(
            ("Best is", "the most desirable cell: the weighted geometric mean of what each objective is worth")
        )
    wanted += [("Limit", limit_text(spec, constraint)) for constraint in spec.constraints]
    wanted += [
        ("Budget", f"{spec.budget.trials} trials, {spec.batch_size} at a time"),
        ("Evaluator", spec.evaluator.kind),
    ]
    protocol = [
        (_PROTOCOL_LABELS[name][0], value_text(value, _PROTOCOL_LABELS[name][1]))
        for name, value in spec.protocol.as_dict().items()
        if value is not None
    ]
    return [Block("Wanted", tuple(wanted)), Block("Protocol", tuple(protocol)), _provenance(spec, trials, record)]


def _provenance(spec: CampaignSpec, trials: Sequence[TrialRecord], record: CampaignRecord | None) -> Block:
    pairs = [("Campaign file, SHA-256", spec.sha256), ("Seed", str(spec.seed))]
    if trials:
        first, last = min(t.proposed_at for t in trials), max(t.ended_at or t.proposed_at for t in trials)
        pairs.append(("Trials made", f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"))
        methods = Counter(str(trial.provenance.get("method", "not recorded")) for trial in trials)
        pairs.append(("Methods", ", ".join(f"{name} ({count})" for name, count in methods.most_common())))
        newest = trials[-1].provenance
        if "data_version" in newest:
            pairs.append(("Data version of the last proposal", str(newest["data_version"])))
        versions = newest.get("versions")
        if isinstance(versions, Mapping):
            pairs.append(("Versions", ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))))
        elif versions:
            pairs.append(("Versions", json.dumps(versions, default=str)))
    amendments = record.amendments if record else ()
    pairs += [(f"Changed {amendment.at:%Y-%m-%d}", "; ".join(amendment.changes)) for amendment in amendments]
    return Block("Provenance", tuple(pairs))


def _design_columns(spec: CampaignSpec) -> list[Column]:
    columns = []
    for variable in spec.space.variables:
        label, unit = variable_name_and_unit(variable.name)
        columns.append(Column(label, unit, not isinstance(variable, Categorical)))
    return columns


def _outcome_columns(spec: CampaignSpec) -> list[Column]:
    return [Column(*outcome_name_and_unit(spec.outcome(name)), is_number=True) for name in spec.shown_outcomes]


def _design_cells(spec: CampaignSpec, design: Mapping[str, object]) -> list[Cell]:
    cells = []
    for name in spec.space.names:
        value = design.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            cells.append(Cell(number_text(float(value)), float(value), "number"))
        else:
            text = value if isinstance(value, str) else ""
            cells.append(Cell(text or "–", text, "level"))
    return cells


def _outcome_cells(spec: CampaignSpec, trial: TrialRecord) -> list[Cell]:
    cells, result = [], spec.scored_result(trial.result)
    for name in spec.shown_outcomes:
        value = result.outcomes.get(name) if result else None
        if result is None or value is None:
            cells.append(Cell("–", "", "number"))
            continue
        text = outcome_text(value, is_censored=name in result.censored, sem=result.sem.get(name))
        cells.append(Cell(text, value, "number"))
    return cells


def _why(trial: TrialRecord) -> str:
    parts = [trial.reason]
    if trial.failure is not None:
        parts.append(f"Failed ({trial.failure.kind}): {trial.failure.reason}")
    if trial.decision_reason:
        parts.append(f"Decision: {trial.decision_reason}")
    return " · ".join(part for part in parts if part)
