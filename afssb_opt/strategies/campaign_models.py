"""Which models the observations of a campaign call for: limits, cliffs, and what they leave open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.strategies.cell_fits import CellFits
from afssb_opt.strategies.cliffs import Cliff, likeliest_cliff
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import CampaignModel, OutcomeModel, predicts_better


def fit_models(
    encoding: Encoding,
    observations: pd.DataFrame,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    *,
    log_outcomes: Collection[str],
    binary_outcomes: Collection[str],
    seed: np.random.SeedSequence,
) -> CampaignModel:
    """Fit every model the objectives and constraints need.

    Args:
        encoding: Features of the designs.
        observations: Checked table without pending rows.
        objectives: What is wanted.
        constraints: Limits on outcomes.
        log_outcomes: Outcomes modelled on a logarithmic scale.
        binary_outcomes: Outcomes that are 0 or 1; others are recognised from their values.
        seed: Chooses rows where there are very many.
    """
    sides = _better_sides(objectives, constraints)
    features = torch.as_tensor(encoding.encode(observations))
    targets = {objective.outcome: objective.target for objective in objectives if objective.target is not None}
    fits = CellFits(encoding, features, observations, log_outcomes, sides, seed, targets)
    wanted = dict.fromkeys(objective.outcome for objective in objectives)
    binary = [
        c for c in constraints if c.outcome not in wanted and _is_binary(c.outcome, observations, binary_outcomes)
    ]
    wanted |= dict.fromkeys(c.outcome for c in constraints if c not in binary)
    broken = np.zeros(len(observations), dtype=bool)
    for constraint in binary:
        broken |= observations[constraint.outcome].notna().to_numpy() & ~constraint.holds(
            observations[constraint.outcome].to_numpy(float)
        )
    outcomes: dict[str, OutcomeModel] = {}
    notes: list[str] = []
    may_show: dict[str, OutcomeModel] = {}
    for outcome in wanted:
        model, found = fits.fit(outcome)
        if model is None:
            notes += found
            continue
        sound, found_sound = fits.fit_without(model, broken)
        if sound is None:
            outcomes[outcome] = model
            notes += found
            if outcome in sides and fits.may_show_cliff(outcome):
                may_show[outcome] = model
            continue
        outcomes[outcome] = sound
        n = len(model.rows) - len(sound.rows)
        notes += [*found_sound, f"{outcome}: {n} cells that broke a pass/fail limit are left out, since the others are "
                  "predicted better without them"]  # fmt: skip
    # A cell that meets the threshold of an objective has not fallen, however far below the others it is.
    met = {objective.outcome: _meets(objective, observations) for objective in objectives}
    cliff = likeliest_cliff(fits, may_show, met)
    feasibility = tuple(fits.reported(binary, list(wanted)))
    if cliff is None:
        return CampaignModel(encoding, outcomes, feasibility, tuple(notes))
    judges = (cliff.judge, *feasibility)
    above = _above(fits, outcomes, cliff)
    if not cliff.is_believed:
        second = CampaignModel(encoding, above, judges, tuple(notes))
        return CampaignModel(encoding, outcomes, feasibility, tuple(notes), second)
    notes.append(f"{cliff.shown_by}: {int(cliff.fell.sum())} cells are far worse than their recipes explain, as if "
                 "beyond a cliff; where it lies is learned apart from the values above it")  # fmt: skip
    for outcome, model in above.items():
        if outcome != cliff.shown_by and (n := len(outcomes[outcome].rows) - len(model.rows)):
            notes.append(f"{outcome}: {n} cells that fell off the cliff are left out, since the others are predicted "
                         "better without them")  # fmt: skip
    return CampaignModel(encoding, above, judges, tuple(notes))


def _above(fits: CellFits, outcomes: Mapping[str, OutcomeModel], cliff: Cliff) -> dict[str, OutcomeModel]:
    """Return the models without the cells that fell: that of the outcome that shows it, others where that is better."""
    found = dict(outcomes)
    for outcome, model in outcomes.items():
        sound = cliff.models.get(outcome)
        if sound is None:
            sound = fits.fit_without(model, cliff.fell)[0]
        elif outcome != cliff.shown_by and not predicts_better(sound, model):
            sound = None
        found[outcome] = sound or model
    return found


def _better_sides(objectives: Sequence[Objective], constraints: Sequence[OutcomeConstraint]) -> dict[str, float]:
    """Return +1 for the outcomes of which more is better and -1 for those of which less is; others have no side."""
    sides = {c.outcome: 1.0 if c.at_most is None else -1.0 for c in constraints if None in (c.at_least, c.at_most)}
    sides |= {o.outcome: {"maximize": 1.0, "minimize": -1.0}.get(o.goal, 0.0) for o in objectives}
    return {outcome: side for outcome, side in sides.items() if side}


def _meets(objective: Objective, observations: pd.DataFrame) -> np.ndarray:
    """Return `(n,)` booleans: the cell is at least as good as the threshold; all False where none is given."""
    if objective.threshold is None:
        return np.zeros(len(observations), dtype=bool)
    worth = objective.maximised(observations[objective.outcome].to_numpy(float))
    return np.asarray(worth >= float(objective.maximised(np.array([objective.threshold]))[0]))


def _is_binary(outcome: str, observations: pd.DataFrame, declared: Collection[str]) -> bool:
    values = observations[outcome].dropna().to_numpy(float)
    values = values[np.isfinite(values)]
    return outcome in declared or (len(values) > 0 and bool(np.isin(values, (0.0, 1.0)).all()))
