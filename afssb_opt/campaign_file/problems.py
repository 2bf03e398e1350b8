"""Collecting problems of a campaign file in words a user can act on, instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from afssb_opt.campaign_file.schema import Part
from afssb_opt.domain.errors import Problem, suggest

PartT = TypeVar("PartT", bound=Part)


class ProblemList:
    """Problems found so far; it knows the line of each path of the file."""

    def __init__(self, lines: Mapping[str, int] | None = None) -> None:
        self._lines = lines or {}
        self.found: list[Problem] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        """Note one problem, with the line of `where` or of the nearest entry above it."""
        self.found.append(Problem(where, what, remedy, self._line(where)))

    def validated(self, part: type[PartT], value: Any, where: str) -> PartT | None:
        """Return the value as `part`, or note all its problems and return None."""
        if not isinstance(value, Mapping):
            keys = ", ".join(part.model_fields)
            self.add(
                where, f"is {_shown(value)}, not a group of settings", f"Write {{key: value}} with keys of: {keys}"
            )
            return None
        try:
            return part.model_validate(value)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._add_detail(part, detail, where)
            return None

    def _add_detail(self, part: type[Part], detail: ErrorDetails, where: str) -> None:
        names = [str(name) for name in detail["loc"] if not _is_type_tag(name)]
        path = ".".join([where, *names] if where else names)
        if detail["type"] == "extra_forbidden":
            allowed = list(part.model_fields)
            # A nested part has other keys than the one that was asked for; its message names none.
            hint = f"{suggest(names[-1], allowed)}Allowed: {', '.join(allowed)}" if len(names) == 1 else "Remove it"
            self.add(path, "is not a setting that exists", hint)
        elif detail["type"] == "missing":
            self.add(path, "is missing", f"Add '{names[-1]}'")
        else:
            self.add(path, f"is {_shown(detail['input'])}", detail["msg"].replace("Input should", "It should"))

    def _line(self, where: str) -> int | None:
        path = where
        while path and path not in self._lines:
            path = path.rpartition(".")[0]
        return self._lines.get(path)


def _is_type_tag(name: int | str) -> bool:
    """Whether a location entry names a branch of a union rather than a key of the file."""
    return isinstance(name, str) and (
        name.startswith(("literal[", "list[", "dict[", "function-"))
        or name.endswith("Part")
        or name in {"float", "str", "constrained-str"}
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
