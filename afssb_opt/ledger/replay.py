"""Where a trial stands after an event: the pure rule that turns the record of events into the present state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from afssb_opt.domain.trials import ALLOWED_MOVES, ENDED_STATES, TrialFailure, TrialResult, TrialState
from afssb_opt.ledger.errors import MoveError
from afssb_opt.ledger.records import Event, TrialRecord

TRIAL_KINDS: Final = frozenset(
    {"proposed", "approved", "claimed", "released", "in_test", "result", "failure", "settled",
     "abandoned", "voided", "restored", "excluded", "included"}
)  # fmt: skip
CAMPAIGN_KINDS: Final = frozenset({"campaign_registered", "campaign_amended"})
SHELVED_STATES: Final = frozenset({TrialState.VOID, TrialState.ABANDONED})


def replay(events: Iterable[Event]) -> dict[str, TrialRecord]:
    """Return every trial by uid, from nothing but its events in their order."""
    trials: dict[str, TrialRecord] = {}
    for event in events:
        if event.trial_uid is not None:
            trials[event.trial_uid] = apply_event(trials.get(event.trial_uid), event)
    return trials


def apply_event(trial: TrialRecord | None, event: Event) -> TrialRecord:
    """Return the trial after one more event.

    Args:
        trial: The trial before it, None before its proposal.
        event: The event that follows.

    Raises:
        MoveError: The trial's state does not allow the event.
    """
    if trial is None:
        return _proposed(event)
    changed = _changed(trial, event)
    is_ended = changed.state in ENDED_STATES
    was_ended = trial.state in ENDED_STATES
    ended_at = (trial.ended_at if was_ended and changed.state == trial.state else event.at) if is_ended else None
    return replace(changed, ended_at=ended_at, last_seq=event.seq)


def result_content(result: TrialResult, as_built: dict[str, float | str] | None, cycling_sha256: str | None,
                   *, is_final: bool, is_correction: bool) -> dict[str, Any]:  # fmt: skip
    """Return the payload of a result event."""
    return {**result_words(result), "as_built": as_built, "cycling_sha256": cycling_sha256,
            "is_final": is_final, "is_correction": is_correction}  # fmt: skip


def result_words(result: TrialResult) -> dict[str, Any]:
    """Return a result as plain content; `result_from_words` inverts it."""
    return {
        "outcomes": dict(result.outcomes),
        "sem": dict(result.sem),
        "censored": sorted(result.censored),
        "source": result.source,
        "attributes": dict(result.attributes),
    }


def result_from_words(words: dict[str, Any]) -> TrialResult:
    """Read a result back."""
    return TrialResult(
        words["outcomes"], words["sem"], frozenset(words["censored"]), words["source"], words["attributes"]
    )


def _proposed(event: Event) -> TrialRecord:
    if event.kind != "proposed" or event.trial_uid is None:
        raise MoveError(f"event {event.seq} ({event.kind}) comes before the proposal of trial {event.trial_uid}")
    words = event.payload
    return TrialRecord(
        uid=event.trial_uid,
        campaign_uid=event.campaign_uid,
        number=words["number"],
        label=words["label"],
        design={name: words["design"][name] for name in words["variables"]},
        as_built=None,
        state=TrialState.DRAFT if words.get("is_draft") else TrialState.PROPOSED,
        round=words["round"],
        reason=words["reason"],
        provenance=words["provenance"],
        result=None,
        failure=None,
        is_excluded=False,
        decision_reason="",
        cycling_sha256=None,
        proposed_at=event.at,
        ended_at=None,
        last_seq=event.seq,
        n_revisions=0,
        attempts=0,
    )


def _changed(trial: TrialRecord, event: Event) -> TrialRecord:
    words = event.payload
    match event.kind:
        case "approved":
            if trial.state is not TrialState.DRAFT:
                raise MoveError(f"trial {trial.label} is {trial.state}; only drafts are approved")
            return replace(_walk(trial, TrialState.PROPOSED), decision_reason=words["reason"])
        case "claimed":
            return replace(_walk(trial, TrialState.CLAIMED), attempts=words["attempt"])
        case "released":
            return _walk(trial, TrialState.PROPOSED)
        case "in_test":
            if trial.state in SHELVED_STATES:
                raise MoveError(f"trial {trial.label} is {trial.state}; restore it before it goes into test")
            return _walk(trial, TrialState.IN_TEST)
        case "result":
            return _with_result(trial, words)
        case "failure":
            return _with_failure(trial, TrialFailure(words["kind"], words["reason"]))
        case "settled":
            return _settled(trial, words)
        case "abandoned" | "voided":
            shelf = TrialState.VOID if event.kind == "voided" else TrialState.ABANDONED
            shelved = replace(_walk(trial, shelf), restores_to=trial.restores_to or _comes_back_as(trial.state))
            return replace(shelved, decision_reason=words["reason"])
        case "restored":
            return replace(_restored(trial), decision_reason=words["reason"])
        case "excluded" | "included":
            return replace(trial, is_excluded=event.kind == "excluded", decision_reason=words["reason"])
    raise MoveError(f"event {event.seq} has the unknown kind '{event.kind}'; a newer release may have written it")


def _walk(trial: TrialRecord, *states: TrialState) -> TrialRecord:
    state = trial.state
    for following in states:
        if following not in ALLOWED_MOVES[state]:
            allowed = ", ".join(sorted(ALLOWED_MOVES[state]))
            raise MoveError(f"trial {trial.label} is {state} and cannot become {following}. From there: {allowed}")
        state = following
    return replace(trial, state=state)


def _comes_back_as(state: TrialState) -> TrialState:
    # A claim does not outlive the decision that shelved its trial.
    return TrialState.PROPOSED if state is TrialState.CLAIMED else state


def _unshelved(trial: TrialRecord) -> TrialRecord:
    return replace(trial, state=trial.restores_to or TrialState.PROPOSED, restores_to=None)


def _restored(trial: TrialRecord) -> TrialRecord:
    if trial.state is TrialState.FAILED:
        # The next attempt is another cell: what was found on this one stays in the events only.
        again = replace(trial, failure=None, result=None, as_built=None, cycling_sha256=None)
        return _walk(again, TrialState.PROPOSED)
    if trial.state not in SHELVED_STATES:
        raise MoveError(f"trial {trial.label} is {trial.state}; only void, abandoned and failed trials can be restored")
    restored = _unshelved(trial)
    if trial.state is TrialState.ABANDONED and restored.state not in {TrialState.DRAFT, TrialState.PROPOSED}:
        _walk(trial, TrialState.PROPOSED, restored.state)
    else:
        _walk(trial, restored.state)
    return restored


def _with_result(trial: TrialRecord, words: dict[str, Any]) -> TrialRecord:
    if trial.state in SHELVED_STATES:
        # A decision of a person stands; the result waits behind it.
        behind = _with_result(_unshelved(trial), words)
        return replace(behind, state=trial.state, restores_to=behind.state)
    end = TrialState.COMPLETED if words["is_final"] else TrialState.PARTIAL
    if words["is_correction"] or is_equipment_failure(trial):
        return _walk(replace(_taking(trial, words, is_adding=False), failure=None), *_way(trial), end)
    if trial.state not in ENDED_STATES:
        return _walk(_taking(trial, words, is_adding=True), end)
    if end is TrialState.PARTIAL:
        # An early reading of a cell that has ended says nothing new.
        return trial
    if trial.state is TrialState.COMPLETED and not contradicts(trial, words):
        return _walk(_taking(trial, words, is_adding=True), TrialState.COMPLETED)
    return trial if trial.state is TrialState.DISPUTED else _walk(trial, TrialState.DISPUTED)


def _with_failure(trial: TrialRecord, failure: TrialFailure) -> TrialRecord:
    if trial.state in SHELVED_STATES:
        behind = _with_failure(_unshelved(trial), failure)
        return replace(behind, state=trial.state, restores_to=behind.state)
    if is_equipment_failure(trial) or trial.state not in ENDED_STATES:
        return replace(_walk(trial, *_way(trial), TrialState.FAILED), failure=failure)
    if trial.state is TrialState.DISPUTED or (trial.state is TrialState.FAILED and failure.kind == "cell"):
        return trial
    if trial.state is TrialState.COMPLETED and failure.kind == "equipment":
        raise MoveError(f"trial {trial.label} is completed; an equipment failure does not undo it. Void it to say so")
    return _walk(trial, TrialState.DISPUTED)


def _settled(trial: TrialRecord, words: dict[str, Any]) -> TrialRecord:
    if trial.state is not TrialState.DISPUTED:
        raise MoveError(f"trial {trial.label} is {trial.state}; only disputed trials are settled")
    kept = words["kept"]
    settled = replace(trial, decision_reason=words["reason"])
    if kept is None:
        end = TrialState.FAILED if trial.failure is not None else TrialState.COMPLETED
    elif "outcomes" in kept:
        end = TrialState.COMPLETED
        settled = replace(_taking(settled, kept, is_adding=False), failure=None)
    else:
        end = TrialState.FAILED
        settled = replace(settled, failure=TrialFailure(kept["kind"], kept["reason"]))
    return _walk(settled, end)


def is_rejected_draft(trial: TrialRecord) -> bool:
    """Tell whether a person turned the design down before anything was built."""
    return trial.state is TrialState.ABANDONED and trial.restores_to is TrialState.DRAFT


def is_equipment_failure(trial: TrialRecord) -> bool:
    """Tell whether the trial failed in a way that says nothing about its cell."""
    failure = trial.failure
    return trial.state is TrialState.FAILED and failure is not None and failure.kind == "equipment"


def contradicts(trial: TrialRecord, words: dict[str, Any]) -> bool:
    """Tell whether a result gives another value for something the trial's result already states."""
    if trial.result is None:
        return False
    known = result_words(trial.result)
    shared = set(known["outcomes"]) & set(words["outcomes"])
    sem_shared = set(known["sem"]) & set(words["sem"])
    built = trial.as_built or {}
    return (
        any(known["outcomes"][name] != words["outcomes"][name] for name in shared)
        or any(known["sem"][name] != words["sem"][name] for name in sem_shared)
        or any((name in known["censored"]) != (name in words["censored"]) for name in shared)
        or any(name in built and built[name] != value for name, value in (words["as_built"] or {}).items())
    )


