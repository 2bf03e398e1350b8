"""Whether the same measurement came in more than once, under one name or under several."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.plan import ArrivedFile


def repeated_content(
    files: Sequence[ArrivedFile], labels: Mapping[str, str]
) -> tuple[list[tuple[str, Finding]], dict[str, Finding]]:
    """Find files with equal content.

    Args:
        files: Data files in the order of arrival.
        labels: Path -> trial label, empty where unmatched.

    Returns:
        Notes by file name, and per path why it is not used: a note for a plain repeat, a refusal where one
        measurement claims to be two cells.
    """
    notes: list[tuple[str, Finding]] = []
    blocked: dict[str, Finding] = {}
    groups: dict[str, list[ArrivedFile]] = {}
    for file in files:
        groups.setdefault(_measurement_sha256(file), []).append(file)
    for group in groups.values():
        claimed = {labels[file.path] for file in group if labels[file.path]}
        if len(group) == 1:
            continue
        names = ", ".join(file.name for file in group)
        if len(claimed) > 1:
            for file in group:
                blocked[file.path] = Finding(
                    "match.same_content",
                    Verdict.REJECTED,
                    "",
                    f"one measurement under {' and '.join(sorted(claimed))}: {names}",
                    "one cell per test",
                    "Find out whose test it is and send it once",
                )
            continue
        kept = next((file for file in group if labels[file.path]), group[0])
        for file in group:
            if file is not kept:
                note = Finding(
                    "file.repeated", Verdict.NOTE, "", f"the same measurement as {kept.name}", "", "Used once"
                )
                blocked[file.path] = note
                notes.append((file.name, note))
    return notes, blocked


def _measurement_sha256(file: ArrivedFile) -> str:
    """Return the hash of the readings, equal for two exports of one test (dates and headers left out)."""
    series = file.content.series
    if series is None or len(series.table) < 2:
        return file.sha256
    time = series.table["test_time_second"].to_numpy(float)
    columns = [series.table[name].to_numpy(float) for name in ("voltage_volt", "current_ampere")]
    readings = np.column_stack([time - time[0], *columns])
    return hashlib.sha256(np.round(readings, 6).tobytes()).hexdigest()
