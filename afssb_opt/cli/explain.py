"""`afssb explain`: why a design was proposed, from what was known then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.explaining import TrialExplanation
from afssb_opt.cli.output import heading, in_words, plain_table, print_json, shown, text_console
from afssb_opt.domain.numbers import with_deviation
from afssb_opt.domain.outcomes import ABOVE_CLIFF
from afssb_opt.domain.spec import CampaignSpec


def explain(campaign: Path, trial: str, as_json: bool) -> None:
    """Print prediction, gain, chances, drivers and nearest cells of one trial.

    Raises:
        InputError: The campaign has no such trial.
    """
    with Campaign.load(campaign, read_only=True) as opened:
        found, spec = opened.explain(trial), opened.spec
    if as_json:
        print_json(found.to_dict())
        return
    console = text_console()
    console.print(f"Trial {found.trial}, round {found.round}, {found.state}")
    design = ", ".join(in_words(name, value) for name, value in found.explanation.design.items())
    console.print(f"  {design}", soft_wrap=True)
    console.print(f"Why: {found.reason}", soft_wrap=True)
    console.print(f"Known then: {found.n_observed} cells with results, {found.n_pending} without "
                  f"(ledger event {found.data_version})")  # fmt: skip
    if not found.is_reproduced:
        console.print(Text("With the versions and the device of now it reads otherwise:", style="yellow"),
                      found.explanation.reason, soft_wrap=True)  # fmt: skip
    _print_gain(console, spec, found)
    if found.explanation.forecasts:
        console.print(_forecasts(found))
        console.print(_drivers(spec, found))
    if found.near:
        console.print(_near(spec, found))


def _print_gain(console: Console, spec: CampaignSpec, found: TrialExplanation) -> None:
    gain = found.explanation.gain
    if gain is None:
        console.print("Expected gain: none was computed; the design fills the space")
        return
    unit = "in standard deviations of what was measured" if spec.desirability is None else "of desirability"
    console.print(f"Expected gain: {gain.total:.3g} {unit}: {gain.exploit:.3g} "
                  f"if all comes out as predicted (exploit), {gain.explore:.3g} from the uncertainty (explore)",
                  soft_wrap=True)  # fmt: skip
    chances = found.explanation.chances
    if chances:
        listed = ", ".join(f"{_limit(name)} {chance:.0%}" for name, chance in chances.items())
        console.print(f"Chance to be allowed: {found.explanation.chance:.0%} ({listed})", soft_wrap=True)


def _limit(name: str) -> str:
    """Return what a chance is about: a limit as the campaign file writes it, or a cliff in words."""
    return heading(name) if name.endswith(ABOVE_CLIFF) else name


def _forecasts(found: TrialExplanation) -> Table:
    against = found.reference or "all cells"
    table = plain_table("Prediction")
    for name in ("Outcome", "Predicted", "95 % interval", f"Predicted for {against}", "Measured since"):
        table.add_column(name, justify="left" if name == "Outcome" else "right")
    for forecast in found.explanation.forecasts:
        is_chance = (forecast.low, forecast.high) == (0.0, 1.0)
        table.add_row(
            heading(forecast.outcome),
            with_deviation(forecast.mean, forecast.sd) if not is_chance else f"{forecast.mean:.2f}",
            "" if is_chance else "by the recipe" if forecast.sd == 0 else f"{forecast.low:.4g} to {forecast.high:.4g}",
            shown(forecast.reference),
            shown(found.measured.get(forecast.outcome)),
        )
    return table


def _drivers(spec: CampaignSpec, found: TrialExplanation) -> Table:
    forecasts = found.explanation.forecasts
    against = found.reference or "the average cell"
    table = plain_table(f"What each variable does to the prediction, against {against}; they add up")
    table.add_column("Variable")
    for forecast in forecasts:
        table.add_column(heading(forecast.outcome), justify="right")
    for variable in (*spec.space.categorical, *spec.space.numeric):
        if all(variable.name in forecast.drivers for forecast in forecasts):
            table.add_row(heading(variable.name), *_signed([f.drivers[variable.name] for f in forecasts]))
    table.add_row("together", *_signed([f.mean - f.reference for f in forecasts]), style="bold")
    return table


def _signed(values: Sequence[float]) -> list[str]:
    return [f"{value:+.3g}" for value in values]


def _near(spec: CampaignSpec, found: TrialExplanation) -> Table:
    table = plain_table("Nearest cells known then (another level is as far as a whole range)")
    names = [name for name in spec.shown_outcomes if any(name in cell.outcomes for cell in found.near)]
    for name in ("Trial", "Distance", "Differs in", *map(heading, names)):
        is_text = name in ("Trial", "Differs in")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=is_text)
    for cell in found.near:
        differs = "\n".join(in_words(name, cell.design[name]) for name in cell.differs)
        values = [shown(cell.outcomes.get(name)) for name in names]
        table.add_row(cell.trial, f"{cell.distance:.2f}", differs or "nothing", *values)
    return table
