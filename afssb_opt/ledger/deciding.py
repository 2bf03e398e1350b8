"""How decisions of people enter the ledger: shelving, restoring, excluding, and settling a dispute."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, select

from afssb_opt.domain.errors import InputError, Problem, StoreError, suggest
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.canonical import plain_text
from afssb_opt.ledger.records import TrialRecord
from afssb_opt.ledger.rows import Draft, change_trial, load_trial
from afssb_opt.ledger.schema import events

Action = Literal["approve", "in_test", "abandon", "void", "restore", "exclude", "include"]
_KIND_OF_ACTION: Final = {
    "approve": "approved", "in_test": "in_test", "abandon": "abandoned", "void": "voided", "restore": "restored",
    "exclude": "excluded", "include": "included",
}  # fmt: skip
_STATE_OF_ACTION: Final = {
    "approve": TrialState.PROPOSED, "in_test": TrialState.IN_TEST, "abandon": TrialState.ABANDONED,
    "void": TrialState.VOID,
}  # fmt: skip


def mark(connection: Connection, now: datetime, trial_uid: str, action: Action, reason: str, actor: str) -> TrialRecord:
    """Record a decision; the same decision for the same reason again changes nothing.

    Raises:
        InputError: The action is unknown.
        MoveError: The trial's state does not allow it.
    """
    if action not in _KIND_OF_ACTION:
        remedy = f"{suggest(str(action), _KIND_OF_ACTION)}Allowed: {', '.join(get_args(Action))}"
        raise InputError([Problem("action", f"is {action!r}", remedy)], source="mark")
    reason = plain_text(reason)
    trial = load_trial(connection, trial_uid, is_locking=True)
    if _stands_already(trial, action, reason):
        return trial
    draft = Draft(trial.campaign_uid, trial.uid, _KIND_OF_ACTION[action], {"reason": reason}, plain_text(actor))
    return change_trial(connection, trial, draft, now)


def _stands_already(trial: TrialRecord, action: Action, reason: str) -> bool:
    if action == "in_test":
        return trial.state is TrialState.IN_TEST
    if trial.decision_reason != reason:
        return False
    if action in _STATE_OF_ACTION:
        return trial.state is _STATE_OF_ACTION[action]
    # A trial never excluded is included for no reason at all, so only a repeated reason gets here.
    return action in {"exclude", "include"} and trial.is_excluded == (action == "exclude")


def settle(
    connection: Connection, now: datetime, trial_uid: str, keep: int | None, reason: str, actor: str
) -> TrialRecord:
    """End a dispute by saying which of the recorded results or failures is right.

    `keep` is the sequence number of its event; None keeps what stood before the dispute.

    Raises:
        MoveError: The trial is not disputed.
        StoreError: The event is no result or failure of this trial.
    """
    trial = load_trial(connection, trial_uid, is_locking=True)
    words: dict[str, Any] = {"keep": keep, "kept": None, "reason": plain_text(reason)}
    if keep is not None:
        opinions = (events.c.trial_uid == trial.uid) & events.c.kind.in_(("result", "failure"))
        rows = connection.execute(select(events.c.seq, events.c.payload).where(opinions))
        found = {row.seq: row.payload for row in rows}
        if keep not in found:
            allowed = ", ".join(map(str, sorted(found)))
            raise StoreError(f"event {keep} is no result or failure of trial {trial.label}. Allowed: {allowed}")
        words["kept"] = json.loads(found[keep])
    draft = Draft(trial.campaign_uid, trial.uid, "settled", words, plain_text(actor))
    return change_trial(connection, trial, draft, now)
