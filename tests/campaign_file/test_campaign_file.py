import copy
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afssb_opt.campaign_file import compare_definitions, load_protocol, load_spec
from afssb_opt.domain.errors import CampaignFileError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.domain.variables import Categorical, Continuous, Discrete, Fixed

QUICKSTART = Path(__file__).parents[2] / "experiments" / "quickstart.yaml"

GOOD = {
    "name": "mine",
    "space": {
        "seed_alloy": {"levels": ["none", "Ag", "Mg"]},
        "interlayer_thickness_um": {"low": 0.5, "high": 30, "scale": "log"},
        "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log", "shared_per_batch": True},
        "li3n_wt_pct": {"low": 0, "high": 10, "step": 2.5},
    },
    "objectives": {"cycle_life": {"goal": "maximize", "threshold": 100}},
    "constraints": {"initial_ce_pct": {"at_least": 75}},
    "budget": {"trials": 12},
}


def changed(path: str, value: object) -> dict:
    definition = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node = definition
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = value
    return definition


def problems_of(source) -> str:
    with pytest.raises(CampaignFileError) as caught:
        load_spec(source)
    return str(caught.value)


def test_the_quickstart_states_what_its_issue_asks_for():
    spec = load_spec(QUICKSTART)
    assert [v.name for v in spec.space.categorical] == ["seed_alloy"]
    assert len(spec.space["seed_alloy"].levels) >= 10
    assert spec.space["seed_alloy"].descriptor_names
    assert (spec.budget.trials, spec.batch_size) == (40, 4)
    assert {o.outcome: o.goal for o in spec.objectives} == {
        "cycle_life": "maximize",
        "energy_density_wh_l": "maximize",
        "seed_cost_usd_m2": "minimize",
    }


def test_each_kind_of_variable_is_read():
    space = load_spec(changed("space.cathode_x", {"fixed": 3}) | {"evaluator": "lab"}).space
    assert isinstance(space["seed_alloy"], Categorical)
    assert isinstance(space["interlayer_thickness_um"], Continuous)
    assert space["li3n_wt_pct"] == Discrete("li3n_wt_pct", (0.0, 2.5, 5.0, 7.5, 10.0))
    assert space["cathode_x"] == Fixed("cathode_x", 3.0)
    assert space.shared_names == ("stack_pressure_mpa",)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("space.seed_alloy", {"levels": ["Agg", "Mg"]}, "Did you mean 'Ag'"),
        ("space.seed_alloy", {"levels": ["Ag"]}, "at least two different levels"),
        ("space.seed_alloy", {"levels": [1, 2]}, "not text"),
        ("space.interlayer_thickness_um", {"low": 30, "high": 0.5}, "Swap them"),
        ("space.interlayer_thickness_um", {"low": 500, "high": 30000}, "nm is divided by 1000"),
        ("space.stack_pressure_mpa", {"low": 500, "high": 50000}, "kPa / 1000"),
        ("space.stack_pressure_mpa", {"low": 0, "high": 5, "scale": "log"}, "log scale"),
        ("space.stack_pressure_mpa", {"low": 5, "high": 5}, "{fixed: 5}"),
        ("space.stack_pressure_mpa", 5, "{low, high}"),
        ("space.stack_presure_mpa", {"low": 1, "high": 5}, "Did you mean 'stack_pressure_mpa'"),
        ("space.li3n_wt_pct", {"low": 0, "high": 10, "step": 50}, "It makes 2 to"),
        ("objectives.cycle_lif", {"goal": "maximize"}, "Did you mean 'cycle_life'"),
        ("objectives.cycle_life", {"goal": "maximise"}, "'maximize', 'minimize' or 'target'"),
        ("objectives.cycle_life", {"goal": "target"}, "goal: target"),
        ("objectives.cycle_life.ideal", 500, "Write 'combine: desirability' beside objectives, or remove it"),
        ("objectives.cycle_life.weight", 2, "matters only where the objectives are combined to one score"),
        ("combine", "desirability", "has no ideal. Give the value from which on more is not worth more"),
        ("combine", "product", "It should be 'desirability'"),
        ("objectives.stack_pressure_mpa", {"goal": "minimize"}, "is a design variable"),
        ("constraints.initial_ce_pct", {}, "neither at_least nor at_most"),
        ("constraints.initial_ce_pct", {"at_least": "75"}, "valid number"),
        ("constraints.initial_ce_pct", {"at_least": 75, "at_most": 50}, "Swap them"),
        ("protocol.temperature_c", 333.15, "less than or equal to 120"),
        ("protocol.upper_voltage_v", 2.0, "not below upper_voltage_v"),
        ("evaluator", "simulaton", "Did you mean 'simulation'"),
        ("evaluator", {"python": "no colon"}, "evaluator.python"),
        ("batch_siz", 4, "Did you mean 'batch_size'"),
        ("budget", {"trials": "forty"}, "valid integer"),
        ("budget", {}, "Add 'trials'"),
        ("name", "", "at least 1 character"),
        ("design_constraints", [{"sum": {"seed_alloy": 1}, "at_most": 2}], "not a numeric variable"),
        ("design_constraints", [{"exclude": {"seed_alloy": ["Au"]}}], "Levels: none, Ag, Mg"),
        ("design_constraints", [{"sum": {"li3n_wt_pct": 1}}], "neither at_least nor at_most"),
    ],
)
def test_each_mistake_is_named_with_its_remedy(path, value, words):
    assert words in problems_of(changed(path, value))


