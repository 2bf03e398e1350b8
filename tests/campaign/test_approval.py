"""What a person decides about drafts, with the real ledger and the real surrogate."""

import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.approval import decide_drafts, drafts_of
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.domain.errors import CampaignBusyError, InputError
from afssb_opt.domain.space import design_key
from afssb_opt.domain.trials import TrialState

LAB = {
    "name": "approved",
    "space": {
        "kind": {"levels": ["a", "b"]},
        "x": {"low": 0, "high": 1},
        "pressure": {"low": 1, "high": 10, "shared_per_batch": True},
    },
    "objectives": {"y": {"goal": "maximize"}},
    "design_constraints": [{"exclude": {"kind": ["b"], "x": {"above": 0.9}}}],
    "evaluator": "lab",
    "batch_size": 3,
    "approve": True,
    "budget": {"trials": 9},
}


@pytest.fixture
def campaign():
    with Campaign.load(LAB) as opened:
        opened.propose()
        yield opened


def decide(campaign, choice, labels=(), **more):
    return decide_drafts(campaign, choice, labels, **{"reason": "", "actor": "ada", **more})


def labels_of(campaign):
    return [trial.label for trial in drafts_of(campaign)]


def test_proposals_wait_as_drafts_and_nothing_more_is_proposed_meanwhile(campaign):
    assert len(drafts_of(campaign)) == 3
    assert campaign.n_to_propose() == 0
    assert len(decide(campaign, "approve")) == 3
    assert {trial.state for trial in campaign.trials()} == {TrialState.PROPOSED}


def test_a_rejection_needs_a_reason_and_is_not_proposed_again(campaign):
    with pytest.raises(InputError, match="reason"):
        decide(campaign, "reject")
    rejected = {design_key(trial.design) for trial in drafts_of(campaign)}
    decide(campaign, "reject", reason="no such powder in the house")
    assert campaign.n_to_propose() == 3, "rejected designs give their place in the budget back"
    campaign.propose()
    again = drafts_of(campaign)
    assert len(again) == 3
    assert rejected.isdisjoint(design_key(trial.design) for trial in again)


def test_an_edited_draft_becomes_a_trial_of_its_own_and_the_draft_says_where_it_went(campaign):
    first = drafts_of(campaign)[0]
    done = decide(campaign, "approve", [first.label], edits={"x": "0.5"}, reason="what the coater can do")
    successor = campaign.trials()[-1]
    assert done == [{"trial": first.label, "what": f"edited, now {successor.label}"}]
    assert successor.state is TrialState.PROPOSED
    assert successor.design == {**first.design, "x": 0.5}
    assert "edited by ada" in successor.reason
    assert campaign.ledger.trial(first.uid).decision_reason == f"edited, see {successor.label}"
    assert campaign.ledger.trial(first.uid).design == first.design


def test_all_that_is_wrong_with_a_decision_is_said_at_once_and_nothing_is_recorded(campaign):
    before = campaign.ledger.last_seq(campaign.uid)
    with pytest.raises(InputError) as refused:
        decide(campaign, "approve", ["T9999-X", labels_of(campaign)[0]], edits={"q": "1", "x": "thick"})
    assert {problem.where for problem in refused.value.problems} == {"trial T9999-X", "q", "x"}
    assert campaign.ledger.last_seq(campaign.uid) == before


@pytest.mark.parametrize(("edits", "said"), [({"x": "7"}, "outside"), ({"kind": "c"}, "unknown level"),
                                             ({"kind": "b", "x": "0.95"}, "rule")])  # fmt: skip
def test_edited_designs_are_checked_against_space_and_rules(campaign, edits, said):
    with pytest.raises(InputError, match=said):
        decide(campaign, "approve", labels_of(campaign)[:1], edits=edits)


def test_a_setting_shared_by_a_batch_is_edited_for_all_of_it_or_not_at_all(campaign):
    with pytest.raises(InputError, match="shared by all cells"):
        decide(campaign, "approve", labels_of(campaign)[:1], edits={"pressure": "4"})
    decide(campaign, "approve", edits={"pressure": "4"})
    built = [trial for trial in campaign.trials() if trial.state is TrialState.PROPOSED]
    assert [trial.design["pressure"] for trial in built] == [4.0] * 3


def test_editing_waits_its_turn_while_another_process_advances_the_campaign(campaign):
    with hold_lease(campaign.ledger, campaign.uid), pytest.raises(CampaignBusyError):
        decide(campaign, "approve", labels_of(campaign)[:1], edits={"x": "0.5"})
    assert len(drafts_of(campaign)) == 3
