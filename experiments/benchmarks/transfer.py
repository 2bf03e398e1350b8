"""What simulated cells are worth to a lab: helpful, bent, useless and adverse simulators against none.

python experiments/benchmarks/transfer.py --problems none_a cell1_a --seeds 10
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch

from afssb_opt.strategies import Optimizer
from experiments.benchmarks.problem import Problem, limits
from experiments.benchmarks.problems import PROBLEMS

Simulator = Callable[[Problem, pd.DataFrame], pd.DataFrame]

# What the goal allows: twenty simulated cells.
N_SIMULATED: Final = 20
SHOWN: Final = (4, 8, 12, 20)


def _shifted(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """Return the designs a tenth of each range aside, as a model with wrong parameters sees them."""
    moved = designs.copy()
    for variable in problem.space.numeric:
        unit = np.array([variable.to_unit(float(x)) for x in moved[variable.name]])
        moved[variable.name] = [variable.from_unit(float(u)) for u in np.clip(unit + 0.1 * (0.5 - unit), 0.0, 1.0)]
    return moved


def _helpful(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """Scale, offset and optimum are off, and each level has an error of its own."""
    outcomes = problem.truth(_shifted(problem, designs))
    spread = np.ptp(problem.truth(problem.random_designs(512, np.random.default_rng(3))), axis=0)
    for categorical in problem.space.categorical:
        errors = np.random.default_rng(4).normal(0.0, 0.04, len(categorical.levels))
        error = dict(zip(categorical.levels, errors, strict=True))
        outcomes = outcomes.add(designs[categorical.name].map(error).to_numpy(float)[:, None] * spread.to_numpy())
    return 1.5 * outcomes + 0.3 * spread


def _bent(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """The helpful one through a curve that flattens at the top."""
    straight = _helpful(problem, designs)
    reference = _helpful(problem, problem.random_designs(512, np.random.default_rng(3)))
    return 1.0 - np.exp(-1.5 * (straight - reference.min()) / (reference.max() - reference.min()))


def _useless(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """Another world: levels are exchanged and each variable runs backwards."""
    other = designs.copy()
    for categorical in problem.space.categorical:
        exchanged = np.random.default_rng(5).permutation(np.array(categorical.levels, dtype=object))
        other[categorical.name] = designs[categorical.name].map(dict(zip(categorical.levels, exchanged, strict=True)))
    for variable in problem.space.numeric:
        unit = np.array([variable.to_unit(float(x)) for x in designs[variable.name]])
        other[variable.name] = [variable.from_unit(float(u)) for u in 1.0 - unit]
    return problem.truth(other)


def _adverse(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """The worst is called the best."""
    return -problem.truth(designs)


SIMULATORS: Final[Mapping[str, Simulator | None]] = {
    "none": None, "helpful": _helpful, "bent": _bent, "useless": _useless, "adverse": _adverse,
}  # fmt: skip


def run(problem: Problem, simulator: Simulator | None, seed: int, n: int, n_simulated: int) -> pd.DataFrame:
    """Return the designs of a campaign in batches of four."""
    rng = np.random.default_rng(seed + 1000)
    prior = None
    if simulator is not None:
        known = problem.space.round_designs(problem.random_designs(n_simulated, np.random.default_rng(seed + 5000)))
        prior = known.join(simulator(problem, known))
    optimizer = Optimizer(problem.space, problem.objectives, problem.constraints, seed=seed, prior_data=prior,
                          log_outcomes=problem.log, binary_outcomes=problem.binary)  # fmt: skip
    designs = []
    for _ in range(n // 4):
        batch = optimizer.ask(4)
        optimizer.tell(batch.join(problem.observe(batch, rng)))
        designs.append(batch)
    return pd.concat(designs, ignore_index=True)


def main() -> None:
    """Print the median and worst fraction after so many lab cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="+", default=["none_a", "cell1_a"], choices=list(PROBLEMS))
    parser.add_argument("--simulators", nargs="+", default=list(SIMULATORS), choices=list(SIMULATORS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("--simulated", type=int, default=N_SIMULATED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    shown = [count for count in SHOWN if count <= options.evaluations]
    print(f"{options.simulated} simulated cells, {options.seeds} seeds: median (worst) fraction after n lab cells")
    print(f"{'problem':14} {'simulator':9} " + " ".join(f"{count:>12}" for count in shown) + "   cpu_s/run")
    for name in options.problems:
        problem = PROBLEMS[name]
        limits(problem)
        for label in options.simulators:
            start = time.process_time()
            runs = [
                run(problem, SIMULATORS[label], seed, options.evaluations, options.simulated)
                for seed in range(options.seeds)
            ]
            spent = (time.process_time() - start) / options.seeds
            cells = []
            for count in shown:
                reached = [problem.fraction(designs.head(count)) for designs in runs]
                cells.append(f"{np.median(reached):.3f} ({min(reached):.2f})")
            print(f"{name:14} {label:9} " + " ".join(f"{cell:>12}" for cell in cells) + f"   {spent:.1f}", flush=True)


if __name__ == "__main__":
    main()
