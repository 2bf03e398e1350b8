"""From the `space` and `design_constraints` of a campaign file to a `DesignSpace`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from afssb_opt.campaign_file.problems import ProblemList
from afssb_opt.campaign_file.schema import (
    CategoricalPart,
    ContinuousPart,
    DiscretePart,
    ExclusionPart,
    FixedPart,
    LinearRulePart,
    RangePart,
)
from afssb_opt.domain.errors import suggest
from afssb_opt.domain.rules import DesignRule, Exclusion, LinearConstraint, Range
from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_descriptors
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.domain.variables import Categorical, ConditionalBounds, Continuous, Discrete, Fixed, Variable

# A step that makes more values than this is finer than the surrogate can tell apart.
MAX_STEPS = 1000


def parse_space(space: Mapping[str, Any], rules: Sequence[Any], problems: ProblemList) -> DesignSpace | None:
    """Return the design space, or None with the reasons in `problems`."""
    before = len(problems.found)
    variables = [_variable(name, entry, problems) for name, entry in space.items()]
    known = [variable for variable in variables if variable is not None]
    for variable in known:
        if isinstance(variable, Continuous) and variable.when is not None:
            _check_condition(variable, known, problems)
    parsed_rules = [_rule(index, rule, known, problems) for index, rule in enumerate(rules)]
    if len(problems.found) == before and all(isinstance(variable, Fixed) for variable in known):
        problems.add("space", "has only fixed variables", "Give at least one variable bounds, values or levels")
    if len(problems.found) > before:
        return None
    return DesignSpace(tuple(known), tuple(rule for rule in parsed_rules if rule is not None))


def _variable(name: str, entry: Any, problems: ProblemList) -> Variable | None:
    where = f"space.{name}"
    if not isinstance(entry, Mapping):
        problems.add(where, f"is {entry!r}", "Write {low, high}, {values: [...]}, {levels: [...]} or {fixed: value}")
        return None
    if "levels" in entry:
        return _categorical(name, entry, where, problems)
    if "values" in entry:
        return _discrete(name, entry, where, problems)
    if "fixed" in entry:
        return _fixed(name, entry, where, problems)
    return _continuous(name, entry, where, problems)


def _continuous(name: str, entry: Mapping[str, Any], where: str, problems: ProblemList) -> Variable | None:
    part = problems.validated(ContinuousPart, entry, where)
    if part is None:
        return None
    pairs = {where: (part.low, part.high)}
    condition = None
    if part.when:
        if len(part.when) > 1:
            problems.add(f"{where}.when", "depends on more than one variable", "Name one categorical variable")
        variable, bounds = next(iter(part.when.items()))
        condition = ConditionalBounds(variable, {level: (pair.low, pair.high) for level, pair in bounds.items()})
        pairs |= {f"{where}.when.{variable}.{level}": pair for level, pair in condition.bounds.items()}
    before = len(problems.found)
    for path, pair in pairs.items():
        _check_bounds(name, path, pair, part.scale, problems)
    if len(problems.found) > before:
        return None
    if part.step is None:
        return Continuous(name, part.low, part.high, part.scale, condition, part.shared_per_batch)
    n_steps = math.floor((part.high - part.low) / part.step + 1e-9)
    if condition is not None or not 1 <= n_steps <= MAX_STEPS:
        problems.add(
            f"{where}.step",
            f"is {part.step:g}",
            f"It makes 2 to {MAX_STEPS} values between low and high, and does not go with 'when'",
        )
        return None
    # Ten digits remove what adding the step in binary leaves behind.
    values = tuple(float(f"{part.low + index * part.step:.10g}") for index in range(n_steps + 1))
    return Discrete(name, values, part.scale, part.shared_per_batch)


def _check_bounds(name: str, where: str, pair: tuple[float, float], scale: str, problems: ProblemList) -> None:
    low, high = pair
    if low > high:
        problems.add(where, f"has low ({low:g}) above high ({high:g})", "Swap them")
    elif low == high:
        problems.add(where, f"has low equal to high ({low:g})", f"Write {{fixed: {low:g}}} to hold it at one value")
    elif scale == "log" and low <= 0:
        problems.add(f"{where}.low", f"is {low:g} on a log scale", "Give a low above 0, or 'scale: linear'")
    for end, value in (("low", low), ("high", high)):
        _check_plausible(name, f"{where}.{end}", value, problems)


def _check_plausible(name: str, where: str, value: float, problems: ProblemList) -> None:
    standard = STANDARD_VARIABLES.get(name)
    if standard is None or not standard.is_numeric:
        return
    if not standard.plausible_low <= value <= standard.plausible_high:
        problems.add(
            where,
            f"is {value:g} {standard.unit}, outside {standard.plausible_low:g} to "
            f"{standard.plausible_high:g} {standard.unit}",
            f"Check the unit: {standard.hint}",
        )


def _discrete(name: str, entry: Mapping[str, Any], where: str, problems: ProblemList) -> Variable | None:
    part = problems.validated(DiscretePart, entry, where)
    if part is None:
        return None
    before = len(problems.found)
    values = sorted(part.values)
    if len(set(values)) != len(values):
        problems.add(f"{where}.values", f"repeats a value: {part.values}", "Name each value once")
    if part.scale == "log" and values[0] <= 0:
        problems.add(f"{where}.values", f"holds {values[0]:g} on a log scale", "Use values above 0, or 'scale: linear'")
    for value in values:
        _check_plausible(name, f"{where}.values", value, problems)
    return None if len(problems.found) > before else Discrete(name, tuple(values), part.scale, part.shared_per_batch)


def _fixed(name: str, entry: Mapping[str, Any], where: str, problems: ProblemList) -> Variable | None:
    part = problems.validated(FixedPart, entry, where)
    if part is None:
        return None
    if isinstance(part.fixed, float):
        _check_plausible(name, f"{where}.fixed", part.fixed, problems)
    elif name == "seed_alloy":
        _check_alloy(part.fixed, f"{where}.fixed", problems)
    return Fixed(name, part.fixed)


def _categorical(name: str, entry: Mapping[str, Any], where: str, problems: ProblemList) -> Variable | None:
    wrong = [level for level in entry["levels"] if not isinstance(level, str)] if entry["levels"] else []
    if wrong:
        problems.add(
            f"{where}.levels",
            f"holds {wrong[0]!r}, which is not text",
            "Put names in quotes, or use 'values' for numbers",
        )
        return None
    part = problems.validated(CategoricalPart, entry, where)
    if part is None:
        return None
    before = len(problems.found)
    levels = list(part.levels)
    if len(levels) < 2 or len(set(levels)) != len(levels):
        problems.add(f"{where}.levels", f"are {levels}", "Name at least two different levels, or use {fixed: name}")
    descriptors: dict[str, dict[str, float]] = {}
    if isinstance(part.levels, dict):
        descriptors = {level: dict(numbers or {}) for level, numbers in part.levels.items()}
        _check_descriptors(descriptors, f"{where}.levels", problems)
    elif name == "seed_alloy":
        for level in levels:
            if _check_alloy(level, f"{where}.levels", problems):
                descriptors[level] = seed_descriptors(level)
    if len(problems.found) > before:
        return None
    return Categorical(name, tuple(levels), descriptors if any(descriptors.values()) else {}, part.shared_per_batch)


def _check_descriptors(descriptors: Mapping[str, Mapping[str, float]], where: str, problems: ProblemList) -> None:
    names = {name for numbers in descriptors.values() for name in numbers}
    for level, numbers in descriptors.items():
        missing = sorted(names - set(numbers))
        if missing:
            problems.add(
                f"{where}.{level}",
                f"lacks the descriptors {', '.join(missing)}",
                "Give every level the same descriptors, or none to any",
            )


def _check_alloy(level: str, where: str, problems: ProblemList) -> bool:
    if level in seed_alloy_names():
        return True
    problems.add(
        where,
        f"'{level}' is not in the seed-alloy table",
        f"{suggest(level, seed_alloy_names())}Known: {', '.join(seed_alloy_names())}; "
        "another alloy needs its own descriptors: {name: {descriptor: number}}",
    )
    return False


def _check_condition(variable: Continuous, variables: Sequence[Variable], problems: ProblemList) -> None:
    assert variable.when is not None  # noqa: S101  the caller looked
    where = f"space.{variable.name}.when"
    by_name = {other.name: other for other in variables}
    other = by_name.get(variable.when.variable)
    if not isinstance(other, Categorical):
        categorical = [v.name for v in variables if isinstance(v, Categorical)]
        problems.add(
            where,
            f"depends on '{variable.when.variable}', which is not a variable with levels",
            f"{suggest(variable.when.variable, categorical)}With levels: {', '.join(categorical) or 'none'}",
        )
        return
    for level in variable.when.bounds:
        if level not in other.levels:
            problems.add(
                f"{where}.{other.name}.{level}",
                "is not a level",
                f"{suggest(level, other.levels)}Levels: {', '.join(other.levels)}",
            )


def _rule(index: int, rule: Any, variables: Sequence[Variable], problems: ProblemList) -> DesignRule | None:
    where = f"design_constraints[{index}]"
    by_name = {variable.name: variable for variable in variables}
    if isinstance(rule, Mapping) and "exclude" in rule:
        part = problems.validated(ExclusionPart, rule, where)
        return None if part is None else _exclusion(part, by_name, where, problems)
    linear = problems.validated(LinearRulePart, rule, where)
    if linear is None:
        return None
    before = len(problems.found)
    if linear.at_least is None and linear.at_most is None:
        problems.add(where, "has neither at_least nor at_most", "Give one of them")
    for name in linear.sum:
        variable = by_name.get(name)
        if variable is None or isinstance(variable, Categorical) or isinstance(getattr(variable, "value", 0.0), str):
            problems.add(
                f"{where}.sum.{name}",
                "is not a numeric variable of the space",
                f"{suggest(name, by_name)}Variables: {', '.join(by_name)}",
            )
    if len(problems.found) > before:
        return None
    return LinearConstraint(linear.sum, linear.at_most, linear.at_least)


def _exclusion(
    part: ExclusionPart, by_name: Mapping[str, Variable], where: str, problems: ProblemList
) -> Exclusion | None:
    before = len(problems.found)
    conditions: dict[str, tuple[str, ...] | Range] = {}
    for name, condition in part.exclude.items():
        variable = by_name.get(name)
        path = f"{where}.exclude.{name}"
        if variable is None:
            problems.add(
                path, "is not a variable of the space", f"{suggest(name, by_name)}Variables: {', '.join(by_name)}"
            )
        elif isinstance(condition, RangePart):
            if isinstance(variable, Categorical):
                problems.add(
                    path, "has levels, not a range", f"Give a list of its levels: {', '.join(variable.levels)}"
                )
            conditions[name] = Range(condition.above, condition.below)
        elif not isinstance(variable, Categorical) or not set(condition) <= set(variable.levels):
            allowed = ", ".join(variable.levels) if isinstance(variable, Categorical) else "it has no levels"
            problems.add(path, f"names {condition}", f"Levels: {allowed}; for numbers write {{above, below}}")
        else:
            conditions[name] = tuple(condition)
    return None if len(problems.found) > before else Exclusion(conditions, part.because)
