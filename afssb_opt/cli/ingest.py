"""`afssb ingest`: show what would be done with lab results, then record what is clean and hold the rest."""

from __future__ import annotations

import getpass
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.ingesting import commit_plan, plan_ingest, waiting_long
from afssb_opt.campaign.lab_notes import held_parts
from afssb_opt.campaign.quarantine import held_files, held_part, resolve
from afssb_opt.cli.output import print_json, shown, text_console
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.plan import CellPlan, LoosePart, Plan
from afssb_opt.lab.planning import Asked

_COLORS = {"accepted": "green", "known": "dim", "held": "yellow", "rejected": "red"}
_WORDS = {Verdict.NOTE: "note", Verdict.WARNING: "warning", Verdict.HELD: "held", Verdict.REJECTED: "rejected"}


def ingest(
    campaign: Path,
    paths: list[Path],
    dry_run: bool,
    yes: bool,
    is_held: bool,
    accept: list[str],
    drop: list[str],
    reason: str,
    trial: str,
    area_cm2: float | None,
    sheet: str,
    settle_s: float,
    as_json: bool,
) -> None:
    """Plan, show, ask (unless told), record.

    Raises:
        InputError: A path or key does not exist, or what was asked for does not go together.
        CampaignBusyError: Another process is advancing the campaign.
    """
    asked = Asked(trial, area_cm2 if area_cm2 is not None else math.nan, sheet)
    console = text_console(stderr=as_json, highlight=False)
    _check_request(paths, is_held, accept, drop, reason)
    with Campaign.load(campaign, read_only=True) as opened:
        if is_held and not accept and not drop:
            _list_held(opened, console, as_json)
            return
        if accept or drop:
            _resolve(opened, accept, drop, reason, asked, console, as_json)
            return
        plan = plan_ingest(opened, paths, asked, settle_s=settle_s)
        if not as_json:
            show_plan(plan, console)
        done: list[dict[str, str]] = []
        if not dry_run and (yes or _is_confirmed(plan, console)):
            done = commit_plan(opened, plan, getpass.getuser())
        if as_json:
            print_json({**plan_words(plan), "done": done, "n_held": len(held_parts(opened.ledger, opened.uid))})
            return
        _show_done(done, plan, console, dry_run)
        if silent := waiting_long(opened, time.time()):
            labels = ", ".join(trial.label for trial in silent)
            console.print(
                f"Nothing came for more than 30 days about {labels}: were they built? `afssb abandon` if not."
            )


def _check_request(paths: list[Path], is_held: bool, accept: list[str], drop: list[str], reason: str) -> None:
    if (accept or drop) and paths:
        raise InputError([Problem("ingest", "--accept and --drop take no files", "Do one after the other")], "ingest")
    if not paths and not (is_held or accept or drop):
        raise InputError([Problem("PATH", "is missing", "Name files or a folder of results, or use --held")], "ingest")
    if drop and not reason:
        raise InputError([Problem("--reason", "is missing", "Say why the part is dropped")], "ingest")


def _is_confirmed(plan: Plan, console: Console) -> bool:
    n_new = sum(cell.decision == "accepted" for cell in plan.cells)
    n_held = sum(cell.decision == "held" for cell in plan.cells) + sum(p.decision == "held" for p in plan.loose)
    if not n_new and not n_held:
        return False
    if not sys.stdin.isatty():
        console.print("Nothing was recorded. Say --yes to record what is clean and hold the rest.")
        raise typer.Exit(1)
    return typer.confirm(f"Record {n_new} cells and hold {n_held} parts?")


def show_plan(plan: Plan, console: Console) -> None:
    """Print what would be done, cell by cell, with every finding."""
    for name, finding in plan.notes:
        _print_finding(console, finding, f"{name} ")
    for cell in plan.cells:
        console.print(_decision(cell.decision), _cell_title(cell), soft_wrap=True)
        for finding in () if cell.is_known else cell.findings:
            _print_finding(console, finding)
    for part in plan.loose:
        console.print(_decision(part.decision), part.name, soft_wrap=True)
        for finding in part.findings:
            _print_finding(console, finding)


def _decision(decision: str) -> Text:
    return Text(f"{decision:9}", style=_COLORS[decision])


def _print_finding(console: Console, finding: Finding, name: str = "") -> None:
    console.print(f"    {_WORDS[finding.verdict]:8} {name}{finding}", soft_wrap=True)