def combined():
    wishes = {"cycle_life": {"goal": "maximize", "threshold": 100, "ideal": 300},
              "initial_ce_pct": {"goal": "maximize", "threshold": 60, "ideal": 90}}  # fmt: skip
    return load_spec(GOOD | {"objectives": wishes, "constraints": {}, "combine": "desirability"})


def test_a_score_of_lower_limits_is_a_lower_limit_unless_nothing_more_is_wanted():
    spec = combined()
    table = pd.DataFrame({"cycle_life": [200.0, 200.0, 400.0], "cycle_life_censored": [True, False, True],
                          "initial_ce_pct": [75.0, 75.0, 95.0]})  # fmt: skip
    scored = spec.scored(table)
    assert scored["desirability"].tolist() == pytest.approx([0.5, 0.5, 1.0])
    assert scored["desirability_censored"].tolist() == [True, False, False]
    for _, row in scored.iterrows():
        censored = frozenset({"cycle_life"} if row["cycle_life_censored"] else ())
        result = TrialResult({name: row[name] for name in ("cycle_life", "initial_ce_pct")}, censored=censored)
        told = spec.scored_result(result)
        assert told.outcomes["desirability"] == pytest.approx(row["desirability"])
        assert ("desirability" in told.censored) == row["desirability_censored"]
    assert spec.scored_result(TrialResult({"cycle_life": 200.0})).outcomes == {"cycle_life": 200.0}
    assert load_spec(GOOD).scored(table) is table


def test_all_problems_of_a_file_are_reported_at_once_with_their_lines(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "name: bad\nspace:\n  seed_alloy: {levels: [none, Agg]}\n"
        "  stack_pressure_mpa: {low: 9, high: 1}\nobjectives:\n  cycle_lif: {goal: maximize}\nbudgt: {trials: 4}\n"
    )
    text = problems_of(path)
    assert "5 problems" in text
    for line in ("line 3", "line 4", "line 6", "line 7", "budget: is missing"):
        assert line in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: 1\na: 2\n", "line 2, file: duplicate key"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("- 1\n", "top level"),
        ("a: [1\n", "not valid YAML"),
        ("", "top level"),
        ("a: !!python/object:os.system x\n", "problem"),
    ],
)
def test_unsafe_or_broken_yaml_is_refused(tmp_path, content, words):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    assert words in problems_of(path)


