"""Closing flow runs whose process is gone, which Prefect itself leaves RUNNING for ever."""

from __future__ import annotations

from uuid import UUID

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
