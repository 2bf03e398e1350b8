"""Are proposals explained from what was known then, and do stop rules stop with a word?"""

import copy
import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from afssb_opt import Campaign
from afssb_opt.campaign.prior import simulated_prior
from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.explain import explain
from afssb_opt.cli.progress import live_progress
from afssb_opt.cli.propose import propose
from afssb_opt.cli.show import status
from afssb_opt.domain.errors import CampaignFileError, InputError

LAB = {
    "name": "lab",
    "seed": 4,
    "space": {
        "seed_alloy": {"levels": ["none", "Ag", "Mg"]},
        "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log"},
    },
    "objectives": {"cycle_life": {"goal": "maximize", "threshold": 10}},
    "constraints": {"initial_ce_pct": {"at_least": 70}},
    "evaluator": "lab",
    "initial_trials": 4,
    "batch_size": 3,
    "budget": {"trials": 30},
}


def changed(**keys: object) -> dict[str, object]:
    return copy.deepcopy(LAB) | keys


def answer(campaign: Campaign, designs: pd.DataFrame) -> None:
    pressure = np.log(designs["stack_pressure_mpa"].astype(float))
    bonus = designs["seed_alloy"].map({"none": 0.0, "Ag": 30.0, "Mg": 60.0}).astype(float)
    table = designs[["trial"]].assign(cycle_life=100 + bonus - 10 * (pressure - 1.5) ** 2, initial_ce_pct=80 - pressure)
    campaign.record(table)


def advance(campaign: Campaign, n_rounds: int) -> pd.DataFrame:
    for _ in range(n_rounds):
        designs = campaign.propose()
        answer(campaign, designs)
    return designs


def test_one_best_cell_is_found_named_and_explained_where_objectives_are_combined(tmp_path, capsys):
    wishes = {
        "cycle_life": {"goal": "maximize", "threshold": 10, "ideal": 200},
        "initial_ce_pct": {"goal": "maximize", "threshold": 70, "ideal": 85},
    }
    file = changed(objectives=wishes, constraints={}, combine="desirability")
    with Campaign.load(file) as campaign:
        advance(campaign, 3)
        observations, best = campaign.observations(), campaign.best()
        assert len(best) == 1
        assert best["desirability"].iloc[0] == observations["desirability"].max() > 0.6
        told = campaign.explain(campaign.trials()[-1].label)
        assert told.is_reproduced
        assert "expected desirability" in told.reason
        assert told.measured["desirability"] == pytest.approx(observations["desirability"].iloc[-1])
        # Recorded results are scored anew when the wishes change; what was known then stays as it was.
        heavier = copy.deepcopy(file)
        heavier["objectives"]["initial_ce_pct"]["weight"] = 5
    with Campaign.load(heavier) as campaign:
        assert [change.meaning for change in campaign.changes] == ["recorded results are scored anew"]
        assert (campaign.observations()["desirability"] != observations["desirability"]).all()
        again = campaign.explain(campaign.trials()[-1].label)
        assert again.is_reproduced
        assert again.explanation == told.explanation
    plain = {key: value for key, value in heavier.items() if key != "combine"}
    plain["objectives"] = {name: {"goal": "maximize", "threshold": 10} for name in wishes}
    with Campaign.load(plain) as campaign:
        assert "desirability" not in campaign.observations()


def test_progress_tells_of_the_best_cell_where_one_is_wanted_and_of_the_best_of_each_otherwise():
    wishes = {
        "cycle_life": {"goal": "maximize", "threshold": 10, "ideal": 210},
        "initial_ce_pct": {"goal": "maximize", "threshold": 70, "ideal": 90},
    }
    told = {}
    for name, keys in (("one", {"combine": "desirability"}), ("several", {})):
        plain = {key: {"goal": "maximize", "threshold": wish["threshold"]} for key, wish in wishes.items()}
        file = changed(name=name, objectives=wishes if keys else plain, constraints={}, **keys)
        console = Console(file=StringIO(), width=300)
        with Campaign.load(file) as campaign, live_progress(campaign, console, is_quiet=False):
            labels = campaign.propose(3)["trial"]
            campaign.record(
                pd.DataFrame({"trial": labels, "cycle_life": [210, 110, 12], "initial_ce_pct": [71, 80, 90]})
            )
        told[name] = console.file.getvalue()
    assert "desirability 0.5, cycle life 110 cycles, initial Coulombic efficiency 80 %" in told["one"]
    assert "best so far: cycle life 210 cycles, initial Coulombic efficiency 90 %" in told["several"]


