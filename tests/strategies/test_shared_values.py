"""Is the value that a batch shares the best for the whole batch, and is the batch explained as it was chosen?"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from afssb_opt.domain.objectives import Objective
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Categorical, Continuous, Discrete
from afssb_opt.strategies import Optimizer, shared_values
from afssb_opt.strategies.shared_values import propose_sharing

METALS = ("Ag", "Mg", "Sn", "Zn")
SHARED_NUMBER = DesignSpace(
    (
        Categorical("metal", METALS),
        Continuous("pressure_mpa", 0.5, 10.0, "log", shared_per_batch=True),
        Continuous("x", 0.0, 1.0),
    )
)
SHARED_LEVEL = DesignSpace(
    (
        Categorical("electrolyte", ("LPSCl", "LPS", "LGPS"), shared_per_batch=True),
        Discrete("coats", (1.0, 2.0, 4.0)),
        Continuous("x", 0.0, 1.0),
    )
)


def told(space: DesignSpace, seed: int) -> Optimizer:
    """Return an optimiser that knows fourteen noisy cells."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(14):
        row: dict[str, object] = {}
        for variable in space.variables:
            if isinstance(variable, Categorical):
                row[variable.name] = str(rng.choice(variable.levels))
            elif isinstance(variable, Discrete):
                row[variable.name] = float(rng.choice(variable.values))
            else:
                row[variable.name] = variable.from_unit(rng.random())
        rows.append(row)
    table = pd.DataFrame(rows)
    best = table.iloc[:, 0].map({level: i for i, level in enumerate(sorted(set(table.iloc[:, 0])))}).astype(float)
    table["gain"] = 0.3 * best - 4.0 * (table["x"] - 0.2 * best) ** 2 + 0.1 * rng.standard_normal(14)
    optimizer = Optimizer(space, [Objective("gain")], seed=seed)
    optimizer.tell(table)
    return optimizer


@pytest.mark.parametrize(("space", "name"), [(SHARED_NUMBER, "pressure_mpa"), (SHARED_LEVEL, "electrolyte")])
def test_a_batch_shares_one_value_and_is_explained_with_the_gains_it_was_chosen_for(space, name):
    optimizer = told(space, 3)
    designs = optimizer.ask(3)
    assert designs[name].nunique() == 1
    assert len(designs.drop_duplicates()) == 3
    explained = [explanation.gain.total for explanation in optimizer.explain(designs)]
    assert explained == pytest.approx([gain["total"] for gain in designs.attrs["gains"]])


def test_a_value_that_is_best_for_one_cell_gives_way_to_one_that_is_better_for_all(monkeypatch):
    optimizer = told(SHARED_LEVEL, 3)
    situation = optimizer._situation(optimizer.pending)
    kept = propose_sharing(situation, 3)
    levels = SHARED_LEVEL.categorical[0].levels
    by_level = {}
    for level in levels:
        proposal = optimizer._proposed(optimizer.pending, 3, None, fixed={"electrolyte": level})
        by_level[level] = sum(gain.total for gain in proposal.gains)
    assert kept.designs["electrolyte"].iloc[0] == max(by_level, key=lambda level: by_level[level])
    assert sum(gain.total for gain in kept.gains) == pytest.approx(max(by_level.values()))
    # With a first design that looks best alone under the worst level, the rivals still win.
    worst = min(by_level, key=lambda level: by_level[level])
    honest = shared_values.propose

    def misled(situation, n):
        if not situation.fixed and situation.space.shared_names:
            return honest(replace(situation, fixed={"electrolyte": worst}), n)
        return honest(situation, n)

    monkeypatch.setattr(shared_values, "propose", misled)
    mended = propose_sharing(optimizer._situation(optimizer.pending), 3)
    assert mended.designs["electrolyte"].iloc[0] != worst
