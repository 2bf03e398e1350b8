"""How each peer is asked and told: its documented default settings, on exactly the same problems.

Where a peer knows no logarithmic variables it is given the decadic logarithm, as its documentation advises; where it
takes descriptors of levels it gets them, otherwise the names alone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final, Literal, Protocol

import numpy as np
import pandas as pd

from afssb_opt.domain.objectives import maximised_table, meets_constraints
from afssb_opt.domain.variables import Categorical, NumericVariable
from afssb_opt.strategies import Optimizer
from experiments.benchmarks.problem import Problem

# BoFire starts from designs of the user's choice; two batches of four are near the 10 of its tutorials.
N_BOFIRE_START: Final = 8


class UnsupportedError(Exception):
    """The peer cannot express the problem."""


class Searcher(Protocol):
    """One optimiser on one problem."""

    def ask(self, n: int) -> pd.DataFrame:
        """Return designs; a peer may return fewer than asked."""
        ...

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take measured outcomes, of designs asked for or of others."""
        ...


class Ours:
    """The optimiser of this project."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        prior: pd.DataFrame | None = None,
        combine: Literal["desirability"] | None = None,
    ) -> None:
        self._optimizer = Optimizer(
            problem.space, problem.objectives, problem.constraints, seed=seed, prior_data=prior, combine=combine
        )

    def ask(self, n: int) -> pd.DataFrame:
        """Return the next designs."""
        return self._optimizer.ask(n)

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take outcomes."""
        self._optimizer.tell(designs.reset_index(drop=True).join(outcomes.reset_index(drop=True)))


class RandomSearch:
    """Uniformly random designs."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._rng = problem, np.random.default_rng(seed)

    def ask(self, n: int) -> pd.DataFrame:
        """Return random designs."""
        return self._problem.random_designs(n, self._rng)

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Learn nothing."""


