"""Who evaluates: from the `evaluator` of a campaign file to a checked `EvaluatorSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from afssb_opt.campaign_file.problems import ProblemList
from afssb_opt.campaign_file.schema import Number, Part
from afssb_opt.domain.errors import suggest
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.spec import CYCLED_OUTCOMES, EvaluatorSpec, ParameterLink
from afssb_opt.domain.variables import Categorical, Fixed

Target = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:\w+$")]
# A month: longer than any cell is simulated for, so more is a slip of unit.
Minutes = Annotated[float, Field(gt=0, le=43_200)]
Gigabytes = Annotated[float, Field(gt=0, le=100_000)]

_ALLOWED: Final = (
    "simulation, lab, {python: 'module:function'}, {pybamm: 'module:factory', parameters: {...}} or {replay: table.csv}"
)


class PythonPart(Part):
    """`{python, timeout_min, memory_gb}`."""

    python: Target
    timeout_min: Minutes = 60.0
    memory_gb: Gigabytes | None = None


class LinkPart(Part):
    """`{parameter, factor}` of a number, `{parameter, values: {level: number}}` of a categorical variable."""

    parameter: str
    factor: Number = 1.0
    values: dict[str, Number] | None = None


class PybammPart(Part):
    """`{pybamm, parameters, outcomes, timeout_min, memory_gb}`."""

    pybamm: Target
    parameters: dict[str, LinkPart] = Field(default_factory=dict)
    outcomes: Target | None = None
    timeout_min: Minutes = 60.0
    memory_gb: Gigabytes | None = None


class ReplayPart(Part):
    """`{replay: table}`."""

    replay: Annotated[str, Field(pattern=r"\.(csv|parquet|CSV|PARQUET)$")]


def parse_evaluator(value: Any, space: DesignSpace | None, folder: str, problems: ProblemList) -> EvaluatorSpec | None:
    """Return the evaluator that a campaign names, or note all that is wrong with it.

    Args:
        folder: Folder of the campaign file.
    """
    if isinstance(value, str):
        if value in ("simulation", "lab"):
            return EvaluatorSpec("simulation" if value == "simulation" else "lab", folder=folder)
        problems.add("evaluator", f"is '{value}'", f"{suggest(value, ['simulation', 'lab'])}Allowed: {_ALLOWED}")
        return None
    kinds = [kind for kind in ("python", "pybamm", "replay") if isinstance(value, Mapping) and kind in value]
    if len(kinds) != 1:
        problems.add("evaluator", "names no evaluator, or more than one", f"Allowed: {_ALLOWED}")
        return None
    if kinds == ["python"]:
        python = problems.validated(PythonPart, value, "evaluator")
        if python is None:
            return None
        return EvaluatorSpec("python", python.python, folder, python.timeout_min, python.memory_gb)
    if kinds == ["replay"]:
        replay = problems.validated(ReplayPart, value, "evaluator")
        return None if replay is None else EvaluatorSpec("replay", replay.replay, folder)
    part = problems.validated(PybammPart, value, "evaluator")
    if part is None:
        return None
    if space is not None:
        _check_links(part.parameters, space, problems)
    links = tuple(
        ParameterLink(name, link.parameter, link.factor, link.values or {}) for name, link in part.parameters.items()
    )
    return EvaluatorSpec(
        "pybamm", part.pybamm, folder, part.timeout_min, part.memory_gb, links, part.outcomes or ""
    )  # fmt: skip


def check_pybamm_outcome(where: str, name: str, problems: ProblemList) -> None:
    """Note an outcome that cannot be read off the cycles of a foreign model."""
    if name not in CYCLED_OUTCOMES:
        problems.add(
            where,
            "is not read off the cycles of a PyBaMM solution",
            f"{suggest(name, CYCLED_OUTCOMES)}Known: {', '.join(CYCLED_OUTCOMES)}; "
            "for others name a function: evaluator.outcomes: 'module:function'",
        )


def _check_links(links: Mapping[str, LinkPart], space: DesignSpace, problems: ProblemList) -> None:
    for name, link in links.items():
        where = f"evaluator.parameters.{name}"
        if name not in space.names:
            known = ", ".join(space.names)
            problems.add(where, "is not a variable of the space", f"{suggest(name, space.names)}Known: {known}")
            continue
        variable = space[name]
        levels = variable.levels if isinstance(variable, Categorical) else ()
        if isinstance(variable, Fixed) and isinstance(variable.value, str):
            levels = (variable.value,)
        missing = [level for level in levels if level not in (link.values or {})]
        if missing:
            problems.add(where, f"has no number for {', '.join(missing)}", "Write values: {level: number}")
        elif link.values and not levels:
            problems.add(f"{where}.values", "goes with a variable that has levels", "Use factor: number")
