"""Which test problems the optimiser is measured on: cell-like ones with a cliff, and public functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.objectives import Objective, OutcomeConstraint
from afssb_opt.domain.seed_alloys import seed_descriptors
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous
from experiments.benchmarks.problem import N_RANDOM, Problem, Truth
from experiments.benchmarks.typical_problems import KINDS, cell_space, typical_problems

# --- cell-like ---------------------------------------------------------------------------------------------


def _cell_truth(space: DesignSpace, seed: int) -> Truth:
    """Return an invented cell: all numbers assumed; its shape, not its values, is that of a real one."""
    alloys = space.categorical[0].levels
    rng = np.random.default_rng(seed)
    described = pd.DataFrame([seed_descriptors(alloy) for alloy in alloys])
    scaled = ((described - described.min()) / (described.max() - described.min())).to_numpy()
    mix = rng.normal(size=(scaled.shape[1], 4))
    hidden = scaled @ mix
    hidden = (hidden - hidden.mean(0)) / hidden.std(0) + 0.5 * rng.normal(size=hidden.shape)
    life_at_best = 250.0 * np.exp(0.25 * hidden[:, 0])
    best_thickness = 5.0 * np.exp(0.4 * hidden[:, 1])
    safe_pressure = 12.0 * np.exp(0.4 * hidden[:, 2])
    first_ce = 76.0 + 2.0 * hidden[:, 3]

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        row = np.array([alloys.index(alloy) for alloy in designs["seed_alloy"]])
        t = designs["interlayer_thickness_um"].to_numpy(float)
        p = designs["stack_pressure_mpa"].to_numpy(float)
        w = designs["li3n_wt_pct"].to_numpy(float)
        margin = np.log(safe_pressure[row] * np.sqrt(1.0 + t / 10.0)) - np.log(p)
        short = margin < 0.0
        life = life_at_best[row] * np.exp(-0.5 * (np.log(t / best_thickness[row]) / 1.4) ** 2)
        life = life * (1.0 - np.exp(-p / 3.0)) * (1.0 + 0.08 * w - 0.008 * w**2)
        life = np.where(short, 0.06 * life + 2.0, life)
        energy = 820.0 - 5.0 * t - 9.0 * w - 0.6 * p - 40.0 * np.exp(-p / 2.0)
        ce = first_ce[row] + 1.8 * w - 0.07 * w**2 + 2.0 * np.log(p) - 12.0 * short
        return pd.DataFrame(
            {"cycle_life": life, "energy_density_wh_l": energy, "initial_ce_pct": ce, "short_circuit": short * 1.0}
        )

    return truth


def _cell(name: str, n_objectives: int, *, seed: int, n_alloys: int = 10, tells_shorts: bool = False) -> Problem:
    space = cell_space(n_alloys)
    truth = _cell_truth(space, seed)
    floor = dict(zip(("cycle_life", "energy_density_wh_l", "initial_ce_pct"), (50.0, 600.0, 72.0), strict=True))
    objectives = tuple(Objective(name, threshold=value if n_objectives > 1 else None) for name, value in floor.items())
    names = [objective.outcome for objective in objectives[:n_objectives]]
    constraints = (OutcomeConstraint("short_circuit", at_most=0.5),) if tells_shorts else ()
    names += ["short_circuit"] if tells_shorts else []
    return Problem(
        name,
        space,
        objectives[:n_objectives],
        lambda designs: truth(designs)[names],
        constraints=constraints,
        binary=("short_circuit",) if tells_shorts else (),
    )


def _constrained(name: str, seed: int) -> Problem:
    """Three objectives and a first coulombic efficiency that about one design in seven reaches."""
    space = cell_space(12)
    truth = _cell_truth(space, seed)

    def outcomes(designs: pd.DataFrame) -> pd.DataFrame:
        table = truth(designs)
        table["areal_resistance_ohm_cm2"] = (
            10.0 + 30.0 / designs["stack_pressure_mpa"] + 0.8 * designs["interlayer_thickness_um"]
        )
        return table.drop(columns="short_circuit")

    table = outcomes(Problem(name, space, (), outcomes).random_designs(N_RANDOM, np.random.default_rng(2)))
    limit = float(np.round(np.percentile(table["initial_ce_pct"], 86.0), 1))
    return Problem(
        name,
        space,
        (
            Objective("cycle_life", threshold=50.0),
            Objective("energy_density_wh_l", threshold=600.0),
            Objective("areal_resistance_ohm_cm2", "minimize", threshold=60.0),
        ),
        outcomes,
        constraints=(OutcomeConstraint("initial_ce_pct", at_least=limit),),
    )


# --- levels with and without descriptors -------------------------------------------------------------------


def _unordered(name: str, seed: int) -> Problem:
    """Two objectives whose optimum and height differ from level to level without any pattern."""
    levels = tuple("ABCDEFGHIJ")
    rng = np.random.default_rng(seed)
    centre, height = rng.uniform(0.2, 0.8, (10, 3)), rng.normal(0.0, 0.25, (10, 2))

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        row = np.array([levels.index(level) for level in designs["solvent"]])
        x = designs[["x1", "x2", "x3"]].to_numpy(float)
        first = height[row, 0] + 1.0 - ((x - centre[row]) ** 2 @ np.array([2.0, 1.0, 0.5]))
        second = height[row, 1] + np.sin(2.5 * x[:, 0]) - 0.8 * x[:, 1] - 0.5 * (x[:, 2] - centre[row, 2]) ** 2
        return pd.DataFrame({"f1": first, "f2": second})

    space = DesignSpace((Categorical("solvent", levels), *(Continuous(f"x{i}", 0.0, 1.0) for i in (1, 2, 3))))
    objectives = (Objective("f1", threshold=0.3), Objective("f2", threshold=-0.6))
    return Problem(name, space, objectives, truth)


def _described(name: str, seed: int, kind: str) -> Problem:
    """One objective that depends on two numbers per level; the model sees them, sees others, or sees none."""
    levels = tuple(f"L{i:02d}" for i in range(12))
    rng = np.random.default_rng(seed)
    numbers = rng.random((12, 2))
    shown = numbers if kind == "informative" else rng.random((12, 2))
    table = {level: {"d1": float(a), "d2": float(b)} for level, (a, b) in zip(levels, shown, strict=True)}
    peak = np.array([0.7, 0.35, 0.6, 0.4, 0.55])

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        row = np.array([levels.index(level) for level in designs["additive"]])
        z = np.hstack([numbers[row], designs[["x1", "x2", "x3"]].to_numpy(float)])
        drift = 0.4 * (z[:, 0] - 0.7) * (z[:, 2] - 0.6)
        return pd.DataFrame({"f": 100.0 - 100.0 * ((z - peak) ** 2 @ np.array([2.0, 1.0, 1.5, 1.0, 0.3]) + drift)})

    categorical = Categorical("additive", levels, {} if kind == "none" else table)
    space = DesignSpace((categorical, *(Continuous(f"x{i}", 0.0, 1.0) for i in (1, 2, 3))))
    return Problem(name, space, (Objective("f"),), truth)


# --- public functions --------------------------------------------------------------------------------------


def _hartmann6() -> Problem:
    """Hartmann 6 of Dixon and Szego 1978, maximised; known best value 3.32237."""
    weights = np.array([1.0, 1.2, 3.0, 3.2])
    steep = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    centre = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    names = [f"x{i}" for i in range(1, 7)]

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        x = designs[names].to_numpy(float)
        return pd.DataFrame({"f": np.exp(-((x[:, None, :] - centre) ** 2 * steep).sum(-1)) @ weights})

    return Problem("hartmann6", DesignSpace(tuple(Continuous(n, 0.0, 1.0) for n in names)), (Objective("f"),), truth)


def _dtlz2() -> Problem:
    """DTLZ2 of Deb et al. 2002 with three objectives and five variables, minimised."""
    names = [f"x{i}" for i in range(1, 6)]

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        x = designs[names].to_numpy(float)
        g = 1.0 + ((x[:, 2:] - 0.5) ** 2).sum(1)
        a, b = 0.5 * np.pi * x[:, 0], 0.5 * np.pi * x[:, 1]
        return pd.DataFrame({"f1": g * np.cos(a) * np.cos(b), "f2": g * np.cos(a) * np.sin(b), "f3": g * np.sin(a)})

    objectives = tuple(Objective(name, "minimize", threshold=1.1) for name in ("f1", "f2", "f3"))
    space = DesignSpace(tuple(Continuous(name, 0.0, 1.0) for name in names))
    return Problem("dtlz2", space, objectives, truth)


def _branin() -> Problem:
    """Branin, minimised; known best value 0.397887."""

    def truth(designs: pd.DataFrame) -> pd.DataFrame:
        x, y = designs["x"].to_numpy(float), designs["y"].to_numpy(float)
        bowl = (y - 5.1 / (4 * np.pi**2) * x**2 + 5.0 / np.pi * x - 6.0) ** 2
        return pd.DataFrame({"f": bowl + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * np.cos(x) + 10.0})

    space = DesignSpace((Continuous("x", -5.0, 10.0), Continuous("y", 0.0, 15.0)))
    return Problem("branin", space, (Objective("f", "minimize"),), truth)


PROBLEMS: Final[dict[str, Problem]] = {
    problem.name: problem
    for problem in (
        _cell("cell1_a", 1, seed=1),
        _cell("cell1_b", 1, seed=2, n_alloys=12),
        _cell("cell1_short", 1, seed=3, tells_shorts=True),
        _cell("cell3_a", 3, seed=1),
        _cell("cell3_b", 3, seed=2, n_alloys=12),
        _cell("cell3_short", 3, seed=3, tells_shorts=True),
        _constrained("constrained3", 4),
        _unordered("unordered2_a", 5),
        _unordered("unordered2_b", 6),
        _described("informative_a", 7, "informative"),
        _described("informative_b", 8, "informative"),
        _described("useless_a", 7, "useless"),
        _described("useless_b", 8, "useless"),
        _described("none_a", 7, "none"),
        _described("none_b", 8, "none"),
        _hartmann6(),
        _dtlz2(),
        _branin(),
        *typical_problems(),
    )
}

# Families by kind, those whose figures are like the peers' and two with a steep cliff.
FAMILIES: Final[Mapping[str, Callable[[str, int], Problem]]] = {
    "cliff1": lambda name, seed: _cell(name, 1, seed=seed),
    "cliff3": lambda name, seed: _cell(name, 3, seed=seed),
    **KINDS,
}


def member(kind: str, seed: int) -> Problem:
    """Return one member of a family; many members with one seed each say more than many seeds of one member."""
    return FAMILIES[kind](f"{kind}_{seed}", seed)
