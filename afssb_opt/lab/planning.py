"""From files and known trials to a plan: rows and files are matched, grouped by cell, and each cell is worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.lab.cell_merging import CellInput
from afssb_opt.lab.cell_planning import plan_cell
from afssb_opt.lab.findings import Finding, UnreadableError, Verdict, worst
from afssb_opt.lab.matching import KnownTrial, Match, match_id, match_texts
from afssb_opt.lab.plan import ArrivedFile, CellPlan, LoosePart, Plan
from afssb_opt.lab.result_table import read_result_table
from afssb_opt.lab.same_content import repeated_content
from afssb_opt.lab.table_row import TableRow

# A table row without own trial is matched through its cell id.
_EMPTY: Final = Match()


@dataclass(frozen=True)
class Asked:
    """What the user said on the command line, and what is known from before.

    Attributes:
        trial: All files belong to this trial.
        area_cm2: Electrode area of cells that no table gives one for.
        sheet: Name of the sheet to read of a workbook.
        row: Only this row of a table, as `Sheet1!row 7`, and it belongs to `trial`.
        accepted_rules: Doubts that a person has said yes to; `*` is all of them.
    """

    trial: str = ""
    area_cm2: float = math.nan
    sheet: str = ""
    row: str = ""
    accepted_rules: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Known:
    """What the campaign knows before this ingest.

    Attributes:
        cells: Cell id -> label, from earlier build sheets.
        areas: Label -> electrode area in cm2, likewise.
        cell_of_trial: Label -> the cell that stands for it.
        keys: Label -> content keys that were recorded before.
        replicates: Label of a replicate -> label of the trial whose design it repeats.
        stored: Label -> cycler files that came in earlier.
    """

    trials: Mapping[str, KnownTrial]
    cells: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, float] = field(default_factory=dict)
    cell_of_trial: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    replicates: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, tuple[ArrivedFile, ...]] = field(default_factory=dict)


def make_plan(files: Sequence[ArrivedFile], known: Known, spec: CampaignSpec, asked: Asked = Asked()) -> Plan:
    """Work out what would be done with the files; nothing is written."""
    loose: list[LoosePart] = []
    notes: list[tuple[str, Finding]] = []
    inputs: dict[tuple[str, str], CellInput] = {}
    links = dict(known.cells)
    for file in files:
        if file.content.kind == "refused":
            loose.append(LoosePart(file.name, file, file.content.findings))
        if file.content.kind == "table":
            _take_table(file, known, spec, asked, links, inputs, loose, notes)
    data = [file for file in files if file.content.kind in {"cycler", "impedance", "pressure"}]
    matches = {file.path: _match(file, known, links, asked) for file in data}
    doubles, blocked = repeated_content(data, {path: match.label for path, match in matches.items()})
    notes += doubles
    for file in data:
        match = matches[file.path]
        problem = blocked.get(file.path)
        if problem is not None and problem.verdict == Verdict.NOTE:
            continue
        if problem is not None or not match.label:
            findings = (*file.content.findings, *match.findings, *([problem] if problem else []))
            loose.append(LoosePart(file.name, file, findings))
            continue
        cells_of_trial = {cell_id for label, cell_id in inputs if label == match.label and cell_id}
        if not match.cell_id and len(cells_of_trial) > 1:
            names = " and ".join(sorted(cells_of_trial))
            several = Finding(
                "match.several",
                Verdict.HELD,
                "",
                f"{match.label} has the cells {names}",
                "one cell",
                "Put the cell id into the file name",
            )
            loose.append(LoosePart(file.name, file, (*file.content.findings, several)))
            continue
        key = (match.label, match.cell_id or known.cell_of_trial.get(match.label, ""))
        key = next((k for k in inputs if k[0] == key[0] and (not key[1] or k[1] == key[1])), key)
        cell = inputs.get(key, CellInput(match.label, key[1]))
        inputs[key] = replace(cell, files=(*cell.files, file))
    cells = [_planned(cell, known, spec, asked) for cell in _told_apart(list(inputs.values()), known)]
    return Plan(tuple(cells), tuple(loose), tuple(notes))


def _match(file: ArrivedFile, known: Known, links: Mapping[str, str], asked: Asked) -> Match:
    if asked.trial:
        return match_id(asked.trial, known.trials, "--trial")
    identifiers = file.content.series.identifiers if file.content.series is not None else ()
    return match_texts((*identifiers, Path(file.name).stem), known.trials, links)


def _take_table(
    file: ArrivedFile,
    known: Known,
    spec: CampaignSpec,
    asked: Asked,
    links: dict[str, str],
    inputs: dict[tuple[str, str], CellInput],
    loose: list[LoosePart],
    notes: list[tuple[str, Finding]],
) -> None:
    """Put each row of a table with the cell it names."""
    try:
        table = read_result_table(list(file.content.grids), spec, asked.sheet)
    except UnreadableError as error:
        verdict = replace(error.finding, verdict=Verdict.HELD) if error.finding.rule == "table.sheet" else error.finding
        loose.append(LoosePart(file.name, file, (*file.content.findings, verdict)))
        return
    notes += [(file.name, finding) for finding in (*file.content.findings, *table.findings)]
    contested = _contested_cells(table.rows, known, links)
    for row in table.rows:
        grave = tuple(finding for finding in table.findings if finding.verdict >= Verdict.HELD)
        match = match_id(row.trial, known.trials, row.where) if row.trial else _EMPTY
        if not row.trial and row.cell_id in links:
            match = Match(links[row.cell_id])
        elif not row.trial and row.cell_id:
            match = match_texts((row.cell_id,), known.trials, links)
        if asked.row:
            if row.where != asked.row:
                continue
            match = match_id(asked.trial, known.trials, "--trial")
        linked = known.cells.get(row.cell_id, "")
        if linked and known.replicates.get(linked) == match.label:
            match = Match(linked)
        if not match.label:
            findings = (*row.findings, *match.findings, *grave)
            if _says_something(row) or worst(findings) >= Verdict.HELD:
                loose.append(LoosePart(f"{file.name} {row.where}", file, findings))
            continue
        if row.cell_id in contested:
            links.pop(row.cell_id, None)
            row = replace(row, findings=(*row.findings, contested[row.cell_id]))
        elif row.cell_id and worst(row.findings) < Verdict.REJECTED:
            links.setdefault(row.cell_id, match.label)
        if not _says_something(row):
            continue
        key = (match.label, row.cell_id)
        cell = inputs.get(key, CellInput(match.label, row.cell_id))
        inputs[key] = replace(cell, rows=(*cell.rows, (file, row)), table_findings=(*cell.table_findings, *grave))


def _contested_cells(rows: Sequence[TableRow], known: Known, links: Mapping[str, str]) -> dict[str, Finding]:
    """Return per cell id that stands for several trials why it links nothing."""
    claims: dict[str, set[str]] = {}
    for row in rows:
        if row.cell_id and row.trial:
            claims.setdefault(row.cell_id, set()).add(row.trial)
    for cell_id, labels in claims.items():
        linked = links.get(cell_id, "")
        # A replicate is linked to its own trial, while the sheet repeats the label of the design.
        if linked and known.replicates.get(linked, linked) not in labels and linked not in labels:
            labels.add(linked)
    return {
        cell_id: Finding(
            "match.several",
            Verdict.HELD,
            "",
            f"cell {cell_id} stands for {' and '.join(sorted(labels))}",
            "one trial per cell",
            "Correct the cell ids",
        )
        for cell_id, labels in claims.items()
        if len(labels) > 1
    }


def _says_something(row: TableRow) -> bool:
    return bool(row.status or row.outcomes or row.as_built or row.cell_id or row.findings)


def _told_apart(inputs: list[CellInput], known: Known) -> list[CellInput]:
    """Let the first cell of a trial stand for it; further cells of the same design become replicates."""
    owner = dict(known.cell_of_trial)
    told = []
    for cell in inputs:
        holder = owner.setdefault(cell.trial, cell.cell_id)
        if cell.cell_id and holder and cell.cell_id != holder:
            told.append(replace(cell, replicate_of=cell.trial))
        else:
            owner[cell.trial] = holder or cell.cell_id
            told.append(cell)
    return told


def _planned(cell: CellInput, known: Known, spec: CampaignSpec, asked: Asked) -> CellPlan:
    stored = known.stored.get(cell.trial, ()) if not cell.replicate_of else ()
    fresh = {file.sha256 for file in cell.files}
    has_series = any(file.content.kind in {"cycler", "pressure"} for file in cell.files)
    area_is_new = any(math.isfinite(row.area_cm2) for _, row in cell.rows)
    if has_series or area_is_new:
        cell = replace(cell, files=(*cell.files, *(file for file in stored if file.sha256 not in fresh)))
    area = next((row.area_cm2 for _, row in cell.rows if math.isfinite(row.area_cm2)), math.nan)
    if not math.isfinite(area):
        area = known.areas.get(cell.trial, asked.area_cm2)
    plan = plan_cell(cell, known.trials[cell.trial], spec, area)
    findings = tuple(_agreed(finding, asked) for finding in plan.findings)
    return replace(plan, findings=findings, is_known=plan.content_keys <= known.keys.get(cell.trial, frozenset()))


def _agreed(finding: Finding, asked: Asked) -> Finding:
    """Turn a doubt that a person has said yes to into a warning."""
    is_agreed = finding.rule in asked.accepted_rules or "*" in asked.accepted_rules
    return replace(finding, verdict=Verdict.WARNING) if is_agreed and finding.verdict == Verdict.HELD else finding
