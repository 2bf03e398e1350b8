"""The flow that advances a campaign: evaluate what is open, propose the next round, update the mirror, until done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.approval import drafts_of
from afssb_opt.campaign.evaluating import evaluate_trial, open_trials
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.window import Window, surrogate_view, write_campaign_report
from afssb_opt.domain.errors import CampaignBusyError
from afssb_opt.domain.numbers import counted
from afssb_opt.domain.trials import ENDED_STATES, OPEN_STATES, TrialState
from afssb_opt.evaluators import Evaluator, open_evaluator
from afssb_opt.ledger import Lease, TrialRecord
from flows.artifacts import Progress, publish_drafts, publish_preview, publish_round, publish_summary
from flows.collector import imports_set_aside
from flows.dask_cluster import cluster_client
from flows.dask_evaluation import evaluate_on_cluster
from flows.notices import announce_drafts, announce_end, announce_shorts
from flows.politeness import BUSY, politely
from flows.pool_resting import rest_or_wake
from flows.reconcile import close_dead_runs
from flows.task_notes import forget_tasks
from flows.tether import tie_to_server

if TYPE_CHECKING:
    from distributed import Client
    from prefect.futures import PrefectConcurrentFuture, PrefectFuture

# Evaluations and the mirror at once: more threads than cores gain nothing, and MLflow's pool stalls beyond eight.
THREADS: Any = ThreadPoolTaskRunner(max_workers=3)


@task(name="propose designs", cache_policy=NO_CACHE)
def propose_task(campaign: Campaign, lease: Lease, n: int) -> list[TrialRecord]:
    """Register the next designs."""
    # torch takes seconds to import, which a run that has nothing to propose need not pay.
    from afssb_opt.campaign.proposing import propose_trials

    return propose_trials(campaign, lease, n)


@task(name="evaluate", task_run_name="evaluate {trial.label}", cache_policy=NO_CACHE)
def evaluate_task(
    campaign: Campaign, lease: Lease, evaluator: Evaluator, trial: TrialRecord, progress: Progress
) -> None:
    """Evaluate one trial, record what came of it, and move the bar."""
    evaluate_trial(campaign.ledger, lease, evaluator, trial)
    progress.add()


@task(name="evaluate on the cluster", cache_policy=NO_CACHE)
def cluster_task(cluster: Client, campaign: Campaign, lease: Lease, trials: list[TrialRecord]) -> list[TrialRecord]:
    """Evaluate the trials of a round on a Dask cluster and record what came of each."""
    return evaluate_on_cluster(cluster, campaign.spec, campaign.ledger, lease, trials)


@task(name="update mirror", cache_policy=NO_CACHE)
def mirror_task(window: Window) -> list[str]:
    """Bring MLflow up to date; an outage is reported and mended by a later round."""
    return window.update()


@flow(name="advance-campaign", task_runner=THREADS, validate_parameters=False)
def advance_campaign(
    campaign: Path, n_designs: Annotated[int, Field(ge=1)] | None = None, dry_run: bool = False
) -> Any:
    """Advance one campaign until its budget is spent, nothing more can be done now, or `n_designs` are made.

    It may be stopped, killed and called again at any time; a campaign that is being advanced already is left alone.

    Args:
        campaign: The campaign file.
        n_designs: Designs to propose at most in this run; none for as many as fit.
        dry_run: Show what would be proposed now, and do nothing.

    Returns:
        Why it ended, how many trials this run made, the path of the report and warnings of the mirror.
    """
    tie_to_server()
    return politely(lambda: _preview(campaign, n_designs) if dry_run else _advance(campaign, n_designs))


def advance_until_stopped(campaign: Path, n_designs: int | None = None) -> dict[str, Any]:
    """Run the flow; Prefect's own exception for SIGTERM becomes the exit it stands for.

    Raises:
        CampaignBusyError: Another process is advancing the campaign.
    """
    try:
        # Prefect's types tell no synchronous flow from an asynchronous one.
        state: State[Any] = advance_campaign(campaign, n_designs, return_state=True)  # type: ignore[assignment]
    except TerminationSignal as terminated:
        raise SystemExit(128 + terminated.signal) from None
    if state.name == BUSY:
        raise CampaignBusyError(state.message or "")
    summary: dict[str, Any] = state.result()
    return summary


def _preview(campaign_file: Path, n_designs: int | None) -> dict[str, Any]:
    """Show what would be proposed now."""
    from afssb_opt.campaign.proposing import next_trials

    with Campaign.load(campaign_file, read_only=True) as campaign:
        n = 0 if campaign.stop_reason() else campaign.n_to_propose(n_designs)
        if n:
            publish_preview(campaign.spec, next_trials(campaign, n))
        return {"said": f"a dry run: {counted(n, 'design')} would be proposed, nothing was registered"}


def _advance(campaign_file: Path, n_designs: int | None) -> dict[str, Any]:
    """Hold the lease and go round by round."""
    with (
        Campaign.load(campaign_file) as campaign,
        hold_lease(campaign.ledger, campaign.uid) as lease,
        # First, because it refuses a campaign whose code or cluster the user has not allowed.
        open_evaluator(campaign.spec) as evaluator,
        cluster_client(campaign.spec.cluster, campaign.stores.folder / "dask") as cluster,
        imports_set_aside() as set_aside,
    ):
        close_dead_runs(campaign.uid, this_run=str(runtime.flow_run.id))
        window = Window(campaign)
        standing = campaign.standing()
        # What reviewers decided in MLflow counts for what is done next; a new campaign need not wait for MLflow.
        warnings = window.heed_reviewers() if standing.n_trials else []
        mirror = mirror_task.submit(window)
        progress = Progress(campaign.spec, standing.n_in(ENDED_STATES))
        n_made = 0
        while True:
            waiting = open_trials(campaign, lease) if evaluator else []
            if not waiting:
                limit = None if n_designs is None else n_designs - n_made
                n = 0 if campaign.stop_reason() else campaign.n_to_propose(limit)
                if n == 0:
                    break
                waiting = propose_task(campaign, lease, n)
                if not waiting:
                    break
                n_made += len(waiting)
                publish_round(campaign.spec, waiting)
            ready = [trial for trial in waiting if trial.state is not TrialState.DRAFT]
            if evaluator and ready:
                publish_round(campaign.spec, _evaluated(campaign, lease, evaluator, cluster, ready, progress))
            # A round does not wait for the mirror: its first update compares every run of the campaign with its trial.
            if _has_ended(mirror):
                warnings += mirror.result()
                # That first update was the last to import.
                set_aside()
                mirror = mirror_task.submit(window)
            forget_tasks()
        warnings += mirror.result()
        warnings += rest_or_wake(campaign, Path(campaign_file), runtime.deployment.id)
        return _closing(campaign, window, n_made, n_designs, warnings)


def _has_ended(future: PrefectFuture[Any]) -> bool:
    """Whether a task in one of our threads has ended; asking for its state would ask the server."""
    return bool(cast("PrefectConcurrentFuture[Any]", future).wrapped_future.done())


def _evaluated(
    campaign: Campaign,
    lease: Lease,
    evaluator: Evaluator,
    cluster: Client | None,
    trials: list[TrialRecord],
    progress: Progress,
) -> list[TrialRecord]:
    """Evaluate the trials of a round, here or on the cluster."""
    if cluster is not None:
        done = cluster_task(cluster, campaign, lease, trials)
        progress.add(len(done))
        return done
    common = {"campaign": campaign, "lease": lease, "evaluator": evaluator, "progress": progress}
    # A runner per round: it keeps something of each task until it ends, and a flow run may last for thousands.
    with THREADS.duplicate() as runner:
        for future in [runner.submit(evaluate_task, {**common, "trial": trial}) for trial in trials]:
            future.result()
    return [campaign.ledger.trial(trial.uid) for trial in trials]


def _closing(
    campaign: Campaign, window: Window, n_made: int, n_designs: int | None, warnings: list[str]
) -> dict[str, Any]:
    """Write the report, publish and announce what there is, and sum up."""
    drafts = drafts_of(campaign)
    if drafts:
        publish_drafts(campaign.spec, drafts)
    announce_drafts(campaign, drafts)
    announce_shorts(campaign)
    announce_end(campaign)
    surrogate = surrogate_view(campaign)
    report = write_campaign_report(campaign, surrogate)
    warnings = warnings + window.update(has_report=True, surrogate=surrogate)
    publish_summary(campaign, report, window.page())
    reason = campaign.stop_reason() or _why_now(campaign, drafts, n_designs)
    return {
        "said": f"{counted(n_made, 'new trial')}; rests because {reason}",
        "reason": reason,
        "n_made": n_made,
        "report": str(report),
        "warnings": list(dict.fromkeys(warnings)),
    }


def _why_now(campaign: Campaign, drafts: list[TrialRecord], n_designs: int | None) -> str:
    """Say why an unfinished campaign rests."""
    if drafts:
        return f"a person has to approve {counted(len(drafts), 'design')} (`afssb approve`)"
    n_open = campaign.standing().n_in(OPEN_STATES)
    if n_open:
        return f"the results of {counted(n_open, 'cell')} are awaited"
    return f"the {n_designs} trials asked for are done" if n_designs is not None else "nothing more can be done now"
