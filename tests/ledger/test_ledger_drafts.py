"""Drafts: designs that nobody may evaluate before a person approved them."""

import pytest

from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, MoveError, NewTrial
from afssb_opt.ledger.replay import replay


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create_or_open(f"sqlite:///{tmp_path / 'drafts.db'}") as opened:
        yield opened


@pytest.fixture
def drafts(ledger):
    campaign = ledger.register_campaign("c", {}, "h")
    lease = ledger.acquire_lease(campaign.uid)
    new = [NewTrial({"x": float(i)}, 1, "", is_draft=True) for i in range(3)]
    return lease, ledger.add_trials(lease, new)


def test_a_draft_cannot_be_claimed_until_it_is_approved(ledger, drafts):
    lease, (first, *_) = drafts
    assert first.state is TrialState.DRAFT
    with pytest.raises(MoveError):
        ledger.claim(lease, first.uid)
    assert ledger.mark(first.uid, "approve", reason="good", actor="ada").state is TrialState.PROPOSED
    assert ledger.claim(lease, first.uid).attempt == 1


def test_only_a_draft_can_be_approved_and_approving_twice_writes_once(ledger, drafts):
    lease, (first, second, _) = drafts
    ledger.mark(first.uid, "approve", reason="good", actor="ada")
    seq = ledger.last_seq(lease.campaign_uid)
    ledger.mark(first.uid, "approve", reason="good", actor="ada")
    assert ledger.last_seq(lease.campaign_uid) == seq
    ledger.mark(second.uid, "in_test", reason="built", actor="ada")
    with pytest.raises(MoveError, match="only drafts"):
        ledger.mark(second.uid, "approve", reason="late", actor="ada")


def test_a_rejected_draft_keeps_its_reason_stays_known_to_the_model_and_comes_back_as_a_draft(ledger, drafts):
    lease, (first, second, third) = drafts
    rejected = ledger.mark(first.uid, "abandon", reason="too thick to roll", actor="ada")
    assert (rejected.state, rejected.decision_reason) == (TrialState.ABANDONED, "too thick to roll")
    assert set(ledger.pending(lease.campaign_uid)["trial_uid"]) == {first.uid, second.uid, third.uid}
    ledger.mark(second.uid, "approve", reason="good", actor="ada")
    ledger.mark(second.uid, "abandon", reason="the cell was dropped", actor="ada")
    assert second.uid not in set(ledger.pending(lease.campaign_uid)["trial_uid"]), "an approved design is no rejection"
    assert ledger.mark(first.uid, "restore", reason="after all", actor="ada").state is TrialState.DRAFT


def test_a_result_of_a_draft_that_somebody_built_all_the_same_is_kept(ledger, drafts):
    _, (first, second, _) = drafts
    ledger.record_result(first.uid, TrialResult({"y": 1.0}))
    assert ledger.trial(first.uid).state is TrialState.COMPLETED
    ledger.mark(second.uid, "abandon", reason="no", actor="ada")
    ledger.record_result(second.uid, TrialResult({"y": 2.0}))
    assert ledger.trial(second.uid).state is TrialState.ABANDONED
    assert ledger.mark(second.uid, "restore", reason="it was built", actor="ada").result.outcomes == {"y": 2.0}


def test_drafts_and_decisions_add_up_from_events_and_survive_export_and_import(ledger, drafts, tmp_path):
    lease, (first, second, _) = drafts
    ledger.mark(first.uid, "approve", reason="good", actor="ada")
    ledger.mark(second.uid, "abandon", reason="no", actor="ada")
    trials = {trial.uid: trial for trial in ledger.trials(lease.campaign_uid)}
    assert replay(ledger.events(lease.campaign_uid)) == trials
    assert ledger.check() == []
    ledger.export_campaign(lease.campaign_uid, tmp_path / "export")
    with Ledger.create_or_open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.import_campaign(tmp_path / "export")
        moved = {trial.uid: (trial.state, trial.design) for trial in other.trials(lease.campaign_uid)}
        assert moved == {uid: (trial.state, trial.design) for uid, trial in trials.items()}
        assert other.check() == []


def test_the_words_of_an_ordinary_proposal_are_what_they_were_before_there_were_drafts(ledger):
    campaign = ledger.register_campaign("c", {}, "h")
    ledger.add_trials(ledger.acquire_lease(campaign.uid), [NewTrial({"x": 1.0}, 1, "")])
    (event,) = [event for event in ledger.events(campaign.uid) if event.kind == "proposed"]
    assert "is_draft" not in event.payload
