"""Simulating thousands of designs: in batches, on as many cores as there are, in the order they were given."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Final

import pandas as pd

from afssb_opt.domain.errors import EvaluationError
from afssb_opt.domain.outcomes import OutcomeSettings
from afssb_opt.domain.protocol import Protocol
from afssb_opt.evaluators.simulation import simulate
from afssb_opt.simulation.cells import LANES
from afssb_opt.simulation.limits import check_designs

# One batch takes about half a second: the bar moves, Ctrl-C is soon heard, and lanes run mostly full.
_BATCH_CELL_CYCLES: Final = 64_000
_MAX_BATCH: Final = 256
# Below this one core is done before other processes have imported what they need.
_POOL_FROM_CELL_CYCLES: Final = 500_000


def simulate_batch(designs: pd.DataFrame, protocol: Protocol, settings: OutcomeSettings) -> pd.DataFrame:
    """Return the outcomes of a batch; plain data in and out, so any pool of workers can map it."""
    return simulate(designs, protocol, settings).outcomes


def simulate_many(
    designs: pd.DataFrame,
    protocol: Protocol = Protocol(),
    settings: OutcomeSettings = OutcomeSettings(),
    *,
    n_processes: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> pd.DataFrame:
    """Return the outcomes of many designs, one row each in their order; the number of processes changes no bit.

    Args:
        designs: Columns of `STANDARD_VARIABLES`; a variable that is not given takes its default.
        n_processes: Processes to use; None: one per core where the work is worth it. A script that passes more than
            one needs the usual `if __name__ == "__main__":`.
        executor: Runs the batches instead, on other machines for instance (`Client.get_executor()` of Dask).
        on_progress: Called with the number of cells just done.

    Raises:
        DesignError: Columns or values are not what the simulation knows; all are named before any cell is simulated.
        EvaluationError: A worker process was killed.
    """
    check_designs(designs, protocol)
    size = min(max(_BATCH_CELL_CYCLES // protocol.cycles, LANES), _MAX_BATCH)
    batches = [designs.iloc[start : start + size] for start in range(0, len(designs), size)]
    if n_processes is None:
        is_worth_it = len(designs) * protocol.cycles >= _POOL_FROM_CELL_CYCLES
        n_processes = len(os.sched_getaffinity(0)) if is_worth_it else 1
    # The first batch compiles the model where it is not compiled yet; the workers find it on disk.
    parts = [simulate_batch(batches[0], protocol, settings)]
    on_progress(len(batches[0]))
    if executor is not None:
        parts += [future.result() for future in _submitted(executor, batches[1:], protocol, settings, on_progress)]
    elif n_processes == 1 or len(batches) == 1:
        for batch in batches[1:]:
            parts.append(simulate_batch(batch, protocol, settings))
            on_progress(len(batch))
    else:
        parts += _on_pool(batches[1:], protocol, settings, n_processes, on_progress)
    outcomes = pd.concat(parts)
    for name in [column for column in outcomes.columns if column.endswith("_censored")]:
        outcomes[name] = outcomes[name].eq(True)
    return outcomes


def _on_pool(
    batches: list[pd.DataFrame],
    protocol: Protocol,
    settings: OutcomeSettings,
    n_processes: int,
    on_progress: Callable[[int], None],
) -> list[pd.DataFrame]:
    # Not forked: threads of the parent would leave their locks behind.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(n_processes, len(batches)), context, initializer=_leave_with_parent)
    try:
        # The first submission starts the processes, which inherit what is held.
        with _interrupts_held():
            futures = _submitted(pool, batches, protocol, settings, on_progress)
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise EvaluationError(
            "a process that simulates was killed; did the machine run out of memory? Try fewer designs at once"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(
    executor: Executor,
    batches: list[pd.DataFrame],
    protocol: Protocol,
    settings: OutcomeSettings,
    on_progress: Callable[[int], None],
) -> list[Future[pd.DataFrame]]:
    futures = [executor.submit(simulate_batch, batch, protocol, settings) for batch in batches]
    for future in futures:
        future.add_done_callback(_reporter(on_progress))
    return futures


def _reporter(on_progress: Callable[[int], None]) -> Callable[[Future[pd.DataFrame]], None]:
    def report(future: Future[pd.DataFrame]) -> None:
        if not future.cancelled() and future.exception() is None:
            on_progress(len(future.result()))

    return report


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back, for this thread and for what it starts: the parent alone answers it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_with_parent() -> None:
    """End this worker when its parent is gone, also after a kill -9: a pool's workers would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
