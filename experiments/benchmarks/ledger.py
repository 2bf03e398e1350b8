"""What the ledger costs per trial and per reading: prints medians, so that a slower change is seen.

Run it with `python experiments/benchmarks/ledger.py [--url URL] [--trials N] [--read N]`. Wanted: at most 5 ms
per trial for proposing, claiming and recording it with a cycling table of 500 rows, at most 0.6 s to read 10,000
trials.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from afssb_opt.domain.cycling import CYCLING_COLUMNS, as_cycling_table
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Lease, Ledger, NewTrial

# What one round of the engine proposes by default.
BATCH = 4
SEED = 7

Times = dict[str, list[float]]


def cycling_table(rng: np.random.Generator, n_cycles: int = 500) -> pd.DataFrame:
    """Return a table with noise in every column, so that it does not compress better than a measured one."""
    columns = {name: rng.random(n_cycles) for name in CYCLING_COLUMNS}
    return as_cycling_table({**columns, "cycle": np.arange(1, n_cycles + 1)})


def new_trials(rng: np.random.Generator, count: int, round_number: int) -> list[NewTrial]:
    """Return designs of the four variables with a usual reason and provenance."""
    provenance = {"seed": SEED, "method": "qLogNEHVI", "data_version": round_number, "config_sha256": "0" * 64,
                  "versions": {"afssb_opt": "0.1.0", "botorch": "0.16.0", "torch": "2.13.0"}}  # fmt: skip
    reason = (
        "Predicted life 412 cycles (310 to 520) at 745 Wh/L; most of the gain is exploration of Ag at low pressure."
    )
    names = ("interlayer_thickness_um", "stack_pressure_mpa", "li3n_wt_pct")
    return [
        NewTrial({"seed_alloy": "Ag", **dict(zip(names, map(float, rng.random(3)), strict=True))},
                 round_number, reason, provenance)
        for _ in range(count)
    ]  # fmt: skip


def result(rng: np.random.Generator) -> TrialResult:
    """Return eight outcomes, some with a standard error."""
    outcomes = {f"outcome_{place}": float(value) for place, value in enumerate(rng.random(8))}
    return TrialResult(outcomes, {"outcome_0": 0.1}, frozenset({"outcome_1"}), "simulation", {"stop_reason": "cycles"})


def trial_loop(ledger: Ledger, lease: Lease, rng: np.random.Generator, n_trials: int, times: Times) -> None:
    """Propose in batches, claim and record each, and note the milliseconds per trial and step."""
    for batch in range(n_trials // BATCH):
        proposed = new_trials(rng, BATCH, batch)
        tables = [cycling_table(rng) for _ in proposed]
        results = [result(rng) for _ in proposed]
        processor, started = time.process_time(), time.perf_counter()
        added = ledger.add_trials(lease, proposed)
        proposing = (time.perf_counter() - started) / BATCH
        for trial, table, found in zip(added, tables, results, strict=True):
            begun = time.perf_counter()
            claim = ledger.claim(lease, trial.uid)
            claimed = time.perf_counter()
            ledger.record_result(trial.uid, found, cycling=table, claim=claim)
            ended = time.perf_counter()
            steps = {"propose": proposing, "claim": claimed - begun, "record": ended - claimed}
            for name, seconds in {**steps, "all three": proposing + ended - begun}.items():
                times.setdefault(name, []).append(1e3 * seconds)
        times.setdefault("processor", []).append(1e3 * (time.process_time() - processor) / BATCH)


def fill(ledger: Ledger, lease: Lease, rng: np.random.Generator, n_trials: int) -> None:
    """Add many trials that have ended, without cycling tables."""
    for trial in ledger.add_trials(lease, new_trials(rng, n_trials, 1)):
        claim = ledger.claim(lease, trial.uid)
        ledger.record_result(trial.uid, result(rng), claim=claim)


def seconds_of(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median time of a call, by the clock and of the processor; the latter hardly minds other work."""
    clock, processor = [], []
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - started)
        processor.append(time.process_time() - worked)
    return statistics.median(clock), statistics.median(processor)


@contextmanager
def store(url: str | None) -> Iterator[str]:
    """Give the address to measure on; without one, a new file in a temporary folder."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'ledger.db'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="store to measure on (it is filled); default: a temporary file")
    parser.add_argument("--trials", type=int, default=400, help="trials of the loop")
    parser.add_argument("--read", type=int, default=10_000, help="trials to read back")
    parser.add_argument("--repeats", type=int, default=11, help="readings of which the median is printed")
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with store(given.url) as url, Ledger.create_or_open(url) as ledger:
        stamp = time.time_ns()
        loop = ledger.register_campaign(f"loop {stamp}", {}, "0" * 64)
        times: Times = {}
        trial_loop(ledger, ledger.acquire_lease(loop.uid, duration_s=600), rng, given.trials, times)
        for name, values in times.items():
            ordered = sorted(values)
            high = ordered[int(0.95 * len(ordered))]
            middle, mean = statistics.median(values), statistics.mean(values)
            print(f"{name:10s} {middle:7.2f} ms per trial (mean {mean:.2f}, 95 % {high:.2f})")
        large = ledger.register_campaign(f"large {stamp}", {}, "0" * 64)
        fill(ledger, ledger.acquire_lease(large.uid, duration_s=3600), rng, given.read)
        readings: dict[str, Callable[[], object]] = {
            "trials": lambda: ledger.trials(large.uid),
            "observations": lambda: ledger.observations(large.uid),
            "events": lambda: ledger.events(large.uid),
            "last_seq": lambda: ledger.last_seq(large.uid),
        }
        for name, call in readings.items():
            clock, processor = seconds_of(call, given.repeats)
            print(f"{name:12s} of {given.read} trials: {clock:.4f} s (processor {processor:.4f} s)")
        clock, processor = seconds_of(ledger.check, 1)
        print(f"check of everything: {clock:.2f} s (processor {processor:.2f} s), problems: {len(ledger.check())}")


if __name__ == "__main__":
    main()
