"""What a cell of a result table says: a number, its uncertainty, a lower limit, or nothing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

MISSING_WORDS: Final = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "–",
        "—",
        "n.d.",
        "n.d",
        "nd",
        "n/a",
        "na",
        "n.a.",
        "nan",
        "none",
        "null",
        "?",
        "#n/a",
        "not measured",
        "missing",
        "inf",
        "-inf",
        "+inf",
        "infinity",
    }
)
RUNNING_WORDS: Final = frozenset({"still running", "running", "ongoing", "in progress", "not reached", "cycling"})
# Numbers that software writes for "no reading" (lab_files section 5, row 32).
SENTINELS: Final = frozenset({-999.0, -9999.0, 9999.0, 99999.0})
TOO_LARGE: Final = 1e30

_NUMBER: Final = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_VALUE: Final = re.compile(
    r"^(?P<limit>>=|=>|>|≥|<=|=<|<|≤|at least\s)?\s*(?P<about>~|≈|ca\.?\s|approx\.?\s|about\s)?"
    rf"\s*(?P<value>{_NUMBER})\s*"
    rf"(?:(?:\+/-|\+-|±|\+\s*/\s*-)\s*(?P<sem>{_NUMBER}))?\s*(?P<percent>%)?\s*(?P<plus>\+)?$"
)
_PLAIN_COMMA: Final = re.compile(r"\d,\d")
_PLAIN_POINT: Final = re.compile(r"\d\.\d")


@dataclass(frozen=True)
class Value:
    """One reading of a cell.

    Attributes:
        kind: `missing`, `running` (words that say the cell goes on), `number`, or `words` (anything else).
        sem: Uncertainty after a `+-`; NaN where none is stated.
        limit: `>` for a lower limit, `<` for an upper limit, empty for a plain value.
        has_percent: The text carries a percent sign.
    """

    kind: Literal["missing", "running", "number", "words"]
    number: float = math.nan
    sem: float = math.nan
    limit: Literal["", ">", "<"] = ""
    has_percent: bool = False


def read_value(text: str, decimal: Literal[".", ","]) -> Value:
    """Read the text of one cell with the decimal sign of its column."""
    plain = text.replace("\u00a0", " ").replace("\u2212", "-").strip()
    if plain.lower() in MISSING_WORDS:
        return Value("missing")
    if plain.lower() in RUNNING_WORDS:
        return Value("running")
    match = _VALUE.match(plain)
    if match is None:
        return Value("words")
    number, sem = _as_float(match["value"], decimal), _as_float(match["sem"] or "nan", decimal)
    if number is None or sem is None:
        return Value("words")
    if number in SENTINELS or abs(number) > TOO_LARGE or math.isnan(number):
        return Value("missing")
    limit = (match["limit"] or "").strip()
    sign: Literal["", ">", "<"] = ">" if limit in {">", ">=", "=>", "≥", "at least"} or match["plus"] else ""
    if limit in {"<", "<=", "=<", "≤"}:
        sign = "<"
    return Value("number", number, sem, sign, bool(match["percent"]))


def _as_float(text: str, decimal: str) -> float | None:
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    elif "," in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def column_decimal(texts: list[str], default: Literal[".", ","]) -> Literal[".", ",", "mixed"]:
    """Return the decimal sign that a whole column uses."""
    numeric = [text for text in texts if _VALUE.match(text.strip())]
    has_comma = any(_PLAIN_COMMA.search(text) for text in numeric)
    has_point = any(_PLAIN_POINT.search(text) for text in numeric)
    if has_comma and has_point:
        return "mixed"
    if has_comma:
        return ","
    return "." if has_point else default
