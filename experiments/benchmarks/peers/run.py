"""How good designs each method finds with how many evaluations, and what a proposal costs it.

In the environment of `requirements.txt`, from the root of the repository:

    PYTHONPATH=. OMP_NUM_THREADS=1 python experiments/benchmarks/peers/run.py --problems cell1_a --methods ax baybe
    PYTHONPATH=. OMP_NUM_THREADS=1 python experiments/benchmarks/peers/run.py --families cell1 cell3 --seeds 140 150
    PYTHONPATH=. OMP_NUM_THREADS=1 python experiments/benchmarks/peers/run.py --speed --problems cell1_a cell3_a

With `--families` each seed has a problem of its own, the member of that number: ten seeds of one problem say little of
another one. Rows are appended to `results.csv` or `speed.csv` as they are done; rows that are there for the same
problem, method, version and seed are not run again, so a stopped comparison goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

from experiments.benchmarks.peers.searchers import METHODS, UnsupportedError, version_of
from experiments.benchmarks.problem import Problem
from experiments.benchmarks.problems import FAMILIES, PROBLEMS, member

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.csv"
SPEED: Final = HERE / "speed.csv"
# As in the peers' own comparisons with a lab in mind: ten rounds of four cells.
N_EVALUATIONS: Final = 40
BATCH: Final = 4
SPEED_SIZES: Final = (20, 50, 100, 200)


def fingerprint(problem: Problem) -> str:
    """Return a short hash of what a problem answers, so that results of another version of it are told apart."""
    designs = problem.random_designs(64, np.random.default_rng(9))
    numbers = problem.truth(designs).to_numpy(float).round(6)
    words = [problem.noise, problem.reference, [str(c) for c in problem.constraints], numbers.tolist()]
    return hashlib.sha256(repr(words).encode()).hexdigest()[:10]


def search(problem: Problem, method: str, seed: int) -> dict[str, Any]:
    """Return one run: the fraction reached after each evaluation, and the CPU seconds of asking and telling."""
    rng = np.random.default_rng(seed + 1000)
    designs, spent, note = pd.DataFrame(columns=list(problem.space.names)), 0.0, ""
    start = time.process_time()
    try:
        searcher = METHODS[method][1](problem, seed)
        while len(designs) < N_EVALUATIONS:
            batch = searcher.ask(min(BATCH, N_EVALUATIONS - len(designs)))
            spent += time.process_time() - start
            outcomes = problem.observe(batch, rng)
            designs = pd.concat([designs, batch], ignore_index=True) if len(designs) else batch.reset_index(drop=True)
            start = time.process_time()
            searcher.tell(batch, outcomes)
        spent += time.process_time() - start
    except UnsupportedError:
        raise
    except Exception as error:
        spent += time.process_time() - start
        note = f"{type(error).__name__} after {len(designs)} evaluations"
    reached = [problem.fraction(designs.head(count + 1)) for count in range(len(designs))]
    return {
        "curve": " ".join(f"{fraction:.4f}" for fraction in reached),
        "cpu_s": round(spent, 2),
        "note": note,
    }


def proposal_seconds(problem: Problem, method: str, n: int, seed: int) -> float:
    """Return the CPU seconds of telling one result and asking for one design, with `n` observations in all."""
    rng = np.random.default_rng(seed)
    designs = problem.space.round_designs(problem.random_designs(n, rng))
    outcomes = problem.observe(designs, rng)
    searcher = METHODS[method][1](problem, seed)
    searcher.tell(designs.iloc[:-1], outcomes.iloc[:-1])
    # The first proposal pays for imports and compilation; it is not counted.
    searcher.ask(1)
    start = time.process_time()
    searcher.tell(designs.iloc[-1:], outcomes.iloc[-1:])
    searcher.ask(1)
    return time.process_time() - start


def _append(path: Path, row: dict[str, Any]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def _done(path: Path, columns: list[str]) -> set[tuple[str, ...]]:
    if not path.exists():
        return set()
    return set(pd.read_csv(path, dtype=str, keep_default_na=False)[columns].itertuples(index=False, name=None))


def cases(options: argparse.Namespace) -> Iterator[tuple[int, Problem, str]]:
    """Yield seed or size, problem and method; a comparison that is stopped has the same seeds of every method."""
    for case in SPEED_SIZES if options.speed else range(*options.seeds):
        problems = [member(kind, case) for kind in options.families] or [PROBLEMS[name] for name in options.problems]
        for problem in problems:
            for method in options.methods:
                yield case, problem, method


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["cell1_a"], choices=list(PROBLEMS))
    parser.add_argument("--families", nargs="+", default=[], choices=list(FAMILIES), help="instead of --problems")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 10), metavar=("FIRST", "END"))
    parser.add_argument("--speed", action="store_true", help="measure the cost of a proposal instead")
    parser.add_argument("--out", type=Path, help="CSV file; default beside this script")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    keys = ["problem", "fingerprint", "method", "version", "n" if options.speed else "seed"]
    path = options.out or (SPEED if options.speed else RESULTS)
    done = _done(path, keys)
    for case, problem, method in cases(options):
        name = problem.name
        row = {"problem": name, "fingerprint": fingerprint(problem), "method": method, "version": version_of(method)}
        if (*row.values(), str(case)) in done:
            continue
        try:
            if options.speed:
                row |= {"n": case, "cpu_s": round(proposal_seconds(problem, method, case, 0), 3)}
            else:
                row |= {"seed": case, **search(problem, method, case)}
        except UnsupportedError as error:
            print(f"{name}: {method} is left out: {error}", flush=True)
            continue
        _append(path, row)
        print({key: value for key, value in row.items() if key != "curve"}, flush=True)


if __name__ == "__main__":
    main()
