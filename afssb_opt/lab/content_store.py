"""How the content of a file travels from the reading process: numbers as parquet, the rest as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.grid import Cell, Grid, GridRow
from afssb_opt.lab.pressure import PressureTrace
from afssb_opt.lab.reading import FileContent
from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.spectrum import Spectrum


def write_content(content: FileContent, folder: Path) -> None:
    """Write what a file holds into an empty folder."""
    words: dict[str, Any] = {"kind": content.kind, "findings": [asdict(finding) for finding in content.findings]}
    if content.series is not None:
        series = content.series
        series.table.to_parquet(folder / "table.parquet", index=False, compression=None)
        words["series"] = {
            "format_name": series.format_name,
            "identifiers": list(series.identifiers),
            "test_uid": series.test_uid,
            "started_at": series.started_at,
        }
    if content.spectrum is not None:
        z = content.spectrum.impedance_ohm
        points = pd.DataFrame({"frequency_hz": content.spectrum.frequency_hz, "re": z.real, "im": z.imag})
        points.to_parquet(folder / "table.parquet", index=False)
        words["spectrum"] = {
            "conditions": content.spectrum.conditions,
            "findings": [asdict(finding) for finding in content.spectrum.findings],
        }
    if content.pressure is not None:
        trace = content.pressure
        table = pd.DataFrame({"time_s": trace.time_s, "pressure_pa": trace.pressure_pa})
        table.to_parquet(folder / "table.parquet", index=False)
        words["pressure"] = {"has_clock": trace.has_clock}
    words["grids"] = [
        {
            "sheet": grid.sheet,
            "decimal_default": grid.decimal_default,
            "findings": [asdict(finding) for finding in grid.findings],
            "rows": [
                [row.number, row.is_hidden, row.is_cut, [[c.text, c.kind, c.is_percent] for c in row.cells]]
                for row in grid.rows
            ],
        }
        for grid in content.grids
    ]
    (folder / "content.json").write_text(json.dumps(words), encoding="utf-8")


def read_content(folder: Path) -> FileContent:
    """Read it back."""
    words = json.loads((folder / "content.json").read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / "table.parquet") if (folder / "table.parquet").exists() else pd.DataFrame()
    series = spectrum = pressure = None
    if about := words.get("series"):
        series = RawSeries(
            table, about["format_name"], tuple(about["identifiers"]), about["test_uid"], float(about["started_at"])
        )
    if about := words.get("spectrum"):
        impedance = table["re"].to_numpy(float) + 1j * table["im"].to_numpy(float)
        spectrum = Spectrum(
            table["frequency_hz"].to_numpy(float), impedance, about["conditions"], _findings(about["findings"])
        )
    if about := words.get("pressure"):
        pressure = PressureTrace(
            np.asarray(table["time_s"], float), np.asarray(table["pressure_pa"], float), about["has_clock"]
        )
    grids = tuple(
        Grid(
            tuple(
                GridRow(number, tuple(Cell(*cell) for cell in cells), hidden, cut)
                for number, hidden, cut, cells in grid["rows"]
            ),
            grid["sheet"],
            grid["decimal_default"],
            _findings(grid["findings"]),
        )
        for grid in words["grids"]
    )
    return FileContent(words["kind"], series, grids, spectrum, pressure, _findings(words["findings"]))


def _findings(words: list[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(**{**word, "verdict": Verdict(word["verdict"])}) for word in words)
