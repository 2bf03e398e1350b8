"""Whether a campaign's process keeps its memory flat: one run of the real flow over thousands of trials, watched.

Run it with `python experiments/benchmarks/memory.py [--trials 10000]`. The evaluator is a Python function that answers
at once. Designs are drawn at random and the last report has no model pages, because a surrogate of ten thousand cells
is another matter; all else is the flow: Prefect's tasks and artifacts, the ledger, the mirror, the child process. The
last line includes the report, which loads the figures.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil

from afssb_opt import Campaign
from afssb_opt.ledger import Lease, NewTrial, TrialRecord
from flows.local_server import prefect_api

SEED = 7
# The largest batch that a campaign file allows: what is measured is trials, not rounds.
BATCH = 64

CAMPAIGN = """
name: memory
space: {{x: {{low: 0, high: 1}}, y: {{low: 0, high: 1}}}}
objectives: {{z: {{goal: maximize}}}}
evaluator: {{python: "instant:measure"}}
batch_size: {batch}
budget: {{trials: {trials}}}
"""
EVALUATOR = """
def measure(designs, protocol):
    return designs[["x"]].rename(columns={"x": "z"})
"""


class Watch:
    """Draws designs in place of the surrogate, and prints the memory as the trials grow."""

    def __init__(self, n_stages: int, n_trials: int) -> None:
        self._rng = np.random.default_rng(SEED)
        self._step, self._next, self._n_made = n_trials // n_stages, 0, 0
        self._began = time.monotonic()

    def propose(self, campaign: Campaign, lease: Lease, n: int) -> list[TrialRecord]:
        """Register random designs, as `propose_trials` does with the surrogate's."""
        if self._n_made >= self._next:
            self.show()
            self._next += self._step
        self._n_made += n
        new = [NewTrial({"x": float(x), "y": float(y)}, 1, "drawn", {}) for x, y in self._rng.random((n, 2))]
        return campaign.ledger.add_trials(lease, new)

    def show(self) -> None:
        """Print the memory of this process and of its children."""
        gc.collect()
        me = psutil.Process()
        children = {_role(child): child.memory_info().rss / 1e6 for child in me.children()}
        beside = ", ".join(f"{role} {megabytes:.0f} MB" for role, megabytes in sorted(children.items()))
        minutes = (time.monotonic() - self._began) / 60
        print(
            f"  {self._n_made:6d} trials {me.memory_info().rss / 1e6:7.1f} MB, {me.num_fds()} files open, "
            f"{me.num_threads()} threads; {beside}; after {minutes:.1f} min",
            flush=True,
        )


def _role(process: psutil.Process) -> str:
    return "Prefect's server" if "flows.local_server" in process.cmdline() else "evaluator"


def main() -> None:
    """Run the flow and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--stages", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ.update(AFSSB_HOME=name, AFSSB_TRUSTED_CODE=name, PREFECT_LOGGING_LEVEL="WARNING")
        (folder / "instant.py").write_text(EVALUATOR)
        file = folder / "memory.yaml"
        file.write_text(CAMPAIGN.format(batch=BATCH, trials=given.trials))
        watch = Watch(given.stages, given.trials)
        with prefect_api(folder / "prefect", _flow) as flow:
            drawn = mock.patch("afssb_opt.campaign.proposing.propose_trials", watch.propose)
            with drawn, mock.patch.object(flow, "surrogate_view", return_value=None):
                summary = flow.advance_until_stopped(file)
            watch.show()
    print(f"  {summary['said']}; warnings: {summary['warnings'] or 'none'}")


def _flow() -> Any:
    import flows.advance

    return flows.advance


if __name__ == "__main__":
    main()
