"""Which value a batch shares where all its cells must have one, such as the pressure of a common press."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Final

from afssb_opt.domain.errors import StrategyError
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.variables import Fixed
from afssb_opt.strategies.proposal import Proposal, Situation, propose

# Values tried besides that of the best single design; each costs a batch of its own.
MAX_RIVALS: Final = 4


def propose_sharing(situation: Situation, n: int) -> Proposal:
    """Return the next `n` designs with the shared values under which the whole batch gains most.

    The values tried are that of the best single design and those that the designs would have if none were shared.
    Gains add up within a batch, since each counts what its designs before it already gain.

    Raises:
        StrategyError: There are not `n` designs that are feasible and new.
    """
    open_names = [name for name in situation.space.shared_names if name not in situation.fixed]
    if n == 1 or not open_names:
        return propose(situation, n)
    single = propose(_afresh(situation), 1)
    if single.gains[0] is None:
        return propose(_afresh(situation), n)
    tried = {tuple(single.designs[name].iloc[0] for name in open_names)}
    best = propose(replace(_afresh(situation), fixed=_held(situation, open_names, *tried)), n)
    apart = propose(replace(_afresh(situation), space=_unshared(situation.space)), min(n, MAX_RIVALS))
    for _, design in apart.designs.iterrows():
        values = tuple(design[name] for name in open_names)
        if values in tried:
            continue
        tried.add(values)
        try:
            rival = propose(replace(_afresh(situation), fixed=_held(situation, open_names, values)), n)
        except StrategyError:
            # Under these values there are not `n` designs left; those of the best single design had them.
            continue
        if _total_gain(rival) > _total_gain(best):
            best = rival
    return best


def _held(situation: Situation, names: list[str], values: tuple[object, ...]) -> dict[str, object]:
    """Return what is fixed once the shared variables have these values."""
    return {**situation.fixed, **dict(zip(names, values, strict=True))}


def _afresh(situation: Situation) -> Situation:
    """Return the situation with its source of random choices as it is now, whatever is drawn from it later."""
    return replace(situation, seeds=copy.deepcopy(situation.seeds))


def _unshared(space: DesignSpace) -> DesignSpace:
    variables = [v if isinstance(v, Fixed) else replace(v, shared_per_batch=False) for v in space.variables]
    return replace(space, variables=tuple(variables))


def _total_gain(proposal: Proposal) -> float:
    return sum(gain.total if gain is not None else 0.0 for gain in proposal.gains)
