"""How a column header states quantity and unit, and what factor leads to the unit used inside; the one such place."""

from __future__ import annotations

import re
from typing import Final

# Unit as written in headers (lower case, except where case matters) -> (dimension, factor to the SI or project unit).
UNITS: Final[dict[str, tuple[str, float]]] = {
    "s": ("time", 1.0), "sec": ("time", 1.0), "second": ("time", 1.0), "ms": ("time", 1e-3), "min": ("time", 60.0),
    "h": ("time", 3600.0), "hr": ("time", 3600.0), "hour": ("time", 3600.0), "d": ("time", 86400.0),
    "a": ("current", 1.0), "ma": ("current", 1e-3), "ua": ("current", 1e-6), "na": ("current", 1e-9),
    "v": ("voltage", 1.0), "mv": ("voltage", 1e-3), "uv": ("voltage", 1e-6),
    "ah": ("charge", 1.0), "mah": ("charge", 1e-3), "uah": ("charge", 1e-6), "c": ("temperature", 1.0),
    "wh": ("energy", 1.0), "mwh": ("energy", 1e-3), "hz": ("frequency", 1.0), "khz": ("frequency", 1e3),
    "ohm": ("resistance", 1.0), "mohm": ("resistance", 1e-3), "kohm": ("resistance", 1e3),
    "pa": ("pressure", 1.0), "kpa": ("pressure", 1e3), "mpa": ("pressure", 1e6), "bar": ("pressure", 1e5),
    "psi": ("pressure", 6894.757), "degc": ("temperature", 1.0), "1": ("count", 1.0), "n": ("force", 1.0),
}  # fmt: skip

_SPELLINGS: Final = (
    ("µ", "u"),
    ("μ", "u"),
    ("Ω", "ohm"),
    ("Ω", "ohm"),
    ("°C", "degc"),
    ("�C", "degc"),
    ("\ufffd", ""),
    ("degree celsius", "degc"),
    ("A.h", "Ah"),
)
_BRACKETED: Final = re.compile(r"^(?P<label>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*$")
_SLASHED: Final = re.compile(r"^(?P<label>.+?)\s*/\s*(?P<unit>[A-Za-z°%.0-9]+)$")
_SUFFIXED: Final = re.compile(r"^(?P<label>.+)_(?P<unit>s|A|mA|V|Ah|mAh|Wh|Psi|C|Hz|ohm|mA_cm2)$")


def split_header(header: str) -> tuple[str, str]:
    """Return label (lower case, words apart by one blank) and unit (as in `UNITS`; empty where none is stated)."""
    text = header.strip().strip("~\"'").strip()
    for written, meant in _SPELLINGS:
        text = text.replace(written, meant)
    for pattern in (_BRACKETED, _SLASHED, _SUFFIXED):
        match = pattern.match(text)
        if match:
            unit = match["unit"].strip().lower()
            if unit in UNITS:
                return plain_label(match["label"]), unit
    return plain_label(text), ""


def plain_label(text: str) -> str:
    """Return a label in lower case with single blanks, so that spellings of one header agree."""
    return re.sub(r"[\s_.]+", " ", text.strip().lower()).strip()
