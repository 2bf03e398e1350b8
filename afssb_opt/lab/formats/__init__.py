"""Which cycler formats can be read: the one place to add one.

A text format is a `TextFormat` in a file of its own here; it is recognised by its header line. A binary format is a
function from a path to a `RawSeries`, chosen by the file's ending.
"""

from __future__ import annotations

from typing import Final

from afssb_opt.lab.formats.arbin import ARBIN, BATTERY_ARCHIVE
from afssb_opt.lab.formats.basytec import BASYTEC
from afssb_opt.lab.formats.bdf import BDF, BDF_MACHINE
from afssb_opt.lab.formats.biologic import BIOLOGIC
from afssb_opt.lab.formats.landt import LANDT
from afssb_opt.lab.formats.maccor import MACCOR, MACCOR_CSV
from afssb_opt.lab.formats.neware import NEWARE
from afssb_opt.lab.formats.novonix import NOVONIX
from afssb_opt.lab.formats.plain import PLAIN
from afssb_opt.lab.formats.text_format import TextFormat

# Where several fit, the one with most columns wins, of equal ones the more particular, and of those the first.
TEXT_FORMATS: Final[dict[str, TextFormat]] = {
    text_format.name: text_format
    for text_format in (
        BIOLOGIC, NEWARE, ARBIN, BATTERY_ARCHIVE, MACCOR, MACCOR_CSV, LANDT, BASYTEC, NOVONIX, BDF, BDF_MACHINE, PLAIN,
    )
}  # fmt: skip
