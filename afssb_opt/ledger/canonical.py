"""How content becomes text, bytes and a hash: the same content gives the same hash on every machine and store."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from afssb_opt.domain.errors import InputError, Problem, StoreError


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and exact floats, ASCII only so that every store takes it.

    Raises:
        StoreError: The value holds something JSON has no word for, such as NaN.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"this content cannot be recorded: {error}. Allowed are text, finite numbers, booleans, null, lists and "
            "tables with text keys; convert it first"
        ) from error


def content_from_json(text: str) -> Any:
    """Invert `canonical_json`: five times faster than the standard parser, which reads what this one refuses."""
    try:
        return from_json(text)
    except ValueError:
        # Half of a surrogate pair is one such thing; a record must stay readable.
        return json.loads(text)


def sha256_text(text: str) -> str:
    """Return the hash of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain_values(values: Mapping[str, object], what: str) -> dict[str, float | str]:
    """Return a copy with plain floats and texts; everything wrong is reported at once.

    Args:
        values: Values by variable name.
        what: What it is, for the error message.

    Raises:
        InputError: A value is neither a finite number nor a text.
    """
    plain: dict[str, float | str] = {}
    problems = []
    for name, value in values.items():
        if isinstance(value, str):
            plain[str(name)] = value
        elif isinstance(value, int | float | np.number) and math.isfinite(float(value)):
            plain[str(name)] = float(value)
        else:
            problems.append(Problem(f"{what}.{name}", f"is {value!r}", "Give a finite number or a text"))
    if problems:
        raise InputError(problems, source=what)
    return plain


def time_text(moment: datetime) -> str:
    """Return a moment as text of fixed width in UTC."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be recorded")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def time_from_text(text: str) -> datetime:
    """Invert `time_text`."""
    return datetime.fromisoformat(text)


Columns = dict[str, np.ndarray[Any, Any]]


def plain_columns(table: pd.DataFrame) -> Columns:
    """Return the columns as 64-bit integers, 64-bit floats, booleans or texts.

    Raises:
        StoreError: A column has another type or two columns have one name.
    """
    names = [str(name) for name in table.columns]
    if len(set(names)) != len(names):
        raise StoreError(f"the cycling table names a column twice: {names}. Rename or drop one")
    columns: Columns = {}
    for name, (_, column) in zip(names, table.items(), strict=True):
        kind = column.dtype.kind
        if kind in "iu":
            columns[name] = column.to_numpy(np.int64)
        elif kind == "f":
            columns[name] = column.to_numpy(np.float64)
        elif kind == "b":
            columns[name] = column.to_numpy(np.bool_)
        elif pd.api.types.is_string_dtype(column) and not column.isna().any():
            columns[name] = column.to_numpy(object)
        else:
            raise StoreError(
                f"column {name} of the cycling table has the type {column.dtype} (or empty texts). "
                "Allowed are numbers, booleans and texts; convert the column first"
            )
    return columns


def columns_sha256(columns: Columns) -> str:
    """Return the hash of the content of a table: names, types and values, not of its file format."""
    digest = hashlib.sha256()
    for name, values in columns.items():
        kind = str(values.dtype.kind)
        if kind == "f":
            # All NaN are one value here, whatever their bits.
            body = np.where(np.isnan(values), np.nan, values).astype("<f8", copy=False).tobytes()
        elif kind in "ib":
            body = values.astype("<i8" if kind == "i" else "|b1", copy=False).tobytes()
        else:
            kind, body = "s", canonical_json([str(value) for value in values]).encode()
        digest.update(canonical_json([name, kind, len(values)]).encode() + b"\n" + body)
    return digest.hexdigest()


def parquet_bytes(columns: Columns) -> bytes:
    """Return the columns as a parquet file."""
    stream = io.BytesIO()
    # A few hundred measured floats hold no repeats worth a dictionary, and nobody searches in statistics of them.
    pq.write_table(pa.table(columns), stream, use_dictionary=False, write_statistics=False,
                   store_schema=False, compression="snappy")  # fmt: skip
    return stream.getvalue()


def table_from_parquet(body: bytes, sha256: str) -> pd.DataFrame:
    """Read a table back and compare it with its hash.

    Raises:
        StoreError: The bytes are damaged.
    """
    try:
        table: pd.DataFrame = pq.read_table(io.BytesIO(body)).to_pandas()
        found = columns_sha256(plain_columns(table))
    except (pa.ArrowException, OSError, ValueError, UnicodeError, StoreError) as error:
        raise StoreError(f"cycling table {sha256} is damaged: {error}. {_MEND}") from error
    if found != sha256:
        raise StoreError(f"cycling table {sha256} is damaged: its content now has the hash {found}. {_MEND}")
    return table


_MEND = "Restore the ledger from a backup, or record the trial again from its raw file"


def plain_text(text: str) -> str:
    """Return the text without the two things PostgreSQL cannot store: NUL and half characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
