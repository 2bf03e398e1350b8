"""`afssb propose`: register the next cells to build and write the build sheet."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.stores import safe_file_name
from afssb_opt.cli.output import heading, print_json, shown
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.trials import TrialState
from afssb_opt.lab.build_sheet import SheetTrial, write_csv_sheet, write_xlsx_sheet


def propose(campaign: Path, number: int | None, out: Path, as_json: bool) -> None:
    """Register the next designs and write them with those that still wait as CSV and XLSX.

    Raises:
        InputError: The budget leaves no room for another cell, or the folder cannot be written.
        CampaignBusyError: Another process is advancing the campaign.
    """
    with Campaign.load(campaign) as opened:
        n = number if number is not None else opened.n_to_propose()
        why = opened.stop_reason()
        if why is None and n <= 0:
            why = "every channel, or every place of the budget, is taken by a cell that waits for results"
        if why is not None:
            remedy = "Send results with `afssb ingest`, or raise the budget in the campaign file"
            raise InputError([Problem("propose", why, remedy)], str(campaign))
        new = set(opened.propose(n)["trial"])
        waiting = [trial for trial in opened.trials() if trial.state is TrialState.PROPOSED]
        sheet = [SheetTrial(trial.label, trial.design, trial.reason) for trial in waiting]
        names = [trial.round for trial in waiting if trial.label in new]
        stem = f"{safe_file_name(opened.spec.name)}-round-{max(names)}"
        paths = [out / f"{stem}.csv", out / f"{stem}.xlsx"]
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_csv_sheet(opened.spec, sheet, paths[0])
            write_xlsx_sheet(opened.spec, sheet, paths[1])
        except OSError as error:
            problem = Problem(str(out), f"cannot be written ({error.strerror})", "Choose another folder with --out")
            raise InputError([problem], "propose") from None
        spec = opened.spec
    if as_json:
        cells = [{"trial": t.label, "is_new": t.label in new, **t.design, "reason": t.reason} for t in sheet]
        print_json({"proposed": len(new), "sheets": [str(path) for path in paths], "cells": cells})
        return
    table = Table(header_style="bold", title=f"{len(new)} new cells to build, {len(sheet)} on the sheet",
                  title_justify="left")  # fmt: skip
    for name in ("Trial", *(heading(name) for name in spec.space.names), "Why"):
        table.add_column(name)
    for trial in sheet:
        values = [shown(trial.design.get(name)) for name in spec.space.names]
        table.add_row(trial.label, *values, trial.reason, style=None if trial.label in new else "dim")
    console = Console()
    console.print(table)
    for path in paths:
        console.print(f"Build sheet   {path}", soft_wrap=True)
    console.print("Fill in cell ids, areas and what was built; send it back with `afssb ingest`.")
