"""How designs enter the ledger as proposed trials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from afssb_opt.domain.errors import StoreError
from afssb_opt.domain.space import design_key
from afssb_opt.domain.trials import OPEN_STATES, TrialState
from afssb_opt.ledger.canonical import plain_text, plain_values
from afssb_opt.ledger.labels import trial_label
from afssb_opt.ledger.leasing import require_lease
from afssb_opt.ledger.records import Lease, NewTrial, TrialRecord
from afssb_opt.ledger.replay import apply_event
from afssb_opt.ledger.rows import Draft, append_events, row_of_trial, trial_from_row
from afssb_opt.ledger.schema import counters, trials

# A design that waits, runs or has its result needs no second cell unless that is said; a failed or void one may.
_STANDING_STATES: Final = OPEN_STATES | {TrialState.COMPLETED, TrialState.DISPUTED}

# Built once: putting these together again for each batch costs more than running them.
_OF_CAMPAIGN: Final = trials.c.campaign_uid == bindparam("campaign")
_HIGHEST_NUMBER: Final = select(func.max(trials.c.number)).where(_OF_CAMPAIGN)
_TRIALS_BY_UID: Final = select(trials).where(trials.c.uid.in_(bindparam("uids", expanding=True)))
_STANDING_TRIALS: Final = select(trials.c.design_key, trials.c.label).where(
    _OF_CAMPAIGN,
    trials.c.design_key.in_(bindparam("keys", expanding=True)),
    trials.c.state.in_(sorted(map(str, _STANDING_STATES))),
)
_TAKE_SERIALS: Final = (
    counters.update()
    .where(counters.c.name == "trial_serial")
    .values(value=counters.c.value + bindparam("count"))
    .returning(counters.c.value)
)


def add_trials(
    connection: Connection, now: datetime, lease: Lease, new_trials: Sequence[NewTrial]
) -> list[TrialRecord]:
    """Record designs as proposed trials, all or none; a trial whose uid is known is returned as it stands.

    Raises:
        StaleLeaseError: The lease was lost.
        InputError: A design holds something other than numbers and texts.
        StoreError: A design has a standing trial and is not marked as a replicate.
    """
    require_lease(connection, lease)
    known = _known_trials(connection, new_trials)
    fresh = [new for new in new_trials if new.uid not in known]
    designs = [plain_values(new.design, "design") for new in fresh]
    _refuse_repeats(connection, lease.campaign_uid, fresh, designs)
    number = connection.execute(_HIGHEST_NUMBER, {"campaign": lease.campaign_uid}).scalar() or 0
    serial = connection.execute(_TAKE_SERIALS, {"count": len(fresh)}).scalar_one() - len(fresh)
    drafts = [
        Draft(lease.campaign_uid, new.uid, "proposed", _words(new, design, number + place, serial + place))
        for place, (new, design) in enumerate(zip(fresh, designs, strict=True), start=1)
    ]
    if drafts:
        added = [apply_event(None, event) for event in append_events(connection, drafts, now)]
        connection.execute(trials.insert(), [row_of_trial(trial) for trial in added])
        known.update({trial.uid: trial for trial in added})
    return [known[new.uid] for new in new_trials]


def _words(new: NewTrial, design: dict[str, float | str], number: int, serial: int) -> dict[str, Any]:
    return {
        "number": number,
        "label": trial_label(serial),
        "design": design,
        "variables": list(design),
        "round": int(new.round),
        "reason": plain_text(new.reason),
        "provenance": dict(new.provenance),
        "is_replicate": new.is_replicate,
        # Said only of drafts, so that other proposals keep the words, and the hashes, they always had.
        **({"is_draft": True} if new.is_draft else {}),
    }


def _refuse_repeats(
    connection: Connection, campaign_uid: str, fresh: Sequence[NewTrial], designs: Sequence[dict[str, float | str]]
) -> None:
    keys = [design_key(design) for design in designs]
    rows = connection.execute(_STANDING_TRIALS, {"campaign": campaign_uid, "keys": keys})
    owner = {row.design_key: row.label for row in rows}
    repeats = []
    for place, (new, key) in enumerate(zip(fresh, keys, strict=True)):
        if key in owner and not new.is_replicate:
            repeats.append(f"number {place + 1} of the list is the design of {owner[key]}")
        owner.setdefault(key, f"number {place + 1} of the same list")
    if repeats:
        raise StoreError(
            f"{'; '.join(repeats)}. Nothing was recorded; propose another design, or mark it as a replicate on purpose"
        )


def _known_trials(connection: Connection, new_trials: Sequence[NewTrial]) -> dict[str, TrialRecord]:
    rows = connection.execute(_TRIALS_BY_UID, {"uids": [new.uid for new in new_trials]}).mappings()
    known = {row["uid"]: trial_from_row(row) for row in rows}
    for new in new_trials:
        trial = known.get(new.uid)
        if trial is not None and design_key(trial.design) != design_key(new.design):
            raise StoreError(
                f"trial {trial.label} is recorded with another design than the one given under its uid. "
                "Give each new design a uid of its own; leave it out to have one made"
            )
    return known
