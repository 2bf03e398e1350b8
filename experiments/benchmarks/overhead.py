"""What the workflow costs per trial: a bare loop, MLflow alone, with ledger, with mirror, and through the Prefect flow.

Run it with `python experiments/benchmarks/overhead.py [--trials N] [--repeats N]`; all ways are measured in turn in one
process, so that their ratio holds on a busy machine. `--memory N` records N trials and prints the memory on the way,
`--startup` times `afssb run` until its first evaluation begins.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from afssb_opt import Campaign
from afssb_opt.campaign.evaluating import evaluate_trial
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.window import Window
from afssb_opt.domain.trials import TrialResult
from afssb_opt.evaluators import Evaluation
from afssb_opt.ledger import Ledger, NewTrial
from flows.local_server import prefect_api

BATCH = 4
# The load of the peers' figures: 15 parameters and 20 metrics.
N_VARIABLES, N_OUTCOMES = 15, 20

DEFINITION: dict[str, Any] = {
    "space": {f"x{k}": {"low": 0, "high": 1} for k in range(N_VARIABLES)},
    "objectives": {"y0": {"goal": "maximize"}},
    "evaluator": "lab",
    "batch_size": BATCH,
    "budget": {"trials": 100_000},
}
QUICKSTART = Path(__file__).parents[1] / "quickstart.yaml"

Design = Mapping[str, float | str]


class Instant:
    """An evaluator that costs nothing, so that what is measured is the workflow."""

    def evaluate(self, design: Design) -> Evaluation:
        """Return 20 numbers."""
        x = float(design["x0"])
        return Evaluation(TrialResult({f"y{k}": x + k for k in range(N_OUTCOMES)}, source="python"))


def designs(n_trials: int) -> list[dict[str, float | str]]:
    """Return distinct designs."""
    return [{f"x{k}": (trial + k / 100) / n_trials % 1 for k in range(N_VARIABLES)} for trial in range(n_trials)]


def bare(_: Campaign, wanted: Sequence[Design]) -> None:
    """Evaluate and forget."""
    for design in wanted:
        Instant().evaluate(design)


def with_ledger(campaign: Campaign, wanted: Sequence[Design], window: Window | None = None) -> None:
    """Propose, claim, evaluate and record; with a window, show each batch in MLflow."""
    with hold_lease(campaign.ledger, campaign.uid) as lease:
        for start in range(0, len(wanted), BATCH):
            new = [NewTrial(dict(design), 1, "measured", {}) for design in wanted[start : start + BATCH]]
            for trial in campaign.ledger.add_trials(lease, new):
                evaluate_trial(campaign.ledger, lease, Instant(), trial)
            if window is not None:
                window.update()


def with_mirror(campaign: Campaign, wanted: Sequence[Design]) -> None:
    """Add the mirror, updated after each batch as the flow does."""
    with_ledger(campaign, wanted, Window(campaign))


def with_flow(campaign: Campaign, wanted: Sequence[Design]) -> None:
    """Do the same through the tasks of the Prefect flow."""
    from prefect import flow

    from flows.advance import THREADS, evaluate_task, mirror_task
    from flows.artifacts import Progress

    @flow(name="overhead", task_runner=THREADS, validate_parameters=False)
    def measured() -> None:
        window, progress = Window(campaign), Progress(campaign.spec, 0)
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            for start in range(0, len(wanted), BATCH):
                new = [NewTrial(dict(design), 1, "measured", {}) for design in wanted[start : start + BATCH]]
                trials = campaign.ledger.add_trials(lease, new)
                futures = [evaluate_task.submit(campaign, lease, Instant(), trial, progress) for trial in trials]
                for future in futures:
                    future.result()
                mirror_task.submit(window).result()

    measured()


def mlflow_alone(campaign: Campaign, wanted: Sequence[Design]) -> None:
    """Do without a ledger: three calls of MLflow per trial, with its defaults and on a file of its own."""
    client = MlflowClient(tracking_uri=f"sqlite:///{Path(os.environ['AFSSB_HOME']) / 'alone.db'}")
    experiment_id = client.create_experiment(campaign.spec.name)
    for design in wanted:
        outcomes = Instant().evaluate(design).result.outcomes
        run_id = client.create_run(experiment_id).info.run_id
        metrics = [Metric(name, value, 1, 0) for name, value in outcomes.items()]
        client.log_batch(run_id, metrics, [Param(name, str(value)) for name, value in design.items()])
        client.set_terminated(run_id)


WAYS: dict[str, Callable[[Campaign, Sequence[Design]], None]] = {
    "bare loop": bare,
    "MLflow alone": mlflow_alone,
    "+ ledger": with_ledger,
    "+ mirror": with_mirror,
    "+ Prefect flow": with_flow,
}


@contextmanager
def stores() -> Iterator[Path]:
    """Give a temporary folder for all stores."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["AFSSB_HOME"] = folder
        yield Path(folder)


