"""Bayesian design optimisation for sulfide-based anode-free solid-state batteries.

`Campaign` runs a whole campaign, `Optimizer` proposes designs without any store, `simulate` cycles cells.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

# Prefect and MLflow phone home unless told not to before they are imported; MLflow ignores DO_NOT_TRACK=1.
for _name, _value in {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}.items():
    os.environ.setdefault(_name, _value)

if TYPE_CHECKING:
    from afssb_opt.campaign import Campaign
    from afssb_opt.evaluators import simulate
    from afssb_opt.strategies import Optimizer

# Imported on first use: torch and numba take seconds that `afssb --help` must not pay.
_HOME_OF: Final = {
    "Campaign": "afssb_opt.campaign",
    "Optimizer": "afssb_opt.strategies",
    "simulate": "afssb_opt.evaluators",
}

__all__ = ["Campaign", "Optimizer", "simulate"]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'afssb_opt' has no attribute '{name}'")
