"""`afssb status`, `trials` and `report`: look at a campaign without changing it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.lab_notes import held_parts
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.cli.tables import best_table, trials_frame, trials_table
from afssb_opt.domain.numbers import counted
from afssb_opt.domain.trials import OPEN_STATES, TrialState
from afssb_opt.ledger import TrialRecord


def status(campaign: Path, as_json: bool, advice: bool = False) -> None:
    """Print trials by state, the Pareto set, what more cells are worth and whether the campaign goes on."""
    with Campaign.load(campaign, read_only=True) as opened:
        trials, best, done = opened.trials(), opened.best(), opened.stop_reason()
        n_held = len(held_parts(opened.ledger, opened.uid))
        counts = Counter(str(trial.state) for trial in trials)
        worth, worth_text = _worth_now(opened) if advice else _worth_then(trials)
        if as_json:
            print_json(
                {
                    "name": opened.spec.name,
                    "budget": opened.spec.budget.trials,
                    "states": counts,
                    "round": max((t.round for t in trials), default=0),
                    "stop_reason": done,
                    "advice": worth,
                    "changes": [str(change) for change in opened.changes],
                    "n_held": n_held,
                    "n_excluded": sum(t.is_excluded for t in trials),
                    "pareto": best.to_dict("records"),
                }
            )
            return
        console = text_console()
        console.print(f"Campaign '{opened.spec.name}': {len(trials)} of {opened.spec.budget.trials} trials")
        console.print("  " + (", ".join(f"{n} {state}" for state, n in counts.items()) or "no trial yet"))
        for change in opened.changes:
            console.print(Text("  changed since the last run", style="yellow"), str(change), soft_wrap=True)
        if n_held:
            held = counted(n_held, "lab result")
            console.print(f"  {held} held for a person to decide: afssb ingest {campaign} --held", soft_wrap=True)
        if worth_text:
            console.print(f"  {worth_text}")
        console.print(f"  {done or _next_step(opened, campaign)}", soft_wrap=True)
        if len(best):
            console.print(best_table(opened.spec, best, console.width))


def _next_step(opened: Campaign, campaign: Path) -> str:
    """Return the command that takes an unfinished campaign further."""
    if opened.spec.evaluator.kind != "lab":
        return f"goes on with `afssb run {campaign}`"
    standing = opened.standing()
    n_drafts, n_open = standing.n_in({TrialState.DRAFT}), standing.n_in(OPEN_STATES)
    if n_drafts:
        return f"a person has to approve {counted(n_drafts, 'design')}: `afssb approve {campaign}`"
    if n_open:
        return f"the results of {counted(n_open, 'cell')} are awaited: `afssb ingest {campaign} PATH`"
    return f"goes on with `afssb propose {campaign}`"


def _worth_then(trials: list[TrialRecord]) -> tuple[dict[str, Any] | None, str]:
    """Return what the last batch was expected to gain when it was proposed; that needs no surrogate."""
    known = [trial for trial in trials if trial.provenance.get("advice")]
    if not known:
        return None, ""
    worth: dict[str, Any] = known[-1].provenance["advice"] | {"round": known[-1].round}
    if worth["ratio"] is None:
        return worth, ""
    text = f"round {worth['round']} was expected to gain {worth['ratio']:.2g} times the cell-to-cell scatter"
    return worth, text


def _worth_now(campaign: Campaign) -> tuple[dict[str, Any], str]:
    """Return what another batch is expected to gain, results and pending designs counted."""
    # The surrogate needs torch, which a plain status need not wait for.
    from afssb_opt.campaign.proposing import informed_optimizer

    found = informed_optimizer(campaign.spec, campaign.ledger, campaign.uid).stop_advice(campaign.spec.batch_size)
    return found.to_dict(), str(found)


def trials(campaign: Path, out: Path | None, as_json: bool) -> None:
    """Print or write all trials."""
    with Campaign.load(campaign, read_only=True) as opened:
        frame = trials_frame(opened.spec, opened.trials())
        if out is not None:
            frame.to_csv(out, index=False)
            text_console(stderr=True).print(f"{len(frame)} trials written to {out}")
        if as_json:
            print_json(frame.to_dict("records"))
        elif out is None and not len(frame):
            text_console().print("No trial yet.")
        elif out is None:
            console = text_console()
            console.print(trials_table(opened.spec, frame, console.width))


def report(campaign: Path, out: Path | None, as_json: bool) -> None:
    """Write the report and print its path."""
    # The report's surrogate needs torch, which status and trials need not wait for.
    from afssb_opt.campaign.window import surrogate_view, write_campaign_report

    with Campaign.load(campaign, read_only=True) as opened:
        path = write_campaign_report(opened, surrogate_view(opened), out)
    if as_json:
        print_json({"report": str(path)})
    else:
        text_console().print(str(path), soft_wrap=True)