def test_an_explanation_stays_the_same_to_the_last_digit_whatever_happens_later():
    file = changed()
    # Not in the order of the alphabet, in which the ledger keeps them: proposals depend on the order.
    file["space"]["interlayer_thickness_um"] = {"low": 1, "high": 30}
    with Campaign.load(file) as campaign:
        advance(campaign, 2)
        designs = campaign.propose()
        labels = list(designs["trial"])
        then = [campaign.explain(label).to_dict() for label in labels]
        answer(campaign, designs)
        campaign.ledger.mark(campaign.trials()[0].uid, "exclude", reason="leaky", actor="me")
        advance(campaign, 1)
    later_file = copy.deepcopy(file) | {"seed": 9}
    later_file["space"]["stack_pressure_mpa"]["high"] = 20
    with Campaign.load(later_file) as campaign:
        now = [campaign.explain(label).to_dict() for label in labels]
        stored = {trial.label: trial.reason for trial in campaign.trials()}
    for before, after in zip(then, now, strict=True):
        assert after["is_reproduced"]
        assert after["reason"] == stored[after["trial"]]
        assert set(after.pop("measured")) == {"cycle_life", "initial_ce_pct"}
        assert before.pop("measured") == {}
        assert (before.pop("state"), after.pop("state")) == ("proposed", "completed")
        assert after == before


