"""`afssb propose`: register the next cells to build and write the build sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.stores import safe_file_name
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.cli.tables import designs_table
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.numbers import counted
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.evaluators.table_file import read_table
from afssb_opt.lab.build_sheet import SheetTrial, write_csv_sheet, write_xlsx_sheet
from afssb_opt.ledger import TrialRecord


def propose(
    campaign: Path, number: int | None, out: Path, fix: Sequence[str], candidates: Path | None, as_json: bool
) -> None:
    """Register the next designs and write them with those that still wait as CSV and XLSX.

    Raises:
        InputError: The budget leaves no room for another cell, a fixed value or a candidate is not of the space, or
            the folder cannot be written.
        CampaignBusyError: Another process is advancing the campaign.
    """
    with Campaign.load(campaign) as opened:
        n = number if number is not None else opened.n_to_propose()
        why = opened.stop_reason()
        if why is None and n <= 0:
            why = "every channel, or every place of the budget, is taken by a cell or draft that waits"
        if why is not None:
            remedy = "Send results with `afssb ingest`, or raise the budget in the campaign file"
            raise InputError([Problem("propose", why, remedy)], str(campaign))
        listed = None
        if candidates is not None:
            levels = tuple(variable.name for variable in opened.spec.space.categorical)
            listed = read_table(candidates, "candidates", levels)
        new = set(opened.propose(n, fixed=_fixed(fix), candidates=listed)["trial"])
        spec = opened.spec
        # Drafts are on no sheet: nobody may build them yet.
        shown_state = TrialState.DRAFT if spec.needs_approval else TrialState.PROPOSED
        sheet = [trial for trial in opened.trials() if trial.state is shown_state]
        paths = [] if spec.needs_approval else write_sheets(spec, sheet, out)
    if as_json:
        cells = [{"trial": t.label, "is_new": t.label in new, **t.design, "reason": t.reason} for t in sheet]
        print_json({"proposed": len(new), "sheets": [str(path) for path in paths], "cells": cells})
        return
    title = f"{counted(len(new), 'new cell')} to build, {len(sheet)} on the sheet"
    if spec.needs_approval:
        title = f"Drafts that wait for approval: {len(sheet)}"
    console = text_console()
    console.print(designs_table(spec, title, sheet, new))
    for path in paths:
        console.print(f"Build sheet   {path}", soft_wrap=True)
    if spec.needs_approval:
        console.print(f"Decide with `afssb approve {campaign}`; that writes the build sheet.", soft_wrap=True)
    else:
        console.print(f"Fill in cell ids, areas and what was built; send it back with `afssb ingest {campaign}`.",
                      soft_wrap=True)  # fmt: skip


def _fixed(assignments: Sequence[str]) -> dict[str, object]:
    """Return the values of `NAME=VALUE` words.

    Raises:
        InputError: A word is not of that form, or a name comes twice.
    """
    values: dict[str, object] = {}
    problems = []
    for text in assignments:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            problems.append(Problem(f"--fix {text}", "is not NAME=VALUE", "Write --fix seed_alloy=Ag"))
        elif name in values:
            problems.append(Problem(f"--fix {text}", f"gives {name} twice", "Give each variable once"))
        values[name] = value
    if problems:
        raise InputError(problems, "propose")
    return values


def write_sheets(spec: CampaignSpec, waiting: Sequence[TrialRecord], out: Path) -> list[Path]:
    """Write the cells to build as CSV and XLSX, named after their newest round.

    Raises:
        InputError: The folder cannot be written.
    """
    sheet = [SheetTrial(trial.label, trial.design, trial.reason) for trial in waiting]
    stem = f"{safe_file_name(spec.name)}-round-{max(trial.round for trial in waiting)}"
    paths = [out / f"{stem}.csv", out / f"{stem}.xlsx"]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_csv_sheet(spec, sheet, paths[0])
        write_xlsx_sheet(spec, sheet, paths[1])
    except OSError as error:
        problem = Problem(str(out), f"cannot be written ({error.strerror})", "Choose another folder with --out")
        raise InputError([problem], "propose") from None
    return paths
