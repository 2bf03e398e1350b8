"""Whether a campaign is over: nothing is to be proposed, is under test, or would be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afssb_opt.campaign.evaluating import may_retry
from afssb_opt.domain.trials import OPEN_STATES, TrialState

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign


def finished_because(campaign: Campaign) -> str | None:
    """Return why a campaign is over, or None while advancing it could do something or a cell is open.

    It may go on later: by a larger budget, or when a trial is void and gives its place back.
    """
    reason = campaign.stop_reason()
    if reason is None or campaign.standing().n_in(OPEN_STATES):
        return None
    failed = campaign.ledger.trials(campaign.uid, states=[TrialState.FAILED])
    return None if any(map(may_retry, failed)) else reason
