"""What simulated cells are worth to a lab: helpful, bent, useless, unrelated and adverse simulators against none.

Each campaign is on another member of its family, so that no one landscape decides.

python experiments/benchmarks/transfer.py --families cliff1 none --members 20
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
import torch

from experiments.benchmarks.peers.searchers import BaybeSearch, Ours, Searcher
from experiments.benchmarks.problem import Problem
from experiments.benchmarks.problems import FAMILIES, member

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
    """Another world: levels are exchanged and each variable runs backwards; what it gets wrong has a pattern."""
    other = designs.copy()
    for categorical in problem.space.categorical:
        exchanged = np.random.default_rng(5).permutation(np.array(categorical.levels, dtype=object))
        other[categorical.name] = designs[categorical.name].map(dict(zip(categorical.levels, exchanged, strict=True)))
    for variable in problem.space.numeric:
        unit = np.array([variable.to_unit(float(x)) for x in designs[variable.name]])
        other[variable.name] = [variable.from_unit(float(u)) for u in 1.0 - unit]
    return problem.truth(other)


def _unrelated(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """A smooth function that has nothing to do with the truth."""
    rng = np.random.default_rng(6)
    numeric = problem.space.numeric
    unit = np.array([[v.to_unit(float(x)) for x in designs[v.name]] for v in numeric]).T
    outcomes = {}
    for name in problem.truth(designs.head(1)):
        value = np.sin(unit @ rng.normal(0.0, 3.0, len(numeric)) + rng.uniform(0.0, 2.0 * np.pi))
        for categorical in problem.space.categorical:
            height = dict(zip(categorical.levels, rng.normal(0.0, 0.7, len(categorical.levels)), strict=True))
            value = value + designs[categorical.name].map(height).to_numpy(float)
        outcomes[name] = value
    return pd.DataFrame(outcomes)


def _adverse(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    """The worst is called the best."""
    return -problem.truth(designs)


# Only BayBE among the peers takes cells of another source.
METHODS: Final[Mapping[str, Callable[[Problem, int, pd.DataFrame | None], Searcher]]] = {
    "ours": Ours,
    "baybe": BaybeSearch,
}
SIMULATORS: Final[Mapping[str, Simulator | None]] = {
    "none": None, "helpful": _helpful, "bent": _bent, "useless": _useless, "unrelated": _unrelated,
    "adverse": _adverse,
}  # fmt: skip


def run(
    problem: Problem, simulator: Simulator | None, seed: int, n: int, n_simulated: int, method: str = "ours"
) -> pd.DataFrame:
    """Return the designs of a campaign in batches of four."""
    rng = np.random.default_rng(seed + 1000)
    prior = None
    if simulator is not None:
        known = problem.space.round_designs(problem.random_designs(n_simulated, np.random.default_rng(seed + 5000)))
        prior = known.join(simulator(problem, known))
    searcher = METHODS[method](problem, seed, prior)
    designs = []
    for _ in range(n // 4):
        batch = searcher.ask(4)
        searcher.tell(batch, problem.observe(batch, rng))
        designs.append(batch)
    return pd.concat(designs, ignore_index=True)


def reached(family: str, simulator: str, seed: int, n: int, n_simulated: int, method: str) -> list[float]:
    """Return the fractions that one campaign on the member drawn by the seed reaches."""
    problem = member(family, seed)
    designs = run(problem, SIMULATORS[simulator], seed, n, n_simulated, method)
    return [problem.fraction(designs.head(count)) for count in SHOWN if count <= n]


def _line(values: np.ndarray, reference: np.ndarray) -> str:
    """Return mean (worst) and the mean difference to the reference with its standard error, per column."""
    apart = values - reference
    error = apart.std(axis=0, ddof=1) / len(apart) ** 0.5 if len(apart) > 1 else np.full(apart.shape[1], np.nan)
    shown = zip(values.mean(0), values.min(0), apart.mean(0), error, strict=True)
    return " ".join(f"{mean:.2f} ({worst:.2f}) {gain:+.2f}+-{one:.2f}" for mean, worst, gain, one in shown)


def main() -> None:
    """Print what campaigns reach after so many lab cells, and how much more than without a simulator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", default=["cliff1", "cell1", "none"], choices=list(FAMILIES))
    parser.add_argument("--simulators", nargs="+", default=list(SIMULATORS), choices=list(SIMULATORS))
    parser.add_argument("--method", default="ours", choices=list(METHODS), help="baybe needs peers/requirements.txt")
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--first", type=int, default=100, help="seed of the first member")
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("--simulated", type=int, default=N_SIMULATED)
    parser.add_argument("--save", help="table of every campaign to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    counts = [count for count in SHOWN if count <= options.evaluations]
    print(f"{options.simulated} simulated cells, {options.members} members, one campaign each. After n lab cells: mean "
          "(worst) fraction, mean difference to none on the same member +- its standard error")  # fmt: skip
    print(f"{'family':11} {'simulator':9} " + " ".join(f"{count:>22}" for count in counts) + "   cpu_s/run")
    rows = []
    for family in options.families:
        reference = np.zeros((options.members, len(counts)))
        for label in sorted(options.simulators, key=list(SIMULATORS).index):
            start = time.process_time()
            seeds = range(options.first, options.first + options.members)
            found = [
                reached(family, label, seed, options.evaluations, options.simulated, options.method) for seed in seeds
            ]
            spent = (time.process_time() - start) / options.members
            reference = np.array(found) if label == "none" else reference
            rows += [(family, label, seed, *values) for seed, values in zip(seeds, found, strict=True)]
            print(f"{family:11} {label:9} {_line(np.array(found), reference)}   {spent:.1f}", flush=True)
            if options.save:
                pd.DataFrame(rows, columns=["family", "simulator", "seed", *counts]).to_csv(options.save, index=False)


if __name__ == "__main__":
    main()
