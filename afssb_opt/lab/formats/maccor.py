"""Maccor: tab-separated `.001` files and CSV exports; current is a magnitude, the state column gives its sign.

The header is cp1252 and may hold a stray 0xFF. Later files of one test repeat its rows under another date.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

_IDENTIFIERS = (r"Comment/Barcode:[ \t]*([^\t\r\n]+)", r"Filename:[ \t]*([^\t\r\n]+?)\s+Procedure")
_DIRECTIONS = {r"^C$": 1, r"^D$": -1}

MACCOR = TextFormat(
    name="maccor",
    title="Maccor text export (.001)",
    columns={
        "test": "test_time_second",
        "step": "step_id",
        "amps": "current_ampere",
        "volts": "voltage_volt",
        "cyc#": "cycle_count",
        "rec#": "record_index",
        "amp-hr": "step_capacity_ah",
    },
    needs=("rec#", "amps", "volts", "state"),
    units={"current_ampere": "a", "voltage_volt": "v", "step_capacity_ah": "ah"},
    identifiers=_IDENTIFIERS,
    test_uid=(r"Filename:[ \t]*([^\t\r\n]+?)\s+Procedure",),
    started_at=r"Date of Test:[ \t]*([0-9/]+)",
    clock="dpt time",
    date_order="mdy",
    directions=_DIRECTIONS,
    direction_label="state",
)

MACCOR_CSV = TextFormat(
    name="maccor_csv",
    title="Maccor CSV export",
    columns={
        "test time": "test_time_second",
        "step time": "step_time_second",
        "current": "current_ampere",
        "voltage": "voltage_volt",
        "cycle c": "cycle_count",
        "step": "step_id",
        "rec": "record_index",
        "temp 1": "surface_temperature_celsius",
    },
    needs=("rec", "test time", "current", "voltage"),
    units={"current_ampere": "a", "voltage_volt": "v"},
    identifiers=_IDENTIFIERS,
    started_at=r"Date of Test:,?[ \t]*([^\r\n,]+)",
    clock="dpt time",
    directions=_DIRECTIONS,
    direction_label="state",
    has_assumed_units=True,
)
