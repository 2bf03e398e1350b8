"""Plugging in lab results: files in, a plan to look at, and what is clean recorded once."""

from __future__ import annotations

import hashlib
import math
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from afssb_opt.campaign.lab_notes import INGESTED, lab_notes
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.quarantine import hold
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.trials import OPEN_STATES, TrialState
from afssb_opt.lab.cell_folder import RAW, original_name, write_cell_folder
from afssb_opt.lab.cell_planning import file_key
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.isolated_reading import read_isolated
from afssb_opt.lab.matching import KnownTrial
from afssb_opt.lab.plan import ArrivedFile, CellPlan, LoosePart, Plan
from afssb_opt.lab.planning import Asked, Known, make_plan
from afssb_opt.lab.reading import FileContent
from afssb_opt.ledger import NewTrial, TrialRecord
from afssb_opt.ledger.failpoints import reach

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# Opens files and says what they hold, in their order.
Reader: TypeAlias = Callable[[Sequence[Path]], list[FileContent]]

# More files than a year of a laboratory: a wrong folder was named.
MAX_FILES: Final = 5000
NOTHING_ASKED: Final = Asked()
# A cell that nobody mentions for a month is asked about (lab_files section 5, row 70).
LONG_S: Final = 30 * 86_400.0
_RECORDED_BEFORE: Final = Finding("file.repeated", Verdict.NOTE, "", "was recorded before", "", "Nothing is done")
# Names that spreadsheets, cyclers and systems leave beside the data.
_SKIPPED_PREFIXES: Final = ("~$", ".", "._")
_SKIPPED_NAMES: Final = frozenset({"thumbs.db", "desktop.ini"})


def plan_ingest(
    campaign: Campaign,
    paths: Sequence[Path],
    asked: Asked = NOTHING_ASKED,
    *,
    settle_s: float = 0.0,
    read: Reader = read_isolated,
) -> Plan:
    """Read everything and work out what would be done; nothing is written.

    Args:
        paths: Files and folders.
        read: Opens the files; the default does it in a process that can be given up.
        settle_s: A file changed more recently than this is left for the next time, since it may still be written.

    Raises:
        InputError: A path does not exist, or there are far too many files.
    """
    found = collect_files(paths)
    before = {path: _stamp(path) for path in found}
    growing = {path for path in found if time.time() - before[path][1] < settle_s}
    known = _known(campaign)
    repeated = {path for path in found if path not in growing and _is_recorded(path, known)}
    files = _arrived([path for path in found if path not in growing | repeated], read)
    growing |= {Path(file.path) for file in files if _stamp(Path(file.path)) != before[Path(file.path)]}
    steady = [file for file in files if Path(file.path) not in growing]
    plan = make_plan(steady, known, campaign.spec, asked)
    # Earlier files of the cells concerned are read again only where something new came in about them.
    concerned = {cell.trial for cell in plan.cells if not cell.is_known}
    stored = _stored(campaign, concerned, read)
    if stored:
        plan = make_plan(steady, replace(known, stored=stored), campaign.spec, asked)
    loose = (*plan.loose, *(_still_growing(path) for path in sorted(growing)))
    notes = (*plan.notes, *((path.name, _RECORDED_BEFORE) for path in sorted(repeated)))
    return replace(plan, loose=loose, notes=notes)


def collect_files(paths: Sequence[Path]) -> list[Path]:
    """Return all files of the paths; folders are searched, links are not followed.

    Raises:
        InputError: A path does not exist, or there are too many files.
    """
    problems, found = [], []
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            found += sorted(entry for entry in path.rglob("*") if _is_wanted(entry, path))
        elif path.exists() or path.is_symlink():
            found.append(path)
        else:
            problems.append(Problem(str(path), "does not exist", "Name a file or a folder of results"))
    if len(found) > MAX_FILES:
        problems.append(Problem(str(paths[0]), f"holds {len(found)} files", f"Name a folder with at most {MAX_FILES}"))
    if problems:
        raise InputError(problems, source="ingest")
    return list(dict.fromkeys(found))


