"""The flow that takes in what has arrived in a campaign's inbox: record what is clean, hold the rest, tell who must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.inbox import arrived_files, inbox_folder, not_taken_in, take_in
from afssb_opt.domain.numbers import counted
from flows.artifacts import publish_done, publish_held
from flows.notices import announce_held, announce_shorts
from flows.politeness import politely
from flows.tether import tie_to_server


@flow(name="ingest-results", validate_parameters=False)
def ingest_results(campaign: Path, dry_run: bool = False) -> Any:
    """Record the results in the campaign's inbox that were not looked at before, each once.

    Args:
        campaign: The campaign file.
        dry_run: List the new files, and record nothing.

    Returns:
        Names of the new files, what was done with each, and how many parts wait for a person.
    """
    tie_to_server()
    return politely(lambda: _ingest(Path(campaign), dry_run), is_patient=True)


def _ingest(campaign_file: Path, dry_run: bool) -> dict[str, Any]:
    with Campaign.load(campaign_file) as campaign:
        folder = inbox_folder(campaign.spec, campaign.stores, campaign_file)
        folder.mkdir(parents=True, exist_ok=True)
        arrived = arrived_files(folder)
        if dry_run:
            new = [{"file": path.name} for path in not_taken_in(campaign, arrived)]
            files = counted(len(new), "new file")
            publish_done(campaign.spec, "arrived", f"{files} in {folder}; nothing was recorded", new)
            return {"said": f"a dry run: {files}", "files": [row["file"] for row in new]}
        found = take_in(campaign, arrived, actor="inbox")
        files = counted(len(found.files), "new file")
        publish_done(campaign.spec, "ingested", f"{files} in {folder}", found.done)
        publish_held(campaign.spec, found.held, campaign_file)
        announce_held(campaign, found.newly_held)
        announce_shorts(campaign)
        said = f"{files}; {counted(len(found.held), 'part')} held for a person to decide"
        return {"said": said, "files": list(found.files), "done": list(found.done), "n_held": len(found.held)}
