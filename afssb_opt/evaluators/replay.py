"""Recorded designs and outcomes as an evaluator: a design of the table is answered with what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from afssb_opt.domain.errors import EvaluationError, InputError, Problem
from afssb_opt.domain.space import DesignSpace, round_significant
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.domain.variables import Categorical, Fixed
from afssb_opt.evaluators.answers import read_answer
from afssb_opt.evaluators.protocol import Evaluation
from afssb_opt.evaluators.table_file import read_table

Answer = TrialResult | TrialFailure
Key = tuple[float | str, ...]


@dataclass(frozen=True)
class ReplayEvaluator:
    """Looks a design up in a table; nothing is interpolated.

    Attributes:
        answers: What the table says, per design in the digits that proposals have.
    """

    space: DesignSpace
    answers: Mapping[Key, Answer]
    source: str

    @classmethod
    def from_file(cls, path: Path, space: DesignSpace, outcome_names: Sequence[str]) -> ReplayEvaluator:
        """Read a table with one column per variable and outcome, optionally `<outcome>_sem`, `_censored`, `status`.

        Rows with the same design are repeats: their mean is returned, with its standard error.

        Raises:
            EvaluationError: All that is wrong with the table.
        """
        levels = tuple(v.name for v in space.variables if isinstance(v, Categorical) or _is_word(v))
        try:
            table = read_table(path, "evaluator replay", levels)
            given = [name for name in space.names if name not in {v.name for v in space.fixed} or name in table]
            missing = [name for name in (*given, *outcome_names) if name not in table]
            if missing:
                known = ", ".join(map(str, table.columns))
                raise InputError([Problem(f"column {n}", "is missing", f"Given: {known}") for n in missing], str(path))
        except InputError as error:
            raise EvaluationError(str(error)) from None
        groups: dict[Key, list[Answer]] = {}
        problems = []
        for row, (_, values) in enumerate(table.iterrows()):
            try:
                key = _key(space, {**{v.name: v.value for v in space.fixed}, **{name: values[name] for name in given}})
                groups.setdefault(key, []).append(read_answer(dict(values), outcome_names, "replay", space.names))
            except (EvaluationError, ValueError, TypeError) as error:
                # The header is line 1.
                problems.append(Problem(f"row {row + 1} (line {row + 2})", str(error), "Mend or remove the row"))
        if problems:
            raise EvaluationError(str(InputError(problems, str(path))))
        return cls(space, {key: _merged(answers) for key, answers in groups.items()}, str(path))

    @property
    def designs(self) -> pd.DataFrame:
        """The designs that can be looked up, one row each: the candidates of a campaign on recorded data."""
        return pd.DataFrame(list(self.answers), columns=list(self.space.names))

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        """Return what was recorded for this very design, or a failure that names the nearest one."""
        answer = self.answers.get(_key(self.space, design))
        if answer is not None:
            return Evaluation(answer)
        return Evaluation(
            TrialFailure(
                "equipment",
                f"{self.source} has no such design; replay looks up exact designs only. The nearest of its "
                f"{len(self.answers)} is {self._nearest(design)}",
            )
        )

    def _nearest(self, design: Mapping[str, float | str]) -> str:
        """Return the recorded design with the fewest other levels, then the nearest numbers."""
        designs = self.designs
        n_other = np.zeros(len(designs))
        for variable in self.space.categorical:
            n_other += designs[variable.name].to_numpy() != str(design[variable.name])
        asked = self.space.to_unit(pd.DataFrame([dict(design)]))
        with np.errstate(invalid="ignore"):
            distance = np.nan_to_num(np.abs(self.space.to_unit(designs) - asked).sum(axis=1), nan=np.inf)
        best = designs.iloc[int(np.lexsort((distance, n_other))[0])]
        return ", ".join(f"{name} {best[name]}" for name in self.space.names)


def _is_word(variable: object) -> bool:
    return isinstance(variable, Fixed) and isinstance(variable.value, str)


def _key(space: DesignSpace, design: Mapping[str, object]) -> Key:
    """Return the design in the digits that proposals have, so that 0.1 and 0.1000000001 are one."""
    key: list[float | str] = []
    for variable in space.variables:
        value = design[variable.name]
        if isinstance(variable, Categorical) or _is_word(variable):
            key.append(str(value))
        else:
            number = float(str(value))
            if not math.isfinite(number):
                raise ValueError(f"{variable.name} is {value}, not a number")
            key.append(round_significant(number))
    return tuple(key)


def _merged(answers: Sequence[Answer]) -> Answer:
    """Return one answer of repeats: the mean of the results; a failure only where every repeat failed."""
    results = [answer for answer in answers if isinstance(answer, TrialResult)]
    if len(results) <= 1:
        return results[0] if results else answers[0]
    outcomes: dict[str, float] = {}
    sem: dict[str, float] = {}
    for name in {name: None for result in results for name in result.outcomes}:
        values = [result.outcomes[name] for result in results if name in result.outcomes]
        outcomes[name] = float(np.mean(values))
        if len(values) > 1:
            sem[name] = float(np.std(values, ddof=1) / math.sqrt(len(values)))
    censored = frozenset(name for result in results for name in result.censored)
    return replace(results[0], outcomes=outcomes, sem=sem, censored=censored, attributes={"n_repeats": len(results)})
