"""What kind of file came in, and which reader opens it: table, cycler file, impedance spectrum or pressure trace."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from afssb_opt.lab.checked_series import checked_series
from afssb_opt.lab.csv_grid import read_csv_grid
from afssb_opt.lab.findings import Finding, UnreadableError, refuse
from afssb_opt.lab.formats.arbin_access import read_arbin_access
from afssb_opt.lab.formats.neware_binary import read_neware
from afssb_opt.lab.grid import Grid
from afssb_opt.lab.pressure import PressureTrace, read_pressure
from afssb_opt.lab.series import BDF_LABELS, REQUIRED, RawSeries
from afssb_opt.lab.spectrum import Spectrum
from afssb_opt.lab.spectrum_files import read_spectrum
from afssb_opt.lab.table_columns import ROLES
from afssb_opt.lab.text_file import read_head
from afssb_opt.lab.text_series import read_text_series
from afssb_opt.lab.units import plain_label
from afssb_opt.lab.xlsx_grid import check_workbook, read_workbook_grids, read_workbook_series

Kind = Literal["table", "cycler", "impedance", "pressure", "refused"]

# A year of one channel at 1 s fills about 1 GB as text; more is not one cell's file.
MAX_BYTES: Final = 1_000_000_000
TEXT_ENDINGS: Final = frozenset({".csv", ".txt", ".tsv", ".mpt", ".dta", ".z", ".dat", ".asc", ".bdf"})
# A separate program that turns `.mpr` into a Battery Data Format CSV: called with input and output path.
MPR_PROGRAM: Final = "AFSSB_MPR_PROGRAM"
MPR_SECONDS: Final = 120


@dataclass(frozen=True)
class FileContent:
    """What one file holds; exactly one of series, grids, spectrum and pressure is filled, none where it is refused."""

    kind: Kind
    series: RawSeries | None = None
    grids: tuple[Grid, ...] = ()
    spectrum: Spectrum | None = None
    pressure: PressureTrace | None = None
    findings: tuple[Finding, ...] = field(default_factory=tuple)


def read_file(path: Path) -> FileContent:
    """Read one file of any known kind; what cannot be read comes back as refused, with the reason."""
    try:
        _check_file(path)
        return _read(path)
    except UnreadableError as error:
        return FileContent("refused", findings=(error.finding,))
    except OSError as error:
        problem = refuse(
            "file.damaged", f"cannot be read ({error.strerror})", "a readable file", "Check its permissions"
        )
        return FileContent("refused", findings=(problem.finding,))
    except UnicodeDecodeError as error:
        problem = refuse(
            "text.encoding", f"byte {error.start} is not {error.encoding}", "one encoding", "Save as UTF-8"
        )
        return FileContent("refused", findings=(problem.finding,))
    # The border to foreign bytes: whatever a parser meets is reported as this file's problem, never passed on.
    except Exception as error:
        problem = refuse(
            "file.damaged",
            f"cannot be read ({type(error).__name__}: {error})",
            "a known format",
            "Export it again; if it opens elsewhere, send it to the maintainers",
        )
        return FileContent("refused", findings=(problem.finding,))


def _check_file(path: Path) -> None:
    if path.is_symlink():
        raise refuse("file.link", "is a link", "a plain file", "Copy the file itself into the folder")
    if not path.is_file():
        raise refuse("file.type", "is no plain file", "a file", "")
    if path.stat().st_size > MAX_BYTES:
        raise refuse("file.size", f"{path.stat().st_size} bytes", f"at most {MAX_BYTES}", "Export fewer records")


def _read(path: Path) -> FileContent:
    ending = path.suffix.lower()
    if ending in {".nda", ".ndax"}:
        return _cycler(read_neware(path))
    if ending == ".res":
        return _cycler(read_arbin_access(path))
    if ending == ".mpr":
        return _cycler(_read_mpr(path))
    if ending == ".parquet":
        return _cycler(_read_parquet(path))
    if ending in {".xlsx", ".xls"}:
        check_workbook(path)
        series = read_workbook_series(path)
        return _cycler(series) if series is not None else FileContent("table", grids=tuple(read_workbook_grids(path)))
    if ending in {".xlsm", ".xlsb"}:
        raise refuse("file.archive", "a workbook with macros", ".xlsx", "Save it as .xlsx")
    if ending in TEXT_ENDINGS or ending[1:].isdigit() or not ending:
        return _read_text(path)
    raise refuse(
        "file.type",
        f"'{ending}' is not read",
        ", ".join(sorted({*TEXT_ENDINGS, ".xlsx", ".ndax", ".res"})),
        "Export it as CSV",
    )


def _read_text(path: Path) -> FileContent:
    spectrum = read_spectrum(path)
    if spectrum is not None:
        return FileContent("impedance", spectrum=spectrum)
    try:
        return _cycler(read_text_series(path))
    except UnreadableError as error:
        if error.finding.rule not in {"series.format", "series.columns"}:
            raise
        if error.finding.rule == "series.format" and _has_id_column(path):
            grid = read_csv_grid(path)
            return FileContent("table", grids=(grid,), findings=grid.findings)
        pressure = read_pressure(path)
        if pressure is not None:
            return FileContent("pressure", pressure=pressure, findings=pressure.findings)
        raise


def _has_id_column(path: Path) -> bool:
    """Tell whether a header near the top names a trial or cell: a result table, whatever else it holds."""
    for line in read_head(path).lines[:30]:
        for delimiter in ("\t", ";", ","):
            labels = [plain_label(name.strip().strip('"')) for name in line.split(delimiter)]
            if len(labels) > 1 and any(ROLES.get(label) in {"trial", "cell_id"} for label in labels):
                return True
    return False


def _cycler(series: RawSeries) -> FileContent:
    checked = checked_series(series)
    return FileContent("cycler", series=replace(checked, findings=()), findings=checked.findings)


def _read_parquet(path: Path) -> RawSeries:
    table = pd.read_parquet(path)
    labels = {label: name for name, label in BDF_LABELS.items()}
    table = table.rename(columns=lambda name: labels.get(str(name), str(name)))
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        raise refuse(
            "series.columns", f"without {', '.join(missing)}", "Battery Data Format names", "Rename the columns"
        )
    known = [name for name in table.columns if name in BDF_LABELS]
    numbers = table[known].apply(pd.to_numeric, errors="coerce").astype(float)
    return RawSeries(numbers, "bdf_parquet")


def _read_mpr(path: Path) -> RawSeries:
    """Read `.mpr` through a program of the user's choice; the only reader there is has a licence we cannot build on."""
    program = os.environ.get(MPR_PROGRAM)
    if not program:
        raise refuse(
            "file.type",
            "the binary .mpr needs a separate program",
            f".mpt, or a program named in {MPR_PROGRAM}",
            "In EC-Lab: Experiment > Export as Text, then send the .mpt",
        )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "series.csv"
        try:
            done = subprocess.run([program, str(path), str(out)], capture_output=True, timeout=MPR_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise refuse(
                "file.type", f"{program} failed ({error})", "a program that writes CSV", "Export .mpt"
            ) from None
        if done.returncode or not out.exists():
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise refuse("file.damaged", f"{program} failed: {said}", "exit code 0 and a CSV file", "Export .mpt")
        return read_text_series(out)
