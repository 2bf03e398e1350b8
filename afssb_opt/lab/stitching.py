"""Joining several files of one cell in time: continuations are put one after another, duplicates and overlaps told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.series import RawSeries

# Two exports of one test may share their border rows; more shared time means two tests or a copied part.
MAX_OVERLAP: Final = 0.01
# Relative difference of voltage and current between two exports of one record (rounding of text exports).
SAME_RECORD: Final = 1e-4


def stitched(parts: list[RawSeries]) -> RawSeries:
    """Return one series of all files of a cell, in the order of their clocks.

    Args:
        parts: Checked series of one cell, one per file, in any order.

    Raises:
        UnreadableError: Two files overlap in time with different values, or their order cannot be told.
    """
    parts = _without_contained(parts)
    if len(parts) == 1:
        return parts[0]
    spans = [_span(part) for part in parts]
    if not all(np.isfinite(span).all() for span in spans):
        raise refuse(
            "series.overlap",
            f"{len(parts)} files of one cell, of which one has no date",
            "dates in every file",
            "Export with date and time, or send one joined file",
        )
    order = sorted(range(len(parts)), key=lambda index: spans[index][0])
    joined: list[pd.DataFrame] = []
    offset, end_clock = 0.0, -np.inf
    for index in order:
        start, end = spans[index]
        overlap = end_clock - start
        if overlap > MAX_OVERLAP * max(end - start, 1.0) and overlap > 60.0:
            raise refuse(
                "series.overlap",
                f"two files of one cell share {overlap:.0f} s with different values",
                "files that follow each other",
                "Send only the files of this cell, each once",
            )
        table = parts[index].table
        time = table["test_time_second"].to_numpy(float)
        gap = max(0.0, start - end_clock) if np.isfinite(end_clock) else 0.0
        steps = {"step_count": table["step_count"] + 1e6 * len(joined)} if "step_count" in table else {}
        joined.append(table.assign(test_time_second=time - time[0] + offset + gap, **steps))
        offset, end_clock = float(joined[-1]["test_time_second"].iloc[-1]), end
    note = Finding(
        "series.continued", Verdict.NOTE, "", f"{len(parts)} files of one cell", "", "Joined by their clocks"
    )
    first = parts[order[0]]
    return replace(
        first,
        table=pd.concat(joined, ignore_index=True),
        test_uid="+".join(parts[index].test_uid for index in order),
        findings=(*(finding for index in order for finding in parts[index].findings), note),
    )


def _span(part: RawSeries) -> tuple[float, float]:
    clock = part.column("unix_time_second")
    time = part.table["test_time_second"].to_numpy(float)
    if clock is not None:
        finite = clock[np.isfinite(clock)]
        return float(finite[0]), float(finite[-1])
    return part.started_at, part.started_at + float(time[-1] - time[0])


def _without_contained(parts: list[RawSeries]) -> list[RawSeries]:
    """Drop a file whose records all stand at the beginning of a longer one: an earlier export of the same test."""
    kept: list[RawSeries] = []
    for part in sorted(parts, key=lambda part: -len(part.table)):
        if not any(begins_with(longer, part) for longer in kept):
            kept.append(part)
    return kept


def begins_with(longer: RawSeries, shorter: RawSeries) -> bool:
    """Tell whether the shorter series is the beginning of the longer one, record by record."""
    n = len(shorter.table)
    if n > len(longer.table) or n == 0:
        return False
    for name in ("voltage_volt", "current_ampere", "test_time_second"):
        ours = longer.table[name].to_numpy(float)[:n]
        theirs = shorter.table[name].to_numpy(float)
        if name == "test_time_second":
            ours, theirs = ours - ours[0], theirs - theirs[0]
        scale = max(float(np.abs(theirs).max()), 1e-12)
        if not np.allclose(ours, theirs, rtol=SAME_RECORD, atol=SAME_RECORD * scale):
            return False
    return True
