"""What one text export of a cycler is: which header labels mean what; one such object per vendor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from afssb_opt.lab.units import UNITS, split_header

# Dimension that each column must have; a header that states another one is another quantity.
DIMENSIONS: Final[dict[str, str]] = {
    "test_time_second": "time", "step_time_second": "time", "voltage_volt": "voltage", "current_ampere": "current",
    "charging_capacity_ah": "charge", "discharging_capacity_ah": "charge", "step_capacity_ah": "charge",
    "surface_pressure_pa": "pressure", "ambient_temperature_celsius": "temperature",
    "surface_temperature_celsius": "temperature", "frequency_hertz": "frequency",
}  # fmt: skip


@dataclass(frozen=True)
class TextFormat:
    """A text (or spreadsheet) export with one row per record.

    Attributes:
        name: Short name, unique in the registry.
        title: Vendor and file, for messages.
        columns: Plain header label -> column of the series; of several labels of one column the first present counts.
        needs: Labels that tell this format from others; all must be in the header.
        units: Unit of a column whose header states none.
        marker: Regular expression that the text above the header must match.
        identifiers: Regular expressions over that text; group 1 may name the cell.
        test_uid: Likewise; all groups 1 together identify the test.
        started_at: Likewise; group 1 is the start of the test.
        clock: Plain label of a column with date and time.
        date_order: How that vendor writes dates whose order cannot be seen.
        directions: Regular expression over the words of `direction_label` -> +1 charge, -1 discharge.
        direction_label: Plain label of the column that says charge, discharge or rest.
        has_assumed_units: The header states no units, so a person must confirm them.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    needs: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    marker: str = ""
    identifiers: tuple[str, ...] = ()
    test_uid: tuple[str, ...] = ()
    started_at: str = ""
    clock: str = ""
    date_order: Literal["iso", "mdy", "dmy"] = "iso"
    directions: Mapping[str, int] = field(default_factory=dict)
    direction_label: str = ""
    has_assumed_units: bool = False

    def match(self, header: list[str], above: str) -> dict[str, tuple[int, float]] | None:
        """Return `{column: (place, factor)}` for a header line, or None where it is not of this format."""
        if self.marker and not re.search(self.marker, above, re.IGNORECASE):
            return None
        split = [split_header(text) for text in header]
        labels = [label for label, _ in split]
        if not set(self.needs) <= set(labels):
            return None
        found: dict[str, tuple[int, float]] = {}
        for label, column in self.columns.items():
            if column in found or label not in labels:
                continue
            place = labels.index(label)
            unit = split[place][1] or self.units.get(column, "")
            dimension, factor = UNITS.get(unit, ("", 1.0))
            wanted = DIMENSIONS.get(column)
            # A quantity of another dimension, or without any unit, is not taken for this column.
            if wanted is not None and dimension != wanted:
                continue
            found[column] = (place, factor if wanted else 1.0)
        return found

    def place(self, header: list[str], label: str) -> int | None:
        """Return the place of the column with this plain label."""
        labels = [split_header(text)[0] for text in header]
        return labels.index(label) if label in labels else None