def measure(n_trials: int, n_repeats: int) -> None:
    """Print processor and clock time per trial of each way, medians over repeats taken in turn."""
    clock: dict[str, list[float]] = {name: [] for name in WAYS}
    processor: dict[str, list[float]] = {name: [] for name in WAYS}
    server: list[float] = []
    with stores() as folder, prefect_api(folder / "prefect", meanwhile=lambda: __import__("flows.advance")):
        (process,) = [c for c in psutil.Process().children() if "flows.local_server" in c.cmdline()]
        for repeat in range(-1, n_repeats):
            for name, way in WAYS.items():
                with Campaign.load({**DEFINITION, "name": f"{name} {repeat}"}) as campaign:
                    began, worked, served = time.perf_counter(), time.process_time(), sum(process.cpu_times()[:2])
                    way(campaign, designs(n_trials))
                    # The first round imports and creates; it is not counted.
                    if repeat >= 0:
                        clock[name].append(1e3 * (time.perf_counter() - began) / n_trials)
                        processor[name].append(1e3 * (time.process_time() - worked) / n_trials)
                    if repeat >= 0 and way is with_flow:
                        server.append(1e3 * (sum(process.cpu_times()[:2]) - served) / n_trials)
    print(f"ms per trial, medians of {n_repeats} x {n_trials} trials")
    for name in WAYS:
        busy, waited = statistics.median(processor[name]), statistics.median(clock[name])
        print(f"  {name:16s} processor {busy:7.2f}  clock {waited:7.2f}")
    print(f"  Prefect's server, beside it: processor {statistics.median(server):.2f}")


def memory(n_trials: int, mirrored: bool) -> None:
    """Print the memory of the process while so many trials are recorded."""
    with stores(), Campaign.load({**DEFINITION, "name": "memory"}) as campaign:
        window = Window(campaign) if mirrored else None
        wanted = designs(n_trials)
        step = max(n_trials // 10, BATCH)
        for start in range(0, n_trials, step):
            with_ledger(campaign, wanted[start : start + step])
            if window is not None:
                window.update()
            gc.collect()
            resident = psutil.Process().memory_info().rss / 1e6
            print(f"  {start + step:6d} trials {resident:7.1f} MB, {psutil.Process().num_fds()} files open", flush=True)


def startup() -> None:
    """Print the seconds from the start of `afssb run` to its first claim, on new stores and on known ones."""
    with stores() as folder:
        for what in ("first run of a campaign", "the same again"):
            with Ledger.create_or_open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
                known = ledger.campaign("quickstart")
                after = ledger.last_seq(known.uid) if known else 0
            began, worked = datetime.now(UTC), os.times()
            command = [sys.executable, "-m", "afssb_opt.cli", "run", str(QUICKSTART), "--trials", "4", "--json"]
            subprocess.run(command, check=True, capture_output=True)
            spent = os.times()
            with Ledger.open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
                known = ledger.campaign("quickstart")
                first = next(e for e in ledger.events(known.uid, after) if e.kind == "claimed")
            seconds = (first.at - began).total_seconds()
            busy = spent.children_user + spent.children_system - worked.children_user - worked.children_system
            print(f"  {what:26s} {seconds:6.1f} s to the first evaluation (whole run: {busy:.1f} s of processor)")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", type=int, help="trials to record while the memory is watched")
    parser.add_argument("--mirrored", action="store_true", help="with --memory: show them in MLflow too")
    parser.add_argument("--startup", action="store_true")
    given = parser.parse_args()
    if given.memory:
        memory(given.memory, given.mirrored)
    elif given.startup:
        startup()
    else:
        measure(given.trials, given.repeats)


if __name__ == "__main__":
    main()
