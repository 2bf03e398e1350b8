"""How long and how much memory a cycler file of 700,000 rows takes from bytes to outcomes, in a process of its own.

Run it with `python experiments/benchmarks/lab.py [--rows N] [--file PATH]`. Wanted: under 5 s and 500 MB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

CYCLES = 500
AREA_CM2 = 1.0


def write_file(path: Path, n_rows: int) -> None:
    """Write a Neware CSV export of `n_rows` records in 500 cycles, with times as clock spans and a date column."""
    per_half = n_rows // (2 * CYCLES)
    half = np.repeat(np.arange(2 * CYCLES), per_half)
    inner = np.tile(np.arange(per_half), 2 * CYCLES)
    is_charge = half % 2 == 0
    seconds = inner * (6 * 3600.0 / (per_half - 1))
    seconds *= 0.9995 ** (half // 2)
    clock = pd.Timestamp("2026-06-10") + pd.to_timedelta(np.cumsum(np.diff(seconds, prepend=0.0).clip(0)), unit="s")
    share = inner / (per_half - 1)
    table = pd.DataFrame({
        "DataPoint": np.arange(1, len(half) + 1), "Cycle Index": half // 2 + 1, "Step Index": half + 1,
        "Step Type": np.where(is_charge, "CC Chg", "CC DChg"), "Time": _spans(seconds),
        "Cumulative Time": _spans(np.cumsum(np.diff(seconds, prepend=0.0).clip(0))),
        "Current(mA)": np.where(is_charge, 0.5, -0.5),
        "Voltage(V)": np.round(np.where(is_charge, 3.3 + 0.95 * share, 4.15 - 1.15 * share), 5),
        "Capacity(mAh)": np.round(0.5 * seconds / 3600.0, 6), "Energy(mWh)": np.round(1.9 * seconds / 3600.0, 6),
        "Date": clock.strftime("%Y-%m-%d %H:%M:%S"),
    })  # fmt: skip
    table.to_csv(path, index=False)


def _spans(seconds: np.ndarray) -> list[str]:
    return [f"{int(s // 3600):02d}:{int(s % 3600 // 60):02d}:{s % 60:06.3f}" for s in seconds]


def measure(path: Path) -> None:
    """Read, check and evaluate one file; print seconds and the largest memory of this process."""
    began = time.perf_counter()
    from afssb_opt.domain.outcomes import OutcomeSettings
    from afssb_opt.domain.protocol import Protocol
    from afssb_opt.lab.cell_results import cell_result
    from afssb_opt.lab.reading import read_file

    imported = time.perf_counter()
    content = read_file(path)
    if content.series is None:
        raise SystemExit("; ".join(map(str, content.findings)))
    read = time.perf_counter()
    design = {"seed_alloy": "Ag", "interlayer_thickness_um": 5.0, "stack_pressure_mpa": 5.0, "li3n_wt_pct": 0.0}
    result = cell_result(content.series, AREA_CM2, design, Protocol(cycles=CYCLES), OutcomeSettings())
    done = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {len(content.series.table)} rows, {len(result.cycling)} cycles, {size:.0f} MB")
    print(f"  import {imported - began:.2f} s, read {read - imported:.2f} s, outcomes {done - read:.2f} s, "
          f"in all {done - began:.2f} s, {memory:.0f} MB")  # fmt: skip
    print("  " + ", ".join(f"{name} {value:.5g}" for name, value in sorted(result.outcomes.values.items())))


def main() -> None:
    """Write the file, then measure in a fresh process, so that writing does not count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=700_000)
    parser.add_argument("--file", type=Path, help="measure this file instead of a generated one")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "T0001-F.csv"
        if given.file is None:
            write_file(path, given.rows)
        subprocess.run([sys.executable, __file__, "--measure", "--file", str(path)], check=True)


if __name__ == "__main__":
    main()