def commit_plan(campaign: Campaign, plan: Plan, actor: str) -> list[dict[str, str]]:
    """Record what is clean and hold the rest; return what was done per cell and loose part.

    Raises:
        CampaignBusyError: Another process is advancing the campaign, and a replicate needs a new trial.
    """
    done = []
    reach("ingest.planned")
    for cell in plan.cells:
        if cell.decision == "accepted":
            done.append({"trial": cell.trial, "what": record_cell(campaign, cell, actor), "from": _names(cell)})
        elif cell.decision == "held":
            files = (*cell.files, *cell.tables)
            key = hold(campaign, files, cell.findings, _names(cell), cell.trial, cell.cell_id, actor)
            done.append({"trial": cell.trial, "what": f"held as {key}", "from": _names(cell)})
        else:
            what = "known already" if cell.is_known else "rejected"
            done.append({"trial": cell.trial, "what": what, "from": _names(cell)})
    for part in plan.loose:
        if part.decision == "held" and part.file is not None:
            key = hold(campaign, (part.file,), part.findings, part.name, "", "", actor)
            done.append({"trial": "", "what": f"held as {key}", "from": part.name})
        else:
            done.append({"trial": "", "what": "rejected" if part.decision == "rejected" else "left", "from": part.name})
    return done


def record_cell(campaign: Campaign, cell: CellPlan, actor: str) -> str:
    """Record one cell; its result is durable before files are copied and figures drawn."""
    trial = _replicate(campaign, cell) if cell.replicate_of else campaign.ledger.trial(cell.trial)
    what = _record(campaign, trial, cell, actor)
    reach("ingest.recorded")
    note = {
        "trial": trial.label, "cell_id": cell.cell_id, "replicate_of": cell.replicate_of,
        "area_cm2": cell.area_cm2 if math.isfinite(cell.area_cm2) else None, "keys": sorted(cell.content_keys),
        "files": sorted([file.name, file.sha256] for file in cell.files), "rows": sorted(cell.rows),
        "findings": [str(finding) for finding in cell.findings if finding.verdict >= Verdict.WARNING],
    }  # fmt: skip
    write_cell_folder(cell, cell_folder(campaign, trial.label), f"{trial.label} {cell.cell_id}".strip())
    reach("ingest.copied")
    # The note comes last: a run that died before it is simply repeated, and the ledger knows the result already.
    campaign.ledger.append_note(campaign.uid, INGESTED, note, actor=actor)
    reach("ingest.noted")
    return what


def cell_folder(campaign: Campaign, label: str) -> Path:
    """Return the folder of a trial's lab files, for the reviewer."""
    return campaign.stores.lab_folder(campaign.spec.name) / label


def waiting_long(campaign: Campaign, now: float) -> list[TrialRecord]:
    """Return open trials that were proposed long ago and never heard of: perhaps only good cells were sent."""
    return [
        trial
        for trial in campaign.trials()
        if trial.state in OPEN_STATES and trial.result is None and now - trial.proposed_at.timestamp() > LONG_S
    ]


def _record(campaign: Campaign, trial: TrialRecord, cell: CellPlan, actor: str) -> str:
    ledger = campaign.ledger
    as_built = dict(cell.as_built) if cell.as_built is not None else None
    if cell.failure is not None:
        return f"{ledger.record_failure(trial.uid, cell.failure, actor=actor)} as failed ({cell.failure.reason})"
    if cell.result is None:
        if trial.state in {TrialState.PROPOSED, TrialState.CLAIMED}:
            ledger.mark(trial.uid, "in_test", reason="its cell or its files were named", actor=actor)
            return "in test; no outcome yet"
        return f"noted; the trial is {trial.state}"
    result = cell.result
    if cell.is_correction and trial.result is not None:
        # What the new source says nothing about still stands.
        outcomes = {**trial.result.outcomes, **result.outcomes}
        sem = {**{name: value for name, value in trial.result.sem.items() if name not in result.outcomes}, **result.sem}
        censored = (trial.result.censored - set(result.outcomes)) | result.censored
        result = replace(
            result,
            outcomes=outcomes,
            sem=sem,
            censored=censored,
            attributes={**trial.result.attributes, **result.attributes},
        )
    return str(
        ledger.record_result(
            trial.uid,
            result,
            cycling=cell.cycling,
            as_built=as_built,
            # A completed trial stays completed: its present result was called final.
            is_final=cell.is_final or cell.is_correction,
            is_correction=cell.is_correction,
            actor=actor,
        )
    )


