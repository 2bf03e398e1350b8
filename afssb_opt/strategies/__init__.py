"""Observations in, designs out: surrogates, acquisition and initial designs (the only importer of torch)."""

from afssb_opt.strategies.hypervolume import hypervolume, hypervolume_history, reference_point
from afssb_opt.strategies.optimizer import Optimizer

__all__ = ["Optimizer", "hypervolume", "hypervolume_history", "reference_point"]
