"""What each ingredient of the optimiser is worth: campaigns without it, paired with the same seeds.

    python experiments/benchmarks/ablation.py --problems typical_cell1_a typical_unordered2_a --seeds 10
    python experiments/benchmarks/ablation.py --families cell1 cell3 --members 100 119

The second form runs one campaign on each of many members of a family. Prints per problem or family the mean fraction
reached after 40 cells; for each ingredient left out the difference to that, with its standard error; and the processor
time of the proposals.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from afssb_opt.strategies import (
    Optimizer,
    campaign_models,
    cliffs,
    decision,
    fitting,
    initial,
    models,
    proposal,
    surrogate,
)
from experiments.benchmarks.problem import Problem
from experiments.benchmarks.problems import FAMILIES, PROBLEMS, member

N_CELLS: Final = 40
BATCH: Final = 4
# Next to nothing, where a logarithm is taken.
NO_SHARE: Final = 1e-6


def _no_cliff(*_: object) -> None:
    return None


# What stands for each ingredient where it is left out: module, name and value.
LEFT_OUT: Final[Mapping[str, tuple[tuple[Any, str, Any], ...]]] = {
    "nothing": (),
    "parabola and slopes": ((surrogate, "SHARES", surrogate.SHARES | {"parabola": NO_SHARE, "slopes": NO_SHARE}),),
    "bowl": ((surrogate, "BOWL_DEPTH", 0.0), (surrogate, "BOWL_VARIANCE", 0.0)),
    "untried ends": ((proposal, "END_PLACE", -1),),
    "unreported cliffs": ((campaign_models, "likeliest_cliff", _no_cliff),),
    "suspected cliffs": ((proposal, "CLIFF_PLACE", -1),),
    "a line in labels": ((surrogate, "LABEL_LINE", NO_SHARE),),
    "least drop of cliffs": ((cliffs, "MIN_DROP", 0.0),),
    "least length of labels": ((models, "MIN_LABEL_LENGTH", 1e-6),),
    "start in the inner half": ((initial, "REACH", 1.0),),
    "neglected levels": ((proposal, "SCOUT_EVERY", 10**9),),
    "least gain of neglected levels": ((proposal, "MIN_SCOUT_GAIN", 0.0),),
    "BoTorch's last word": ((decision, "MAX_OBJECTIVES", 0),),
}


@contextmanager
def without(ingredient: str) -> Iterator[None]:
    """Leave an ingredient out for a while."""
    with ExitStack() as stack:
        for module, name, value in LEFT_OUT[ingredient]:
            stack.enter_context(patch.object(module, name, value))
        # Fits are remembered by their data alone.
        fitting.most_probable.cache_clear()
        yield


def campaign(problem: Problem, seed: int) -> tuple[float, float]:
    """Return the fraction reached by one campaign and the CPU seconds of its proposals."""
    optimizer = Optimizer(problem.space, problem.objectives, problem.constraints, seed=seed)
    rng, spent, designs = np.random.default_rng(seed + 1000), 0.0, []
    for _ in range(N_CELLS // BATCH):
        start = time.process_time()
        batch = optimizer.ask(BATCH)
        spent += time.process_time() - start
        batch.attrs = {}
        designs.append(batch)
        optimizer.tell(pd.concat([batch, problem.observe(batch, rng)], axis=1))
    return problem.fraction(pd.concat(designs, ignore_index=True)), spent


def main() -> None:
    """Run the campaigns and print a line per problem and ingredient as they are done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="*", default=[], choices=list(PROBLEMS))
    parser.add_argument("--families", nargs="*", default=[], choices=list(FAMILIES))
    parser.add_argument("--members", nargs=2, type=int, default=[100, 119], help="first and last member")
    parser.add_argument("--leave-out", nargs="+", default=list(LEFT_OUT)[1:], choices=list(LEFT_OUT)[1:])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    cases = {name: [(PROBLEMS[name], seed) for seed in range(options.seeds)] for name in options.problems}
    first, last = options.members
    cases |= {family: [(member(family, one), one) for one in range(first, last + 1)] for family in options.families}
    for name, pairs in cases.items():
        whole = np.zeros((0, 2))
        for ingredient in ["nothing", *options.leave_out]:
            with without(ingredient):
                runs = np.array([campaign(problem, seed) for problem, seed in pairs])
            whole = runs if ingredient == "nothing" else whole
            change = runs[:, 0] - whole[:, 0]
            error = change.std(ddof=1) / len(change) ** 0.5 if len(change) > 1 else np.nan
            print(f"{name}, left out: {ingredient}: mean {runs[:, 0].mean():.3f}, worst {runs[:, 0].min():.3f}, "
                  f"change {change.mean():+.3f} +- {error:.3f}, {np.median(runs[:, 1]):.1f} CPU s",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
