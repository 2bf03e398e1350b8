"""Which trial a file or row belongs to: an exact id or nothing; what is only similar is a suggestion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from afssb_opt.lab.findings import Finding, Verdict

_LABEL_LIKE: Final = re.compile(r"(?<![A-Za-z0-9])T\d{4,}-[A-Za-z](?![A-Za-z0-9])")
# What people and spreadsheets make of an id: other dashes, letters for digits, blanks, another case.
_ALIKE: Final = str.maketrans(
    {"‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "_": "-", " ": "-", "O": "0", "I": "1", "L": "1"}
)


@dataclass(frozen=True)
class KnownTrial:
    """What matching and checking need to know about a trial.

    Attributes:
        proposed_at: Seconds since the epoch.
        sources: Names of the files that its present result came from.
        is_open: Waits for a result, or may still get a longer one.
    """

    label: str
    uid: str
    state: str
    design: Mapping[str, float | str]
    as_built: Mapping[str, float | str]
    proposed_at: float
    is_open: bool
    has_result: bool = False
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """The trial found, and the id that found it.

    Attributes:
        label: Empty where nothing certain was found.
        cell_id: Id of the cell where the link table was used.
    """

    label: str = ""
    cell_id: str = ""
    findings: tuple[Finding, ...] = field(default_factory=tuple)


def match_id(text: str, labels: Iterable[str], where: str) -> Match:
    """Match one id as written in a table."""
    labels = list(labels)
    if text in labels:
        return Match(text)
    alike = _near(text, labels)
    if alike:
        return Match(
            findings=(
                Finding(
                    "match.near",
                    Verdict.HELD,
                    where,
                    f"'{text}' is no trial of this campaign",
                    "the exact label",
                    f"Is it {alike}? Say so with --trial {alike}",
                ),
            )
        )
    rule = "match.campaign" if _LABEL_LIKE.fullmatch(text) else "match.unknown"
    near = get_close_matches(text, labels, n=3, cutoff=0.5)
    hint = f"Near: {', '.join(near)}" if near else "See `afssb trials`"
    return Match(
        findings=(
            Finding(
                rule, Verdict.HELD, where, f"'{text}' is no trial of this campaign", "a label of `afssb trials`", hint
            ),
        )
    )


def match_texts(texts: Iterable[str], labels: Iterable[str], cells: Mapping[str, str]) -> Match:
    """Match the file name and the header of a file, the first text that names a cell deciding.

    Args:
        texts: In the order of trust: barcode and remark first, then the file name.
        labels: Labels of this campaign.
        cells: Cell id -> label, from build sheets that came back.
    """
    known, texts = list(labels), list(texts)
    by_label = {label for text in texts for label in known if _stands_in(label, text)}
    by_cell = {cell for text in texts for cell in cells if _stands_in(cell, text)}
    # An id inside a longer one is the longer one.
    by_cell = {cell for cell in by_cell if not any(cell != other and cell in other for other in by_cell)}
    found = by_label | {cells[cell] for cell in by_cell}
    if len(found) == 1:
        return Match(found.pop(), next(iter(sorted(by_cell)), ""))
    shown = texts[-1] if texts else ""
    if len(found) > 1:
        return Match(
            findings=(
                Finding(
                    "match.several",
                    Verdict.HELD,
                    "",
                    f"names {', '.join(sorted(found))}",
                    "one trial",
                    "Say which with --trial LABEL",
                ),
            )
        )
    foreign = [match[0] for text in texts for match in _LABEL_LIKE.finditer(text)]
    for candidate in (*foreign, *texts, *(token for text in texts for token in re.split(r"[^A-Za-z0-9-]+", text))):
        alike = _near(candidate, [*known, *cells])
        if alike:
            label = cells.get(alike, alike)
            return Match(
                findings=(
                    Finding(
                        "match.near",
                        Verdict.HELD,
                        "",
                        f"'{candidate}' is like {alike}",
                        "the exact id",
                        f"Say so with --trial {label}",
                    ),
                )
            )
    if foreign:
        return Match(
            findings=(
                Finding(
                    "match.campaign",
                    Verdict.HELD,
                    "",
                    f"{foreign[0]} is no trial of this campaign",
                    "a label of `afssb trials`",
                    "Ingest it into its own campaign",
                ),
            )
        )
    return Match(
        findings=(
            Finding(
                "match.none",
                Verdict.HELD,
                "",
                f"nothing in '{shown}' names a trial or a known cell",
                "label or cell id in file name, barcode or remark",
                "Send the build sheet with cell ids, rename the file, or use --trial",
            ),
        )
    )


def _stands_in(identity: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(identity)}(?![A-Za-z0-9])", text) is not None


def _near(text: str, ids: Iterable[str]) -> str:
    """Return the id that differs only in case, dashes, blanks and look-alike characters."""
    plain = text.strip().upper().translate(_ALIKE)
    return next((known for known in ids if plain == known.upper().translate(_ALIKE) and len(plain) > 1), "")
