"""The physical laws of the compiled cell with PyBaMM's functions in place of numbers, so that each is written once."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

import pybamm

from afssb_opt.simulation import physics

# What a law calls -> what it means for a PyBaMM symbol.
_SYMBOLIC: dict[str, Callable[..., Any]] = {
    "exp": pybamm.exp,
    "log": pybamm.log,
    "sqrt": pybamm.sqrt,
    "max": pybamm.maximum,
    "min": pybamm.minimum,
}


def symbolic_laws() -> Any:
    """Return every law of `physics` as a function of PyBaMM symbols, by its name.

    A law is the same code with other globals; its constants stay those of `physics`.
    """
    names: dict[str, Any] = {**vars(physics), **_SYMBOLIC}
    for name, law in vars(physics).items():
        source = getattr(law, "py_func", None)
        if source is not None and name not in _SYMBOLIC:
            names[name] = FunctionType(source.__code__, names, name, source.__defaults__)
    return SimpleNamespace(**{name: law for name, law in names.items() if isinstance(law, FunctionType)})
