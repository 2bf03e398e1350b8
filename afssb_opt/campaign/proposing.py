"""Asking the surrogate for the next designs and registering them."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pandas as pd

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import Lease, Ledger, NewTrial, TrialRecord
from afssb_opt.strategies import Optimizer

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# Packages whose version can change a proposal.
PROPOSING_PACKAGES = ("afssb-opt", "botorch", "gpytorch", "torch", "numpy", "scipy")


def propose_trials(campaign: Campaign, lease: Lease, n: int) -> list[TrialRecord]:
    """Ask the surrogate for `n` designs and register them in one transaction.

    Raises:
        StrategyError: No further distinct design exists.
        StaleLeaseError: Another process took the campaign over.
    """
    trials = campaign.trials()
    optimizer = informed_optimizer(campaign.spec, campaign.ledger, campaign.uid)
    designs = optimizer.ask(n)
    reasons = designs.attrs["reasons"]
    provenance = {
        "seed": campaign.spec.seed,
        "method": str(designs.attrs["method"]),
        "notes": [str(note) for note in designs.attrs["notes"]],
        "data_version": campaign.ledger.last_seq(campaign.uid),
        "config_sha256": campaign.spec.sha256,
        "versions": {package: version(package) for package in PROPOSING_PACKAGES},
    }
    round_number = max((trial.round for trial in trials), default=0) + 1
    new_trials = [
        NewTrial(design=_plain(row), round=round_number, reason=reason, provenance=provenance)
        for (_, row), reason in zip(designs.iterrows(), reasons, strict=True)
    ]
    return campaign.ledger.add_trials(lease, new_trials)


def informed_optimizer(spec: CampaignSpec, ledger: Ledger, campaign_uid: str) -> Optimizer:
    """Return an optimizer that was told every observation and every open trial of the campaign."""
    optimizer = Optimizer(
        spec.space,
        spec.objectives,
        spec.constraints,
        seed=spec.seed,
        n_initial=spec.initial_trials,
    )
    observations = ledger.observations(campaign_uid)
    if len(observations):
        told = observations.drop(columns=["trial_uid", "label", "number", "round"])
        optimizer.tell(told.assign(status=told["status"].replace("partial", "completed")))
    pending = ledger.pending(campaign_uid)
    if len(pending):
        optimizer.tell(pending.loc[:, list(spec.space.names)].assign(status="pending"))
    return optimizer


def _plain(row: pd.Series) -> dict[str, float | str]:
    return {str(name): value if isinstance(value, str) else float(value) for name, value in row.items()}
