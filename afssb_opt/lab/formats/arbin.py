"""Arbin: CSV and XLSX exports of MITS Pro; current signed, capacity counters run on over a whole test or cycle.

The vendor's cycle number may never increase (a schedule without a cycle counter), and the step time restarts with
each step while its first record comes one logging interval later.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

ARBIN = TextFormat(
    name="arbin",
    title="Arbin CSV or XLSX",
    columns={
        "test time": "test_time_second",
        "step time": "step_time_second",
        "current": "current_ampere",
        "voltage": "voltage_volt",
        "cycle index": "cycle_count",
        "step index": "step_id",
        "charge capacity": "charging_capacity_ah",
        "discharge capacity": "discharging_capacity_ah",
        "data point": "record_index",
        "aux temperature 1": "surface_temperature_celsius",
    },
    needs=("test time", "step index"),
    clock="date time",
    date_order="mdy",
)

BATTERY_ARCHIVE = TextFormat(
    name="battery_archive",
    title="Battery Archive time series",
    columns={
        "test time": "test_time_second",
        "current": "current_ampere",
        "voltage": "voltage_volt",
        "cycle index": "cycle_count",
        "charge capacity": "charging_capacity_ah",
        "discharge capacity": "discharging_capacity_ah",
        "cell temperature": "surface_temperature_celsius",
        "environment temperature": "ambient_temperature_celsius",
    },
    needs=("test time", "environment temperature"),
    clock="date time",
)
