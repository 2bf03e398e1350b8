"""The flow that writes a campaign's report and brings it into MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.window import Window, surrogate_view, write_campaign_report
from flows.artifacts import publish_summary
from flows.politeness import politely
from flows.tether import tie_to_server


@flow(name="report-campaign", validate_parameters=False)
def report_campaign(campaign: Path) -> Any:
    """Write the report of a campaign as it stands, with its model pages.

    Args:
        campaign: The campaign file.

    Returns:
        Path of the report and warnings of the mirror.
    """
    tie_to_server()
    return politely(lambda: _report(Path(campaign)))


def _report(campaign_file: Path) -> dict[str, Any]:
    with Campaign.load(campaign_file) as campaign:
        surrogate = surrogate_view(campaign)
        report = write_campaign_report(campaign, surrogate)
        window = Window(campaign)
        warnings = window.update(has_report=True, surrogate=surrogate)
        publish_summary(campaign, report, window.page())
        return {"said": f"written to {report}", "report": str(report), "warnings": warnings}
