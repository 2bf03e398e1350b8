"""Who may advance a campaign and evaluate a trial, and what happens to those who come back too late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from afssb_opt.domain.errors import CampaignBusyError, StaleLeaseError
from afssb_opt.domain.trials import TrialFailure, TrialResult, TrialState
from afssb_opt.ledger import CampaignRecord, Holder, Lease, Ledger, MoveError, NewTrial, Recorded, TrialRecord, records

FOUND = TrialResult({"y": 1.0})


def elsewhere() -> Holder:
    return Holder("another-machine", 4242, 1.0, "another boot")


def gone() -> Holder:
    """A process of this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = replace(Holder.current(), pid=child.pid, process_started_at=records._started_at(child.pid))
    assert not holder.is_dead()
    child.kill()
    child.wait()
    child.stdin.close()
    return holder


def test_a_second_holder_is_told_who_has_the_campaign(ledger: Ledger, campaign: CampaignRecord, lease: Lease) -> None:
    with pytest.raises(CampaignBusyError, match=rf"'first' .*process {os.getpid()} on .*2026-03-01.*stop that process"):
        ledger.acquire_lease(campaign.uid, holder=elsewhere())
    other_role = ledger.acquire_lease(campaign.uid, role="mirror", holder=elsewhere())
    assert other_role.role == "mirror"


def test_a_released_lease_is_free_and_its_token_never_comes_back(ledger: Ledger, lease: Lease) -> None:
    ledger.release_lease(lease)
    following = ledger.acquire_lease(lease.campaign_uid, holder=elsewhere())
    assert following.token > lease.token
    ledger.release_lease(lease)
    with pytest.raises(CampaignBusyError):
        ledger.acquire_lease(lease.campaign_uid)


def test_a_lease_elsewhere_is_taken_only_after_it_expired(ledger: Ledger, campaign: CampaignRecord, clock) -> None:  # type: ignore[no-untyped-def]
    held = ledger.acquire_lease(campaign.uid, duration_s=60, holder=elsewhere())
    clock.pass_by(59)
    with pytest.raises(CampaignBusyError):
        ledger.acquire_lease(campaign.uid)
    renewed = ledger.renew_lease(held, duration_s=60)
    clock.pass_by(59)
    with pytest.raises(CampaignBusyError):
        ledger.acquire_lease(campaign.uid)
    clock.pass_by(2)
    taken = ledger.acquire_lease(campaign.uid)
    assert taken.token > renewed.token


def test_a_lease_of_a_dead_process_of_this_machine_is_taken_at_once(ledger: Ledger, campaign: CampaignRecord) -> None:
    ledger.acquire_lease(campaign.uid, duration_s=3600, holder=gone())
    assert ledger.acquire_lease(campaign.uid).token == 2


def test_a_process_with_a_reused_number_is_not_the_holder() -> None:
    assert not Holder.current().is_dead()
    assert replace(Holder.current(), process_started_at=1.0).is_dead()
    assert not replace(Holder.current(), process_started_at=1.0, instance="another boot").is_dead()


def test_late_writes_under_a_lost_lease_are_refused_and_change_nothing(
    ledger: Ledger, lease: Lease, trial: TrialRecord, clock  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    clock.pass_by(61)
    following = ledger.acquire_lease(lease.campaign_uid, holder=elsewhere())
    before = ledger.last_seq(lease.campaign_uid)
    late = [
        lambda: ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, "")]),
        lambda: ledger.claim(lease, trial.uid),
        lambda: ledger.renew_lease(lease),
        lambda: ledger.release_orphaned_claims(lease),
    ]
    for write in late:
        with pytest.raises(StaleLeaseError, match="another-machine"):
            write()
    assert ledger.last_seq(lease.campaign_uid) == before
    ledger.claim(following, trial.uid)


