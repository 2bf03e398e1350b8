"""Which cells fell off a cliff that nobody reported: far worse than the rest, without anything in between."""

from __future__ import annotations

from typing import Final

import numpy as np

from afssb_opt.domain.outcomes import ABOVE_CLIFF

# Fewer cells below may be chance; a single bad one is an outlier, not a region.
MIN_FALLEN: Final = 2
# Fewer cells have no groups.
MIN_CELLS: Final = 6
# The two groups explain at least this share of the variance; evenly spread values cut in two explain .75.
MIN_EXPLAINED: Final = 0.76
# Without two such groups the widest gap is looked for among so many of the cells, the worst ones: what separates the
# good from the very good is no cliff.
LOWER_PART: Final = 0.6
# That gap is at least this many times as wide as the average one; evenly spread values have none.
MIN_GAP: Final = 3.0
# Two outcomes show the same cliff if at least half of the cells that fell in either fell in both.
SAME_CLIFF: Final = 0.5


def fallen(worth: np.ndarray) -> np.ndarray:
    """Return `(n,)` booleans for the cells below the likeliest cliff, all False where there can be none.

    It is between the two groups of Otsu (doi 10.1109/TSMC.1979.4310076), the cut that explains most of the variance;
    where that explains too little, since the cells above scatter for other reasons, it is a wide gap below most of
    them. Whether to believe it is for the caller: the cells above must be predicted better without those below.

    Args:
        worth: `(n,)` finite values, more is better.
    """
    order = np.sort(worth)
    n = len(order)
    if n < MIN_CELLS or not np.ptp(worth) > 0:
        return np.zeros(n, dtype=bool)
    sizes = np.arange(1, n)
    explained = _explained(order)
    cut = int(np.argmax(explained))
    if explained[cut] < MIN_EXPLAINED or sizes[cut] < MIN_FALLEN:
        gaps = np.diff(order)[MIN_FALLEN - 1 : int(LOWER_PART * n)]
        cut = int(np.argmax(gaps)) + MIN_FALLEN - 1
        if order[cut + 1] - order[cut] < MIN_GAP * (order[-1] - order[0]) / (n - 1):
            return np.zeros(n, dtype=bool)
    return np.asarray(worth <= order[cut])


def worse_group(worth: np.ndarray) -> tuple[np.ndarray, float]:
    """Return `(n,)` booleans for the worse of Otsu's two groups, and how much of the variance the two explain.

    All False where there are too few cells for groups.
    """
    nothing = np.zeros(len(worth), dtype=bool)
    if len(worth) < MIN_CELLS or not np.ptp(worth) > 0:
        return nothing, 0.0
    order = np.sort(worth)
    explained = _explained(order)
    low = worth <= order[int(np.argmax(explained))]
    return (np.asarray(low), float(explained.max())) if low.sum() >= MIN_FALLEN else (nothing, 0.0)


def is_same_cliff(labels: np.ndarray, other: np.ndarray) -> bool:
    """Whether two outcomes show one cliff, by `(n,)` labels as for `merged`."""
    both = np.isfinite(labels) & np.isfinite(other)
    fell, fell_there = labels[both] == 0, other[both] == 0
    n_both = int((fell & fell_there).sum())
    return n_both > 0 and n_both >= SAME_CLIFF * int((fell | fell_there).sum())


def _explained(order: np.ndarray) -> np.ndarray:
    """Return `(n - 1,)` shares of the variance that a cut after each of the sorted values explains."""
    n, sizes = len(order), np.arange(1, len(order))
    total = ((order - order.mean()) ** 2).sum()
    below = np.cumsum(order)[:-1] / sizes
    above = (order.sum() - np.cumsum(order)[:-1]) / (n - sizes)
    return np.asarray(sizes * (n - sizes) / n * (above - below) ** 2 / total)


def merged(cliffs: list[tuple[str, np.ndarray]]) -> list[tuple[str, np.ndarray]]:
    """Return the cliffs with those joined that mostly the same cells fell off.

    Args:
        cliffs: Outcome and `(n,)` labels, 0 for a cell that fell, 1 for one that did not, NaN where not measured.

    Returns:
        The same under the name `<outcome>_above_cliff` of the first outcome that shows it.
    """
    joined: list[tuple[str, np.ndarray]] = []
    for name, labels in cliffs:
        for position, (other, seen) in enumerate(joined):
            if is_same_cliff(labels, seen):
                joined[position] = (other, np.fmin(labels, seen))
                break
        else:
            joined.append((f"{name}{ABOVE_CLIFF}", labels))
    return joined