class OptunaSearch:
    """Optuna's TPE or GP sampler with its defaults."""

    def __init__(self, problem: Problem, seed: int, sampler: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._problem = optuna, problem
        if problem.constraints and sampler == "GPSampler" and len(problem.objectives) > 1:
            raise UnsupportedError("GPSampler takes no constraints with several objectives")
        options: dict[str, Any] = {"seed": seed}
        if problem.constraints:
            options["constraints_func"] = lambda trial: trial.user_attrs.get("excess", [0.0])
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(**options),
                                          directions=["maximize"] * len(problem.objectives))  # fmt: skip
        self._open: list[Any] = []
        self._distributions = {
            **{v.name: optuna.distributions.CategoricalDistribution(list(v.levels)) for v in problem.space.categorical},
            **{v.name: optuna.distributions.FloatDistribution(*_range(v), log=v.scale == "log")
               for v in problem.space.numeric},
        }  # fmt: skip

    def ask(self, n: int) -> pd.DataFrame:
        """Return the next designs."""
        self._open = [self._study.ask(self._distributions) for _ in range(n)]
        return pd.DataFrame([trial.params for trial in self._open])[list(self._problem.space.names)]

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take outcomes; constraints as excesses over their limits."""
        values = maximised_table(self._problem.objectives, outcomes)
        for row in range(len(designs)):
            excess = [_excess(constraint, outcomes.iloc[[row]]) for constraint in self._problem.constraints]
            if row < len(self._open):
                self._open[row].set_user_attr("excess", excess)
                self._study.tell(self._open[row], list(values[row]))
            else:
                self._study.add_trial(self._optuna.trial.create_trial(
                    params=designs.iloc[row].to_dict(), distributions=self._distributions,
                    values=list(values[row]), user_attrs={"excess": excess}))  # fmt: skip
        self._open = []


class AxSearch:
    """Ax's `Client` with its default generation strategy."""

    def __init__(self, problem: Problem, seed: int) -> None:
        import logging

        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        logging.disable(logging.WARNING)
        self._problem = problem
        self._client = Client(random_seed=seed)
        parameters: list[Any] = [
            ChoiceParameterConfig(v.name, list(v.levels), "str", is_ordered=False) for v in problem.space.categorical
        ]
        parameters += [RangeParameterConfig(v.name, _range(v), "float", scaling=v.scale) for v in problem.space.numeric]
        self._client.configure_experiment(parameters=parameters)
        wishes = [f"{'-' if o.goal == 'minimize' else ''}{o.outcome}" for o in problem.objectives]
        limits = [
            f"{objective.outcome} {'<=' if objective.goal == 'minimize' else '>='} {objective.threshold}"
            for objective in problem.objectives
            if objective.threshold is not None
        ]
        for constraint in problem.constraints:
            if constraint.at_least is not None:
                limits.append(f"{constraint.outcome} >= {constraint.at_least}")
            if constraint.at_most is not None:
                limits.append(f"{constraint.outcome} <= {constraint.at_most}")
        self._client.configure_optimization(", ".join(wishes), outcome_constraints=limits or None)
        self._client.configure_generation_strategy(initialization_random_seed=seed)
        self._open: list[int] = []

    def ask(self, n: int) -> pd.DataFrame:
        """Return the next designs, as many as Ax gives."""
        trials = self._client.get_next_trials(max_trials=n)
        self._open = list(trials)
        return pd.DataFrame(list(trials.values()))[list(self._problem.space.names)]

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take outcomes with unknown noise."""
        for row in range(len(designs)):
            design = {name: value if isinstance(value, str) else float(value)
                      for name, value in designs.iloc[row].items()}  # fmt: skip
            index = self._open[row] if row < len(self._open) else self._client.attach_trial(design)
            self._client.complete_trial(index, {str(n): float(v) for n, v in outcomes.iloc[row].items()})
        self._open = []


class BaybeSearch:
    """BayBE's campaign with its default two-phase recommender; prior data are another task than the laboratory's."""

    def __init__(self, problem: Problem, seed: int, prior: pd.DataFrame | None = None) -> None:
        from baybe import Campaign, Settings
        from baybe.objectives import ParetoObjective
        from baybe.parameters import (
            CategoricalParameter,
            CustomDiscreteParameter,
            NumericalContinuousParameter,
            TaskParameter,
        )
        from baybe.searchspace import SearchSpace
        from baybe.targets import NumericalTarget

        if problem.constraints:
            raise UnsupportedError("BayBE has no outcome constraints")
        self._problem = problem
        Settings(random_seed=seed).activate()
        parameters: list[Any] = []
        for variable in problem.space.categorical:
            if variable.descriptor_names:
                table = pd.DataFrame({level: variable.descriptors[level] for level in variable.levels}).T
                parameters.append(CustomDiscreteParameter(variable.name, table.loc[:, table.nunique() > 1]))
            else:
                parameters.append(CategoricalParameter(variable.name, list(variable.levels)))
        parameters += [NumericalContinuousParameter(v.name, _decades(v, _range(v))) for v in problem.space.numeric]
        self._task: dict[str, str] = {}
        if prior is not None:
            self._task = {"source": "lab"}
            parameters.append(TaskParameter("source", ["simulator", "lab"], active_values=["lab"]))
        targets = [NumericalTarget(o.outcome, minimize=o.goal == "minimize") for o in problem.objectives]
        self._campaign = Campaign(SearchSpace.from_product(parameters),
                                  ParetoObjective(targets) if len(targets) > 1 else targets[0])  # fmt: skip
        if prior is not None:
            self._add(prior[list(problem.space.names)], prior, {"source": "simulator"})

    def ask(self, n: int) -> pd.DataFrame:
        """Return the next designs."""
        designs = self._campaign.recommend(n).reset_index(drop=True)
        return _from_decades(self._problem, designs.drop(columns=list(self._task)))

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take outcomes."""
        self._add(designs, outcomes, self._task)

    def _add(self, designs: pd.DataFrame, outcomes: pd.DataFrame, task: dict[str, str]) -> None:
        names = [objective.outcome for objective in self._problem.objectives]
        table = _to_decades(self._problem, designs).join(outcomes[names].reset_index(drop=True)).assign(**task)
        self._campaign.add_measurements(table, numerical_measurements_must_be_within_tolerance=False)


