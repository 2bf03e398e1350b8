"""How results are printed: JSON documents, numbers with four digits, lives that did not end as `> 500`."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from afssb_opt.domain.outcomes import outcome_definition
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES


def print_json(document: Any) -> None:
    """Print one JSON document; NaN, which JSON does not know, becomes null."""
    sys.stdout.write(json.dumps(_jsonable(document), indent=2, default=str, allow_nan=False) + "\n")


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


# A pipe has no width; rich would assume 80 columns and cut the tables that a file can hold whole.
PIPE_WIDTH = 160


def text_console(*, stderr: bool = False, highlight: bool = True) -> Console:
    """Return a console as wide as the terminal, or wide enough for whole tables where there is none.

    It prints names as they are: `[bmim]` is no style and `cell:coat:` holds no picture. Colour comes as `Text`.
    """
    console = Console(stderr=stderr, highlight=highlight, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def plain_table(title: str | None = None) -> Table:
    """Return an empty table without vertical lines, which leaves room for the numbers."""
    return Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
                 padding=(0, 1, 0, 0))  # fmt: skip


def shown(value: Any, *, is_censored: bool = False) -> str:
    """Return a value as text for a table."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"> {text}" if is_censored else text


def heading(name: str) -> str:
    """Return label and unit of a variable or outcome; an unknown one keeps its name."""
    known = STANDARD_VARIABLES.get(name) or outcome_definition(name)
    return f"{known.label} ({known.unit})" if known.unit else known.label


def in_words(name: str, value: Any) -> str:
    """Return a value of a variable or outcome with its label and unit: `Stack pressure 5 MPa`."""
    known = STANDARD_VARIABLES.get(name) or outcome_definition(name)
    return f"{known.label} {shown(value)} {known.unit}".strip()
