import numpy as np
import pytest

from afssb_opt.lab.cell_results import cell_result
from afssb_opt.lab.checked_series import checked_series
from afssb_opt.lab.cycles import cell_cycles
from afssb_opt.lab.series import RawSeries


def series_of(rows) -> RawSeries:
    names = {
        "time": "test_time_second",
        "voltage": "voltage_volt",
        "current": "current_ampere",
        "step": "step_count",
        "step_time": "step_time_second",
        "cycle": "cycle_count",
    }
    return RawSeries(rows.rename(columns=names)[list(names.values())].astype(float), "test")


def test_constant_current_gives_current_times_time_to_the_last_digit(make):
    rows = make.ideal_records([3.0, 2.4], [2.4, 2.388])
    table = cell_cycles(series_of(rows), 2.0).cycling
    np.testing.assert_allclose(table["charge_capacity_mah_cm2"], [1.5, 1.2], rtol=1e-12)
    np.testing.assert_allclose(table["coulombic_efficiency_pct"], [80.0, 99.5], rtol=1e-12)
    np.testing.assert_allclose(table["mean_charge_voltage_v"], (3.3 + 4.25) / 2, rtol=1e-6)
    assert table["cycle"].tolist() == [1, 2]


def test_the_first_interval_of_a_step_counts_as_far_as_the_step_time_says(make):
    rows = make.ideal_records([3.0], [2.4])
    # A tester that logs first after one interval: the record at the start of each step is missing.
    late = rows[(rows["step_time"] > 0) | (rows["current"] == 0)].reset_index(drop=True)
    table = cell_cycles(series_of(late), 1.0).cycling
    np.testing.assert_allclose(table["coulombic_efficiency_pct"], [80.0], rtol=1e-9)


def test_constant_voltage_steps_are_part_of_the_charge(make):
    rows = make.ideal_records([3.0], [2.4])
    end = rows[rows["step"] == 1].iloc[-1]
    tail = rows[rows["step"] == 1].copy()
    tail["time"] = end["time"] + tail["step_time"] / 10
    tail["step_time"] /= 10
    tail["current"], tail["voltage"], tail["step"] = 0.1e-3, end["voltage"], 1.5
    later = rows[rows["step"] > 1].copy()
    later["time"] += tail["step_time"].iloc[-1]
    import pandas as pd

    joined = pd.concat([rows[rows["step"] == 1], tail, later], ignore_index=True)
    table = cell_cycles(series_of(joined), 1.0).cycling
    assert table["charge_capacity_mah_cm2"].iloc[0] == pytest.approx(3.0 + 0.1 * tail["step_time"].iloc[-1] / 3600)


def test_a_pulse_inside_a_discharge_is_no_cycle(make):
    rows = make.ideal_records([3.0], [2.4], points=41)
    rows = rows.sort_values("time", ignore_index=True)
    inside = rows.index[(rows["current"] < 0)][20]
    rows.loc[inside, ["current", "step"]] = [0.5e-3, 90.0]
    rows.loc[rows.index > inside, "step"] += 100
    rows.loc[inside:, "time"] -= rows.loc[inside, "time"] - rows.loc[inside - 1, "time"] - 5.0
    cycles = cell_cycles(series_of(rows), 1.0)
    assert len(cycles.cycling) == 1


def test_an_interrupted_half_cycle_is_one(make):
    rows = make.ideal_records([3.0, 2.4], [2.4, 2.388])
    middle = rows.index[(rows["step"] == 1)][10]
    rows.loc[middle, "current"] = 0.0
    assert len(cell_cycles(series_of(rows), 1.0).cycling) == 2


def test_a_file_that_stops_in_a_discharge_keeps_that_cycle_out(make):
    rows = make.ideal_records(*make.fading(4))
    last_step = rows["step"].max() - 1
    cut = rows[(rows["step"] < last_step) | ((rows["step"] == last_step) & (rows["step_time"] < 6000))]
    cycles = cell_cycles(series_of(cut.reset_index(drop=True)), 1.0, 3.0)
    assert len(cycles.cycling) == 3
    assert cycles.has_unfinished


def test_the_current_of_the_wrong_sign_is_turned_and_said(make):
    rows = make.ideal_records(*make.fading(3))
    right = cell_cycles(checked_series(series_of(rows)), 1.0).cycling
    turned = checked_series(series_of(rows.assign(current=-rows["current"])))
    assert [finding.rule for finding in turned.findings] == ["series.sign"]
    np.testing.assert_allclose(
        cell_cycles(turned, 1.0).cycling["charge_capacity_mah_cm2"], right["charge_capacity_mah_cm2"]
    )


