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

# Rows of the buffer after those of the cell. State blocks: old state and rates, stages, argument, rates there, new
# state, middle of the step.
Y = N_CELL_ROWS
F = Y + N_STATES
K = F + N_STATES
U = K + 4 * N_STATES
R = U + N_STATES
NEW = R + N_STATES
MIDDLE = NEW + N_STATES
# Single rows: stiff slopes, step, error and controller, voltages, pressure; then what a half cycle has gathered.
(SLOPE, NEW_SLOPE, REACH, STEP, LAST_STEP, ERROR_NORM, FACTOR, LAST_FACTOR, V_OLD, V_NEW, V_MIDDLE, P_NEW, UPPER,
 LOWER, VERDICT, THETA, TIME, END_TIME, ENERGY, P_MIN, P_MAX,
 TRIED) = range(MIDDLE + N_STATES, MIDDLE + N_STATES + 22)  # fmt: skip
N_ROWS = TRIED + 1
# Verdicts on a step.
REJECTED, ACCEPTED, EVENT = 0.0, 1.0, 2.0

# Sizes at which an absolute error counts as much as a relative one, in the order of `STATES`: lithium of the size
# that a cycle loses matters, so the stores of lost lithium are held tighter than those that are cycled.
ERROR_SCALES = np.array([0.1, 0.1, 0.05, 0.1, 0.02, 0.02, 0.02, 0.03, 0.1, 1.0, 10.0, 0.05, 1.0])

# A step may grow fourfold and shrink fivefold; 0.9 keeps the next one from failing.
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 4.0
# A rejected step shrinks at least this much; an error that is no number counts as the worst.
_REJECTED_SHRINK = 0.95
# Below this error the factor is at its limit anyway.
_SMALL_ERROR = 1e-9
# Bisection to 1e-9 of a step; it happens once in a cell's life.
_SHORT_ITERATIONS = 30
# Within this distance of the limit the voltage is straight enough for interpolation.
_NEAR_V = 0.5
# Four are usual; the rest is for steps that end in a cliff.
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
    """Return the part of the step at which the voltage meets its limit; the state there goes to U.

    Method of Chandrupatla (1997, doi 10.1016/S0965-9978(96)00051-8): inverse quadratic where that is safe, else
    bisection. The first point, the middle of the step, is known already.
    """
    x1, x2, x3 = 1.0, 0.0, 0.0
    f1, f2, f3 = _clip(v_new - limit), _clip(v_old - limit), 0.0
    if (f1 > 0.0) == (f2 > 0.0):
        # The half cycle began beyond its limit: it passes no charge.
        interpolate(b, lanes, lane, 0.0, U)
        return 0.0
    x, f = 0.5, _clip(b[V_MIDDLE * lanes + lane] - limit)
    for _ in range(_EVENT_ITERATIONS):
        if (f > 0.0) == (f1 > 0.0):
            x3, f3 = x1, f1
        else:
            x3, f3, x2, f2 = x2, f2, x1, f1
        x1, f1 = x, f
        width = abs(x2 - x1)
        if 2.0 * tolerance > width or f1 == 0.0:
            break
        xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
        t = 0.5
        if phi * phi < xi and (1.0 - phi) * (1.0 - phi) < 1.0 - xi:
            t = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
        t = min(max(t, tolerance / width), 1.0 - tolerance / width)
        x = x1 + t * (x2 - x1)
        interpolate(b, lanes, lane, x, U)
        f = _clip(voltage_of(b, lanes, lane, U) - limit)
    best = x1 if abs(f1) < abs(f2) else x2
    interpolate(b, lanes, lane, best, U)
    return best


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
    """Try one step in every lane: new state and rates, error, voltages, verdict.

    Args:
        n_lanes: Equal to `lanes`, but unknown to the compiler: a loop of known length would be unrolled, not
            vectorised.
    """
    for i in range(N_STATES * lanes):
        b[K * lanes + i] = b[F * lanes + i]
    for lane in range(n_lanes):
        reach = b[STEP * lanes + lane] * b[SLOPE * lanes + lane]
        b[REACH * lanes + lane] = reach
        b[(K + VOID) * lanes + lane] /= 1.0 - GAMMA * reach
    for stage in range(4):
        a1, a2, a3, a4 = A[stage, 0], A[stage, 1], A[stage, 2], A[stage, 3]
        for s in range(N_STATES):
            for lane in range(n_lanes):
                b[(U + s) * lanes + lane] = b[(Y + s) * lanes + lane] + b[STEP * lanes + lane] * (
                    a1 * b[(K + s) * lanes + lane]
                    + a2 * b[(K + N_STATES + s) * lanes + lane]
                    + a3 * b[(K + 2 * N_STATES + s) * lanes + lane]
                    + a4 * b[(K + 3 * N_STATES + s) * lanes + lane]
                )
        for lane in range(n_lanes):
            write_rates(b, lanes, lane, U, R, NEW_SLOPE)
        if stage < 3:
            to = (K + (stage + 1) * N_STATES) * lanes
            for i in range(N_STATES * lanes):
                b[to + i] = b[R * lanes + i]
            c1, c2, c3 = COUPLING[stage + 1, 0], COUPLING[stage + 1, 1], COUPLING[stage + 1, 2]
            for lane in range(n_lanes):
                reach = b[REACH * lanes + lane]
                pull = (
                    c1 * b[(K + VOID) * lanes + lane]
                    + c2 * b[(K + N_STATES + VOID) * lanes + lane]
                    + c3 * b[(K + 2 * N_STATES + VOID) * lanes + lane]
                )
                b[to + VOID * lanes + lane] = (b[to + VOID * lanes + lane] + reach * pull) / (1.0 - GAMMA * reach)
    for i in range(N_STATES * lanes):
        b[NEW * lanes + i] = b[U * lanes + i]
    for lane in range(n_lanes):
        b[ERROR_NORM * lanes + lane] = 0.0
    for s in range(N_STATES):
        for lane in range(n_lanes):
            step, new = b[STEP * lanes + lane], b[(NEW + s) * lanes + lane]
            error = step * (
                ERROR[0] * b[(K + s) * lanes + lane]
                + ERROR[1] * b[(K + N_STATES + s) * lanes + lane]
                + ERROR[2] * b[(K + 2 * N_STATES + s) * lanes + lane]
                + ERROR[3] * b[(K + 3 * N_STATES + s) * lanes + lane]
            )
            share = abs(error) / (rtol * (ERROR_SCALES[s] + abs(new)))
            worst = b[ERROR_NORM * lanes + lane]
            # A comparison loses what is no number; a product with zero keeps it.
            b[ERROR_NORM * lanes + lane] = (worst if share <= worst else share) + 0.0 * (error + worst)
            bend = 0.125 * step * (b[(F + s) * lanes + lane] - b[(R + s) * lanes + lane])
            b[(MIDDLE + s) * lanes + lane] = 0.5 * (b[(Y + s) * lanes + lane] + new) + bend
    for lane in range(n_lanes):
        b[V_MIDDLE * lanes + lane] = voltage_of(b, lanes, lane, MIDDLE)
    for lane in range(n_lanes):
        v = voltage_of(b, lanes, lane, NEW)
        b[V_NEW * lanes + lane] = v
        b[P_NEW * lanes + lane] = pressure_of(b, lanes, lane, NEW)
        norm = b[ERROR_NORM * lanes + lane]
        b[FACTOR * lanes + lane] = _SAFETY * exp(log(max(norm, _SMALL_ERROR)) * (-1.0 / 3.0))
        is_past = v >= b[UPPER * lanes + lane] or v <= b[LOWER * lanes + lane]
        is_past = is_past or b[(NEW + SHORT) * lanes + lane] >= 1.0
        is_good = norm <= 1.0
        b[VERDICT * lanes + lane] = (EVENT if is_past else ACCEPTED) if is_good else REJECTED
        b[THETA * lanes + lane] = 1.0