def _way(trial: TrialRecord) -> tuple[TrialState, ...]:
    """States to pass before an ending: a failed trial counts as tried again."""
    return (TrialState.PROPOSED,) if trial.state is TrialState.FAILED else ()


def states_the_same(trial: TrialRecord, words: dict[str, Any]) -> bool:
    """Tell whether what stands on a trial is what a result says, so that correcting to it changes nothing."""
    if trial.result is None or trial.state not in {TrialState.COMPLETED, TrialState.PARTIAL}:
        return False
    standing = result_words(trial.result)
    return (
        all(standing[name] == words[name] for name in ("outcomes", "sem", "censored", "source"))
        and words["as_built"] in (None, trial.as_built)
        and words["cycling_sha256"] in (None, trial.cycling_sha256)
        and words["is_final"] == (trial.state is TrialState.COMPLETED)
    )


def _taking(trial: TrialRecord, words: dict[str, Any], *, is_adding: bool) -> TrialRecord:
    """Return the trial with the result; what is added keeps earlier outcomes that the new result does not name."""
    new = result_from_words(words)
    old = trial.result if is_adding else None
    if old is not None:
        renewed = set(new.outcomes)
        new = TrialResult(
            {**old.outcomes, **new.outcomes},
            {**{name: value for name, value in old.sem.items() if name not in renewed}, **new.sem},
            frozenset(old.censored - renewed) | new.censored,
            new.source,
            {**old.attributes, **new.attributes},
        )
    built = words["as_built"]
    if is_adding and trial.as_built is not None and built is not None:
        built = {**trial.as_built, **built}
    return replace(
        trial,
        result=new,
        as_built=built if built is not None else trial.as_built,
        cycling_sha256=words["cycling_sha256"] or trial.cycling_sha256,
        n_revisions=trial.n_revisions + (trial.result is not None),
    )
