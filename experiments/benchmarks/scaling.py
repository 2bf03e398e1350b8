"""Does a second Dask worker halve the time of a batch? Evaluates simulated cells here and on 1, 2, ... local workers.

Run it with `python experiments/benchmarks/scaling.py [--cells N] [--cycles N] [--workers 1 2]`. The second figure per
row is for evaluations that only wait: what the scheduler, the claims and the records cost without any computing.
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

SLEEPER = """
import time
import pandas as pd
def measure(designs, protocol):
    time.sleep(0.5)
    return pd.DataFrame({"y": designs["x"]})
"""


def simulated(cycles: int) -> dict[str, object]:
    """Return a campaign whose cells live for all their cycles."""
    return {
        "space": {"stack_pressure_mpa": {"low": 4, "high": 9}},
        "objectives": {"cycle_life": {"goal": "maximize"}},
        "protocol": {"cycles": cycles},
        "evaluator": "simulation",
    }


WAITING = {
    "space": {"x": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": {"python": "afssb_sleeper:measure"},
}


def seconds(definition: dict[str, object], name: str, n_cells: int, n_workers: int, scratch: Path) -> float:
    """Return the seconds from the first claim to the last record; workers have started and evaluated before."""
    source = {**definition, "name": name, "budget": {"trials": 100_000}}
    variable = next(iter(source["space"]))
    low = 4.0 if variable == "stack_pressure_mpa" else 0.0
    with (
        Campaign.load(source) as campaign,
        hold_lease(campaign.ledger, campaign.uid) as lease,
        cluster_client(ClusterSpec(local_workers=n_workers) if n_workers else None, scratch) as client,
        open_evaluator(campaign.spec) as evaluator,
    ):
        for n_new in (max(n_workers, 1) * 2, n_cells):
            known = len(campaign.trials())
            new = [NewTrial({variable: low + (known + k + 1) * 1e-3}, 1, "measured", {}) for k in range(n_new)]
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
    parser.add_argument("--cells", type=int, default=64)
    parser.add_argument("--cycles", type=int, default=20_000, help="per cell; about a second of computing each")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="0: in this process, one by one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "afssb_sleeper.py").write_text(SLEEPER)
        os.environ |= {"AFSSB_HOME": folder, "PYTHONPATH": folder, VARIABLE: folder}
        sys.path.insert(0, folder)
        print(f"{given.cells} cells, seconds from the first claim to the last record")
        for n_workers in given.workers:
            row = {
                kind: seconds(definition, f"{kind} {n_workers}", given.cells, n_workers, Path(folder) / "dask")
                for kind, definition in (("simulating", simulated(given.cycles)), ("waiting 0.5 s", WAITING))
            }
            figures = "  ".join(f"{kind} {spent:7.2f} s" for kind, spent in row.items())
            print(f"  {n_workers or 'no'} worker{'s' if n_workers != 1 else ' '}  {figures}", flush=True)


if __name__ == "__main__":
    main()
