"""The flow that advances a campaign: evaluate what is open, propose the next round, update the mirror, until done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.evaluating import evaluate_trial, open_trials
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.proposing import propose_trials
from afssb_opt.campaign.window import Window, surrogate_view, write_campaign_report
from afssb_opt.domain.trials import OPEN_STATES
from afssb_opt.evaluators import Evaluator, make_evaluator
from afssb_opt.ledger import Lease, TrialRecord
from flows.artifacts import publish_round, publish_summary
from flows.reconcile import close_dead_runs

# Evaluations and the mirror at once: more threads than cores gain nothing, and MLflow's pool stalls beyond eight.
THREADS: Any = ThreadPoolTaskRunner(max_workers=3)


@task(name="propose designs", cache_policy=NO_CACHE)
def propose_task(campaign: Campaign, lease: Lease, n: int) -> list[TrialRecord]:
    """Register the next designs."""
    return propose_trials(campaign, lease, n)


@task(name="evaluate", task_run_name="evaluate {trial.label}", cache_policy=NO_CACHE)
def evaluate_task(campaign: Campaign, lease: Lease, evaluator: Evaluator, trial: TrialRecord) -> TrialRecord:
    """Evaluate one trial and record what came of it."""
    return evaluate_trial(campaign.ledger, lease, evaluator, trial)


@task(name="update mirror", cache_policy=NO_CACHE)
def mirror_task(window: Window) -> list[str]:
    """Bring MLflow up to date; an outage is reported and mended by a later round."""
    return window.update()


@flow(name="advance-campaign", task_runner=THREADS, validate_parameters=False)
def advance_campaign(campaign_file: Path, max_trials: int | None = None) -> dict[str, Any]:
    """Advance one campaign until its budget is spent, nothing more can be done now, or `max_trials` are made.

    Args:
        campaign_file: Path of the campaign file.
        max_trials: Trials to propose at most in this run.

    Returns:
        Why it ended, how many trials this run made, the path of the report and warnings of the mirror.

    Raises:
        CampaignBusyError: Another process is advancing the campaign.
    """
    with Campaign.load(campaign_file) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
        close_dead_runs(campaign.uid, this_run=str(runtime.flow_run.id))
        window = Window(campaign)
        warnings = window.update()
        evaluator = make_evaluator(campaign.spec)
        n_made, mirror = 0, None
        while True:
            waiting = open_trials(campaign, lease) if evaluator else []
            if not waiting:
                limit = None if max_trials is None else max_trials - n_made
                n = 0 if campaign.stop_reason() else campaign.n_to_propose(limit)
                if n == 0:
                    break
                waiting = propose_task(campaign, lease, n)
                n_made += n
            if evaluator:
                futures = [evaluate_task.submit(campaign, lease, evaluator, trial) for trial in waiting]
                publish_round(campaign.spec, [future.result() for future in futures])
            warnings += _finished(mirror)
            mirror = mirror_task.submit(window)
        warnings += _finished(mirror)
        surrogate = surrogate_view(campaign)
        report = write_campaign_report(campaign, surrogate)
        warnings += window.update(has_report=True, surrogate=surrogate)
        publish_summary(campaign, report)
        return {
            "reason": campaign.stop_reason() or _why_now(campaign, max_trials),
            "n_made": n_made,
            "report": str(report),
            "warnings": list(dict.fromkeys(warnings)),
        }


def advance_until_stopped(campaign_file: Path, max_trials: int | None = None) -> dict[str, Any]:
    """Run the flow; Prefect's own exception for SIGTERM becomes the exit it stands for."""
    try:
        return advance_campaign(campaign_file, max_trials)
    except TerminationSignal as terminated:
        raise SystemExit(128 + terminated.signal) from None


def _why_now(campaign: Campaign, max_trials: int | None) -> str:
    """Say why an unfinished campaign rests."""
    n_open = sum(trial.state in OPEN_STATES for trial in campaign.trials())
    if n_open:
        return f"{n_open} cells wait for results"
    return f"the {max_trials} trials asked for are done" if max_trials is not None else "nothing more can be done now"


def _finished(mirror: PrefectFuture[list[str]] | None) -> list[str]:
    """Wait for a mirror update and return its warnings."""
    return [] if mirror is None else mirror.result()
