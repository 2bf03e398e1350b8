"""Shared cells of the simulation tests: designs over the whole range, and one cell outside the cycling loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numba import njit
from scipy.integrate import solve_ivp
from scipy.stats import qmc

from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_layer
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.simulation import model, stepping

LOWS = np.array([np.log(0.02), np.log(0.05), 0.0])
HIGHS = np.array([np.log(200.0), np.log(100.0), 30.0])


def sobol_designs(n: int, seed: int) -> pd.DataFrame:
    """Return n designs that fill the whole range of the model: seeds, layers, buffers and collectors included."""
    unit = qmc.Sobol(7, seed=seed).random(n)
    names = [_pick(seed_alloy_names(), u) for u in unit[:, 0]]
    values = LOWS + unit[:, 1:4] * (HIGHS - LOWS)
    layers = STANDARD_VARIABLES["layer_class"].levels
    return pd.DataFrame(
        {
            "seed_alloy": names,
            "interlayer_thickness_um": np.exp(values[:, 0]),
            "stack_pressure_mpa": np.exp(values[:, 1]),
            "li3n_wt_pct": values[:, 2],
            # A composite by name is no film.
            "layer_class": [
                "carbon_metal" if seed_layer(name).is_composite else _pick(layers, u)
                for name, u in zip(names, unit[:, 4], strict=True)
            ],
            "buffer": [_pick(STANDARD_VARIABLES["buffer"].levels, u) for u in unit[:, 5]],
            "current_collector_roughness_um": 20.0 * unit[:, 6],
        }
    )


def _pick(levels: Sequence[str], unit: float) -> str:
    return levels[int(unit * len(levels))]


@pytest.fixture(scope="session")
def designs_over_the_whole_range() -> pd.DataFrame:
    """256 designs and all corners of the numeric range for every seed."""
    corners = [
        (name, thickness, pressure, li3n, layer, "none", 0.0)
        for name in seed_alloy_names()
        for thickness in (0.02, 200.0)
        for pressure in (0.05, 100.0)
        for li3n in (0.0, 30.0)
        for layer in ("carbon_metal", "as_reported")
    ]
    table = sobol_designs(256, seed=11)
    return pd.concat([table, pd.DataFrame(corners, columns=table.columns)], ignore_index=True)


@njit(error_model="numpy")
def _rates(b: np.ndarray) -> None:
    model.write_rates(b, 1, 0, stepping.Y, stepping.F, stepping.SLOPE)


@njit(error_model="numpy")
def _advance(b: np.ndarray, rtol: float) -> None:
    stepping.advance(b, 1, 1, rtol)


@njit(error_model="numpy")
def _voltage(b: np.ndarray) -> float:
    return model.voltage_of(b, 1, 0, stepping.Y)


@dataclass(frozen=True)
class SoloResult:
    """End state and how many steps were accepted."""

    state: np.ndarray
    n_steps: int


def _buffer(coefficients: np.ndarray, state: np.ndarray, current: float) -> np.ndarray:
    b = np.ones(stepping.N_ROWS)
    b[: model.N_COEFFICIENTS] = coefficients
    b[model.CHARGE_CURRENT], b[model.DISCHARGE_CURRENT] = max(current, 0.0), max(-current, 0.0)
    b[stepping.Y : stepping.Y + model.N_STATES] = state
    return b


def hold_current(coefficients: np.ndarray, state: np.ndarray, current: float, hours: float, rtol: float) -> SoloResult:
    """Pass a constant current (positive on charge) with the project's own integrator."""
    b = _buffer(coefficients, state, current)
    _rates(b)
    time, step, n_steps = 0.0, 1e-5, 0
    old, new = slice(stepping.Y, stepping.Y + model.N_STATES), slice(stepping.NEW, stepping.NEW + model.N_STATES)
    while hours - time > 1e-12:
        b[stepping.STEP] = step = min(step, hours - time)
        _advance(b, rtol)
        if b[stepping.ERROR_NORM] <= 1.0:
            time, n_steps = time + step, n_steps + 1
            b[old] = b[new]
            _rates(b)
        step *= b[stepping.FACTOR]
    return SoloResult(b[old].copy(), n_steps)


def hold_by_scipy(coefficients: np.ndarray, state: np.ndarray, current: float, hours: float) -> np.ndarray:
    """Do the same with an implicit solver of another family at a tight tolerance."""
    b = _buffer(coefficients, state, current)

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        b[stepping.Y : stepping.Y + model.N_STATES] = y
        _rates(b)
        return b[stepping.F : stepping.F + model.N_STATES].copy()

    solution = solve_ivp(rates, (0.0, hours), state, method="Radau", rtol=1e-9, atol=1e-11)
    return np.asarray(solution.y[:, -1])


def rates_of(coefficients: np.ndarray, state: np.ndarray, current: float) -> np.ndarray:
    """Return the rates of change per hour."""
    b = _buffer(coefficients, state, current)
    _rates(b)
    return b[stepping.F : stepping.F + model.N_STATES].copy()


def voltage_of_state(coefficients: np.ndarray, state: np.ndarray, current: float) -> float:
    """Return the cell voltage under a current, positive on charge."""
    return float(_voltage(_buffer(coefficients, state, current)))


@dataclass(frozen=True)
class Solo:
    """The functions above, handed to tests by the fixture `solo`."""

    hold: Callable[..., SoloResult] = hold_current
    hold_by_scipy: Callable[..., np.ndarray] = hold_by_scipy
    rates_of: Callable[..., np.ndarray] = rates_of
    voltage: Callable[..., float] = voltage_of_state


@pytest.fixture(scope="session")
def solo() -> Solo:
    """One cell outside the cycling loop."""
    return Solo()
