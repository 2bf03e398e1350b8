"""The sheet that goes to the laboratory with the next cells, and comes back as the table of results."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.variables import Categorical, Fixed
from afssb_opt.lab.grid import FORMULA_STARTS
from afssb_opt.lab.table_columns import AS_BUILT

STATUS_CHOICES: Final = ("completed", "running", "failed", "not built")
FAILURE_CHOICES: Final = ("cell", "equipment")
_GREY: Final = PatternFill("solid", start_color="EDEDED")
_SHEET: Final = "cells to build"


@dataclass(frozen=True)
class SheetTrial:
    """One cell to build: its label (readable and, as Code 39, scannable), design, and why it was chosen."""

    label: str
    design: Mapping[str, float | str]
    reason: str


@dataclass(frozen=True)
class SheetColumn:
    """One column; `choices` become a drop-down, locked columns are not to be changed."""

    header: str
    is_locked: bool
    is_text: bool = True
    choices: tuple[str, ...] = ()
    width: float = 14.0


def sheet_columns(spec: CampaignSpec) -> list[SheetColumn]:
    """Return the columns of a campaign's build sheet, in their order."""
    columns = [SheetColumn("trial", True)]
    for variable in spec.space.variables:
        is_text = isinstance(variable, Categorical) or (isinstance(variable, Fixed) and isinstance(variable.value, str))
        columns.append(SheetColumn(variable.name, True, is_text, width=18.0))
    columns += [SheetColumn("cell_id", False), SheetColumn("cell_area_cm2", False, False)]
    for variable in spec.space.variables:
        if not isinstance(variable, Fixed):
            levels = variable.levels if isinstance(variable, Categorical) else ()
            columns.append(SheetColumn(AS_BUILT + variable.name, False, bool(levels), tuple(levels), 22.0))
    columns += [SheetColumn("status", False, choices=STATUS_CHOICES)]
    columns += [SheetColumn(name, False, False, width=18.0) for name in spec.outcome_names]
    columns += [
        SheetColumn("failure_kind", False, choices=FAILURE_CHOICES),
        SheetColumn("reason", False, width=24.0),
        SheetColumn("notes", False, width=24.0),
        SheetColumn("protocol", True, width=46.0),
        SheetColumn("why", True, width=80.0),
    ]
    return columns


def protocol_text(protocol: Protocol) -> str:
    """Return the cycling conditions in one line."""
    return (
        f"{protocol.temperature_c:g} C, charge {protocol.current_density_ma_cm2:g} and discharge "
        f"{protocol.discharge_ma_cm2:g} mA/cm2, {protocol.areal_capacity_mah_cm2:g} mAh/cm2, "
        f"{protocol.lower_voltage_v:g} to {protocol.upper_voltage_v:g} V, {protocol.cycles} cycles"
    )


def sheet_rows(spec: CampaignSpec, trials: Sequence[SheetTrial]) -> list[list[str | float | None]]:
    """Return the header and one row per cell."""
    columns = sheet_columns(spec)
    rows: list[list[str | float | None]] = [[column.header for column in columns]]
    for trial in trials:
        known: dict[str, str | float] = {"trial": trial.label, **trial.design, "protocol": protocol_text(spec.protocol)}
        known["why"] = " ".join(trial.reason.split())
        rows.append([known.get(column.header) if column.is_locked else None for column in columns])
    return rows


def write_csv_sheet(spec: CampaignSpec, trials: Sequence[SheetTrial], path: Path) -> None:
    """Write the sheet as CSV with a byte order mark, so that every spreadsheet program reads its letters."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        for row in sheet_rows(spec, trials):
            writer.writerow([inert(value) for value in row])


def write_xlsx_sheet(spec: CampaignSpec, trials: Sequence[SheetTrial], path: Path) -> None:
    """Write the sheet as a workbook with drop-downs; what was proposed is locked, what is to be filled in is not."""
    columns, rows = sheet_columns(spec), sheet_rows(spec, trials)
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = _SHEET
    for number, row in enumerate(rows, start=1):
        for place, (column, value) in enumerate(zip(columns, row, strict=True), start=1):
            cell = sheet.cell(number, place, inert(value))
            is_locked = number == 1 or column.is_locked
            cell.protection = Protection(locked=is_locked)
            if is_locked:
                cell.fill = _GREY
            if number == 1:
                cell.font = Font(bold=True)
            elif column.is_text:
                # Format 'text' keeps a spreadsheet program from turning an id into a number or a date.
                cell.number_format = "@"
            if column.width > 40 and number > 1:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    for place, column in enumerate(columns, start=1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = column.width
        # A drop-down holds 255 characters; a longer list is checked when the sheet comes back.
        if column.choices and len(",".join(column.choices)) < 250 and not any("," in c for c in column.choices):
            choice = DataValidation(type="list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
            choice.error, choice.errorTitle = f"Choose one of: {', '.join(column.choices)}", column.header
            sheet.add_data_validation(choice)
            choice.add(f"{letter}2:{letter}{max(len(rows), 2)}")
    sheet.freeze_panes = "B2"
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    workbook.save(path)


def inert(value: str | float | None) -> str | float | None:
    """Return a value that no spreadsheet program takes for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    if isinstance(value, float) and value.is_integer() and math.fabs(value) < 1e15:
        return int(value)
    return value
