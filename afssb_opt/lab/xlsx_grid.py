"""Reading a workbook into a grid: values only, nothing evaluated, nothing followed, hidden and merged cells marked."""

from __future__ import annotations

import datetime
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from afssb_opt.lab.archive import check_archive
from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.formats import TEXT_FORMATS
from afssb_opt.lab.grid import MAX_COLUMNS, MAX_ROWS, Cell, Grid, GridRow, without_guard
from afssb_opt.lab.series import REQUIRED, RawSeries
from afssb_opt.lab.text_series import series_from_columns

# Lines of a sheet in which the header of a cycler's export stands.
HEADER_ROWS: Final = 30
# A result table is small; openpyxl needs about 50 times its size in memory.
MAX_TABLE_UNPACKED: Final = 30_000_000


def check_workbook(path: Path) -> None:
    """Refuse a workbook that is damaged, hostile, or none at all.

    Raises:
        UnreadableError: With the reason.
    """
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start.startswith(b"PK"):
        what = "HTML" if b"<html" in start.lower() or b"<table" in start.lower() else "no workbook"
        what = "an old .xls" if start.startswith(b"\xd0\xcf\x11\xe0") else what
        raise refuse("file.type", f"is {what} inside", "a .xlsx workbook", "Open it and save it as .xlsx")
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                with archive.open(name) as member:
                    if b"<!DOCTYPE" in member.read(2048).upper():
                        raise refuse("file.archive", f"{name} has a DOCTYPE", "plain XML", "Save it in a new workbook")


def read_workbook_series(path: Path) -> RawSeries | None:
    """Return the time series of a cycler's workbook export, or None where no sheet has the header of one."""
    workbook = _opened(path, read_only=True)
    parts: list[RawSeries] = []
    try:
        for sheet in workbook.worksheets:
            rows = sheet.iter_rows(values_only=True)
            above: list[str] = []
            for row in rows:
                names = ["" if value is None else str(value) for value in row]
                found = [(f, f.match(names, "\n".join(above))) for f in TEXT_FORMATS.values()]
                known = [(f, columns) for f, columns in found if columns and set(REQUIRED) <= set(columns)]
                if known:
                    text_format, columns = max(known, key=lambda pair: (len(pair[1]), len(pair[0].needs)))
                    table = pd.DataFrame(rows, columns=range(len(names)))
                    parts.append(series_from_columns(text_format, table, columns, tuple(names), "\n".join(above)))
                    break
                above.append("\t".join(names))
                if len(above) >= HEADER_ROWS:
                    break
    finally:
        workbook.close()
    if not parts:
        return None
    if len({part.format_name for part in parts}) > 1:
        raise refuse(
            "table.sheet", "sheets of several cycler formats", "one test per workbook", "Export them one by one"
        )
    joined = pd.concat([part.table for part in parts], ignore_index=True)
    findings = tuple(finding for part in parts for finding in part.findings)
    return RawSeries(
        joined, parts[0].format_name, parts[0].identifiers, parts[0].test_uid, parts[0].started_at, findings
    )


def read_workbook_grids(path: Path) -> list[Grid]:
    """Return the visible sheets that are not empty.

    Raises:
        UnreadableError: The workbook is too large for a result table.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_TABLE_UNPACKED:
        raise refuse(
            "file.size", f"unpacks to {unpacked} bytes", f"{MAX_TABLE_UNPACKED} for a result table", "Split it"
        )
    shown, formulas = _opened(path, read_only=False), _opened(path, read_only=False, data_only=False)
    grids = []
    for sheet in shown.worksheets:
        if sheet.max_row > MAX_ROWS or sheet.max_column > MAX_COLUMNS:
            raise refuse(
                "file.size",
                f"{sheet.max_row} rows, {sheet.max_column} columns",
                f"{MAX_ROWS} rows, {MAX_COLUMNS} columns",
                "Split the table",
            )
        rows = tuple(_rows(sheet, formulas[sheet.title]))
        if not any(cell.kind != "empty" for row in rows for cell in row.cells):
            continue
        hidden = sheet.sheet_state != "visible"
        note = Finding("table.hidden", Verdict.WARNING, sheet.title, "is a hidden sheet", "visible", "It is left out")
        grids.append(Grid(() if hidden else rows, sheet.title, ".", (note,) if hidden else ()))
    return grids


def _opened(path: Path, *, read_only: bool, data_only: bool = True) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(path, read_only=read_only, data_only=data_only, keep_links=False)
    except (InvalidFileException, KeyError, zipfile.BadZipFile) as error:
        raise refuse("file.damaged", f"cannot be opened ({error})", "a .xlsx workbook", "Save it again") from None
    # openpyxl has no base error; whatever it meets in a foreign file is reported, never passed on.
    except Exception as error:
        raise refuse(
            "file.damaged",
            f"cannot be opened ({type(error).__name__}: {error})",
            "a .xlsx workbook",
            "Open it in a spreadsheet program and save it again",
        ) from None


def _rows(sheet: Worksheet, formulas: Worksheet) -> list[GridRow]:
    merged = {
        (row, column)
        for block in sheet.merged_cells.ranges
        for row in range(block.min_row, block.max_row + 1)
        for column in range(block.min_col, block.max_col + 1)
        if (row, column) != (block.min_row, block.min_col)
    }
    rows = []
    for number, (values, sources) in enumerate(zip(sheet.iter_rows(), formulas.iter_rows(), strict=True), start=1):
        cells = [
            Cell("", "merged") if (number, place) in merged else _cell(value, source)
            for place, (value, source) in enumerate(zip(values, sources, strict=True), start=1)
        ]
        rows.append(GridRow(number, tuple(cells), is_hidden=bool(sheet.row_dimensions[number].hidden)))
    return rows


def _cell(shown: Any, source: Any) -> Cell:
    value = shown.value
    is_formula = isinstance(source.value, str) and source.value.startswith("=") and source.data_type == "f"
    if value is None:
        return Cell(str(source.value), "formula") if is_formula else Cell()
    if isinstance(value, bool):
        return Cell(str(value), "bool")
    if isinstance(value, int | float):
        text = (
            repr(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else repr(value)
        )
        return Cell(text, "number", is_percent="%" in str(shown.number_format))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time | datetime.timedelta):
        return Cell(value.isoformat() if hasattr(value, "isoformat") else str(value), "date")
    text = without_guard(str(value).strip())
    return Cell(text, "error" if shown.data_type == "e" else "text" if text else "empty")
