"""What the model has learned, in the user's units: predictions, effects, checks and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import torch
from scipy.stats import qmc
from torch import Tensor

from afssb_opt.domain.desirability import DESIRABILITY, Desirability
from afssb_opt.domain.numbers import with_deviation
from afssb_opt.domain.objectives import Objective, OutcomeConstraint, maximised_table, meets_constraints
from afssb_opt.domain.outcomes import ABOVE_CLIFF, in_a_sentence
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical
from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.gain import Gain
from afssb_opt.strategies.models import CampaignModel, FeasibilityModel, OutcomeModel
from afssb_opt.strategies.outcome_scale import OutcomeScale

# Points of an effect curve: smooth on a screen.
N_CURVE: Final = 25
# Base points of the importance estimate: shares are then good to about two percent.
N_IMPORTANCE: Final = 512


def in_units(scale: OutcomeScale, mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and standard deviation in the outcome's unit.

    On a logarithmic scale the centre is the median and the deviation half the width of the 68 % interval.
    """
    if scale.is_log:
        return scale.from_standard(mean), scale.from_standard(mean) * np.sinh(np.minimum(scale.spread * sd, 50.0))
    return scale.from_standard(mean), scale.spread * sd


def predict(model: CampaignModel, designs: pd.DataFrame) -> pd.DataFrame:
    """Return `<outcome>` and `<outcome>_sd` per modelled outcome, and of the desirability where one is wanted."""
    return predict_features(model, torch.as_tensor(model.encoding.encode(designs)))


def predict_features(model: CampaignModel, features: Tensor) -> pd.DataFrame:
    """Return the same of `(n, n_columns)` features."""
    columns = {}
    with torch.no_grad():
        if model.score is not None:
            draws = model.score.predicted(model.outcomes, features).numpy(force=True)
            columns[DESIRABILITY], columns[f"{DESIRABILITY}_sd"] = draws.mean(axis=1), draws.std(axis=1)
        for name, outcome in model.outcomes.items():
            columns[name], columns[f"{name}_sd"] = in_units(outcome.scale, *outcome.mean_and_sd(features))
        for judge in model.feasibility:
            passing = judge.probability(features).numpy(force=True)
            chance = passing if judge.passes_at_one else 1.0 - passing
            columns[judge.name], columns[f"{judge.name}_sd"] = chance, np.sqrt(chance * (1.0 - chance))
    return pd.DataFrame(columns)


def chances_to_hold(
    model: CampaignModel, constraints: Sequence[OutcomeConstraint], features: Tensor
) -> dict[str, np.ndarray]:
    """Return per constraint, and for cells that fail, `(n,)` probabilities that it holds for the noise-free outcome."""
    with torch.no_grad():
        judged = {judge.name: judge.probability(features).numpy(force=True) for judge in model.feasibility}
        chances = {}
        for constraint in constraints:
            if constraint.outcome in judged:
                chances[str(constraint)] = judged.pop(constraint.outcome)
            elif constraint.outcome in model.outcomes:
                chances[str(constraint)] = _within(model.outcomes[constraint.outcome], constraint, features)
    return chances | judged


def _within(outcome: OutcomeModel, constraint: OutcomeConstraint, features: Tensor) -> np.ndarray:
    mean, variance = outcome.gp.mean_and_variance(features)
    below = {}
    for end, value in (("low", constraint.at_least), ("high", constraint.at_most)):
        if value is not None:
            limit = float(outcome.scale.to_standard_unfenced(np.array(value)))
            below[end] = torch.special.ndtr((limit - mean) / variance.sqrt()).numpy(force=True)
    return np.asarray(np.maximum(below.get("high", 1.0) - below.get("low", 0.0), 0.0))


def incumbent_row(
    space: DesignSpace,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    observations: pd.DataFrame,
    desirability: Desirability | None = None,
) -> int | None:
    """Return the row of the most desirable allowed cell, else of that with the best ranks; None while there is none."""
    values = maximised_table(objectives, observations)
    if desirability is not None:
        values = desirability.of_table(observations)[:, None]
    allowed = meets_constraints(constraints, observations) & np.isfinite(values).all(axis=1)
    known = np.array([bool(not space.problems(observations.iloc[[row]])) for row in range(len(observations))])
    usable = np.flatnonzero(allowed & known)
    if not len(usable):
        return None
    return int(usable[int(pd.DataFrame(values[usable]).rank().sum(axis=1).to_numpy().argmax())])


def incumbent(
    space: DesignSpace,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    observations: pd.DataFrame,
    desirability: Desirability | None = None,
) -> dict[str, object]:
    """Return the design of the best allowed cell; without any, the middle of each variable."""
    row = incumbent_row(space, objectives, constraints, observations, desirability)
    if row is not None:
        return dict(observations.loc[row, list(space.names)])
    middle = Candidates(np.full((1, len(space.numeric)), 0.5), np.zeros((1, len(space.categorical)), dtype=int))
    mixed = MixedSpace(space)
    return dict(mixed.rounded(mixed.settle(middle.unit, middle.codes)).iloc[0])


