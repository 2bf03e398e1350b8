"""What waits for a person: held files are copied aside, listed, and accepted or dropped one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from afssb_opt.campaign.lab_notes import HELD, RESOLVED, HeldPart, held_parts
from afssb_opt.campaign.stores import safe_file_name
from afssb_opt.domain.errors import InputError, Problem, suggest
from afssb_opt.lab.cell_folder import HELD as HELD_FOLDER
from afssb_opt.lab.cell_folder import keep_raw_file
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.plan import ArrivedFile
from afssb_opt.ledger.failpoints import reach

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# Eight characters tell the held parts of a campaign apart and can be typed.
_KEY_CHARACTERS: Final = 8


def hold(
    campaign: Campaign,
    files: Sequence[ArrivedFile],
    findings: Sequence[Finding],
    name: str,
    trial: str,
    cell_id: str,
    actor: str,
) -> str:
    """Copy files aside and note why; the same part held again is one part. Return its key."""
    grave = [finding for finding in findings if finding.verdict == Verdict.HELD]
    words = {
        "name": name, "trial": trial, "cell_id": cell_id,
        "files": sorted([file.name, file.sha256] for file in files), "rules": sorted({f.rule for f in grave}),
        "findings": [str(finding) for finding in grave],
    }  # fmt: skip
    key = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:_KEY_CHARACTERS]
    for file in files:
        if not Path(file.path).is_symlink():
            keep_raw_file(file, quarantine_folder(campaign))
    reach("ingest.held")
    campaign.ledger.append_note(campaign.uid, HELD, {"key": key, **words}, actor=actor)
    return key


def quarantine_folder(campaign: Campaign) -> Path:
    """Return where held files lie."""
    return campaign.stores.folder / "lab" / safe_file_name(campaign.spec.name) / HELD_FOLDER


def held_part(campaign: Campaign, key: str) -> HeldPart:
    """Return one held part.

    Raises:
        InputError: Nothing of that key is held.
    """
    parts = {part.key: part for part in held_parts(campaign.ledger, campaign.uid)}
    if key not in parts:
        known = ", ".join(parts) or "nothing is held"
        raise InputError([Problem(key, "is not held", f"{suggest(key, parts)}Held: {known}")], source="ingest --held")
    return parts[key]


def held_files(campaign: Campaign, part: HeldPart) -> list[Path]:
    """Return the copies of a held part's files.

    Raises:
        InputError: A copy is gone.
    """
    paths = []
    for name, sha256 in part.files:
        found = sorted(quarantine_folder(campaign).glob(f"{sha256[:12]}-*"))
        if not found:
            raise InputError(
                [Problem(name, "is no longer in quarantine", "Ingest the file itself again")], source=part.key
            )
        paths.append(found[0])
    return paths


def resolve(campaign: Campaign, key: str, action: str, reason: str, actor: str) -> None:
    """Note that a held part was accepted or dropped; its copy stays."""
    words = {"key": key, "action": action, "reason": reason}
    campaign.ledger.append_note(campaign.uid, RESOLVED, words, actor=actor)