def test_an_expired_lease_that_nobody_took_still_serves(
    ledger: Ledger, lease: Lease, trial: TrialRecord, clock
) -> None:  # type: ignore[no-untyped-def]
    clock.pass_by(3600)
    assert ledger.claim(lease, trial.uid).attempt == 1


def test_a_trial_is_claimed_once(ledger: Ledger, lease: Lease, trial: TrialRecord) -> None:
    claim = ledger.claim(lease, trial.uid)
    assert claim.attempt == 1
    with pytest.raises(MoveError, match=f"claimed by process {os.getpid()}"):
        ledger.claim(lease, trial.uid)
    ledger.heartbeat(claim)
    assert ledger.record_result(trial.uid, FOUND, claim=claim) is Recorded.RECORDED
    assert ledger.record_result(trial.uid, FOUND, claim=claim) is Recorded.ALREADY_KNOWN
    with pytest.raises(StaleLeaseError, match="is over"):
        ledger.heartbeat(claim)
    with pytest.raises(MoveError, match="is completed and cannot become claimed"):
        ledger.claim(lease, trial.uid)


def test_a_claim_belongs_to_the_campaign_of_its_lease(ledger: Ledger, trial: TrialRecord) -> None:
    other = ledger.acquire_lease(ledger.register_campaign("second", {}, "b").uid)
    with pytest.raises(MoveError, match="another campaign"):
        ledger.claim(other, trial.uid)


def test_orphaned_claims_go_back_and_live_ones_stay(ledger: Ledger, campaign: CampaignRecord, clock) -> None:  # type: ignore[no-untyped-def]
    dead = ledger.acquire_lease(campaign.uid, holder=gone())
    trials = ledger.add_trials(dead, [NewTrial({"x": float(i)}, 1, "") for i in range(4)])
    ledger.claim(dead, trials[0].uid)
    mine = ledger.acquire_lease(campaign.uid)
    silent = ledger.claim(mine, trials[1].uid, duration_s=10)
    beating = ledger.claim(mine, trials[2].uid, duration_s=10)
    clock.pass_by(8)
    ledger.heartbeat(beating)
    clock.pass_by(8)
    assert ledger.release_orphaned_claims(mine) == [trials[0].uid, trials[1].uid]
    states = [trial.state for trial in ledger.trials(campaign.uid)]
    assert states == [TrialState.PROPOSED, TrialState.PROPOSED, TrialState.CLAIMED, TrialState.PROPOSED]
    assert ledger.claim(mine, trials[1].uid).attempt == 2
    with pytest.raises(StaleLeaseError):
        ledger.heartbeat(silent)


def test_the_result_of_a_replaced_attempt_is_refused(ledger: Ledger, lease: Lease, trial: TrialRecord, clock) -> None:  # type: ignore[no-untyped-def]
    old = ledger.claim(lease, trial.uid, duration_s=1)
    clock.pass_by(2)
    ledger.release_orphaned_claims(lease)
    new = ledger.claim(lease, trial.uid)
    with pytest.raises(StaleLeaseError, match="attempt 2 has begun"):
        ledger.record_result(trial.uid, FOUND, claim=old)
    with pytest.raises(StaleLeaseError, match="attempt 2 has begun"):
        ledger.record_failure(trial.uid, TrialFailure("cell", "short"), claim=old)
    assert ledger.record_result(trial.uid, FOUND, claim=new) is Recorded.RECORDED


def test_the_late_result_of_the_newest_attempt_is_not_lost(
    ledger: Ledger, lease: Lease, trial: TrialRecord, clock
) -> None:  # type: ignore[no-untyped-def]
    claim = ledger.claim(lease, trial.uid, duration_s=1)
    clock.pass_by(2)
    ledger.release_orphaned_claims(lease)
    assert ledger.record_result(trial.uid, FOUND, claim=claim) is Recorded.RECORDED


