"""Is the most desirable cell found sooner if the outcomes are modelled, not their score, and if it is told at all?

    python experiments/benchmarks/desirability.py --families cell3 constrained3 cliff3 --members 100 119

One campaign on each member of a family, with its thresholds and, as ideals, the best hundredth of random designs. Each
side gets the same first batch. Prints the mean best desirability so far after some cells, as a share of the best among
many random designs, and the worst member.

- desirability: `combine: desirability`.
- score: the same optimiser with the score as its one objective.
- trade-off: the same optimiser after the Pareto set.
- random: random designs.
- the peers, where `peers/requirements.txt` is installed and `--peers` names them: the score is their one objective.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
import warnings
from typing import Final

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.desirability import DESIRABILITY, Desirability
from afssb_opt.domain.objectives import Objective, meets_constraints
from experiments.benchmarks.peers.searchers import METHODS, Ours, Searcher
from experiments.benchmarks.problem import Problem
from experiments.benchmarks.problems import FAMILIES, member

N_CELLS: Final = 40
BATCH: Final = 4
CHECKPOINTS: Final = (8, 12, 20, 30, 40)
# Random designs that say what is a good value, and of which the best stands for the best there is.
N_KNOWN: Final = 4096
N_BEST: Final = 40_000
SIDES: Final = ("desirability", "score", "trade-off", "random")
PEERS: Final = ("optuna-tpe", "optuna-gp", "ax", "baybe", "bofire")


def with_ideals(problem: Problem) -> Problem:
    """Return the problem with an ideal per objective: what one random design of a hundred reaches."""
    outcomes = problem.truth(problem.random_designs(N_KNOWN, np.random.default_rng(0)))
    objectives = tuple(
        dataclasses.replace(o, ideal=float(outcomes[o.outcome].quantile(0.99 if o.goal == "maximize" else 0.01)))
        for o in problem.objectives
    )
    return dataclasses.replace(problem, objectives=objectives)


def true_scores(problem: Problem, designs: pd.DataFrame) -> np.ndarray:
    """Return the noise-free desirability of designs, 0 where a threshold or a limit is missed."""
    outcomes = problem.truth(designs)
    score = Desirability(problem.objectives).of_table(outcomes)
    return np.where(meets_constraints(problem.constraints, outcomes), score.clip(0.0), 0.0)


def searcher_of(side: str, problem: Problem, seed: int) -> Searcher:
    """Return who searches."""
    if side in ("desirability", "trade-off"):
        return Ours(problem, seed, combine="desirability" if side == "desirability" else None)
    scored = dataclasses.replace(problem, objectives=(Objective(DESIRABILITY),))
    return METHODS["ours" if side == "score" else side][1](scored, seed)


def campaign(side: str, problem: Problem, seed: int) -> tuple[np.ndarray, float]:
    """Return the best share so far after each checkpoint, and the CPU seconds of the proposals."""
    rng, spent, found = np.random.default_rng(seed), 0.0, []
    searcher = searcher_of(side, problem, seed)
    # Ax gives fewer designs than it is asked for.
    while (n_left := N_CELLS - sum(map(len, found))) > 0:
        start = time.process_time()
        designs = searcher.ask(min(BATCH, n_left))
        spent += time.process_time() - start
        designs.attrs = {}
        found.append(true_scores(problem, designs))
        outcomes = problem.observe(designs, rng)
        searcher.tell(designs, outcomes.assign(**{DESIRABILITY: Desirability(problem.objectives).of_table(outcomes)}))
    best = true_scores(problem, problem.random_designs(N_BEST, np.random.default_rng(1))).max()
    so_far = np.maximum.accumulate(np.concatenate(found)) / best
    return so_far[np.array(CHECKPOINTS) - 1], spent


def main() -> None:
    """Run the campaigns and print a line per family and side as they are done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=["cell3"], choices=[name for name in FAMILIES if "3" in name])
    parser.add_argument("--peers", nargs="*", default=[], choices=PEERS)
    parser.add_argument("--members", nargs=2, type=int, default=[100, 119], help="first and last member")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    first, last = options.members
    print("mean (worst) share of the best desirability after", ", ".join(map(str, CHECKPOINTS)), "cells")
    for family in options.families:
        problems = {one: with_ideals(member(family, one)) for one in range(first, last + 1)}
        whole = np.zeros(0)
        for side in (*SIDES, *options.peers):
            runs = [campaign(side, problem, one) for one, problem in problems.items()]
            reached = np.array([share for share, _ in runs])
            whole = reached if side == "desirability" else whole
            shown = " ".join(f"{c.mean():.3f} ({c.min():.2f})" for c in reached.T)
            behind = (reached - whole)[:, -1]
            error = behind.std(ddof=1) / len(behind) ** 0.5 if len(behind) > 1 else np.nan
            print(f"{family}, {side}: {shown}; at the end {behind.mean():+.3f} +- {error:.3f}; "
                  f"{np.median([spent for _, spent in runs]):.1f} CPU s",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
