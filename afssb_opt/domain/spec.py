"""What one campaign is: its design space, wishes, protocol, evaluator and budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.outcomes import OUTCOMES, OutcomeDefinition, OutcomeSettings
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.space import DesignSpace

EvaluatorKind = Literal["simulation", "lab", "python"]


@dataclass(frozen=True)
class EvaluatorSpec:
    """Who evaluates a design.

    Attributes:
        target: `module:function` of a Python evaluator; empty otherwise.
    """

    kind: EvaluatorKind = "simulation"
    target: str = ""


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
class CampaignSpec:
    """One campaign, checked.

    Attributes:
        definition: The campaign file as plain data, from which `sha256` is computed.
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

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """Outcomes that objectives or constraints name, each once."""
        wanted = [o.outcome for o in self.objectives] + [c.outcome for c in self.constraints]
        return tuple(dict.fromkeys(wanted))

    def outcome(self, name: str) -> OutcomeDefinition:
        """Return the definition of an outcome; one unknown to the project has no unit."""
        return OUTCOMES.get(name, OutcomeDefinition(name, name, "", "", comes_from_cycling=False))
