"""Tables of designs and outcomes as files: CSV or Parquet, told by the suffix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pandas as pd

from afssb_opt.domain.errors import InputError, Problem

SUFFIXES: Final = (".csv", ".parquet")


def check_suffix(path: Path, what: str) -> None:
    """Refuse a file name whose format is not one of ours.

    Raises:
        InputError: The suffix is another.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError([Problem(str(path), f"ends with '{path.suffix}'", f"Allowed: {' or '.join(SUFFIXES)}")], what)


def read_table(path: Path, what: str, text_columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the table of a file.

    Args:
        what: Whose table it is, for messages.
        text_columns: Columns that stay text; the level `none` is a word, not a missing value.

    Raises:
        InputError: The file cannot be read, or has no rows.
    """
    check_suffix(path, what)
    try:
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype=dict.fromkeys(text_columns, str), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        remedy = "Give a CSV or Parquet table with one design per row"
        raise InputError([Problem(str(path), f"cannot be read ({error})", remedy)], what) from None
    if table.empty:
        raise InputError([Problem(str(path), "has no rows", "Give one design per row")], what)
    return table


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write the table whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
