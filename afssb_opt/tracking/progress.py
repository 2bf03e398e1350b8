"""How far a campaign has come: best value so far of each objective and hypervolume, after each observed trial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from afssb_opt.domain.objectives import maximised_table, meets_constraints, pareto_rows
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import TrialRecord


def progress_table(spec: CampaignSpec, observations: pd.DataFrame, *, has_hypervolume: bool = True) -> pd.DataFrame:
    """Return one row per observation, in the given order, with what was best up to it.

    Columns: `trials` (1 to n), `label` and `number` where given, `n_completed`, `n_failed`, `best_<objective>` in the
    outcome's unit (among cells that meet all constraints), and `hypervolume` for a trade-off of two objectives or more,
    all rows above the same reference point.

    Args:
        spec: Gives objectives and constraints.
        observations: As from `Ledger.observations`.
        has_hypervolume: False leaves that column out, which saves loading torch.
    """
    n = len(observations)
    status = observations["status"] if "status" in observations else pd.Series(["completed"] * n)
    table = pd.DataFrame({"trials": np.arange(1, n + 1)})
    for name in ("number", "label"):
        if name in observations:
            table[name] = observations[name].to_numpy()
    table["n_completed"] = (status == "completed").cumsum().to_numpy()
    table["n_failed"] = (status == "failed").cumsum().to_numpy()
    values = maximised_table(spec.shown_objectives, observations)
    values[~meets_constraints(spec.constraints, observations)] = np.nan
    for column, objective in enumerate(spec.shown_objectives):
        outcome = observations.get(objective.outcome, pd.Series(np.full(n, np.nan)))
        table[f"best_{objective.outcome}"] = _best_so_far(values[:, column], outcome.to_numpy(float))
    if has_hypervolume and len(spec.wanted) > 1:
        # Loads torch, which takes seconds that a plain look at the best values need not pay. From the package, not its
        # module: then a thread waits for another that is importing the package, and BoTorch bears no two at once.
        from afssb_opt.strategies import hypervolume_history

        table["hypervolume"] = hypervolume_history(spec.objectives, observations, spec.constraints) if n else []
    return table


def fixed_reference(spec: CampaignSpec, observations: pd.DataFrame) -> str | None:
    """Return the reference point of the hypervolumes in the outcomes' units; None while later cells may move it."""
    # Loads torch, as above.
    from afssb_opt.strategies import fixed_reference_point

    reference, is_fixed = fixed_reference_point(spec.objectives, observations, spec.constraints)
    if not is_fixed:
        return None
    parts = []
    for objective, value in zip(spec.objectives, reference, strict=True):
        shown = value if objective.goal == "maximize" else -value
        parts.append(f"{objective.outcome} {shown:.4g}" + " off its target" * (objective.goal == "target"))
    return ", ".join(parts)


def best_rows(spec: CampaignSpec, observations: pd.DataFrame) -> np.ndarray:
    """Return `(n,)` booleans: the answer so far, that is the Pareto set, or the best cell where one is wanted."""
    if observations.empty:
        return np.zeros(0, dtype=bool)
    return pareto_rows(spec.wanted, spec.constraints, observations)


def in_order_of_end(observations: pd.DataFrame, trials: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return the observations in the order in which their trials ended; those still cycling come last.

    An observation recorded after the trials were read is left for the next look.
    """
    ended = {trial.uid: (trial.ended_at is None, trial.ended_at or trial.proposed_at, trial.number) for trial in trials}
    uids = observations["trial_uid"].tolist()
    order = sorted((row for row, uid in enumerate(uids) if uid in ended), key=lambda row: ended[uids[row]])
    return observations.iloc[order].reset_index(drop=True)


def _best_so_far(maximised: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    best, best_value = -np.inf, np.nan
    column = np.full(len(maximised), np.nan)
    for row, value in enumerate(maximised):
        if np.isfinite(value) and value > best:
            best, best_value = value, outcome[row]
        column[row] = best_value
    return column
