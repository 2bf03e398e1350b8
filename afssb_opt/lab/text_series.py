"""From a cycler's text export to a raw series: finding the header, choosing the format, reading only what is needed."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import suggest
from afssb_opt.lab.findings import Finding, Verdict, refuse
from afssb_opt.lab.formats import TEXT_FORMATS
from afssb_opt.lab.formats.text_format import TextFormat
from afssb_opt.lab.moments import clock_seconds, moment_seconds, spans_seconds
from afssb_opt.lab.series import REQUIRED, RawSeries
from afssb_opt.lab.text_file import DELIMITERS, SAMPLE_LINES, TextHead, decimal_sign, read_head
from afssb_opt.lab.units import plain_label

# A header stands among the first lines; EC-Lab writes up to 150 before it.
MAX_HEADER_LINE: Final = 1000
# Fewer known columns than this and a line is not a header at all.
MIN_COLUMNS: Final = 3
# Names further on in a line are hardly the id that a table of results begins with.
MAX_NAMED_COLUMNS: Final = 50
# A line with one of these is the header of a result table.
ID_LABELS: Final = frozenset({"trial", "trial id", "trial label"})
_MISSING: Final = ["", "NaN", "nan", "XXX", "--", "#N/A", "N/A", "null"]


@dataclass(frozen=True)
class Header:
    """A recognised header line."""

    text_format: TextFormat
    line: int
    delimiter: str
    names: tuple[str, ...]
    columns: dict[str, tuple[int, float]]

    @property
    def fit(self) -> tuple[int, int]:
        """How well the format fits: by columns known, then by how particular the format is."""
        return len(self.columns), len(self.text_format.needs)


def read_text_series(path: Path) -> RawSeries:
    """Read a text export of any known format.

    Raises:
        UnreadableError: The format is unknown, a needed column is missing, or the text is damaged.
    """
    head = read_head(path)
    header = find_header(head.lines)
    above = "\n".join(head.lines[: header.line])
    sample = [line for line in head.lines[header.line + 1 :][:SAMPLE_LINES] if line.strip()]
    if not sample:
        raise refuse("series.rows", "no rows below the header", "at least one", "Export the test again")
    decimal, decimal_findings = decimal_sign(sample, header.delimiter)
    raw = _read_rows(path, head, header, sample, decimal)
    findings = [*head.findings, *decimal_findings]
    if head.ends_cut and len(raw) > 1:
        raw = raw.iloc[:-1]
        findings.append(
            Finding("text.last_line", Verdict.NOTE, "last line", "has no line end", "", "It may be cut; it is dropped")
        )
    series = series_from_columns(header.text_format, raw, header.columns, header.names, above)
    return series.noting(*findings)


def find_header(lines: tuple[str, ...]) -> Header:
    """Return the line that names the columns, in the format that knows most of them.

    Raises:
        UnreadableError: No format knows enough columns.
    """
    best: Header | None = None
    for number, line in enumerate(lines[:MAX_HEADER_LINE]):
        if any(line.count(delimiter) >= MIN_COLUMNS - 1 for delimiter in DELIMITERS):
            for header in _candidates(number, line, lines):
                if best is None or header.fit > best.fit:
                    best = header
        if best is not None and number > best.line + SAMPLE_LINES:
            break
    if best is None:
        raise refuse(
            "series.format",
            "neither a table with a column 'trial' or 'cell_id', nor a known cycler export",
            "the formats of docs/lab-results.md",
            f"{_misspelt(lines)}Add the column, or export time, voltage and current as CSV",
        )
    missing = [name for name in REQUIRED if name not in best.columns]
    if missing:
        raise refuse(
            "series.columns",
            f"read as {best.text_format.title}, without {', '.join(missing)}",
            "time, voltage and current, each with its unit",
            "Add the column to the export",
            f"line {best.line + 1}",
        )
    return best


def _misspelt(lines: tuple[str, ...]) -> str:
    """Say which word of the first line was probably meant to be the column that a table of results needs."""
    for delimiter in DELIMITERS:
        for text in (lines[0] if lines else "").split(delimiter)[:MAX_NAMED_COLUMNS]:
            word = text.strip().strip('"')
            near = suggest(word, ("trial", "cell_id")) if len(word) <= len("cell_id") + 2 else ""
            if near:
                return f"Column '{word}': {near[0].lower()}{near[1:]}"
    return ""


def _candidates(number: int, line: str, lines: tuple[str, ...]) -> list[Header]:
    above: str | None = None
    found = []
    for delimiter in DELIMITERS:
        names = line.split(delimiter)
        if len(names) < MIN_COLUMNS or any(plain_label(name) in ID_LABELS for name in names):
            continue
        for text_format in TEXT_FORMATS.values():
            if above is None and text_format.marker:
                above = "\n".join(lines[: number + 1])
            columns = text_format.match(names, above or "")
            if columns is not None and len(columns) >= MIN_COLUMNS - 1:
                found.append(Header(text_format, number, delimiter, tuple(names), columns))
    return found


def _read_rows(path: Path, head: TextHead, header: Header, sample: list[str], decimal: str) -> pd.DataFrame:
    """Return the wanted columns by their place, numbers as far as they are numbers."""
    width = _width(header, sample)
    wanted = {place for place, _ in header.columns.values()}
    texts = {
        header.text_format.place(list(header.names), label)
        for label in (header.text_format.clock, header.text_format.direction_label)
        if label
    }
    usecols = sorted(wanted | {place for place in texts if place is not None})
    try:
        with path.open("rb") as stream:
            source: IO[Any] = stream
            if head.encoding.startswith("utf-16"):
                source = io.TextIOWrapper(stream, encoding=head.encoding, newline="")
            for _ in range(header.line + 1):
                source.readline()
            return pd.read_csv(
                source,
                sep=header.delimiter,
                decimal=decimal,
                header=None,
                names=list(range(width)),
                usecols=usecols,
                encoding=head.encoding,
                na_values=_MISSING,
                keep_default_na=False,
                index_col=False,
                low_memory=False,
                on_bad_lines="error",
                quotechar='"',
            )
    except (ValueError, pd.errors.ParserError) as error:
        line = re.search(r"line (\d+), saw (\d+)", str(error))
        where = f"line {int(line[1]) + header.line + 1}" if line else ""
        found = f"{line[2]} fields where the header has {len(header.names)}" if line else str(error).strip()
        raise refuse(
            "table.fields", found, "as many fields as the header", "Mend the line or export again", where
        ) from None


def _width(header: Header, sample: list[str]) -> int:
    """Return how many fields a row has; more filled ones than the header names means that numbers were torn apart.

    Raises:
        UnreadableError: A row does not fit the header.
    """
    width = 0
    for number, line in enumerate(sample):
        fields = next(csv.reader([line], delimiter=header.delimiter))
        surplus = [text for text in fields[len(header.names) :] if text.strip()]
        needed = max(place for place, _ in header.columns.values()) + 1
        if surplus or (len(fields) < needed and number < len(sample) - 1):
            raise refuse(
                "table.fields",
                f"{len(fields)} fields where the header has {len(header.names)}",
                "as many fields as the header",
                "A decimal comma in a comma-separated file? Export with ';' or points",
                f"line {header.line + 2 + number}",
            )
        width = max(width, len(fields))
    return width


def series_from_columns(
    text_format: TextFormat,
    raw: pd.DataFrame,
    columns: dict[str, tuple[int, float]],
    names: tuple[str, ...],
    above: str,
) -> RawSeries:
    """Return a series from raw columns by place, as any text or spreadsheet export gives them."""
    findings: list[Finding] = []
    table: dict[str, np.ndarray] = {}
    for column, (place, factor) in columns.items():
        values, n_words = _numbers(raw[place], is_duration=column.endswith("time_second"))
        table[column] = values * factor if factor != 1.0 else values
        if n_words:
            findings.append(
                Finding(
                    "series.missing",
                    Verdict.WARNING,
                    names[place].strip(),
                    f"{n_words} values are not numbers",
                    "numbers",
                    "They count as missing",
                )
            )
    direction = text_format.place(list(names), text_format.direction_label) if text_format.direction_label else None
    if direction is not None:
        codes, words = pd.factorize(raw[direction].astype(str).str.strip())
        signs = np.array([_direction(text_format, str(word)) for word in words], dtype=float)
        table["step_type"] = codes.astype(float)
        table["direction"] = signs[codes]
    started = _first_group(text_format.started_at, above)
    start = moment_seconds(started, text_format.date_order) if started else float("nan")
    clock = text_format.place(list(names), text_format.clock) if text_format.clock else None
    if clock is not None:
        table["unix_time_second"] = clock_seconds(raw[clock], text_format.date_order)
    if "unix_time_second" in table:
        finite = table["unix_time_second"][np.isfinite(table["unix_time_second"])]
        start = float(finite[0]) if len(finite) else start
    if text_format.has_assumed_units:
        findings.append(
            Finding(
                "table.units",
                Verdict.HELD,
                "header",
                "states no unit of current or voltage",
                "units in the header, such as 'Current (mA)'",
                "Read as A and V; confirm it, or add the units",
            )
        )
    uid = [_first_group(pattern, above) for pattern in text_format.test_uid]
    return RawSeries(
        pd.DataFrame(table),
        text_format.name,
        tuple(text for text in (_first_group(pattern, above) for pattern in text_format.identifiers) if text),
        f"{text_format.name}:{'|'.join(uid)}" if uid and all(uid) else "",
        start,
        tuple(findings),
    )


def _numbers(values: pd.Series, *, is_duration: bool) -> tuple[np.ndarray, int]:
    """Return floats, and how many entries are neither numbers nor missing."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float), 0
    if is_duration and values.astype(str).head(5).str.contains(":").any():
        return spans_seconds(values)
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers.to_numpy(float), int((numbers.isna() & values.notna()).sum())


def _direction(text_format: TextFormat, word: str) -> float:
    found = 0
    for pattern, sign in text_format.directions.items():
        if re.search(pattern, word, re.IGNORECASE):
            found = sign
    return float(found)


def _first_group(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    return match[1].strip() if match else ""
