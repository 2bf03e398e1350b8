"""From the plain content of a campaign file to a checked `CampaignSpec`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from afssb_opt.campaign_file.evaluator import check_pybamm_outcome, parse_evaluator
from afssb_opt.campaign_file.prior_data import SIMULATION, check_prior_data, resolve_prior_data
from afssb_opt.campaign_file.problems import ProblemList
from afssb_opt.campaign_file.schedule import check_schedule
from afssb_opt.campaign_file.schema import (
    CampaignPart,
    ClusterPart,
    ConstraintPart,
    DesignTaskPart,
    ObjectivePart,
    ProtocolPart,
)
from afssb_opt.campaign_file.space import parse_space
from afssb_opt.domain.desirability import DESIRABILITY, Desirability, desirability_problems
from afssb_opt.domain.errors import CampaignFileError, suggest
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import OUTCOMES, OutcomeSettings
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.spec import Budget, CampaignSpec, ClusterSpec, EvaluatorSpec, StopRule
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.domain.variables import Categorical, Fixed, Variable


def build_spec(
    definition: Mapping[str, Any],
    source: str = "campaign",
    lines: Mapping[str, int] | None = None,
    folder: str = "",
) -> CampaignSpec:
    """Check a campaign and return it.

    Args:
        definition: The campaign in the words of the campaign file.
        source: Name of the file for messages.
        lines: Line per dotted path, where there is a file.
        folder: Folder of the file, where modules and tables that it names are looked for.

    Raises:
        CampaignFileError: With every problem found.
    """
    problems = ProblemList(lines)
    part = problems.validated(CampaignPart, definition, "")
    # Entries are checked even where the top level failed, to report all problems at once.
    space = parse_space(_group(definition, "space"), _list(definition, "design_constraints"), problems)
    evaluator = parse_evaluator(definition.get("evaluator", "simulation"), space, folder, problems)
    objectives, constraints, settings = _wishes(definition, problems)
    desirability = _desirability(definition, objectives, problems)
    if evaluator is not None:
        _check_wishes(evaluator, definition, problems)
        if evaluator.kind == "simulation" and space is not None:
            _check_simulable(space, problems)
    if part is not None:
        _check_protocol(part.protocol, problems)
        _check_cycles(part.protocol, settings, objectives, constraints, problems)
    cluster = None if part is None or part.cluster is None else _cluster(part.cluster, evaluator, problems)
    schedule = None if part is None or part.schedule is None else check_schedule(part.schedule, problems)
    if part is not None and part.prior_data is not None and evaluator is not None and space is not None:
        check_prior_data(part.prior_data, folder, evaluator, [*objectives, *constraints], problems)
        if part.prior_data == SIMULATION and evaluator.kind != "simulation":
            _check_simulable(space, problems)
    if problems.found or part is None or space is None or evaluator is None:
        raise CampaignFileError(problems.found, source)
    plain = _plain_definition(definition, part)
    return CampaignSpec(
        name=part.name,
        space=space,
        objectives=tuple(objectives.values()),
        constraints=tuple(constraints.values()),
        protocol=Protocol(**part.protocol.model_dump()),
        evaluator=evaluator,
        budget=Budget(**part.budget.model_dump()),
        batch_size=part.batch_size,
        initial_trials=part.initial_trials,
        seed=part.seed,
        question=part.question,
        outcome_settings=settings,
        sha256=hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest(),
        definition=plain,
        cluster=cluster,
        schedule=schedule,
        stop_when=None if part.stop_when is None else StopRule(**part.stop_when.model_dump()),
        prior_data=None if part.prior_data is None else resolve_prior_data(part.prior_data, folder),
        inbox=part.inbox,
        needs_approval=part.approve,
        desirability=desirability,
    )


@dataclass(frozen=True)
class DesignTask:
    """What an optimiser needs of a campaign."""

    space: DesignSpace
    objectives: tuple[Objective, ...]
    constraints: tuple[OutcomeConstraint, ...]
    seed: int
    desirability: Desirability | None


def build_design_task(definition: Mapping[str, Any]) -> DesignTask:
    """Check space, objectives and constraints in the words of a campaign file, whatever evaluates them.

    Raises:
        CampaignFileError: With every problem found.
    """
    problems = ProblemList()
    part = problems.validated(DesignTaskPart, definition, "")
    space = parse_space(_group(definition, "space"), _list(definition, "design_constraints"), problems)
    objectives, constraints, _ = _wishes(definition, problems)
    desirability = _desirability(definition, objectives, problems)
    if problems.found or part is None or space is None:
        raise CampaignFileError(problems.found, "design task")
    return DesignTask(space, tuple(objectives.values()), tuple(constraints.values()), part.seed, desirability)


def build_protocol(definition: Mapping[str, Any], source: str, lines: Mapping[str, int]) -> Protocol:
    """Return the protocol stated by the settings themselves, or by the `protocol` group of a campaign.

    Raises:
        CampaignFileError: With every problem found.
    """
    problems = ProblemList(lines)
    where = "protocol" if isinstance(definition.get("protocol"), Mapping) else ""
    part = problems.validated(ProtocolPart, definition["protocol"] if where else definition, where)
    if part is not None:
        _check_protocol(part, problems)
    if problems.found or part is None:
        raise CampaignFileError(problems.found, source)
    return Protocol(**part.model_dump())


def _group(definition: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = definition.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(definition: Mapping[str, Any], key: str) -> list[Any]:
    value = definition.get(key)
    return value if isinstance(value, list) else []


def _cluster(part: ClusterPart, evaluator: EvaluatorSpec | None, problems: ProblemList) -> ClusterSpec:
    if (part.dask is None) == (part.local_workers is None):
        problems.add(
            "cluster",
            "names both a scheduler and local workers, or neither",
            "Write {dask: 'tls://host:8786'} or {local_workers: 2}",
        )
    if evaluator is not None and evaluator.kind == "lab":
        problems.add("cluster", "has nothing to compute for 'evaluator: lab'", "Remove it")
    return ClusterSpec(part.dask or "", part.local_workers or 0)


def _wishes(
    definition: Mapping[str, Any], problems: ProblemList
) -> tuple[dict[str, Objective], dict[str, OutcomeConstraint], OutcomeSettings]:
    objectives: dict[str, Objective] = {}
    constraints: dict[str, OutcomeConstraint] = {}
    at_cycles: dict[str, int] = {}
    for group, kind in (("objectives", ObjectivePart), ("constraints", ConstraintPart)):
        for name, entry in _group(definition, group).items():
            where = f"{group}.{name}"
            part = problems.validated(kind, entry, where)
            if isinstance(part, ObjectivePart):
                if (part.goal == "target") != (part.value is not None):
                    problems.add(
                        where,
                        "has a 'value' without 'goal: target', or the other way round",
                        "Write {goal: target, value: number}, or use threshold for a lower limit",
                    )
                else:
                    weight = 1.0 if part.weight is None else part.weight
                    objectives[name] = Objective(name, part.goal, part.threshold, part.value, part.ideal, weight)
            elif isinstance(part, ConstraintPart):
                if part.at_least is None and part.at_most is None:
                    problems.add(where, "has neither at_least nor at_most", "Give one of them")
                elif part.at_least is not None and part.at_most is not None and part.at_least > part.at_most:
                    problems.add(
                        where, f"has at_least ({part.at_least:g}) above at_most ({part.at_most:g})", "Swap them"
                    )
                else:
                    constraints[name] = OutcomeConstraint(name, part.at_least, part.at_most)
            if isinstance(part, ObjectivePart | ConstraintPart) and part.at_cycle is not None:
                if name != "retention_pct":
                    problems.add(f"{where}.at_cycle", "goes with retention_pct only", "Remove it")
                at_cycles[where] = part.at_cycle
    if len(set(at_cycles.values())) > 1:
        problems.add(next(iter(at_cycles)), f"at_cycle differs: {at_cycles}", "Use one cycle for retention_pct")
    settings = OutcomeSettings()
    if at_cycles:
        settings = OutcomeSettings(retention_at_cycle=next(iter(at_cycles.values())))
    return objectives, constraints, settings


def _desirability(
    definition: Mapping[str, Any], objectives: Mapping[str, Objective], problems: ProblemList
) -> Desirability | None:
    if definition.get("combine") is None:
        for name, entry in _group(definition, "objectives").items():
            for key in ("ideal", "weight"):
                if isinstance(entry, Mapping) and entry.get(key) is not None:
                    problems.add(
                        f"objectives.{name}.{key}",
                        "matters only where the objectives are combined to one score",
                        "Write 'combine: desirability' beside objectives, or remove it",
                    )
        return None
    found = desirability_problems(tuple(objectives.values()))
    for problem in found:
        problems.add(problem.where, problem.what, f"{problem.remedy} (combine: desirability)")
    if DESIRABILITY in _group(definition, "objectives"):
        problems.add(f"objectives.{DESIRABILITY}", "is the name of the combined score", "Give it another name")
    return None if problems.found else Desirability(tuple(objectives.values()))


def _check_wishes(evaluator: EvaluatorSpec, definition: Mapping[str, Any], problems: ProblemList) -> None:
    computed = [name for name, outcome in OUTCOMES.items() if outcome.comes_from_cycling]
    variables = _group(definition, "space")
    wishes = [(group, name) for group in ("objectives", "constraints") for name in _group(definition, group)]
    for group, name in wishes:
        where = f"{group}.{name}"
        if name in variables:
            problems.add(
                where,
                "is a design variable, not an outcome",
                f"Bound it in space.{name}; objectives and constraints name what is measured",
            )
        elif evaluator.kind == "simulation" and name not in computed:
            problems.add(
                where, "is not an outcome of the simulation", f"{suggest(name, computed)}Known: {', '.join(computed)}"
            )
        elif evaluator.kind == "pybamm" and not evaluator.outcomes:
            check_pybamm_outcome(where, name, problems)
        elif evaluator.kind == "lab" and name not in OUTCOMES and (hint := suggest(name, OUTCOMES)):
            problems.add(
                where,
                "is not a standard outcome but looks like one",
                f"{hint}Use the standard name, or one less like it",
            )


def _check_simulable(space: DesignSpace, problems: ProblemList) -> None:
    for variable in space.variables:
        if variable.name not in STANDARD_VARIABLES:
            problems.add(
                f"space.{variable.name}",
                "is not a variable of the simulation",
                f"{suggest(variable.name, STANDARD_VARIABLES)}It knows {', '.join(STANDARD_VARIABLES)}; "
                "others need another evaluator",
            )
        elif STANDARD_VARIABLES[variable.name].is_numeric == _is_text(variable):
            problems.add(
                f"space.{variable.name}",
                "has levels where the simulation wants numbers, or the reverse",
                "See the README's example",
            )
        elif _is_text(variable):
            allowed = STANDARD_VARIABLES[variable.name].levels or seed_alloy_names()
            for level in variable.levels if isinstance(variable, Categorical) else [str(_fixed_value(variable))]:
                if level not in allowed:
                    problems.add(
                        f"space.{variable.name}.levels.{level}",
                        "cannot be simulated: not in the seed-alloy table"
                        if variable.name == "seed_alloy"
                        else "is not a level that the simulation knows",
                        f"{suggest(level, allowed)}Known: {', '.join(allowed)}",
                    )


def _is_text(variable: Variable) -> bool:
    return isinstance(variable, Categorical) or isinstance(_fixed_value(variable), str)


def _fixed_value(variable: Variable) -> float | str | None:
    return variable.value if isinstance(variable, Fixed) else None


def _check_protocol(protocol: ProtocolPart, problems: ProblemList) -> None:
    if protocol.lower_voltage_v >= protocol.upper_voltage_v:
        problems.add(
            "protocol.lower_voltage_v",
            f"is {protocol.lower_voltage_v:g} V, not below upper_voltage_v ({protocol.upper_voltage_v:g} V)",
            "Swap them",
        )


def _check_cycles(
    protocol: ProtocolPart,
    settings: OutcomeSettings,
    objectives: Mapping[str, Objective],
    constraints: Mapping[str, OutcomeConstraint],
    problems: ProblemList,
) -> None:
    if "retention_pct" in {**objectives, **constraints} and settings.retention_at_cycle > protocol.cycles:
        problems.add(
            "protocol.cycles",
            f"is {protocol.cycles}, but retention_pct is read at cycle {settings.retention_at_cycle}",
            "Cycle longer, or set a smaller at_cycle",
        )


# Keys that came later: left out of the definition at their defaults, so that older campaigns keep their hash.
_LATER_KEYS: Final = ("cluster", "schedule", "inbox", "approve", "stop_when", "prior_data")


def _plain_definition(definition: Mapping[str, Any], part: CampaignPart) -> dict[str, Any]:
    """Return the definition with all defaults written out and numbers in one spelling, so that equal means equal."""
    plain = part.model_dump()
    plain["evaluator"] = definition.get("evaluator", "simulation")
    for key in _LATER_KEYS:
        if getattr(part, key) == CampaignPart.model_fields[key].default:
            del plain[key]
    normalised = _normalised(plain)
    assert isinstance(normalised, dict)  # noqa: S101  a dict stays one
    return normalised


def _normalised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _normalised(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
