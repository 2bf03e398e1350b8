"""Asking the surrogate for the next designs and registering them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import pandas as pd

from afssb_opt.campaign.budget import is_stopped_by_rule, record_stop
from afssb_opt.campaign.prior import ensure_prior, recorded_prior
from afssb_opt.domain.space import design_key
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators import recorded_designs
from afssb_opt.ledger import Lease, Ledger, NewTrial, TrialRecord
from afssb_opt.ledger.failpoints import reach
from afssb_opt.strategies import Optimizer
from afssb_opt.strategies.devices import device_of_machine

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# Packages whose version can change a proposal.
PROPOSING_PACKAGES = ("afssb-opt", "botorch", "gpytorch", "torch", "numpy", "scipy")


@dataclass(frozen=True)
class Narrowing:
    """What a person decided about a batch before the surrogate was asked.

    Attributes:
        fixed: Variables held at one value.
        candidates: A list of designs to choose from.
    """

    fixed: Mapping[str, object] = field(default_factory=dict)
    candidates: pd.DataFrame | None = None

    def __str__(self) -> str:
        held = [f"{name} {value} as asked" for name, value in self.fixed.items()]
        listed = [] if self.candidates is None else [f"out of a list of {len(self.candidates)}"]
        return ", ".join([*held, *listed])


NOTHING_NARROWED: Final = Narrowing()


def propose_trials(
    campaign: Campaign, lease: Lease, n: int, narrowing: Narrowing = NOTHING_NARROWED
) -> list[TrialRecord]:
    """Ask the surrogate for `n` designs and register them in one transaction, as drafts where a person approves them.

    Returns:
        The trials; none where the campaign's stop rule holds, which is then recorded and told by `stop_reason`, and
        where every recorded design of a replay was tried.

    Raises:
        StrategyError: No further distinct design exists.
        DesignError: A fixed value or a candidate is not of this space.
        StaleLeaseError: Another process took the campaign over.
    """
    ensure_prior(campaign)
    # A campaign on recorded data can only be answered for the designs that were recorded.
    recorded = recorded_designs(campaign.spec)
    if recorded is not None and narrowing.candidates is None:
        tried = {design_key(trial.design) for trial in campaign.trials()}
        n = min(n, sum(design_key(_plain(row)) not in tried for _, row in recorded.iterrows()))
        if n == 0:
            return []
        narrowing = replace(narrowing, candidates=recorded)
    new_trials = next_trials(campaign, n, narrowing)
    advice = new_trials[0].provenance["advice"]
    if is_stopped_by_rule(campaign.spec.stop_when, campaign.standing().n_trials, advice["ratio"]):
        record_stop(campaign.ledger, campaign.record_of_campaign, new_trials[0].provenance)
        return []
    reach("propose.asked")
    registered = campaign.ledger.add_trials(lease, new_trials)
    reach("propose.registered")
    return registered


def next_trials(campaign: Campaign, n: int, narrowing: Narrowing = NOTHING_NARROWED) -> list[NewTrial]:
    """Ask the surrogate for `n` designs; nothing is registered.

    Raises:
        StrategyError: No further distinct design exists.
        DesignError: A fixed value or a candidate is not of this space.
    """
    optimizer, data_version, last_round = _at_one_moment(campaign)
    designs = optimizer.ask(n, fixed=narrowing.fixed, candidates=narrowing.candidates)
    provenance = {
        "seed": campaign.spec.seed,
        "method": str(designs.attrs["method"]),
        "notes": [str(note) for note in designs.attrs["notes"]],
        "advice": designs.attrs["advice"],
        "reference_point": designs.attrs["reference_point"],
        "data_version": data_version,
        "config_sha256": campaign.spec.sha256,
        "versions": {package: version(package) for package in PROPOSING_PACKAGES},
        "device": str(optimizer.device),
    }
    asked = str(narrowing)
    is_draft = campaign.spec.needs_approval
    return [
        NewTrial(
            design=_plain(row),
            round=last_round + 1,
            reason=f"{reason} ({asked})" if asked else reason,
            provenance=provenance,
            is_draft=is_draft,
        )
        for (_, row), reason in zip(designs.iterrows(), designs.attrs["reasons"], strict=True)
    ]


def _at_one_moment(campaign: Campaign) -> tuple[Optimizer, int, int]:
    """Return an informed optimizer with the number of the newest event it knows, and the newest round.

    A laboratory may hand in results meanwhile; then everything is read again.
    """
    while True:
        data_version = campaign.ledger.last_seq(campaign.uid)
        last_round = campaign.standing().last_round
        optimizer = informed_optimizer(campaign.spec, campaign.ledger, campaign.uid)
        if campaign.ledger.last_seq(campaign.uid) == data_version:
            return optimizer, data_version, last_round


def informed_optimizer(spec: CampaignSpec, ledger: Ledger, campaign_uid: str) -> Optimizer:
    """Return an optimizer that was told every observation and every open trial of the campaign."""
    prior = recorded_prior(ledger.events(campaign_uid)) if spec.prior_data is not None else None
    return told_optimizer(spec, ledger.observations(campaign_uid), ledger.pending(campaign_uid), prior)


def told_optimizer(
    spec: CampaignSpec, observations: pd.DataFrame, pending: pd.DataFrame, prior: pd.DataFrame | None
) -> Optimizer:
    """Return an optimizer that was told tables as the ledger gives them."""
    optimizer = Optimizer(
        spec.space,
        spec.objectives,
        spec.constraints,
        seed=spec.seed,
        n_initial=spec.initial_trials,
        prior_data=prior,
        combine=None if spec.desirability is None else "desirability",
        device=device_of_machine(),
    )
    if len(observations):
        told = observations.drop(columns=["trial_uid", "label", "number", "round"])
        # No cell may have come so far as to have a value of some outcome.
        told = told.assign(**{name: math.nan for name in optimizer.outcomes if name not in told})
        optimizer.tell(told.assign(status=told["status"].replace("partial", "completed")))
    if len(pending):
        optimizer.tell(pending.loc[:, list(spec.space.names)].assign(status="pending"))
    return optimizer


def _plain(row: pd.Series) -> dict[str, float | str]:
    return {str(name): value if isinstance(value, str) else float(value) for name, value in row.items()}
