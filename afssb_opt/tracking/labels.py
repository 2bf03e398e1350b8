"""What variables, outcomes and values are called in front of people, with their units."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from afssb_opt.domain.outcomes import OutcomeDefinition
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.domain.trials import TrialState

# Unit at the end of a name -> how it is written; the longer endings come first.
_UNIT_ENDINGS: Final[dict[str, str]] = {
    "_mah_cm2": "mAh/cm²",
    "_ma_cm2": "mA/cm²",
    "_mg_cm2": "mg/cm²",
    "_ohm_cm2": "Ω cm²",
    "_usd_m2": "USD/m²",
    "_wh_kg": "Wh/kg",
    "_wh_l": "Wh/L",
    "_wt_pct": "wt%",
    "_vol_pct": "vol%",
    "_pct": "%",
    "_mpa": "MPa",
    "_um": "µm",
    "_nm": "nm",
    "_mv": "mV",
}

_PRETTY_UNITS: Final[dict[str, str]] = {"ohm": "Ω", "cm2": "cm²", "m2": "m²", "um": "µm"}

STATE_WORDS: Final[Mapping[TrialState, str]] = {
    TrialState.DRAFT: "waits for approval",
    TrialState.PROPOSED: "proposed",
    TrialState.CLAIMED: "being evaluated",
    TrialState.IN_TEST: "in test",
    TrialState.PARTIAL: "still cycling",
    TrialState.COMPLETED: "completed",
    TrialState.FAILED: "failed",
    TrialState.ABANDONED: "abandoned",
    TrialState.VOID: "void",
    TrialState.DISPUTED: "disputed",
}


def pretty_unit(unit: str) -> str:
    """Return a unit as it is printed: `ohm cm2` becomes `Ω cm²`."""
    return re.sub(r"[A-Za-z]+\d*", lambda part: _PRETTY_UNITS.get(part[0], part[0]), unit)


def variable_name_and_unit(name: str) -> tuple[str, str]:
    """Return label and unit of a variable; both are read off the name where the project does not know it."""
    known = STANDARD_VARIABLES.get(name)
    if known:
        return known.label, pretty_unit(known.unit)
    for ending, unit in _UNIT_ENDINGS.items():
        stem = name.removesuffix(ending)
        if stem and stem != name:
            words = stem.replace("_", " ")
            return words[:1].upper() + words[1:], unit
    return name, ""


def variable_label(name: str) -> str:
    """Return label and unit in one, such as `Stack pressure (MPa)`."""
    label, unit = variable_name_and_unit(name)
    return f"{label} ({unit})" if unit else label


def outcome_name_and_unit(definition: OutcomeDefinition) -> tuple[str, str]:
    """Return label and unit of an outcome; both are read off the name where the project does not know it."""
    if definition.label != definition.name or definition.unit:
        return definition.label, pretty_unit(definition.unit)
    return variable_name_and_unit(definition.name)


def outcome_label(definition: OutcomeDefinition) -> str:
    """Return label and unit in one, such as `Energy density (Wh/L)`."""
    label, unit = outcome_name_and_unit(definition)
    return f"{label} ({unit})" if unit else label


def number_text(value: float) -> str:
    """Return a number with four digits at most: `0.0123`, `37.4`, `1,240`, `2.1e-06`."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-3:
        return f"{value:.3g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def value_text(value: object, unit: str = "") -> str:
    """Return a design value or outcome with its unit; a level is returned as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{number_text(float(value))} {unit}".strip()


def outcome_text(value: float | None, *, is_censored: bool = False, unit: str = "", sem: float | None = None) -> str:
    """Return an outcome in words: a censored one is a lower limit and reads `> 500 cycles`."""
    if value is None or not math.isfinite(value):
        return "–"
    text = ("> " if is_censored else "") + number_text(value)
    if sem is not None and math.isfinite(sem) and sem > 0:
        text += f" ± {number_text(sem)}"
    return f"{text} {unit}".strip()


def design_text(design: Mapping[str, float | str]) -> str:
    """Return a design on one line: `Seed alloy Ag, Stack pressure 5 MPa`."""
    parts = []
    for name, value in design.items():
        label, unit = variable_name_and_unit(name)
        parts.append(f"{label} {value_text(value, unit)}")
    return ", ".join(parts)


def plain_markdown(text: str) -> str:
    """Return plain text such that Markdown leaves it alone, in tables too."""
    return re.sub(r"([\\`*_<>\[\]|#])", r"\\\1", text).replace("\n", " ")
