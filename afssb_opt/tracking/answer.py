"""What a campaign has found so far, in words: the answer to its question, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from afssb_opt.domain.objectives import Objective, OutcomeConstraint, maximised_table, meets_constraints
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Standing
from afssb_opt.tracking.labels import (
    STATE_WORDS,
    design_text,
    number_text,
    outcome_name_and_unit,
    outcome_text,
)
from afssb_opt.tracking.progress import best_rows


@dataclass(frozen=True)
class Answer:
    """Sentences for the head of a report.

    Attributes:
        standing: How many trials are done, open and lost.
        findings: The best designs and what they reach; says so where there are none.
        caveats: What must be kept in mind: lower limits, exclusions, broken limits.
    """

    standing: str
    findings: tuple[str, ...]
    caveats: tuple[str, ...]


def answer(spec: CampaignSpec, standing: Standing, observations: pd.DataFrame) -> Answer:
    """Say what the observations tell about the campaign's question."""
    return Answer(
        _standing(spec, standing), tuple(_findings(spec, observations)), tuple(_caveats(spec, standing, observations))
    )


def goal_text(spec: CampaignSpec, objective: Objective) -> str:
    """Return a wish in words: `maximise Cycle life, of interest above 100 cycles`."""
    label, unit = outcome_name_and_unit(spec.outcome(objective.outcome))
    weight = f", counts {number_text(objective.weight)} times" if objective.weight != 1.0 else ""
    if objective.target is not None:
        return f"bring {label} to {number_text(objective.target)} {unit}".strip() + weight
    verb, side = ("minimise", "below") if objective.goal == "minimize" else ("maximise", "above")
    if objective.threshold is None:
        return f"{verb} {label}"
    text = f"{verb} {label}, of interest {side} {number_text(objective.threshold)} {unit}".strip()
    if objective.ideal is None:
        return text
    return f"{text}, ideal from {number_text(objective.ideal)} {unit} on".replace("  ", " ") + weight


def limit_text(spec: CampaignSpec, constraint: OutcomeConstraint) -> str:
    """Return a limit in words: `Initial Coulombic efficiency at least 75 %`."""
    label, unit = outcome_name_and_unit(spec.outcome(constraint.outcome))
    parts = []
    if constraint.at_least is not None:
        parts.append(f"at least {number_text(constraint.at_least)} {unit}".strip())
    if constraint.at_most is not None:
        parts.append(f"at most {number_text(constraint.at_most)} {unit}".strip())
    return f"{label} {' and '.join(parts)}"


def row_outcome_text(spec: CampaignSpec, row: pd.Series, name: str, *, has_unit: bool = True) -> str:
    """Return one outcome of one observation, such as `> 500 cycles`."""
    value, sem, flag = row.get(name), row.get(f"{name}_sem"), row.get(f"{name}_censored")
    return outcome_text(
        None if value is None else float(value),
        is_censored=flag is not None and not pd.isna(flag) and bool(flag),
        unit=outcome_name_and_unit(spec.outcome(name))[1] if has_unit else "",
        sem=None if sem is None else float(sem),
    )


def is_censored(observations: pd.DataFrame, name: str) -> np.ndarray:
    """Return `(n,)` booleans: where the outcome is a lower limit."""
    flags = observations.get(f"{name}_censored")
    if flags is None:
        return np.zeros(len(observations), dtype=bool)
    return np.array([not pd.isna(flag) and bool(flag) for flag in flags], dtype=bool)


def _standing(spec: CampaignSpec, standing: Standing) -> str:
    counts = standing.n_by_state
    parts = [f"{counts[state]} {STATE_WORDS[state]}" for state in STATE_WORDS if counts.get(state)]
    if not parts:
        return f"No trial has been proposed yet; the budget is {spec.budget.trials} trials."
    return f"{standing.n_trials} of {spec.budget.trials} trials: {', '.join(parts)}."


def _findings(spec: CampaignSpec, observations: pd.DataFrame) -> list[str]:
    best = observations[best_rows(spec, observations)]
    if best.empty:
        return [_why_none(spec, observations)]
    if len(spec.wanted) == 1:
        first = spec.wanted[0].outcome
        what = "" if spec.desirability is None else "desirability "
        if len(best) > 1:
            value = row_outcome_text(spec, best.iloc[0], first)
            return [f"{len(best)} cells share the best value so far, {what}{value}; they stand in the table below."]
        return [f"Best cell so far: {what}{_cell_text(spec, best.iloc[0], first)}"]
    many = f"{len(best)} cells form" if len(best) > 1 else "One cell forms"
    sentences = [f"{many} the Pareto set: no other cell is better in one objective without being worse in another."]
    values = maximised_table(spec.wanted, best)
    for column, objective in enumerate(spec.wanted):
        row = best.iloc[int(np.argmax(values[:, column]))]
        label, _ = outcome_name_and_unit(spec.outcome(objective.outcome))
        sentences.append(f"Best {label}: {_cell_text(spec, row, objective.outcome)}")
    return sentences


def _cell_text(spec: CampaignSpec, row: pd.Series, first: str) -> str:
    others = [name for name in spec.shown_outcomes if name != first]
    reached = "; ".join(
        f"{outcome_name_and_unit(spec.outcome(name))[0]} {row_outcome_text(spec, row, name)}" for name in others
    )
    design = design_text({name: row[name] for name in spec.space.names if name in row})
    return f"{row_outcome_text(spec, row, first)} in {row['label']} ({design})" + (f"; {reached}." if reached else ".")


def _why_none(spec: CampaignSpec, observations: pd.DataFrame) -> str:
    if observations.empty:
        return "No trial has a result yet."
    has_all = np.isfinite(maximised_table(spec.objectives, observations)).all(axis=1)
    if not has_all.any():
        return "No trial has a value for every objective yet."
    limits = "; ".join(limit_text(spec, constraint) for constraint in spec.constraints)
    return f"No cell meets all limits yet ({limits})."


def _caveats(spec: CampaignSpec, standing: Standing, observations: pd.DataFrame) -> list[str]:
    caveats = []
    for name in spec.outcome_names:
        n_censored = int(is_censored(observations, name).sum())
        if n_censored:
            label, _ = outcome_name_and_unit(spec.outcome(name))
            caveats.append(
                f"{n_censored} {'value' if n_censored == 1 else 'values'} of {label} "
                f"{'is a lower limit' if n_censored == 1 else 'are lower limits'} (marked >): the cell had not come to "
                "its end when it was last looked at."
            )
    if spec.constraints and len(observations):
        n_out = int((~meets_constraints(spec.constraints, observations) & (observations["status"] != "failed")).sum())
        if n_out:
            many = "cell breaks" if n_out == 1 else "cells break"
            caveats.append(f"{n_out} measured {many} a limit, or its value was not measured.")
    n_excluded = standing.n_excluded
    if n_excluded:
        caveats.append(f"{n_excluded} {'trial is' if n_excluded == 1 else 'trials are'} kept out by a reviewer.")
    n_disputed = standing.n_in([TrialState.DISPUTED])
    if n_disputed:
        caveats.append(f"{n_disputed} disputed: two results contradict each other and neither is used.")
    return caveats
