"""Novonix UHPC: a `[Summary]`, a `[Protocol]` in JSON, then `[Data]` with times in hours.

Mass and area in the summary are placeholders (1.000) when nobody typed them and are never read.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

NOVONIX = TextFormat(
    name="novonix",
    title="Novonix CSV",
    columns={
        "run time": "test_time_second",
        "step time": "step_time_second",
        "current": "current_ampere",
        "potential": "voltage_volt",
        "cycle number": "cycle_count",
        "step number": "step_id",
        "temperature": "surface_temperature_celsius",
    },
    needs=("run time", "potential", "step type"),
    identifiers=(r"CellID:[ \t]*(\S.*)", r"Cell:[ \t]*(\S.*)", r"Description:[ \t]*(\S.*)"),
    test_uid=(r"Channel:[ \t]*(.+)", r"Started:[ \t]*(.+)"),
    started_at=r"Started:[ \t]*(.+)",
    clock="date and time",
)
