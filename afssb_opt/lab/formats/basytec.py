"""Basytec: text export of the Battery Test Software; header lines begin with `~`, units in square brackets."""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

BASYTEC = TextFormat(
    name="basytec",
    title="Basytec text export",
    columns={
        "time": "test_time_second",
        "t-step": "step_time_second",
        "u": "voltage_volt",
        "i": "current_ampere",
        "line": "step_id",
        "cyc-count": "cycle_count",
        "dataset": "record_index",
        "t1": "surface_temperature_celsius",
    },
    needs=("time", "u", "i", "line"),
    units={"test_time_second": "s"},
    marker=r"basytec",
    identifiers=(r"~\s*Battery:[ \t]*(.+)", r"~\s*Name of Test:[ \t]*(.+)"),
    test_uid=(r"~\s*Testchannel:[ \t]*(.+)", r"~\s*Start of Test:[ \t]*(.+)"),
    started_at=r"~\s*Start of Test:[ \t]*(.+)",
    date_order="dmy",
)
