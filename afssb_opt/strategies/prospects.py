"""What the models mean for the next choice: objectives, limits and chances in one acquisition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from afssb_opt.domain.objectives import Objective, OutcomeConstraint, is_non_dominated
from afssb_opt.strategies.acquisition import Acquisition, Limit, ObjectiveTerm
from afssb_opt.strategies.decision import Decision
from afssb_opt.strategies.hypervolume import nadir
from afssb_opt.strategies.models import CampaignModel, OutcomeModel
from afssb_opt.strategies.stop_advice import scatter_of_score, scatter_value

# Cells that new ones compete with; the acquisition costs a cube of their number.
MAX_BASE: Final = 60
# Good cells whose neighbourhoods are searched; more only repeat each other.
MAX_ANCHORS: Final = 20
# Without an allowed cell, so many of the likeliest ones are starting points instead.
N_LIKELY: Final = 5


@dataclass(frozen=True)
class Prospects:
    """An acquisition ready to be maximised.

    Attributes:
        decision: Chooses among the designs that the acquisition liked best.
        anchor_rows: Rows of the best cells so far.
        method: Name of the acquisition, for the user.
        scatter: What one cell-to-cell scatter is worth in the acquisition's units, where that can be said.
        reference: Reference point of several objectives in each outcome's unit; of a target, the value above it that
            is as far off.
        unit: What the acquisition's unit is in those of the outcomes: the product over the objectives.
    """

    acquisition: Acquisition
    decision: Decision
    anchor_rows: np.ndarray
    method: str
    scatter: float | None
    reference: Mapping[str, float]
    unit: float


def build_prospects(
    model: CampaignModel,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    features: Tensor,
    failed: np.ndarray,
    *,
    n_ask: int,
    seed: int,
) -> Prospects:
    """Turn models into an acquisition.

    Args:
        model: Of all outcomes that have data.
        objectives: What is wanted; those without data are left out.
        constraints: Limits on outcomes.
        features: `(n, n_columns)` of the observed cells, then of those under test.
        failed: `(k,)` booleans for the observed cells.
        n_ask: How many designs will be chosen.
        seed: Of the samples.
    """
    position = {outcome: index for index, outcome in enumerate(model.outcomes)}
    terms, given = _terms(model, objectives, position)
    limits = _limits(model, constraints, position)
    gps = [entry.gp for entry in model.outcomes.values()]
    predicted = [gp.mean_and_variance(features) for gp in gps]
    passes = _chance_to_pass(model, features, failed)
    chance = passes.clone()
    for limit in limits:
        mean, variance = predicted[limit.model]
        chance = chance * limit.probability(mean, variance.sqrt())
    likely = (chance > 0.5).numpy(force=True)
    observed = np.arange(len(features)) < len(failed)
    values = np.zeros((len(features), 0))
    reference = np.zeros(0)
    if terms:
        values = np.column_stack([term.maximised(predicted[term.model][0]).numpy(force=True) for term in terms])
        allowed = np.where(likely[:, None], values, np.nan)
        reference = nadir(values[observed], allowed[observed], given)
    models, score = list(model.outcomes.values()), model.score
    if score is not None:
        standard = torch.stack([predicted[term.model][0] for term in terms], dim=-1)
        scatter = scatter_of_score(score, models, terms, standard[torch.as_tensor(likely)])
    else:
        scatter = scatter_value(models, terms, values[likely], reference)
    base = _competitors(values, chance.numpy(force=True), observed)
    acquisition = Acquisition(gps, terms, limits, model.feasibility, features[base], passes[base], reference,
                              score=score, n_ask=n_ask, seed=seed)  # fmt: skip
    judges = [judge.gp for judge in model.feasibility]
    decision = Decision(gps, judges, terms, limits, features[base], reference, score)
    is_constrained = bool(limits or model.feasibility)
    return Prospects(
        acquisition,
        decision,
        _best_rows(values, chance.numpy(force=True)),
        _name(len(terms), is_constrained, bool(likely[observed].any()), has_score=score is not None),
        scatter,
        _in_units(models, terms, reference) if len(terms) > 1 and score is None else {},
        math.prod(models[term.model].scale.spread for term in terms) if score is None else 1.0,
    )


def _terms(
    model: CampaignModel, objectives: Sequence[Objective], position: dict[str, int]
) -> tuple[list[ObjectiveTerm], np.ndarray]:
    """Return the objectives in standardised units and their thresholds, maximised, NaN where none is given."""
    terms, given = [], []
    for objective in objectives:
        if objective.outcome not in position:
            continue
        scale = model.outcomes[objective.outcome].scale
        target = None if objective.target is None else float(scale.to_standard_unfenced(np.array(objective.target)))
        sign = -1.0 if objective.goal == "minimize" else 1.0
        term = ObjectiveTerm(position[objective.outcome], sign, target)
        terms.append(term)
        if objective.threshold is None:
            given.append(np.nan)
        else:
            threshold = torch.as_tensor(scale.to_standard_unfenced(np.array(objective.threshold)))
            given.append(float(term.maximised(threshold)))
    return terms, np.array(given)


def _in_units(
    models: Sequence[OutcomeModel], terms: Sequence[ObjectiveTerm], reference: np.ndarray
) -> dict[str, float]:
    points = {}
    for term, value in zip(terms, reference, strict=True):
        standard = term.sign * value if term.target is None else term.target - value
        points[models[term.model].outcome] = float(models[term.model].scale.from_standard(np.array(standard)))
    return points


def _limits(model: CampaignModel, constraints: Sequence[OutcomeConstraint], position: dict[str, int]) -> list[Limit]:
    limits = []
    for constraint in constraints:
        if constraint.outcome in position:
            scale = model.outcomes[constraint.outcome].scale
            ends = [
                infinite if end is None else float(scale.to_standard_unfenced(np.array(end)))
                for end, infinite in ((constraint.at_least, -np.inf), (constraint.at_most, np.inf))
            ]
            limits.append(Limit(position[constraint.outcome], *ends))
    return limits


def _chance_to_pass(model: CampaignModel, features: Tensor, failed: np.ndarray) -> Tensor:
    """Return `(n,)` probabilities of passing all pass/fail outcomes; those observed are certain."""
    passes = torch.ones(len(features), dtype=torch.float64)
    for judge in model.feasibility:
        chance = judge.probability(features)
        chance[torch.as_tensor(judge.rows)] = torch.as_tensor(judge.labels)
        passes = passes * chance
    passes[torch.as_tensor(np.flatnonzero(failed))] = 0.0
    return passes


def _best_rows(values: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return the rows of the predicted front, or those most likely to be allowed."""
    allowed = np.where(chance[:, None] > 0.5, values, np.nan)
    front = np.flatnonzero(is_non_dominated(allowed)) if values.shape[1] else np.zeros(0, dtype=int)
    if not len(front):
        front = np.argsort(-chance, kind="stable")[:N_LIKELY]
    return np.asarray(front[:MAX_ANCHORS])


