"""Evaluating the trials of a round on a Dask cluster; claiming and recording stay in this process.

Only a campaign's specification and a design travel to a worker, and an `Evaluation` comes back: a worker needs the
package but no ledger, no Prefect and no MLflow. Losing one costs its evaluations some time and nothing else.
"""

from __future__ import annotations

import statistics
import threading
import time
from asyncio import CancelledError
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from afssb_opt.campaign.evaluating import record_evaluation
from afssb_opt.domain.spec import CampaignSpec, EvaluatorSpec
from afssb_opt.domain.trials import TrialFailure
from afssb_opt.evaluators import Evaluation, Evaluator, IsolatedEvaluator, make_evaluator
from afssb_opt.ledger import Claim, Lease, Ledger, TrialRecord
from flows.dask_cluster import CONNECT_SECONDS, ClusterError, ClusterUnavailableError

if TYPE_CHECKING:
    from distributed import Client, Future

# A sixtieth of a claim's time: many heartbeats may be missed before a trial is given to another process.
HEARTBEAT_SECONDS = 60.0
# How long an answer may wait to be noticed if Dask's own call-back is lost with the scheduler's connection.
POLL_SECONDS = 0.5
# Queued behind others, the last of a round ends at twice the median; beyond three times a worker is ill, not busy.
STRAGGLER_FACTOR = 3.0
# Short evaluations vary by more than the factor because of garbage collection and first calls.
STRAGGLER_SECONDS = 5.0
# An evaluation is some 30 kB; a worker that does not hand it over in this time is ill.
FETCH_SECONDS = 5.0
# One worker may be ill, even two; a design that hangs on three hangs everywhere.
MAX_COPIES = 3


def evaluate_on_worker(spec: CampaignSpec, package_version: str, design: Mapping[str, float | str]) -> Evaluation:
    """Evaluate one design; this is what runs on a worker.

    Raises:
        ClusterError: The worker has another version of the package, whose results could differ.
    """
    installed = version("afssb-opt")
    if installed != package_version:
        raise ClusterError(
            f"a Dask worker has afssb-opt {installed}, the campaign runs with {package_version}. "
            "Install the same version on all workers"
        )
    return _evaluator_of(spec).evaluate(design)


def _evaluator_of(spec: CampaignSpec) -> Evaluator:
    """Return the evaluator of a campaign, made once per worker and closed when another campaign comes."""
    key = (spec.sha256, spec.evaluator)
    with _one_at_a_time:
        if key not in _evaluators:
            for old in _evaluators.values():
                if isinstance(old, IsolatedEvaluator):
                    old.close()
            _evaluators.clear()
            evaluator = make_evaluator(spec)
            if evaluator is None:
                raise ClusterError("a campaign with `evaluator: lab` has nothing to compute on a cluster")
            _evaluators[key] = evaluator
        return _evaluators[key]


_evaluators: dict[tuple[str, EvaluatorSpec], Evaluator] = {}
_one_at_a_time = threading.Lock()


