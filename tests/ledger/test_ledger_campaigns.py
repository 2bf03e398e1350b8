"""How campaigns are registered, amended and annotated."""

from __future__ import annotations

import pytest

from afssb_opt.domain.errors import StoreError
from afssb_opt.ledger import CampaignRecord, Ledger, UnknownCampaignError


def test_a_campaign_registered_twice_is_one_campaign(ledger: Ledger, campaign: CampaignRecord) -> None:
    again = ledger.register_campaign("first", {"seed": 7, "low": 0.1}, "a" * 64)
    assert again == campaign
    assert ledger.campaigns() == [campaign]
    assert ledger.campaign("first") == campaign
    assert ledger.campaign("second") is None
    assert campaign.definition == {"seed": 7, "low": 0.1}
    assert campaign.created_at.utcoffset().total_seconds() == 0


def test_another_definition_under_the_same_name_is_refused_and_says_amend(
    ledger: Ledger, campaign: CampaignRecord
) -> None:
    with pytest.raises(StoreError, match="amendment"):
        ledger.register_campaign("first", {"seed": 8}, "b" * 64)
    assert ledger.campaign("first") == campaign


def test_an_amendment_changes_the_definition_and_is_kept(ledger: Ledger, campaign: CampaignRecord) -> None:
    amended = ledger.amend_campaign(campaign.uid, {"seed": 8}, "b" * 64, ["seed: 7 -> 8"])
    assert amended.definition == {"seed": 8}
    assert [(a.config_sha256, a.changes) for a in amended.amendments] == [("b" * 64, ("seed: 7 -> 8",))]
    assert ledger.amend_campaign(campaign.uid, {"seed": 8}, "b" * 64, ["again"]) == amended
    assert ledger.register_campaign("first", {"seed": 8}, "b" * 64) == amended
    assert ledger.campaign("first") == amended


def test_campaigns_without_a_name_or_unknown_ones_are_refused(ledger: Ledger, campaign: CampaignRecord) -> None:
    with pytest.raises(StoreError, match="needs a name"):
        ledger.register_campaign("  ", {}, "a")
    with pytest.raises(UnknownCampaignError, match="first"):
        ledger.amend_campaign("nowhere", {}, "a", [])
    for read in (ledger.trials, ledger.events, ledger.last_seq, ledger.observations, ledger.pending):
        with pytest.raises(UnknownCampaignError, match="first"):
            read("first by its name")
    with pytest.raises(StoreError, match="cannot be recorded"):
        ledger.register_campaign("infinite", {"bound": float("inf")}, "a")


def test_a_note_is_kept_once_and_in_its_order(ledger: Ledger, campaign: CampaignRecord) -> None:
    first = ledger.append_note(campaign.uid, "round", {"round": 1, "hypervolume": 0.1})
    assert ledger.append_note(campaign.uid, "round", {"hypervolume": 0.1, "round": 1}) == first
    second = ledger.append_note(campaign.uid, "round", {"round": 2, "hypervolume": 0.3}, actor="nobody")
    notes = ledger.events(campaign.uid, after_seq=first.seq - 1)
    assert [note.payload["round"] for note in notes] == [1, 2]
    assert notes[0].payload["hypervolume"] == 0.1
    assert ledger.last_seq(campaign.uid) == second.seq
    assert ledger.events(campaign.uid, after_seq=second.seq) == []


def test_a_note_cannot_pose_as_an_event_of_the_ledger(ledger: Ledger, campaign: CampaignRecord) -> None:
    with pytest.raises(StoreError, match="kind of a note"):
        ledger.append_note(campaign.uid, "result", {})


def test_odd_characters_in_names_and_notes_survive(ledger: Ledger) -> None:
    campaign = ledger.register_campaign("Zelle Ü 'x'; --\u2028", {"note": "a\0b\ud800"}, "c" * 64)
    assert ledger.campaign("Zelle Ü 'x'; --\u2028") == campaign
    assert campaign.definition == {"note": "a\0b\ud800"}
    note = ledger.append_note(campaign.uid, "round", {"text": "\0"}, actor="a\0\ud800")
    assert ledger.events(campaign.uid)[-1] == note
