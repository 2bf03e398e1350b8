"""Reading impedance spectra: Gamry `.DTA`, BioLogic `.mpt`, ZPlot `.z` and plain CSV, points with gaps left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.spectrum import Spectrum
from afssb_opt.lab.text_file import DELIMITERS, decimal_sign, read_head

# Plain header labels of the three columns; the second name of the imaginary part carries the opposite sign.
_FREQUENCY: Final = re.compile(r"^(freq(uency)?|f)\b", re.IGNORECASE)
_REAL: Final = re.compile(r"^(re\(z\)|zreal|z'|z_re|real|real impedance|z real)", re.IGNORECASE)
_IMAGINARY: Final = re.compile(r"^(im\(z\)|zimag|z''|z_im|imag|imaginary impedance|z imag)", re.IGNORECASE)
_NEGATED: Final = re.compile(r"^(-\s*im\(z\)|-\s*z''|-\s*zimag|-\s*imag)", re.IGNORECASE)
_CONDITIONS: Final[dict[str, str]] = {
    "date": r"(?:Acquisition started on\s*:\s*|DATE\tLABEL\t|Date:\s*)([^\t\n]+)",
    "bias_v": r"(?:VDC\tPOTEN\t|Potential-DC:\s*)([^\t\n]+)",
    "amplitude_mv": r"(?:VAC\tQUANT\t|Va \(mV\)\s*|Potential-AC:\s*)([^\t\n]+)",
    "title": r"TITLE\tLABEL\t([^\t\n]+)",
}
MAX_LINES: Final = 200_000


def read_spectrum(path: Path) -> Spectrum | None:
    """Read a spectrum, or return None where the file is none.

    Raises:
        UnreadableError: It is a spectrum without a usable point.
    """
    head = read_head(path)
    text = path.read_bytes().decode(head.encoding, errors="replace") if path.stat().st_size < 20_000_000 else ""
    lines = re.split(r"\r\n|\n|\r", text)[:MAX_LINES]
    found = _header(lines)
    if found is None:
        return _headless(lines, path)
    start, delimiter, (place_f, place_re, place_im), sign, has_cycling = found
    above = "\n".join(lines[:start])
    body = lines[start:]
    if lines[0].startswith("EXPLAIN"):
        # Further tables of a Gamry file follow, each with its name at the beginning of a line.
        body = body[: next((number for number, line in enumerate(body) if line and line[0] != "\t"), len(body))]
    decimal, _ = decimal_sign(body, delimiter)
    points = [_point(line.split(delimiter), (place_f, place_re, place_im), decimal) for line in body]
    filled = [point for line, point in zip(body, points, strict=True) if point is not None and line.strip()]
    if has_cycling and sum(point[0] > 0 for point in filled) < 0.5 * len(filled):
        # Impedance rows between cycling rows: a cycling file.
        return None
    return _spectrum(filled, sign, above, "\n".join(lines))


def _header(lines: list[str]) -> tuple[int, str, tuple[int, int, int], float, bool] | None:
    """Return the first data line, delimiter, places of the columns, sign of the imaginary part, and if it has time."""
    # Gamry writes the open-circuit table first; the spectrum follows ZCURVE.
    begin = next((number for number, line in enumerate(lines) if line.startswith("ZCURVE")), 0)
    for number in range(begin, min(len(lines), begin + 2000)):
        for delimiter in DELIMITERS:
            names = [name.strip().strip('"') for name in lines[number].split(delimiter)]
            if len(names) < 3:
                continue
            places = [next((i for i, n in enumerate(names) if p.match(n)), None) for p in (_FREQUENCY, _REAL)]
            plain = next((i for i, n in enumerate(names) if _IMAGINARY.match(n)), None)
            negated = next((i for i, n in enumerate(names) if _NEGATED.match(n)), None)
            imaginary = plain if plain is not None else negated
            if places[1] is not None and imaginary is not None and places[0] is None and _has_ohm(names):
                raise refuse(
                    "impedance.points",
                    "no column of frequency",
                    "frequency, real and imaginary part",
                    "Export with the frequency",
                    f"line {number + 1}",
                )
            if places[0] is None or places[1] is None or imaginary is None:
                continue
            start = number + 1
            while start < len(lines) and re.match(r"^\s*(#|End Comments)", lines[start]):
                start += 1
            has_cycling = any(re.match(r"^<?E|^voltage", name, re.IGNORECASE) for name in names)
            return start, delimiter, (places[0], places[1], imaginary), 1.0 if plain is not None else -1.0, has_cycling
    return None


def _has_ohm(names: list[str]) -> bool:
    """Tell whether any of the columns is an impedance in ohm."""
    return any(re.search(r"ohm|Ω", name, re.IGNORECASE) for name in names)


def _point(fields: list[str], places: tuple[int, int, int], decimal: str) -> tuple[float, float, float] | None:
    """Return one point; None for a line that is no data at all, NaN for what is missing in a point."""
    if len(fields) <= max(places):
        return None
    values = []
    for place in places:
        text = fields[place].strip().strip('"')
        try:
            values.append(float(text.replace(",", ".") if decimal == "," else text))
        except ValueError:
            values.append(float("nan"))
    return None if np.isnan(values).all() else (values[0], values[1], values[2])


def _headless(lines: list[str], path: Path) -> Spectrum | None:
    """Read three bare columns, frequency, real and imaginary part, as impedance tools write them."""
    rows = []
    for line in lines[:5000]:
        if not line.strip():
            continue
        try:
            row = [float(field) for field in re.split(r"[,;\t]", line.strip())]
        except ValueError:
            return None
        if len(row) != 3:
            return None
        rows.append((row[0], row[1], row[2]))
    frequency = np.array([row[0] for row in rows])
    falls_or_rises = len(rows) > 3 and (np.all(np.diff(frequency) > 0) or np.all(np.diff(frequency) < 0))
    if not falls_or_rises or frequency.min() <= 0 or frequency.max() < 10 * frequency.min():
        return None
    return _spectrum(rows, 1.0, path.name, "")


def _spectrum(points: list[tuple[float, float, float]], sign: float, above: str, text: str) -> Spectrum:
    table = np.array(points, dtype=float).reshape(-1, 3)
    complete = np.isfinite(table).all(axis=1) & (table[:, 0] > 0) & (np.hypot(table[:, 1], table[:, 2]) > 0)
    findings = []
    if (n_missing := int((~complete).sum())) > 0:
        findings.append(
            Finding(
                "impedance.points",
                Verdict.WARNING,
                "",
                f"{n_missing} of {len(table)} points are incomplete",
                "frequency, real and imaginary part",
                "They are left out",
            )
        )
    if re.search(r"EXPERIMENTABORTED\tTOGGLE\tT", text):
        findings.append(
            Finding(
                "impedance.aborted", Verdict.WARNING, "", f"the sweep was aborted after {len(table)} points", "", ""
            )
        )
    if not complete.any():
        raise refuse("impedance.points", "no complete point", "frequency, real and imaginary part", "Export it again")
    conditions = {
        name: match[1].strip() for name, pattern in _CONDITIONS.items() if (match := re.search(pattern, above))
    }
    kept = table[complete]
    return Spectrum(kept[:, 0], kept[:, 1] + 1j * sign * kept[:, 2], conditions, tuple(findings))
