"""What `prior_data` of a campaign file may say: the simulation, or a table of cells known before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from afssb_opt.campaign_file.problems import ProblemList
from afssb_opt.domain.outcomes import OUTCOMES
from afssb_opt.domain.spec import EvaluatorSpec

SIMULATION: Final = "simulation"


def resolve_prior_data(value: str, folder: str) -> str:
    """Return `simulation`, or the path of the table, relative to the folder of the campaign file."""
    return value if value == SIMULATION else str(Path(folder) / value)


def check_prior_data(
    value: str, folder: str, evaluator: EvaluatorSpec, outcomes: Sequence[str], problems: ProblemList
) -> None:
    """Note what keeps the prior data from teaching anything."""
    if value != SIMULATION:
        if not Path(resolve_prior_data(value, folder)).is_file():
            problems.add("prior_data", f"names no file ({value})", "Write simulation, or the path of a CSV or "
                         "Parquet table with one column per variable and per outcome")  # fmt: skip
        return
    computed = [name for name, outcome in OUTCOMES.items() if outcome.comes_from_cycling]
    if evaluator.kind == "simulation":
        problems.add("prior_data", "is the simulation, which evaluates the campaign anyway", "Remove it")
    elif not set(outcomes) & set(computed):
        problems.add("prior_data", f"is the simulation, which computes none of {', '.join(outcomes)}",
                     f"Remove it, or want one of: {', '.join(computed)}")  # fmt: skip
