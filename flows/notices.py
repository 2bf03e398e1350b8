"""What people are told about: Prefect events that automations turn into messages, each emitted once per campaign."""

from __future__ import annotations

import uuid
from typing import Final, Literal

from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.events import emit_event
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.finished import finished_because
from afssb_opt.campaign.lab_notes import HeldPart
from afssb_opt.domain.numbers import counted
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import TrialRecord

Kind = Literal["results.held", "campaign.finished", "cell.short", "drafts.waiting"]
KINDS: Final[tuple[Kind, ...]] = ("results.held", "campaign.finished", "cell.short", "drafts.waiting")
# Name of the webhook block and of the automation that calls it.
WEBHOOK: Final = "afssb-webhook"
# Kind of the ledger's note that a notice went out.
ANNOUNCED: Final = "announced"
# The names of our notices are made in a name space of their own.
_NAMESPACE: Final = uuid.UUID("5e1f0f5b-6d1c-4a5e-9a53-0f4b7f1d8c55")


def announce(campaign: Campaign, kind: Kind, key: str, text: str) -> bool:
    """Emit an event once; a kill between event and note repeats it with the same id. Return whether it is new.

    Args:
        campaign: The campaign it is about.
        kind: What happened.
        key: Tells this notice from others of its kind.
        text: What a person reads.
    """
    events = campaign.ledger.events(campaign.uid)
    if any(event.kind == ANNOUNCED and event.payload == {"kind": kind, "key": key} for event in events):
        return False
    emit_event(
        f"afssb.{kind}",
        resource={
            "prefect.resource.id": f"afssb.campaign.{campaign.uid}",
            "prefect.resource.name": campaign.spec.name,
        },
        payload={"subject": f"afssb: {kind.replace('.', ' ')}", "text": f"{campaign.spec.name}: {text}"},
        id=uuid.uuid5(_NAMESPACE, f"{campaign.uid}/{kind}/{key}"),
    )
    campaign.ledger.append_note(campaign.uid, ANNOUNCED, {"kind": kind, "key": key})
    return True


def announce_held(campaign: Campaign, parts: tuple[HeldPart, ...]) -> None:
    """Tell that parts of lab files wait for a person."""
    if parts:
        names = ", ".join(part.name for part in parts[:5])
        text = f"{counted(len(parts), 'result')} held for a decision ({names}). `afssb ingest CAMPAIGN --held` says why"
        announce(campaign, "results.held", ",".join(part.key for part in parts), text)


def announce_drafts(campaign: Campaign, drafts: list[TrialRecord]) -> None:
    """Tell that proposed designs wait for approval."""
    if drafts:
        labels = ", ".join(trial.label for trial in drafts)
        announce(campaign, "drafts.waiting", labels, f"{counted(len(drafts), 'design')} to approve: {labels}")


def announce_end(campaign: Campaign) -> None:
    """Tell that a campaign is over: its budget is spent and no cell is open."""
    reason = finished_because(campaign)
    if reason is not None:
        announce(campaign, "campaign.finished", reason, f"the campaign is finished, {reason}")


def announce_shorts(campaign: Campaign) -> None:
    """Tell which cells of a laboratory look short-circuited; in a simulation a short is an answer like any other."""
    if campaign.spec.evaluator.kind != "lab":
        return
    for trial in campaign.trials():
        if _looks_short(trial):
            announce(campaign, "cell.short", trial.label, f"cell {trial.label} looks short-circuited ({trial.state})")


def notify_by_webhook(url: str) -> None:
    """Make, or bring up to date, a webhook block and the automation that sends every notice to it."""
    block = CustomWebhookNotificationBlock(
        name="afssb", url=url, json_data={"subject": "{{subject}}", "text": "{{body}}"}
    )
    block_id = block.save(WEBHOOK, overwrite=True)
    wanted = Automation(
        name=WEBHOOK,
        description="Sends the notices of afssb-opt to a webhook",
        trigger=EventTrigger(
            expect={f"afssb.{kind}" for kind in KINDS},
            match={"prefect.resource.id": "afssb.campaign.*"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="{{ event.payload.subject }}",
                body="{{ event.payload.text }}",
            )
        ],
    )
    try:
        # Prefect's types tell no synchronous call from an asynchronous one.
        known: Automation = Automation.read(name=WEBHOOK)  # type: ignore[assignment]
    except ValueError:
        wanted.create()
    else:
        wanted.id = known.id
        wanted.update()


def _looks_short(trial: TrialRecord) -> bool:
    if trial.state in {TrialState.VOID, TrialState.ABANDONED}:
        return False
    if trial.failure is not None:
        return trial.failure.kind == "cell" and "short" in trial.failure.reason.lower()
    if trial.result is None:
        return False
    return trial.result.outcomes.get("short_circuit", 0.0) > 0 or bool(trial.result.attributes.get("soft_short_signs"))
