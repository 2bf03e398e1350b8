"""How many cycles of a slowly changing cell may be skipped, and where it stands behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from afssb_opt.simulation.model import DEAD, DELAMINATED, N_LITHIUM, N_STATES, SEI, SHORT, TRAPPED, VOID
from afssb_opt.simulation.stepping import Y

# A jump is at most this many times the last one, and uses up at most this share of what runs out.
_JUMP_GROWTH = 2
_JUMP_SHARE = 0.25
# Sizes against which the bend of a state over a jump is judged, in the order of `STATES`; lithium counts against the
# cathode capacity, resistance and pressure against 100 ohm cm2 and 20 MPa.
_JUMP_SCALES = np.array([1.0] * N_LITHIUM + [1.0, 1.0, 1.0, 100.0, 1.0, 20.0])
# A change per cycle below this share of the size is nothing: the last of the Li3N fades for ever.
_JUMP_NOTHING = 1e-9
# Largest lithium loss over a jump in jump tolerances of the capacity: the fade between is a straight line.
_JUMP_LOSS = 10.0


@njit(error_model="numpy")
def jump_cycles(
    b: Any, lanes: int, lane: int, before: Any, slope: Any, bend: Any, is_first: bool, last: int, left: int,
    capacity: float, tolerance: float,
) -> int:  # fmt: skip
    """Move the state at the end of a cycle over several cycles and return how many.

    Every slow state goes on by its change over the last cycle and the change of that since the last jump; both sum to
    zero over the lithium, so that none is lost. The voids, which forget a cycle within the next, stay.

    Args:
        before: `(N_STATES,)` state one cycle ago.
        slope: `(N_STATES,)` change per cycle at the last jump; receives the present one.
        bend: `(N_STATES,)` receives the change of that per cycle.
        last: Length of the last jump with the cycles simulated since.
        left: Cycles that may be skipped at most.
    """
    n = min(float(left), float(_JUMP_GROWTH * last))
    lost = 0.0
    for s in range(N_STATES):
        now = b[(Y + s) * lanes + lane]
        change = now - before[s]
        bend[s] = 0.0 if is_first else (change - slope[s]) / last
        slope[s] = change
        if s == VOID:
            continue
        scale = _JUMP_SCALES[s] * capacity if s < N_LITHIUM else _JUMP_SCALES[s]
        n = min(n, np.sqrt(2.0 * tolerance * scale / (abs(bend[s]) + 1e-30)))
        runs_out = 1.0 - now if s in (SHORT, DELAMINATED) else now
        falling = change if s in (SHORT, DELAMINATED) else -change
        if falling > _JUMP_NOTHING * scale:
            n = min(n, _JUMP_SHARE * max(runs_out, 0.0) / falling)
        if s in (DEAD, SEI, TRAPPED):
            lost += max(change, 0.0)
    n = min(n, _JUMP_LOSS * tolerance * capacity / (lost + 1e-30))
    n_skipped = 0 if is_first else int(n)
    for s in range(N_STATES):
        if s != VOID:
            b[(Y + s) * lanes + lane] += n_skipped * slope[s] + 0.5 * n_skipped * n_skipped * bend[s]
    return n_skipped