class BofireSearch:
    """BoFire's `SoboStrategy` or `MoboStrategy` with its defaults, after random designs."""

    def __init__(self, problem: Problem, seed: int) -> None:
        import bofire.strategies.api as strategies
        from bofire.data_models.domain.api import Domain, Inputs, Outputs
        from bofire.data_models.features.api import (
            CategoricalDescriptorInput,
            CategoricalInput,
            ContinuousInput,
            ContinuousOutput,
        )
        from bofire.data_models.objectives.api import MaximizeObjective, MinimizeObjective
        from bofire.data_models.strategies.api import MoboStrategy, RandomStrategy, SoboStrategy

        if problem.constraints:
            raise UnsupportedError("BoFire's limits are sigmoids that need a hand-set steepness")
        self._problem, self._n_told = problem, 0
        inputs: list[Any] = []
        for variable in problem.space.categorical:
            levels, names = list(variable.levels), list(variable.descriptor_names)
            table = [[variable.descriptors[level][name] for name in names] for level in levels]
            kept = [column for column in range(len(names)) if len({row[column] for row in table}) > 1]
            if kept:
                inputs.append(CategoricalDescriptorInput(
                    key=variable.name, categories=levels, descriptors=[names[column] for column in kept],
                    values=[[row[column] for column in kept] for row in table]))  # fmt: skip
            else:
                inputs.append(CategoricalInput(key=variable.name, categories=levels))
        inputs += [ContinuousInput(key=v.name, bounds=_decades(v, _range(v))) for v in problem.space.numeric]
        goals = {"minimize": MinimizeObjective, "maximize": MaximizeObjective}
        outputs = [ContinuousOutput(key=o.outcome, objective=goals[o.goal](w=1.0)) for o in problem.objectives]
        domain = Domain(inputs=Inputs(features=inputs), outputs=Outputs(features=outputs))
        self._start = strategies.map(RandomStrategy(domain=domain, seed=seed))
        if len(outputs) == 1:
            self._strategy = strategies.map(SoboStrategy(domain=domain, seed=seed))
        else:
            # BoFire wants the reference in the outcome's own sign; ours is that of the maximised value.
            reference = {o.outcome: float(-r if o.goal == "minimize" else r)
                         for o, r in zip(problem.objectives, problem.reference, strict=True)}  # fmt: skip
            self._strategy = strategies.map(MoboStrategy(domain=domain, seed=seed, ref_point=reference))

    def ask(self, n: int) -> pd.DataFrame:
        """Return the next designs."""
        source = self._start if self._n_told < N_BOFIRE_START else self._strategy
        names = list(self._problem.space.names)
        return _from_decades(self._problem, source.ask(n)[names].reset_index(drop=True))

    def tell(self, designs: pd.DataFrame, outcomes: pd.DataFrame) -> None:
        """Take outcomes; nothing is fitted before the random designs are complete."""
        self._n_told += len(designs)
        table = _to_decades(self._problem, designs)
        for objective in self._problem.objectives:
            table[objective.outcome] = outcomes[objective.outcome].to_numpy(float)
            table[f"valid_{objective.outcome}"] = 1
        self._strategy.tell(table, retrain=self._n_told >= N_BOFIRE_START)


def _range(variable: NumericVariable) -> tuple[float, float]:
    low, high = variable.hull if hasattr(variable, "hull") else (variable.values[0], variable.values[-1])
    return float(low), float(high)


def _decades(variable: NumericVariable, ends: tuple[float, float]) -> tuple[float, float]:
    return (float(np.log10(ends[0])), float(np.log10(ends[1]))) if variable.scale == "log" else ends


def _to_decades(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    table = designs[list(problem.space.names)].reset_index(drop=True).copy()
    for variable in problem.space.numeric:
        if variable.scale == "log":
            table[variable.name] = np.log10(table[variable.name].to_numpy(float))
    return table


def _from_decades(problem: Problem, designs: pd.DataFrame) -> pd.DataFrame:
    table = designs[list(problem.space.names)].copy()
    for variable in problem.space.variables:
        if isinstance(variable, Categorical):
            table[variable.name] = table[variable.name].astype(str).astype(object)
        elif getattr(variable, "scale", "") == "log":
            low, high = _range(variable)
            table[variable.name] = np.clip(10.0 ** table[variable.name].to_numpy(float), low, high)
    return table


def _excess(constraint: Any, outcomes: pd.DataFrame) -> float:
    """Return how far the limit is broken; not positive where it holds, as Optuna wants it."""
    value = float(outcomes[constraint.outcome].iloc[0])
    ends = [constraint.at_least - value if constraint.at_least is not None else -np.inf,
            value - constraint.at_most if constraint.at_most is not None else -np.inf]  # fmt: skip
    excess = float(max(ends))
    return excess if bool(meets_constraints((constraint,), outcomes)[0]) else max(excess, 1e-9)


METHODS: Final[dict[str, tuple[str, Callable[[Problem, int], Searcher]]]] = {
    "ours": ("afssb-opt", Ours),
    "random": ("numpy", RandomSearch),
    "optuna-tpe": ("optuna", lambda problem, seed: OptunaSearch(problem, seed, "TPESampler")),
    "optuna-gp": ("optuna", lambda problem, seed: OptunaSearch(problem, seed, "GPSampler")),
    "ax": ("ax-platform", AxSearch),
    "baybe": ("baybe", BaybeSearch),
    "bofire": ("bofire", BofireSearch),
}


def version_of(method: str) -> str:
    """Return the version of the package behind a method; that of a checkout that is not installed is `checkout`."""
    package = METHODS[method][0]
    return "checkout" if package == "afssb-opt" else version(package)
