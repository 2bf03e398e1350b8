"""Reading a text table into a grid: delimiter, ragged lines, the unit row and a cut last line are dealt with here."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.grid import MAX_COLUMNS, MAX_ROWS, Cell, Grid, GridRow, without_guard
from afssb_opt.lab.text_file import DELIMITERS, read_head

# A table of results is a page of text.
MAX_TABLE_BYTES: Final = 5_000_000


def read_csv_grid(path: Path) -> Grid:
    """Read a text table.

    Raises:
        UnreadableError: It is no table, or a line has more fields than the header (a torn decimal comma).
    """
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise refuse("file.size", f"{path.stat().st_size} bytes", f"{MAX_TABLE_BYTES} bytes for a result table", "")
    head = read_head(path)
    text = path.read_bytes().decode(head.encoding, errors="strict")
    delimiter = _delimiter(text)
    try:
        records = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise refuse("table.fields", f"the quotes do not match ({error})", "paired quotes", "Save it again") from None
    if len(records) > MAX_ROWS or max((len(record) for record in records), default=0) > MAX_COLUMNS:
        raise refuse("file.size", f"{len(records)} lines", f"{MAX_ROWS} lines, {MAX_COLUMNS} columns", "Split it")
    header = next((number for number, record in enumerate(records) if sum(bool(c.strip()) for c in record) > 1), 0)
    width = len(records[header]) if records else 0
    for number, record in enumerate(records[header + 1 :], start=header + 2):
        if any(field.strip() for field in record[width:]):
            raise refuse(
                "table.fields",
                f"{len(record)} fields where the header has {width}",
                "as many fields as the header",
                "A decimal comma in a comma-separated file? Save with ';' between fields, or with decimal points",
                f"line {number}",
            )
    rows = [
        GridRow(
            number,
            tuple(Cell(without_guard(field.strip()), "text" if field.strip() else "empty") for field in record),
            is_cut=head.ends_cut and number == len(records),
        )
        for number, record in enumerate(records, start=1)
    ]
    findings = list(head.findings)
    if delimiter != ",":
        name = {"\t": "tab", ";": "semicolon"}[delimiter]
        findings.append(Finding("table.fields", Verdict.NOTE, "", f"fields are separated by {name}", "", ""))
    return Grid(tuple(rows), decimal_default="," if delimiter == ";" else ".", findings=tuple(findings))


def _delimiter(text: str) -> str:
    """Return the delimiter of the first line that has one; of several, the one that more lines have equally often."""
    lines = [line for line in text.splitlines() if line.strip()][:50]
    best, best_score = ",", (0, 0)
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter) for line in lines]
        head = next((count for count in counts if count), 0)
        score = (sum(count == head for count in counts) if head else 0, head)
        if head and score > best_score:
            best, best_score = delimiter, score
    return best
