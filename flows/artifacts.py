"""What a flow run shows in the Prefect UI: proposals with reasons, what was reached, what waits, how far it is."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.lab_notes import HeldPart
from afssb_opt.domain.numbers import counted
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import NewTrial, TrialRecord
from afssb_opt.tracking.labels import outcome_label, plain_markdown, variable_label


def artifact_key(campaign_name: str, suffix: str) -> str:
    """Return a key of lower-case letters, digits and dashes, as Prefect wants it."""
    return re.sub(r"[^a-z0-9]+", "-", f"{campaign_name}-{suffix}".lower()).strip("-")


def publish_round(spec: CampaignSpec, trials: list[TrialRecord]) -> None:
    """Publish the trials of one round with design, outcomes and reason."""
    create_table_artifact(
        table=round_rows(spec, trials),
        key=artifact_key(spec.name, "round"),
        description=f"Round {trials[0].round} of campaign {spec.name}",
    )


def publish_preview(spec: CampaignSpec, new: Sequence[NewTrial]) -> None:
    """Publish the designs that would be proposed."""
    create_table_artifact(
        table=[{**_values(trial.design), "reason": trial.reason} for trial in new],
        key=artifact_key(spec.name, "preview"),
        description=f"What would be proposed for campaign {spec.name} now. **Nothing was registered.**",
    )


def publish_drafts(spec: CampaignSpec, drafts: Sequence[TrialRecord]) -> None:
    """Publish the designs that wait for a person, and how to decide about them."""
    create_table_artifact(
        table=[{"trial": trial.label, **_values(trial.design), "reason": trial.reason} for trial in drafts],
        key=artifact_key(spec.name, "drafts"),
        description=f"{counted(len(drafts), 'design')} of campaign {spec.name} to approve. Decide with a run of the "
        f"deployment `decide-drafts/{spec.name}`, or with `afssb approve` in a terminal.",
    )


def publish_held(spec: CampaignSpec, held: Sequence[HeldPart], campaign_file: Path) -> None:
    """Publish the parts of lab files that wait for a person."""
    create_table_artifact(
        table=[
            {"key": part.key, "trial": part.trial or "none", "from": part.name, "why": "; ".join(part.findings)}
            for part in held
        ],
        key=artifact_key(spec.name, "held"),
        description=f"{counted(len(held), 'part')} held for a yes or no: `afssb ingest {campaign_file} --accept KEY` "
        "or `--drop KEY --reason ...`.",
    )


def publish_done(spec: CampaignSpec, suffix: str, description: str, rows: Sequence[dict[str, str]]) -> None:
    """Publish what a run did, line by line."""
    create_table_artifact(table=list(rows), key=artifact_key(spec.name, suffix), description=description)


def publish_summary(campaign: Campaign, report: Path, page: str) -> None:
    """Publish the Pareto set so far, its picture, and where report and MLflow experiment are.

    Args:
        campaign: The campaign.
        report: Path of the report.
        page: Address of the MLflow experiment, empty where no server shows it.
    """
    # matplotlib takes a second to import, which serving and the first evaluation need not pay.
    from afssb_opt.tracking.pareto_image import pareto_png

    spec = campaign.spec
    lines = summary_lines(spec, campaign.best())
    mlflow = f"[MLflow experiment]({page})" if page else "MLflow: `afssb ui CAMPAIGN` prints the address"
    lines += ["", f"{mlflow}. Report: `{report}`"]
    picture = pareto_png(spec, campaign.observations())
    if picture is not None:
        # Inlined: the UI has no access to files of this machine. An image artifact would print all of the address too.
        lines += ["", f"![What was reached so far](data:image/png;base64,{base64.b64encode(picture).decode()})"]
    create_markdown_artifact(
        "\n".join(lines),
        key=artifact_key(spec.name, "pareto-set"),
        description=f"Best cells of campaign {spec.name} so far, their picture, and where the report is",
    )
    if page:
        create_link_artifact(page, link_text="MLflow experiment", key=artifact_key(spec.name, "mlflow"))


def summary_lines(spec: CampaignSpec, best: pd.DataFrame) -> list[str]:
    """Return the Pareto set so far as Markdown, or a sentence where there is none yet."""
    lines = [f"## {spec.name}", spec.question, ""]
    if best.empty:
        return [*lines, "No cell with results meets all limits yet."]
    shown = [name for name in (*spec.space.names, *spec.shown_outcomes) if name in best.columns]
    names = [variable_label(n) if n in spec.space.names else outcome_label(spec.outcome(n)) for n in shown]
    lines += ["| Trial | " + " | ".join(names) + " |", "|---" * (len(shown) + 1) + "|"]
    for _, row in best.iterrows():
        lines.append(f"| {row['label']} | " + " | ".join(plain_markdown(_shown(row[name])) for name in shown) + " |")
    return lines


class Progress:
    """How much of the budget is evaluated, as a bar that grows while the run lasts."""

    def __init__(self, spec: CampaignSpec, n_done: int) -> None:
        """Publish the bar."""
        self._n_all = spec.budget.trials
        self._n_done = n_done
        description = f"Evaluated cells of campaign {spec.name}, out of {self._n_all}"
        made = create_progress_artifact(self._percent, key=artifact_key(spec.name, "progress"), description=description)
        assert isinstance(made, UUID)  # noqa: S101  the synchronous form returns the id itself
        self._artifact = made

    @property
    def _percent(self) -> float:
        return min(100.0 * self._n_done / self._n_all, 100.0)

    def add(self, n: int = 1) -> None:
        """Note that further cells are evaluated."""
        self._n_done += n
        update_progress_artifact(self._artifact, self._percent)


def round_rows(spec: CampaignSpec, trials: Sequence[TrialRecord]) -> list[dict[str, str]]:
    """Return a row per trial; outcomes that none of them has yet leave their place to the reason."""
    scored = [spec.scored_result(trial.result) for trial in trials]
    results = [result.outcomes if isinstance(result, TrialResult) else {} for result in scored]
    measured = [name for name in spec.shown_outcomes if any(name in outcomes for outcomes in results)]
    return [
        {
            "trial": trial.label,
            "state": str(trial.state),
            **_values(trial.design),
            **{name: _shown(outcomes.get(name, "")) for name in measured},
            "reason": trial.reason,
        }
        for trial, outcomes in zip(trials, results, strict=True)
    ]


def _values(design: Any) -> dict[str, str]:
    return {name: _shown(value) for name, value in design.items()}


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
