import numpy as np
import pytest

from afssb_opt.lab.impedance import spectrum_result
from afssb_opt.lab.reading import read_file
from afssb_opt.lab.spectrum import Spectrum

FREQUENCY = np.logspace(5, -2, 71)


def arc(frequency=FREQUENCY, series=10.0, parallel=40.0, tau=1e-3):
    return series + parallel / (1 + 2j * np.pi * frequency * tau)


def test_intercept_and_total_of_a_known_circuit_are_found():
    result = spectrum_result(Spectrum(FREQUENCY, arc()))
    assert result.intercept_ohm == pytest.approx(10.0, rel=0.02)
    assert result.total_ohm == pytest.approx(50.0, rel=0.02)
    assert result.is_reliable
    assert result.residual < 0.002


def test_a_blocking_tail_is_not_part_of_the_resistance():
    z = arc() - 1j / (2 * np.pi * FREQUENCY * 0.5)
    assert spectrum_result(Spectrum(FREQUENCY, z)).total_ohm == pytest.approx(50.0, rel=0.03)


def test_a_drifting_cell_fails_the_kramers_kronig_test():
    drifting = arc() * np.linspace(1.0, 1.6, 71) ** np.where(FREQUENCY < 50, 1.0, -0.5)
    result = spectrum_result(Spectrum(FREQUENCY, drifting))
    assert not result.is_reliable
    assert "impedance.kramers_kronig" in {finding.rule for finding in result.findings}


def test_an_exported_minus_imaginary_part_is_turned_and_a_true_positive_one_is_flagged(tmp_path):
    z = arc()
    for header, imaginary in (("-Im(Z)/Ohm", -z.imag), ("Im(Z)/Ohm", z.imag)):
        path = tmp_path / "a.csv"
        rows = "\n".join(f"{f},{re},{im}" for f, re, im in zip(FREQUENCY, z.real, imaginary, strict=True))
        path.write_text(f"freq/Hz,Re(Z)/Ohm,{header}\n{rows}\n")
        np.testing.assert_allclose(read_file(path).spectrum.impedance_ohm, z, rtol=1e-6)
    flagged = spectrum_result(Spectrum(FREQUENCY, z.conj()))
    assert not flagged.is_reliable
    assert "impedance.sign" in {finding.rule for finding in flagged.findings}


def test_one_point_is_no_spectrum():
    result = spectrum_result(Spectrum(FREQUENCY[:1], arc()[:1]))
    assert [finding.rule for finding in result.findings] == ["impedance.points"]
    assert result.findings[0].verdict.name == "REJECTED"
