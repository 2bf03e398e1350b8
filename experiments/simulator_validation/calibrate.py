"""Which constants fit the calibration part of the reported numbers: the most probable ones within their ranges.

A maximum a posteriori estimate: least squares on the misfits of `reported_numbers.csv` (part `calibration`) together
with a pull towards the middle of each constant's plausible range, so that a number constrains only what it tells about.
Prints the new values; they are written to `parameters.py` by hand, with their source.

Run: OMP_NUM_THREADS=1 python experiments/simulator_validation/calibrate.py
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace

import numpy as np
from reported_numbers import read_numbers, simulate_numbers
from scipy.optimize import least_squares

from afssb_opt.simulation import DEFAULT_PARAMETERS, CellParameters
from afssb_opt.simulation.parameters import CALIBRATED

FREE = CALIBRATED
# A constant at an end of its range is two standard deviations from the middle: the usual reading of a range.
_RANGE_SIGMAS = 2.0
# Misfits beyond three tolerances are outliers that the rest of the data must not bend to.
_OUTLIER = 3.0
# Lives are counted in cycles: a difference quotient needs a step that moves them.
_STEP = 0.02


def ranges() -> tuple[np.ndarray, np.ndarray]:
    """Return the natural logarithms of the ends of the plausible ranges, `(n,)` each."""
    table = {item.name: item.metadata for item in fields(CellParameters)}
    low = np.log([table[name]["low"] for name in FREE])
    high = np.log([table[name]["high"] for name in FREE])
    return low, high


def with_values(unit: np.ndarray) -> CellParameters:
    """Return the constants at a point of the unit cube of the logarithms."""
    low, high = ranges()
    values = np.exp(low + unit * (high - low))
    return replace(DEFAULT_PARAMETERS, **dict(zip(FREE, values.tolist(), strict=True)))


def main() -> None:
    """Print misfits and constants before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=30, help="Jacobians at most")
    arguments = parser.parse_args()
    numbers = [item for item in read_numbers() if item.part == "calibration"]
    low, high = ranges()
    start = (np.log([getattr(DEFAULT_PARAMETERS, name) for name in FREE]) - low) / (high - low)

    def residuals(unit: np.ndarray) -> np.ndarray:
        simulated = simulate_numbers(numbers, with_values(unit))
        misfits = np.array([item.misfit(value) for item, value in zip(numbers, simulated, strict=True)])
        return np.concatenate([_bounded(misfits), 2.0 * _RANGE_SIGMAS * (unit - 0.5)])

    found = least_squares(
        residuals, np.clip(start, 0.02, 0.98), bounds=(0.0, 1.0), diff_step=_STEP, max_nfev=arguments.evaluations
    )
    for label, unit in (("before", start), ("after", found.x)):
        simulated = simulate_numbers(numbers, with_values(unit))
        print(label)
        for item, value in zip(numbers, simulated, strict=True):
            print(f"  {item.name:<16} reported {item.reported:8.4g}  simulated {value:8.4g}  {item.misfit(value):6.2f}")
    for name, before, after, bottom, top in zip(FREE, start, found.x, low, high, strict=True):
        old, new = (np.exp(bottom + unit * (top - bottom)) for unit in (before, after))
        print(f"{name:<36} {old:10.4g} -> {new:10.4g}   range {np.exp(bottom):.3g} to {np.exp(top):.3g}")


def _bounded(misfits: np.ndarray) -> np.ndarray:
    """Return misfits that grow with the logarithm beyond the outlier limit (a smooth, sign-keeping bound)."""
    return np.sign(misfits) * _OUTLIER * np.sqrt(np.log1p((misfits / _OUTLIER) ** 2))


if __name__ == "__main__":
    main()
