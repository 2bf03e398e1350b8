"""`afssb export`, `import` and `backup`: a campaign or a whole store as files of one's own."""

from __future__ import annotations

from pathlib import Path

from afssb_opt.campaign import Campaign
from afssb_opt.campaign.moving import export_campaign, import_campaign
from afssb_opt.cli.output import print_json, text_console


def export(campaign: Path, folder: Path, as_json: bool) -> None:
    """Write a campaign into a new folder.

    Raises:
        StoreError: The folder exists or cannot be written, or the campaign has no records.
    """
    with Campaign.load(campaign, read_only=True) as opened:
        done = export_campaign(opened, folder)
        n_trials = len(opened.trials())
    if as_json:
        print_json({"folder": done.folder, "sha256": done.sha256, "trials": n_trials, "lab_files": done.n_lab_files})
        return
    console = text_console()
    console.print(f"{n_trials} trials and {done.n_lab_files} lab files written to {done.folder}", soft_wrap=True)
    console.print(f"Hash of the record: {done.sha256}", soft_wrap=True)


def import_(folder: Path, campaign: Path | None, as_json: bool) -> None:
    """Enter an exported campaign.

    Raises:
        InputError: The export is damaged.
        StoreError: The store has another campaign of its name.
    """
    record, path = import_campaign(folder, campaign)
    with Campaign.load(path, read_only=True) as opened:
        n_trials = len(opened.trials())
    if as_json:
        print_json({"campaign": record.name, "file": path, "trials": n_trials})
        return
    console = text_console()
    console.print(f"Campaign '{record.name}' with {n_trials} trials is here. Its file: {path}", soft_wrap=True)
    console.print("Code of others is not run before `afssb trust` has allowed it.")


def backup(campaign: Path, target: Path, as_json: bool) -> None:
    """Copy the ledger file while it is in use.

    Raises:
        StoreError: The file exists or cannot be written, or the ledger is on a server.
    """
    target = Path.cwd() / target
    with Campaign.load(campaign, read_only=True) as opened:
        opened.ledger.backup(target)
    if as_json:
        print_json({"backup": target})
    else:
        text_console().print(f"The whole ledger is copied to {target}", soft_wrap=True)