def _replicate(campaign: Campaign, cell: CellPlan) -> TrialRecord:
    """Return the trial of a further cell of one design, made on first sight."""
    original = campaign.ledger.trial(cell.replicate_of)
    # The same cell gives the same uid, so a repeated ingest finds its trial.
    uid = uuid.uuid5(uuid.UUID(original.uid), cell.cell_id).hex
    new = NewTrial(
        original.design,
        original.round,
        f"replicate of {original.label}: cell {cell.cell_id}",
        {"method": "replicate", "replicate_of": original.label},
        True,
        uid,
    )
    with hold_lease(campaign.ledger, campaign.uid) as lease:
        (trial,) = campaign.ledger.add_trials(lease, [new])
    return trial


def _arrived(paths: Sequence[Path], read: Reader) -> list[ArrivedFile]:
    contents = read(paths)
    return [
        ArrivedFile(original_name(path), str(path), _sha256(path), content)
        for path, content in zip(paths, contents, strict=True)
    ]


def _known(campaign: Campaign) -> Known:
    notes = lab_notes(campaign.ledger, campaign.uid)
    known = {trial.label: _known_trial(trial) for trial in campaign.trials()}
    return Known(known, notes.cells, notes.areas, notes.cell_of_trial, notes.keys, notes.replicates)


def _stored(campaign: Campaign, labels: Collection[str], read: Reader) -> dict[str, tuple[ArrivedFile, ...]]:
    """Read the raw files that were recorded for these trials before."""
    wanted = [
        (label, path) for label in sorted(labels) for path in sorted((cell_folder(campaign, label) / RAW).glob("[!.]*"))
    ]
    stored: dict[str, tuple[ArrivedFile, ...]] = {}
    if wanted:
        for (label, _), file in zip(wanted, _arrived([path for _, path in wanted], read), strict=True):
            stored[label] = (*stored.get(label, ()), replace(file, is_stored=True))
    return stored


def _known_trial(trial: TrialRecord) -> KnownTrial:
    sources = str(trial.result.attributes.get("files", "")) if trial.result is not None else ""
    return KnownTrial(
        trial.label,
        trial.uid,
        str(trial.state),
        trial.design,
        trial.as_built or {},
        trial.proposed_at.timestamp(),
        trial.state in OPEN_STATES,
        trial.result is not None,
        tuple(name for name in sources.split(", ") if name),
    )


def _is_wanted(entry: Path, root: Path) -> bool:
    inner = entry.relative_to(root).parts
    hidden = any(part.startswith(_SKIPPED_PREFIXES) for part in inner) or entry.name.lower() in _SKIPPED_NAMES
    return not hidden and (entry.is_symlink() or entry.is_file())


def _stamp(path: Path) -> tuple[int, float]:
    found = path.lstat()
    return found.st_size, found.st_mtime


def _is_recorded(path: Path, known: Known) -> bool:
    """Tell whether exactly this content was recorded before, so that a schedule need not read it again and again."""
    key = file_key(_sha256(path))
    return any(key in keys for keys in known.keys.values())


def _still_growing(path: Path) -> LoosePart:
    finding = Finding(
        "file.growing",
        Verdict.HELD,
        "",
        "was changed while it was read, or just now",
        "a complete file",
        "It is looked at again next time",
    )
    return LoosePart(path.name, None, (finding,))


def _sha256(path: Path) -> str:
    if path.is_symlink():
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    if not path.is_file():
        # A pipe would be waited for; it is refused by its kind.
        return hashlib.sha256(str(path).encode()).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _names(cell: CellPlan) -> str:
    return ", ".join([*(file.name for file in cell.files), *cell.rows])
