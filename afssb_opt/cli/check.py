"""`afssb check`: is a campaign file right, and what does it ask for?"""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.domain.errors import CampaignFileError, EvaluationError
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators import open_evaluator
from afssb_opt.tracking.answer import goal_text


def check(campaign: Path, as_json: bool) -> None:
    """Print all problems of the file, or what it asks for.

    Raises:
        CampaignFileError: The file has problems (text output; as JSON they are printed).
        EvaluationError: The evaluator of the campaign does not exist.
    """
    try:
        spec = load_spec(campaign)
    except CampaignFileError as error:
        if as_json:
            print_json({"ok": False, "problems": [vars(problem) for problem in error.problems]})
        raise
    try:
        with open_evaluator(spec):
            pass
    except EvaluationError as error:
        if as_json:
            print_json({"ok": False, "problems": [{"where": "evaluator", "what": str(error)}]})
        raise
    if as_json:
        print_json({"ok": True, "name": spec.name, "config_sha256": spec.sha256, "definition": dict(spec.definition),
                    "hints": hints(spec)})  # fmt: skip
        return
    console = text_console()
    console.print(Text("ok", style="green"), f"{campaign}: campaign '{spec.name}'")
    console.print(f"  varies     {', '.join(v.name for v in (*spec.space.categorical, *spec.space.numeric))}")
    console.print(f"  wants      {'; '.join(goal_text(spec, objective) for objective in spec.objectives)}")
    if spec.desirability is not None:
        console.print("  combines   these to one score, the desirability, and looks for the one best cell")
    if spec.constraints:
        console.print(f"  provided   {', '.join(str(constraint) for constraint in spec.constraints)}")
    console.print(f"  asks       {spec.evaluator.kind} {spec.evaluator.target}".rstrip())
    console.print(f"  costs      {spec.budget.trials} trials in batches of {spec.batch_size}")
    for hint in hints(spec):
        console.print(Text("hint", style="yellow"), hint)


def hints(spec: CampaignSpec) -> list[str]:
    """Return what is allowed but would cost cells."""
    open_ended = [o.outcome for o in spec.objectives if o.threshold is None and o.goal != "target"]
    if len(spec.objectives) == 1 or not open_ended:
        return []
    return [
        f"give {', '.join(open_ended)} a threshold, the worst value of interest: without one, some cells go to ends of "
        "the Pareto front that nobody wants (docs/campaign-file.md)"
    ]
