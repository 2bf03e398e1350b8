"""How results and failures enter the ledger: each once, durable at once, none dropped."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from sqlalchemy import Connection, bindparam, select

from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.trials import ENDED_STATES, FailureKind, TrialFailure, TrialResult, TrialState
from afssb_opt.ledger.canonical import (
    canonical_json,
    columns_sha256,
    parquet_bytes,
    plain_columns,
    plain_text,
    plain_values,
    sha256_text,
)
from afssb_opt.ledger.leasing import require_newest_claim
from afssb_opt.ledger.records import Claim, Recorded, TrialRecord
from afssb_opt.ledger.replay import SHELVED_STATES, result_content, states_the_same
from afssb_opt.ledger.rows import Draft, attach_table, change_trial, load_trial
from afssb_opt.ledger.schema import events

_SAME_EVENT: Final = select(events.c.seq).where(
    (events.c.trial_uid == bindparam("trial"))
    & (events.c.kind == bindparam("wanted_kind"))
    & (events.c.content_sha256 == bindparam("sha256"))
)


@dataclass(frozen=True)
class PreparedResult:
    """A result made ready outside the transaction, so that the lock is held as briefly as possible."""

    words: dict[str, Any]
    sha256: str
    parquet: bytes | None


def prepare_result(result: TrialResult, cycling: pd.DataFrame | None, as_built: dict[str, Any] | None,
                   *, is_final: bool, is_correction: bool) -> PreparedResult:  # fmt: skip
    """Check a result and turn it into plain content.

    Raises:
        InputError: An outcome or standard error is not a finite number, or belongs to no outcome.
        StoreError: The cycling table or the attributes hold something that cannot be recorded.
    """
    problems = []
    for part, values in (("outcomes", result.outcomes), ("sem", result.sem)):
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
                problems.append(Problem(f"{part}.{name}", f"is {value!r}", "Give a finite number or leave it out"))
            elif part == "sem" and value < 0:
                problems.append(Problem(f"sem.{name}", f"is {value!r}", "A standard error is not negative"))
    homeless = sorted((set(result.sem) | set(result.censored)) - set(result.outcomes))
    problems += [Problem(name, "has a standard error or is censored but no outcome", "Give it") for name in homeless]
    if problems:
        raise InputError(problems, source="result")
    plain = replace(
        result,
        outcomes={name: float(value) for name, value in result.outcomes.items()},
        sem={name: float(value) for name, value in result.sem.items()},
        attributes={k: v.item() if isinstance(v, np.generic) else v for k, v in result.attributes.items()},
    )
    table = None if cycling is None else plain_columns(cycling)
    words = result_content(
        plain,
        None if as_built is None else plain_values(as_built, "as_built"),
        None if table is None else columns_sha256(table),
        is_final=is_final,
        is_correction=is_correction,
    )
    canonical_json(words)
    # Attributes such as a run time or a model version are worth keeping but are not what was found.
    content = {name: value for name, value in words.items() if name not in {"attributes", "is_correction"}}
    return PreparedResult(words, sha256_text(canonical_json(content)), None if table is None else parquet_bytes(table))


def record_result(connection: Connection, now: datetime, trial_uid: str, prepared: PreparedResult,
                  claim: Claim | None, actor: str) -> Recorded:  # fmt: skip
    """Record a prepared result with its cycling table, all or nothing.

    Raises:
        StaleLeaseError: The claim was given to a later attempt.
        MoveError: The trial's state does not allow it.
    """
    trial = load_trial(connection, trial_uid, is_locking=True)
    words = prepared.words
    is_repeat = _is_in_record(connection, trial, "result", prepared.sha256)
    if _stands_already(trial, prepared, is_repeat=is_repeat):
        return Recorded.ALREADY_KNOWN
    if claim is not None:
        require_newest_claim(trial, claim)
    if prepared.parquet is not None:
        attach_table(connection, words["cycling_sha256"], prepared.parquet)
    sha256 = _free_sha256(trial, prepared.sha256, is_repeat=is_repeat)
    draft = Draft(trial.campaign_uid, trial.uid, "result", words, plain_text(actor), sha256)
    return _what_became(trial, change_trial(connection, trial, draft, now))


def record_failure(connection: Connection, now: datetime, trial_uid: str, failure: TrialFailure,
                   claim: Claim | None, actor: str) -> Recorded:  # fmt: skip
    """Record why a trial has no result.

    Raises:
        InputError: The kind of failure is unknown.
        StaleLeaseError: The claim was given to a later attempt.
        MoveError: The trial's state does not allow it.
    """
    if failure.kind not in get_args(FailureKind):
        allowed = "Allowed: cell (the model learns from it) and equipment (tried again)"
        raise InputError([Problem("failure.kind", f"is {failure.kind!r}", allowed)], source="failure")
    trial = load_trial(connection, trial_uid, is_locking=True)
    words = {"kind": failure.kind, "reason": failure.reason, "attempt": trial.attempts}
    content = sha256_text(canonical_json(words))
    is_repeat = _is_in_record(connection, trial, "failure", content)
    if is_repeat and trial.state in ENDED_STATES:
        return Recorded.ALREADY_KNOWN
    if claim is not None:
        require_newest_claim(trial, claim)
    sha256 = _free_sha256(trial, content, is_repeat=is_repeat)
    draft = Draft(trial.campaign_uid, trial.uid, "failure", words, plain_text(actor), sha256)
    return _what_became(trial, change_trial(connection, trial, draft, now))


def _stands_already(trial: TrialRecord, prepared: PreparedResult, *, is_repeat: bool) -> bool:
    if prepared.words["is_correction"]:
        return states_the_same(trial, prepared.words)
    # A trial that was restored for another attempt has its old results in the record but none standing.
    return is_repeat and (trial.result is not None or trial.state in ENDED_STATES)


def _is_in_record(connection: Connection, trial: TrialRecord, kind: str, sha256: str) -> bool:
    sought = {"trial": trial.uid, "wanted_kind": kind, "sha256": sha256}
    return connection.execute(_SAME_EVENT, sought).first() is not None


def _free_sha256(trial: TrialRecord, sha256: str, *, is_repeat: bool) -> str:
    """Return the content hash, or one bound to this moment where the same content is recorded a second time."""
    return sha256_text(f"{sha256} after {trial.last_seq}") if is_repeat else sha256


def _what_became(before: TrialRecord, after: TrialRecord) -> Recorded:
    if after.state in SHELVED_STATES:
        return Recorded.KEPT
    if after.state is TrialState.DISPUTED:
        return Recorded.DISPUTED
    is_unchanged = replace(after, last_seq=before.last_seq) == before
    return Recorded.KEPT if is_unchanged else Recorded.RECORDED
