"""Which tables of cells known before are accepted as prior data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import pandas as pd

from afssb_opt.domain.errors import DesignError, Problem
from afssb_opt.domain.space import DesignSpace
from afssb_opt.strategies.observations import read_observations

# Fewer cells teach nothing that a campaign's first batch does not.
MIN_CELLS: Final = 5


@dataclass(frozen=True)
class PriorData:
    """A checked table of cells known before, pending rows left out."""

    table: pd.DataFrame

    @classmethod
    def read(cls, space: DesignSpace, outcomes: Sequence[str], table: pd.DataFrame) -> Self:
        """Check a table; outcomes that it lacks are not learned from it.

        Raises:
            DesignError: It lacks a variable or every outcome, or has too few rows; all problems are listed.
        """
        missing = {name: math.nan for name in outcomes if name not in table}
        if len(missing) == len(outcomes):
            what = "hold no outcome of this task"
            raise DesignError([Problem("columns", what, f"Give one of: {', '.join(outcomes)}")], source="prior data")
        read = read_observations(space, outcomes, table.assign(**missing))
        read = read.loc[read["status"] != "pending"].reset_index(drop=True)
        if len(read) < MIN_CELLS:
            raise DesignError([Problem("rows", f"are {len(read)}", f"Give at least {MIN_CELLS}")], source="prior data")
        return cls(read)
