"""What the model has learned about the levels of a variable, such as seed alloys: which are alike, what each can do.

Levels are compared over the same recipes, not at one of them: each has a best recipe of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import torch
from scipy.stats import qmc

from afssb_opt.domain.desirability import MOST_DESIRABLE
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.diagnostics import chances_to_hold, predict_features
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import CampaignModel

# Recipes that levels are compared over, a power of two.
N_RECIPES: Final = 512
# Likelier than this a recipe is taken for allowed; where none is, the likeliest tenth stands for what a level can do.
LIKELY: Final = 0.5
N_LIKELIEST: Final = N_RECIPES // 10


def level_map(
    model: CampaignModel,
    space: DesignSpace,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    observations: pd.DataFrame,
    variable: str,
) -> pd.DataFrame:
    """Return one row per level of a categorical variable; see `Optimizer.level_map`."""
    column = [categorical.name for categorical in space.categorical].index(variable)
    levels = space.categorical[column].levels
    counts = observations[variable].astype(str).value_counts()
    wanted = [objective for objective in objectives if objective.outcome in model.outcomes]
    if model.score is not None:
        wanted = [MOST_DESIRABLE, *wanted]
    # What follows from the recipe is known, so it says nothing of what was learned.
    learned = [outcome for outcome in model.outcomes.values() if not outcome.is_computed]
    profiles, rows = [], []
    for code, level in enumerate(levels):
        features, obeys = _recipes(space, model.encoding, column, code)
        with torch.no_grad():
            means = [outcome.gp.mean_and_variance(features)[0].numpy(force=True) for outcome in learned]
        profiles.append(np.concatenate(means) if means else np.zeros(N_RECIPES))
        chance = np.where(obeys, 1.0, np.nan)
        for one in chances_to_hold(model, constraints, features).values():
            chance = chance * one
        is_looked_at = _is_likely(chance)
        row = {"level": level, "n_cells": int(counts.get(level, 0)), "chance": float(pd.Series(chance).max())}
        predicted = predict_features(model, features)
        for objective in wanted:
            worth = objective.maximised(predicted[objective.outcome].to_numpy(float))
            best = int(np.argmax(np.where(is_looked_at, worth, -np.inf)))
            for name in (objective.outcome, f"{objective.outcome}_sd"):
                row[f"best_{name}"] = float(predicted[name].iloc[best]) if is_looked_at.any() else np.nan
        rows.append(row)
    table = pd.DataFrame(rows)
    place, share = _flattened(np.array(profiles))
    table.insert(1, "x", place[:, 0])
    table.insert(2, "y", place[:, 1])
    table.attrs["share"] = share
    return table


def _is_likely(chance: np.ndarray) -> np.ndarray:
    """Return `(n,)` booleans for the recipes that stand for what a level can do; NaN is none of them."""
    known = np.sort(chance[np.isfinite(chance)])
    if not len(known):
        return np.zeros(len(chance), dtype=bool)
    return np.asarray(chance >= min(LIKELY, known[-N_LIKELIEST:][0]))


def _recipes(space: DesignSpace, encoding: Encoding, column: int, code: int) -> tuple[torch.Tensor, np.ndarray]:
    """Return the features of the same recipes with one level, and which of them obey the rules."""
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, len(v.levels), N_RECIPES) for v in space.categorical])
    codes[:, column] = code
    mixed = MixedSpace(space)
    n_numeric = len(space.numeric)
    draw = qmc.Sobol(n_numeric, scramble=True, rng=rng).random(N_RECIPES) if n_numeric else np.zeros((N_RECIPES, 0))
    bounds = mixed.bounds(codes)
    recipes: Candidates = mixed.settle(bounds[:, 0] + draw * (bounds[:, 1] - bounds[:, 0]), codes)
    features = torch.as_tensor(encoding.features(recipes.unit, recipes.codes))
    return features, mixed.obeys_rules(recipes)


def _flattened(profiles: np.ndarray) -> tuple[np.ndarray, float]:
    """Return `(n, 2)` places whose distances are those of the profiles as nearly as a plane can, and how nearly.

    Distances are root mean squares over the columns; the second number is the share of their squares in the plane.
    """
    centred = (profiles - profiles.mean(axis=0)) / profiles.shape[1] ** 0.5
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    place = np.zeros((len(profiles), 2))
    shown = min(2, len(sizes))
    place[:, :shown] = left[:, :shown] * sizes[:shown]
    # The sign of an axis is chance; the level farthest out is on its right, or on top.
    farthest = np.abs(place).argmax(axis=0)
    place = place * np.where(place[farthest, [0, 1]] < 0.0, -1.0, 1.0)
    total = float((sizes**2).sum())
    return place, float((sizes[:shown] ** 2).sum()) / total if total > 1e-12 else 1.0
