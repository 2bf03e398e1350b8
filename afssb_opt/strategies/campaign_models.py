"""Which models the observations of a campaign call for: limits, cliffs, and what they leave open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import ABOVE_CLIFF
from afssb_opt.strategies.cliffs import fallen, is_same_cliff, merged, worse_group
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import (
    CampaignModel,
    FeasibilityModel,
    OutcomeModel,
    evidence,
    fit_feasibility,
    fit_outcome,
)
from afssb_opt.strategies.surrogate import KernelShape

# An outcome may be modelled from the cells that passed alone if at least this many did.
MIN_SOUND: Final = 5
# Prior data are judged by the campaign's own values once there are so many: as many as the start that they lead.
MIN_JUDGED: Final = 4


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
    cells = _Cells(encoding, torch.as_tensor(encoding.encode(observations)), observations, log_outcomes, seed)
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
    direction = {o.outcome: {"maximize": 1.0, "minimize": -1.0}.get(o.goal, 0.0) for o in objectives}
    # A cell that meets the threshold of an objective has not fallen, however far below the others it is.
    met = {o.outcome: _meets(o, observations) for o in objectives}
    outcomes: dict[str, OutcomeModel] = {}
    notes: dict[str, list[str]] = {}
    limited: set[str] = set()
    for outcome in wanted:
        model, notes[outcome] = cells.fit(outcome)
        if model is None:
            continue
        outcomes[outcome] = model
        sound, found = cells.fit_without(model, broken)
        if sound is not None:
            limited.add(outcome)
            outcomes[outcome], n = sound, len(model.rows) - len(sound.rows)
            notes[outcome] = [*found, f"{outcome}: {n} cells that broke a pass/fail limit are left out, since the "
                              "others are predicted better without them"]  # fmt: skip
    cliffs: list[tuple[str, np.ndarray]] = []
    about_cliffs: list[str] = []
    # The clearest cliff first: what fell off it leaves the other outcomes before these are looked at.
    worth = {name: direction.get(name, 0.0) * model.values for name, model in outcomes.items()}
    for outcome in sorted(outcomes, key=lambda name: -worse_group(worth[name])[1]):
        model = outcomes[outcome]
        if outcome in limited or cells.has_limits(outcome):
            continue
        low = cells.labels(model, fallen(direction.get(outcome, 0.0) * model.values)) == 0.0
        low &= ~met.get(outcome, np.zeros(len(low), dtype=bool))
        sound, found = cells.fit_without(model, low)
        if sound is None:
            continue
        labels = cells.labels(model, low[model.rows])
        cliffs.append((outcome, labels))
        outcomes[outcome] = sound
        told = f"{outcome}: {int(low.sum())} cells are far worse than the others, as if beyond a cliff"
        notes[outcome] = found
        about_cliffs.append(f"{told}; where it lies is learned apart from the values above it")
        freed = cells.freed(outcomes, outcome, labels)
        for other, model in freed.items():
            if n := len(outcomes[other].rows) - len(model.rows):
                about_cliffs.append(f"{other}: {n} cells that fell off a cliff of another outcome are left out, since "
                                    "the others are predicted better without them")  # fmt: skip
        outcomes = freed
    joined = merged(cliffs)
    feasibility = [judge for name, labels in joined for judge in cells.judge(name, labels)]
    feasibility += cells.reported(binary, list(wanted))
    said = (*(note for found in notes.values() for note in found), *about_cliffs)
    suspected = {
        outcome: model
        for outcome, model in outcomes.items()
        if direction.get(outcome) and outcome not in dict(cliffs) and cells.may_hide_cliff(model)
    }
    rival = cells.suspicion(suspected, direction, met, [labels for _, labels in joined])
    if rival is None:
        return CampaignModel(encoding, outcomes, tuple(feasibility), said)
    model, labels = rival
    others = cells.freed(outcomes | {model.outcome: model}, model.outcome, labels)
    judges = cells.judge(f"{model.outcome}{ABOVE_CLIFF}", labels)
    second = CampaignModel(encoding, others, (*judges, *feasibility), said)
    return CampaignModel(encoding, outcomes, tuple(feasibility), said, second)


@dataclass(frozen=True)
class _Cells:
    """The observations and the fits that are made of them."""

    encoding: Encoding
    features: Tensor
    observations: pd.DataFrame
    log_outcomes: Collection[str]
    seed: np.random.SeedSequence

    def fit(self, outcome: str, left_out: np.ndarray | None = None) -> tuple[OutcomeModel | None, list[str]]:
        """Fit one outcome to all cells but those left out, `(n,)` booleans; return also the notes on its data.

        Prior data are left aside where the campaign's own values are predicted better without them.
        """
        table = self.observations
        if left_out is not None:
            table = table.assign(**{outcome: table[outcome].where(~left_out)})
        model, notes = self._fitted(table, outcome, KernelShape.for_outcome(self.encoding, outcome))
        prior = self.encoding.prior
        if model is None or prior is None or outcome not in prior.outcomes:
            return model, notes
        if len(model.rows) >= MIN_JUDGED:
            alone, its_notes = self._fitted(table, outcome, KernelShape.for_outcome(self.encoding, None))
            if alone is not None and evidence(alone, alone.rows) > evidence(model, model.rows):
                n = len(alone.rows)
                told = f"{outcome}: the prior data are left aside, since its {n} values are predicted better without"
                return alone, [*its_notes, told]
        return model, notes

    def _fitted(self, table: pd.DataFrame, outcome: str, shape: KernelShape) -> tuple[OutcomeModel | None, list[str]]:
        return fit_outcome(shape, self.features, table, outcome, outcome in self.log_outcomes, self.seed)

    def fit_without(self, model: OutcomeModel, left_out: np.ndarray) -> tuple[OutcomeModel | None, list[str]]:
        """Fit the outcome without some of a model's cells; None unless the others are predicted better so.

        The prediction of each is from the others (leave-one-out). Cells that the model leaves out already stay out.
        """
        n_left_out = int(left_out[model.rows].sum())
        if not n_left_out or len(model.rows) - n_left_out < MIN_SOUND:
            return None, []
        gone = np.ones(len(left_out), dtype=bool)
        gone[model.rows] = left_out[model.rows]
        sound, notes = self.fit(model.outcome, gone)
        if sound is None or evidence(sound, sound.rows) <= evidence(model, sound.rows):
            return None, []
        return sound, notes

    def may_hide_cliff(self, model: OutcomeModel) -> bool:
        """Whether all values are in the model and none is a limit."""
        is_whole = len(model.rows) == int(np.isfinite(self.observations[model.outcome]).sum())
        return is_whole and not self.has_limits(model.outcome)

    def has_limits(self, outcome: str) -> bool:
        """Whether some values are limits: a test's end that several lives reached looks like the top of a cliff."""
        return bool(self.observations[f"{outcome}_censored"].any())

    def labels(self, model: OutcomeModel, low: np.ndarray) -> np.ndarray:
        """Return `(n,)` labels for the low ones among the model's rows: 0 there, 1 else, NaN where not measured."""
        labels = np.full(len(self.observations), np.nan)
        labels[model.rows] = 1.0 - low
        return labels

    def freed(self, outcomes: Mapping[str, OutcomeModel], own: str, labels: np.ndarray) -> dict[str, OutcomeModel]:
        """Return the models, those of other outcomes without the cells that fell off a cliff where that is better."""
        low = labels == 0.0
        found = {name: None if name == own else self.fit_without(model, low)[0] for name, model in outcomes.items()}
        return {name: found[name] or model for name, model in outcomes.items()}

    def suspicion(
        self,
        outcomes: Mapping[str, OutcomeModel],
        direction: Mapping[str, float],
        met: Mapping[str, np.ndarray],
        known: Sequence[np.ndarray],
    ) -> tuple[OutcomeModel, np.ndarray] | None:
        """Return the likeliest cliff that the data do not show: the model above it, and the labels; None without one.

        It is between the two groups, of any outcome, that explain most of its variance.
        """
        best, found = 0.0, None
        for outcome, model in outcomes.items():
            low, explained = worse_group(direction[outcome] * model.values)
            low &= ~met[outcome][model.rows]
            labels = self.labels(model, low)
            is_known = any(is_same_cliff(labels, other) for other in known)
            if low.any() and (~low).sum() >= MIN_SOUND and explained > best and not is_known:
                best, found = explained, (outcome, labels)
        if found is None:
            return None
        above, _ = self.fit(found[0], found[1] == 0.0)
        return None if above is None else (above, found[1])

    def judge(self, name: str, labels: np.ndarray, passes_at_one: bool = True) -> list[FeasibilityModel]:
        """Fit a pass/fail label."""
        return fit_feasibility(self.encoding, self.features, labels, name, passes_at_one, self.seed)

    def reported(self, binary: Sequence[OutcomeConstraint], wanted: list[str]) -> list[FeasibilityModel]:
        """Fit the pass/fail outcomes that are limited; without any, whether cells give a value at all."""
        failed = (self.observations["status"] == "failed").to_numpy()
        judges: list[FeasibilityModel] = []
        for constraint in binary:
            values = self.observations[constraint.outcome].to_numpy(float)
            labels = np.where(np.isfinite(values), constraint.holds(values).astype(float), np.nan)
            labels[failed & np.isnan(labels)] = 0.0
            judges += self.judge(constraint.outcome, labels, bool(constraint.holds(np.array([1.0]))[0]))
        if failed.any() and not binary:
            has_outcomes = self.observations[wanted].notna().any(axis=1).to_numpy()
            judges += self.judge(
                "completed", np.where(failed & ~has_outcomes, 0.0, np.where(has_outcomes, 1.0, np.nan))
            )
        return judges


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
