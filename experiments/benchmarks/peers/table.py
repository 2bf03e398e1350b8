"""What the comparison came to: `python experiments/benchmarks/peers/table.py` prints the tables from the CSV files."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from experiments.benchmarks.peers.run import RESULTS, SPEED

ORDER: Final = ("random", "optuna-tpe", "optuna-gp", "ax", "baybe", "bofire", "ours")


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row per problem and method, from the newest version of each problem in the table.

    The members of a family, which are numbered and have a seed each, count as one problem.

    Columns: seeds, mean, median and worst fraction at the end, median evaluations to 90 and 95 % (one more than the
    budget where they were not reached), CPU seconds per design, and how many runs gave up.
    """
    newest = results.groupby("problem")["fingerprint"].last()
    results = results[results["fingerprint"] == results["problem"].map(newest)]
    results = results.drop_duplicates(["problem", "method", "seed"], keep="last")
    rows = []
    results = results.assign(problem=results["problem"].str.replace(r"_\d+$", ", members", regex=True))
    for (problem, method), runs in results.groupby(["problem", "method"], sort=False):
        curves = [np.array(text.split(), dtype=float) for text in runs["curve"] if text]
        if not curves:
            continue
        final = np.array([curve[-1] for curve in curves])
        rows.append({
            "problem": problem, "method": method, "seeds": len(curves), "mean": round(float(final.mean()), 3),
            "median": round(float(np.median(final)), 3),
            "worst": round(float(final.min()), 3), "to 90 %": float(np.median([_first(c, 0.90) for c in curves])),
            "to 95 %": float(np.median([_first(c, 0.95) for c in curves])),
            "cpu s/design": round(float(runs["cpu_s"].sum()) / sum(map(len, curves)), 3),
            "gave up": int((runs["note"] != "").sum()),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    rank = table["method"].map({method: place for place, method in enumerate(ORDER)})
    return table.assign(rank=rank).sort_values(["problem", "rank"]).drop(columns="rank").reset_index(drop=True)


def _first(curve: np.ndarray, level: float) -> int:
    reached = np.flatnonzero(curve >= level)
    return int(reached[0]) + 1 if len(reached) else 41


def speed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return CPU seconds of one proposal: one row per problem and method, one column per number of observations."""
    rows = rows.drop_duplicates(["problem", "method", "n"], keep="last")
    table = rows.pivot_table(index=["problem", "method"], columns="n", values="cpu_s", aggfunc="last")
    return table.reindex(sorted(table.index, key=lambda key: (key[0], ORDER.index(key[1]))))


def main() -> None:
    """Print what is there."""
    if RESULTS.exists():
        results = pd.read_csv(RESULTS, keep_default_na=False)
        print(summary(results).to_string(index=False))
    if SPEED.exists():
        print("\nCPU seconds of tell(1) + ask(1) with n observations")
        print(speed(pd.read_csv(SPEED)).to_string())


if __name__ == "__main__":
    main()
