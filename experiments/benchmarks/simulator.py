"""How fast the cell simulator is: cell-cycles per CPU second, alone and in a batch, and against PyBaMM where installed.

Run: OMP_NUM_THREADS=1 python experiments/benchmarks/simulator.py
`--jump` measures the error and the gain of skipping cycles instead; `--sobol 10000` runs that many designs of the whole
range, their corners included, at four protocols and a half cell, and counts failures of the solver.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import qmc, spearmanr

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_layer
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import SimulatedCell, simulate_cells


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


def life(cell: SimulatedCell) -> int:
    """Count the cycles before the discharge capacity is below 80 % of the second one."""
    discharge = cell.cycling["discharge_capacity_mah_cm2"].to_numpy()
    below = np.flatnonzero(discharge[1:] < 0.8 * discharge[1]) if len(discharge) > 1 else np.array([0])
    return int(below[0]) + 1 if len(below) else len(discharge)


def jump_table(n: int, cycles: int) -> None:
    """Print how far lives move and how much time is saved when slow cycles are skipped."""
    unit = qmc.Sobol(4, seed=3).random(n)
    names = seed_alloy_names()
    designs = pd.DataFrame(
        {
            "seed_alloy": [names[int(u * len(names))] for u in unit[:, 0]],
            "interlayer_thickness_um": 0.5 * 60.0 ** unit[:, 1],
            "stack_pressure_mpa": 0.5 * 40.0 ** unit[:, 2],
            "li3n_wt_pct": 10.0 * unit[:, 3],
        }
    )
    for temperature_c in (25.0, 60.0):
        protocol = Protocol(cycles=cycles, temperature_c=temperature_c)
        found, seconds = {}, {}
        for fidelity in ("full", "jump"):
            simulate_cells(designs.iloc[:8], Protocol(cycles=2), fidelity=fidelity)
            start = time.process_time()
            found[fidelity] = simulate_cells(designs, protocol, fidelity=fidelity)
            seconds[fidelity] = time.process_time() - start
        lives = {fidelity: np.array([life(cell) for cell in cells]) for fidelity, cells in found.items()}
        for low, high in ((10, 100), (100, 1000), (1000, cycles)):
            kept = (lives["full"] >= low) & ((lives["full"] < high) | (high == cycles))
            if not kept.any():
                continue
            error = np.abs(lives["jump"][kept] / lives["full"][kept] - 1.0)
            steps = {fidelity: sum(cell.n_steps for cell, one in zip(cells, kept, strict=True) if one)
                     for fidelity, cells in found.items()}  # fmt: skip
            print(
                f"{temperature_c:.0f} C, life {low} to {high}: {kept.sum():4d} cells, error of life median"
                f" {np.median(error):.1e} p90 {np.quantile(error, 0.9):.1e} max {error.max():.1e},"
                f" {steps['full'] / steps['jump']:.1f} times fewer steps"
            )
        rank = spearmanr(lives["full"], lives["jump"]).statistic
        times = f"{seconds['full']:.2f} to {seconds['jump']:.2f} s"
        print(f"{temperature_c:.0f} C, all: {times}, rank correlation {rank:.4f}")


def sobol_failures(n: int) -> int:
    """Run designs over the whole range with their corners; return how many the solver fails on."""
    unit = qmc.Sobol(7, seed=3).random_base2(math.ceil(math.log2(n)))[:n]
    # Every fourth design sits in a corner of the numeric range.
    unit[::4, 1:4] = np.round(unit[::4, 1:4])
    names, failures = seed_alloy_names(), 0
    layers, buffers = (STANDARD_VARIABLES[name].levels for name in ("layer_class", "buffer"))
    seeds = [names[int(u * len(names))] for u in unit[:, 0]]
    designs = pd.DataFrame(
        {
            "seed_alloy": seeds,
            "interlayer_thickness_um": 0.02 * 10_000.0 ** unit[:, 1],
            "stack_pressure_mpa": 0.05 * 2_000.0 ** unit[:, 2],
            "li3n_wt_pct": 30.0 * unit[:, 3],
            "layer_class": ["carbon_metal" if seed_layer(seed).is_composite else layers[int(u * len(layers))]
                            for seed, u in zip(seeds, unit[:, 4], strict=True)],
            "buffer": [buffers[int(u * len(buffers))] for u in unit[:, 5]],
            "current_collector_roughness_um": 20.0 * unit[:, 6],
        }
    )  # fmt: skip
    for temperature_c, current, cell_type in (
        (0.0, 0.05, "full"), (25.0, 5.0, "full"), (60.0, 0.5, "full"), (80.0, 2.0, "full"), (25.0, 0.5, "half"),
    ):  # fmt: skip
        protocol = Protocol(cycles=30, temperature_c=temperature_c, current_density_ma_cm2=current, cell_type=cell_type)
        table = designs.assign(li3n_wt_pct=0.0) if cell_type == "half" else designs
        cells = simulate_cells(table, protocol)
        failed = sum(not cell.solver_ok for cell in cells)
        drift = max(cell.lithium_imbalance_mah_cm2 for cell in cells)
        where = f"{temperature_c:3.0f} C {current:4.2f} mA/cm2 {cell_type}"
        print(f"{where}: {failed} of {n} failed, lithium drift {drift:.0e}")
        failures += failed
    return failures


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


def main() -> int:
    """Print the table; return 1 where a solver failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=256)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jump", action="store_true", help="measure the cycle-jump fidelity instead")
    parser.add_argument("--sobol", type=int, default=0, help="count solver failures on this many designs instead")
    arguments = parser.parse_args()
    if arguments.sobol:
        return int(sobol_failures(arguments.sobol) > 0)
    if arguments.jump:
        jump_table(arguments.cells, 2000)
        return 0
    protocol = Protocol(cycles=arguments.cycles)
    designs = long_lived_designs(arguments.cells)
    single = pd.DataFrame([{"seed_alloy": "Mg", "interlayer_thickness_um": 15.0, "stack_pressure_mpa": 4.0}])
    for rtol in (1e-3, 1e-4):
        report("one cell, one lane", single, protocol, rtol, arguments.repeats)
        report(f"{arguments.cells} cells, eight lanes", designs, protocol, rtol, arguments.repeats)
    peer_single_particle(100)
    return 0


if __name__ == "__main__":
    sys.exit(main())
