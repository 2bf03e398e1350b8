"""What one campaign is: its design space, wishes, protocol, evaluator and budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from afssb_opt.domain.desirability import DESIRABILITY, MOST_DESIRABLE, Desirability
from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import OutcomeDefinition, OutcomeSettings, outcome_definition
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.trials import TrialResult

EvaluatorKind = Literal["simulation", "lab", "python", "pybamm", "replay"]

# What current and voltage per cycle tell of any cell; the others need to know the stack, the fixture or the short.
CYCLED_OUTCOMES: Final = ("cycle_life", "retention_pct", "initial_ce_pct", "average_ce_pct")


@dataclass(frozen=True)
class ParameterLink:
    """Which parameter of a PyBaMM model a design variable sets.

    Attributes:
        factor: The parameter is the variable's value times this, mostly a change of unit.
        values: The parameter's value per level of a categorical variable.
    """

    variable: str
    parameter: str
    factor: float = 1.0
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class EvaluatorSpec:
    """Who evaluates a design.

    Attributes:
        target: `module:function` of foreign code, path of a table to replay; empty otherwise.
        folder: Folder of the campaign file, where modules and tables beside it are; empty: the current one.
        timeout_min: Time after which one evaluation is stopped and its trial fails.
        memory_gb: Memory that one evaluation may take; None: what the machine has.
        parameters: What design variables set in a PyBaMM model.
        outcomes: `module:function` that reads outcomes off a PyBaMM solution; empty: off its cycles.
    """

    kind: EvaluatorKind = "simulation"
    target: str = ""
    folder: str = ""
    timeout_min: float = 60.0
    memory_gb: float | None = None
    parameters: tuple[ParameterLink, ...] = ()
    outcomes: str = ""


@dataclass(frozen=True)
class Budget:
    """How much a campaign may cost.

    Attributes:
        trials: Cells to build in all.
        weeks: Calendar time after which nothing more is proposed.
        channels: Cells that can be on test at once.
    """

    trials: int
    weeks: float | None = None
    channels: int | None = None


@dataclass(frozen=True)
class ClusterSpec:
    """Where designs are evaluated when not in the process that advances the campaign; one of the two is given.

    Attributes:
        address: Address of a Dask scheduler.
        local_workers: Processes to start on this machine for the time of a run.
    """

    address: str = ""
    local_workers: int = 0


@dataclass(frozen=True)
class Schedule:
    """When a campaign is advanced by itself; one of the first two is given.

    Attributes:
        cron: Five fields, read in `timezone`.
        every_min: Minutes from one start to the next.
        timezone: Name in the time zone database, such as Europe/Berlin.
    """

    cron: str = ""
    every_min: float | None = None
    timezone: str = "UTC"


@dataclass(frozen=True)
class StopRule:
    """When a campaign ends before its budget is spent.

    Attributes:
        gain_below_scatter: The next batch is expected to gain less than this many cell-to-cell scatters.
        after_trials: Not before so many trials were made.
    """

    gain_below_scatter: float
    after_trials: int = 0


@dataclass(frozen=True)
class CampaignSpec:
    """One campaign, checked.

    Attributes:
        definition: The campaign file as plain data, from which `sha256` is computed.
        stop_when: Ends the campaign before its budget is spent; None leaves it to the budget.
        prior_data: `simulation`, or the path of a table, that the surrogate learns from beside the results.
        schedule: When `afssb serve` advances it; None leaves that to `afssb serve`.
        inbox: Folder to watch for results, as the file states it: relative to the campaign file.
        needs_approval: A person approves each proposed design before anybody evaluates it.
        desirability: One score of all objectives where one best cell is wanted; None where their trade-off is.
        sha256: Hash of `definition`; it changes when the meaning of the file changes, not its layout.
    """

    name: str
    space: DesignSpace
    objectives: tuple[Objective, ...]
    constraints: tuple[OutcomeConstraint, ...]
    protocol: Protocol
    evaluator: EvaluatorSpec
    budget: Budget
    batch_size: int
    initial_trials: int | None
    seed: int
    question: str
    outcome_settings: OutcomeSettings
    sha256: str
    definition: Mapping[str, object] = field(repr=False)
    cluster: ClusterSpec | None = None
    schedule: Schedule | None = None
    stop_when: StopRule | None = None
    prior_data: str | None = None
    inbox: str | None = None
    needs_approval: bool = False
    desirability: Desirability | None = None

    def with_recipe_outcomes(self, design: Mapping[str, object], result: TrialResult) -> TrialResult:
        """Return the result of a cell with what its design alone says, where that is asked for and was not told.

        Args:
            design: As built.
            result: As measured; a value that was told stands.
        """
        recipes = {name: self.outcome(name).recipe for name in self.outcome_names if name not in result.outcomes}
        table = pd.DataFrame([design])
        found = {name: float(recipe(table)[0]) for name, recipe in recipes.items() if recipe is not None}
        computed = {name: value for name, value in found.items() if math.isfinite(value)}
        if not computed:
            return result
        return replace(result, outcomes={**result.outcomes, **computed},
                       attributes={**result.attributes, "by_the_recipe": ", ".join(sorted(computed))})  # fmt: skip

    @property
    def wanted(self) -> tuple[Objective, ...]:
        """What cells compete in: the objectives, or their desirability alone, as a column that `scored` adds."""
        return self.objectives if self.desirability is None else (MOST_DESIRABLE,)

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """Outcomes that objectives or constraints name, each once."""
        wanted = [o.outcome for o in self.objectives] + [c.outcome for c in self.constraints]
        return tuple(dict.fromkeys(wanted))

    @property
    def shown_objectives(self) -> tuple[Objective, ...]:
        """Objectives that people are shown: before them what they are worth together, where one best cell is wanted."""
        return self.objectives if self.desirability is None else (MOST_DESIRABLE, *self.objectives)

    @property
    def shown_outcomes(self) -> tuple[str, ...]:
        """Outcomes that people are shown, likewise."""
        return self.outcome_names if self.desirability is None else (DESIRABILITY, *self.outcome_names)

    def scored(self, observations: pd.DataFrame) -> pd.DataFrame:
        """Return a table of outcomes with the desirability, where one is wanted; of lower limits it is one too."""
        if self.desirability is None:
            return observations
        limits = np.zeros(len(observations), dtype=bool)
        for objective in self.objectives:
            flags = observations.get(f"{objective.outcome}_censored")
            if objective.goal == "maximize" and flags is not None:
                limits |= flags.eq(True).to_numpy(bool)
        score = self.desirability.of_table(observations)
        return observations.assign(**{DESIRABILITY: score, f"{DESIRABILITY}_censored": limits & (score < 1.0)})

    def scored_result(self, result: TrialResult | None) -> TrialResult | None:
        """Return the result of one cell with the desirability, where one is wanted and can be told."""
        if self.desirability is None or result is None:
            return result
        score = self.desirability.of_cell(result.outcomes)
        if score is None:
            return result
        is_limit = score < 1.0 and any(o.goal == "maximize" and o.outcome in result.censored for o in self.objectives)
        censored = result.censored | {DESIRABILITY} if is_limit else result.censored
        return replace(result, outcomes={**result.outcomes, DESIRABILITY: score}, censored=censored)

    def outcome(self, name: str) -> OutcomeDefinition:
        """Return the definition of an outcome; one unknown to the project has no unit."""
        return outcome_definition(name)
