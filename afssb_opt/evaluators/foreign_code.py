"""Where code that a campaign names comes from, and the one place that imports it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from afssb_opt.domain.errors import EvaluationError, suggest


@dataclass(frozen=True)
class ForeignCode:
    """A function that a campaign names, found but not imported.

    Attributes:
        target: `module:function`.
        file: The file that an import would run first; None for a module built into Python.
        is_beside_campaign: Whether it lies in the campaign's folder, and so came with the campaign.
    """

    target: str
    file: Path | None
    is_beside_campaign: bool


def locate(target: str, folder: str) -> ForeignCode:
    """Find the module of `module:function` without running any of it.

    It is looked for where Python looks (installed packages, PYTHONPATH), then beside the campaign file.

    Args:
        folder: Folder of the campaign file.

    Raises:
        EvaluationError: There is no such module, or one in each place.
    """
    top = target.partition(":")[0].partition(".")[0]
    home = Path(folder).resolve()
    beside = _with_file(PathFinder.find_spec(top, [str(home)]))
    try:
        # The running program has a file where it was started as a module; another process has another program.
        installed = None if top == "__main__" else _with_file(find_spec(top))
    except ValueError:
        # A module made at run time, which no other process can import.
        installed = None
    if installed is None and beside is None:
        raise EvaluationError(
            f"evaluator {target}: there is no module '{top}' beside the campaign file ({home}) nor among the installed "
            "packages. Install it, move it there, or put its folder on PYTHONPATH"
        )
    if installed is not None and beside is not None and installed.origin != beside.origin:
        raise EvaluationError(
            f"evaluator {target}: there are two modules '{top}', {installed.origin} and {beside.origin}. "
            "Rename the one beside the campaign file"
        )
    found = beside or installed
    assert found is not None  # noqa: S101  one of them is there
    file = Path(found.origin) if found.origin and found.has_location else None
    return ForeignCode(target, file, is_beside_campaign=beside is not None)


def _with_file(spec: ModuleSpec | None) -> ModuleSpec | None:
    """Leave out a folder without __init__.py, which Python would take for an empty package."""
    return spec if spec is not None and spec.origin else None


def load(target: str, folder: str) -> Callable[..., Any]:
    """Import `module:function`: the only place where code that a campaign names starts to run.

    Called in a child process, never in the one that holds the campaign.

    Raises:
        EvaluationError: The module cannot be found or imported, or has no such function.
    """
    code = locate(target, folder)
    if code.is_beside_campaign and folder not in sys.path:
        # Last, so that a file beside the campaign cannot stand in for a module that other packages import.
        sys.path.append(folder)
    module_name, _, function_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a user's module may raise anything on import
        raise EvaluationError(
            f"evaluator {target}: the module cannot be imported ({type(error).__name__}: {error})"
        ) from error
    function: Callable[..., Any] | None = getattr(module, function_name, None)
    if not callable(function):
        hint = suggest(function_name, [name for name in dir(module) if callable(getattr(module, name))])
        raise EvaluationError(f"evaluator {target}: {module_name} has no function '{function_name}'. {hint}".rstrip())
    return function
