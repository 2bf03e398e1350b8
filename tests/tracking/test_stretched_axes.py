"""A value far beyond what is of interest hides no other one, and a curve says which cells it leaves out."""

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.objectives import Objective
from afssb_opt.tracking.data_figures import progress_figures, trade_off_figure
from afssb_opt.tracking.figure_style import worth_showing
from afssb_opt.tracking.model_figures import unmodelled_sentences
from afssb_opt.tracking.progress import in_order_of_end, progress_table


@pytest.mark.parametrize(
    ("objective", "values", "expected"),
    [
        (Objective("cost", "minimize", threshold=5), [0.0, 0.02, 3.3, 609.8, np.nan], [1, 1, 1, 0, 0]),
        (Objective("cost", "minimize", threshold=5), [0.0, 3.3, 6.0], [1, 1, 1]),
        (Objective("cost", "minimize"), [0.0, 0.02, 609.8], [1, 1, 1]),
        (Objective("life", "maximize", threshold=-1), [0.0, 1.0, -100.0], [1, 1, 0]),
        (Objective("cost", "minimize", threshold=5), [7.0, 609.8], [1, 1]),
        (Objective("cost", "minimize", threshold=5), [np.nan], [0]),
    ],
)
def test_an_axis_leaves_out_what_is_of_no_interest_only_where_it_would_take_most_of_it(objective, values, expected):
    assert worth_showing(objective, np.array(values)).tolist() == [bool(flag) for flag in expected]


def three_objectives(make_bench, worst):
    objectives = {
        "cycle_life": {"goal": "maximize", "threshold": 50},
        "energy_density_wh_l": {"goal": "maximize", "threshold": 400},
        "seed_cost_usd_m2": {"goal": "minimize", "threshold": 5},
    }
    bench = make_bench(3, objectives=objectives)
    for trial in bench.propose(6):
        bench.complete(trial, seed_cost_usd_m2=worst if trial.number == 2 else trial.number / 10)
    return bench.spec, in_order_of_end(bench.observations(), bench.trials())


def test_one_gold_cell_does_not_press_all_others_onto_the_axis(make_bench):
    spec, ended = three_objectives(make_bench, worst=609.8)
    cost = progress_figures(spec, ended, progress_table(spec, ended))[2].layout
    assert cost.yaxis.range[1] < 1
    assert [note.text for note in cost.annotations] == ["1 beyond, up to 609.8"]
    scales = [trace.marker for trace in trade_off_figure(spec, ended).data if trace.marker.cmax is not None]
    assert scales
    assert {(scale.cmin, scale.cmax) for scale in scales} == {(0.1, 0.6)}


def test_axes_without_such_a_cell_are_as_plotly_makes_them(make_bench):
    spec, ended = three_objectives(make_bench, worst=0.7)
    cost = progress_figures(spec, ended, progress_table(spec, ended))[2].layout
    assert cost.yaxis.range is None
    assert not cost.annotations


def test_an_outcome_names_the_measured_cells_that_its_curve_leaves_out(bench):
    observations = pd.DataFrame({"label": ["T1", "T2", "T3", "T4"], "cycle_life": [900.0, 3.0, np.nan, 800.0]})
    modelled = pd.DataFrame({"outcome": ["cycle_life"] * 2, "row": [0, 3]})
    (sentence,) = unmodelled_sentences(bench.spec, modelled, observations)
    assert sentence.startswith("Cycle life: 1 of 3 measured cells (T2) broke a pass/fail limit or ")
    everything = pd.DataFrame({"outcome": ["cycle_life"] * 3, "row": [0, 1, 3]})
    assert unmodelled_sentences(bench.spec, everything, observations) == []
