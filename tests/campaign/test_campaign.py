import copy
import stat

import pandas as pd
import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.evaluating import evaluate_trial, open_trials
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.proposing import propose_trials
from afssb_opt.domain.errors import AmendmentError, CampaignBusyError, InputError, StoreError, StrategyError
from afssb_opt.domain.stack import seed_cost_usd_m2
from afssb_opt.domain.trials import TrialFailure, TrialState
from afssb_opt.evaluators import Evaluation

LAB = {
    "name": "lab",
    "seed": 4,
    "space": {
        "seed_alloy": {"levels": ["none", "Ag", "Mg", "Zn"]},
        "interlayer_thickness_um": {"low": 0.5, "high": 30, "scale": "log"},
        "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log"},
    },
    "objectives": {"cycle_life": {"goal": "maximize", "threshold": 10}, "initial_ce_pct": {"goal": "maximize"}},
    "evaluator": "lab",
    "batch_size": 3,
    "budget": {"trials": 9, "channels": 5},
}


@pytest.fixture
def campaign():
    with Campaign.load(LAB) as opened:
        yield opened


def answers(trials) -> pd.DataFrame:
    return pd.DataFrame({"trial": list(trials), "cycle_life": range(100, 100 + len(trials)), "initial_ce_pct": 80.0})


def test_a_lab_campaign_goes_from_proposals_to_results_to_better_proposals(campaign):
    first = campaign.propose()
    assert len(first) == 3
    assert first["reason"].str.len().min() > 5
    done = campaign.record(answers(first["trial"]).assign(cycle_life_censored=[True, False, False]))
    assert (done["recorded"] == "recorded").all()
    second = campaign.propose(2)
    merged = pd.concat([first, second])
    assert not merged.duplicated(list(campaign.spec.space.names)).any()
    assert len(campaign.observations()) == 3
    assert bool(campaign.observations()["cycle_life_censored"].iloc[0])
    assert campaign.best()["cycle_life"].max() == 102


def test_the_same_ledger_state_gives_the_same_designs(tmp_path, monkeypatch):
    proposed = []
    for folder in ("a", "b"):
        monkeypatch.setenv("AFSSB_HOME", str(tmp_path / folder))
        with Campaign.load(LAB) as opened:
            first = opened.propose(4)
            opened.record(answers(first["trial"]))
            proposed.append(pd.concat([first, opened.propose(3)]).drop(columns="trial"))
    pd.testing.assert_frame_equal(*proposed)


def test_proposals_carry_what_made_them(campaign):
    campaign.propose(1)
    (trial,) = campaign.trials()
    assert set(trial.provenance) == {
        "seed", "method", "notes", "advice", "reference_point", "data_version", "config_sha256", "versions", "device"
    }  # fmt: skip
    assert trial.provenance["config_sha256"] == campaign.spec.sha256
    assert trial.provenance["device"] == "cpu"


def test_a_machine_without_the_device_asked_for_proposes_nothing_and_says_why(campaign, monkeypatch):
    monkeypatch.setenv("AFSSB_DEVICE", "cuda:99")
    with pytest.raises(StrategyError, match=r"cuda:99.*Here are: cpu.*AFSSB_DEVICE"):
        campaign.propose(1)
    monkeypatch.setenv("AFSSB_DEVICE", "")
    assert len(campaign.propose(1)) == 1


def test_the_same_result_twice_is_told_apart_from_a_new_one(campaign):
    table = answers(campaign.propose(2)["trial"])
    campaign.record(table)
    assert set(campaign.record(table)["recorded"]) == {"already_known"}
    assert set(campaign.record(table.assign(cycle_life=7))["recorded"]) == {"disputed"}


def test_a_wrong_table_is_refused_whole_with_all_its_problems(campaign):
    label = campaign.propose(1)["trial"].iloc[0]
    table = pd.DataFrame(
        {
            "trial": [label, "T9999-X"],
            "cycle_life": ["much", 5],
            "initial_ce_pc": [80, 81],
            "status": ["done", "completed"],
        }
    )
    with pytest.raises(InputError) as caught:
        campaign.record(table)
    text = str(caught.value)
    for words in ("'much'", "T9999-X", "Did you mean 'initial_ce_pct'", "'done'"):
        assert words in text
    assert len(campaign.observations()) == 0


def test_failed_and_partial_cells_are_recorded_as_such(campaign):
    labels = campaign.propose(2)["trial"].tolist()
    campaign.record(
        pd.DataFrame(
            {
                "trial": labels,
                "cycle_life": [None, 40],
                "cycle_life_censored": [None, True],
                "status": ["failed", "partial"],
                "reason": ["shorted at once", ""],
            }
        )
    )
    assert [trial.state for trial in campaign.trials()] == [TrialState.FAILED, TrialState.PARTIAL]
    assert campaign.observations()["status"].tolist() == ["failed", "partial"]