@njit(forceinline=True, error_model="numpy")
def settle(b: Any, lanes: int, n_lanes: int) -> None:
    """Take the accepted steps, up to the event where there is one, and choose the next step of every lane."""
    for lane in range(n_lanes):
        is_taken = b[VERDICT * lanes + lane] > REJECTED
        for s in range(N_STATES):
            b[(Y + s) * lanes + lane] = b[(NEW + s) * lanes + lane] if is_taken else b[(Y + s) * lanes + lane]
            b[(F + s) * lanes + lane] = b[(R + s) * lanes + lane] if is_taken else b[(F + s) * lanes + lane]
    for lane in range(n_lanes):
        is_taken = b[VERDICT * lanes + lane] > REJECTED
        step, factor = b[STEP * lanes + lane], b[FACTOR * lanes + lane]
        passed = b[THETA * lanes + lane] * step if is_taken else 0.0
        mean = (b[V_OLD * lanes + lane] + 4.0 * b[V_MIDDLE * lanes + lane] + b[V_NEW * lanes + lane]) / 6.0
        b[ENERGY * lanes + lane] += passed * mean if is_taken else 0.0
        time = b[TIME * lanes + lane] + passed
        b[TIME * lanes + lane] = time
        b[TRIED * lanes + lane] += 1.0
        b[SLOPE * lanes + lane] = b[NEW_SLOPE * lanes + lane] if is_taken else b[SLOPE * lanes + lane]
        b[V_OLD * lanes + lane] = b[V_NEW * lanes + lane] if is_taken else b[V_OLD * lanes + lane]
        pressure = b[P_NEW * lanes + lane]
        low, high = b[P_MIN * lanes + lane], b[P_MAX * lanes + lane]
        b[P_MIN * lanes + lane] = min(low, pressure) if is_taken else low
        b[P_MAX * lanes + lane] = max(high, pressure) if is_taken else high
        # Gustafsson's prediction (1994, doi 10.1145/198429.198437): the error goes on as it went from step to step.
        last_step, last_factor = b[LAST_STEP * lanes + lane], b[LAST_FACTOR * lanes + lane]
        predicted = factor * (step * factor) / (last_step * last_factor)
        grown = min(factor, predicted, _GROW) if last_step > 0.0 else min(factor, _GROW)
        shrunk = factor if factor < _REJECTED_SHRINK else _SHRINK
        wanted = step * max(grown if is_taken else shrunk, _SHRINK)
        b[LAST_STEP * lanes + lane] = step if is_taken else last_step
        b[LAST_FACTOR * lanes + lane] = factor if is_taken else last_factor
        left = b[END_TIME * lanes + lane] - time
        # The last but one step is halved, so that no sliver is left over.
        held = wanted if wanted < 0.5 * left else 0.5 * left
        b[STEP * lanes + lane] = left if wanted >= left else held
