"""Serving campaigns from one process: their deployments, a runner that starts what is due, and their inboxes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import httpx
import psutil
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.runner import Runner

from afssb_opt.domain.errors import StoreUnavailableError
from flows.deployments import Served, campaign_deployments, has_inbox, starts_at_once
from flows.inbox_watch import InboxWatch
from flows.notices import notify_by_webhook
from flows.reconcile import close_runs_of_last_time
from flows.resting import Rest
from flows.tether import offer_tie

__all__ = ["Served", "close_runs_of_last_time", "serve_until_stopped"]

# Each run is a process with torch in it (about 0.6 GB); more wait for their turn.
MAX_RUNS: Final = 3
# A look at the due runs is one small request; Prefect's own ten seconds feel long after a click.
QUERY_S: Final = 3.0
# One look at the inboxes, and at what has ended.
LOOK_S: Final = 2.0
# A flow run that is told to stop needs a moment to give its lease back; killed, it loses nothing either.
STOP_S: Final = 8.0

Tell = Callable[[str], None]


def serve_until_stopped(served: Sequence[Served], webhook: str, tell: Tell) -> None:
    """Register the deployments of the campaigns and serve them until an exception, such as Ctrl-C, ends it.

    Args:
        served: The campaigns.
        webhook: Address that notices are sent to, empty for none.
        tell: Takes one line for a person to read.

    Raises:
        StoreUnavailableError: The server does not answer, or the runner ended by itself.
    """
    offer_tie()
    with _runner() as runner:
        deployments = _registered(runner, served, webhook)
        for campaign in served:
            kinds = [name.partition("/")[0] for name in deployments if name.endswith(f"/{campaign.spec.name}")]
            tell(f"deployments registered for '{campaign.spec.name}': {', '.join(kinds)}")
        rests = [Rest(campaign, deployments[f"advance-campaign/{campaign.spec.name}"]) for campaign in served]
        for line in _started_or_resting(rests):
            tell(line)
        runner.start()
        watches = [
            InboxWatch(campaign, deployments[f"ingest-results/{campaign.spec.name}"])
            for campaign in served
            if has_inbox(campaign.spec)
        ]
        ended = _Ended({deployment: name for name, deployment in deployments.items()})
        while runner.is_alive:
            time.sleep(LOOK_S)
            now = time.monotonic()
            lines = [line for watch in watches for line in watch.look(now)]
            lines += [line for rest in rests for line in rest.look(now)]
            for line in lines + ended.look():
                tell(line)
    raise StoreUnavailableError(f"Prefect's runner ended: {runner.error or 'it gave no reason'}. Serve again")


def _registered(runner: _RunnerThread, served: Sequence[Served], webhook: str) -> dict[str, UUID]:
    """Register the deployments of all campaigns."""
    with _reaching_server():
        if webhook:
            notify_by_webhook(webhook)
        return {
            f"{made.flow_name}/{made.name}": runner.add(made)
            for campaign in served
            for made in campaign_deployments(campaign, served)
        }


def _started_or_resting(rests: Sequence[Rest]) -> list[str]:
    """Pause the schedules of finished campaigns, and ask for the first run of the others that need not wait for one."""
    lines = [line for rest in rests for line in rest.look(time.monotonic())]
    with _reaching_server(), get_client(sync_client=True) as client:
        for rest in rests:
            if starts_at_once(rest.served.spec) and not rest.is_resting:
                client.create_flow_run_from_deployment(rest.deployment)
    return lines


@contextmanager
def _reaching_server() -> Iterator[None]:
    try:
        yield
    except (PrefectException, httpx.HTTPError, OSError) as error:
        raise StoreUnavailableError(
            f"the Prefect server {os.environ.get('PREFECT_API_URL')} does not take the deployments ({error}). "
            "Start it, or unset PREFECT_API_URL to have one started"
        ) from error


class _RunnerThread:
    """Prefect's runner in a thread of its own: the main thread keeps its own way to end on a signal."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        # Schedules stay on: the same deployment may be served by another process too.
        self._runner = Runner(name="afssb", limit=MAX_RUNS, query_seconds=QUERY_S, pause_on_shutdown=False)
        self._thread = threading.Thread(target=self._work, name="prefect-runner", daemon=True)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def add(self, deployment: object) -> UUID:
        """Register a deployment; before the start."""
        added: UUID = self._loop.run_until_complete(self._runner.aadd_deployment(deployment))  # type: ignore[arg-type]
        return added

    def start(self) -> None:
        """Begin to start what is due."""
        self._thread.start()

    def stop(self) -> None:
        """End the flow runs at work and the runner; what they recorded is kept."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._runner.astop(), self._loop)
            # Prefect itself would wait half a minute for each.
            _, slow = psutil.wait_procs(_flow_runs(), STOP_S)
            for process in slow:
                process.kill()
            self._thread.join(STOP_S)

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._runner.start())
        except BaseException as error:
            # Told by the main thread, which outlives this one.
            self.error = error


def _flow_runs() -> list[psutil.Process]:
    """Return the processes of the flow runs at work."""
    found = []
    for child in psutil.Process().children():
        try:
            if "prefect.engine" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


@contextmanager
def _runner() -> Iterator[_RunnerThread]:
    runner = _RunnerThread()
    try:
        yield runner
    finally:
        runner.stop()


class _Ended:
    """Flow runs that ended since the last look, told in one line each."""

    def __init__(self, names: Mapping[UUID, str]) -> None:
        self._names = names
        self._since = datetime.now(UTC)
        self._told: set[UUID] = set()

    def look(self) -> list[str]:
        """Return one line for each run that ended; an unreachable server is no reason to stop serving."""
        try:
            with get_client(sync_client=True) as client:
                runs = client.read_flow_runs(
                    flow_run_filter=FlowRunFilter(
                        deployment_id=FlowRunFilterDeploymentId(any_=list(self._names)),
                        end_time=FlowRunFilterEndTime(after_=self._since),
                    ),
                    sort=FlowRunSort.END_TIME_DESC,
                    limit=50,
                )
        except (PrefectException, httpx.HTTPError, OSError) as error:
            return [f"Prefect does not answer: {error}"]
        new = [run for run in reversed(runs) if run.id not in self._told]
        self._told |= {run.id for run in runs}
        if runs and runs[0].end_time is not None:
            self._since = runs[0].end_time
        return [self._line(run) for run in new]

    def _line(self, run: FlowRun) -> str:
        name = self._names[run.deployment_id] if run.deployment_id else run.name
        message = f": {run.state.message}" if run.state is not None and run.state.message else ""
        return f"{name}  {run.state_name}{message}"
