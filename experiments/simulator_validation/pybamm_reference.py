"""How far the compiled cell is from the same laws in PyBaMM, solved by IDAKLU at rtol 1e-8.

Both use `afssb_opt.simulation.physics`; states, balances, integration and events are PyBaMM's own here. Equations are
checked against hand-derived values in tests/simulation_pybamm.
Run: python experiments/simulator_validation/pybamm_reference.py [--cycles 20]    (needs the extra `pybamm`)
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import simulate_cells
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.pybamm_reference import reference_capacities

# Corners of the range and the middle of it; all live for 10 cycles at least.
DESIGNS = (
    Design("Ag", 10.0, 4.0, 0.0),
    Design("Mg", 15.0, 5.0, 3.0),
    Design("none", 0.02, 2.0, 0.0),
    Design("Ag-ZnO", 3.0, 0.5, 1.0),
    Design("Sn", 30.0, 8.0, 10.0),
    Design("Au", 0.5, 12.0, 0.0),
    Design("In", 100.0, 1.0, 2.0),
    Design("Al", 6.0, 0.1, 20.0),
)
ALLOWED = 1.5e-3


def main() -> int:
    """Print the largest difference per design; return 1 where one exceeds the allowed error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--rtol", type=float, default=1e-3)
    arguments = parser.parse_args()
    worst = 0.0
    for temperature_c in (25.0, 60.0):
        protocol = Protocol(cycles=arguments.cycles, temperature_c=temperature_c)
        table = pd.DataFrame([vars(design) for design in DESIGNS])
        for design, cell in zip(DESIGNS, simulate_cells(table, protocol, rtol=arguments.rtol), strict=True):
            expected = reference_capacities(design, protocol)
            found = cell.cycling["discharge_capacity_mah_cm2"].to_numpy()
            n = min(len(expected), len(found) - (cell.stop_reason == "short_circuit"))
            if n == 0:
                print(f"{temperature_c:4.0f} C  no complete cycle to compare  {design}")
                continue
            error = float(np.max(np.abs(found[:n] - expected[:n]))) / protocol.areal_capacity_mah_cm2
            worst = max(worst, error)
            print(f"{temperature_c:4.0f} C  {n:4d} cycles  error {error:.1e}  {design}", flush=True)
    print(f"largest error {worst:.1e} of the areal capacity, allowed {ALLOWED:.1e}")
    return int(worst > ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
