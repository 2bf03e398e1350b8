"""The built-in cell simulation as an evaluator, and `simulate` for tables of designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from afssb_opt.domain.errors import DesignError
from afssb_opt.domain.outcomes import OutcomeSettings, compute_outcomes
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.evaluators.protocol import Evaluation
from afssb_opt.simulation import simulate_cells


@dataclass(frozen=True)
class Simulated:
    """Outcomes of many designs and the cycling table of each.

    Attributes:
        outcomes: One row per design: an outcome per column, `<outcome>_censored` where a value is a lower limit,
            `stop_reason` and `solver_ok`.
        cycling: One cycling table per design, in the same order.
    """

    outcomes: pd.DataFrame
    cycling: tuple[pd.DataFrame, ...]


def simulate(
    designs: pd.DataFrame, protocol: Protocol = Protocol(), settings: OutcomeSettings = OutcomeSettings()
) -> Simulated:
    """Cycle one simulated cell per row.

    Args:
        designs: Columns of `STANDARD_VARIABLES`; a variable that is not given takes its default.

    Raises:
        DesignError: A column or value is not what the simulation knows.
    """
    rows = []
    cells = simulate_cells(designs, protocol)
    for (_, design), cell in zip(designs.iterrows(), cells, strict=True):
        outcomes = compute_outcomes({str(k): v for k, v in design.items()}, protocol, cell.cycling, settings)
        row: dict[str, object] = dict(outcomes.values)
        row |= {f"{name}_censored": True for name in outcomes.censored}
        row |= {"stop_reason": cell.stop_reason, "solver_ok": cell.solver_ok}
        rows.append(row)
    table = pd.DataFrame(rows, index=designs.index)
    for name in [column for column in table.columns if column.endswith("_censored")]:
        table[name] = table[name].eq(True)
    return Simulated(table, tuple(cell.cycling for cell in cells))


@dataclass(frozen=True)
class SimulationEvaluator:
    """Evaluates designs with the cell simulation under one protocol."""

    protocol: Protocol
    settings: OutcomeSettings = OutcomeSettings()

    def evaluate(self, design: Mapping[str, float | str]) -> Evaluation:
        """Return outcomes and cycling table of one simulated cell."""
        try:
            (cell,) = simulate_cells(pd.DataFrame([dict(design)]), self.protocol)
        except DesignError as error:
            return Evaluation(TrialFailure("equipment", str(error)))
        if not cell.solver_ok:
            return Evaluation(TrialFailure("equipment", "the solver of the simulation did not converge"), cell.cycling)
        outcomes = compute_outcomes(design, self.protocol, cell.cycling, self.settings)
        result = TrialResult(
            outcomes=outcomes.values,
            censored=outcomes.censored,
            source="simulation",
            attributes={"stop_reason": cell.stop_reason, "n_cycles": len(cell.cycling)},
        )
        return Evaluation(result, cell.cycling)
