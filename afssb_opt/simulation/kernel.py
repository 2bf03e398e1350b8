"""How cells run through their cycles: segments, events, records and the end of a test, each lane at its own pace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

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
    ERROR_NORM,
    FACTOR,
    MIDDLE,
    N_ROWS,
    NEW,
    NEW_SLOPE,
    P_NEW,
    SLOPE,
    STEP,
    V_MIDDLE,
    V_NEW,
    F,
    R,
    U,
    Y,
    advance,
    interpolate,
    locate,
    locate_short,
)

# What one cycle records, in the order of the output array.
(CHARGE, DISCHARGE, LI3N_CHARGE, CHARGE_ENERGY, DISCHARGE_ENERGY, RESISTANCE, PRESSURE_MIN, PRESSURE_MAX,
 CONTACT, THICKNESS, SHORT_PROGRESS) = range(11)  # fmt: skip
N_RECORDS = 11

# Why a cell ended.
CYCLES_DONE, CAPACITY_EXHAUSTED, SHORT_CIRCUIT, SOLVER_FAILED = range(1, 5)

# Protocol numbers handed to the kernel.
(CHARGE_MA_CM2, DISCHARGE_MA_CM2, UPPER_V, LOWER_V, REST_H) = range(5)

_CHARGE, _REST_CHARGED, _DISCHARGE, _REST_DISCHARGED = range(4)
# First guess of a first step, small against every time constant; the controller grows it fourfold at a time.
_FIRST_STEP_H = 1e-4
# No step of a sound cell is below a microsecond; no half cycle takes this many.
_STEP_FLOOR_H = 1e-10
_STEP_LIMIT = 50_000
# The end of a half cycle is placed to this share of the relative tolerance times the cathode capacity.
_EVENT_SHARE = 0.01
# A discharge capacity below this share of the second cycle's ends the test; life to 80 % is then known.
_END_SHARE = 0.5
# Or below this share of the cathode, where even the second cycle gave next to nothing.
_NOTHING_SHARE = 0.02
# A charge that takes in this many times the lithium of the whole cell runs through a short.
_OVERCHARGE = 1.2


def source_stamp() -> int:
    """Return a number that changes with the source of the compiled functions, so that no stale code is reused."""
    folder = Path(__file__).parent
    names = ("elementary.py", "physics.py", "model.py", "stepping.py", "kernel.py")
    return int(hashlib.sha256(b"".join((folder / name).read_bytes() for name in names)).hexdigest()[:12], 16)


@cache
def kernel(lanes: int) -> Callable[..., int]:
    """Compile the integrator for a number of cells that advance side by side (1, or 8 to fill a vector)."""
    # The compiler's cache looks at closed-over values, not at the files of called functions.
    stamp = source_stamp()

    @njit(nogil=True, cache=True, error_model="numpy")
    def run(
        coefficients: Any, states: Any, capacities: Any, protocol: Any, rtol: float, n_lanes: int,
        records: Any, n_done: Any, reasons: Any, imbalances: Any, n_steps: Any,
    ) -> int:  # fmt: skip
        n_cells, n_cycles = records.shape[0], records.shape[1]
        b = np.ones(N_ROWS * lanes)
        cell = np.full(lanes, -1)
        segment = np.zeros(lanes, np.int64)
        steps = np.zeros(lanes, np.int64)
        time = np.zeros(lanes)
        energy = np.zeros(lanes)
        v_old = np.zeros(lanes)
        lithium = np.zeros(lanes)
        li3n_before = np.zeros(lanes)
        first_step = np.full((4, lanes), _FIRST_STEP_H)
        upper, lower, rest = protocol[UPPER_V], protocol[LOWER_V], protocol[REST_H]
        waiting, n_busy = 0, 0
        while True:
            if waiting < n_cells and n_busy < lanes:
                for lane in range(lanes):
                    if cell[lane] < 0 and waiting < n_cells:
                        for c in range(N_COEFFICIENTS):
                            b[c * lanes + lane] = coefficients[waiting, c]
                        for s in range(N_STATES):
                            b[(Y + s) * lanes + lane] = states[waiting, s]
                        lithium[lane] = 0.0
                        for s in range(N_LITHIUM):
                            lithium[lane] += b[(Y + s) * lanes + lane]
                        first_step[:, lane] = _FIRST_STEP_H
                        li3n_before[lane] = b[(Y + LI3N) * lanes + lane]
                        cell[lane], segment[lane] = waiting, _CHARGE
                        steps[lane], time[lane], energy[lane] = 0, 0.0, 0.0
                        b[CHARGE_CURRENT * lanes + lane] = protocol[CHARGE_MA_CM2]
                        b[DISCHARGE_CURRENT * lanes + lane] = 0.0
                        write_rates(b, lanes, lane, Y, F, SLOPE)
                        v_old[lane] = voltage_of(b, lanes, lane, Y)
                        b[STEP * lanes + lane] = _FIRST_STEP_H
                        records[waiting, 0, PRESSURE_MIN] = 1e9
                        waiting += 1
                        n_busy += 1
            if n_busy == 0:
                break
            advance(b, lanes, n_lanes, rtol)
            for lane in range(lanes):
                i = cell[lane]
                if i < 0:
                    continue
                step, factor = b[STEP * lanes + lane], b[FACTOR * lanes + lane]
                steps[lane] += 1
                n_steps[i] += 1
                reason = 0
                if not b[ERROR_NORM * lanes + lane] <= 1.0:
                    b[STEP * lanes + lane] = step * (factor if factor < 0.9 else 0.2)
                    if step >= _STEP_FLOOR_H and steps[lane] < _STEP_LIMIT:
                        continue
                    reason = SOLVER_FAILED
                cycle, now = n_done[i], segment[lane]
                if reason == 0:
                    if time[lane] == 0.0:
                        first_step[now, lane] = step
                    # Accept: move to the end of the step, or to the event inside it.
                    theta, v_end, v_middle = 1.0, b[V_NEW * lanes + lane], b[V_MIDDLE * lanes + lane]
                    limit = upper if now == _CHARGE else lower
                    is_event = (now == _CHARGE and v_end >= upper) or (now == _DISCHARGE and v_end <= lower)
                    is_short = b[(NEW + SHORT) * lanes + lane] >= 1.0
                    if is_event:
                        current = b[CHARGE_CURRENT * lanes + lane] + b[DISCHARGE_CURRENT * lanes + lane]
                        tolerance = _EVENT_SHARE * rtol * capacities[i] / (current * step)
                        theta = locate(b, lanes, lane, limit, v_old[lane], v_end, tolerance)
                        is_short = b[(U + SHORT) * lanes + lane] >= 1.0
                    if is_short:
                        theta = locate_short(b, lanes, lane)
                    if is_event or is_short:
                        v_end = voltage_of(b, lanes, lane, U)
                        interpolate(b, lanes, lane, 0.5 * theta, MIDDLE)
                        v_middle = voltage_of(b, lanes, lane, MIDDLE)
                        for s in range(N_STATES):
                            b[(Y + s) * lanes + lane] = b[(U + s) * lanes + lane]
                        pressure = pressure_of(b, lanes, lane, Y)
                    else:
                        for s in range(N_STATES):
                            b[(Y + s) * lanes + lane] = b[(NEW + s) * lanes + lane]
                            b[(F + s) * lanes + lane] = b[(R + s) * lanes + lane]
                        b[SLOPE * lanes + lane] = b[NEW_SLOPE * lanes + lane]
                        pressure = b[P_NEW * lanes + lane]
                    energy[lane] += theta * step * (v_old[lane] + 4.0 * v_middle + v_end) / 6.0
                    time[lane] += theta * step
                    v_old[lane] = v_end
                    records[i, cycle, PRESSURE_MIN] = min(records[i, cycle, PRESSURE_MIN], pressure)
                    records[i, cycle, PRESSURE_MAX] = max(records[i, cycle, PRESSURE_MAX], pressure)
                    next_step = step * factor
                    ended = is_event
                    if now == _REST_CHARGED or now == _REST_DISCHARGED:
                        left = rest - time[lane]
                        ended = left < _STEP_FLOOR_H
                        # The last but one step is halved, so that no sliver is left over.
                        next_step = left if next_step >= left else min(next_step, max(0.5 * left, _STEP_FLOOR_H))
                    b[STEP * lanes + lane] = next_step
                    if is_short or (
                        now == _CHARGE and time[lane] * protocol[CHARGE_MA_CM2] > _OVERCHARGE * lithium[lane]
                    ):
                        reason = SHORT_CIRCUIT
                    while ended or reason > 0:
                        if now == _CHARGE:
                            records[i, cycle, CHARGE] = time[lane] * protocol[CHARGE_MA_CM2]
                            records[i, cycle, CHARGE_ENERGY] = energy[lane] * protocol[CHARGE_MA_CM2]
                            records[i, cycle, LI3N_CHARGE] = li3n_before[lane] - b[(Y + LI3N) * lanes + lane]
                            records[i, cycle, RESISTANCE] = resistance_of(b, lanes, lane, Y)
                            metal = b[(Y + METAL) * lanes + lane] + b[(Y + DEAD) * lanes + lane]
                            records[i, cycle, THICKNESS] = (
                                b[METAL_THICKNESS * lanes + lane] * metal / (1.0 - b[(Y + VOID) * lanes + lane])
                            )
                        elif now == _DISCHARGE:
                            records[i, cycle, DISCHARGE] = time[lane] * protocol[DISCHARGE_MA_CM2]
                            records[i, cycle, DISCHARGE_ENERGY] = energy[lane] * protocol[DISCHARGE_MA_CM2]
                        if now == _DISCHARGE or reason > 0:
                            records[i, cycle, CONTACT] = contact_fraction(
                                b[(Y + VOID) * lanes + lane], b[(Y + DELAMINATED) * lanes + lane]
                            )
                        if now == _REST_DISCHARGED or reason > 0:
                            total = 0.0
                            for s in range(N_LITHIUM):
                                total += b[(Y + s) * lanes + lane]
                            imbalances[i] = max(imbalances[i], abs(total - lithium[lane]))
                            records[i, cycle, SHORT_PROGRESS] = min(b[(Y + SHORT) * lanes + lane], 1.0)
                            if reason > 0:
                                break
                            n_done[i] = cycle + 1
                            given = records[i, cycle, DISCHARGE]
                            second = records[i, min(cycle, 1), DISCHARGE]
                            if given < _END_SHARE * second or given < _NOTHING_SHARE * capacities[i]:
                                reason = CAPACITY_EXHAUSTED
                            elif cycle + 1 == n_cycles:
                                reason = CYCLES_DONE
                            if reason > 0:
                                break
                            cycle += 1
                            records[i, cycle, PRESSURE_MIN] = 1e9
                        now = (now + 1) % 4
                        segment[lane], steps[lane], time[lane], energy[lane] = now, 0, 0.0, 0.0
                        li3n_before[lane] = b[(Y + LI3N) * lanes + lane]
                        b[CHARGE_CURRENT * lanes + lane] = protocol[CHARGE_MA_CM2] if now == _CHARGE else 0.0
                        b[DISCHARGE_CURRENT * lanes + lane] = protocol[DISCHARGE_MA_CM2] if now == _DISCHARGE else 0.0
                        v_old[lane] = voltage_of(b, lanes, lane, Y)
                        if now == _CHARGE:
                            ended = v_old[lane] >= upper
                        elif now == _DISCHARGE:
                            ended = v_old[lane] <= lower
                        else:
                            ended = rest <= 0.0
                        if not ended:
                            write_rates(b, lanes, lane, Y, F, SLOPE)
                            start = first_step[now, lane]
                            is_rest = now == _REST_CHARGED or now == _REST_DISCHARGED
                            b[STEP * lanes + lane] = min(start, rest) if is_rest else start
                if reason > 0:
                    if reason == SHORT_CIRCUIT:
                        n_done[i] = cycle + 1
                    reasons[i] = reason
                    cell[lane] = -1
                    n_busy -= 1
                    b[STEP * lanes + lane] = 0.0
        return stamp

    return run
