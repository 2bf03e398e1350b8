"""What the ledger hands out: campaigns, trials, events, leases and claims as frozen value objects."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import psutil

from afssb_opt.domain.trials import TrialFailure, TrialResult, TrialState

# Start times of one process differ between two readings by the clock tick (10 ms) at most; another process that
# got the same number starts later than that.
_START_TOLERANCE_S = 0.5
# Which field of /proc/PID/stat holds the start, counted from behind the name, which may hold anything (man 5 proc).
_START_FIELD = 19


@dataclass(frozen=True)
class Amendment:
    """One recorded change of a campaign file."""

    seq: int
    at: datetime
    config_sha256: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class CampaignRecord:
    """A campaign as it stands now; `definition` and `config_sha256` are those of the last amendment."""

    uid: str
    name: str
    definition: dict[str, Any]
    config_sha256: str
    created_at: datetime
    amendments: tuple[Amendment, ...] = ()


@dataclass(frozen=True)
class NewTrial:
    """A design to be sent out.

    Attributes:
        round: Which round of proposals it belongs to.
        reason: Why this design, in plain language.
        provenance: Seed, method, data version, config hash and library versions.
        is_replicate: The same design is wanted again on purpose.
        is_draft: It waits for a person's approval before anybody may evaluate it.
        uid: Made before the trial is recorded, so that a repeated call finds it.
    """

    design: Mapping[str, float | str]
    round: int
    reason: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    is_replicate: bool = False
    uid: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_draft: bool = False


@dataclass(frozen=True)
class TrialRecord:
    """A trial as its events leave it.

    Attributes:
        number: Place in its campaign, from 1.
        label: Short name, unique in the ledger whatever the campaign, with a check letter.
        as_built: What was really built where that was reported, by variable name.
        decision_reason: Why it was last voided, abandoned, restored, excluded, included or settled.
        cycling_sha256: Key of the cycling table, for `Ledger.cycling_table`.
        ended_at: When it reached its ended state; None while it is open.
        last_seq: Newest event on this trial; it changes whenever anything about the trial does.
        n_revisions: How often a later result changed an earlier one.
        attempts: How often it was claimed.
        restores_to: State that `restore` brings back, while the trial is void or abandoned.
    """

    uid: str
    campaign_uid: str
    number: int
    label: str
    design: dict[str, float | str]
    as_built: dict[str, float | str] | None
    state: TrialState
    round: int
    reason: str
    provenance: dict[str, Any]
    result: TrialResult | None
    failure: TrialFailure | None
    is_excluded: bool
    decision_reason: str
    cycling_sha256: str | None
    proposed_at: datetime
    ended_at: datetime | None
    last_seq: int
    n_revisions: int
    attempts: int
    restores_to: TrialState | None = None


@dataclass(frozen=True)
class Standing:
    """How far a campaign has come, whatever the number of its trials.

    Attributes:
        n_by_state: Number of trials in each state that occurs.
        last_round: Newest round; 0 before the first.
        last_seq: Newest event on any trial; 0 before the first.
        n_excluded: Number of trials kept out of the model by a person.
        newest_at: When the last trial ended, or was proposed where it has not; None before the first.
    """

    n_by_state: Mapping[TrialState, int]
    last_round: int
    last_seq: int
    n_excluded: int = 0
    newest_at: datetime | None = None

    @classmethod
    def of(cls, trials: Sequence[TrialRecord]) -> Self:
        """Count trials that were read; `Ledger.standing` gives the same without reading them."""
        return cls(
            dict(Counter(trial.state for trial in trials)),
            last_round=max((trial.round for trial in trials), default=0),
            last_seq=max((trial.last_seq for trial in trials), default=0),
            n_excluded=sum(trial.is_excluded for trial in trials),
            newest_at=max((trial.ended_at or trial.proposed_at for trial in trials), default=None),
        )

    @property
    def n_trials(self) -> int:
        """Number of all trials."""
        return sum(self.n_by_state.values())

    def n_in(self, states: Iterable[TrialState]) -> int:
        """Return the number of trials in these states."""
        return sum(self.n_by_state.get(state, 0) for state in states)


@dataclass(frozen=True)
class Holder:
    """Which process holds a lease or a claim.

    Attributes:
        process_started_at: Seconds since the boot; tells a process from a later one with the same number. A time of
            day would not do: setting the clock would move it, and a living holder would be taken for a dead one.
        instance: The boot of the machine and the process name space; only inside one can a process be looked up.
    """

    host: str
    pid: int
    process_started_at: float
    instance: str

    @classmethod
    def current(cls) -> Holder:
        """Return the calling process."""
        return cls(socket.gethostname(), os.getpid(), _started_at(os.getpid()), _instance())

    def is_dead(self) -> bool:
        """Tell whether the process is certainly gone; one that cannot be looked up from here counts as alive."""
        if self.instance != _instance():
            return False
        try:
            same = abs(_started_at(self.pid) - self.process_started_at) < _START_TOLERANCE_S
            return not same or psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Lease:
    """The right to advance a campaign; `token` rises with each change of hands."""

    campaign_uid: str
    role: str
    token: int
    holder: Holder
    expires_at: datetime


@dataclass(frozen=True)
class Claim:
    """The right to evaluate a trial; `token` is the sequence number of the event that granted it."""

    trial_uid: str
    token: int
    attempt: int


@dataclass(frozen=True)
class Event:
    """One line of the append-only record."""

    seq: int
    campaign_uid: str
    trial_uid: str | None
    kind: str
    payload: dict[str, Any]
    at: datetime
    actor: str


class Recorded(StrEnum):
    """What became of a result or failure that was handed in.

    Attributes:
        RECORDED: It stands.
        ALREADY_KNOWN: The same content was handed in before; nothing was written.
        DISPUTED: It contradicts what stood; both are kept and a person settles it.
        KEPT: It is stored but does not stand now: the trial is void, abandoned or already has a final result.
        WAITING: The ledger does not answer; it lies safely in the outbox and is handed in later.
    """

    RECORDED = "recorded"
    ALREADY_KNOWN = "already_known"
    DISPUTED = "disputed"
    KEPT = "kept"
    WAITING = "waiting"


def _started_at(pid: int) -> float:
    """Return when a process started, in seconds since the boot where the system tells that.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        # Without /proc there is only the time of day.
        return psutil.Process(pid).create_time()
    return int(words[_START_FIELD]) / os.sysconf("SC_CLK_TCK")


def _instance() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The last word tells these start times from the times of day of the first release.
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}/since-boot"
    except OSError:
        # Without a boot id, a start time that moved only means waiting for the expiry: the safe side.
        return f"{platform.node()}/{int(psutil.boot_time())}"
