"""Letting a finished campaign rest: its schedule is paused, and resumed when the campaign can go on."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.finished import finished_because
from afssb_opt.domain.errors import AfssbError
from flows.deployments import Served

# A look reads the campaign file and all trials, some 20 ms; nobody waits for a schedule to wake within seconds.
LOOK_S: Final = 10.0
# Prefect or the ledger did not answer, or the file is being edited: no hurry then.
AGAIN_S: Final = 60.0


class Rest:
    """The schedule of one served campaign.

    A run of a finished campaign would do nothing for ten seconds of processor, at every firing. Only what changes is
    acted upon, so a schedule that a person paused or resumed stays as it is until then.

    Attributes:
        served: The campaign.
        deployment: Its deployment that advances it.
        is_resting: Its schedule is paused because the campaign is over.
    """

    def __init__(self, served: Served, deployment: UUID) -> None:
        """Prepare for a deployment whose schedule goes on."""
        self.served = served
        self.deployment = deployment
        self.is_resting = False
        self._next = 0.0

    def look(self, now: float) -> list[str]:
        """Pause the schedule of a campaign that is over now, resume that of one that goes on, and return lines."""
        if now < self._next:
            return []
        self._next = now + LOOK_S
        name = self.served.spec.name
        try:
            with Campaign.load(self.served.path, read_only=True) as campaign:
                reason = finished_because(campaign)
            if (reason is not None) is self.is_resting:
                return []
            with get_client(sync_client=True) as client:
                if reason is None:
                    client.resume_deployment(self.deployment)
                else:
                    client.pause_deployment(self.deployment)
        except (AfssbError, PrefectException, httpx.HTTPError, OSError) as error:
            # Serving goes on; what may fail here says so at the next firing too.
            self._next = now + AGAIN_S
            return [f"schedule of '{name}' was not looked after: {error}"]
        self.is_resting = reason is not None
        if reason is None:
            return [f"'{name}' goes on: its schedule is resumed"]
        return [f"'{name}' is finished, {reason}: its schedule is paused until the campaign can go on"]
