"""A design in, a result out: the cell simulation or a user's Python function; a lab answers through its results."""

from __future__ import annotations

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators.protocol import Evaluation, Evaluator
from afssb_opt.evaluators.python_function import PythonEvaluator
from afssb_opt.evaluators.simulation import Simulated, SimulationEvaluator, simulate

__all__ = [
    "Evaluation",
    "Evaluator",
    "PythonEvaluator",
    "Simulated",
    "SimulationEvaluator",
    "make_evaluator",
    "simulate",
]


def make_evaluator(spec: CampaignSpec) -> Evaluator | None:
    """Return the evaluator of a campaign; None for a lab, whose results arrive by themselves.

    Raises:
        EvaluationError: The module or function of a Python evaluator does not exist.
    """
    if spec.evaluator.kind == "simulation":
        return SimulationEvaluator(spec.protocol, spec.outcome_settings)
    if spec.evaluator.kind == "python":
        return PythonEvaluator.from_target(spec.evaluator.target, spec.protocol, spec.outcome_names)
    return None
