"""Is the quickstart worth more than random designs? Hypervolume against trials, over paired seeds.

    python experiments/benchmarks/quickstart.py --seeds 10

Both sides run the same campaign file on the same simulation without any store; the hypervolume counts cells that
meet all constraints, above the thresholds of the file, in units of the range that the thresholds and the best
values of the random designs span; beyond these it exceeds 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
import pandas as pd

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.objectives import maximised_table, meets_constraints
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators import simulate
from afssb_opt.strategies import Optimizer, hypervolume
from afssb_opt.strategies.hypervolume import thresholds

CAMPAIGN = Path(__file__).parents[1] / "quickstart.yaml"
CHECKPOINTS = (8, 12, 20, 30, 40)


def evaluated(spec: CampaignSpec, designs: pd.DataFrame) -> pd.DataFrame:
    """Return designs with their simulated outcomes."""
    outcomes = simulate(designs, spec.protocol, spec.outcome_settings).outcomes
    wanted = [name for name in outcomes if name.removesuffix("_censored") in spec.outcome_names]
    return pd.concat([designs, outcomes[wanted]], axis=1)


def optimised(spec: CampaignSpec, seed: int) -> tuple[pd.DataFrame, float]:
    """Return one campaign's cells in order, and the CPU seconds of all proposals together."""
    optimizer = Optimizer(spec.space, spec.objectives, spec.constraints, seed=seed)
    cells, proposing = [], 0.0
    for _ in range(spec.budget.trials // spec.batch_size):
        started = time.process_time()
        designs = optimizer.ask(spec.batch_size)
        proposing += time.process_time() - started
        cells.append(evaluated(spec, designs))
        optimizer.tell(cells[-1])
    return pd.concat(cells, ignore_index=True), proposing


def random_designs(spec: CampaignSpec, seed: int) -> pd.DataFrame:
    """Return as many random cells as the budget allows."""
    rng = np.random.default_rng(seed)
    n = spec.budget.trials
    levels = pd.DataFrame({v.name: rng.choice(v.levels, n) for v in spec.space.categorical})
    return evaluated(spec, spec.space.from_unit(rng.random((n, len(spec.space.numeric))), levels))


def volumes(spec: CampaignSpec, cells: pd.DataFrame, reference: np.ndarray, best: np.ndarray) -> list[float]:
    """Return the hypervolume after each checkpoint; 1 is the box from the reference to the best of each objective."""
    values = maximised_table(spec.objectives, cells)
    values[~meets_constraints(spec.constraints, cells)] = np.nan
    scaled = (values - reference) / (best - reference)
    scaled = np.where(np.isfinite(scaled).all(axis=1, keepdims=True), scaled, -1.0)
    return [hypervolume(scaled[:n], np.zeros(len(best))) for n in CHECKPOINTS]


def main() -> None:
    """Run both sides and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--temperature-c", type=float, help="instead of the file's")
    arguments = parser.parse_args()
    spec = load_spec(CAMPAIGN)
    if arguments.temperature_c is not None:
        protocol = dataclasses.replace(spec.protocol, temperature_c=arguments.temperature_c)
        spec = dataclasses.replace(spec, protocol=protocol)
    runs: dict[str, list[pd.DataFrame]] = {"afssb-opt": [], "random": []}
    seconds = []
    for seed in range(arguments.seeds):
        cells, proposing = optimised(spec, seed)
        runs["afssb-opt"].append(cells)
        runs["random"].append(random_designs(spec, seed))
        seconds.append(proposing)
    reference = thresholds(spec.objectives)
    # The best of the random designs, which are the same whatever the optimiser does: so versions of it compare.
    everything = pd.concat(runs["random"])
    values = maximised_table(spec.objectives, everything)
    best = np.nanmax(values[meets_constraints(spec.constraints, everything)], axis=0)
    heading = f"{arguments.seeds} seeds, {spec.protocol.temperature_c:g} C"
    print(f"{spec.name}: {heading}, median hypervolume (worst to best)")
    print("trials     " + "".join(f"{n:>24d}" for n in CHECKPOINTS))
    for side, campaigns in runs.items():
        table = np.array([volumes(spec, cells, reference, best) for cells in campaigns])
        row = [f"{np.median(c):.3f} ({c.min():.3f} to {c.max():.3f})" for c in table.T]
        print(f"{side:11s}" + "".join(f"{entry:>24s}" for entry in row))
    print(f"CPU seconds of all proposals of one campaign: median {np.median(seconds):.1f}")


if __name__ == "__main__":
    main()
