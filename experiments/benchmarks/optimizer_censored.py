"""How well are lives predicted while most cells are still cycling?

Cells of a cell-like problem are read at a random day; those not yet dead give a lower limit. Printed are the rank
correlation of predicted and true life over all cells and the mean error of the decadic logarithm, beside dropping
the living cells and beside taking the life so far as the life.

    python experiments/benchmarks/optimizer_censored.py
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from afssb_opt.strategies import Optimizer
from experiments.benchmarks.problems import PROBLEMS

N_CELLS = 48
SEEDS = 10


def one(seed: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the share of living cells and, per treatment, rank correlation and bias."""
    problem = PROBLEMS["cell1_b"]
    rng = np.random.default_rng(seed)
    designs = problem.random_designs(N_CELLS, rng)
    true_life = problem.truth(designs)["cycle_life"].to_numpy()
    measured = true_life * np.exp(0.05 * rng.standard_normal(N_CELLS))
    read_at = np.exp(rng.uniform(np.log(15.0), np.log(150.0), N_CELLS))
    table = designs.assign(cycle_life=np.minimum(measured, read_at), cycle_life_censored=measured > read_at)
    treatments = {
        "limits as limits": table,
        "living dropped": table[~table["cycle_life_censored"]],
        "life so far": table.drop(columns="cycle_life_censored"),
    }
    result = {}
    for name, told in treatments.items():
        optimizer = Optimizer(problem.space, problem.objectives, log_outcomes=["cycle_life"])
        optimizer.tell(told.reset_index(drop=True))
        predicted = optimizer.predict(designs)["cycle_life"].to_numpy()
        bias = float(np.mean(np.log10(predicted / true_life)))
        result[name] = (float(spearmanr(predicted, true_life).statistic), bias)
    return float(table["cycle_life_censored"].mean()), result


def main() -> None:
    """Print medians over the seeds."""
    runs = [one(seed) for seed in range(SEEDS)]
    print(f"{100 * np.mean([share for share, _ in runs]):.0f} % of {N_CELLS} cells still cycling, {SEEDS} seeds")
    rows = {name: np.array([result[name] for _, result in runs]) for name in runs[0][1]}
    table = pd.DataFrame(
        {
            "rank correlation": [np.median(r[:, 0]) for r in rows.values()],
            "bias log10": [r[:, 1].mean() for r in rows.values()],
        },
        index=list(rows),
    )
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
