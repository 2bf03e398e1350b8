"""Observations in, designs out: surrogates, acquisition and initial designs (the only importer of torch)."""

from afssb_opt.strategies.explanation import Explanation
from afssb_opt.strategies.hypervolume import fixed_reference_point, hypervolume, hypervolume_history, reference_point
from afssb_opt.strategies.optimizer import Optimizer
from afssb_opt.strategies.stop_advice import StopAdvice

__all__ = [
    "Explanation",
    "Optimizer",
    "StopAdvice",
    "fixed_reference_point",
    "hypervolume",
    "hypervolume_history",
    "reference_point",
]
