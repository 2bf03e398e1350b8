"""`afssb run`: advance a campaign through the Prefect flow, with live progress, and sum up what came of it."""

from __future__ import annotations

import importlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.stores import safe_file_name
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.cli.progress import live_progress
from afssb_opt.cli.tables import best_table
from afssb_opt.domain.numbers import counted
from flows.local_server import prefect_api

# Prefect's log goes to its server; on the terminal it would break the live view and repeat our own messages.
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def run(campaign: Path, trials: int | None, as_json: bool) -> None:
    """Advance the campaign and print the Pareto set, the report's path and how to look at it.

    Raises:
        CampaignFileError: The file is wrong.
        AmendmentError: The file was changed in a way its recorded trials cannot follow.
        CampaignBusyError: Another process is advancing the campaign.
        StoreError: A store cannot be used.
    """
    console = text_console(stderr=as_json)
    with Campaign.load(campaign) as opened:
        for change in opened.changes:
            console.print(Text("amended", style="yellow"), str(change), soft_wrap=True)
        # Fails here, in a second, rather than after Prefect's start, when another process has the campaign.
        with hold_lease(opened.ledger, opened.uid):
            n_before, done = len(opened.trials()), opened.stop_reason()
        home = opened.stores.folder / "prefect" / safe_file_name(opened.spec.name)
        console.print(_greeting(opened, n_before, done))
        started = time.monotonic()
        with (
            prefect_api(home, meanwhile=_import_flow) as advance,
            live_progress(opened, console, is_quiet=as_json),
        ):
            summary: dict[str, Any] = advance(campaign.resolve(), n_designs=trials)
        _sum_up(opened, campaign, summary, time.monotonic() - started, console, as_json)


def _import_flow() -> Any:
    """Import the flow and torch while Prefect's server starts: they take seconds."""
    importlib.import_module("afssb_opt.campaign.proposing")
    from flows.advance import advance_until_stopped

    # Imports have left a handler that lets a wait go on after Ctrl-C; Python's own ends it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return advance_until_stopped


def _greeting(opened: Campaign, n_before: int, done: str | None) -> str:
    budget = opened.spec.budget.trials
    if done:
        return f"Campaign '{opened.spec.name}': {done}; bringing mirror and report up to date."
    verb = "resumes" if n_before else "starts"
    return f"Campaign '{opened.spec.name}' {verb} with {n_before} of {budget} trials. Records: {opened.stores.folder}"


def _sum_up(
    opened: Campaign, campaign: Path, summary: dict[str, Any], seconds: float, console: Console, as_json: bool
) -> None:
    best = opened.best()
    if as_json:
        print_json({**summary, "seconds": seconds, "n_trials": len(opened.trials()), "pareto": best.to_dict("records")})
        return
    console.print(f"\nEnded because {summary['reason']} ({counted(summary['n_made'], 'new trial')}, {seconds:.0f} s).")
    for warning in summary["warnings"]:
        console.print(Text("warning", style="yellow"), warning)
    if len(best):
        console.print(best_table(opened.spec, best, console.width))
    else:
        console.print("No cell meets all constraints yet.")
    console.print(f"Report   {summary['report']}", soft_wrap=True)
    console.print(f"Look     afssb ui {campaign}", soft_wrap=True)
