"""The cells that a campaign knows before its own: simulated ones or a table, kept in the ledger as they were used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.stats import qmc

from afssb_opt.campaign_file.prior_data import SIMULATION
from afssb_opt.domain.errors import InputError, Problem
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.evaluators.table_file import read_table
from afssb_opt.ledger import Event

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

PRIOR_NOTE: Final = "prior_data"
# As many as the surrogate fits its hyperparameters to; simulating them takes seconds.
N_SIMULATED: Final = 100
# More than this the ledger is not made for.
MAX_ROWS: Final = 2_000


def ensure_prior(campaign: Campaign) -> None:
    """Put the prior data that the campaign file names into the ledger, unless the same stand there."""
    spec = campaign.spec
    if spec.prior_data is None:
        return
    recorded = _notes(campaign.ledger.events(campaign.uid))
    if spec.prior_data == SIMULATION:
        wanted = {"source": SIMULATION, "config_sha256": spec.sha256}
        if recorded and all(recorded[-1].get(key) == value for key, value in wanted.items()):
            return
        table = simulated_prior(spec)
    else:
        wanted = {"source": Path(spec.prior_data).name}
        table = table_prior(spec)
    campaign.ledger.append_note(campaign.uid, PRIOR_NOTE, {**wanted, "rows": _plain_rows(table)}, actor="afssb")


def recorded_prior(events: Iterable[Event]) -> pd.DataFrame | None:
    """Return the newest prior data among events, or None."""
    notes = _notes(events)
    return pd.DataFrame(notes[-1]["rows"]) if notes else None


def simulated_prior(spec: CampaignSpec) -> pd.DataFrame:
    """Simulate cells spread over the design space under the campaign's protocol."""
    from afssb_opt.evaluators.simulation import simulate  # numba takes seconds to import

    designs = _spread(spec.space, spec.seed)
    outcomes = simulate(designs, spec.protocol, spec.outcome_settings).outcomes
    kept = [name for name in outcomes if str(name).removesuffix("_censored") in spec.outcome_names]
    return designs.join(outcomes.loc[:, kept])[outcomes["solver_ok"].to_numpy(bool)].reset_index(drop=True)


def table_prior(spec: CampaignSpec) -> pd.DataFrame:
    """Read the table of cells that the campaign file names.

    Raises:
        InputError: It cannot be read, is too long, or lacks a variable or every outcome.
    """
    path = Path(str(spec.prior_data))
    levels = tuple(variable.name for variable in spec.space.categorical)
    table = read_table(path, "prior_data", levels)
    suffixes = ("", "_sem", "_censored")
    wanted = [*spec.space.names, *(f"{name}{suffix}" for name in spec.outcome_names for suffix in suffixes)]
    missing = [v.name for v in (*spec.space.categorical, *spec.space.numeric) if v.name not in table]
    problems = [Problem(f"column {name}", "is missing", "Give each variable of the campaign") for name in missing]
    if not set(spec.outcome_names) & set(table.columns):
        remedy = f"Give at least one of: {', '.join(spec.outcome_names)}"
        problems.append(Problem("columns", "hold no outcome of this campaign", remedy))
    if len(table) > MAX_ROWS:
        problems.append(Problem("rows", f"are {len(table)}", f"Give at most {MAX_ROWS}"))
    if problems:
        raise InputError(problems, source=str(path))
    return table[[name for name in wanted if name in table]]


def _spread(space: DesignSpace, seed: int) -> pd.DataFrame:
    """Return scrambled Sobol points with every level equally often; those that break a rule are left out."""
    numeric, categorical = space.numeric, space.categorical
    engine = qmc.Sobol(len(numeric) + len(categorical), rng=np.random.default_rng(seed))
    draw = engine.random(2 ** math.ceil(math.log2(2 * N_SIMULATED)))
    columns = {}
    for column, variable in enumerate(categorical):
        n_levels = len(variable.levels)
        place = np.minimum((draw[:, len(numeric) + column] * n_levels).astype(int), n_levels - 1)
        columns[variable.name] = np.array(variable.levels, dtype=object)[place]
    levels = pd.DataFrame(columns, index=range(len(draw)))
    unit = draw[:, : len(numeric)].copy()
    for row in range(len(draw)):
        low, high = space.unit_bounds({str(name): str(level) for name, level in levels.iloc[row].items()})
        unit[row] = low + unit[row] * (high - low)
    designs = space.from_unit(unit, levels)
    return designs[space.obeys_rules(designs)].head(N_SIMULATED).reset_index(drop=True)


def _notes(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [event.payload for event in events if event.kind == PRIOR_NOTE]


def _plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows that JSON can hold; an empty cell is None."""
    rows = []
    for row in table.to_dict("records"):
        rows.append({str(k): None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()})
    return rows
