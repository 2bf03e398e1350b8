"""A design in, a result out: the cell simulation, a user's code or recorded data; a lab answers through its results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators.isolated import IsolatedEvaluator
from afssb_opt.evaluators.protocol import Evaluation, Evaluator
from afssb_opt.evaluators.replay import ReplayEvaluator
from afssb_opt.evaluators.simulation import Simulated, SimulationEvaluator, simulate
from afssb_opt.evaluators.trust import require_trust
from afssb_opt.isolation.process import Limits

__all__ = [
    "Evaluation",
    "Evaluator",
    "IsolatedEvaluator",
    "ReplayEvaluator",
    "Simulated",
    "SimulationEvaluator",
    "make_evaluator",
    "open_evaluator",
    "recorded_designs",
    "simulate",
]

# Where the worker of each kind of foreign code is opened, in the child process.
_WORKERS = {
    "python": "afssb_opt.evaluators.python_function:open_worker",
    "pybamm": "afssb_opt.evaluators.pybamm_model:open_worker",
}


def make_evaluator(spec: CampaignSpec) -> Evaluator | None:
    """Return the evaluator of a campaign; None for a lab, whose results arrive by themselves.

    Foreign code is imported now, in the child process that will evaluate the first trial.

    Raises:
        EvaluationError: The module, function or table that the campaign names does not exist or cannot be used.
    """
    chosen = spec.evaluator
    if chosen.kind == "lab":
        return None
    if chosen.kind == "simulation":
        return SimulationEvaluator(spec.protocol, spec.outcome_settings)
    if chosen.kind == "replay":
        return ReplayEvaluator.from_file(Path(chosen.folder) / chosen.target, spec.space, spec.outcome_names)
    memory = None if chosen.memory_gb is None else int(1e9 * chosen.memory_gb)
    limits = Limits(60.0 * chosen.timeout_min, memory)
    evaluator = IsolatedEvaluator(_WORKERS[chosen.kind], _settings(spec), limits)
    evaluator.open()
    return evaluator


def recorded_designs(spec: CampaignSpec) -> pd.DataFrame | None:
    """Return the designs that a campaign on recorded data can be answered for; None where any design can.

    Raises:
        EvaluationError: The table cannot be used.
    """
    if spec.evaluator.kind != "replay":
        return None
    return ReplayEvaluator.from_file(
        Path(spec.evaluator.folder) / spec.evaluator.target, spec.space, spec.outcome_names
    ).designs


@contextmanager
def open_evaluator(spec: CampaignSpec) -> Iterator[Evaluator | None]:
    """Provide the evaluator of a campaign and end its child processes afterwards, also those at work in threads.

    Raises:
        EvaluationError: As `make_evaluator`; or the campaign names code that the user has not allowed.
    """
    require_trust(spec)
    evaluator = make_evaluator(spec)
    try:
        yield evaluator
    finally:
        if isinstance(evaluator, IsolatedEvaluator):
            evaluator.close()


def _settings(spec: CampaignSpec) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "target": spec.evaluator.target,
        "folder": str(Path(spec.evaluator.folder).resolve()),
        "protocol": spec.protocol.as_dict(),
        "outcome_names": list(spec.outcome_names),
    }
    if spec.evaluator.kind == "pybamm":
        settings["outcomes"] = spec.evaluator.outcomes
        settings["parameters"] = {link.variable: asdict(link) for link in spec.evaluator.parameters}
        settings["outcome_settings"] = asdict(spec.outcome_settings)
    return settings
