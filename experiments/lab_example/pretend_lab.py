"""A laboratory to practise with: it fills in the build sheet and writes cycler files of simulated cells."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.evaluators import simulate

AREA_CM2 = 0.785  # a pellet of 10 mm
# Records per half cycle; a real tester writes more.
POINTS = 40


def records(cycling: pd.DataFrame, protocol: Protocol, begun_at: pd.Timestamp) -> pd.DataFrame:
    """Return time (s), date, step, cycle, current (A) and voltage (V) of a cell with this cycling table."""
    parts, clock, step = [], 0.0, 0
    low, high = protocol.lower_voltage_v, protocol.upper_voltage_v
    for row in cycling.itertuples():
        halves = (
            (1.0, row.charge_capacity_mah_cm2, protocol.current_density_ma_cm2, low + 0.2, high),
            (-1.0, row.discharge_capacity_mah_cm2, protocol.discharge_ma_cm2, high - 0.1, low),
        )
        for sign, capacity, current, start, end in halves:
            step += 1
            time = np.linspace(0.0, 3600.0 * capacity / current, POINTS)
            voltage = start + (end - start) * np.linspace(0.0, 1.0, POINTS) ** 1.5
            parts.append(pd.DataFrame({
                "time": clock + time, "step_time": time, "step": step, "cycle": row.cycle,
                "current": sign * current * AREA_CM2 / 1000.0, "voltage": voltage,
            }))  # fmt: skip
            clock += time[-1] + 1.0
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(date=begun_at + pd.to_timedelta(rows["time"], unit="s"))


def write_neware_csv(rows: pd.DataFrame, path: Path, barcode: str = "") -> None:
    """Write a flat Neware export; it carries no barcode, so the file name must name the cell."""
    words = np.where(rows["current"] > 0, "CC Chg", "CC DChg")
    pd.DataFrame({
        "DataPoint": np.arange(1, len(rows) + 1), "Cycle Index": rows["cycle"], "Step Index": rows["step"],
        "Step Type": words, "Time": [_span(value) for value in rows["step_time"]],
        "Cumulative Time": [_span(value) for value in rows["time"]], "Current(mA)": 1000 * rows["current"],
        "Voltage(V)": rows["voltage"].round(5), "Date": rows["date"].dt.strftime("%Y-%m-%d %H:%M:%S"),
    }).to_csv(path, index=False)  # fmt: skip


def write_biologic_mpt(rows: pd.DataFrame, path: Path, barcode: str = "") -> None:
    """Write an EC-Lab export as a German Windows does: decimal commas, cp1252, the barcode as comment."""
    head = [
        "EC-Lab ASCII FILE", "Nb header lines : 8", "", "Run on channel : 3 (SN 0421)",
        f"Acquisition started on : {rows['date'][0]:%d.%m.%Y %H:%M:%S}", "Electrode surface area : 0,001 cm²",
        f"Comments : {barcode}", "time/s\tNs\tEwe/V\t<I>/mA\tcycle number",
    ]  # fmt: skip
    body = [
        f"{row.time:.6E}\t{row.step}\t{row.voltage:.6E}\t{1000 * row.current:.6E}\t{row.cycle:.1f}".replace(".", ",")
        for row in rows.itertuples()
    ]
    path.write_bytes("\r\n".join([*head, *body, ""]).encode("cp1252"))


def write_maccor(rows: pd.DataFrame, path: Path, barcode: str = "") -> None:
    """Write a Maccor export: current without sign, the state tells charge (C) from discharge (D)."""
    head = [
        f"Today's Date {rows['date'].iloc[-1]:%m/%d/%Y}  Date of Test:\t{rows['date'][0]:%m/%d/%Y}"
        f"\t Filename:\tC:\\tests\\{path.stem} Procedure: cycling"
        f"\tComment/Barcode: {barcode}",
        "Rec#\tCyc#\tStep\tTest (Min)\tStep (Min)\tAmp-hr\tAmps\tVolts\tState\tDPt Time",
    ]
    clock = rows["date"].dt.strftime("%m/%d/%Y %H:%M:%S")
    body = [
        f"{number}\t{row.cycle}\t{row.step}\t{row.time / 60:.5f}\t{row.step_time / 60:.5f}"
        f"\t{abs(row.current) * row.step_time / 3600:.9f}\t{abs(row.current):.9f}\t{row.voltage:.6f}"
        f"\t{'C' if row.current > 0 else 'D'}\t{when}"
        for number, (row, when) in enumerate(zip(rows.itertuples(), clock, strict=True), start=1)
    ]
    path.write_text("\r\n".join([*head, *body, ""]), encoding="cp1252", newline="")


WRITERS: dict[str, Callable[[pd.DataFrame, Path, str], None]] = {
    ".csv": write_neware_csv, ".mpt": write_biologic_mpt, ".001": write_maccor,
}  # fmt: skip


def work(sheet: Path, folder: Path, protocol: Protocol, start: pd.Timestamp | None = None) -> None:
    """Build, cycle and send the cells of a build sheet: the sheet filled in, and a file per cell, brands in turn.

    The tests begin at `start`, else tomorrow: a test older than its proposal would be held as one of another cell.
    """
    start = start or pd.Timestamp.now().normalize() + pd.Timedelta(days=1, hours=8)
    folder.mkdir(parents=True, exist_ok=True)
    with sheet.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    numbers = ("interlayer_thickness_um", "stack_pressure_mpa", "li3n_wt_pct")
    designs = pd.DataFrame(
        [{"seed_alloy": row["seed_alloy"], **{name: float(row[name]) for name in numbers}} for row in rows]
    )
    simulated = simulate(designs, protocol)
    for place, (row, cycling) in enumerate(zip(rows, simulated.cycling, strict=True)):
        row["cell_id"] = f"PL-{row['trial'][1:5]}"
        row["cell_area_cm2"] = str(AREA_CM2)
        row["as_built_interlayer_thickness_um"] = f"{1.02 * float(row['interlayer_thickness_um']):.4g}"
        if len(cycling) < 2:
            row["status"], row["reason"] = "failed", "short circuit in the first charge"
            continue
        row["status"] = "completed"
        ending = list(WRITERS)[place % len(WRITERS)]
        WRITERS[ending](records(cycling, protocol, start), folder / f"{row['cell_id']}{ending}", row["cell_id"])
    with (folder / "build sheet filled in.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _span(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02d}:{minutes:02d}:{rest:06.3f}"
