"""Plain tables of time, voltage and current from home-made loggers; a person must confirm their units."""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

PLAIN = TextFormat(
    name="plain",
    title="plain table of test_time, voltage and current",
    columns={
        "test time": "test_time_second",
        "time": "test_time_second",
        "voltage": "voltage_volt",
        "current": "current_ampere",
        "step time": "step_time_second",
        "step": "step_id",
        "cycle": "cycle_count",
        "index": "record_index",
        "charge capacity": "charging_capacity_ah",
        "discharge capacity": "discharging_capacity_ah",
        "pressure": "surface_pressure_pa",
    },
    needs=("current",),
    units={
        "test_time_second": "s",
        "voltage_volt": "v",
        "current_ampere": "a",
        "charging_capacity_ah": "ah",
        "discharging_capacity_ah": "ah",
    },
    has_assumed_units=True,
)
