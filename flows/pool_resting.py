"""Letting the deployment of a finished campaign rest in a work pool, where no `afssb serve` looks after it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectException

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.finished import finished_because

# The flow that wakes what rests; a schedule is only paused where a deployment of it goes on.
WAKING_FLOW: Final = "reconcile-campaign"


def resting_tag(campaign_uid: str) -> str:
    """Return the tag of a deployment that was paused because its campaign is over."""
    return f"afssb-resting:{campaign_uid}"


def rest_or_wake(campaign: Campaign, file: Path, deployment_id: str | None) -> list[str]:
    """Pause the deployment that a run came from if its campaign is over, otherwise wake what rests; return warnings.

    Only what this program paused is resumed, and a deployment that a person resumed is not paused a second time: the
    tag says so, until the campaign goes on.

    Args:
        campaign: The campaign that the run was about.
        file: Its file, which must be the deployment's own: a form can choose another.
        deployment_id: The deployment that advances it and that the run came from; None pauses nothing.
    """
    try:
        with get_client(sync_client=True) as client:
            if finished_because(campaign) is None:
                _wake(client, resting_tag(campaign.uid))
            elif deployment_id is not None:
                _rest(client, client.read_deployment(UUID(deployment_id)), file, resting_tag(campaign.uid))
    except (PrefectException, httpx.HTTPError) as error:
        return [f"The schedule of '{campaign.spec.name}' was not looked after: {error}. The next run does it"]
    return []


def _rest(client: SyncPrefectClient, deployment: DeploymentResponse, file: Path, tag: str) -> None:
    is_ours = deployment.work_pool_name is not None and _is_about(deployment, file)
    if not is_ours or tag in deployment.tags or not _will_be_woken(client, file):
        return
    client.update_deployment(deployment.id, DeploymentUpdate(paused=True, tags=[*deployment.tags, tag]))


def _wake(client: SyncPrefectClient, tag: str) -> None:
    resting = DeploymentFilter(tags=DeploymentFilterTags(all_=[tag]))
    for deployment in client.read_deployments(deployment_filter=resting):
        tags = [other for other in deployment.tags if other != tag]
        client.update_deployment(deployment.id, DeploymentUpdate(paused=False, tags=tags))


def _will_be_woken(client: SyncPrefectClient, file: Path) -> bool:
    """Tell whether a deployment that wakes this campaign's runs on a schedule of a work pool."""
    found = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[WAKING_FLOW])))
    return any(
        deployment.work_pool_name is not None
        and not deployment.paused
        and any(schedule.active for schedule in deployment.schedules)
        and _is_about(deployment, file)
        for deployment in found
    )


def _is_about(deployment: DeploymentResponse, file: Path) -> bool:
    return Path(str(deployment.parameters.get("campaign", ""))) == file
