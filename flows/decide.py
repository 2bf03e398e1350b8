"""The flow behind the form in which a person approves, edits or rejects proposed designs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from prefect import flow
from pydantic import BaseModel, Field

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.approval import decide_drafts as decide
from afssb_opt.campaign.approval import drafts_of
from afssb_opt.domain.numbers import counted
from flows.artifacts import publish_done, publish_drafts
from flows.politeness import politely
from flows.tether import tie_to_server


class Edit(BaseModel):
    """A new value for one variable."""

    variable: str = Field(description="Name of the variable, such as stack_pressure_mpa")
    value: str = Field(description="The value to build instead, in the variable's unit")


@flow(name="decide-drafts")
def decide_drafts(
    campaign: Path,
    action: Literal["list", "approve", "reject"] = "list",
    trials: list[str] | None = None,
    edits: list[Edit] | None = None,
    reason: str = "",
    decided_by: str = "",
) -> Any:
    """Approve, edit or reject the designs that wait for a person.

    Args:
        campaign: The campaign file.
        action: What to do; a list only shows the designs.
        trials: Labels of the designs; none for all that wait.
        edits: Values to change in each of these designs before they are approved.
        reason: Why; needed to reject.
        decided_by: Your name, kept with the decision.

    Returns:
        What was done with each design, and how many still wait.
    """
    tie_to_server()
    changes = {edit.variable: edit.value for edit in edits or []}
    return politely(
        lambda: _decide(campaign, action, trials or [], changes, reason, decided_by or "Prefect UI"),
        is_patient=True,
    )


def _decide(
    campaign_file: Path, action: str, labels: list[str], edits: dict[str, str], reason: str, actor: str
) -> dict[str, Any]:
    with Campaign.load(campaign_file) as campaign:
        done = []
        if action in ("approve", "reject"):
            choice: Literal["approve", "reject"] = "approve" if action == "approve" else "reject"
            done = decide(campaign, choice, labels, edits=edits, reason=reason, actor=actor)
            publish_done(campaign.spec, "decided", f"Decided by {actor}", done)
        waiting = drafts_of(campaign)
        publish_drafts(campaign.spec, waiting)
        said = f"{counted(len(done), 'design')} decided; {len(waiting)} left to decide"
        return {"said": said, "done": done, "n_waiting": len(waiting)}
