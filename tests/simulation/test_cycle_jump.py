"""Whether skipping cycles gives the life of the cell that ran them all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import simulate_cells

DESIGNS = pd.DataFrame(
    [
        {"seed_alloy": "Ag", "interlayer_thickness_um": 10.0, "stack_pressure_mpa": 4.0, "li3n_wt_pct": 0.0},
        {"seed_alloy": "Mg", "interlayer_thickness_um": 2.0, "stack_pressure_mpa": 1.0, "li3n_wt_pct": 3.0},
        {"seed_alloy": "Sn", "interlayer_thickness_um": 5.0, "stack_pressure_mpa": 2.0, "li3n_wt_pct": 0.0},
        {"seed_alloy": "none", "interlayer_thickness_um": 1.0, "stack_pressure_mpa": 3.0, "li3n_wt_pct": 0.0},
        {"seed_alloy": "Ag", "interlayer_thickness_um": 3.0, "stack_pressure_mpa": 8.0, "li3n_wt_pct": 1.0},
    ]
)
PROTOCOL = Protocol(cycles=800)


def life(table: pd.DataFrame) -> int:
    discharge = table["discharge_capacity_mah_cm2"].to_numpy()
    below = np.flatnonzero(discharge[1:] < 0.8 * discharge[1])
    return int(below[0]) + 1 if len(below) else len(discharge)


def test_jumps_keep_life_end_and_lithium_and_save_work() -> None:
    full = simulate_cells(DESIGNS, PROTOCOL)
    jumped = simulate_cells(DESIGNS, PROTOCOL, fidelity="jump")
    for a, b in zip(full, jumped, strict=True):
        assert life(b.cycling) == pytest.approx(life(a.cycling), rel=0.04, abs=1)
        assert a.stop_reason == b.stop_reason
        assert b.lithium_imbalance_mah_cm2 < 1e-9
        assert b.cycling["cycle"].tolist() == list(range(1, len(b.cycling) + 1))
        # A short leaves its last cycle without a discharge.
        assert b.cycling.iloc[:-1].notna().all(axis=None)
    assert sum(cell.n_steps for cell in full) > 2 * sum(cell.n_steps for cell in jumped)
    # The long-lived cell is where jumps pay.
    assert full[0].n_steps > 6 * jumped[0].n_steps


def test_the_first_cycles_and_the_last_are_simulated_not_interpolated() -> None:
    (full,) = simulate_cells(DESIGNS.iloc[[0]], PROTOCOL)
    (jumped,) = simulate_cells(DESIGNS.iloc[[0]], PROTOCOL, fidelity="jump")
    pd.testing.assert_frame_equal(full.cycling.iloc[:3], jumped.cycling.iloc[:3], check_exact=True)
    last = [cell.cycling["discharge_capacity_mah_cm2"].iloc[-1] for cell in (full, jumped)]
    assert last[1] == pytest.approx(last[0], abs=3e-3)
    assert len(jumped.cycling) == PROTOCOL.cycles


def test_a_jumping_cell_gives_the_same_bits_alone_and_in_a_batch() -> None:
    together = simulate_cells(DESIGNS, PROTOCOL, fidelity="jump")
    for row, cell in enumerate(together):
        (alone,) = simulate_cells(DESIGNS.iloc[[row]], PROTOCOL, fidelity="jump")
        pd.testing.assert_frame_equal(cell.cycling, alone.cycling, check_exact=True)


def test_an_unknown_fidelity_is_refused() -> None:
    with pytest.raises(DesignError, match=r"fidelity: is 'jumps'. Did you mean 'jump'"):
        simulate_cells(DESIGNS, PROTOCOL, fidelity="jumps")
