from __future__ import annotations

import sys
from pathlib import Path

import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.evaluators import _settings, make_evaluator

pytest.importorskip("pybamm", reason="needs the extra 'pybamm'")

EXAMPLE = Path(__file__).parents[2] / "experiments" / "pybamm_model.yaml"
CELL = """
import pybamm

def cell(design, protocol):
    steps = ("Charge at 1C until 4.2 V", "Discharge at 1C until 2.5 V")
    if design["what"] == "too much":
        steps = ("Charge at 1C until 4.2 V", "Discharge at 80C for 1 hour")
    if design["what"] == "no model":
        return None
    return {
        "model": pybamm.lithium_ion.SPM(),
        "parameter_values": pybamm.ParameterValues("Chen2020"),
        "experiment": pybamm.Experiment([steps] * 3),
        "solve": {"initial_soc": 0.0},
    }

def outcomes(solution, design, protocol):
    charge = solution.cycles[0].steps[0]
    passed = charge["Discharge capacity [A.h]"].entries
    return {"charge_mah_cm2": 1e3 * float(passed[0] - passed[-1]) / (0.065 * 1.58 * 1e4), "retention_pct": 99.0}
"""


def definition(**evaluator):
    return {
        "name": "a",
        "space": {"what": {"levels": ["cell", "too much", "no model"]}, "particle_um": {"low": 4, "high": 8}},
        "objectives": {"retention_pct": {"goal": "maximize", "at_cycle": 3}},
        "evaluator": {"pybamm": "own_cell:cell", "timeout_min": 2, **evaluator},
        "budget": {"trials": 1},
    }


LINK = {"particle_um": {"parameter": "Negative particle radius [m]", "factor": 1e-6}}


@pytest.fixture
def own_cell(tmp_path, monkeypatch):
    """Return what opens the worker of a campaign in this process; the child process has its own tests."""
    worker = pytest.importorskip("afssb_opt.evaluators.pybamm_model")
    (tmp_path / "own_cell.py").write_text(CELL)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield lambda **evaluator: worker.open_worker(_settings(load_spec(definition(**evaluator), folder=str(tmp_path))))
    sys.modules.pop("own_cell", None)


def test_standard_outcomes_are_read_off_the_cycles_of_a_users_model(own_cell):
    by_cycles = own_cell(parameters=LINK)
    done = by_cycles({"what": "cell", "particle_um": 5.0})
    outcomes, cycling = done["result"]["outcomes"], done["cycling"]
    assert done["result"]["censored"] == ["cycle_life"]
    assert outcomes["cycle_life"] == 3
    # Without ageing every cycle gives back what it took.
    assert outcomes["retention_pct"] == pytest.approx(100.0, abs=0.05)
    assert outcomes["average_ce_pct"] == pytest.approx(100.0, abs=0.05)
    assert cycling["mean_charge_voltage_v"][1] > cycling["mean_discharge_voltage_v"][1] + 0.02
    # PyBaMM's own count of the charge that passed.
    counted = own_cell(parameters=LINK, outcomes="own_cell:outcomes")({"what": "cell", "particle_um": 5.0})
    assert cycling["charge_capacity_mah_cm2"][0] == pytest.approx(
        counted["result"]["outcomes"]["charge_mah_cm2"], rel=1e-3
    )
    # Lithium diffuses longer in larger particles, so less of it is reached: the variable does set the parameter.
    coarse = by_cycles({"what": "cell", "particle_um": 8.0})["cycling"]
    assert coarse["discharge_capacity_mah_cm2"][1] < 0.99 * cycling["discharge_capacity_mah_cm2"][1]


@pytest.mark.parametrize(
    ("what", "link", "words"),
    [
        ("too much", LINK, "stopped in cycle 1 of 3"),
        ("no model", LINK, "must return a dictionary"),
        (
            "cell",
            {"particle_um": {"parameter": "Negative particle radios [m]"}},
            "Did you mean 'Negative particle radius [m]'",
        ),
    ],
)
def test_what_a_users_model_does_wrong_fails_with_its_reason(own_cell, what, link, words):
    failure = own_cell(parameters=link)({"what": what, "particle_um": 5.0})["failure"]
    assert failure["kind"] == "equipment"
    assert words in failure["reason"]


def test_the_example_evaluates_one_of_its_designs():
    evaluator = make_evaluator(load_spec(EXAMPLE))
    try:
        design = {"negative_electrode_um": 80, "positive_electrode_um": 70, "separator": "thin", "charge_c_rate": 1}
        outcomes = evaluator.evaluate(design).result.outcomes
    finally:
        evaluator.close()
    # At most the hour of a full charge, and Chen's cell has 85.2, 75.6 and 12 um with about 5 A.h and 3.6 V.
    assert 30 < outcomes["charge_time_min"] < 60
    assert 500 < outcomes["layer_energy_wh_l"] < 900