def test_a_file_that_is_missing_binary_or_huge_is_refused(tmp_path):
    assert "cannot be read" in problems_of(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    assert "UTF-8" in problems_of(tmp_path / "binary.yaml")
    (tmp_path / "huge.yaml").write_text("#" * 1_000_001)
    assert "at most" in problems_of(tmp_path / "huge.yaml")


def test_yaml_scalars_follow_version_1_2(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "name: no\nquestion: 12:30:00\nseed: 017\nspace:\n  x: {low: 1e-3, high: 1}\n  on: {levels: [on, off]}\n"
        "objectives: {y: {goal: minimize}}\nevaluator: {python: 'm:f'}\nbudget: {trials: 2}\n"
    )
    spec = load_spec(path)
    assert (spec.name, spec.question, spec.seed) == ("no", "12:30:00", 17)
    assert spec.space["x"].low == 0.001
    assert spec.space["on"].levels == ("on", "off")


def test_a_general_campaign_needs_no_battery_words():
    spec = load_spec(
        {
            "name": "mixing",
            "space": {
                "solvent": {"levels": {"a": {"polarity": 0.2}, "b": {"polarity": 0.7}}},
                "additive": {"levels": ["x", "y", "z"]},
                "speed_rpm": {"values": [100, 200, 400]},
            },
            "objectives": {"viscosity_mpa_s": {"goal": "target", "value": 2.0}},
            "evaluator": {"python": "plant:measure"},
            "budget": {"trials": 8},
        }
    )
    assert spec.space["solvent"].descriptor_names == ("polarity",)
    assert spec.space["additive"].descriptor_names == ()
    assert spec.evaluator.target == "plant:measure"


def test_levels_with_unequal_descriptors_are_refused():
    definition = changed("space.solvent", {"levels": {"a": {"p": 1, "q": 2}, "b": {"p": 1}}}) | {"evaluator": "lab"}
    assert "lacks the descriptors q" in problems_of(definition)


def test_the_hash_follows_the_meaning_not_the_layout(tmp_path):
    spec = load_spec(GOOD)
    spelled_out = changed("protocol.cycles", 500) | {"batch_size": 4, "seed": 0}
    assert load_spec(spelled_out).sha256 == spec.sha256
    assert load_spec(changed("space.interlayer_thickness_um.high", 30.0)).sha256 == spec.sha256
    assert load_spec(changed("seed", 1)).sha256 != spec.sha256


@pytest.mark.parametrize(
    ("path", "value", "is_allowed"),
    [
        ("budget.trials", 20, True),
        ("objectives.energy_density_wh_l", {"goal": "maximize"}, True),
        ("space.seed_alloy", {"levels": ["none", "Ag", "Mg", "Zn"]}, True),
        ("space.interlayer_thickness_um.high", 60, True),
        ("protocol.cycles", 900, True),
        ("protocol.temperature_c", 25, False),
        ("space.other", {"low": 0, "high": 1}, False),
        ("evaluator", "lab", False),
    ],
)
def test_a_change_of_the_file_is_judged_by_what_recorded_trials_can_follow(path, value, is_allowed):
    before = load_spec(GOOD).definition
    after = load_spec(changed(path, value) | ({"evaluator": "lab"} if "other" in path else {})).definition
    changes = [change for change in compare_definitions(before, after) if change.path.startswith(path.split(".")[0])]
    assert changes
    assert all(change.is_allowed == is_allowed for change in changes)


def test_a_removed_variable_is_refused_and_an_equal_file_changes_nothing():
    before = load_spec(GOOD).definition
    smaller = copy.deepcopy(GOOD)
    del smaller["space"]["li3n_wt_pct"]
    (change,) = compare_definitions(before, load_spec(smaller).definition)
    assert (change.path, change.is_allowed) == ("space.li3n_wt_pct", False)
    assert compare_definitions(before, load_spec(GOOD).definition) == []


def test_a_protocol_is_read_alone_or_out_of_a_campaign_file(tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text("temperature_c: 25\n")
    assert load_protocol(path).temperature_c == 25
    assert load_protocol(QUICKSTART).cycles == 3000


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from([*GOOD, "protocol", "evaluator", "design_constraints", "x"]), value=json_like)
def test_no_content_whatever_makes_the_reader_crash(key, value):
    problems = None
    try:
        load_spec({**GOOD, key: value})
    except CampaignFileError as error:
        problems = error.problems
    assert problems is None or problems
