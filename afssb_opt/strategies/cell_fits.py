"""The fits that a campaign's cells allow: of all of them, of some, and of their pass/fail labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from torch import Tensor

from afssb_opt.domain.objectives import OutcomeConstraint
from afssb_opt.domain.outcomes import outcome_definition
from afssb_opt.strategies.encoding import Encoding
from afssb_opt.strategies.models import FeasibilityModel, OutcomeModel, fit_feasibility, fit_outcome, predicts_better
from afssb_opt.strategies.recipe_outcomes import computed_outcome
from afssb_opt.strategies.surrogate import KernelShape

# An outcome may be modelled from the cells that held alone if at least this many did.
MIN_SOUND: Final = 5
# Prior data are judged by the campaign's own values once there are so many: as many as the start that they lead.
MIN_JUDGED: Final = 4


@dataclass(frozen=True)
class CellFits:
    """The observations and the fits that are made of them.

    Attributes:
        better_sides: +1 for the outcomes of which more is better and -1 for those of which less is.
        targets: Wanted value of the outcomes that are to come near one.
    """

    encoding: Encoding
    features: Tensor
    observations: pd.DataFrame
    log_outcomes: Collection[str]
    better_sides: Mapping[str, float]
    seed: np.random.SeedSequence
    targets: Mapping[str, float]

    def fit(self, outcome: str, left_out: np.ndarray | None = None) -> tuple[OutcomeModel | None, list[str]]:
        """Fit one outcome to all cells but those left out, `(n,)` booleans; return also the notes on its data.

        What follows from the recipe is computed where it can be. Prior data are left aside where the campaign's own
        values are predicted better without them.
        """
        is_log = outcome in self.log_outcomes
        computed, doubts = computed_outcome(self.encoding, self.features, self.observations, outcome, is_log=is_log)
        if computed is not None:
            return computed, []
        model, notes = self._modelled(outcome, left_out)
        return model, [*doubts, *notes]

    def _modelled(self, outcome: str, left_out: np.ndarray | None) -> tuple[OutcomeModel | None, list[str]]:
        table = self.observations
        if left_out is not None:
            table = table.assign(**{outcome: table[outcome].where(~left_out)})
        model, notes = self._fitted(table, outcome, KernelShape.for_outcome(self.encoding, outcome))
        prior = self.encoding.prior
        if model is None or prior is None or outcome not in prior.outcomes:
            return model, notes
        if len(model.rows) >= MIN_JUDGED:
            alone, its_notes = self._fitted(table, outcome, KernelShape.for_outcome(self.encoding, None))
            if alone is not None and predicts_better(alone, model):
                n = len(alone.rows)
                told = f"{outcome}: the prior data are left aside, since its {n} values are predicted better without"
                return alone, [*its_notes, told]
        return model, notes

    def _fitted(self, table: pd.DataFrame, outcome: str, shape: KernelShape) -> tuple[OutcomeModel | None, list[str]]:
        # What follows from the recipe, such as a price, has no reason to be best inside the bounds.
        if not outcome_definition(outcome).follows_from_recipe:
            shape = replace(shape, better_side=self.better_sides.get(outcome, 0.0))
        return fit_outcome(shape, self.features, table, outcome, outcome in self.log_outcomes, self.seed,
                           better_side=self._better_side(table, outcome))  # fmt: skip

    def _better_side(self, table: pd.DataFrame, outcome: str) -> float:
        """Return on which side of most of its values an outcome is better; 0 where neither."""
        if outcome not in self.targets:
            return self.better_sides.get(outcome, 0.0)
        return float(np.sign(self.targets[outcome] - table[outcome].replace([np.inf, -np.inf], np.nan).median()))

    def fit_without(self, model: OutcomeModel, left_out: np.ndarray) -> tuple[OutcomeModel | None, list[str]]:
        """Fit the outcome without some of a model's cells; None unless the others are predicted better so.

        The prediction of each is from the others (leave-one-out). Cells that the model leaves out already stay out,
        and none is left out of what follows from the recipe, whatever became of the cell.
        """
        if outcome_definition(model.outcome).follows_from_recipe:
            return None, []
        n_left_out = int(left_out[model.rows].sum())
        if not n_left_out or len(model.rows) - n_left_out < MIN_SOUND:
            return None, []
        gone = np.ones(len(left_out), dtype=bool)
        gone[model.rows] = left_out[model.rows]
        sound, notes = self.fit(model.outcome, gone)
        if sound is None or not predicts_better(sound, model):
            return None, []
        return sound, notes

    def may_show_cliff(self, outcome: str) -> bool:
        """Whether cells that fell can be told by it.

        Not where it follows from the recipe, nor where some values are limits: a test's end that several lives reached
        looks like the top of a cliff.
        """
        return not (outcome_definition(outcome).follows_from_recipe or self.observations[f"{outcome}_censored"].any())

    def judge(self, name: str, labels: np.ndarray, passes_at_one: bool = True) -> list[FeasibilityModel]:
        """Fit a pass/fail label, `(n,)`: 1 where a cell passed, 0 where not, NaN where that is not known."""
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
