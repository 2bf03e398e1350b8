"""How few evaluations and how little time the optimiser needs, beside random search and Optuna where installed.

python experiments/benchmarks/optimizer.py --problems cell1_a cell3_a --seeds 10
python experiments/benchmarks/optimizer.py --time
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.objectives import maximised_table, meets_constraints
from afssb_opt.strategies import Optimizer
from experiments.benchmarks.problem import Problem
from experiments.benchmarks.problems import PROBLEMS

Trace = tuple[pd.DataFrame, float]
Method = Callable[[Problem, int, int, int], Trace]


def ours(problem: Problem, seed: int, n: int, q: int) -> Trace:
    """Return the designs evaluated and the CPU seconds of asking and telling."""
    optimizer = Optimizer(problem.space, problem.objectives, problem.constraints, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    spent, designs = 0.0, []
    while sum(map(len, designs)) < n:
        start = time.process_time()
        batch = optimizer.ask(q)
        spent += time.process_time() - start
        table = batch.join(problem.observe(batch, rng))
        start = time.process_time()
        optimizer.tell(table)
        spent += time.process_time() - start
        designs.append(batch)
    return pd.concat(designs, ignore_index=True).head(n), spent


def random_search(problem: Problem, seed: int, n: int, q: int) -> Trace:
    """Return uniformly random designs."""
    return problem.random_designs(n, np.random.default_rng(seed)), 0.0


def _optuna(sampler: str) -> Method:
    def search(problem: Problem, seed: int, n: int, q: int) -> Trace:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        rng = np.random.default_rng(seed + 1000)

        def allowed(trial: optuna.trial.FrozenTrial) -> list[float]:
            return list(trial.user_attrs.get("excess", [0.0]))

        options = {"seed": seed, "constraints_func": allowed if problem.constraints else None}
        engine = optuna.samplers.TPESampler(**options) if sampler == "tpe" else optuna.samplers.GPSampler(**options)
        study = optuna.create_study(sampler=engine, directions=["maximize"] * len(problem.objectives))
        rows, spent = [], 0.0
        while len(rows) < n:
            start = time.process_time()
            trials = [study.ask() for _ in range(min(q, n - len(rows)))]
            batch = []
            for trial in trials:
                row: dict[str, object] = {}
                for variable in problem.space.categorical:
                    row[variable.name] = trial.suggest_categorical(variable.name, list(variable.levels))
                for numeric in problem.space.numeric:
                    row[numeric.name] = trial.suggest_float(numeric.name, *numeric.hull, log=numeric.scale == "log")
                batch.append(row)
            spent += time.process_time() - start
            outcomes = problem.observe(pd.DataFrame(batch), rng)
            values = maximised_table(problem.objectives, outcomes)
            start = time.process_time()
            for index, trial in enumerate(trials):
                here = outcomes.iloc[[index]]
                trial.set_user_attr("excess", [-1.0 if meets_constraints((c,), here)[0] else 1.0
                                               for c in problem.constraints])  # fmt: skip
                study.tell(trial, list(values[index]))
            spent += time.process_time() - start
            rows += batch
        return pd.DataFrame(rows, columns=list(problem.space.names)), spent

    return search


METHODS: dict[str, Method] = {"ours": ours, "random": random_search}
if importlib.util.find_spec("optuna"):
    METHODS |= {"optuna-tpe": _optuna("tpe"), "optuna-gp": _optuna("gp")}


def reached(problem: Problem, designs: pd.DataFrame, level: float) -> int:
    """Return after how many evaluations the fraction reaches the level; one more than all where it does not."""
    low, high = 1, len(designs) + 1
    while low < high:
        middle = (low + high) // 2
        if problem.fraction(designs.head(middle)) >= level:
            high = middle
        else:
            low = middle + 1
    return low


def compare(names: list[str], methods: list[str], seeds: int, n: int, q: int) -> None:
    """Print median and worst fraction, evaluations to 90 and 95 %, and CPU seconds per proposal."""
    print(f"{'problem':14} {'method':11} median  worst  to90%  to95%  cpu_s/design   ({seeds} seeds, q={q}, n={n})")
    for name in names:
        for method in methods:
            fractions, to90, to95, spent = [], [], [], 0.0
            for seed in range(seeds):
                designs, cpu = METHODS[method](PROBLEMS[name], seed, n, q)
                fractions.append(PROBLEMS[name].fraction(designs))
                to90.append(reached(PROBLEMS[name], designs, 0.9))
                to95.append(reached(PROBLEMS[name], designs, 0.95))
                spent += cpu
            print(f"{name:14} {method:11} {np.median(fractions):.3f}   {min(fractions):.3f}  {np.median(to90):5.1f}  "
                  f"{np.median(to95):5.1f}  {spent / seeds / n:.3f}", flush=True)  # fmt: skip


def timing(device: str, sizes: tuple[int, ...] = (20, 50, 100, 200, 2000)) -> None:
    """Print CPU seconds, and seconds that passed, of tell(1) and ask(1) with n observations."""
    for name in ("cell1_a", "cell3_a"):
        problem = PROBLEMS[name]
        for n in sizes:
            seconds = []
            for repeat in range(3 if n < 1000 else 1):
                rng = np.random.default_rng(repeat)
                designs = problem.space.round_designs(problem.random_designs(n, rng))
                told = designs.join(problem.observe(designs, rng))
                optimizer = Optimizer(
                    problem.space, problem.objectives, problem.constraints, seed=repeat, device=device
                )
                optimizer.tell(told.iloc[:-1])
                # As for the peers: a campaign that is under way is measured.
                optimizer.ask(1)
                start = np.array([time.process_time(), time.perf_counter()])
                optimizer.tell(told.iloc[-1:])
                optimizer.ask(1)
                seconds.append(np.array([time.process_time(), time.perf_counter()]) - start)
            spent, passed = np.median(seconds, axis=0)
            print(f"{name} n={n}: {spent:.3f} s of the processor, {passed:.3f} s passed", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--methods", nargs="+", default=["ours", "random"], choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--time", action="store_true", help="measure tell(1) + ask(1) instead")
    parser.add_argument("--device", default="cpu", help="with --time: where the models compute, such as cuda")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.time:
        timing(options.device)
    else:
        compare(options.problems, options.methods, options.seeds, options.evaluations, options.batch)


if __name__ == "__main__":
    main()
