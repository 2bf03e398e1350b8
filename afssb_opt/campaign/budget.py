"""How many designs a campaign may still propose, and why it stops."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from afssb_opt.domain.spec import Budget, CampaignSpec, StopRule
from afssb_opt.domain.trials import OPEN_STATES, TrialState
from afssb_opt.ledger import CampaignRecord, Ledger, Standing

# Written when the stop rule of a campaign held; it counts until anything about a trial or the file changes.
STOP_NOTE: Final = "stop_rule"


def n_to_propose(spec: CampaignSpec, standing: Standing, limit: int | None = None) -> int:
    """Return how many designs fit into the batch, the trial budget, the channels and `limit` now.

    A lab that states no channels is taken to build one batch at a time. Nothing is proposed while drafts wait for
    a person: what is decided about them changes what is worth asking next.
    """
    if standing.n_in([TrialState.DRAFT]):
        return 0
    n = min(spec.batch_size, spec.budget.trials - _n_spent(standing))
    channels = spec.budget.channels
    if channels is None and spec.evaluator.kind == "lab":
        channels = spec.batch_size
    if channels is not None:
        n = min(n, channels - standing.n_in(OPEN_STATES))
    if limit is not None:
        n = min(n, limit)
    return max(n, 0)


def stop_reason(budget: Budget, standing: Standing, started_at: datetime, now: datetime) -> str | None:
    """Return why nothing more is to be proposed, or None while the campaign goes on."""
    if _n_spent(standing) >= budget.trials:
        return f"the budget of {budget.trials} trials is spent"
    if budget.weeks is not None and now > started_at + timedelta(weeks=budget.weeks):
        return f"the budget of {budget.weeks:g} weeks is over"
    return None


def is_stopped_by_rule(rule: StopRule | None, n_trials: int, ratio: float | None) -> bool:
    """Tell whether a rule ends the campaign.

    Args:
        n_trials: Trials made so far.
        ratio: Expected gain of the next batch in cell-to-cell scatters; None while that cannot be said.
    """
    return rule is not None and ratio is not None and n_trials >= rule.after_trials and ratio < rule.gain_below_scatter


def record_stop(ledger: Ledger, record: CampaignRecord, provenance: Mapping[str, Any]) -> None:
    """Note that the stop rule held, with the advice it rests on."""
    words = {name: provenance[name] for name in ("advice", "data_version", "config_sha256")}
    ledger.append_note(record.uid, STOP_NOTE, words, actor="afssb")


def rule_reason(spec: CampaignSpec, ledger: Ledger, campaign_uid: str, standing: Standing) -> str | None:
    """Return why the stop rule ends the campaign, or None; a result or a changed file since then opens it again."""
    rule = spec.stop_when
    if rule is None:
        return None
    for event in ledger.events(campaign_uid, after_seq=standing.last_seq):
        if event.kind == STOP_NOTE and event.payload["config_sha256"] == spec.sha256:
            advice = event.payload["advice"]
            return (f"the next {advice['n']} cells are expected to gain {advice['ratio']:.2g} times the cell-to-cell "
                    f"scatter, below the {rule.gain_below_scatter:g} of stop_when")  # fmt: skip
    return None


def _n_spent(standing: Standing) -> int:
    """Count trials that cost a cell; void and abandoned ones give their place back."""
    return standing.n_trials - standing.n_in([TrialState.VOID, TrialState.ABANDONED])
