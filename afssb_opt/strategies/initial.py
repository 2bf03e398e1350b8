"""Which cells come first: points that fill the space evenly, with every level getting its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.encoding import Encoding

# Points per level combination that each new cell is chosen from.
N_OFFERED: Final = 32
# Share of each range, around its middle, that the first cells come from: who sets bounds expects the best designs well
# inside them, while points as far apart as can be lie at the edges (docs/decisions/0004).
REACH: Final = 0.5


def space_filling(
    space: MixedSpace,
    encoding: Encoding,
    taken: Candidates,
    seed: np.random.SeedSequence,
    is_hopeless: Callable[[Candidates], np.ndarray],
) -> Candidates:
    """Return all offered points, the one to build first at the front.

    Points without hope come last. Levels used least come first; among them the one whose descriptors lie farthest from
    those used, then the scrambled Sobol point of the inner half of all ranges that is farthest from all cells so far.

    Args:
        space: Where to look.
        encoding: Features of designs.
        taken: Cells measured, under test or already chosen.
        seed: Of the Sobol scrambling and of ties.
        is_hopeless: Tells of points, `(n,)`, whether they break a limit whatever comes out.
    """
    order_seed, sobol_seed = seed.spawn(2)
    rng = np.random.default_rng(order_seed)
    combinations = space.combinations(rng)
    use = np.zeros(len(combinations))
    for column in range(combinations.shape[1]):
        counts = np.bincount(taken.codes[:, column], minlength=int(combinations.max(initial=0)) + 1)
        use += counts[combinations[:, column]]
    apart = _distance_to(encoding, combinations, taken.codes)
    tie = rng.random(len(combinations))
    by_turn = np.lexsort((tie, -np.round(apart, 9), use))
    offered, n_inner = space.listed(), 0
    if offered is None:
        rows = np.repeat(combinations[by_turn], N_OFFERED, axis=0)
        inner_seed, whole_seed = sobol_seed.spawn(2)
        inner, whole = space.sample(rows, inner_seed, REACH), space.sample(rows, whole_seed)
        offered, n_inner = Candidates.stack([inner, whole]), len(inner)
    if not len(offered):
        return offered
    turn = {tuple(row): position for position, row in enumerate(combinations[by_turn])}
    turns = np.array([turn.get(tuple(row), len(turn)) for row in offered.codes])
    gap = np.zeros(len(offered)) if not len(taken) or not space.n_unit else _gap(offered.unit, taken.unit)
    if not len(taken):
        gap = rng.random(len(offered))
    is_outer = np.arange(len(offered)) >= n_inner
    return offered.take(np.lexsort((-gap, is_outer, turns, is_hopeless(offered))))


def _distance_to(encoding: Encoding, combinations: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return how far each level combination lies from the nearest one used, by descriptors and names."""
    if not len(used) or not combinations.shape[1]:
        return np.zeros(len(combinations))
    none = np.zeros((1, len(encoding.space.numeric)))
    mine = encoding.features(np.repeat(none, len(combinations), axis=0), combinations)
    other = encoding.features(np.repeat(none, len(used), axis=0), used)
    return _gap(mine, other)


def _gap(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.sqrt(((points[:, None, :] - others[None, :, :]) ** 2).sum(axis=2)).min(axis=1)
