import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.outcomes import OUTCOMES, OutcomeSettings, compute_outcomes
from afssb_opt.domain.protocol import Protocol

PROTOCOL = Protocol(cycles=100)
DESIGN = {"seed_alloy": "Ag", "interlayer_thickness_um": 5.0, "stack_pressure_mpa": 5.0, "li3n_wt_pct": 0.0}


def table(discharge: list[float], **columns: list[float]) -> pd.DataFrame:
    n = len(discharge)
    charge = np.array(columns.pop("charge_capacity_mah_cm2", [3.0] * n))
    base = {
        "cycle": np.arange(1, n + 1),
        "charge_capacity_mah_cm2": charge,
        "discharge_capacity_mah_cm2": np.array(discharge),
        "coulombic_efficiency_pct": 100.0 * np.array(discharge) / charge,
        "mean_discharge_voltage_v": np.full(n, 3.8),
        "plated_thickness_um": np.full(n, 14.0),
        "areal_resistance_ohm_cm2": np.full(n, 30.0),
        "short_progress": np.zeros(n),
    }
    return as_cycling_table({**base, **{name: np.array(values) for name, values in columns.items()}})


def test_life_is_the_first_cycle_below_80_percent_of_the_second_cycle():
    outcomes = compute_outcomes(DESIGN, PROTOCOL, table([2.7, 2.5, 2.4, 2.1, 1.99, 1.9]))
    assert outcomes.values["cycle_life"] == 5.0
    assert outcomes.censored == frozenset()


def test_one_weak_cycle_among_good_ones_does_not_end_a_life():
    outcomes = compute_outcomes(DESIGN, PROTOCOL, table([2.7, 2.5, 1.0, 2.5, 2.5]))
    assert outcomes.values["cycle_life"] == 5.0
    assert outcomes.censored == {"cycle_life"}


def test_a_living_cell_is_censored_at_its_last_cycle_not_one_later():
    outcomes = compute_outcomes(DESIGN, PROTOCOL, table([2.7] + [2.5] * 22))
    assert (outcomes.values["cycle_life"], outcomes.censored) == (23.0, {"cycle_life"})


def test_a_short_ends_the_life_at_its_cycle():
    outcomes = compute_outcomes(DESIGN, PROTOCOL, table([2.7, 2.5, 2.5], short_progress=[0.1, 0.5, 1.0]))
    assert outcomes.values["short_circuit"] == 1.0
    assert (outcomes.values["cycle_life"], outcomes.censored) == (3.0, frozenset())


def test_a_cell_that_shorts_in_its_first_cycle_has_a_life_of_one():
    outcomes = compute_outcomes(DESIGN, PROTOCOL, table([0.5], short_progress=[1.0]))
    assert outcomes.values["cycle_life"] == 1.0
    assert "energy_density_wh_l" not in outcomes.values


def test_retention_is_read_at_its_cycle_zero_after_a_failure_and_missing_before_it():
    settings = OutcomeSettings(retention_at_cycle=4)
    running = table([2.7, 2.5, 2.4])
    assert "retention_pct" not in compute_outcomes(DESIGN, PROTOCOL, running, settings).values
    reached = table([2.7, 2.5, 2.4, 2.25])
    assert compute_outcomes(DESIGN, PROTOCOL, reached, settings).values["retention_pct"] == pytest.approx(90.0)
    shorted = table([2.7, 2.5, 2.4], short_progress=[0, 0, 1.0])
    assert compute_outcomes(DESIGN, PROTOCOL, shorted, settings).values["retention_pct"] == 0.0


def test_initial_efficiency_of_the_cathode_leaves_the_charge_of_li3n_out():
    cycling = table([2.7, 2.5], charge_capacity_mah_cm2=[3.6, 2.6], li3n_capacity_mah_cm2=[0.6, 0.0])
    values = compute_outcomes({**DESIGN, "li3n_wt_pct": 2.0}, PROTOCOL, cycling).values
    assert values["initial_ce_pct"] == pytest.approx(75.0)
    assert values["initial_ce_cathode_pct"] == pytest.approx(90.0)


def test_unknown_li3n_charge_makes_the_cathode_efficiency_missing_not_wrong():
    values = compute_outcomes({**DESIGN, "li3n_wt_pct": 2.0}, PROTOCOL, table([2.7, 2.5])).values
    assert "initial_ce_cathode_pct" not in values
    assert compute_outcomes(DESIGN, PROTOCOL, table([2.7, 2.5])).values["initial_ce_cathode_pct"] == pytest.approx(90.0)


def test_a_lab_cell_is_suspected_short_when_charge_grows_and_does_not_come_back():
    lab = table([2.7, 2.6, 2.0], charge_capacity_mah_cm2=[3.0, 2.7, 3.4], short_progress=[np.nan] * 3)
    assert compute_outcomes(DESIGN, PROTOCOL, lab).values["short_circuit"] == 1.0
    healthy = table([2.7, 2.6, 2.6], charge_capacity_mah_cm2=[3.0, 2.7, 2.6], short_progress=[np.nan] * 3)
    assert compute_outcomes(DESIGN, PROTOCOL, healthy).values["short_circuit"] == 0.0


def test_an_empty_table_tells_the_seed_cost_and_nothing_about_the_life():
    values = compute_outcomes(DESIGN, PROTOCOL, table([])).values
    assert values["seed_cost_usd_m2"] > 0
    assert "cycle_life" not in values


def test_every_computed_outcome_is_defined():
    values = compute_outcomes(DESIGN, PROTOCOL, table([2.7, 2.5, 2.4])).values
    assert set(values) <= set(OUTCOMES)
    assert all(np.isfinite(value) for value in values.values())
