"""How a batch is put together where prior data lead its first designs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.strategies.proposal import Proposal, Situation, retrace
from afssb_opt.strategies.shared_values import propose_sharing
from afssb_opt.strategies.stop_advice import batch_advice

# Of so many cells at the start prior data lead every other one: enough to gain by them and to see how far they hold.
N_LED_START: Final = 4


@dataclass(frozen=True)
class Lead:
    """One who takes the prior data for the truth, and the campaign's own cells for pending ones.

    Attributes:
        n: How many of the next designs it chooses.
        situation: What it knows.
    """

    n: int
    situation: Situation


def n_led_by_prior(n: int, n_before: int) -> int:
    """Return how many of the next `n` designs the prior data choose: every other one of the first four.

    Args:
        n: Designs to propose.
        n_before: Cells of the campaign itself, those under test included.
    """
    open_places = min(n, max(N_LED_START - n_before, 0))
    return (open_places + 1) // 2


def propose_in_parts(
    situation: Situation,
    lead: Lead | None,
    n: int,
    given: pd.DataFrame | None,
    seeds: Callable[[int], np.random.SeedSequence],
) -> Proposal:
    """Propose `n` designs, or say what would be said of those given.

    Args:
        situation: Of the campaign, before the batch.
        lead: Chooses the first designs; None where prior data lead no more.
        n: Designs in the batch.
        given: The designs, where they are known already.
        seeds: Source of random choices by number of pending designs.
    """
    if lead is None:
        return propose_sharing(situation, n) if given is None else retrace(situation, given)
    first = propose_sharing(lead.situation, lead.n) if given is None else retrace(lead.situation, given.iloc[: lead.n])
    # What such a design rests on is no reading of the campaign's own cells.
    reasons = [f"as the prior data suggest, {reason}" for reason in first.reasons]
    first = replace(first, reasons=reasons, models=[None] * len(first.models))
    if lead.n == n:
        return first
    tables = [table for table in (situation.pending, first.designs) if len(table)]
    pending = pd.concat(tables, ignore_index=True)
    shared = {name: first.designs[name].iloc[0] for name in situation.space.shared_names}
    rest = replace(situation, pending=pending, seeds=seeds(len(pending)), fixed={**situation.fixed, **shared})
    second = propose_sharing(rest, n - lead.n) if given is None else retrace(rest, given.iloc[lead.n :])
    return _joined(first, second)


def _joined(first: Proposal, second: Proposal) -> Proposal:
    gains = [*first.gains, *second.gains]
    return Proposal(
        pd.concat([first.designs, second.designs], ignore_index=True),
        [*first.reasons, *second.reasons],
        " + ".join(dict.fromkeys([first.method, second.method])),
        [*first.notes, *second.notes],
        gains,
        [*first.models, *second.models],
        # The gains of the two parts are not in the same units.
        batch_advice(gains, None),
        [*first.rows, *second.rows],
        second.reference,
    )
