"""What an impedance spectrum tells: whether it is consistent, its high-frequency intercept and its total resistance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.spectrum import Spectrum

# Fewer points do not constrain an intercept and an arc.
MIN_POINTS: Final = 8
# Residual of the Kramers-Kronig test above which a spectrum is flagged (lab_files section 3: 1 to 2 %).
MAX_RESIDUAL: Final = 0.02
# RC elements per decade of the test; 3 follow any arc of a battery and still cannot follow drift.
ELEMENTS_PER_DECADE: Final = 3
# An arc whose top lies just outside the measured range still bends the spectrum inside it.
MARGIN_DECADES: Final = 1.0
# More sign changes of the imaginary part than one (inductive start) make the intercept a matter of noise.
MAX_SIGN_CHANGES: Final = 2


@dataclass(frozen=True)
class SpectrumResult:
    """What was fitted.

    Attributes:
        residual: Largest deviation from the Kramers-Kronig model over the modulus.
        intercept_ohm: Real part at infinite frequency, by fit.
        total_ohm: Intercept plus all arcs; a blocking low-frequency tail is not part of it.
        is_reliable: The spectrum is consistent enough for an areal resistance.
    """

    residual: float
    intercept_ohm: float
    total_ohm: float
    is_reliable: bool
    findings: tuple[Finding, ...]


def spectrum_result(spectrum: Spectrum) -> SpectrumResult:
    """Test and fit a spectrum."""
    findings = list(spectrum.findings)
    frequency, z = spectrum.frequency_hz, spectrum.impedance_ohm
    if len(frequency) < MIN_POINTS:
        findings.append(
            Finding(
                "impedance.points",
                Verdict.REJECTED,
                "",
                f"{len(frequency)} complete points",
                f"at least {MIN_POINTS}",
                "Measure more points per decade",
            )
        )
        return SpectrumResult(float("nan"), float("nan"), float("nan"), False, tuple(findings))
    if np.median(z.imag) > 0:
        findings.append(
            Finding(
                "impedance.sign",
                Verdict.WARNING,
                "imaginary part",
                "is mostly positive",
                "negative when capacitive",
                "Inductive, or exported as -Im; no areal resistance is taken",
            )
        )
    changes = int((np.diff(np.sign(z.imag[np.argsort(-frequency)])) != 0).sum())
    if changes > MAX_SIGN_CHANGES:
        findings.append(
            Finding(
                "impedance.sign",
                Verdict.WARNING,
                "imaginary part",
                f"changes sign {changes} times",
                f"at most {MAX_SIGN_CHANGES}",
                "The intercept is unreliable; no areal resistance is taken",
            )
        )
    residual, intercept, total = kramers_kronig_fit(frequency, z)
    if residual > MAX_RESIDUAL:
        findings.append(
            Finding(
                "impedance.kramers_kronig",
                Verdict.WARNING,
                "",
                f"residual {100 * residual:.1f} %",
                f"{100 * MAX_RESIDUAL:g} %",
                "The cell drifted or the contact was noisy; no areal resistance is taken",
            )
        )
    is_reliable = residual <= MAX_RESIDUAL and changes <= MAX_SIGN_CHANGES and bool(np.median(z.imag) <= 0)
    return SpectrumResult(residual, intercept, total, is_reliable, tuple(findings))


def kramers_kronig_fit(frequency: np.ndarray, z: np.ndarray) -> tuple[float, float, float]:
    """Fit a resistor, RC elements with fixed time constants, an inductance and a capacitance in series.

    Every such chain obeys the Kramers-Kronig relations, so what it cannot follow does not. For intercept and total
    the resistances are kept positive, which holds for batteries and makes both stable.

    Returns:
        Largest residual over the modulus, intercept in ohm, total resistance in ohm.
    """
    omega = 2 * np.pi * frequency
    decades = max(1.0, float(np.log10(omega.max() / omega.min())))
    n_elements = int(ELEMENTS_PER_DECADE * (decades + 2 * MARGIN_DECADES))
    tau = np.logspace(-np.log10(omega.max()) - MARGIN_DECADES, -np.log10(omega.min()) + MARGIN_DECADES, n_elements)
    weight = 1.0 / np.abs(z)
    columns = [np.ones_like(omega, dtype=complex)]
    columns += [1.0 / (1.0 + 1j * omega * constant) for constant in tau]
    columns += [1j * omega / omega.max(), -1j * omega.min() / omega]
    design = np.column_stack(columns) * weight[:, None]
    target = z * weight
    stacked = np.vstack([design.real, design.imag])
    wanted = np.concatenate([target.real, target.imag])
    free, *_ = np.linalg.lstsq(stacked, wanted, rcond=1e-8)
    residual = float(np.max(np.abs(np.column_stack(columns) @ free - z) * weight))
    solution, _ = nnls(stacked, wanted)
    # Elements slower than the slowest measured point belong to the blocking tail, not to an arc that was seen.
    seen = tau <= 1.0 / omega.min()
    return residual, float(solution[0]), float(solution[0] + solution[1 : 1 + n_elements][seen].sum())
