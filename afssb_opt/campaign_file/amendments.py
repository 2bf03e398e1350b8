"""What changed between two versions of a campaign file, and which changes the recorded trials can follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_MISSING: Final = object()

# Path prefix -> what the change means. Everything else about a campaign is fixed once trials exist.
_FREE: Final = {
    "question": "text only",
    "seed": "later proposals draw other random numbers",
    "batch_size": "later rounds have another size",
    "initial_trials": "matters only while the start design is not complete",
    "budget": "the campaign ends earlier or later",
    "objectives": "recorded results are scored anew",
    "combine": "recorded results are scored anew",
    "constraints": "recorded results are judged anew",
    "design_constraints": "holds for later proposals; recorded trials stay",
    "stop_when": "the campaign ends earlier or later",
    "prior_data": "later proposals learn from other prior data; recorded results stay",
    "schedule": "it is advanced at other times",
    "inbox": "results are looked for elsewhere",
    "approve": "holds for later proposals; drafts still wait for a decision",
    "evaluator.timeout_min": "later cells have another time limit; recorded results stay",
    "evaluator.memory_gb": "later cells have another memory limit; recorded results stay",
    "cluster": "later cells are evaluated elsewhere, with the same results",
    "protocol.cycles": "later cells stop at another cycle; lives stay comparable because they are censored there",
}


@dataclass(frozen=True)
class Amendment:
    """One changed entry of a campaign file."""

    path: str
    old: Any
    new: Any
    is_allowed: bool
    meaning: str

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.old)} -> {_shown(self.new)} ({self.meaning})"


def compare_definitions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Amendment]:
    """Return every changed entry between two campaign definitions, in the order of their paths."""
    changes = []
    for path, (before, after) in sorted(_differences(old, new, "").items()):
        is_allowed, meaning = _judge(path, before)
        changes.append(Amendment(path, before, after, is_allowed, meaning))
    return changes


def _differences(old: Any, new: Any, path: str) -> dict[str, tuple[Any, Any]]:
    """Return changed leaves; a variable, objective or constraint that came or went is one leaf."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in {**old, **new}:
            child = f"{path}.{key}" if path else str(key)
            found |= _differences(old.get(key, _MISSING), new.get(key, _MISSING), child)
        return found
    return {} if old == new else {path: (old, new)}


def _judge(path: str, old: Any) -> tuple[bool, str]:
    names = path.split(".")
    if names[-1] == "at_cycle":
        return False, "recorded retentions were read at another cycle; start a new campaign name"
    for prefix, meaning in _FREE.items():
        if path == prefix or path.startswith(f"{prefix}."):
            return True, meaning
    if names[0] == "space" and len(names) == 2:
        if old is _MISSING:
            return False, "recorded trials have no value for a new variable; start a new campaign name"
        return False, "recorded trials varied it; hold it with {fixed: value} instead, or start a new campaign name"
    if names[0] == "space":
        return True, "holds for later proposals; recorded trials stay and are used as they were built"
    if names[0] == "protocol":
        return False, "results under another protocol are not comparable; start a new campaign name"
    if names[0] == "evaluator":
        return False, "results of another evaluator are not comparable; start a new campaign name"
    return False, "cannot change while trials exist; start a new campaign name"


def _shown(value: Any) -> str:
    return "(absent)" if value is _MISSING or value is None else str(value)