def effects(model: CampaignModel, space: DesignSpace, centre: dict[str, object]) -> pd.DataFrame:
    """Return one slice per variable through `centre`: columns outcome, variable, value, mean, sd."""
    tables = []
    for variable in (*space.categorical, *space.numeric):
        if isinstance(variable, Categorical):
            values: list[object] = list(variable.levels)
        else:
            levels = {v.name: str(centre[v.name]) for v in space.categorical}
            column = [v.name for v in space.numeric].index(variable.name)
            low, high = space.unit_bounds(levels)[:, column]
            values = list(dict.fromkeys(variable.from_unit(float(u)) for u in np.linspace(low, high, N_CURVE)))
        slice_ = pd.DataFrame([{**centre, variable.name: value} for value in values])
        predicted = predict(model, slice_)
        for name in [column for column in predicted if f"{column}_sd" in predicted]:
            tables.append(pd.DataFrame({
                "outcome": name, "variable": variable.name, "value": pd.Series(values, dtype=object),
                "mean": predicted[name], "sd": predicted[f"{name}_sd"],
            }))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def leave_one_out(model: CampaignModel, observations: pd.DataFrame) -> pd.DataFrame:
    """Return columns outcome, row, observed, mean, sd; the deviation includes the noise of the observation.

    An outcome that is computed has nothing to be checked and is left out.
    """
    tables = []
    for name, outcome in model.outcomes.items():
        if outcome.is_computed:
            continue
        mean, variance = outcome.gp.leave_one_out()
        centre, sd = in_units(outcome.scale, mean.numpy(force=True), variance.sqrt().numpy(force=True))
        observed = observations[name].to_numpy(float)[outcome.rows]
        tables.append(
            pd.DataFrame({"outcome": name, "row": outcome.rows, "observed": observed, "mean": centre, "sd": sd})
        )
    columns = ["outcome", "row", "observed", "mean", "sd"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def importance(model: CampaignModel, space: DesignSpace, seed: int) -> pd.DataFrame:
    """Return first-order and total variance shares of the predicted mean.

    Estimators of Saltelli and of Jansen as in Saltelli et al. 2010, doi 10.1016/j.cpc.2009.09.018.
    """
    d, c = len(space.numeric), len(space.categorical)
    draw = qmc.Sobol(2 * (d + c), scramble=True, rng=np.random.default_rng(seed)).random(N_IMPORTANCE)
    first, second = _from_uniform(space, draw[:, : d + c]), _from_uniform(space, draw[:, d + c :])
    a, b = _mean_table(model, first), _mean_table(model, second)
    rows = []
    for column, variable in enumerate((*space.numeric, *space.categorical)):
        unit, codes = first.unit.copy(), first.codes.copy()
        if column < d:
            unit[:, column] = second.unit[:, column]
        else:
            codes[:, column - d] = second.codes[:, column - d]
        mixed = _mean_table(model, Candidates(unit, codes))
        for name in a:
            variance = float(np.var(np.concatenate([a[name], b[name]])))
            share = float(np.mean(b[name] * (mixed[name] - a[name]))) / variance if variance > 1e-12 else 0.0
            total = 0.5 * float(np.mean((a[name] - mixed[name]) ** 2)) / variance if variance > 1e-12 else 0.0
            rows.append({"outcome": name, "variable": variable.name, "importance": min(max(share, 0.0), 1.0),
                         "total": min(total, 1.0)})  # fmt: skip
    table = pd.DataFrame(rows, columns=["outcome", "variable", "importance", "total"])
    return table.sort_values(["outcome", "importance"], ascending=[True, False], kind="stable", ignore_index=True)


def _from_uniform(space: DesignSpace, uniform: np.ndarray) -> Candidates:
    d = len(space.numeric)
    counts = np.array([len(variable.levels) for variable in space.categorical])
    codes = np.minimum((uniform[:, d:] * counts).astype(int), counts - 1)
    return Candidates(uniform[:, :d], codes)


def _mean_table(model: CampaignModel, candidates: Candidates) -> dict[str, np.ndarray]:
    features = torch.as_tensor(model.encoding.features(candidates.unit, candidates.codes))
    with torch.no_grad():
        means = {name: o.gp.mean_and_variance(features)[0].numpy(force=True) for name, o in model.outcomes.items()}
        if model.score is None:
            return means
        score = model.score.predicted(model.outcomes, features).mean(dim=1)
    return {DESIRABILITY: score.numpy(force=True), **means}


def reason(
    model: CampaignModel,
    design: pd.DataFrame,
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
    gain: Gain,
) -> str:
    """Return one line that says why a design is worth a cell."""
    predicted = predict(model, design).iloc[0]
    outcomes = [o.outcome for o in objectives if o.outcome in model.outcomes]
    if model.score is not None:
        outcomes = [DESIRABILITY, *outcomes]
    parts = [in_a_sentence(name, with_deviation(predicted[name], predicted[f"{name}_sd"])) for name in outcomes]
    chances = [_chance(judge, predicted) for judge in model.feasibility]
    for constraint in constraints:
        name = constraint.outcome
        if name in model.outcomes and all(objective.outcome != name for objective in objectives):
            expected = in_a_sentence(name, with_deviation(predicted[name], predicted[f"{name}_sd"]))
            chances.append(f"{expected} (wanted {constraint})")
    if not parts:
        return "; ".join(["search for a cell that works", *chances])
    return "; ".join([f"{gain}: expected {', '.join(parts)}", *chances])


def _chance(judge: FeasibilityModel, predicted: pd.Series) -> str:
    likely = f"{_passing(judge, predicted):.0%} likely"
    if judge.name.endswith(ABOVE_CLIFF):
        return f"{likely} to keep clear of the cliff in {in_a_sentence(judge.name.removesuffix(ABOVE_CLIFF))}"
    return f"{in_a_sentence(judge.name)}: {likely} to pass"


def _passing(judge: FeasibilityModel, predicted: pd.Series) -> float:
    chance = float(predicted[judge.name])
    return chance if judge.passes_at_one else 1.0 - chance
