"""BioLogic EC-Lab `.mpt` in any locale: `Nb header lines`, then tab-separated columns with the unit after a slash.

Decimal sign follows the language of Windows. Area and mass in the header are 0.001 when nobody typed them and are
never read. Rows of impedance techniques stand between the cycling rows, with a frequency above zero. The start
date is written in the order of the locale, so it is used only where the order can be seen.
"""

from __future__ import annotations

from afssb_opt.lab.formats.text_format import TextFormat

BIOLOGIC = TextFormat(
    name="biologic_mpt",
    title="BioLogic EC-Lab text export (.mpt)",
    columns={
        "time": "test_time_second",
        "ecell": "voltage_volt",
        "<ecell>": "voltage_volt",
        "ewe": "voltage_volt",
        "<ewe>": "voltage_volt",
        "<i>": "current_ampere",
        "i": "current_ampere",
        "ns": "step_id",
        "cycle number": "cycle_count",
        "freq": "frequency_hertz",
        "temperature": "surface_temperature_celsius",
    },
    needs=("time",),
    marker=r"EC-Lab ASCII FILE|BT-Lab ASCII FILE",
    identifiers=(r"(?:Comments|Kommentare|Commentaires)[ \t]*:[ \t]*(\S.*)", r"File[ \t]*:[ \t]*(\S.*)\.mpr"),
    test_uid=(r"\(SN (\d+)\)", r"(?:Acquisition|Technique) started on[ \t]*:[ \t]*(.+)"),
    started_at=r"Acquisition started on[ \t]*:[ \t]*(.+)",
)