def _cell_title(cell: CellPlan) -> str:
    what = "nothing new"
    if cell.failure is not None:
        what = f"failed: {cell.failure.reason}"
    elif cell.result is not None:
        values = [
            f"{name} {shown(value, is_censored=name in cell.result.censored)}"
            for name, value in sorted(cell.result.outcomes.items())
        ]
        what = f"{'completed' if cell.is_final else 'running'}: {', '.join(values)}"
    elif cell.files:
        what = "in test, no outcome yet"
    source = ", ".join([*(file.name for file in cell.files), *cell.rows])
    title = f"{cell.trial} {cell.cell_id}".strip()
    return f"{title}: {what} (from {source})".replace("[", r"\[")


def plan_words(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain content for JSON."""
    cells = [
        {
            "trial": cell.trial, "cell_id": cell.cell_id, "decision": cell.decision, "is_final": cell.is_final,
            "files": [file.name for file in cell.files], "rows": list(cell.rows),
            "outcomes": dict(cell.result.outcomes) if cell.result else {}, "status": dict(cell.status),
            "censored": sorted(cell.result.censored) if cell.result else [],
            "failure": cell.failure.reason if cell.failure else "", "findings": _finding_words(cell.findings),
        }
        for cell in plan.cells
    ]  # fmt: skip
    loose = [_loose_words(part) for part in plan.loose]
    notes = [{"file": name, **_finding_words((finding,))[0]} for name, finding in plan.notes]
    return {"cells": cells, "loose": loose, "notes": notes}


def _loose_words(part: LoosePart) -> dict[str, Any]:
    return {"name": part.name, "decision": part.decision, "findings": _finding_words(part.findings)}


def _finding_words(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    return [
        {"rule": f.rule, "verdict": _WORDS[f.verdict], "where": f.where, "found": f.found, "allowed": f.allowed,
         "remedy": f.remedy}
        for f in findings
    ]  # fmt: skip


def _show_done(done: list[dict[str, str]], plan: Plan, console: Console, dry_run: bool) -> None:
    if dry_run or not done:
        n_new = sum(cell.decision == "accepted" for cell in plan.cells)
        console.print(f"Nothing was recorded; {n_new} cells would be." if dry_run else "Nothing was recorded.")
        return
    for entry in done:
        console.print(f"  {entry['trial'] or '-':10} {entry['what']}  ({entry['from']})", soft_wrap=True)
    if any(entry["what"].startswith("held") for entry in done):
        console.print("Held parts wait for a yes: `afssb ingest CAMPAIGN --held` lists them.")


def _list_held(opened: Campaign, console: Console, as_json: bool) -> None:
    parts = held_parts(opened.ledger, opened.uid)
    if as_json:
        print_json({"held": [vars(part) for part in parts]})
        return
    for part in parts:
        console.print(f"{part.key}  {part.trial or 'no trial'}  {part.name}", soft_wrap=True)
        for text in part.findings:
            console.print(f"    {text}", soft_wrap=True)
    console.print(f"{len(parts)} held. `--accept KEY` (with `--trial LABEL` where there is none) or `--drop KEY`.")


def _resolve(
    opened: Campaign, accept: list[str], drop: list[str], reason: str, asked: Asked, console: Console, as_json: bool
) -> None:
    actor = getpass.getuser()
    done: list[dict[str, str]] = []
    for key in drop:
        part = held_part(opened, key)
        resolve(opened, key, "dropped", reason, actor)
        done.append({"trial": part.trial, "what": "dropped", "from": part.name})
    for key in accept:
        part = held_part(opened, key)
        row = "" if part.trial or not part.files else part.name.removeprefix(part.files[0][0]).strip()
        agreed = replace(asked, trial=asked.trial or part.trial, row=row, accepted_rules=frozenset(part.rules))
        plan = plan_ingest(opened, held_files(opened, part), agreed)
        wanted = tuple(cell for cell in plan.cells if not agreed.trial or cell.trial == agreed.trial)
        plan = replace(plan, cells=wanted, loose=())
        if not any(cell.decision == "accepted" for cell in wanted):
            show_plan(plan, console)
            raise InputError(
                [
                    Problem(
                        key, "cannot be recorded as it is", "Mend what is said above, or name the trial with --trial"
                    )
                ],
                "ingest --accept",
            )
        done += commit_plan(opened, plan, actor)
        resolve(opened, key, "accepted", reason, actor)
    if as_json:
        print_json({"done": done, "n_held": len(held_parts(opened.ledger, opened.uid))})
        return
    for entry in done:
        console.print(f"  {entry['trial'] or '-':10} {entry['what']}  ({entry['from']})", soft_wrap=True)
