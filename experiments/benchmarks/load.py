"""What happens to ledger and mirror as a campaign grows to 100,000 trials: times, sizes and memory at each stage.

Run it with `python experiments/benchmarks/load.py [--stages 1000 10000 100000] [--mirror 1000 10000]`. Each trial is
proposed in a batch of 64, claimed and recorded through the ledger's own calls; at each number of `--mirror` what MLflow
does not show yet is shown there too. Reading is what every round, `afssb status` and a look at the data do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from afssb_opt import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.window import Window
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Lease, NewTrial

# The largest batch that a campaign file allows.
BATCH = 64
SEED = 7
NAMES = ("interlayer_thickness_um", "stack_pressure_mpa", "li3n_wt_pct")
OUTCOMES = ("cycle_life", "energy_density_wh_l", "seed_cost_usd_m2")

DEFINITION = {
    "name": "load",
    "space": {
        "interlayer_thickness_um": {"low": 0.5, "high": 30, "scale": "log"},
        "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log"},
        "li3n_wt_pct": {"low": 0, "high": 10},
    },
    "objectives": {
        "cycle_life": {"goal": "maximize"},
        "energy_density_wh_l": {"goal": "maximize"},
        "seed_cost_usd_m2": {"goal": "minimize"},
    },
    "evaluator": "simulation",
    "batch_size": BATCH,
    "budget": {"trials": 100_000},
}


def grow(campaign: Campaign, lease: Lease, rng: np.random.Generator, n_trials: int) -> float:
    """Propose, claim and record so many trials and return the milliseconds of processor time per trial."""
    started, left = time.process_time(), n_trials
    provenance = {"seed": SEED, "method": "load", "data_version": 0, "config_sha256": "0" * 64, "versions": {}}
    while left:
        count = min(BATCH, left)
        low, high = np.array([0.5, 0.5, 0.0]), np.array([30.0, 50.0, 10.0])
        designs = low + (high - low) * rng.random((count, 3))
        new = [NewTrial(dict(zip(NAMES, map(float, row), strict=True)), 1, "a load", provenance) for row in designs]
        for trial in campaign.ledger.add_trials(lease, new):
            claim = campaign.ledger.claim(lease, trial.uid)
            found = dict(zip(OUTCOMES, map(float, rng.random(3)), strict=True))
            campaign.ledger.record_result(trial.uid, TrialResult(found, source="simulation"), claim=claim)
        left -= count
    return 1e3 * (time.process_time() - started) / n_trials


def show_all(window: Window) -> None:
    """Update until nothing is left for later; one update ends after five minutes."""
    while any("left for the next sync" in warning for warning in window.update()):
        pass


def timed(call: Callable[[], object]) -> str:
    """Return clock and processor seconds of one call."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return f"{time.perf_counter() - clock:8.2f} s clock {time.process_time() - processor:8.2f} s processor"


def report(campaign: Campaign, folder: Path, n_trials: int) -> None:
    """Print what reading costs at this size."""
    ledger, uid = campaign.ledger, campaign.uid
    readings: dict[str, Callable[[], object]] = {
        "trials": lambda: ledger.trials(uid),
        "observations": lambda: ledger.observations(uid),
        "pending": lambda: ledger.pending(uid),
        "open trials (each round)": lambda: ledger.trials(uid, states=[TrialState.PROPOSED, TrialState.FAILED]),
        "stop_reason (each round)": campaign.stop_reason,
        "last_seq": lambda: ledger.last_seq(uid),
        "events": lambda: ledger.events(uid),
        "best (status, report)": campaign.best,
    }
    for name, call in readings.items():
        print(f"  {name:26s} {timed(call)}", flush=True)
    size = sum(path.stat().st_size for path in folder.glob("ledger.db*")) / 1e6
    memory = psutil.Process().memory_info().rss / 1e6
    print(
        f"  ledger {size:.0f} MB, {1e3 * size / n_trials:.2f} kB per trial; memory of the process {memory:.0f} MB",
        flush=True,
    )


def mirror(campaign: Campaign, window: Window, n_shown: int) -> None:
    """Show in MLflow what it does not show, and print what that costs, and what it costs when nothing is new."""
    n_trials, started = campaign.standing().n_trials, time.process_time()
    print(f"  mirror, {n_shown + 1} to {n_trials}     {timed(lambda: show_all(window))}")
    print(f"  of processor per trial   {1e3 * (time.process_time() - started) / (n_trials - n_shown):8.2f} ms")
    print(f"  nothing new              {timed(window.update)}")
    print(f"  a new scan, nothing new  {timed(Window(campaign).update)}")
    size = sum(path.stat().st_size for path in campaign.stores.folder.glob("mlflow.db*")) / 1e6
    print(f"  mlflow.db {size:.0f} MB, {1e3 * size / n_trials:.1f} kB per trial", flush=True)


def main() -> None:
    """Grow, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", type=int, nargs="+", default=[1_000, 10_000, 30_000, 100_000])
    parser.add_argument("--mirror", type=int, nargs="*", default=[1_000], help="trials to show in MLflow")
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AFSSB_HOME"] = folder
        with Campaign.load(DEFINITION) as campaign, hold_lease(campaign.ledger, campaign.uid) as lease:
            window, n_shown, n_trials = Window(campaign), 0, 0
            for stage in sorted({*given.stages, *given.mirror}):
                clock = time.perf_counter()
                cost = grow(campaign, lease, rng, stage - n_trials)
                seconds, n_new, n_trials = time.perf_counter() - clock, stage - n_trials, stage
                print(f"{stage} trials: {cost:.2f} ms processor, {1e3 * seconds / n_new:.2f} ms clock per new trial")
                report(campaign, campaign.stores.folder, n_trials)
                if stage in given.mirror:
                    mirror(campaign, window, n_shown)
                    n_shown = n_trials


if __name__ == "__main__":
    main()
