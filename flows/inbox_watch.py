"""Starting an ingest run when files have finished arriving in a campaign's inbox."""

from __future__ import annotations

import math
import uuid
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.inbox import Inbox, inbox_folder, not_taken_in
from afssb_opt.campaign.stores import Stores
from afssb_opt.domain.errors import AfssbError
from afssb_opt.domain.numbers import counted
from flows.deployments import Served

# A run that ended without taking the files in, because the campaign was busy or a disk full, is repeated after this.
AGAIN_S: Final = 120.0


class InboxWatch:
    """One campaign's inbox. What was taken in stands in the ledger, so a restart finds what arrived meanwhile."""

    def __init__(self, served: Served, deployment: UUID) -> None:
        """Prepare; the folder is made if it is missing."""
        stores = Stores.beside(served.path)
        self.folder = inbox_folder(served.spec, stores, served.path)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._served = served
        self._deployment = deployment
        self._inbox = Inbox(self.folder)
        self._known: dict[Path, str] = {}
        self._again_at = 0.0
        self._rest_until = 0.0

    def look(self, now: float) -> list[str]:
        """Start a run where files have arrived that were not looked at before, and return lines about it."""
        if now < self._rest_until:
            return []
        try:
            arrived = self._inbox.look(now)
            return [] if arrived == self._known and now < self._again_at else self._ask(arrived, now)
        except (AfssbError, PrefectException, httpx.HTTPError, OSError) as error:
            # Serving goes on: a later look may find the folder, the ledger or the server again.
            self._rest_until = now + AGAIN_S
            return [f"inbox of '{self._served.spec.name}': {error}"]

    def _ask(self, arrived: dict[Path, str], now: float) -> list[str]:
        with Campaign.load(self._served.path, read_only=True) as campaign:
            new = not_taken_in(campaign, arrived)
        self._known, self._again_at = arrived, now + AGAIN_S if new else math.inf
        if not new:
            return []
        with get_client(sync_client=True) as client:
            client.create_flow_run_from_deployment(
                self._deployment,
                parameters={"campaign": str(self._served.path)},
                # Names this request: a repetition of it after a lost reply makes no second run.
                idempotency_key=uuid.uuid4().hex,
            )
        names = ", ".join(sorted(path.name for path in new)[:5])
        return [f"inbox of '{self._served.spec.name}': {counted(len(new), 'new file')} ({names})"]
