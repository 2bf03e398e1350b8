"""What a flow run shows in the Prefect UI: the trials of each round with their reasons, and the Pareto set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from afssb_opt.campaign import Campaign
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import TrialRecord


def artifact_key(campaign_name: str, suffix: str) -> str:
    """Return a key of lower-case letters, digits and dashes, as Prefect wants it."""
    return re.sub(r"[^a-z0-9]+", "-", f"{campaign_name}-{suffix}".lower()).strip("-")


def publish_round(spec: CampaignSpec, trials: list[TrialRecord]) -> None:
    """Publish the trials of one round with design, outcomes and reason."""
    create_table_artifact(
        table=[_row(spec, trial) for trial in trials],
        key=artifact_key(spec.name, "round"),
        description=f"Round {trials[0].round} of campaign {spec.name}",
    )


def publish_summary(campaign: Campaign, report: Path) -> None:
    """Publish the Pareto set so far and a link to the report."""
    best = campaign.best()
    shown = [name for name in (*campaign.spec.space.names, *campaign.spec.outcome_names) if name in best.columns]
    lines = [f"## {campaign.spec.name}", campaign.spec.question, ""]
    lines += ["| trial | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for _, row in best.iterrows():
        lines.append(f"| {row['label']} | " + " | ".join(_shown(row[name]) for name in shown) + " |")
    create_markdown_artifact("\n".join(lines), key=artifact_key(campaign.spec.name, "pareto-set"))
    create_link_artifact(report.as_uri(), link_text="report", key=artifact_key(campaign.spec.name, "report"))


def _row(spec: CampaignSpec, trial: TrialRecord) -> dict[str, Any]:
    outcomes = trial.result.outcomes if isinstance(trial.result, TrialResult) else {}
    return {
        "trial": trial.label,
        **{name: _shown(value) for name, value in trial.design.items()},
        **{name: _shown(outcomes.get(name, "")) for name in spec.outcome_names},
        "state": str(trial.state),
        "reason": trial.reason,
    }


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
