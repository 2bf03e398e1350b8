"""From the sheets of a table to one reading per row, and to what was noticed about whole columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.grid import Cell, Grid, GridRow
from afssb_opt.lab.table_columns import Column, Columns, find_columns
from afssb_opt.lab.table_row import TableRow
from afssb_opt.lab.table_rows import RowReader
from afssb_opt.lab.table_values import column_decimal, read_value

# Percent written as a fraction and as percent: between these no efficiency of a cell worth testing lies (assumed).
FRACTION_MAX, PERCENT_MIN = 1.5, 20.0


@dataclass(frozen=True)
class ResultTable:
    """All rows of a table, with what was noticed about the table as a whole."""

    rows: tuple[TableRow, ...]
    findings: tuple[Finding, ...]


def read_result_table(grids: list[Grid], spec: CampaignSpec, sheet: str = "") -> ResultTable:
    """Read the results from the sheets of a workbook, or from the one grid of a text table.

    Raises:
        UnreadableError: No sheet, or several, have a column of trials or cells.
    """
    if sheet:
        grids = [grid for grid in grids if grid.sheet == sheet]
    found = [(grid, columns) for grid in grids if (columns := find_columns(grid, spec)) is not None]
    if not found:
        raise refuse(
            "table.header",
            "no column 'trial' or 'cell_id'",
            "a header line with one of them",
            "Send the build sheet back, or add a column 'trial' with the labels of `afssb trials`",
        )
    if len(found) > 1:
        names = ", ".join(f"'{grid.sheet}'" for grid, _ in found)
        raise refuse("table.sheet", f"several sheets with results: {names}", "one", "Say which with --sheet NAME")
    grid, columns = found[0]
    decimals, findings = _decimals(grid, columns)
    findings += _scale_findings(grid, columns, decimals)
    left = [finding for other in grids for finding in other.findings]
    rows: list[TableRow] = []
    for row in grid.rows:
        if row.number > columns.header_row and any(cell.kind not in {"empty", "merged"} for cell in row.cells):
            if _is_unit_row(row, columns, first=not rows and row.number == columns.header_row + 1):
                findings.append(
                    Finding("table.units", Verdict.NOTE, f"row {row.number}", "a row of units", "", "Skipped")
                )
                continue
            rows.append(RowReader(grid, columns, spec, decimals, row).read())
    return ResultTable(tuple(rows), (*left, *columns.findings, *findings))


def _values_of(grid: Grid, columns: Columns, column: Column) -> list[Cell]:
    return [row.cell(column.place) for row in grid.rows if row.number > columns.header_row]


def _decimals(grid: Grid, columns: Columns) -> tuple[dict[int, str], list[Finding]]:
    decimals: dict[int, str] = {}
    findings = []
    for column in columns.known:
        texts = [cell.text for cell in _values_of(grid, columns, column) if cell.kind == "text"]
        decimal = column_decimal(texts, grid.decimal_default)
        decimals[column.place] = decimal
        if decimal == "mixed" and column.role in {"outcome", "sem", "variable", "as_built", "cell_area_cm2"}:
            findings.append(
                Finding(
                    "text.decimal",
                    Verdict.HELD,
                    grid.where(columns.header_row, column.place),
                    f"column {column.name} mixes decimal comma and point",
                    "one of them",
                    "Use one throughout",
                )
            )
    return decimals, findings


def _scale_findings(grid: Grid, columns: Columns, decimals: Mapping[int, str]) -> list[Finding]:
    """Return findings about percent columns that look like fractions, or mix both."""
    findings = []
    for column in columns.known:
        if column.role != "outcome" or not column.name.endswith("_pct") or column.states_unit:
            continue
        cells = [cell for cell in _values_of(grid, columns, column) if not cell.is_percent]
        values = [read_value(cell.text, "," if decimals[column.place] == "," else ".") for cell in cells]
        numbers = [
            value.number for value in values if value.kind == "number" and value.number and not value.has_percent
        ]
        low = [number for number in numbers if abs(number) <= FRACTION_MAX]
        where = grid.where(columns.header_row, column.place)
        if low and any(number >= PERCENT_MIN for number in numbers):
            findings.append(
                Finding(
                    "value.scale",
                    Verdict.REJECTED,
                    where,
                    f"{column.name} mixes {low[0]:g} and {max(numbers):g}",
                    "percent throughout",
                    "Write all values in percent",
                )
            )
        elif low and len(low) == len(numbers) and column.name.endswith(("ce_pct", "retention_pct")):
            findings.append(
                Finding(
                    "value.scale",
                    Verdict.HELD,
                    where,
                    f"{column.name} is {low[0]:g}: a fraction?",
                    "percent",
                    f"Write the values in percent, or '{column.name} (fraction)' in the header",
                )
            )
    return findings


def _is_unit_row(row: GridRow, columns: Columns, *, first: bool) -> bool:
    texts = [row.cell(c.place).text for c in columns.known]
    ids = [row.cell(c.place).text.strip("[]()- ") for c in columns.known if c.role in {"trial", "cell_id"}]
    filled = [text for text in texts if text]
    return (
        first
        and not any(ids)
        and bool(filled)
        and all(
            not any(ch.isdigit() for ch in t.replace("cm2", "").replace("m2", "").replace("li3n", "")) for t in filled
        )
    )
