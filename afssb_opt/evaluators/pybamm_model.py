"""A user's PyBaMM model as an evaluator (in a child process): design to parameter values, solution to outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pybamm

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import EvaluationError, suggest
from afssb_opt.domain.outcomes import OutcomeSettings, compute_outcomes
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.spec import CYCLED_OUTCOMES
from afssb_opt.domain.trials import TrialFailure
from afssb_opt.evaluators.answers import read_answer
from afssb_opt.evaluators.foreign_code import load
from afssb_opt.evaluators.messages import to_message
from afssb_opt.evaluators.protocol import Evaluation

Design = Mapping[str, float | str]

# A model that lacks one of these cannot say which area its current passes through.
_AREA_PARAMETERS = ("Electrode height [m]", "Electrode width [m]")
_PARALLEL = "Number of electrodes connected in parallel to make a cell"
_CM2_PER_M2 = 1e4


def open_worker(settings: dict[str, Any]) -> Callable[[Design], dict[str, Any]]:
    """Import the user's functions once and return what evaluates one design after another.

    Raises:
        EvaluationError: A module or function does not exist.
    """
    factory = load(settings["target"], settings["folder"])
    outcomes = load(settings["outcomes"], settings["folder"]) if settings["outcomes"] else None
    protocol = Protocol(**settings["protocol"])

    def evaluate(design: Design) -> dict[str, Any]:
        try:
            solved = solve(factory, settings["parameters"], design, protocol)
            if outcomes is not None:
                return to_message(_by_function(outcomes, solved.solution, design, protocol, settings["outcome_names"]))
            return to_message(_by_cycles(solved, design, protocol, settings))
        except EvaluationError as error:
            return to_message(Evaluation(TrialFailure("equipment", str(error))))
        except pybamm.SolverError as error:
            return to_message(Evaluation(TrialFailure("equipment", f"PyBaMM's solver failed: {error}")))

    return evaluate


@dataclass(frozen=True)
class Solved:
    """A solution and what it was asked for.

    Attributes:
        cycle_lengths: Steps in each cycle of the experiment; empty without one.
        may_end_early: Whether the experiment itself has a condition that ends it.
    """

    solution: Any
    parameter_values: Any
    cycle_lengths: tuple[int, ...]
    may_end_early: bool

    @property
    def cycles(self) -> dict[int, Any]:
        """Complete cycles by number; one in which PyBaMM found a step infeasible is left out."""
        kept = {n: cycle for n, cycle in enumerate(self.solution.cycles or [], start=1) if cycle is not None}
        if kept and self.cycle_lengths and not self.may_end_early:
            last = max(kept)
            steps = kept[last].steps
            ended_as_told = steps[-1].termination == "final time" or "[experiment]" in steps[-1].termination
            if len(steps) < self.cycle_lengths[last - 1] or not ended_as_told:
                del kept[last]
        return kept


def solve(
    factory: Callable[..., Any], links: Mapping[str, Mapping[str, Any]], design: Design, protocol: Protocol
) -> Solved:
    """Build the user's simulation with the design's parameter values and solve it.

    Args:
        factory: `factory(design, protocol)` returns the keyword arguments of `pybamm.Simulation`, and under `solve`
            those of its `solve` method.
        links: Design variable -> `{parameter, factor}` or `{parameter, values}`.

    Raises:
        EvaluationError: The factory's answer, a parameter or the solution is not what it must be.
    """
    answer = factory(dict(design), protocol)
    if not isinstance(answer, Mapping) or "model" not in answer:
        raise EvaluationError(
            f"the factory returned {type(answer).__name__}; it must return a dictionary with the keyword arguments of "
            "pybamm.Simulation: model, and where needed parameter_values, experiment, solver"
        )
    arguments = dict(answer)
    to_solve = arguments.pop("solve", {})
    given = arguments.pop("parameter_values", None)
    values = (arguments["model"].default_parameter_values if given is None else given).copy()
    unknown = [link["parameter"] for link in links.values() if link["parameter"] not in values]
    if unknown:
        known = list(values.keys())
        raise EvaluationError("; ".join(f"the model has no parameter '{n}'. {suggest(n, known)}" for n in unknown))
    values.update({link["parameter"]: _linked(name, link, design) for name, link in links.items()})
    simulation = pybamm.Simulation(parameter_values=values, **arguments)
    solution = simulation.solve(**to_solve)
    experiment = simulation.experiment
    if experiment is None:
        return Solved(solution, values, (), may_end_early=False)
    return Solved(solution, values, tuple(experiment.cycle_lengths), may_end_early=bool(experiment.termination))


def _linked(name: str, link: Mapping[str, Any], design: Design) -> float:
    value = design[name]
    if isinstance(value, str):
        if value not in link["values"]:
            raise EvaluationError(f"parameters.{name}.values has no entry for the level '{value}'")
        return float(link["values"][value])
    return float(value) * float(link["factor"])


def _by_function(
    outcomes: Callable[..., Any], solution: Any, design: Design, protocol: Protocol, names: list[str]
) -> Evaluation:
    answer = outcomes(solution, dict(design), protocol)
    if not isinstance(answer, Mapping):
        raise EvaluationError(f"the outcomes function returned {type(answer).__name__}; it must return a dictionary")
    return Evaluation(read_answer(answer, names, "pybamm", design))


def _by_cycles(solved: Solved, design: Design, protocol: Protocol, settings: dict[str, Any]) -> Evaluation:
    cycles, n_asked = solved.cycles, len(solved.cycle_lengths)
    if not n_asked:
        raise EvaluationError("the simulation has no experiment; give it one, or name an outcomes function")
    table = cycling_table(cycles, electrode_area_cm2(solved.parameter_values))
    computed = compute_outcomes(design, protocol, table, OutcomeSettings(**settings["outcome_settings"]))
    n_done = max(cycles, default=0)
    has_ended = "cycle_life" in computed.values and "cycle_life" not in computed.censored
    if n_done < n_asked and not has_ended and not solved.may_end_early:
        raise EvaluationError(
            f"PyBaMM stopped in cycle {n_done + 1} of {n_asked} with a living cell ({solved.solution.termination}); "
            "what it did until then is not recorded as a life"
        )
    values = {name: value for name, value in computed.values.items() if name in CYCLED_OUTCOMES}
    answer = read_answer(values, settings["outcome_names"], "pybamm", design)
    if isinstance(answer, TrialFailure):
        return Evaluation(answer, table)
    facts = {"n_cycles": n_done, "termination": str(solved.solution.termination), "pybamm": pybamm.__version__}
    return Evaluation(replace(answer, censored=computed.censored & values.keys(), attributes=facts), table)


def electrode_area_cm2(values: Any) -> float:
    """Return the area that the cell's current passes through.

    Raises:
        EvaluationError: The parameter values do not tell it.
    """
    missing = [name for name in _AREA_PARAMETERS if name not in values]
    if missing:
        raise EvaluationError(
            f"the parameter values have no {' and no '.join(missing)}, so capacities per area are unknown. "
            "Add them, or give an outcomes function"
        )
    sheets = float(values[_PARALLEL]) if _PARALLEL in values else 1.0
    return float(values[_AREA_PARAMETERS[0]]) * float(values[_AREA_PARAMETERS[1]]) * sheets * _CM2_PER_M2


def cycling_table(kept: Mapping[int, Any], area_cm2: float) -> pd.DataFrame:
    """Return charge, energy and efficiency per cycle of a PyBaMM solution; PyBaMM counts discharging as positive."""
    charge, discharge, charge_wh, discharge_wh = (np.zeros(len(kept)) for _ in range(4))
    for n, cycle in enumerate(kept.values()):
        for step in cycle.steps:
            hours = step["Time [h]"].entries
            current = step["Current [A]"].entries
            power = current * step["Voltage [V]"].entries
            charge[n] += np.trapezoid(np.maximum(-current, 0.0), hours)
            discharge[n] += np.trapezoid(np.maximum(current, 0.0), hours)
            charge_wh[n] += np.trapezoid(np.maximum(-power, 0.0), hours)
            discharge_wh[n] += np.trapezoid(np.maximum(power, 0.0), hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        return as_cycling_table(
            {
                "cycle": np.array(list(kept)),
                "charge_capacity_mah_cm2": 1e3 * charge / area_cm2,
                "discharge_capacity_mah_cm2": 1e3 * discharge / area_cm2,
                "coulombic_efficiency_pct": np.where(charge > 0, 100.0 * discharge / charge, np.nan),
                "mean_charge_voltage_v": np.where(charge > 0, charge_wh / charge, np.nan),
                "mean_discharge_voltage_v": np.where(discharge > 0, discharge_wh / discharge, np.nan),
            }
        )
