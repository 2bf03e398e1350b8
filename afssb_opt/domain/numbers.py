"""How numbers are written: with what is not known about them, or with what they count."""

from __future__ import annotations

import math


def counted(n: int, noun: str) -> str:
    """Return `1 new file` or `2 new files`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def with_deviation(mean: float, sd: float) -> str:
    """Return `2010 ± 210` or `962.1 ± 6.1`: two digits of the deviation, and as many decimals in the mean.

    What is known exactly has no deviation: `962.1`.
    """
    if sd == 0:
        return f"{mean:.4g}"
    if not (math.isfinite(mean) and math.isfinite(sd) and 1e-6 < sd < 1e6):
        return f"{mean:.4g} ± {sd:.2g}"
    decimals = 1 - math.floor(math.log10(sd))
    shown = max(decimals, 0)
    return f"{round(mean, decimals):.{shown}f} ± {round(sd, decimals):.{shown}f}"
