"""What one row of a result table says about one cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from afssb_opt.lab.findings import Finding


@dataclass(frozen=True)
class TableRow:
    """What one row says about one cell.

    Attributes:
        where: The row, as `Sheet1!row 7`.
        trial: Id of the trial as written; empty where the column is.
        design: The proposed design as the sheet repeats it, to verify the row.
        as_built: Values that differ from or confirm the proposal.
        status: `completed`, `partial`, `failed`, `not built` or empty.
        test_started_at: Seconds since the epoch; NaN where not given.
    """

    where: str
    trial: str
    cell_id: str
    status: str
    reason: str
    failure_kind: str
    design: Mapping[str, float | str]
    as_built: Mapping[str, float | str]
    outcomes: Mapping[str, float]
    sem: Mapping[str, float]
    censored: frozenset[str]
    area_cm2: float
    temperature_c: float
    test_started_at: float
    findings: tuple[Finding, ...] = field(default_factory=tuple)
