"""Tables of designs and outcomes for the terminal."""

from __future__ import annotations

import pandas as pd
from rich.table import Table

from afssb_opt.cli.output import heading, plain_table, shown
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import TrialRecord

# A longer Pareto set is for the report; the terminal shows the best by the first objective.
MAX_ROWS = 12


def pareto_table(spec: CampaignSpec, best: pd.DataFrame) -> Table:
    """Return the Pareto set as a table, best by the first objective on top."""
    title = f"Pareto set: {len(best)} design{'s' if len(best) > 1 else ''} that no other beats"
    if len(best) > MAX_ROWS:
        title += f" (the {MAX_ROWS} best by {spec.objectives[0].outcome})"
    table = plain_table(title)
    names = [name for name in (*spec.space.names, *(o.outcome for o in spec.objectives)) if name in best.columns]
    table.add_column("Trial")
    for name in names:
        table.add_column(heading(name), justify="left" if best[name].dtype == object else "right")
    for _, row in best.head(MAX_ROWS).iterrows():
        cells = [shown(row[name], is_censored=bool(row.get(f"{name}_censored", False) is True)) for name in names]
        table.add_row(str(row["label"]), *cells)
    return table


def trials_frame(spec: CampaignSpec, trials: list[TrialRecord]) -> pd.DataFrame:
    """Return all trials as plain columns: label, round, state, variables as built, outcomes, reason."""
    rows = []
    for trial in trials:
        result = trial.result
        outcomes = dict(result.outcomes) if isinstance(result, TrialResult) else {}
        row: dict[str, object] = {"trial": trial.label, "round": trial.round, "state": str(trial.state)}
        row |= trial.as_built or trial.design
        row |= {name: outcomes.get(name) for name in spec.outcome_names}
        row |= {f"{name}_censored": True for name in (result.censored if result else ()) if name in spec.outcome_names}
        row |= {"excluded": trial.is_excluded, "failure": trial.failure.reason if trial.failure else ""}
        row |= {"reason": trial.reason}
        rows.append(row)
    return pd.DataFrame(rows)
