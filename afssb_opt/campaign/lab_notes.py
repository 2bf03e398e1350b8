"""What the ledger remembers about lab files: which content was recorded, which cell is which, what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from afssb_opt.ledger import Ledger

INGESTED: Final = "lab_ingested"
HELD: Final = "lab_held"
RESOLVED: Final = "lab_resolved"


@dataclass(frozen=True)
class LabNotes:
    """The notes of a campaign, put together.

    Attributes:
        cells: Cell id -> label.
        cell_of_trial: Label -> cell id.
        areas: Label -> electrode area in cm2.
        keys: Label -> content that was recorded.
        replicates: Label of a replicate -> label of the trial it repeats.
    """

    cells: dict[str, str]
    cell_of_trial: dict[str, str]
    areas: dict[str, float]
    keys: dict[str, frozenset[str]]
    replicates: dict[str, str]


@dataclass(frozen=True)
class HeldPart:
    """A cell, row or file that waits for a person.

    Attributes:
        key: Short name to accept or drop it by.
        trial: Label it would go to; empty where it matched none.
        files: `(name, sha256)` of each file it came from.
        rules: Rules whose doubt has to be answered.
        findings: The doubts in words.
    """

    key: str
    name: str
    trial: str
    cell_id: str
    files: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    findings: tuple[str, ...]


def lab_notes(ledger: Ledger, campaign_uid: str) -> LabNotes:
    """Read what was recorded; later notes win."""
    notes = LabNotes({}, {}, {}, {}, {})
    for event in ledger.events(campaign_uid):
        if event.kind != INGESTED:
            continue
        words = event.payload
        label = words["trial"]
        if words["cell_id"]:
            notes.cells[words["cell_id"]] = label
            notes.cell_of_trial[label] = words["cell_id"]
        if words["area_cm2"] is not None:
            notes.areas[label] = float(words["area_cm2"])
        if words["replicate_of"]:
            notes.replicates[label] = words["replicate_of"]
        notes.keys[label] = notes.keys.get(label, frozenset()) | frozenset(words["keys"])
    return notes


def held_parts(ledger: Ledger, campaign_uid: str) -> list[HeldPart]:
    """Return what waits for a person, oldest first; what was recorded since or dropped is left out."""
    waiting: dict[str, HeldPart] = {}
    recorded: set[str] = set()
    for event in ledger.events(campaign_uid):
        if event.kind == HELD:
            part = _held(event.payload)
            waiting[part.key] = part
        elif event.kind == RESOLVED:
            waiting.pop(event.payload["key"], None)
        elif event.kind == INGESTED:
            recorded |= {key.partition(":")[2] for key in event.payload["keys"] if ":" in key}
    return [part for part in waiting.values() if not part.files or not {sha for _, sha in part.files} <= recorded]


def _held(words: dict[str, Any]) -> HeldPart:
    files = tuple((str(name), str(sha256)) for name, sha256 in words["files"])
    return HeldPart(
        words["key"],
        words["name"],
        words["trial"],
        words["cell_id"],
        files,
        tuple(words["rules"]),
        tuple(words["findings"]),
    )