def test_afssb_explain_prints_prediction_drivers_and_nearest_cells(tmp_path, capsys):
    path = tmp_path / "lab.yaml"
    path.write_text(json.dumps(LAB))
    with Campaign.load(path) as campaign:
        label = advance(campaign, 3)["trial"].iloc[0]
        known = campaign.explain(label)
    explain(path, label, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["forecasts"][0]["mean"] == known.explanation.forecasts[0].mean
    assert printed["gain"]["total"] == pytest.approx(printed["gain"]["exploit"] + printed["gain"]["explore"])
    explain(path, label, as_json=False)
    text = capsys.readouterr().out
    for part in (f"Trial {label}", "Expected gain", "Chance to be allowed", "they add up", known.near[0].trial):
        assert part in text
    with pytest.raises(InputError, match="is not a trial of this campaign"):
        explain(path, "T9999-X", as_json=False)


def test_a_stop_rule_ends_the_campaign_with_a_word_and_a_result_opens_it_again():
    with Campaign.load(changed(stop_when={"gain_below_scatter": 100.0, "after_trials": 6})) as campaign:
        designs = campaign.propose()
        answer(campaign, designs)
        waiting = campaign.propose()
        assert campaign.stop_reason() is None
        with pytest.raises(InputError, match=r"below the 100 of stop_when.*Change or remove stop_when"):
            campaign.propose()
        assert "times the cell-to-cell scatter, below the 100 of stop_when" in campaign.stop_reason()
        assert len(campaign.trials()) == 6
        (note,) = [event for event in campaign.ledger.events(campaign.uid) if event.kind == "stop_rule"]
        assert note.payload["advice"]["ratio"] < 100
        answer(campaign, waiting)
        assert campaign.stop_reason() is None
    with Campaign.load(changed()) as campaign:
        assert len(campaign.propose()) == 3


def test_status_says_what_the_last_batch_was_expected_to_gain_and_on_demand_the_next(tmp_path, capsys):
    path = tmp_path / "lab.yaml"
    path.write_text(json.dumps(LAB))
    with Campaign.load(path) as campaign:
        advance(campaign, 3)
        advice = campaign.trials()[-1].provenance["advice"]
    status(path, as_json=True)
    assert json.loads(capsys.readouterr().out)["advice"] == {**advice, "round": 3}
    status(path, as_json=False, advice=True)
    assert "the next 3 cells are expected to gain" in capsys.readouterr().out


def test_proposals_keep_to_fixed_values_and_lists_and_say_so(tmp_path, capsys):
    path, listed = tmp_path / "lab.yaml", tmp_path / "stock.csv"
    path.write_text(json.dumps(LAB))
    listed.write_text("lot,seed_alloy,stack_pressure_mpa\n7,none,3.14159\n8,Mg,2.71828\n")
    propose(path, 2, tmp_path, ["seed_alloy=Ag"], None, as_json=True)
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert [cell["seed_alloy"] for cell in cells] == ["Ag", "Ag"]
    assert all(cell["reason"].endswith("(seed_alloy Ag as asked)") for cell in cells)
    propose(path, 1, tmp_path, [], listed, as_json=True)
    (cell,) = [cell for cell in json.loads(capsys.readouterr().out)["cells"] if cell["is_new"]]
    assert cell["stack_pressure_mpa"] in (3.14159, 2.71828)
    assert cell["reason"].endswith("(out of a list of 2)")
    with Campaign.load(path) as campaign:
        assert all(campaign.explain(trial.label).is_reproduced for trial in campaign.trials())
    with pytest.raises(InputError, match="Did you mean 'Ag'"):
        propose(path, 1, tmp_path, ["seed_alloy=Agg"], None, as_json=True)
    with pytest.raises(InputError, match=r"--fix seed_alloy: is not NAME=VALUE"):
        propose(path, 1, tmp_path, ["seed_alloy"], None, as_json=True)


def test_prior_data_from_a_table_are_kept_in_the_ledger_as_they_were_used(tmp_path):
    rng = np.random.default_rng(0)
    known = pd.DataFrame(
        {"seed_alloy": rng.choice(["none", "Ag", "Mg"], 20), "stack_pressure_mpa": rng.uniform(1, 40, 20)}
    )
    known["cycle_life"] = 50.0 + known["seed_alloy"].map({"none": 0, "Ag": 20, "Mg": 40}).astype(float)
    known.to_csv(tmp_path / "before.csv", index=False)
    path = tmp_path / "lab.yaml"
    path.write_text(json.dumps(changed(prior_data="before.csv")))
    with Campaign.load(path) as campaign:
        first = campaign.propose()
        assert first["reason"].str.startswith("as the prior data suggest").sum() == 2
        answer(campaign, first)
        label = campaign.propose()["trial"].iloc[0]
    (tmp_path / "before.csv").write_text(known.assign(cycle_life=-known["cycle_life"]).to_csv(index=False))
    with Campaign.load(path) as campaign:
        assert campaign.explain(label).is_reproduced
        campaign.propose()
        notes = [event for event in campaign.ledger.events(campaign.uid) if event.kind == "prior_data"]
    assert len(notes) == 2
    assert [row["cycle_life"] for row in notes[0].payload["rows"]] == list(known["cycle_life"])


def test_prior_data_from_the_simulation_cover_the_space_under_the_campaigns_protocol():
    spec = load_spec(changed(prior_data="simulation", protocol={"cycles": 5}))
    table = simulated_prior(spec)
    assert len(table) == 100
    assert set(table["seed_alloy"]) == {"none", "Ag", "Mg"}
    assert table["cycle_life"].notna().all()
    assert spec.space.problems(table[list(spec.space.names)]) == []


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"prior_data": "nowhere.csv"}, r"prior_data: names no file \(nowhere.csv\)"),
        ({"prior_data": "simulation", "evaluator": "simulation"}, "which evaluates the campaign anyway"),
        ({"stop_when": {"gain_below_scatter": 0}}, "greater than 0"),
        ({"stop_when": {"gain_below": 1}}, "is not a setting that exists"),
    ],
)
def test_wrong_prior_data_and_stop_rules_are_named(keys, problem):
    with pytest.raises(CampaignFileError, match=problem):
        load_spec(changed(**keys))
