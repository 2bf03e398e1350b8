"""Battery Data Format 1.3 as CSV: preferred labels (`Voltage / V`) or machine names (`voltage_volt`).

The sign is checked like any other: files exist whose charging current is negative in spite of the format's rule.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat
from afssb_opt.lab.series import BDF_LABELS
from afssb_opt.lab.units import plain_label, split_header

_LABELS = {split_header(label)[0]: name for name, label in BDF_LABELS.items() if name != "direction"}
# Names of earlier releases of the format.
_ALIASES = {
    "elapsed time": "test_time_second",
    "cycle number": "cycle_count",
    "step index": "step_id",
    "step number": "step_count",
    "date time": "unix_time_second",
}

BDF = TextFormat(
    name="bdf",
    title="Battery Data Format CSV",
    columns=_LABELS | _ALIASES,
    needs=("test time", "voltage", "current"),
)
BDF_MACHINE = TextFormat(
    name="bdf_machine",
    title="Battery Data Format CSV with machine names",
    columns={plain_label(name): name for name in BDF_LABELS},
    needs=("test time second", "voltage volt", "current ampere"),
    units={"test_time_second": "s", "voltage_volt": "v", "current_ampere": "a"},
)