def test_a_resistance_is_the_voltage_step_over_the_current_step(make):
    rows = make.ideal_records(*make.fading(3))
    # 20 mV at 0.5 mA and 2 cm2 between the last record of charge and the rest one second later.
    table = cell_cycles(series_of(rows), 2.0).cycling
    np.testing.assert_allclose(table["areal_resistance_ohm_cm2"], 0.02 / 0.5e-3 * 2.0, rtol=1e-6)


def test_outcomes_of_a_running_cell_say_what_is_final_and_what_moves(make, spec):
    rows = make.ideal_records(*make.fading(8))
    result = cell_result(checked_series(series_of(rows)), 1.0, make.DESIGN, spec.protocol, spec.outcome_settings)
    assert not result.is_final
    assert result.status["cycle_life"] == "censored"
    assert result.status["initial_ce_pct"] == "ok"
    assert result.status["average_ce_pct"] == "partial"
    assert result.outcomes.values["initial_ce_pct"] == pytest.approx(80.0)
    assert result.outcomes.values["average_ce_pct"] == pytest.approx(99.5)
    assert result.outcomes.values["cycle_life"] == 8
    assert result.outcomes.values["energy_density_wh_l"] > 100


def test_a_seed_of_the_laboratorys_own_has_no_energy_density_and_no_price_and_a_note_says_why(make, spec):
    rows = checked_series(series_of(make.ideal_records(*make.fading(8))))
    known = cell_result(rows, 1.0, make.DESIGN, spec.protocol, spec.outcome_settings)
    own = cell_result(rows, 1.0, {**make.DESIGN, "seed_alloy": "Ag-X"}, spec.protocol, spec.outcome_settings)
    missing = set(known.outcomes.values) - set(own.outcomes.values)
    assert missing == {"energy_density_wh_l", "energy_density_wh_kg", "seed_cost_usd_m2"}
    assert own.outcomes.values["cycle_life"] == known.outcomes.values["cycle_life"]
    (note,) = [finding for finding in own.findings if finding.rule == "cycles.seed"]
    assert "'Ag-X' is not in the alloy table" in note.found
    assert "cycles.seed" not in [finding.rule for finding in known.findings]


def test_a_faded_cell_has_a_life_and_is_final(make, spec):
    rows = make.ideal_records(*make.fading(12, ce=0.95))
    result = cell_result(checked_series(series_of(rows)), 1.0, make.DESIGN, spec.protocol, spec.outcome_settings)
    # Reference is cycle 2; 0.95^n falls below 0.8 at n = 5, five cycles later.
    assert result.outcomes.values["cycle_life"] == 7
    assert result.is_final
    assert not result.outcomes.censored


def test_formation_and_rate_test_cycles_do_not_count_for_life(make, spec):
    import pandas as pd

    charges, discharges = make.fading(10)
    slow = make.ideal_records(charges[:3], discharges[:3], current_ma=0.25)
    fast = make.ideal_records(charges[3:], discharges[3:], current_ma=0.5)
    fast["time"] += slow["time"].iloc[-1]
    fast["step"] += slow["step"].max()
    joined = pd.concat([slow, fast], ignore_index=True)
    result = cell_result(checked_series(series_of(joined)), 1.0, make.DESIGN, spec.protocol, spec.outcome_settings)
    assert result.settings.reference_cycle == 4
    assert result.outcomes.values["initial_ce_pct"] == pytest.approx(80.0)


def test_a_soft_short_is_suspected_on_evidence_and_never_by_efficiency_alone(make, spec):
    charges, discharges = make.fading(8, ce=0.999)
    healthy = cell_result(
        series_of(make.ideal_records(charges, discharges)), 1.0, make.DESIGN, spec.protocol, spec.outcome_settings
    )
    assert healthy.short_signs == ()
    charges[5] *= 1.6
    shorted = cell_result(
        series_of(make.ideal_records(charges, discharges)), 1.0, make.DESIGN, spec.protocol, spec.outcome_settings
    )
    assert any("cycle 6" in sign for sign in shorted.short_signs)
    (finding,) = [f for f in shorted.findings if f.rule == "cycles.soft_short"]
    assert finding.verdict.name == "WARNING"
