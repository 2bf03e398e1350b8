"""The flow that sets right what a dead process left: an old mirror, held claims, and flow runs RUNNING for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.window import Window
from flows.politeness import politely
from flows.pool_resting import rest_or_wake
from flows.tether import tie_to_server

UNFINISHED = [StateType.RUNNING, StateType.CANCELLING]


def campaign_tag(campaign_uid: str) -> str:
    """Return the tag that the flow runs of one campaign carry."""
    return f"afssb-campaign:{campaign_uid}"


def close_dead_runs(campaign_uid: str, this_run: str) -> list[UUID]:
    """Mark unfinished runs of a campaign as crashed, and tag this run as the campaign's.

    Call it while holding the campaign's lease: whoever else claims to be running then is dead.
    """
    tag = campaign_tag(campaign_uid)
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[tag]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
            ),
            sort=FlowRunSort.START_TIME_DESC,
            limit=200,
        )
        dead = [run.id for run in runs if str(run.id) != this_run]
        for run_id in dead:
            client.set_flow_run_state(run_id, Crashed(message="its process ended without a word"), force=True)
        client.update_flow_run(UUID(this_run), tags=[*client.read_flow_run(UUID(this_run)).tags, tag])
    return dead


def close_runs_of_last_time() -> None:
    """Mark every unfinished run as crashed: for a server of our own, whose runs end with the process that serves.

    Runs that were due while nobody served are dropped too; the next firing does what they would have done.
    """
    unfinished = FlowRunFilterStateType(any_=[*UNFINISHED, StateType.PENDING, StateType.SCHEDULED])
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=unfinished)),
            sort=FlowRunSort.START_TIME_DESC,
            limit=200,
        ):
            for run in runs:
                if run.state_type is StateType.SCHEDULED:
                    client.delete_flow_run(run.id)
                else:
                    client.set_flow_run_state(run.id, Crashed(message="its process ended without a word"), force=True)


@flow(name="reconcile-campaign", validate_parameters=False)
def reconcile_campaign(campaign: Path) -> Any:
    """Bring MLflow up to date with the ledger, take back what a dead process held, and close its flow runs.

    Args:
        campaign: The campaign file.

    Returns:
        How many flow runs were closed and claims taken back, and warnings of the mirror.
    """
    tie_to_server()
    return politely(lambda: _reconcile(Path(campaign), str(runtime.flow_run.id)))


def _reconcile(campaign_file: Path, this_run: str) -> dict[str, Any]:
    with Campaign.load(campaign_file) as campaign:
        warnings = Window(campaign).update()
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            closed = close_dead_runs(campaign.uid, this_run)
            freed = campaign.ledger.release_orphaned_claims(lease)
        warnings += rest_or_wake(campaign, campaign_file, deployment_id=None)
        said = f"{len(closed)} dead flow runs closed, {len(freed)} claims taken back"
        return {"said": said, "n_closed": len(closed), "n_freed": len(freed), "warnings": warnings}
