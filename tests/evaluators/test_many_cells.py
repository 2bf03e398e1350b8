from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.protocol import Protocol
from afssb_opt.evaluators import simulate
from afssb_opt.evaluators.many_cells import simulate_many

CYCLES = 20


def designs(n: int) -> pd.DataFrame:
    draw = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "seed_alloy": draw.choice(["none", "Ag", "Mg"], n),
            "interlayer_thickness_um": draw.uniform(0.5, 30.0, n),
            "stack_pressure_mpa": draw.uniform(0.5, 30.0, n),
        },
        index=range(100, 100 + n),
    )


def test_the_number_of_processes_changes_neither_a_bit_nor_the_order():
    table, done = designs(600), []
    protocol = Protocol(cycles=CYCLES)
    on_one = simulate_many(table, protocol, n_processes=1)
    on_two = simulate_many(table, protocol, n_processes=2, on_progress=done.append)
    pd.testing.assert_frame_equal(on_two, on_one, check_exact=True)
    pd.testing.assert_frame_equal(on_two, simulate(table, protocol).outcomes, check_exact=True)
    assert sum(done) == len(table)


def test_all_bad_designs_are_named_before_any_is_simulated():
    table = designs(600)
    table.iloc[3, 2] = 5000.0
    table.iloc[599, 0] = "Unobtainium"
    with pytest.raises(DesignError, match="Unobtainium") as caught:
        simulate_many(table, Protocol(cycles=CYCLES))
    assert sorted(problem.where for problem in caught.value.problems) == [
        "row 3, stack_pressure_mpa",
        "row 599, seed_alloy",
    ]
