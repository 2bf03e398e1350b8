"""How a trial is called in the laboratory: `T0007-K`, a short label whose last letter catches a slip of the pen."""

from __future__ import annotations

import re
from typing import Final

# 23 letters, a prime: I, O and Q are left out because they read as 1 and 0 on a hand-written cell.
CHECK_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
# 5 generates all residues modulo 23, so every digit has its own weight and one wrong digit or one swap is seen.
_GENERATOR: Final = 5
_LABEL: Final = re.compile(r"T(\d{4,20})-([A-Z])", re.IGNORECASE)


def trial_label(serial: int) -> str:
    """Return the label of the trial with this serial number in the ledger.

    Args:
        serial: Counts the trials of all campaigns of one ledger, from 1.
    """
    digits = f"{serial:04d}"
    return f"T{digits}-{_check_letter(digits)}"


def serial_of_label(label: str) -> int | None:
    """Return the serial number, or None where the text is not a label or its check letter does not fit."""
    match = _LABEL.fullmatch(label.strip())
    if match is None or _check_letter(match[1]) != match[2].upper():
        return None
    return int(match[1])


def looks_like_label(text: str) -> bool:
    """Tell whether the text has the shape of a label, whatever its check letter."""
    return _LABEL.fullmatch(text.strip()) is not None


def _check_letter(digits: str) -> str:
    total = sum(int(digit) * pow(_GENERATOR, place, 23) for place, digit in enumerate(reversed(digits), start=1))
    return CHECK_LETTERS[total % 23]
