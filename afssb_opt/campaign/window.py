"""Showing a campaign to people: the MLflow mirror and the report, neither of which may ever stop the campaign."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from afssb_opt.domain.errors import CampaignBusyError, StoreError

# MLflow, torch and the figures take seconds to import: they are imported when they are needed, which for MLflow is in
# the thread of the first update, beside the first evaluation.
if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign
    from afssb_opt.strategies import Optimizer
    from afssb_opt.tracking.mirror import Mirror
    from afssb_opt.tracking.reviews import ReviewDecision

# With fewer observations a surrogate page would show the prior.
MIN_OBSERVATIONS_FOR_MODEL = 4
# A server that does not answer is asked again after this; asked each round, its time-outs would slow the campaign.
REST_S = 60.0


class Window:
    """The MLflow mirror of one campaign, kept open over the rounds of a run."""

    def __init__(self, campaign: Campaign) -> None:
        """Prepare; MLflow is not touched, nor its address looked at, before the first update."""
        self._campaign = campaign
        self._rests_until = 0.0

    @cached_property
    def _mirror(self) -> Mirror:
        from afssb_opt.tracking.mirror import Mirror
        from afssb_opt.tracking.stores import resolve_tracking

        campaign = self._campaign
        place = resolve_tracking(campaign.stores.folder)
        return Mirror(
            campaign.spec,
            campaign.ledger,
            campaign.record_of_campaign,
            place.uri,
            place.artifact_root,
            campaign.stores.lab_folder(campaign.spec.name),
        )

    def update(
        self, *, has_report: bool = False, surrogate: Optimizer | None = None, is_rewrite: bool = False
    ) -> list[str]:
        """Bring MLflow up to date, record what reviewers decided there, and return warnings.

        An outage is one of the warnings: the mirror catches up with a later update, a minute after the last attempt
        or when a report is written.

        Args:
            has_report: Write the report into MLflow too.
            surrogate: As from `surrogate_view`, for the report.
            is_rewrite: Write every run anew, whatever MLflow holds.

        Raises:
            StoreError: `MLFLOW_TRACKING_URI` is of a kind that holds no campaign.
        """
        is_asked_for = has_report or is_rewrite
        if not is_asked_for and time.monotonic() < self._rests_until:
            return []
        mirror = self._mirror
        try:
            report = mirror.sync(optimizer=surrogate, has_report=has_report, is_rewrite=is_rewrite)
        except (StoreError, CampaignBusyError) as error:
            self._rests_until = time.monotonic() + REST_S
            return [f"MLflow was not updated: {error}. The ledger has everything; the next run catches up"]
        self._record(report.decisions)
        return list(report.warnings)

    def heed_reviewers(self) -> list[str]:
        """Record what reviewers decided in MLflow, and return a warning where it could not be asked.

        The first update of a process does so too, but may take a minute: it compares every run with its trial.

        Raises:
            StoreError: `MLFLOW_TRACKING_URI` is of a kind that holds no campaign.
        """
        mirror = self._mirror
        try:
            decisions = mirror.read_decisions()
        except StoreError as error:
            self._rests_until = time.monotonic() + REST_S
            return [f"MLflow could not be asked what reviewers decided: {error}. A later update asks again"]
        self._record(decisions)
        return []

    def page(self) -> str:
        """Return the address of the campaign's experiment, empty where no tracking server shows it."""
        from afssb_opt.tracking.ui import experiment_page

        return experiment_page(self._campaign.stores.folder, self._campaign.spec.name)

    def _record(self, decisions: Iterable[ReviewDecision]) -> None:
        for decision in decisions:
            self._campaign.ledger.mark(
                decision.trial_uid, decision.action, reason=decision.note, actor=decision.who or "MLflow reviewer"
            )


def surrogate_view(campaign: Campaign) -> Optimizer | None:
    """Return an optimizer told with everything, or None while there is too little to fit."""
    if len(campaign.observations()) < MIN_OBSERVATIONS_FOR_MODEL:
        return None
    from afssb_opt.campaign.proposing import informed_optimizer

    return informed_optimizer(campaign.spec, campaign.ledger, campaign.uid)


def write_campaign_report(campaign: Campaign, surrogate: Optimizer | None, path: Path | None = None) -> Path:
    """Write the HTML report, by default into the store folder, and return its path.

    Args:
        surrogate: As from `surrogate_view`; without it the report has no model pages.
    """
    from afssb_opt.tracking.report import write_report

    target = path or campaign.stores.report_path(campaign.spec.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_report(
        campaign.spec,
        campaign.trials(),
        campaign.observations(),
        target,
        optimizer=surrogate,
        record=campaign.record_of_campaign,
    )
