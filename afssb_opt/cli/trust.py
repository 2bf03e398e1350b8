"""`afssb trust`: allow the code and the cluster that a campaign names, after showing which they are."""

from __future__ import annotations

from pathlib import Path

import typer

from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.output import print_json, text_console
from afssb_opt.evaluators.trust import allow, named_cluster, named_code, revoke, trust_file


def trust(campaign: Path, yes: bool, is_revoking: bool, as_json: bool) -> None:
    """Allow or forbid a campaign's code and cluster; neither is run or asked by this.

    Raises:
        CampaignFileError: The file is wrong.
        EvaluationError: The code does not exist.
    """
    spec = load_spec(campaign)
    found = named_code(spec)
    console = text_console(stderr=as_json)
    for code in found:
        console.print(f"{code.target} runs {code.file} (hash {code.sha256[:12]})", soft_wrap=True)
    cluster = named_cluster(spec)
    if cluster:
        console.print(f"cluster {cluster}: who answers there gets the designs and can run code here", soft_wrap=True)
    question = "Have you read it, and may it run with your rights?" if found else "Is that cluster yours?"
    if not found and not cluster:
        console.print(f"Campaign '{spec.name}' names no code or cluster of its own; nothing has to be allowed.")
    elif is_revoking:
        revoke(spec)
        console.print("It is not used any more.")
    elif yes or typer.confirm(question, err=as_json):
        allow(spec)
        console.print(f"Allowed until it changes; noted in {trust_file()}", soft_wrap=True)
    else:
        raise typer.Exit(1)
    if as_json:
        allowed = [{"target": code.target, "file": code.file, "sha256": code.sha256} for code in found]
        print_json([*allowed, *([{"cluster": cluster}] if cluster else [])])