def test_as_built_values_reach_the_surrogate(campaign):
    label = campaign.propose(1)["trial"].iloc[0]
    campaign.record(answers([label]).assign(interlayer_thickness_um=12.5))
    assert campaign.observations()["interlayer_thickness_um"].iloc[0] == 12.5


PRICED = LAB | {
    "objectives": {"cycle_life": {"goal": "maximize", "threshold": 10}, "seed_cost_usd_m2": {"goal": "minimize"}}
}


def test_a_price_that_nobody_tells_follows_from_the_recipe_as_built():
    with Campaign.load(PRICED) as campaign:
        first, second, third = campaign.propose(3)["trial"]
        table = pd.DataFrame({"trial": [first, second], "cycle_life": [100, 200]})
        campaign.record(table.assign(seed_alloy="Ag", interlayer_thickness_um=[5.0, 10.0]))
        campaign.record(pd.DataFrame({"trial": [third], "cycle_life": [150], "seed_cost_usd_m2": [7.0]}))
        price = campaign.observations().set_index("label")["seed_cost_usd_m2"]
        assert price[second] == pytest.approx(2.0 * price[first])
        assert price[first] == pytest.approx(seed_cost_usd_m2({"seed_alloy": "Ag", "interlayer_thickness_um": 5.0}))
        assert price[third] == 7.0, "what was told stands"
        results = {trial.label: trial.result for trial in campaign.trials()}
        assert results[first].attributes["by_the_recipe"] == "seed_cost_usd_m2"
        assert "by_the_recipe" not in results[third].attributes
        assert len(campaign.best()) >= 1
        assert len(campaign.propose(3)) == 3


def test_cells_that_all_lack_an_outcome_do_not_stop_the_next_proposal(campaign):
    labels = campaign.propose(3)["trial"]
    campaign.record(pd.DataFrame({"trial": labels, "initial_ce_pct": [70.0, 75.0, 80.0]}))
    assert "cycle_life" not in campaign.observations()
    assert len(campaign.propose(3)) == 3


def test_channels_and_trials_limit_what_is_proposed(campaign):
    assert campaign.n_to_propose() == 3
    campaign.propose(4)
    assert campaign.n_to_propose() == 1
    assert campaign.n_to_propose(limit=0) == 0
    campaign.record(answers([trial.label for trial in campaign.trials()]))
    assert campaign.n_to_propose() == 3
    campaign.propose(5)
    assert campaign.stop_reason() == "the budget of 9 trials is spent"


def test_a_changed_file_is_amended_or_refused_never_ignored(campaign):
    campaign.propose(1)
    wider = copy.deepcopy(LAB)
    wider["space"]["seed_alloy"]["levels"].append("Sn")
    with Campaign.load(wider) as opened:
        assert "levels" in str(opened.changes[0])
        assert len(opened.record_of_campaign.amendments) == 1
    hotter = copy.deepcopy(wider) | {"protocol": {"temperature_c": 25}}
    with pytest.raises(AmendmentError, match=r"protocol\.temperature_c.*new name"):
        Campaign.load(hotter)
    with Campaign.load(hotter, read_only=True) as opened:
        assert [change.path for change in opened.changes] == ["protocol.temperature_c"]


def test_one_proposer_at_a_time(campaign):
    with hold_lease(campaign.ledger, campaign.uid), pytest.raises(CampaignBusyError):
        campaign.propose(1)
    assert len(campaign.propose(1)) == 1


def test_reading_creates_nothing(private_stores):
    with pytest.raises(StoreError, match="afssb run"):
        Campaign.load(LAB, read_only=True)
    assert not private_stores.exists()


def test_the_store_is_private_and_a_place_that_cannot_be_written_is_named(
    campaign, private_stores, tmp_path, monkeypatch
):
    assert stat.S_IMODE(private_stores.stat().st_mode) == 0o700
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("AFSSB_HOME", str(blocked / "store"))
    with pytest.raises(StoreError, match="AFSSB_HOME"):
        Campaign.load(LAB)


def test_a_foreign_file_in_place_of_the_ledger_is_left_alone(private_stores):
    private_stores.mkdir()
    path = private_stores / "ledger.db"
    path.write_text("my notes")
    with pytest.raises(StoreError):
        Campaign.load(LAB)
    assert path.read_text() == "my notes"


def test_a_trial_whose_evaluator_breaks_is_tried_again_and_then_left_failed(campaign):
    class FullDisk:
        def evaluate(self, _design):
            return Evaluation(TrialFailure("equipment", "disk full"))

    with hold_lease(campaign.ledger, campaign.uid) as lease:
        propose_trials(campaign, lease, 1)
        attempts = 0
        while waiting := open_trials(campaign, lease):
            evaluate_trial(campaign.ledger, lease, FullDisk(), waiting[0])
            attempts += 1
    (trial,) = campaign.trials()
    assert (attempts, trial.state) == (3, TrialState.FAILED)
    assert "disk full" in trial.failure.reason
    assert len(campaign.observations()) == 0
