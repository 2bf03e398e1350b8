"""Neware: CSV and XLSX exports of BTSDA; times as `hours:minutes:seconds`, units of current in the header."""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

NEWARE = TextFormat(
    name="neware",
    title="Neware CSV or XLSX",
    columns={
        "cumulative time": "test_time_second",
        "total time": "test_time_second",
        "time": "step_time_second",
        "current": "current_ampere",
        "voltage": "voltage_volt",
        "cycle index": "cycle_count",
        "step index": "step_id",
        "chg cap": "charging_capacity_ah",
        "dchg cap": "discharging_capacity_ah",
        "datapoint": "record_index",
    },
    needs=("step type", "current", "voltage"),
    units={"test_time_second": "s", "step_time_second": "s"},
    clock="date",
    directions={r"\bchg\b|charge$": 1, r"dchg|discharge": -1},
    direction_label="step type",
)
