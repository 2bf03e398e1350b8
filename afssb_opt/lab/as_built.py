"""Whether a cell was built as proposed: deviations are noted, asked about, or refused where they cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.matching import KnownTrial
from afssb_opt.lab.table_row import TableRow

# A lab sets thickness and pressure to a few percent; within this a value is the proposed one, read off (assumed).
READ_OFF: Final = 0.02
# A stated as-built value further off than this is a slip of unit or row more often than a cell (assumed).
FAR_OFF: Final = 3.0
# Temperatures further from the protocol than this are another test, K.
TEMPERATURE_TOLERANCE_K: Final = 5.0


def as_built_values(
    row: TableRow, trial: KnownTrial, spec: CampaignSpec
) -> tuple[dict[str, float | str], list[Finding]]:
    """Return the values that were built differently or confirmed, and what is to be said about them."""
    built: dict[str, float | str] = {}
    findings: list[Finding] = []
    for name, repeated in row.design.items():
        if name in row.as_built or _is_read_off(repeated, trial.design.get(name)):
            if not _is_read_off(repeated, trial.design.get(name)):
                findings.append(_swapped(row, name, repeated, trial))
            continue
        built[name] = repeated
        findings.append(
            Finding(
                "design.as_built",
                Verdict.HELD,
                row.where,
                f"{name} is {repeated}, proposed was {trial.design.get(name)}",
                f"{trial.design.get(name)}, or a column as_built_{name}",
                "If the cell was built so, accept it; if the row belongs to another trial, correct the label",
            )
        )
    for name, value in row.as_built.items():
        built[name] = value
        proposed = trial.design.get(name)
        if _is_read_off(value, proposed):
            continue
        is_far = isinstance(value, str) or _factor(value, proposed) > FAR_OFF
        findings.append(
            Finding(
                "design.as_built",
                Verdict.HELD if is_far else Verdict.NOTE,
                row.where,
                f"{name} was built as {value}, proposed was {proposed}",
                "",
                "The model uses what was built"
                if not is_far
                else "Accept it if that is right; a slip of unit or row looks the same",
            )
        )
    findings += _space_findings(row, {**trial.design, **built}, built, spec)
    wanted = spec.protocol.temperature_c
    if abs(row.temperature_c - wanted) > TEMPERATURE_TOLERANCE_K:
        findings.append(
            Finding(
                "value.plausible",
                Verdict.HELD,
                row.where,
                f"temperature {row.temperature_c:g} C",
                f"{wanted:g} C",
                "Kelvin? Another protocol? Confirm or correct it",
            )
        )
    return built, findings


def _swapped(row: TableRow, name: str, repeated: float | str, trial: KnownTrial) -> Finding:
    return Finding(
        "match.swapped",
        Verdict.HELD,
        row.where,
        f"the sheet repeats {name} {repeated} for {trial.label}, proposed was {trial.design.get(name)}",
        str(trial.design.get(name)),
        "Were two rows exchanged? Check the labels; state what was built in the as_built columns",
    )


def _is_read_off(value: float | str, proposed: float | str | None) -> bool:
    if isinstance(value, str) or isinstance(proposed, str) or proposed is None:
        return value == proposed
    return abs(value - proposed) <= READ_OFF * max(abs(value), abs(proposed))


def _factor(value: float, proposed: float | str | None) -> float:
    if isinstance(proposed, str) or proposed is None:
        return float("inf")
    low, high = sorted((abs(value), abs(proposed)))
    # From or to zero is no factor; such values are small additions such as Li3N.
    return high / low if low > 0 else 1.0


def _space_findings(
    row: TableRow, design: Mapping[str, float | str], built: Mapping[str, float | str], spec: CampaignSpec
) -> list[Finding]:
    findings = []
    for name, value in built.items():
        standard = STANDARD_VARIABLES.get(name)
        if not isinstance(value, str) and value < 0 and standard is not None:
            findings.append(
                Finding(
                    "design.possible", Verdict.REJECTED, row.where, f"{name} is {value:g}", "not negative", "Correct it"
                )
            )
    complete = {name: design[name] for name in spec.space.names if name in design}
    if len(complete) == len(spec.space.names) and built:
        for problem in spec.space.problems(pd.DataFrame([complete])):
            is_level = "unknown level" in problem.what
            findings.append(
                Finding(
                    "design.space",
                    Verdict.HELD if is_level else Verdict.WARNING,
                    row.where,
                    f"{problem.where.split(', ')[-1]}: {problem.what}",
                    problem.remedy,
                    "Correct the spelling, or add the level to the campaign"
                    if is_level
                    else "Kept for learning; it is no candidate",
                )
            )
    return findings
