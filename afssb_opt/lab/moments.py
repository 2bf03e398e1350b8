"""When something happened: dates as cyclers and labs write them, used only where their order is certain."""

from __future__ import annotations

import re
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

DateOrder = Literal["iso", "mdy", "dmy"]

_FORMATS: Final[dict[DateOrder, tuple[str, ...]]] = {
    "iso": ("ISO8601",),
    "mdy": ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "ISO8601"),
    "dmy": ("%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y", "ISO8601"),
}
_NUMERIC_DATE: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
# Before 2000 no clock of a cycler was right (1970: it was never set); after 2100 none can be.
EARLIEST, LATEST = 946_684_800.0, 4_102_444_800.0


def clock_seconds(values: pd.Series, order: DateOrder) -> np.ndarray:
    """Return seconds since the epoch, taking clocks for UTC; NaN where a date cannot be read or cannot be right."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return _bounded(values)
    texts = values.astype("string").str.strip()
    for date_format in _FORMATS[order]:
        found = pd.to_datetime(texts, format=date_format, errors="coerce", utc=True)
        if found.notna().any():
            return _bounded(found)
    return np.full(len(values), np.nan)


def _bounded(moments: pd.Series) -> np.ndarray:
    seconds = moments.astype("int64" if moments.notna().all() else object)
    if seconds.dtype == object:
        stamp = np.array([moment.timestamp() if pd.notna(moment) else np.nan for moment in moments], dtype=float)
    else:
        utc = pd.to_datetime(moments, utc=True).dt.tz_localize(None).astype("datetime64[ms]")
        stamp = utc.astype("int64").to_numpy(float) / 1000.0
    return np.where((stamp > EARLIEST) & (stamp < LATEST), stamp, np.nan)


def moment_seconds(text: str, order: DateOrder) -> float:
    """Return one moment in seconds since the epoch; NaN where day and month could be exchanged."""
    match = _NUMERIC_DATE.search(text)
    if match and order == "iso":
        first, second = int(match[1]), int(match[3])
        if match[2] == "." or first > 12:
            order = "dmy"
        elif second > 12:
            order = "mdy"
        else:
            return float("nan")
    if order == "iso" and not match:
        found = pd.to_datetime(pd.Series([text]), format="ISO8601", errors="coerce", utc=True)
    else:
        found = pd.to_datetime(pd.Series([text]), errors="coerce", utc=True, dayfirst=order == "dmy", format="mixed")
    return float("nan") if found.isna().any() else float(_bounded(found)[0])


def is_ambiguous_date(text: str) -> bool:
    """Tell whether day and month of a written date could be exchanged."""
    match = _NUMERIC_DATE.search(text)
    return bool(match and match[2] != "." and int(match[1]) <= 12 and int(match[3]) <= 12 and match[1] != match[3])


def spans_seconds(values: pd.Series) -> tuple[np.ndarray, int]:
    """Return `hours:minutes:seconds` in seconds, and how many entries are no such span."""
    texts = pa.array(
        values.astype("string").tolist() if values.dtype == object else values, pa.string(), from_pandas=True
    )
    try:
        # Ten times as fast as pandas, which looks at each span with a regular expression.
        parts = pc.split_pattern(texts, ":")
        hours, minutes, seconds = (pc.cast(pc.list_element(parts, place), pa.float64()) for place in range(3))
        total = pc.add(pc.add(pc.multiply(hours, 3600.0), pc.multiply(minutes, 60.0)), seconds)
        return total.to_numpy(zero_copy_only=False), 0
    except pa.ArrowInvalid:
        spans = pd.to_timedelta(values, errors="coerce")
        return spans.dt.total_seconds().to_numpy(float), int((spans.isna() & values.notna()).sum())
