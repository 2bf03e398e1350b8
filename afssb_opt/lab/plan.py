"""What would be done with everything that came in, cell by cell, before anything is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.lab.findings import Finding, Verdict, worst
from afssb_opt.lab.reading import FileContent
from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.spectrum import Spectrum

Decision = Literal["accepted", "held", "rejected", "known"]


@dataclass(frozen=True)
class ArrivedFile:
    """One file that came in.

    Attributes:
        name: Path as the user gave it, for messages.
        path: Where it lies.
        is_stored: It came in earlier and lies in the store, read again to join what is new.
    """

    name: str
    path: str
    sha256: str
    content: FileContent
    is_stored: bool = False


@dataclass(frozen=True)
class CellPlan:
    """What would be recorded for one cell.

    Attributes:
        trial: Label; empty where the cell has no trial yet.
        replicate_of: The cell is one more of this trial's design and becomes a trial of its own.
        rows: Rows of tables that speak of it, and `tables` the files they stand in.
        content_keys: Hash per file and row used; where all are known, nothing is done.
        cycle_rows: Per cycle its number, and first and last row of charge and of discharge in `series`.
        is_correction: The new result replaces the standing one instead of contradicting it.
    """

    trial: str
    cell_id: str
    files: tuple[ArrivedFile, ...]
    rows: tuple[str, ...]
    tables: tuple[ArrivedFile, ...]
    result: TrialResult | None
    failure: TrialFailure | None
    as_built: Mapping[str, float | str] | None
    cycling: pd.DataFrame | None
    is_final: bool
    content_keys: frozenset[str]
    findings: tuple[Finding, ...]
    area_cm2: float = float("nan")
    is_correction: bool = False
    replicate_of: str = ""
    is_known: bool = False
    series: RawSeries | None = None
    cycle_rows: tuple[tuple[int, int, int, int, int], ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    status: Mapping[str, str] = field(default_factory=dict)

    @property
    def decision(self) -> Decision:
        """What happens without any further yes."""
        if self.is_known:
            return "known"
        verdict = worst(self.findings)
        if verdict == Verdict.REJECTED:
            return "rejected"
        return "held" if verdict == Verdict.HELD else "accepted"


@dataclass(frozen=True)
class LoosePart:
    """A file or row that belongs to no cell: refused, or waiting for a person."""

    name: str
    file: ArrivedFile | None
    findings: tuple[Finding, ...]

    @property
    def decision(self) -> Decision:
        """What happens without any further yes."""
        return "rejected" if worst(self.findings) == Verdict.REJECTED else "held"


@dataclass(frozen=True)
class Plan:
    """All cells and loose parts, in the order of arrival."""

    cells: tuple[CellPlan, ...]
    loose: tuple[LoosePart, ...]
    notes: tuple[tuple[str, Finding], ...] = ()
