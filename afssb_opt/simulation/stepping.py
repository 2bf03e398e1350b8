"""How one adaptive step of many cells is taken: the Rosenbrock method and its dense output.

ROS34PW2 (Rang and Angermann 2005, doi 10.1007/s10543-005-0035-y): a W-method of order 3 with an embedded order 2,
which keeps its order with any Jacobian. Only the void fraction is stiff, so the Jacobian is that one number and
everything else is explicit. Linear invariants such as the sum of lithium are kept to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from afssb_opt.simulation.elementary import exp, log
from afssb_opt.simulation.model import N_CELL_ROWS, N_STATES, SHORT, VOID, pressure_of, voltage_of, write_rates

GAMMA = 0.43586652150845900
# Rows: arguments of stages 2, 3, 4 and the new state.
A = np.array(
    [
        [0.87173304301691801, 0.0, 0.0, 0.0],
        [0.84457060015369423, -0.11299064236484185, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.24212380706095346, -1.2232505839045147, 1.5452602553351020, 0.43586652150845900],
    ]
)
# Rows: coupling of the stiff component in stages 1 to 4.
COUPLING = np.array(
    [
        [0.0, 0.0, 0.0],
        [-0.87173304301691801, 0.0, 0.0],
        [-0.90338057013044082, 0.054180672388095326, 0.0],
        [0.24212380706095346, -1.2232505839045147, 0.54526025533510214],
    ]
)
# Weights of order 3 less those of order 2.
ERROR = A[3] - np.array([0.37810903145819369, -0.096042292212423178, 0.5, 0.21793326075422950])

# Rows of the buffer after those of the cell.
Y = N_CELL_ROWS
F = Y + N_STATES
K = F + N_STATES
U = K + 4 * N_STATES
R = U + N_STATES
NEW = R + N_STATES
MIDDLE = NEW + N_STATES
ABSOLUTE = MIDDLE + N_STATES
SLOPE = ABSOLUTE + N_STATES
NEW_SLOPE = SLOPE + 1
SCRATCH = NEW_SLOPE + 1
STEP = SCRATCH + 1
ERROR_NORM = STEP + 1
FACTOR = ERROR_NORM + 1
V_NEW = FACTOR + 1
V_MIDDLE = V_NEW + 1
P_NEW = V_MIDDLE + 1
N_ROWS = P_NEW + 1

# Sizes at which an absolute error counts as much as a relative one, in the order of `STATES`: lithium of the size
# that a cycle loses matters, so the stores of lost lithium are held tighter than those that are cycled.
ERROR_SCALES = np.array([0.1, 0.1, 0.05, 0.1, 0.02, 0.02, 0.02, 0.02, 0.1, 1.0, 10.0, 0.1, 1.0])

# A step may grow fourfold and shrink fivefold; 0.9 keeps the next one from failing.
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 4.0
# Bisection to 1e-9 of a step; it happens once in a cell's life.
_SHORT_ITERATIONS = 30
# Within this distance of the limit the voltage is straight enough for interpolation.
_NEAR_V = 0.05
# The Illinois method needs about eight; the rest is for steps that end in a cliff.
_EVENT_ITERATIONS = 60


@njit(forceinline=True, error_model="numpy")
def interpolate(b: Any, lanes: int, lane: int, theta: float, to: int) -> None:
    """Write the state at a part `theta` of the step to the rows from `to` on (cubic Hermite)."""
    step = b[STEP * lanes + lane]
    rest = 1.0 - theta
    for s in range(N_STATES):
        old = b[(Y + s) * lanes + lane]
        new = b[(NEW + s) * lanes + lane]
        bend = rest * (step * b[(F + s) * lanes + lane]) - theta * (step * b[(R + s) * lanes + lane])
        bend -= (1.0 - 2.0 * theta) * (new - old)
        b[(to + s) * lanes + lane] = rest * old + theta * new + theta * rest * bend

@njit(forceinline=True, error_model="numpy")
def _clip(volts: float) -> float:
    # An exhausted anode falls by megavolts within a step: clipped, the search bisects until it is near.
    return min(max(volts, -_NEAR_V), _NEAR_V)


@njit(forceinline=True, error_model="numpy")
def locate(b: Any, lanes: int, lane: int, limit: float, v_old: float, v_new: float, tolerance: float) -> float:
    """Return the part of the step at which the voltage meets its limit (Illinois method); the state goes to U."""
    low, high = 0.0, 1.0
    f_low, f_high = _clip(v_old - limit), _clip(v_new - limit)
    theta, side = 1.0, 0
    for _ in range(_EVENT_ITERATIONS):
        theta = (low * f_high - high * f_low) / (f_high - f_low)
        interpolate(b, lanes, lane, theta, U)
        f = _clip(voltage_of(b, lanes, lane, U) - limit)
        if (f > 0.0) == (f_high > 0.0):
            moved = high - theta
            high, f_high = theta, f
            f_low = 0.5 * f_low if side == 1 else f_low
            side = 1
        else:
            moved = theta - low
            low, f_low = theta, f
            f_high = 0.5 * f_high if side == -1 else f_high
            side = -1
        if moved < tolerance or high - low < tolerance:
            break
    return theta


@njit(forceinline=True, error_model="numpy")
def locate_short(b: Any, lanes: int, lane: int) -> float:
    """Return the part of the step at which the soft short is complete (bisection); the state goes to U."""
    low, high = 0.0, 1.0
    for _ in range(_SHORT_ITERATIONS):
        theta = 0.5 * (low + high)
        interpolate(b, lanes, lane, theta, U)
        if b[(U + SHORT) * lanes + lane] < 1.0:
            low = theta
        else:
            high = theta
    interpolate(b, lanes, lane, high, U)
    return high


@njit(forceinline=True, error_model="numpy")
def advance(b: Any, lanes: int, n_lanes: int, rtol: float) -> None:
    """Try one step in every lane: new state, its rates, the error norm, the next step factor and voltages."""
    width = N_STATES * lanes
    for lane in range(n_lanes):
        step = b[STEP * lanes + lane]
        b[(K + VOID) * lanes + lane] = b[(F + VOID) * lanes + lane]
        b[SCRATCH * lanes + lane] = step * b[SLOPE * lanes + lane]
    for s in range(N_STATES):
        for lane in range(n_lanes):
            b[(K + s) * lanes + lane] = b[STEP * lanes + lane] * b[(F + s) * lanes + lane]
    for lane in range(n_lanes):
        b[(K + VOID) * lanes + lane] /= 1.0 - GAMMA * b[SCRATCH * lanes + lane]
    for stage in range(4):
        a1, a2, a3, a4 = A[stage, 0], A[stage, 1], A[stage, 2], A[stage, 3]
        for i in range(width):
            b[U * lanes + i] = (
                b[Y * lanes + i]
                + a1 * b[K * lanes + i]
                + a2 * b[(K + N_STATES) * lanes + i]
                + a3 * b[(K + 2 * N_STATES) * lanes + i]
                + a4 * b[(K + 3 * N_STATES) * lanes + i]
            )
        for lane in range(n_lanes):
            write_rates(b, lanes, lane, U, R, NEW_SLOPE)
        if stage < 3:
            to = (K + (stage + 1) * N_STATES) * lanes
            for s in range(N_STATES):
                for lane in range(n_lanes):
                    b[to + s * lanes + lane] = b[STEP * lanes + lane] * b[(R + s) * lanes + lane]
            c1, c2, c3 = COUPLING[stage + 1, 0], COUPLING[stage + 1, 1], COUPLING[stage + 1, 2]
            for lane in range(n_lanes):
                slope = b[SCRATCH * lanes + lane]
                pull = (
                    c1 * b[(K + VOID) * lanes + lane]
                    + c2 * b[(K + N_STATES + VOID) * lanes + lane]
                    + c3 * b[(K + 2 * N_STATES + VOID) * lanes + lane]
                )
                at = to + VOID * lanes + lane
                b[at] = (b[at] + slope * pull) / (1.0 - GAMMA * slope)
    for i in range(width):
        b[NEW * lanes + i] = b[U * lanes + i]
    for lane in range(n_lanes):
        b[ERROR_NORM * lanes + lane] = 0.0
    for s in range(N_STATES):
        for lane in range(n_lanes):
            error = (
                ERROR[0] * b[(K + s) * lanes + lane]
                + ERROR[1] * b[(K + N_STATES + s) * lanes + lane]
                + ERROR[2] * b[(K + 2 * N_STATES + s) * lanes + lane]
                + ERROR[3] * b[(K + 3 * N_STATES + s) * lanes + lane]
            )
            allowed = rtol * (ERROR_SCALES[s] + abs(b[(NEW + s) * lanes + lane]))
            worst = b[ERROR_NORM * lanes + lane]
            share = abs(error) / allowed
            b[ERROR_NORM * lanes + lane] = worst if share <= worst else share
    for s in range(N_STATES):
        for lane in range(n_lanes):
            b[(MIDDLE + s) * lanes + lane] = 0.5 * (
                b[(Y + s) * lanes + lane] + b[(NEW + s) * lanes + lane]
            ) + 0.125 * b[STEP * lanes + lane] * (b[(F + s) * lanes + lane] - b[(R + s) * lanes + lane])
    for lane in range(n_lanes):
        b[V_MIDDLE * lanes + lane] = voltage_of(b, lanes, lane, MIDDLE)
    for lane in range(n_lanes):
        b[V_NEW * lanes + lane] = voltage_of(b, lanes, lane, NEW)
        b[P_NEW * lanes + lane] = pressure_of(b, lanes, lane, NEW)
        worst = max(b[ERROR_NORM * lanes + lane], 1e-9)
        b[FACTOR * lanes + lane] = min(max(_SAFETY * exp(log(worst) * (-1.0 / 3.0)), _SHRINK), _GROW)