def test_a_laboratory_result_ends_a_claim(ledger: Ledger, lease: Lease, trial: TrialRecord) -> None:
    claim = ledger.claim(lease, trial.uid)
    assert ledger.mark(trial.uid, "in_test", reason="on channel 3", actor="lab").state is TrialState.IN_TEST
    with pytest.raises(StaleLeaseError):
        ledger.heartbeat(claim)
    assert ledger.record_result(trial.uid, FOUND) is Recorded.RECORDED


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_process_stopped_past_its_lease_cannot_write_when_it_wakes(sqlite_url: str) -> None:
    program = (
        "import sys\n"
        "from afssb_opt.ledger import Ledger, NewTrial\n"
        "from afssb_opt.domain.errors import StaleLeaseError\n"
        "ledger = Ledger.create_or_open(sys.argv[1])\n"
        "lease = ledger.acquire_lease(ledger.register_campaign('c', {}, 'h').uid, duration_s=0.5)\n"
        "print('have it', flush=True)\n"
        "input()\n"
        "try:\n"
        "    ledger.add_trials(lease, [NewTrial({'x': 1.0}, 1, 'late')])\n"
        "except StaleLeaseError:\n"
        "    sys.exit(7)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, sqlite_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"have it\n"
        child.send_signal(signal.SIGSTOP)
        with Ledger.open(sqlite_url) as ledger:
            campaign = ledger.campaigns()[0]
            for _ in range(200):
                try:
                    lease = ledger.acquire_lease(campaign.uid)
                    break
                except CampaignBusyError:
                    signal.sigtimedwait([], 0.02)
            ledger.add_trials(lease, [NewTrial({"x": 2.0}, 1, "in time")])
            child.send_signal(signal.SIGCONT)
            child.communicate(b"\n", timeout=20)
            assert child.returncode == 7
            assert [trial.reason for trial in ledger.trials(campaign.uid)] == ["in time"]
            assert ledger.check() == []
    finally:
        child.kill()
        child.wait()


def test_a_living_holder_is_alive_although_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Holder.current()
    boot = psutil.boot_time()
    for shift in (-3600.0, 3600.0):
        # What the system tells of its boot moves with the clock, and every start time with it.
        monkeypatch.setattr(psutil.Process, "create_time", lambda _, shift=shift: boot + shift)
        assert not holder.is_dead()
        assert Holder.current() == holder
    assert replace(holder, process_started_at=holder.process_started_at - 5).is_dead()


def test_a_clock_set_forward_costs_the_lease_and_the_late_write_is_refused(
    ledger: Ledger, campaign: CampaignRecord, clock
) -> None:  # type: ignore[no-untyped-def]
    mine = ledger.acquire_lease(campaign.uid, duration_s=60)
    clock.pass_by(3600)
    theirs = ledger.acquire_lease(campaign.uid, holder=elsewhere())
    clock.pass_by(-3600)
    with pytest.raises(StaleLeaseError):
        ledger.add_trials(mine, [NewTrial({"x": 1.0}, 1, "")])
    (trial,) = ledger.add_trials(theirs, [NewTrial({"x": 1.0}, 1, "")])
    assert trial.number == 1


def test_a_clock_set_back_keeps_the_lease_and_the_order(
    ledger: Ledger, campaign: CampaignRecord, lease: Lease, trial: TrialRecord, clock
) -> None:  # type: ignore[no-untyped-def]
    claim = ledger.claim(lease, trial.uid)
    clock.pass_by(-7200)
    assert ledger.renew_lease(lease).token == lease.token
    ledger.heartbeat(claim)
    ledger.record_result(trial.uid, FOUND, claim=claim)
    kinds = [event.kind for event in ledger.events(campaign.uid) if event.trial_uid == trial.uid]
    assert kinds == ["proposed", "claimed", "result"]
    # Whoever died in this process's machine does not hold it longer because the clock went back.
    ledger.release_lease(lease)
    ledger.acquire_lease(campaign.uid, duration_s=60, holder=gone())
    clock.pass_by(-7200)
    assert ledger.acquire_lease(campaign.uid).token > lease.token
