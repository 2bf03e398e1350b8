"""How many designs a campaign may still propose, and why it stops."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from afssb_opt.domain.spec import Budget, CampaignSpec
from afssb_opt.domain.trials import OPEN_STATES, TrialState
from afssb_opt.ledger import TrialRecord


def n_to_propose(spec: CampaignSpec, trials: Sequence[TrialRecord], limit: int | None = None) -> int:
    """Return how many designs fit into the batch, the trial budget, the channels and `limit` now.

    A lab that states no channels is taken to build one batch at a time.
    """
    n = min(spec.batch_size, spec.budget.trials - _n_spent(trials))
    channels = spec.budget.channels
    if channels is None and spec.evaluator.kind == "lab":
        channels = spec.batch_size
    if channels is not None:
        n = min(n, channels - sum(trial.state in OPEN_STATES for trial in trials))
    if limit is not None:
        n = min(n, limit)
    return max(n, 0)


def stop_reason(budget: Budget, trials: Sequence[TrialRecord], started_at: datetime, now: datetime) -> str | None:
    """Return why nothing more is to be proposed, or None while the campaign goes on."""
    if _n_spent(trials) >= budget.trials:
        return f"the budget of {budget.trials} trials is spent"
    if budget.weeks is not None and now > started_at + timedelta(weeks=budget.weeks):
        return f"the budget of {budget.weeks:g} weeks is over"
    return None


def _n_spent(trials: Sequence[TrialRecord]) -> int:
    """Count trials that cost a cell; void and abandoned ones give their place back."""
    return sum(trial.state not in (TrialState.VOID, TrialState.ABANDONED) for trial in trials)
