"""Which errors a user can meet, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


class AfssbError(Exception):
    """Base of every error this project raises on purpose."""

    is_retryable: ClassVar[bool] = False


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        where: Path of the value, such as `space.stack_pressure_mpa.low`.
        what: What is wrong, including what was given.
        remedy: What is allowed and how to mend it.
        line: Line in the file (1-based), where one is known.
    """

    where: str
    what: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}, {self.where}" if self.line is not None else self.where
        return f"{place}: {self.what}. {self.remedy}"


class InputError(AfssbError):
    """An input is refused; `problems` lists everything found wrong with it, not only the first."""

    def __init__(self, problems: Iterable[Problem], source: str = "input") -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        self.source = source
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


class CampaignFileError(InputError):
    """A campaign file or dictionary is refused."""


class DesignError(InputError):
    """A table of designs does not fit the design space."""


class AmendmentError(InputError):
    """A campaign file was changed in a way that its recorded trials cannot follow."""


class StrategyError(AfssbError):
    """No design can be proposed, for instance because the feasible space is exhausted."""


class EvaluationError(AfssbError):
    """An evaluator failed on one trial; the trial is recorded as failed with this message."""


class StoreError(AfssbError):
    """A store (ledger, tracking) cannot be used: unwritable, foreign, damaged or of another version."""


class StoreUnavailableError(StoreError):
    """A store does not answer now; the same call may succeed later."""

    is_retryable = True


class CampaignBusyError(AfssbError):
    """Another process is advancing the same campaign."""

    is_retryable = True


class StaleLeaseError(AfssbError):
    """A lease was lost to another process, so a late write is refused."""


def suggest(name: str, allowed: Iterable[str]) -> str:
    """Return `"Did you mean 'x'? "` for the nearest allowed name, or an empty string."""
    candidates = {candidate.lower(): candidate for candidate in allowed}
    near = get_close_matches(name.lower(), list(candidates), n=1, cutoff=0.6)
    return f"Did you mean '{candidates[near[0]]}'? " if near else ""