def evaluate_on_cluster(
    client: Client, spec: CampaignSpec, ledger: Ledger, lease: Lease, trials: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """Claim the trials, evaluate them on the cluster, record each as soon as it is there, and return them.

    A worker that dies is replaced by another, one that hangs gets a copy elsewhere, and the first answer counts:
    a claim is recorded once. A restarted scheduler is given everything that was not recorded.

    Raises:
        ClusterUnavailableError: The scheduler is gone for good; what was recorded is kept.
        ClusterError: The workers cannot evaluate this campaign.
        StaleLeaseError: Another process took the campaign over.
    """
    news = threading.Event()
    round_ = _Round(client, spec, news)
    for trial in trials:
        round_.begin(trial, ledger.claim(lease, trial.uid))
    heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS
    while round_.waiting:
        news.wait(POLL_SECONDS)
        news.clear()
        for work, evaluation in round_.answers():
            record_evaluation(ledger, work.claim, evaluation)
        round_.send_again()
        if time.monotonic() > heartbeat_at:
            for work in round_.waiting.values():
                ledger.heartbeat(work.claim)
            heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS
    return [ledger.trial(trial.uid) for trial in trials]


@dataclass
class _Work:
    """A trial on its way: its claim and the futures of which the first to answer counts."""

    trial: TrialRecord
    claim: Claim
    begun: float = field(default_factory=time.monotonic)
    sent: float = 0.0
    futures: list[Future[Any]] = field(default_factory=list)
    n_sent: int = 0


class _Round:
    """The trials of one round that are still on the cluster, by uid."""

    def __init__(self, client: Client, spec: CampaignSpec, news: threading.Event) -> None:
        self.waiting: dict[str, _Work] = {}
        self._client = client
        self._spec = spec
        self._news = news
        self._n_all = 0
        self._durations: list[float] = []

    def begin(self, trial: TrialRecord, claim: Claim) -> None:
        self.waiting[trial.uid] = work = _Work(trial, claim)
        self._n_all += 1
        self._send(work)

    def answers(self) -> list[tuple[_Work, Evaluation]]:
        """Return what has come since, each trial once, and forget its other copies."""
        came = []
        for work in list(self.waiting.values()):
            evaluation = next((found for future in work.futures if (found := _answer(future)) is not None), None)
            if evaluation is not None:
                self._durations.append(time.monotonic() - work.begun)
                came.append((self.waiting.pop(work.trial.uid), evaluation))
                # Dask forgets a task, queued or finished, when its last future is gone.
                work.futures.clear()
        return came

    def send_again(self) -> None:
        """Send what a restarted scheduler has forgotten, and a copy of what hangs on one worker."""
        lost = [work for work in self.waiting.values() if all(future.status == "cancelled" for future in work.futures)]
        if lost:
            self._wait_for_scheduler()
        for work in lost:
            work.futures.clear()
            self._send(work)
        for work in self.waiting.values():
            if len(work.futures) < MAX_COPIES and self._is_straggling(work):
                self._send(work, avoid=self._workers_with(work))

    def _send(self, work: _Work, avoid: Collection[str] = ()) -> None:
        work.n_sent, work.sent = work.n_sent + 1, time.monotonic()
        # The key names claim and copy, so that Dask never takes an old answer for a new question.
        future = self._client.submit(
            evaluate_on_worker,
            self._spec,
            version("afssb-opt"),
            dict(work.trial.design),
            key=("evaluate", work.trial.label, work.claim.token, work.n_sent),
            pure=False,
            workers=[worker for worker in self._client.nthreads() if worker not in avoid] if avoid else None,
            allow_other_workers=bool(avoid),
        )
        future.add_done_callback(lambda _: self._news.set())
        work.futures.append(future)

    def _is_straggling(self, work: _Work) -> bool:
        if 2 * len(self._durations) < self._n_all:
            return False
        usual = statistics.median(self._durations)
        return time.monotonic() - work.sent > max(STRAGGLER_FACTOR * usual, usual + STRAGGLER_SECONDS)

    def _workers_with(self, work: _Work) -> set[str]:
        keys = {future.key for future in work.futures}
        return {worker for worker, processing in self._client.processing().items() if keys & set(processing)}

    def _wait_for_scheduler(self) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while self._client.status != "running":
            if self._client.status == "closed" or time.monotonic() > deadline:
                raise ClusterUnavailableError(
                    f"the Dask scheduler did not come back within {CONNECT_SECONDS} s. What was recorded is kept; "
                    "the same command goes on with the rest when it answers again"
                )
            time.sleep(POLL_SECONDS)


def _answer(future: Future[Any]) -> Evaluation | None:
    """Return what a future brought, a failure if its trial ends worker after worker, None while it brings nothing."""
    from distributed import KilledWorker

    if future.status == "finished":
        try:
            evaluation: Evaluation = future.result(timeout=FETCH_SECONDS)
        except (OSError, TimeoutError, CancelledError):
            # It went with its worker or with the scheduler, both of which `send_again` knows to mend.
            return None
        return evaluation
    if future.status != "error":
        return None
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Evaluation(TrialFailure("equipment", f"the evaluation ended every Dask worker that tried it: {error}"))
    if isinstance(error, ClusterError):
        raise error
    # An evaluator answers for each design of its space, so whatever else arrives speaks of the worker.
    raise ClusterError(
        f"a Dask worker could not begin the evaluation ({type(error).__name__}: {error}). "
        "Install the same packages there, and the module of a Python evaluator where the worker finds it"
    )
