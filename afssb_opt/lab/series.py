"""What a raw time series is inside the project: Battery Data Format 1.3 names, SI units, charging current positive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import Finding

# Machine name -> preferred label on export, from the BDF ontology 1.3.0. The last five are ours.
BDF_LABELS: Final[dict[str, str]] = {
    "test_time_second": "Test Time / s",
    "voltage_volt": "Voltage / V",
    "current_ampere": "Current / A",
    "unix_time_second": "Unix Time / s",
    "cycle_count": "Cycle Count / 1",
    "step_count": "Step Count / 1",
    "step_id": "Step ID / 1",
    "step_type": "Step Type / 1",
    "step_time_second": "Step Time / s",
    "record_index": "Record Index / 1",
    "ambient_temperature_celsius": "Ambient Temperature / degC",
    "surface_temperature_celsius": "Surface Temperature / degC",
    "surface_pressure_pa": "Surface Pressure / Pa",
    "frequency_hertz": "Frequency / Hz",
    "real_impedance_ohm": "Real Impedance / ohm",
    "imaginary_impedance_ohm": "Imaginary Impedance / ohm",
    "charging_capacity_ah": "Charging Capacity / Ah",
    "discharging_capacity_ah": "Discharging Capacity / Ah",
    "step_capacity_ah": "Step Capacity / Ah",
    "direction": "Direction / 1",
}
REQUIRED: Final = ("test_time_second", "voltage_volt", "current_ampere")


@dataclass(frozen=True)
class RawSeries:
    """A time series as read from one file, or stitched from several of one cell.

    Attributes:
        table: `REQUIRED` columns and any others of `BDF_LABELS`; all numbers.
        format_name: Key of the format that read it.
        identifiers: Texts of the file's header that may name the cell (barcode, remark, test name).
        test_uid: The tester's identity of the test, empty where the format has none.
        started_at: Seconds since the epoch; NaN where the file does not say.
        findings: What was noticed while reading.
    """

    table: pd.DataFrame
    format_name: str
    identifiers: tuple[str, ...] = ()
    test_uid: str = ""
    started_at: float = float("nan")
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def column(self, name: str) -> np.ndarray | None:
        """Return `(n,)` values, or None where the column is absent or empty."""
        if name not in self.table.columns:
            return None
        values = self.table[name].to_numpy(float)
        return values if np.isfinite(values).any() else None

    def noting(self, *findings: Finding) -> RawSeries:
        """Return the same series with more findings."""
        return replace(self, findings=(*self.findings, *findings))
