"""Whatever is done in whatever order: events add up to the trials, moves are allowed ones, and no result is dropped."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from afssb_opt.domain.errors import StaleLeaseError
from afssb_opt.domain.trials import ENDED_STATES, TrialFailure, TrialResult, TrialState
from afssb_opt.ledger import Claim, Lease, Ledger, MoveError, NewTrial, Outbox, Recorded, failpoints
from afssb_opt.ledger.replay import replay

ACTIONS = ["approve", "in_test", "abandon", "void", "restore", "exclude", "include"]

# Steps at which a write can end early; those of making the store are met once, in another test.
WRITE_POINTS = [point for point in failpoints.LEDGER_POINTS if "create" not in point and "table" not in point]


class LedgerMachine(RuleBasedStateMachine):
    trials = Bundle("trials")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'ledger.db'}"
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.ledger = Ledger.create_or_open(self.url, clock=lambda: self.now)
        self.lease: Lease
        self.claims: dict[str, Claim] = {}
        self.handed_in: list[tuple[str, float]] = []
        self.n_added = 0
        self.n_moves = 0

    @initialize()
    def begin(self) -> None:
        self.campaign = self.ledger.register_campaign("c", {}, "h")
        self.lease = self.ledger.acquire_lease(self.campaign.uid)

    @rule(target=trials, is_draft=st.booleans())
    def propose(self, is_draft: bool) -> str:
        self.n_added += 1
        new = NewTrial({"x": float(self.n_added)}, 1, "", is_draft=is_draft)
        (trial,) = self.ledger.add_trials(self.lease, [new])
        assert trial.number == self.n_added
        return trial.uid

    @rule(uid=trials)
    def claim(self, uid: str) -> None:
        before = self.ledger.trial(uid)
        try:
            claim = self.ledger.claim(self.lease, uid, duration_s=60)
        except MoveError:
            assert before.state is not TrialState.PROPOSED
        else:
            assert claim.attempt == before.attempts + 1
            self.claims[uid] = claim

    @rule(uid=trials, value=st.sampled_from([1.0, 2.0]), is_final=st.booleans(), is_correction=st.booleans(),
          is_claimed=st.booleans(), name=st.sampled_from(["y", "z"]))  # fmt: skip
    def record(self, uid: str, value: float, is_final: bool, is_correction: bool, is_claimed: bool, name: str) -> None:
        before, seq = self.ledger.trial(uid), self.ledger.last_seq(self.campaign.uid)
        claim = self.claims.get(uid) if is_claimed else None
        result = TrialResult({name: value})
        try:
            told = self.ledger.record_result(uid, result, claim=claim, is_final=is_final, is_correction=is_correction)
        except MoveError:
            # Only taking a final result back to a partial one is refused.
            assert is_correction
            assert not is_final
            return
        except StaleLeaseError:
            assert claim is not None
            assert claim.attempt < before.attempts
            return
        after = self.ledger.trial(uid)
        self.handed_in.append((uid, value))
        assert (told is Recorded.ALREADY_KNOWN) == (after == before)
        assert (told is Recorded.DISPUTED) <= (after.state is TrialState.DISPUTED)
        if told is Recorded.RECORDED:
            assert after.state in {TrialState.COMPLETED, TrialState.PARTIAL}
            assert after.result is not None
            assert after.result.outcomes[name] == value
        if told is Recorded.ALREADY_KNOWN:
            assert self.ledger.last_seq(self.campaign.uid) == seq
        else:
            again = self.ledger.record_result(uid, result, is_final=is_final, is_correction=is_correction)
            is_hidden_correction = is_correction and after.state in {TrialState.VOID, TrialState.ABANDONED}
            assert again is Recorded.ALREADY_KNOWN or is_hidden_correction

    @rule(uid=trials, kind=st.sampled_from(["cell", "equipment"]))
    def fail(self, uid: str, kind: str) -> None:
        try:
            told = self.ledger.record_failure(uid, TrialFailure(kind, "why"))  # type: ignore[arg-type]
        except MoveError:
            assert kind == "equipment"
        else:
            assert told is not Recorded.RECORDED or self.ledger.trial(uid).state is TrialState.FAILED

    @rule(uid=trials, action=st.sampled_from(ACTIONS), reason=st.sampled_from(["a", "b"]))
    def decide(self, uid: str, action: str, reason: str) -> None:
        before = self.ledger.trial(uid)
        try:
            after = self.ledger.mark(uid, action, reason=reason, actor="me")  # type: ignore[arg-type]
        except MoveError:
            assert self.ledger.trial(uid) == before
        else:
            assert after == self.ledger.trial(uid)

    @rule(uid=trials, data=st.data())
    def settle(self, uid: str, data: st.DataObject) -> None:
        opinions = [e.seq for e in self.ledger.events(self.campaign.uid)
                    if e.trial_uid == uid and e.kind in {"result", "failure"}]  # fmt: skip
        keep = data.draw(st.sampled_from([None, *opinions]))
        is_disputed = self.ledger.trial(uid).state is TrialState.DISPUTED
        try:
            after = self.ledger.settle(uid, keep=keep, reason="looked", actor="me")
        except MoveError:
            assert not is_disputed
        else:
            assert after.state in {TrialState.COMPLETED, TrialState.FAILED}

    @rule(seconds=st.sampled_from([1.0, 100.0, -100.0, -7200.0]))
    def wait_or_set_the_clock_back(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def release_orphans(self) -> None:
        self.ledger.release_orphaned_claims(self.lease)

    @rule()
    def change_hands(self) -> None:
        old = self.lease
        self.ledger.release_lease(old)
        self.lease = self.ledger.acquire_lease(self.campaign.uid)
        try:
            self.ledger.add_trials(old, [NewTrial({"x": -1.0}, 1, "")])
        except StaleLeaseError:
            return
        raise AssertionError("a lease that was given back still wrote")

    @rule(uid=trials, point=st.sampled_from(WRITE_POINTS), value=st.sampled_from([1.0, 2.0]))
    def crash_while_recording(self, uid: str, point: str, value: float) -> None:
        before, seq = self.ledger.trial(uid), self.ledger.last_seq(self.campaign.uid)
        failpoints._reached.clear()
        os.environ[failpoints.VARIABLE] = f"{point}:1:raise"
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                self.ledger.record_result(uid, TrialResult({"y": value}))
        except failpoints.FailpointError:
            if point == "ledger.write.committed":
                self.handed_in.append((uid, value))
            else:
                assert (self.ledger.trial(uid), self.ledger.last_seq(self.campaign.uid)) == (before, seq)
        else:
            # Nothing had to be written, so the step was not met.
            self.handed_in.append((uid, value))
        finally:
            del os.environ[failpoints.VARIABLE]
        self.reopen()

    @rule(uid=trials, value=st.sampled_from([1.0, 2.0]), is_twice=st.booleans())
    def hand_in_through_the_outbox(self, uid: str, value: float, is_twice: bool) -> None:
        outbox = Outbox(Path(self.folder.name) / "outbox")
        for _ in range(1 + is_twice):
            outbox.keep(uid, TrialResult({"y": value}))
        self.ledger.outbox = outbox
        told = list(self.ledger.deliver().recorded.values())
        assert len(told) == 1 + is_twice
        assert not is_twice or told[1] is Recorded.ALREADY_KNOWN
        self.handed_in.append((uid, value))
        self.ledger.outbox = None

    @rule(seed=st.integers(1, 3))
    def amend(self, seed: int) -> None:
        n_before = len(self.campaign.amendments)
        is_new = self.campaign.config_sha256 != f"seed {seed}"
        self.campaign = self.ledger.amend_campaign(
            self.campaign.uid, {"seed": seed}, f"seed {seed}", [f"seed is {seed} now"]
        )
        assert len(self.campaign.amendments) == n_before + is_new
        assert self.campaign.definition == {"seed": seed}

    @rule()
    def move_to_another_ledger(self) -> None:
        self.n_moves += 1
        folder = Path(self.folder.name) / f"export {self.n_moves}"
        sha256 = self.ledger.export_campaign(self.campaign.uid, folder)
        wanted = [replace(trial, last_seq=0) for trial in self.ledger.trials(self.campaign.uid)]
        self.ledger.close()
        self.url = f"sqlite:///{Path(self.folder.name) / f'moved {self.n_moves}.db'}"
        self.ledger = Ledger.create_or_open(self.url, clock=lambda: self.now)
        self.campaign = self.ledger.import_campaign(folder)
        assert [replace(trial, last_seq=0) for trial in self.ledger.trials(self.campaign.uid)] == wanted
        assert self.ledger.export_campaign(self.campaign.uid, folder.with_name(f"again {self.n_moves}")) == sha256
        self.lease = self.ledger.acquire_lease(self.campaign.uid)
        # Whoever evaluated in the old ledger holds nothing here.
        self.ledger.release_orphaned_claims(self.lease)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.url, clock=lambda: self.now)

    @precondition(lambda self: hasattr(self, "campaign"))
    @invariant()
    def events_add_up_to_the_trials(self) -> None:
        trials = {trial.uid: trial for trial in self.ledger.trials(self.campaign.uid)}
        assert replay(self.ledger.events(self.campaign.uid)) == trials
        for trial in trials.values():
            assert (trial.ended_at is not None) == (trial.state in ENDED_STATES)
            assert (trial.restores_to is not None) == (trial.state in {TrialState.VOID, TrialState.ABANDONED})
            assert trial.state is not TrialState.COMPLETED or trial.result is not None
            assert trial.state is not TrialState.FAILED or trial.failure is not None

    def teardown(self) -> None:
        recorded = {
            (event.trial_uid, value)
            for event in self.ledger.events(self.campaign.uid)
            if event.kind == "result"
            for value in event.payload["outcomes"].values()
        }
        assert set(self.handed_in) <= recorded
        assert self.ledger.check() == []
        self.ledger.close()
        self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
# Each step is a durable write, so few examples here; rarer faults took 60 to 150 examples to show.
TestLedgerMachine.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
