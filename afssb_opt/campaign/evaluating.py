"""Which trials wait for an evaluation, and evaluating one: claim, evaluate, record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afssb_opt.domain.trials import TrialFailure, TrialState
from afssb_opt.evaluators import Evaluation, Evaluator
from afssb_opt.ledger import Claim, Lease, Ledger, TrialRecord
from afssb_opt.ledger.failpoints import reach

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# A trial that failed for a reason outside the cell is tried this often before it is left as failed.
MAX_ATTEMPTS = 3


def open_trials(campaign: Campaign, lease: Lease) -> list[TrialRecord]:
    """Return trials that wait for an evaluation, after taking back claims whose holder is gone."""
    campaign.ledger.release_orphaned_claims(lease)
    # All others need no evaluation; a large campaign has many of them, and every round asks.
    trials = campaign.ledger.trials(campaign.uid, states=[TrialState.PROPOSED, TrialState.FAILED])
    retries = [trial for trial in trials if may_retry(trial)]
    for trial in retries:
        campaign.ledger.mark(trial.uid, "restore", reason="tried again", actor="afssb")
    again = {trial.uid for trial in retries}
    return [trial for trial in trials if trial.state == TrialState.PROPOSED or trial.uid in again]


def may_retry(trial: TrialRecord) -> bool:
    """Tell whether a trial that failed for a reason outside the cell is to be tried again."""
    is_equipment = isinstance(trial.failure, TrialFailure) and trial.failure.kind == "equipment"
    return trial.state == TrialState.FAILED and is_equipment and trial.attempts < MAX_ATTEMPTS


def evaluate_trial(ledger: Ledger, lease: Lease, evaluator: Evaluator, trial: TrialRecord) -> TrialRecord:
    """Claim one trial, evaluate it and record what came of it before anything else happens.

    Raises:
        StaleLeaseError: Another process took the campaign over.
    """
    claim = ledger.claim(lease, trial.uid)
    reach("evaluate.claimed")
    evaluation = evaluator.evaluate(trial.design)
    reach("evaluate.measured")
    record_evaluation(ledger, claim, evaluation)
    reach("evaluate.recorded")
    return ledger.trial(trial.uid)


def record_evaluation(ledger: Ledger, claim: Claim, evaluation: Evaluation) -> None:
    """Record what came of one claim.

    Raises:
        StaleLeaseError: The trial was claimed again since.
    """
    uid, result = claim.trial_uid, evaluation.result
    if isinstance(result, TrialFailure):
        ledger.record_failure(uid, result, claim=claim)
    else:
        ledger.record_result(uid, result, cycling=evaluation.cycling, claim=claim, actor="afssb run")
