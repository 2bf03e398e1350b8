"""Which constants the main outcomes depend on: Morris screening over the plausible ranges of all constants.

Prints, per outcome and cell, the constants with the largest mean absolute effect (mu*) of crossing their whole range,
and sigma, which is large where the effect depends on the other constants. Lives count as natural logarithms: 0.69 is a
factor of two. Needs SALib (`pip install afssb-opt[sensitivity]`).

Run: OMP_NUM_THREADS=1 python experiments/simulator_validation/sensitivity.py
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace

import numpy as np
import pandas as pd
from SALib.analyze.morris import analyze
from SALib.sample.morris import sample

from afssb_opt.domain.outcomes import compute_outcomes
from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import DEFAULT_PARAMETERS, CellParameters, simulate_cells

# A composite that lasts, a film, a bare collector: different things end their lives.
CELLS = {
    "Ag-C 7.5 um, 60 C": {"seed_alloy": "Ag-C", "interlayer_thickness_um": 7.5, "stack_pressure_mpa": 3.0},
    "Mg film 0.5 um, 60 C": {"seed_alloy": "Mg", "interlayer_thickness_um": 0.5, "stack_pressure_mpa": 3.0},
    "bare collector, 60 C": {"seed_alloy": "none", "interlayer_thickness_um": 1.0, "stack_pressure_mpa": 3.0},
}
PROTOCOL = Protocol(cycles=2000)
OUTCOMES = ("cycle_life", "initial_ce_pct", "average_ce_pct", "areal_resistance_ohm_cm2")
# Levels of each range; four is what Morris screening is usually done with.
LEVELS = 4
SHOWN = 6


def evaluate(parameters: CellParameters, designs: pd.DataFrame) -> np.ndarray:
    """Return `(n_cells, n_outcomes)`; a life of zero counts as one cycle."""
    cells = simulate_cells(designs, PROTOCOL, fidelity="jump", parameters=parameters)
    rows = []
    for (_, design), cell in zip(designs.iterrows(), cells, strict=True):
        values = compute_outcomes({str(k): v for k, v in design.items()}, PROTOCOL, cell.cycling).values
        life = np.log(max(values.get("cycle_life", 1.0), 1.0))
        rows.append([life, *(values.get(name, 0.0) for name in OUTCOMES[1:])])
    return np.array(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    ranges = {item.name: (item.metadata["low"], item.metadata["high"]) for item in fields(CellParameters)}
    problem = {"num_vars": len(ranges), "names": list(ranges), "bounds": [[0.0, 1.0]] * len(ranges)}
    unit = sample(problem, arguments.trajectories, num_levels=LEVELS, seed=arguments.seed)
    designs = pd.DataFrame(list(CELLS.values())).assign(layer_class="as_reported", li3n_wt_pct=0.0)
    low, high = np.array(list(ranges.values())).T
    found = []
    for row in low + unit * (high - low):
        found.append(evaluate(replace(DEFAULT_PARAMETERS, **dict(zip(ranges, row.tolist(), strict=True))), designs))
    effects = np.array(found)
    print(f"{len(unit)} sets of {len(ranges)} constants, {arguments.trajectories} trajectories")
    for c, cell in enumerate(CELLS):
        for o, outcome in enumerate(OUTCOMES):
            result = analyze(problem, unit, effects[:, c, o], num_levels=LEVELS, seed=arguments.seed)
            order = np.argsort(-np.asarray(result["mu_star"]))[:SHOWN]
            print(f"{cell}: {outcome}")
            for i in order:
                print(f"    {result['names'][i]:<36} mu* {result['mu_star'][i]:8.3g}  sigma {result['sigma'][i]:8.3g}")


if __name__ == "__main__":
    main()
