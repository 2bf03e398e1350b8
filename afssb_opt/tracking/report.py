"""How a campaign is told on one HTML page that opens without a network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import CampaignRecord, Standing, TrialRecord
from afssb_opt.tracking.answer import answer, is_censored
from afssb_opt.tracking.data_figures import MIN_CELLS, MIN_LINES, parallel_figure, progress_figures, trade_off_figure
from afssb_opt.tracking.figure_style import to_json
from afssb_opt.tracking.labels import outcome_label, outcome_name_and_unit, variable_label
from afssb_opt.tracking.level_figures import level_map_figure, reach_figures
from afssb_opt.tracking.model_figures import (
    check_figures,
    check_sentences,
    effect_figures,
    importance_figure,
    unmodelled_sentences,
)
from afssb_opt.tracking.progress import best_rows, in_order_of_end, progress_table
from afssb_opt.tracking.report_tables import Table, best_table, conditions, trial_table


class SurrogateView(Protocol):
    """What the report asks of an optimizer; `afssb_opt.strategies.Optimizer` gives it."""

    def effects(self) -> pd.DataFrame:
        """Return columns outcome, variable, value, mean, sd."""
        ...

    def importance(self) -> pd.DataFrame:
        """Return columns outcome, variable, importance, total."""
        ...

    def leave_one_out(self) -> pd.DataFrame:
        """Return columns outcome, row, observed, mean, sd."""
        ...

    def level_map(self, variable: str) -> pd.DataFrame:
        """Return columns level, x, y, n_cells, chance, and per objective `best_<outcome>` and its sd; attrs `share`."""
        ...


@dataclass(frozen=True)
class Group:
    """Figures as JSON, side by side under one heading.

    Attributes:
        width: Least width of a figure in pixels, while the window is that wide.
        is_scrolling: The figure keeps its least width in a narrower window, which scrolls.
    """

    figures: tuple[Markup, ...]
    width: int
    title: str = ""
    is_scrolling: bool = False


@dataclass(frozen=True)
class Part:
    """One section of the page; `missing` says in words why there is nothing to see."""

    id: str
    title: str
    lead: str = ""
    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()
    missing: str = ""


def write_report(
    spec: CampaignSpec,
    trials: Sequence[TrialRecord],
    observations: pd.DataFrame,
    path: Path,
    *,
    optimizer: SurrogateView | None = None,
    record: CampaignRecord | None = None,
) -> Path:
    """Write the report of a campaign and return its path; an older one is replaced at once.

    Args:
        spec: The campaign.
        trials: All its trials, whatever became of them.
        observations: As from `Ledger.observations`.
        path: Of the HTML file.
        optimizer: Told with these observations in the ledger's order; None leaves the model pages out.
        record: Adds the history of the campaign file.
    """
    page = render_report(spec, trials, observations, optimizer=optimizer, record=record)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(page)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def render_report(
    spec: CampaignSpec,
    trials: Sequence[TrialRecord],
    observations: pd.DataFrame,
    *,
    optimizer: SurrogateView | None = None,
    record: CampaignRecord | None = None,
) -> str:
    """Return the page; the arguments are those of `write_report`."""
    observations = spec.scored(observations)
    ended = in_order_of_end(observations, trials)
    parts = [*_data_parts(spec, ended), *_model_parts(spec, observations, optimizer)]
    has_figures = any(part.groups for part in parts)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    package = files("afssb_opt.tracking")
    table = environment.from_string((package / "table.html.j2").read_text(encoding="utf-8"))
    template = environment.from_string((package / "report.html.j2").read_text(encoding="utf-8"))
    is_single = len(spec.wanted) == 1

    def render_table(content: Table, is_sortable: bool) -> Markup:
        return Markup(table.render(table=content, is_sortable=is_sortable))  # noqa: S704 (rendered with autoescape)

    return template.render(
        title=spec.name,
        question=spec.question,
        tiles=_tiles(spec, trials, ended),
        answer=answer(spec, Standing.of(trials), ended),
        best=best_table(spec, ended),
        all=trial_table(spec, trials, set(ended.loc[best_rows(spec, ended), "trial_uid"]) if len(ended) else set()),
        star_means="the best cell so far" if is_single else "the cells of the Pareto set",
        parts=parts,
        blocks=conditions(spec, trials, record),
        table=render_table,
        has_figures=has_figures,
        plotly_js=Markup(get_plotlyjs()) if has_figures else "",  # noqa: S704 (a library, not user text)
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=_own_version(),
    )


def _tiles(spec: CampaignSpec, trials: Sequence[TrialRecord], observations: pd.DataFrame) -> list[dict[str, str]]:
    done = sum(trial.state in (TrialState.COMPLETED, TrialState.FAILED) for trial in trials)
    failed = sum(trial.state is TrialState.FAILED for trial in trials)
    running = sum(trial.state in (TrialState.CLAIMED, TrialState.IN_TEST, TrialState.PARTIAL) for trial in trials)
    tiles = [{"value": f"{done} / {spec.budget.trials}", "label": "trials done"}]
    if running:
        tiles.append({"value": str(running), "label": "running"})
    tiles.append({"value": str(failed), "label": "failed"})
    n_limits = sum(int(is_censored(observations, name).sum()) for name in spec.outcome_names)
    if n_limits:
        tiles.append({"value": str(n_limits), "label": "lower limits"})
    best = observations[best_rows(spec, observations)]
    if len(spec.wanted) > 1:
        tiles.append({"value": str(len(best)), "label": "in the Pareto set"})
    progress = progress_table(spec, observations, has_hypervolume=False)
    for objective in spec.shown_objectives[:3]:
        label, unit = outcome_name_and_unit(spec.outcome(objective.outcome))
        column = progress[f"best_{objective.outcome}"]
        if len(column) and pd.notna(column.iloc[-1]):
            row = best[best[objective.outcome] == column.iloc[-1]]
            limit = "> " if len(row) and bool(is_censored(row, objective.outcome)[0]) else ""
            tiles.append({"value": f"{limit}{_short(column.iloc[-1])} {unit}".strip(), "label": f"best {label}"})
    return tiles


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _data_parts(spec: CampaignSpec, observations: pd.DataFrame) -> list[Part]:
    progress = progress_table(spec, observations)
    volume = " The hypervolume says how much of the wanted region the Pareto set covers."
    panels = progress_figures(spec, observations, progress)
    parts = [
        _part(
            "progress", "Progress",
            "Each dot is a cell, a triangle a lower limit, a grey dot a cell that breaks a limit. The line is the "
            "best so far; a dotted line marks the threshold or target." + volume * ("hypervolume" in progress),
            panels, 330 if len(panels) < 4 else 250,
            f"Nothing to draw yet: progress shows from {MIN_CELLS} cells with a value of an objective on.",
        )
    ]  # fmt: skip
    if len(spec.objectives) > 1:
        figure = trade_off_figure(spec, observations)
        is_single = len(spec.wanted) == 1
        outlined = "The most desirable cell is outlined." if is_single else "Outlined cells form the Pareto set."
        parts.append(_part(
            "trade-off", "Trade-off",
            f"{outlined} Triangles are lower limits, crosses break a limit. Point at a cell to read its design.",
            [figure] if figure else [], 400,
            f"Nothing to draw yet: the trade-off shows from {MIN_CELLS} cells with a value of both objectives on.",
        ))  # fmt: skip
    first, _ = outcome_name_and_unit(spec.outcome(spec.wanted[0].outcome))
    figure = parallel_figure(spec, observations)
    parts.append(_part(
        "designs", "Designs and outcomes",
        f"Each line is a cell, the darker the better in {first}. Drag along an axis to keep the cells inside a range.",
        [figure] if figure else [], 140 * (len(spec.space.names) + len(spec.shown_objectives)),
        f"Nothing to draw yet: this view shows from {MIN_LINES} cells with a value of every objective on.",
        is_scrolling=True,
    ))  # fmt: skip
    return parts


def _part(
    name: str, title: str, lead: str, figures: list[Figure], width: int, missing: str, *, is_scrolling: bool = False
) -> Part:
    if not figures:
        return Part(name, title, missing=missing)
    return Part(name, title, lead, (_group(figures, width, is_scrolling=is_scrolling),))


def _group(figures: list[Figure], width: int, title: str = "", *, is_scrolling: bool = False) -> Group:
    parts = tuple(Markup(to_json(figure)) for figure in figures)  # noqa: S704 (see `to_json`)
    return Group(parts, width, title, is_scrolling)


def _model_parts(spec: CampaignSpec, observations: pd.DataFrame, optimizer: SurrogateView | None) -> list[Part]:
    if optimizer is None:
        return [Part("model", "What the model has learned", missing="This report was made without the model.")]
    try:
        effects, importance, left_out = optimizer.effects(), optimizer.importance(), optimizer.leave_one_out()
        maps = {variable.name: optimizer.level_map(variable.name) for variable in spec.space.categorical}
    except StrategyError as error:
        return [Part("model", "What the model has learned", missing=f"There is no model yet: {error}")]
    groups = []
    for name in spec.shown_outcomes:
        figures = effect_figures(spec, effects, name)
        if figures:
            groups.append(_group(figures, 250, outcome_label(spec.outcome(name))))
    shares = importance_figure(spec, importance)
    checks = check_figures(spec, left_out, [str(label) for label in observations.get("label", [])])
    return [
        Part(
            "effects", "Effect of each variable",
            "Predicted outcome when one variable is changed and the others stay at the best cell so far, with the 95 % "
            "interval. Wide bands say: not yet known.", tuple(groups),
            notes=tuple(unmodelled_sentences(spec, left_out, observations)) if groups else (),
            missing="" if groups else "The model has no effect to show yet.",
        ),
        *(part for name, table in maps.items() for part in _level_parts(spec, name, table)),
        Part(
            "importance", "Which variables matter",
            "Share of the predicted variation over the whole design space that each variable causes alone, and pale "
            "behind it together with others too (Sobol's first-order and total indices).",
            (_group([shares], 400),) if shares else (),
            missing="" if shares else "No variable matters so far: the model predicts the same everywhere.",
        ),
        Part(
            "check", "Can the model be trusted?",
            "Every cell predicted from all others, against what was observed. Points on the dotted line are foretold "
            "exactly; the bars are 95 % intervals.",
            (_group(checks, 330),) if checks else (),
            notes=tuple(check_sentences(spec, left_out)),
            missing="" if checks else "At least three cells with a result are needed to check the model.",
        ),
    ]  # fmt: skip


def _level_parts(spec: CampaignSpec, name: str, table: pd.DataFrame) -> list[Part]:
    """Return the section on the levels of a variable; none where no objective has been learned yet."""
    figures = reach_figures(spec, table)
    if not figures:
        return []
    groups = (_group(figures, 330), _group([level_map_figure(spec, table)], 600))
    lead = (
        "The best value predicted for recipes of each level that are likely to keep all limits, with its 95 % "
        "interval; pale where none is likely to. In brackets: cells so far. In the last picture levels lie together "
        "that are predicted to behave alike over all recipes; a dot is the larger the more cells there are, and hollow "
        "without any."
    )
    share = f"The last picture shows {table.attrs['share']:.0%} of the predicted differences between levels."
    title = f"{variable_label(name)}: what each level can do"
    return [Part(f"levels-{name}", title, lead, groups, notes=(share,))]


def _own_version() -> str:
    try:
        return version("afssb-opt")
    except PackageNotFoundError:
        return "(not installed)"
