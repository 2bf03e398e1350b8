"""The folder of one lab cell, which goes with its MLflow run: raw files, cycling table, figures."""

from __future__ import annotations

import re
import shutil
import uuid
from pathlib import Path

from afssb_opt.lab.bdf_export import write_bdf
from afssb_opt.lab.figures import draw_capacity, draw_nyquist, draw_profiles
from afssb_opt.lab.plan import ArrivedFile, CellPlan

RAW, HELD = "raw", "held"
_PREFIX = re.compile(r"^[0-9a-f]{12}-")


def keep_raw_file(file: ArrivedFile, folder: Path) -> Path:
    """Copy a raw file into a folder under its name and the beginning of its hash; a copy that is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    # The name of a foreign file is a name only: its own folders are left behind.
    target = folder / f"{file.sha256[:12]}-{Path(file.name).name}"
    if not target.exists():
        partial = target.with_name(f".{uuid.uuid4().hex}.partial")
        shutil.copyfile(file.path, partial)
        partial.rename(target)
    return target


def original_name(path: Path) -> str:
    """Return the name a file came in under; copies carry the beginning of their hash before it."""
    return _PREFIX.sub("", path.name) if path.parent.name in {RAW, HELD} else path.name


def write_cell_folder(plan: CellPlan, folder: Path, title: str) -> None:
    """Write what a reviewer wants to see of a recorded cell."""
    for file in plan.files:
        keep_raw_file(file, folder / RAW)
    if plan.series is not None:
        write_bdf(plan.series, folder / "series.bdf.parquet")
    if plan.cycling is not None:
        plan.cycling.to_parquet(folder / "cycling.parquet", index=False)
        draw_capacity(plan.cycling, title, folder / "capacity_efficiency.png")
        if plan.series is not None and plan.cycle_rows:
            draw_profiles(plan.series, plan.cycle_rows, plan.area_cm2, folder / "voltage_profiles.png")
    if plan.spectra:
        draw_nyquist(plan.spectra, folder / "nyquist.png")
