"""What an impedance spectrum is inside the project."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from afssb_opt.lab.findings import Finding


@dataclass(frozen=True)
class Spectrum:
    """One impedance spectrum.

    Attributes:
        frequency_hz: `(n,)`.
        impedance_ohm: `(n,)` complex, mathematical sign: capacitive means a negative imaginary part.
        conditions: What the file says about the measurement (date, bias, amplitude), as text.
    """

    frequency_hz: np.ndarray
    impedance_ohm: np.ndarray
    conditions: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
