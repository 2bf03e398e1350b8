"""Best so far and hypervolume against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.tracking.progress import best_rows, in_order_of_end, progress_table


def spec_with(objectives: dict[str, object], constraints: dict[str, object] | None = None):
    return load_spec({"name": "p", "space": {"x": {"low": 0, "high": 1}}, "evaluator": "lab", "objectives": objectives,
                      "constraints": constraints or {}, "budget": {"trials": 9}})  # fmt: skip


def test_the_best_so_far_follows_the_goal_and_ignores_cells_that_break_a_limit():
    spec = spec_with({"gain": {"goal": "maximize"}}, {"heat": {"at_most": 10}})
    table = pd.DataFrame({"gain": [1.0, 9.0, np.nan, 3.0, 2.0], "heat": [5.0, 11.0, 5.0, 5.0, np.nan],
                          "status": ["completed", "completed", "failed", "partial", "completed"]})  # fmt: skip
    progress = progress_table(spec, table)
    assert progress["best_gain"].tolist() == [1.0, 1.0, 1.0, 3.0, 3.0]
    assert progress["n_completed"].tolist() == [1, 2, 2, 2, 3]
    assert progress["n_failed"].tolist() == [0, 0, 1, 1, 1]
    assert "hypervolume" not in progress


def test_the_best_so_far_of_a_minimum_and_of_a_target_is_given_in_the_outcomes_own_unit():
    table = pd.DataFrame({"cost": [5.0, 4.0, 6.0], "width": [1.0, 3.5, 2.5]})
    assert progress_table(spec_with({"cost": {"goal": "minimize"}}), table)["best_cost"].tolist() == [5.0, 4.0, 4.0]
    aimed = progress_table(spec_with({"width": {"goal": "target", "value": 2.0}}), table)
    assert aimed["best_width"].tolist() == [1.0, 1.0, 2.5]


def test_the_hypervolume_is_the_area_above_the_thresholds():
    spec = spec_with({"a": {"goal": "maximize", "threshold": 0}, "b": {"goal": "minimize", "threshold": 10}})
    table = pd.DataFrame({"a": [2.0, 1.0, 4.0, -1.0], "b": [8.0, 5.0, 9.0, 1.0]})
    # (2, 2) covers 4; (1, 5) adds 3; (4, 1) adds 2; the last is not better than the threshold of a.
    assert progress_table(spec, table)["hypervolume"].tolist() == pytest.approx([4.0, 7.0, 9.0, 9.0])
    assert "hypervolume" not in progress_table(spec, table, has_hypervolume=False)


def test_no_observations_give_an_empty_table_with_the_same_columns():
    spec = spec_with({"a": {"goal": "maximize"}, "b": {"goal": "maximize"}})
    progress = progress_table(spec, pd.DataFrame())
    assert progress.empty
    assert {"trials", "best_a", "best_b", "hypervolume"} <= set(progress.columns)
    assert best_rows(spec, pd.DataFrame()).tolist() == []


def test_an_outcome_that_nobody_measured_has_no_best():
    progress = progress_table(spec_with({"a": {"goal": "maximize"}}), pd.DataFrame({"b": [1.0, 2.0]}))
    assert progress["best_a"].isna().all()


def test_observations_come_in_the_order_in_which_their_trials_ended(bench):
    bench.propose(3)
    first, second, third = bench.trials()
    bench.report_partial(second)
    bench.complete(third)
    bench.complete(first)
    ordered = in_order_of_end(bench.observations(), bench.trials())
    assert ordered["trial_uid"].tolist() == [third.uid, first.uid, second.uid]
    pd.testing.assert_frame_equal(bench.ledger.observations(bench.record.uid, by_end=True), ordered)
