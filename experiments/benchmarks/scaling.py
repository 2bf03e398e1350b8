"""Does a second Dask worker halve the time of a batch? Evaluates designs here and on 1, 2, ... local workers.

Run it with `python experiments/benchmarks/scaling.py [--trials N] [--workers 0 1 2]`. One kind of evaluation simulates
a cell, one simulates 64 cells built a little differently, as who asks for the scatter of a design would, and one only
waits: what the scheduler, the claims and the records cost without any computing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from afssb_opt import Campaign
from afssb_opt.campaign.evaluating import evaluate_trial, open_trials
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.domain.spec import ClusterSpec
from afssb_opt.evaluators import open_evaluator
from afssb_opt.evaluators.trust import VARIABLE
from afssb_opt.ledger import NewTrial
from flows.dask_cluster import cluster_client
from flows.dask_evaluation import evaluate_on_cluster

EVALUATORS = """
import time
import numpy as np
import pandas as pd
from afssb_opt.evaluators.simulation import simulate

def scattered(designs, protocol):
    pressures = np.linspace(0.9, 1.1, 64) * float(designs["stack_pressure_mpa"].iloc[0])
    cells = simulate(pd.DataFrame({"stack_pressure_mpa": pressures})).outcomes
    return pd.DataFrame({"cycle_life": [cells["cycle_life"].mean()]}, index=designs.index)

def waiting(designs, protocol):
    time.sleep(0.5)
    return pd.DataFrame({"cycle_life": designs["stack_pressure_mpa"]})
"""
KINDS: dict[str, object] = {
    "one cell": "simulation",
    "64 cells": {"python": "afssb_scaling:scattered"},
    "waiting 0.5 s": {"python": "afssb_scaling:waiting"},
}


def seconds(evaluator_source: object, name: str, n_trials: int, n_workers: int, scratch: Path) -> float:
    """Return the seconds from the first claim to the last record; workers have started and evaluated before."""
    source = {
        "name": name,
        "space": {"stack_pressure_mpa": {"low": 4, "high": 9}},
        "objectives": {"cycle_life": {"goal": "maximize"}},
        "evaluator": evaluator_source,
        "budget": {"trials": 100_000},
    }
    with (
        Campaign.load(source) as campaign,
        hold_lease(campaign.ledger, campaign.uid) as lease,
        cluster_client(ClusterSpec(local_workers=n_workers) if n_workers else None, scratch) as client,
        open_evaluator(campaign.spec) as evaluator,
    ):
        for n_new in (max(n_workers, 1) * 2, n_trials):
            known = len(campaign.trials())
            new = [NewTrial({"stack_pressure_mpa": 4 + (known + k) * 1e-3}, 1, "measured", {}) for k in range(n_new)]
            campaign.ledger.add_trials(lease, new)
            trials = open_trials(campaign, lease)
            began = time.perf_counter()
            if client is not None:
                evaluate_on_cluster(client, campaign.spec, campaign.ledger, lease, trials)
            else:
                for trial in trials:
                    evaluate_trial(campaign.ledger, lease, evaluator, trial)
            spent = time.perf_counter() - began
        return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="0: in this process, one by one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "afssb_scaling.py").write_text(EVALUATORS)
        os.environ |= {"AFSSB_HOME": folder, "PYTHONPATH": folder, VARIABLE: folder}
        sys.path.insert(0, folder)
        print(f"{given.trials} trials, seconds from the first claim to the last record")
        for n_workers in given.workers:
            row = {
                kind: seconds(source, f"{kind} {n_workers}", given.trials, n_workers, Path(folder) / "dask")
                for kind, source in KINDS.items()
            }
            figures = "  ".join(f"{kind} {spent:7.2f} s" for kind, spent in row.items())
            print(f"  {n_workers or 'no'} worker{'s' if n_workers != 1 else ' '}  {figures}", flush=True)


if __name__ == "__main__":
    main()
