"""`afssb exclude/include/void/abandon/restore`: reversible decisions of a person about a trial."""

from __future__ import annotations

import getpass
from pathlib import Path

from afssb_opt.campaign import Campaign
from afssb_opt.cli.output import print_json
from afssb_opt.domain.errors import InputError, Problem, suggest
from afssb_opt.ledger.deciding import Action


def decide(campaign: Path, trial: str, action: Action, reason: str, as_json: bool) -> None:
    """Record one decision with its reason.

    Raises:
        InputError: The campaign has no such trial.
    """
    with Campaign.load(campaign, read_only=True) as opened:
        labels = {record.label: record.uid for record in opened.trials()}
        if trial not in labels:
            raise InputError(
                [
                    Problem(
                        f"trial {trial}",
                        "is not a trial of this campaign",
                        f"{suggest(trial, labels)}See `afssb trials`",
                    )
                ],
                source=str(campaign),
            )
        opened.ledger.mark(labels[trial], action, reason=reason, actor=getpass.getuser())
        record = opened.ledger.trial(labels[trial])
    if as_json:
        print_json({"trial": trial, "state": str(record.state), "is_excluded": record.is_excluded})
    else:
        print(f"{trial}: {action} ({reason}); it is {record.state}{', excluded' if record.is_excluded else ''} now")  # noqa: T201
