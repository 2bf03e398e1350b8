"""Which states a trial passes through, and which moves between them are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal


class TrialState(StrEnum):
    """Where one trial stands; a draft is a design that waits for a person's approval."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    CLAIMED = "claimed"
    IN_TEST = "in_test"
    PARTIAL = "partial"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    VOID = "void"
    DISPUTED = "disputed"


OPEN_STATES: Final = frozenset(
    {TrialState.DRAFT, TrialState.PROPOSED, TrialState.CLAIMED, TrialState.IN_TEST, TrialState.PARTIAL}
)
ENDED_STATES: Final = frozenset(TrialState) - OPEN_STATES

# `cell` failures tell the model something (short, delamination); `equipment` ones are retried, never modelled.
FailureKind = Literal["cell", "equipment"]

_ENDINGS: Final = frozenset(
    {TrialState.PARTIAL, TrialState.COMPLETED, TrialState.FAILED, TrialState.ABANDONED, TrialState.VOID}
)

ALLOWED_MOVES: Final[Mapping[TrialState, frozenset[TrialState]]] = {
    # Nothing claims a draft; a result that comes all the same is of a cell that somebody built, and counts.
    TrialState.DRAFT: _ENDINGS | {TrialState.PROPOSED, TrialState.IN_TEST},
    # A lab result may arrive for a trial that nobody marked as built, so endings are reachable from the start.
    TrialState.PROPOSED: _ENDINGS | {TrialState.CLAIMED, TrialState.IN_TEST},
    TrialState.CLAIMED: _ENDINGS | {TrialState.PROPOSED, TrialState.IN_TEST},
    TrialState.IN_TEST: _ENDINGS | {TrialState.PROPOSED},
    TrialState.PARTIAL: _ENDINGS | {TrialState.DISPUTED},
    TrialState.COMPLETED: frozenset({TrialState.COMPLETED, TrialState.DISPUTED, TrialState.VOID}),
    TrialState.FAILED: frozenset({TrialState.PROPOSED, TrialState.DISPUTED, TrialState.VOID}),
    TrialState.ABANDONED: frozenset({TrialState.DRAFT, TrialState.PROPOSED, TrialState.VOID}),
    TrialState.VOID: frozenset(TrialState) - {TrialState.VOID, TrialState.CLAIMED},
    TrialState.DISPUTED: frozenset({TrialState.COMPLETED, TrialState.FAILED, TrialState.VOID}),
}


@dataclass(frozen=True)
class TrialResult:
    """What an evaluator found out about one design.

    Attributes:
        outcomes: Value per outcome name, in the outcome's unit; only finite numbers.
        sem: Standard error per outcome where it is known.
        censored: Outcomes whose true value is at least the given one (a life that did not end).
        source: Where it came from: `simulation`, `lab`, `python`.
        attributes: Further facts worth keeping, such as the stop reason or model version.
    """

    outcomes: Mapping[str, float]
    sem: Mapping[str, float] = field(default_factory=dict)
    censored: frozenset[str] = frozenset()
    source: str = "python"
    attributes: Mapping[str, str | float | int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialFailure:
    """Why a trial has no result."""

    kind: FailureKind
    reason: str
