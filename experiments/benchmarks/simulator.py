"""How fast the cell simulator is: cell-cycles per CPU second, alone and in a batch, and against PyBaMM where installed.

Run: OMP_NUM_THREADS=1 python experiments/benchmarks/simulator.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import qmc

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names
from afssb_opt.simulation import simulate_cells


def long_lived_designs(n: int, seed: int = 5) -> pd.DataFrame:
    """Return designs as a campaign proposes them; cells that die early would flatter no one."""
    unit = qmc.Sobol(4, seed=seed).random(n)
    names = seed_alloy_names()
    return pd.DataFrame(
        {
            "seed_alloy": [names[int(u * len(names))] for u in unit[:, 0]],
            "interlayer_thickness_um": 10.0 * 4.0 ** unit[:, 1],
            "stack_pressure_mpa": 2.0 * 3.0 ** unit[:, 2],
            "li3n_wt_pct": 3.0 * unit[:, 3],
        }
    )


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time; wall clock on shared cores is off by a factor of two."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times))


def report(label: str, designs: pd.DataFrame, protocol: Protocol, rtol: float, repeats: int) -> None:
    """Print one line of the table."""
    simulate_cells(designs, Protocol(cycles=2), rtol=rtol)
    seconds = cpu_seconds(lambda: simulate_cells(designs, protocol, rtol=rtol), repeats)
    cells = simulate_cells(designs, protocol, rtol=rtol)
    n_cycles = sum(len(cell.cycling) for cell in cells)
    n_steps = sum(cell.n_steps for cell in cells)
    print(
        f"{label:<34} rtol {rtol:.0e}  {seconds:8.3f} s  {n_cycles:7d} cell-cycles"
        f"  {n_cycles / seconds:9.0f} /s  {n_steps / n_cycles:6.1f} steps/cycle"
    )


def peer_single_particle(n_cycles: int) -> None:
    """Time PyBaMM's single particle model, the cheapest model that a battery modeller would cycle."""
    try:
        import pybamm
    except ImportError:
        print("PyBaMM is not installed: no peer figure")
        return
    experiment = pybamm.Experiment([("Discharge at 1C until 2.5V", "Charge at 1C until 4.2V")] * n_cycles)
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPM(), parameter_values=pybamm.ParameterValues("Chen2020"), experiment=experiment
    )
    seconds = cpu_seconds(lambda: simulation.solve(), 3)
    print(f"PyBaMM SPM, {n_cycles} x 1C              {seconds:8.3f} s  {n_cycles / seconds:9.0f} cycles/s")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=256)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    protocol = Protocol(cycles=arguments.cycles)
    designs = long_lived_designs(arguments.cells)
    single = pd.DataFrame([{"seed_alloy": "Mg", "interlayer_thickness_um": 15.0, "stack_pressure_mpa": 4.0}])
    for rtol in (1e-3, 1e-4):
        report("one cell, one lane", single, protocol, rtol, arguments.repeats)
        report(f"{arguments.cells} cells, eight lanes", designs, protocol, rtol, arguments.repeats)
    peer_single_particle(100)


if __name__ == "__main__":
    main()