def _competitors(values: np.ndarray, chance: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the rows worth competing with: all under test, and the best layers of those observed."""
    if len(values) <= MAX_BASE or not values.shape[1]:
        return np.arange(min(len(values), MAX_BASE))
    layer = np.full(len(values), np.inf)
    left = np.flatnonzero(chance > 0.01)
    depth = 0
    while len(left) and np.isfinite(layer).sum() < MAX_BASE:
        front = is_non_dominated(values[left])
        layer[left[front]] = depth
        left, depth = left[~front], depth + 1
    layer[~observed] = -1.0
    total = (values / (values.std(axis=0) + 1e-12)).sum(axis=1)
    return np.sort(np.lexsort((-total, layer))[:MAX_BASE])


def _name(n_objectives: int, is_constrained: bool, has_allowed: bool, *, has_score: bool) -> str:
    if not n_objectives:
        return "search for a cell that works"
    kind = "noisy expected improvement (qLogNEI)"
    if has_score:
        kind = "noisy expected improvement of the desirability (qLogNEI)"
    elif n_objectives > 1:
        kind = "noisy expected hypervolume improvement (qLogNEHVI)"
    if is_constrained and not has_allowed:
        return f"{kind}, weighted by feasibility (no allowed cell yet)"
    return f"{kind}, weighted by feasibility" if is_constrained else kind
