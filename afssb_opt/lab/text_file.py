"""How a text file is opened: its encoding, its lines, its delimiter and decimal sign, decided on evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from afssb_opt.lab.findings import Finding, Verdict, refuse

# The longest header seen on real files is 15 kB (Novonix puts the whole schedule there).
HEAD_BYTES: Final = 262_144
# Lines of data that decide about delimiter and decimal sign.
SAMPLE_LINES: Final = 60
DELIMITERS: Final = ("\t", ";", ",")
_DECIMAL_COMMA: Final = re.compile(r"^\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*$")
_DECIMAL_POINT: Final = re.compile(r"^\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*$")


@dataclass(frozen=True)
class TextHead:
    """The beginning of a text file.

    Attributes:
        lines: Decoded lines without line ends; the last one is dropped where the head was cut there.
        ends_cut: The file's last line has no line end, so its last number may be cut.
    """

    encoding: str
    lines: tuple[str, ...]
    ends_cut: bool
    findings: tuple[Finding, ...] = ()


def read_head(path: Path) -> TextHead:
    """Return encoding and first lines of a text file.

    Raises:
        UnreadableError: The file is empty, is not text, or holds NUL bytes.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        raw = stream.read(HEAD_BYTES)
        stream.seek(max(0, size - 4))
        tail = stream.read()
    if not raw.strip():
        raise refuse("series.rows", "the file is empty", "at least a header and one row", "Export it again")
    encoding, findings = _encoding(path, raw)
    text = raw.decode(encoding, errors="replace" if len(raw) < size else "strict")
    lines = re.split(r"\r\n|\n|\r", text)
    if len(raw) < size or (lines and not lines[-1]):
        lines.pop()
    wide = encoding.startswith("utf-16")
    ends_cut = not tail.endswith((b"\n", b"\r") if not wide else (b"\n\x00", b"\x00\n", b"\r\x00"))
    return TextHead(encoding, tuple(lines), ends_cut, tuple(findings))


def _encoding(path: Path, raw: bytes) -> tuple[str, list[Finding]]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", [_decoded("UTF-16")]
    if raw.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", []
    sample = raw[:4096]
    if sample[1::2].count(0) > 0.4 * len(sample) / 2 and sample[::2].count(0) == 0:
        return "utf-16-le", [_decoded("UTF-16 without a mark")]
    place = find_nul(path)
    if place is not None:
        raise refuse(
            "text.nul",
            f"NUL bytes from byte {place} on",
            "plain text",
            "The computer stopped while writing; export the file again",
        )
    if _is_utf8(path):
        return "utf-8", []
    control = sum(byte < 9 or 13 < byte < 32 for byte in sample)
    if control > 0.01 * len(sample):
        raise refuse(
            "file.type", "is neither text nor a known binary file", "see docs/lab-results.md", "Export as text"
        )
    return "cp1252", [_decoded("cp1252")]


def _decoded(name: str) -> Finding:
    return Finding("text.encoding", Verdict.NOTE, "", f"is {name}", "UTF-8", "It was decoded as such")


def find_nul(path: Path) -> int | None:
    """Return the place of the first NUL byte of a file."""
    offset = 0
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            place = chunk.find(0)
            if place >= 0:
                return offset + place
            offset += len(chunk)
    return None


def _is_utf8(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def decimal_sign(lines: list[str], delimiter: str) -> tuple[Literal[".", ","], list[Finding]]:
    """Return the decimal sign of data lines.

    Raises:
        UnreadableError: Both signs occur as decimals.
    """
    cells = [cell.strip().strip('"') for line in lines[:SAMPLE_LINES] for cell in line.split(delimiter)]
    comma = [cell for cell in cells if _DECIMAL_COMMA.match(cell)]
    point = [cell for cell in cells if _DECIMAL_POINT.match(cell)]
    if delimiter == "," or not comma:
        return ".", []
    if point:
        raise refuse(
            "text.decimal",
            f"decimal comma ('{comma[0]}') and decimal point ('{point[0]}') in one file",
            "one of them",
            "Export it with one decimal sign",
        )
    return ",", [Finding("text.decimal", Verdict.NOTE, "", "decimal comma", "", "It was read as such")]
