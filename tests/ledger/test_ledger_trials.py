"""How trials are proposed, and how results, failures and decisions move them."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import InputError, StoreError
from afssb_opt.domain.trials import TrialFailure, TrialResult, TrialState
from afssb_opt.ledger import (
    CampaignRecord,
    Lease,
    Ledger,
    MoveError,
    NewTrial,
    Recorded,
    Standing,
    TrialRecord,
    UnknownTrialError,
)
from afssb_opt.ledger.canonical import canonical_json, content_from_json

LIFE = TrialResult({"cycle_life": 120.0}, {"cycle_life": 4.0}, frozenset({"cycle_life"}), "lab", {"file": "a.csv"})


def table(n_cycles: int = 20) -> pd.DataFrame:
    capacity = np.linspace(3.0, 2.4, n_cycles)
    return as_cycling_table({"cycle": np.arange(1, n_cycles + 1), "discharge_capacity_mah_cm2": capacity})


def test_trials_are_numbered_per_campaign_and_labelled_per_ledger(ledger: Ledger, lease: Lease) -> None:
    second = ledger.register_campaign("second", {}, "b")
    added = ledger.add_trials(lease, [NewTrial({"x": float(i)}, 1, "") for i in range(3)])
    other = ledger.add_trials(ledger.acquire_lease(second.uid), [NewTrial({"x": 0.0}, 1, "")])
    more = ledger.add_trials(lease, [NewTrial({"x": 9.0}, 2, "later")])
    assert [trial.number for trial in (*added, *other, *more)] == [1, 2, 3, 1, 4]
    labels = [trial.label for trial in (*added, *other, *more)]
    assert len(set(labels)) == 5
    assert [ledger.trial(label).label for label in labels] == labels
    assert ledger.trials(lease.campaign_uid) == [*added, *more]


def test_the_standing_of_a_campaign_tells_what_reading_all_of_its_trials_would(ledger: Ledger, lease: Lease) -> None:
    uid = lease.campaign_uid
    nothing = ledger.standing(uid)
    assert nothing == Standing.of([]) == Standing({}, last_round=0, last_seq=0)
    first = ledger.add_trials(lease, [NewTrial({"x": float(i)}, 1 + i // 2, "") for i in range(5)])
    ledger.record_result(first[1].uid, LIFE)
    ledger.record_failure(first[2].uid, TrialFailure("cell", "short"))
    ledger.claim(lease, first[0].uid)
    ledger.add_trials(
        ledger.acquire_lease(ledger.register_campaign("other", {}, "b").uid), [NewTrial({"x": 0.0}, 9, "")]
    )
    ledger.mark(first[1].uid, "exclude", reason="drift", actor="lab")
    standing = ledger.standing(uid)
    assert standing == Standing.of(ledger.trials(uid))
    assert (standing.n_trials, standing.last_round, standing.n_excluded) == (5, 3, 1)
    assert standing.newest_at == ledger.trial(first[2].uid).ended_at
    assert standing.n_in([TrialState.PROPOSED, TrialState.FAILED, TrialState.VOID]) == 3


def test_trials_are_read_by_state_by_uid_or_by_what_changed(ledger: Ledger, lease: Lease) -> None:
    uid = lease.campaign_uid
    first, second, third = ledger.add_trials(lease, [NewTrial({"x": float(i)}, 1, "") for i in range(3)])
    seq = ledger.last_seq(uid)
    ledger.record_result(third.uid, LIFE)
    assert ledger.numbers(uid) == {first.uid: 1, second.uid: 2, third.uid: 3}
    assert ledger.numbers(uid, seq) == {third.uid: 3}
    assert ledger.trials(uid, states=[TrialState.PROPOSED]) == [first, second]
    assert ledger.trials(uid, uids=[second.uid, first.uid, "unknown"]) == [first, second]
    assert [trial.uid for trial in ledger.trials(uid, after_seq=seq)] == [third.uid]
    assert ledger.trials(uid, states=[]) == ledger.trials(uid, uids=[]) == []


def test_a_trial_keeps_what_it_was_proposed_with(ledger: Ledger, lease: Lease) -> None:
    new = NewTrial({"x": np.float64(0.1), "n": 3, "level": "Ag"}, 2, "why", {"seed": 7, "versions": {"torch": "2"}})
    (trial,) = ledger.add_trials(lease, [new])
    assert trial.design == {"x": 0.1, "n": 3.0, "level": "Ag"}
    assert (trial.round, trial.reason, trial.provenance) == (2, "why", {"seed": 7, "versions": {"torch": "2"}})
    assert (trial.state, trial.attempts, trial.n_revisions) == (TrialState.PROPOSED, 0, 0)
    assert ledger.trial(trial.uid) == trial


def test_adding_the_same_new_trial_again_returns_it(ledger: Ledger, lease: Lease) -> None:
    new = [NewTrial({"x": 1.0}, 1, "")]
    first = ledger.add_trials(lease, new)
    assert ledger.add_trials(lease, new) == first
    with pytest.raises(StoreError, match="another design"):
        ledger.add_trials(lease, [NewTrial({"x": 2.0}, 1, "", uid=new[0].uid)])


def test_a_design_that_stands_is_refused_unless_it_is_a_replicate(
    ledger: Ledger, lease: Lease, trial: TrialRecord
) -> None:
    same = dict(reversed(trial.design.items()))
    with pytest.raises(StoreError, match=trial.label):
        ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, ""), NewTrial(same, 1, "")])
    assert len(ledger.trials(lease.campaign_uid)) == 1
    with pytest.raises(StoreError, match="same list"):
        ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, ""), NewTrial({"x": 1.0}, 1, "")])
    ledger.add_trials(lease, [NewTrial(same, 1, "", is_replicate=True)])
    for standing in ledger.trials(lease.campaign_uid):
        ledger.mark(standing.uid, "void", reason="broken", actor="me")
    ledger.add_trials(lease, [NewTrial(same, 1, "")])


def test_designs_with_values_that_are_no_values_are_refused(ledger: Ledger, lease: Lease) -> None:
    with pytest.raises(InputError, match=r"(?s)design\.x.*design\.y"):
        ledger.add_trials(lease, [NewTrial({"x": math.nan, "y": None}, 1, "")])  # type: ignore[dict-item]
    assert ledger.trials(lease.campaign_uid) == []


def test_a_result_is_read_back_exactly(ledger: Ledger, trial: TrialRecord) -> None:
    value = 0.1 + 0.2
    found = TrialResult({"y": value, "n": np.int64(3)}, {"y": 1e-300}, frozenset({"n"}), "lab", {"a": np.float64(1.5)})
    assert ledger.record_result(trial.uid, found, as_built={"stack_pressure_mpa": 4.8}, actor="me") is Recorded.RECORDED
    after = ledger.trial(trial.label)
    assert after.result == TrialResult({"y": value, "n": 3.0}, {"y": 1e-300}, frozenset({"n"}), "lab", {"a": 1.5})
    assert (after.state, after.as_built) == (TrialState.COMPLETED, {"stack_pressure_mpa": 4.8})
    assert after.ended_at is not None
    assert after.last_seq > trial.last_seq
    assert ledger.events(trial.campaign_uid)[-1].actor == "me"


def test_a_cycling_table_is_read_back_exactly(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE, cycling=table())
    sha256 = ledger.trial(trial.uid).cycling_sha256
    assert sha256 is not None
    pd.testing.assert_frame_equal(ledger.cycling_table(sha256), table(), check_exact=True)
    with pytest.raises(StoreError, match="no cycling table"):
        ledger.cycling_table("0" * 64)


def test_a_cycling_table_with_flags_and_texts_is_read_back(ledger: Ledger, trial: TrialRecord) -> None:
    mixed = pd.DataFrame({"cycle": [1, 2], "ok": [True, False], "flag": ["", "Ü\u2028"], "v": [np.nan, -0.0]})
    ledger.record_result(trial.uid, LIFE, cycling=mixed)
    pd.testing.assert_frame_equal(ledger.cycling_table(str(ledger.trial(trial.uid).cycling_sha256)), mixed)
    with pytest.raises(StoreError, match="column odd"):
        ledger.record_result(trial.uid, LIFE, cycling=pd.DataFrame({"odd": [object()]}))


def test_the_same_result_again_changes_nothing(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE, cycling=table())
    before = ledger.trial(trial.uid), ledger.last_seq(trial.campaign_uid)
    renamed = TrialResult(LIFE.outcomes, LIFE.sem, LIFE.censored, "lab", {"file": "copy of a.csv"})
    assert ledger.record_result(trial.uid, renamed, cycling=table()) is Recorded.ALREADY_KNOWN
    assert (ledger.trial(trial.uid), ledger.last_seq(trial.campaign_uid)) == before


def test_a_contradicting_result_makes_a_dispute_that_a_person_settles(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE)
    rival = TrialResult({"cycle_life": 90.0}, source="lab")
    assert ledger.record_result(trial.uid, rival, actor="other") is Recorded.DISPUTED
    assert ledger.record_result(trial.uid, rival, actor="other") is Recorded.ALREADY_KNOWN
    disputed = ledger.trial(trial.uid)
    assert (disputed.state, disputed.result) == (TrialState.DISPUTED, LIFE)
    assert ledger.observations(trial.campaign_uid).empty
    results = [event for event in ledger.events(trial.campaign_uid) if event.kind == "result"]
    assert [event.payload["outcomes"]["cycle_life"] for event in results] == [120.0, 90.0]
    with pytest.raises(StoreError, match="is no result or failure"):
        ledger.settle(trial.uid, keep=1, reason="", actor="me")
    settled = ledger.settle(trial.uid, keep=results[1].seq, reason="read the wrong file first", actor="me")
    assert settled.state is TrialState.COMPLETED
    assert settled.result == rival
    assert settled.decision_reason == "read the wrong file first"
    with pytest.raises(MoveError, match="only disputed"):
        ledger.settle(trial.uid, keep=None, reason="", actor="me")


def test_settling_for_what_stood_keeps_the_first_result(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE)
    assert ledger.record_failure(trial.uid, TrialFailure("cell", "short circuit")) is Recorded.DISPUTED
    assert ledger.settle(trial.uid, keep=None, reason="other cell", actor="me").result == LIFE
    assert ledger.trial(trial.uid).state is TrialState.COMPLETED


def test_further_outcomes_add_to_a_result_and_are_no_dispute(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE, cycling=table(), as_built={"stack_pressure_mpa": 4.8})
    spectrum = TrialResult({"areal_resistance_ohm_cm2": 30.0}, source="lab", attributes={"file": "b.z"})
    assert ledger.record_result(trial.uid, spectrum, as_built={"porosity_pct": 12}) is Recorded.RECORDED
    after = ledger.trial(trial.uid)
    assert after.result is not None
    assert after.result.outcomes == {"cycle_life": 120.0, "areal_resistance_ohm_cm2": 30.0}
    assert after.result.censored == {"cycle_life"}
    assert after.as_built == {"stack_pressure_mpa": 4.8, "porosity_pct": 12.0}
    assert after.cycling_sha256 is not None
    assert after.n_revisions == 1


def test_a_correction_replaces_a_result_and_keeps_the_old_one_in_the_record(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE)
    better = TrialResult({"cycle_life": 130.0}, source="lab")
    assert ledger.record_result(trial.uid, better, is_correction=True) is Recorded.RECORDED
    assert ledger.record_result(trial.uid, better, is_correction=True) is Recorded.ALREADY_KNOWN
    assert ledger.trial(trial.uid).result == better
    assert ledger.record_result(trial.uid, LIFE, is_correction=True) is Recorded.RECORDED
    after = ledger.trial(trial.uid)
    assert (after.result, after.n_revisions, after.state) == (LIFE, 2, TrialState.COMPLETED)
    assert sum(event.kind == "result" for event in ledger.events(trial.campaign_uid)) == 3


def test_partial_results_follow_each_other_until_the_final_one(ledger: Ledger, trial: TrialRecord) -> None:
    early, late = TrialResult({"cycle_life": 20.0}, source="lab"), TrialResult({"cycle_life": 50.0}, source="lab")
    assert ledger.record_result(trial.uid, early, is_final=False) is Recorded.RECORDED
    assert ledger.trial(trial.uid).state is TrialState.PARTIAL
    assert ledger.record_result(trial.uid, late, is_final=False) is Recorded.RECORDED
    assert ledger.record_result(trial.uid, early, is_final=False) is Recorded.ALREADY_KNOWN
    assert ledger.trial(trial.uid).result == late
    assert ledger.observations(trial.campaign_uid)["status"].tolist() == ["partial"]
    assert ledger.record_result(trial.uid, late) is Recorded.RECORDED
    old = TrialResult({"cycle_life": 30.0}, source="lab")
    assert ledger.record_result(trial.uid, old, is_final=False) is Recorded.KEPT
    assert ledger.trial(trial.uid).state is TrialState.COMPLETED


def test_results_that_are_no_numbers_are_refused_with_all_reasons(ledger: Ledger, trial: TrialRecord) -> None:
    bad = TrialResult({"a": math.nan, "b": True}, {"c": -1.0}, frozenset({"d"}))
    with pytest.raises(InputError) as caught:
        ledger.record_result(trial.uid, bad)
    assert {problem.where for problem in caught.value.problems} >= {"outcomes.a", "outcomes.b", "sem.c", "c", "d"}
    assert ledger.trial(trial.uid) == trial


def test_a_result_for_a_void_or_abandoned_trial_waits_behind_the_decision(ledger: Ledger, trial: TrialRecord) -> None:
    for action in ("abandon", "void"):
        ledger.mark(trial.uid, action, reason=f"{action} it", actor="me")
    assert ledger.record_result(trial.uid, LIFE) is Recorded.KEPT
    assert ledger.trial(trial.uid).state is TrialState.VOID
    assert ledger.observations(trial.campaign_uid).empty
    restored = ledger.mark(trial.uid, "restore", reason="it was sound", actor="me")
    assert (restored.state, restored.result, restored.restores_to) == (TrialState.COMPLETED, LIFE, None)


def test_void_and_restore_bring_back_what_stood(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE)
    void = ledger.mark(trial.uid, "void", reason="wrong cell", actor="me")
    assert (void.state, void.decision_reason, void.restores_to) == (TrialState.VOID, "wrong cell", TrialState.COMPLETED)
    assert ledger.mark(trial.uid, "void", reason="wrong cell", actor="me") == void
    with pytest.raises(MoveError, match="cannot become"):
        ledger.mark(trial.uid, "void", reason="another reason", actor="me")
    assert ledger.mark(trial.uid, "restore", reason="right cell", actor="me").result == LIFE
    with pytest.raises(MoveError, match="can be restored"):
        ledger.mark(trial.uid, "restore", reason="right cell", actor="me")
    ledger.mark(trial.uid, "void", reason="wrong cell", actor="me")
    assert ledger.trial(trial.uid).state is TrialState.VOID


def test_exclusion_hides_a_trial_from_the_model_and_is_reversible(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, LIFE)
    excluded = ledger.mark(trial.uid, "exclude", reason="outlier", actor="reviewer")
    assert (excluded.is_excluded, excluded.state) == (True, TrialState.COMPLETED)
    assert ledger.mark(trial.uid, "exclude", reason="outlier", actor="reviewer") == excluded
    assert ledger.observations(trial.campaign_uid).empty
    ledger.mark(trial.uid, "include", reason="no outlier", actor="reviewer")
    assert len(ledger.observations(trial.campaign_uid)) == 1


def test_an_unknown_action_is_refused_with_a_suggestion(ledger: Ledger, trial: TrialRecord) -> None:
    with pytest.raises(InputError, match="Did you mean 'exclude'"):
        ledger.mark(trial.uid, "exlude", reason="", actor="")  # type: ignore[arg-type]


def test_a_cell_failure_is_observed_and_an_equipment_failure_is_not(ledger: Ledger, lease: Lease) -> None:
    short, fire = ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, ""), NewTrial({"x": 2.0}, 1, "")])
    assert ledger.record_failure(short.uid, TrialFailure("cell", "short circuit")) is Recorded.RECORDED
    assert ledger.record_failure(short.uid, TrialFailure("cell", "short circuit")) is Recorded.ALREADY_KNOWN
    ledger.record_failure(fire.uid, TrialFailure("equipment", "power cut"))
    assert ledger.observations(lease.campaign_uid)[["label", "status"]].values.tolist() == [[short.label, "failed"]]
    again = ledger.mark(fire.uid, "restore", reason="power is back", actor="me")
    assert (again.state, again.failure) == (TrialState.PROPOSED, None)


def test_each_attempt_that_fails_alike_is_recorded(ledger: Ledger, lease: Lease, trial: TrialRecord) -> None:
    for attempt in (1, 2):
        claim = ledger.claim(lease, trial.uid)
        assert claim.attempt == attempt
        power_cut = TrialFailure("equipment", "power cut")
        assert ledger.record_failure(trial.uid, power_cut, claim=claim) is Recorded.RECORDED
        ledger.mark(trial.uid, "restore", reason="power is back", actor="me")
    assert sum(event.kind == "failure" for event in ledger.events(lease.campaign_uid)) == 2


def test_a_second_attempt_may_find_what_the_first_one_found(ledger: Ledger, lease: Lease, trial: TrialRecord) -> None:
    early = TrialResult({"cycle_life": 20.0})
    ledger.record_result(trial.uid, early, is_final=False)
    ledger.record_failure(trial.uid, TrialFailure("equipment", "power cut"))
    assert ledger.mark(trial.uid, "restore", reason="new cell", actor="me").result is None
    claim = ledger.claim(lease, trial.uid)
    assert ledger.record_result(trial.uid, early, claim=claim, is_final=False) is Recorded.RECORDED
    assert ledger.trial(trial.uid).state is TrialState.PARTIAL


def test_a_result_after_an_equipment_failure_counts_as_tried_again(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_failure(trial.uid, TrialFailure("equipment", "power cut"))
    assert ledger.record_result(trial.uid, LIFE) is Recorded.RECORDED
    assert ledger.trial(trial.uid).failure is None
    with pytest.raises(MoveError, match="does not undo"):
        ledger.record_failure(trial.uid, TrialFailure("equipment", "late news"))


def test_a_result_against_a_cell_failure_is_a_dispute(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_failure(trial.uid, TrialFailure("cell", "short circuit"))
    assert ledger.record_result(trial.uid, LIFE) is Recorded.DISPUTED
    settled = ledger.settle(trial.uid, keep=None, reason="it did short", actor="me")
    assert settled.state is TrialState.FAILED
    assert settled.failure == TrialFailure("cell", "short circuit")


def test_unknown_trials_and_misread_labels_are_told_apart(ledger: Ledger, trial: TrialRecord) -> None:
    assert ledger.trial(f" {trial.label.lower()} ").uid == trial.uid
    with pytest.raises(UnknownTrialError, match="last letter does not fit"):
        ledger.trial(trial.label.replace("1", "2"))
    with pytest.raises(UnknownTrialError, match="no trial"):
        ledger.record_result("T0002-L", LIFE)


def test_observations_show_built_values_errors_and_censoring(
    ledger: Ledger, lease: Lease, campaign: CampaignRecord
) -> None:
    a, b, c, d = ledger.add_trials(lease, [NewTrial({"x": float(i), "s": "Ag"}, 1, "") for i in range(4)])
    ledger.record_result(a.uid, LIFE, as_built={"x": 0.5})
    ledger.record_result(b.uid, TrialResult({"energy": 700.0}), is_final=False)
    ledger.record_failure(c.uid, TrialFailure("cell", "short"))
    seen = ledger.observations(campaign.uid)
    assert list(seen.columns) == [
        "trial_uid", "label", "number", "round", "x", "s", "cycle_life", "cycle_life_sem", "cycle_life_censored",
        "energy", "energy_sem", "energy_censored", "status",
    ]  # fmt: skip
    assert seen["x"].tolist() == [0.5, 1.0, 2.0]
    assert seen["status"].tolist() == ["completed", "partial", "failed"]
    assert seen["cycle_life_censored"].tolist() == [True, False, False]
    np.testing.assert_array_equal(seen["cycle_life"].to_numpy(), [120.0, np.nan, np.nan])
    np.testing.assert_array_equal(seen["cycle_life_sem"].to_numpy(), [4.0, np.nan, np.nan])
    waiting = ledger.pending(campaign.uid)
    assert waiting[["trial_uid", "state", "x"]].values.tolist() == [[d.uid, "proposed", 3.0]]


def test_an_empty_campaign_gives_empty_tables(ledger: Ledger, campaign: CampaignRecord) -> None:
    assert ledger.observations(campaign.uid).empty
    assert ledger.pending(campaign.uid).empty
    assert ledger.trials(campaign.uid) == []


def test_only_the_trials_that_changed_since_an_event_are_read_again(ledger: Ledger, lease: Lease) -> None:
    trials = ledger.add_trials(lease, [NewTrial({"x": float(place)}, 1, "") for place in range(3)])
    uid = trials[0].campaign_uid
    before = ledger.last_seq(uid)
    assert ledger.trials(uid, before) == []
    ledger.record_result(trials[1].uid, TrialResult({"y": 1.0}))
    assert [trial.number for trial in ledger.trials(uid, before)] == [2]
    assert len(ledger.trials(uid)) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
@example({"half a character": "\ud800", "nothing": "\0", "smallest": 5e-324, "long": 2**200})
def test_content_is_read_back_as_the_standard_parser_reads_it(content: object) -> None:
    text = canonical_json(content)
    assert repr(content_from_json(text)) == repr(json.loads(text))
