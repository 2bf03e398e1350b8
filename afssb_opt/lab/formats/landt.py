"""Landt: CSV export; units after an underscore, rows end with one comma more than the header.

Current may be rounded to 0.1 mA, so that its integral is wrong by tens of percent; the counters are right then.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

LANDT = TextFormat(
    name="landt",
    title="Landt CSV",
    columns={
        "test time": "test_time_second",
        "step time": "step_time_second",
        "current": "current_ampere",
        "voltage": "voltage_volt",
        "cycle index": "cycle_count",
        "step index": "step_id",
        "charge capacity": "charging_capacity_ah",
        "discharge capacity": "discharging_capacity_ah",
        "pressure": "surface_pressure_pa",
        "temperature 1": "surface_temperature_celsius",
    },
    needs=("test time", "date time iso string", "step name"),
    identifiers=(r"cell id:[ \t]*([^,\s][^,]*)",),
    clock="date time iso string",
    date_order="mdy",
    directions={r"^charge|cha$": 1, r"discharge|dis$": -1},
    direction_label="step name",
)
