"""A table as a lab wrote it: cells with their place, before anything is read into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from afssb_opt.lab.findings import Finding

CellKind = Literal["empty", "text", "number", "date", "bool", "error", "formula", "merged"]
# A campaign has hundreds of cells; a longer table is raw data given as a result table.
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 500
# A spreadsheet takes a cell that begins so for a formula; the build sheet puts an apostrophe before it.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What it says, as text; numbers of a spreadsheet in Python's spelling.
        kind: `formula` has no calculated value; `merged` lies inside a merged range, not at its first cell.
        is_percent: The spreadsheet shows the number in percent.
    """

    text: str = ""
    kind: CellKind = "empty"
    is_percent: bool = False


@dataclass(frozen=True)
class GridRow:
    """One line; `number` counts from 1 as a spreadsheet does."""

    number: int
    cells: tuple[Cell, ...]
    is_hidden: bool = False
    is_cut: bool = False

    def cell(self, place: int) -> Cell:
        """Return a cell, an empty one past the end."""
        return self.cells[place] if place < len(self.cells) else Cell()


@dataclass(frozen=True)
class Grid:
    """One sheet or text table.

    Attributes:
        sheet: Name of the sheet; empty for text.
        decimal_default: Decimal sign to assume where a column shows none.
    """

    rows: tuple[GridRow, ...]
    sheet: str = ""
    decimal_default: Literal[".", ","] = "."
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def where(self, row: int, place: int) -> str:
        """Return a cell reference such as `B7` or `Sheet1!B7`."""
        return (f"{self.sheet}!" if self.sheet else "") + f"{column_letters(place)}{row}"


def column_letters(place: int) -> str:
    """Return the letters of a column, 0 is A."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def without_guard(text: str) -> str:
    """Return a text without the apostrophe that kept it from being a formula."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_STARTS) else text
