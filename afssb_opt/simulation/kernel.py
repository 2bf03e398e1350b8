"""How cells run through their cycles: segments, events, records and the end of a test, each lane at its own pace."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit

from afssb_opt.simulation import elementary, jumping, model, physics, stepping
from afssb_opt.simulation.jumping import jump_cycles
from afssb_opt.simulation.model import (
    CHARGE_CURRENT,
    DEAD,
    DELAMINATED,
    DISCHARGE_CURRENT,
    LI3N,
    METAL,
    METAL_THICKNESS,
    N_COEFFICIENTS,
    N_LITHIUM,
    N_STATES,
    SHORT,
    VOID,
    pressure_of,
    resistance_of,
    voltage_of,
    write_rates,
)
from afssb_opt.simulation.physics import contact_fraction
from afssb_opt.simulation.stepping import (
    END_TIME,
    ENERGY,
    EVENT,
    FACTOR,
    LAST_FACTOR,
    LAST_STEP,
    LOWER,
    MIDDLE,
    N_ROWS,
    NEW,
    P_MAX,
    P_MIN,
    P_NEW,
    REJECTED,
    SLOPE,
    STEP,
    THETA,
    TIME,
    TRIED,
    UPPER,
    V_MIDDLE,
    V_NEW,
    V_OLD,
    VERDICT,
    F,
    U,
    Y,
    advance,
    interpolate,
    locate,
    locate_short,
    settle,
)

# What one cycle records, in the order of the output array.
(CHARGE, DISCHARGE, LI3N_CHARGE, CHARGE_ENERGY, DISCHARGE_ENERGY, RESISTANCE, PRESSURE_MIN, PRESSURE_MAX,
 CONTACT, THICKNESS, SHORT_PROGRESS) = range(11)  # fmt: skip
N_RECORDS = 11

# Why a cell ended.
CYCLES_DONE, CAPACITY_EXHAUSTED, SHORT_CIRCUIT, SOLVER_FAILED = range(1, 5)

# Protocol numbers handed to the kernel.
# `CHARGE_H` ends a charge after a time, as in a half cell; 0 leaves it to the voltage.
(CHARGE_MA_CM2, DISCHARGE_MA_CM2, UPPER_V, LOWER_V, REST_H, CHARGE_H) = range(6)

_CHARGE, _REST_CHARGED, _DISCHARGE, _REST_DISCHARGED = range(4)
_RESTS = (_REST_CHARGED, _REST_DISCHARGED)
# First guess of a first step, small against every time constant; the controller grows it fourfold at a time.
_FIRST_STEP_H = 1e-4
# By how much the first step of a half cycle may exceed that of the cycle before.
_FIRST_GROWTH = 2.0
# No step of a sound cell is below a microsecond; no half cycle takes this many.
_STEP_FLOOR_H = 1e-10
_STEP_LIMIT = 50_000
# The end of a half cycle is placed to this share of the relative tolerance times the cathode capacity.
_EVENT_SHARE = 0.03
# A discharge capacity below this share of the second cycle's ends the test; life to 80 % is then known.
_END_SHARE = 0.5
# Or below this share of the cathode, where even the second cycle gave next to nothing.
_NOTHING_SHARE = 0.02
# Stands for no voltage or time limit; finite, so that no arithmetic on it is undefined.
_NO_LIMIT = 1e30
# A jump over cycles starts behind the reference cycle, from the second of two simulated cycles: the first settles.
_FIRST_JUMP_CYCLE = 3
_CYCLES_PER_JUMP = 2
# A charge that takes in this many times the lithium of the whole cell runs through a short.
_OVERCHARGE = 1.2


def code_stamp() -> int:
    """Return a number that changes with the functions and constants to be compiled, so that no stale code is reused.

    It is taken from what this process has loaded, not from the files: they may have changed since.
    """
    digest = hashlib.sha256()
    for module in (elementary, physics, model, stepping, jumping, sys.modules[__name__]):
        for name, value in sorted(vars(module).items()):
            function = getattr(value, "py_func", value)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                # Version 2 of the format does not depend on who else refers to a constant.
                digest.update(marshal.dumps(function.__code__, 2))
            elif isinstance(value, int | float | tuple | np.ndarray):
                digest.update(f"{name}={value!r}".encode())
    return int(digest.hexdigest()[:12], 16)


@njit(forceinline=True, error_model="numpy")
def _load(b: Any, lanes: int, lane: int, coefficients: Any, state: Any) -> float:
    """Put a fresh cell into a lane and return its lithium."""
    for c in range(N_COEFFICIENTS):
        b[c * lanes + lane] = coefficients[c]
    lithium = 0.0
    for s in range(N_STATES):
        b[(Y + s) * lanes + lane] = state[s]
        lithium += state[s] if s < N_LITHIUM else 0.0
    return lithium


@njit(forceinline=True, error_model="numpy")
def _begin(b: Any, lanes: int, lane: int, segment: int, protocol: Any, lithium: float, step: float) -> None:
    """Start a half cycle or a rest in a lane."""
    charging = protocol[CHARGE_MA_CM2] if segment == _CHARGE else 0.0
    b[CHARGE_CURRENT * lanes + lane] = charging
    b[DISCHARGE_CURRENT * lanes + lane] = protocol[DISCHARGE_MA_CM2] if segment == _DISCHARGE else 0.0
    b[UPPER * lanes + lane] = protocol[UPPER_V] if segment == _CHARGE else _NO_LIMIT
    b[LOWER * lanes + lane] = protocol[LOWER_V] if segment == _DISCHARGE else -_NO_LIMIT
    end = protocol[REST_H] if segment in _RESTS else _NO_LIMIT
    end = _OVERCHARGE * lithium / charging if segment == _CHARGE else end
    end = protocol[CHARGE_H] if segment == _CHARGE and protocol[CHARGE_H] > 0.0 else end
    b[END_TIME * lanes + lane] = end
    b[TIME * lanes + lane] = 0.0
    b[ENERGY * lanes + lane] = 0.0
    b[TRIED * lanes + lane] = 0.0
    b[LAST_STEP * lanes + lane] = 0.0
    b[LAST_FACTOR * lanes + lane] = 1.0
    b[V_OLD * lanes + lane] = 0.0 if segment in _RESTS else voltage_of(b, lanes, lane, Y)
    write_rates(b, lanes, lane, Y, F, SLOPE)
    b[STEP * lanes + lane] = min(step, end)


@njit(forceinline=True, error_model="numpy")
def _stop_at_event(b: Any, lanes: int, lane: int, tolerance: float) -> None:
    """Shorten an accepted step to the point where the voltage meets its limit or the cell is short."""
    v_old, v_new = b[V_OLD * lanes + lane], b[V_NEW * lanes + lane]
    theta, limit = 1.0, v_new
    is_short = b[(NEW + SHORT) * lanes + lane] >= 1.0
    if v_new >= b[UPPER * lanes + lane] or v_new <= b[LOWER * lanes + lane]:
        limit = b[UPPER * lanes + lane] if v_new >= b[UPPER * lanes + lane] else b[LOWER * lanes + lane]
        theta = locate(b, lanes, lane, limit, v_old, v_new, tolerance / b[STEP * lanes + lane])
        is_short = b[(U + SHORT) * lanes + lane] >= 1.0
    if is_short:
        theta = locate_short(b, lanes, lane)
    interpolate(b, lanes, lane, 0.5 * theta, MIDDLE)
    for s in range(N_STATES):
        b[(NEW + s) * lanes + lane] = b[(U + s) * lanes + lane]
    b[THETA * lanes + lane] = theta
    b[V_MIDDLE * lanes + lane] = voltage_of(b, lanes, lane, MIDDLE)
    b[V_NEW * lanes + lane] = voltage_of(b, lanes, lane, NEW) if is_short else limit
    b[P_NEW * lanes + lane] = pressure_of(b, lanes, lane, NEW)


@njit(forceinline=True, error_model="numpy")
def _record(b: Any, lanes: int, lane: int, segment: int, li3n_before: float, record: Any) -> None:
    """Write what a finished (or broken off) half cycle gave to the record of its cycle."""
    if segment == _CHARGE:
        current = b[CHARGE_CURRENT * lanes + lane]
        record[CHARGE] = current * b[TIME * lanes + lane]
        record[CHARGE_ENERGY] = current * b[ENERGY * lanes + lane]
        record[LI3N_CHARGE] = li3n_before - b[(Y + LI3N) * lanes + lane]
        record[RESISTANCE] = resistance_of(b, lanes, lane, Y)
        metal = b[(Y + METAL) * lanes + lane] + b[(Y + DEAD) * lanes + lane]
        solid = 1.0 - b[(Y + VOID) * lanes + lane]
        record[THICKNESS] = b[METAL_THICKNESS * lanes + lane] * metal / solid
    if segment == _DISCHARGE:
        current = b[DISCHARGE_CURRENT * lanes + lane]
        record[DISCHARGE] = current * b[TIME * lanes + lane]
        record[DISCHARGE_ENERGY] = current * b[ENERGY * lanes + lane]
    if segment <= _DISCHARGE:
        # The value at the end of discharge stays; a cell that ends earlier keeps its last one.
        record[CONTACT] = contact_fraction(b[(Y + VOID) * lanes + lane], b[(Y + DELAMINATED) * lanes + lane])
    record[PRESSURE_MIN], record[PRESSURE_MAX] = b[P_MIN * lanes + lane], b[P_MAX * lanes + lane]
    record[SHORT_PROGRESS] = min(b[(Y + SHORT) * lanes + lane], 1.0)


@njit(forceinline=True, error_model="numpy")
def _lithium(b: Any, lanes: int, lane: int) -> float:
    total = 0.0
    for s in range(N_LITHIUM):
        total += b[(Y + s) * lanes + lane]
    return total


@cache
def kernel(lanes: int) -> Callable[..., int]:
    """Compile the integrator for a number of cells that advance side by side (1, or 8 to fill a vector)."""
    # The compiler's cache looks at closed-over values, not at the files of called functions.
    stamp = code_stamp()

    @njit(nogil=True, cache=True, error_model="numpy")
    def run(
        coefficients: Any, states: Any, capacities: Any, protocol: Any, rtol: float, jump: float, n_lanes: int,
        records: Any, n_done: Any, reasons: Any, imbalances: Any, n_steps: Any,
    ) -> int:  # fmt: skip
        n_cells, n_cycles = records.shape[0], records.shape[1]
        b = np.ones(N_ROWS * lanes)
        cell = np.full(lanes, -1)
        segment = np.zeros(lanes, np.int64)
        lithium = np.zeros(lanes)
        li3n_before = np.zeros(lanes)
        first_step = np.full((4, lanes), _FIRST_STEP_H)
        is_new = np.full(lanes, True)
        before, slope = np.zeros((lanes, N_STATES)), np.zeros((lanes, N_STATES))
        bend = np.zeros(N_STATES)
        n_since, last_jump = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
        waiting, n_busy = 0, 0
        for lane in range(lanes):
            # An empty lane rests with a step of zero; nothing of it is read.
            _load(b, lanes, lane, coefficients[0], states[0])
            segment[lane] = _REST_CHARGED
        while waiting < n_cells or n_busy > 0:
            for lane in range(lanes):
                if cell[lane] < 0 and waiting < n_cells:
                    lithium[lane] = _load(b, lanes, lane, coefficients[waiting], states[waiting])
                    first_step[:, lane] = _FIRST_STEP_H
                    cell[lane], segment[lane], is_new[lane] = waiting, _CHARGE, True
                    n_since[lane], last_jump[lane] = 0, 0
                    b[P_MIN * lanes + lane], b[P_MAX * lanes + lane] = _NO_LIMIT, 0.0
                    waiting += 1
                    n_busy += 1
                if is_new[lane]:
                    li3n_before[lane] = b[(Y + LI3N) * lanes + lane]
                    step = first_step[segment[lane], lane] if cell[lane] >= 0 else 0.0
                    _begin(b, lanes, lane, segment[lane], protocol, lithium[lane], step)
                    is_new[lane] = False
            advance(b, lanes, n_lanes, rtol)
            for lane in range(lanes):
                if b[VERDICT * lanes + lane] == EVENT and cell[lane] >= 0:
                    current = b[CHARGE_CURRENT * lanes + lane] + b[DISCHARGE_CURRENT * lanes + lane]
                    passed = _EVENT_SHARE * rtol * capacities[cell[lane]]
                    _stop_at_event(b, lanes, lane, passed / current if current > 0.0 else 1.0)
                if b[TIME * lanes + lane] == 0.0 and b[VERDICT * lanes + lane] != REJECTED:
                    # The next such half cycle begins alike; growth is damped, so that it seldom begins too far.
                    grown = min(b[FACTOR * lanes + lane], _FIRST_GROWTH)
                    first_step[segment[lane], lane] = b[STEP * lanes + lane] * grown
            settle(b, lanes, n_lanes)
            for lane in range(lanes):
                is_over = b[END_TIME * lanes + lane] - b[TIME * lanes + lane] < _STEP_FLOOR_H
                is_event = b[VERDICT * lanes + lane] == EVENT
                is_stuck = b[STEP * lanes + lane] < _STEP_FLOOR_H or b[TRIED * lanes + lane] > _STEP_LIMIT
                if not (is_over or is_event or is_stuck) or cell[lane] < 0:
                    continue
                i, now, reason = cell[lane], segment[lane], 0
                cycle = n_done[i]
                n_steps[i] += int(b[TRIED * lanes + lane])
                _record(b, lanes, lane, now, li3n_before[lane], records[i, cycle])
                if b[(Y + SHORT) * lanes + lane] >= 1.0 or (is_over and now == _CHARGE and protocol[CHARGE_H] == 0.0):
                    reason = SHORT_CIRCUIT
                    records[i, cycle, SHORT_PROGRESS] = 1.0
                    n_done[i] = cycle + 1
                elif not (is_over or is_event):
                    reason = SOLVER_FAILED
                elif now == _REST_DISCHARGED:
                    n_done[i] = cycle + 1
                    given, second = records[i, cycle, DISCHARGE], records[i, min(cycle, 1), DISCHARGE]
                    if given < _END_SHARE * second or given < _NOTHING_SHARE * capacities[i]:
                        reason = CAPACITY_EXHAUSTED
                    elif cycle + 1 == n_cycles:
                        reason = CYCLES_DONE
                    b[P_MIN * lanes + lane], b[P_MAX * lanes + lane] = _NO_LIMIT, 0.0
                if reason == 0 and now == _REST_DISCHARGED and jump > 0.0 and cycle + 1 >= _FIRST_JUMP_CYCLE:
                    n_since[lane] += 1
                    if n_since[lane] >= _CYCLES_PER_JUMP:
                        is_first = last_jump[lane] == 0
                        skipped = jump_cycles(
                            b, lanes, lane, before[lane], slope[lane], bend, is_first,
                            max(last_jump[lane], 1), n_cycles - cycle - 2, capacities[i], jump,
                        )  # fmt: skip
                        n_done[i] += skipped
                        n_since[lane], last_jump[lane] = 0, skipped + _CYCLES_PER_JUMP
                    before[lane] = b[Y * lanes + lane : (Y + N_STATES) * lanes + lane : lanes]
                if reason > 0 or now == _REST_DISCHARGED:
                    imbalances[i] = max(imbalances[i], abs(_lithium(b, lanes, lane) - lithium[lane]))
                if reason > 0:
                    reasons[i], cell[lane] = reason, -1
                    n_busy -= 1
                segment[lane] = (now + 1) % 4 if reason == 0 else _REST_CHARGED
                is_new[lane] = True
        return stamp

    return run
