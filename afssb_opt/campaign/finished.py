"""Whether a campaign is over: nothing is to be proposed, is under test, or would be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afssb_opt.campaign.evaluating import may_retry

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign


def finished_because(campaign: Campaign) -> str | None:
    """Return why a campaign is over, or None while advancing it could do something or a cell is open.

    It may go on later: by a larger budget, or when a trial is void and gives its place back.
    """
    reason = campaign.stop_reason()
    if reason is None:
        return None
    return reason if all(trial.ended_at is not None and not may_retry(trial) for trial in campaign.trials()) else None
