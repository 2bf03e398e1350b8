"""`afssb approve`: decide about proposed designs before anybody builds or evaluates them."""

from __future__ import annotations

import getpass
from pathlib import Path

from rich.console import Console

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.approval import Choice, decide_drafts, drafts_of
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.cli.propose import write_sheets
from afssb_opt.cli.tables import designs_table
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import TrialRecord


def approve(
    campaign: Path,
    trials: list[str],
    is_all: bool,
    is_rejected: bool,
    edits: list[str],
    reason: str,
    out: Path,
    as_json: bool,
) -> None:
    """List the drafts, or approve, edit or reject them; a lab campaign gets its build sheet then.

    Raises:
        InputError: A label, value or combination of options is wrong; nothing was recorded.
        CampaignBusyError: Another process is advancing the campaign, and an edited design needs a new trial.
    """
    changes = _check_request(trials, is_all, is_rejected, edits)
    with Campaign.load(campaign) as opened:
        done: list[dict[str, str]] = []
        sheets: list[Path] = []
        if trials or is_all:
            choice: Choice = "reject" if is_rejected else "approve"
            done = decide_drafts(opened, choice, trials, edits=changes, reason=reason, actor=getpass.getuser())
            ready = [trial for trial in opened.trials() if trial.state is TrialState.PROPOSED]
            if opened.spec.evaluator.kind == "lab" and ready and not is_rejected:
                sheets = write_sheets(opened.spec, ready, out)
        waiting = drafts_of(opened)
        spec = opened.spec
    if as_json:
        cells = [{"trial": draft.label, **draft.design, "reason": draft.reason} for draft in waiting]
        print_json({"done": done, "waiting": cells, "sheets": [str(path) for path in sheets]})
        return
    _show(spec, done, waiting, sheets, text_console())


def _check_request(trials: list[str], is_all: bool, is_rejected: bool, edits: list[str]) -> dict[str, str]:
    problems = []
    if trials and is_all:
        problems.append(Problem("--all", "does not go with labels", "Name the drafts, or say --all"))
    if not trials and not is_all and (is_rejected or edits):
        problems.append(Problem("TRIAL", "is missing", "Name the drafts, or say --all"))
    changes = {}
    for edit in edits:
        name, equals, value = edit.partition("=")
        if not equals:
            problems.append(Problem("--edit", f"is '{edit}'", "Write --edit NAME=VALUE"))
        changes[name.strip()] = value.strip()
    if problems:
        raise InputError(problems, source="approve")
    return changes


def _show(
    spec: CampaignSpec, done: list[dict[str, str]], waiting: list[TrialRecord], sheets: list[Path], console: Console
) -> None:
    for entry in done:
        console.print(f"{entry['trial']}: {entry['what']}", highlight=False)
    if waiting:
        title = f"Drafts that wait for approval: {len(waiting)}"
        console.print(designs_table(spec, title, waiting, {draft.label for draft in waiting}))
    elif not done:
        console.print("No design waits for approval.")
    for path in sheets:
        console.print(f"Build sheet   {path}", soft_wrap=True)
