"""Holding the right to advance a campaign, renewed in the background for as long as the work lasts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from afssb_opt.domain.errors import AfssbError
from afssb_opt.ledger import Lease, Ledger

log = logging.getLogger(__name__)

# A holder that died elsewhere blocks the campaign for this long; on the same machine it does not block at all.
LEASE_SECONDS = 60.0


@contextmanager
def hold_lease(ledger: Ledger, campaign_uid: str) -> Iterator[Lease]:
    """Acquire the lease of a campaign, renew it three times per period, release it at the end.

    Raises:
        CampaignBusyError: Another process holds it.
    """
    lease = ledger.acquire_lease(campaign_uid, duration_s=LEASE_SECONDS)
    is_done = threading.Event()

    def renew() -> None:
        while not is_done.wait(LEASE_SECONDS / 3):
            try:
                ledger.renew_lease(lease)
            except AfssbError as error:
                # Every write checks the token itself, so a lost lease stops the work there.
                log.warning("the lease of the campaign could not be renewed: %s", error)

    renewal = threading.Thread(target=renew, name="lease-renewal", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        is_done.set()
        renewal.join()
        ledger.release_lease(lease)
