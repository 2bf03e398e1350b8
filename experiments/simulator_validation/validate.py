"""How the simulator compares with what is reported: every trend and every number, calibration and validation apart.

Run: OMP_NUM_THREADS=1 python experiments/simulator_validation/validate.py

A number holds when the simulated value is within its tolerance (column `tolerance` of `reported_numbers.csv`: a factor
for lives, times and charges, points of percent else). Where the source does not state the pressure, the values at both
ends of the usual range are shown too; `within the unknown pressure` says that the number lies between them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from reported_numbers import UNKNOWN_PRESSURES_MPA, ReportedNumber, read_numbers, simulate_numbers
from trends import TRENDS

PARTS = ("calibration", "validation")
WORDS = {True: "holds", False: "DOES NOT HOLD", None: "not modelled"}


def main() -> None:
    """Print trends, numbers and counts."""
    for part in PARTS:
        _print_trends(part)
    numbers = read_numbers()
    nominal = simulate_numbers(numbers)
    low, high = (simulate_numbers([_at_pressure(item, p) for item in numbers]) for p in UNKNOWN_PRESSURES_MPA)
    for part in PARTS:
        _print_numbers(part, numbers, nominal, low, high)


def _print_trends(part: str) -> None:
    print(f"\n== Trends, {part} ==")
    verdicts: list[bool | None] = []
    for trend in (item for item in TRENDS if item.part == part):
        text, holds = trend.find()
        verdicts.append(holds)
        print(f"T{trend.number:<3} {WORDS[holds]:<14} {trend.statement}")
        print(f"     reported: {trend.reported} [{trend.source}]")
        print(f"     simulated: {text}")
    print(f"{part}: {verdicts.count(True)} of {len(verdicts)} trends hold")


def _at_pressure(item: ReportedNumber, pressure_mpa: float) -> ReportedNumber:
    if item.pressure_is_reported:
        return item
    return replace(item, design={**item.design, "stack_pressure_mpa": pressure_mpa})


def _print_numbers(
    part: str, numbers: list[ReportedNumber], nominal: np.ndarray, low: np.ndarray, high: np.ndarray
) -> None:
    print(f"\n== Numbers, {part} ==")
    counts = {"holds": 0, "within the unknown pressure": 0, "DOES NOT HOLD": 0}
    for item, value, at_low, at_high in zip(numbers, nominal, low, high, strict=True):
        if item.part != part:
            continue
        verdict = _verdict(item, value, at_low, at_high)
        counts[verdict] += 1
        at = "" if np.isnan(item.at) else f" {item.at:g}"
        span = "" if item.pressure_is_reported else f" ({at_low:.4g} at 2 MPa, {at_high:.4g} at 10 MPa)"
        print(f"{verdict:<28} {item.name:<16} {item.quantity}{at}: reported {item.relation} {item.reported:g}, "
              f"simulated {value:.4g}{span}")  # fmt: skip
        print(f"{'':<29}{item.source}" + (f"; assumed: {item.assumed}" if item.assumed else ""))
    print(f"{part}: " + ", ".join(f"{n} {word}" for word, n in counts.items()))


def _verdict(item: ReportedNumber, value: float, at_low: float, at_high: float) -> str:
    if abs(item.misfit(value)) <= 1.0:
        return "holds"
    ends = [item.misfit(at_low), item.misfit(at_high), item.misfit(value)]
    if not item.pressure_is_reported and min(ends) <= 1.0 and max(ends) >= -1.0:
        return "within the unknown pressure"
    return "DOES NOT HOLD"


if __name__ == "__main__":
    main()
