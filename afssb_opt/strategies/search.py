"""Where the acquisition is largest: a look at every level, then a closer look around the best points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch

from afssb_opt.strategies.candidates import Candidates, MixedSpace
from afssb_opt.strategies.encoding import Encoding

Value = Callable[[torch.Tensor], torch.Tensor]

# First look: this many points in all, shared among the level combinations.
N_FIRST: Final = 768
# Closer look: this many points are followed, each by a cloud that shrinks from round to round.
N_FOLLOWED: Final = 6
N_CLOUD: Final = 24
# The cloud's radius in unit coordinates starts at the spacing of the first look and ends below what a lab can set.
RADII: Final = (0.15, 0.07, 0.03, 0.012, 0.005)
# One cloud point in eight also tries another level, so that a good recipe is carried over to it.
LEVEL_SWAP: Final = 0.125


def maximise(
    value: Value,
    space: MixedSpace,
    encoding: Encoding,
    anchors: Candidates,
    seed: np.random.SeedSequence,
) -> tuple[Candidates, np.ndarray]:
    """Return promising designs and their values, best first.

    Args:
        value: Acquisition of `(n, n_columns)` features.
        space: Where to look.
        encoding: Features of designs.
        anchors: Good cells so far; their neighbourhoods are looked at too.
        seed: Of all random choices.
    """
    first_seed, cloud_seed = seed.spawn(2)
    rng = np.random.default_rng(cloud_seed)
    listed = space.listed()
    if listed is not None:
        return _ranked(value, encoding, listed)
    combinations = space.combinations(rng)
    repeats = -(-N_FIRST // len(combinations))
    pool = space.sample(np.tile(combinations, (repeats, 1)), first_seed)
    if len(anchors):
        pool = Candidates.stack([pool, _cloud(space, anchors, RADII[0], 8, rng)])
    if not len(pool):
        return pool, np.zeros(0)
    pool, scores = _ranked(value, encoding, pool)
    first_scores = scores
    followed, best = pool.take(np.arange(min(N_FOLLOWED, len(pool)))), scores[:N_FOLLOWED]
    for radius in RADII:
        cloud = _cloud(space, followed, radius, N_CLOUD, rng)
        if not len(cloud):
            continue
        both, scores = _ranked(value, encoding, Candidates.stack([followed, cloud]))
        followed = both.take(np.arange(min(N_FOLLOWED, len(both))))
        best = scores[:N_FOLLOWED]
    # The first look stays behind as a reserve for designs that coincide with old ones once rounded.
    both = Candidates.stack([followed, pool])
    all_scores = np.concatenate([best, first_scores])
    order = np.argsort(-all_scores, kind="stable")
    return both.take(order), all_scores[order]


def _cloud(space: MixedSpace, centres: Candidates, radius: float, size: int, rng: np.random.Generator) -> Candidates:
    unit = np.repeat(centres.unit, size, axis=0)
    codes = np.repeat(centres.codes, size, axis=0)
    # Half of the steps move along a single axis: ridges and bounds are then found without luck.
    steps = radius * rng.standard_normal(unit.shape)
    if space.n_unit:
        single = rng.random(len(unit)) < 0.5
        axis = rng.integers(0, space.n_unit, len(unit))
        steps = np.where(single[:, None] & (np.arange(space.n_unit) != axis[:, None]), 0.0, steps)
    combinations = space.combinations(rng)
    swap = (rng.random(len(unit)) < LEVEL_SWAP) | ~space.is_open(codes)
    if codes.shape[1]:
        codes[swap] = combinations[rng.integers(0, len(combinations), int(swap.sum()))]
    cloud = space.settle(unit + steps, codes)
    return cloud.take(np.flatnonzero(space.obeys_rules(cloud)))


def _scores(value: Value, encoding: Encoding, candidates: Candidates) -> np.ndarray:
    features = torch.as_tensor(encoding.features(candidates.unit, candidates.codes))
    with torch.no_grad():
        return np.asarray(torch.nan_to_num(value(features), nan=-1.0).numpy(force=True))


def _ranked(value: Value, encoding: Encoding, candidates: Candidates) -> tuple[Candidates, np.ndarray]:
    scores = _scores(value, encoding, candidates)
    order = np.argsort(-scores, kind="stable")
    return candidates.take(order), scores[order]
