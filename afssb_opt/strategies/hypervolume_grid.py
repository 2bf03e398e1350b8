"""How much hypervolume a design is expected to add to sampled Pareto fronts."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# Coordinates per objective of the hypervolume grid, by number of objectives: about 10,000 cells each.
MAX_COORDINATES: Final = {2: 100, 3: 20, 4: 9}


class HypervolumeGrid:
    """Space above the reference point, cut at every coordinate of the sampled fronts.

    A cell that no cell of the front dominates adds the product, over objectives, of the expected overlap
    with it; summing them is exact for independent objectives.
    """

    def __init__(self, values: Tensor, reference: Tensor) -> None:
        """Cut the grid.

        Args:
            values: `(s, n, m)` sampled values, maximised.
            reference: `(m,)`.
        """
        n_samples, n, m = values.shape
        counts = (values > reference).all(dim=-1)
        beaten = torch.zeros_like(counts)
        if n:
            at_least = (values[:, None] >= values[:, :, None]).all(dim=-1)
            better = (values[:, None] > values[:, :, None]).any(dim=-1)
            beaten = (at_least & better & counts[:, None, :]).any(dim=-1)
        on_front = counts & ~beaten
        size = int(on_front.sum(dim=1).max()) if n else 0
        order = on_front.double().argsort(dim=1, descending=True, stable=True)[:, :size]
        front = torch.gather(values, 1, order[..., None].expand(-1, -1, m))
        kept = torch.gather(on_front, 1, order)
        front = torch.where(kept[..., None], front, reference)
        sorted_levels = front.sort(dim=1).values
        if size > MAX_COORDINATES[m]:
            picks = torch.linspace(0, size - 1, MAX_COORDINATES[m], dtype=torch.float64).round().long()
            sorted_levels = sorted_levels[:, picks]
        ranks = torch.searchsorted(
            sorted_levels.transpose(1, 2).contiguous(), front.transpose(1, 2).contiguous(), side="left"
        ).transpose(1, 2)
        width = sorted_levels.shape[1] + 1
        dominated = torch.zeros((n_samples, *[width] * m), dtype=torch.float64)
        if size:
            sample = torch.arange(n_samples)[:, None].expand(-1, size)
            dominated[(sample, *[ranks[..., column] for column in range(m)])] = 1.0
            # A padded row sits on the reference point and has rank 0 or among its equals: it dominates no volume.
            for axis in range(1, m + 1):
                dominated = dominated.flip(axis).cummax(dim=axis).values.flip(axis)
        self._free = 1.0 - dominated
        # `(s, m, width)` lower edge of each slice.
        self.levels = torch.cat([reference.expand(n_samples, 1, m), sorted_levels], dim=1).transpose(1, 2)

    def expected_gain(self, excess: list[Tensor]) -> Tensor:
        """Return `(n, s)` expected volumes from the `(n, s, width)` expected excess over each edge."""
        overlap = []
        for over in excess:
            upper = torch.cat([over[..., 1:], torch.zeros_like(over[..., :1])], dim=-1)
            overlap.append((over - upper).clamp_min(0.0).transpose(0, 1))
        n_samples, n, width = overlap[0].shape
        total = torch.bmm(overlap[0], self._free.reshape(n_samples, width, -1))
        for over in overlap[1:]:
            total = torch.bmm(over.reshape(n_samples * n, 1, width), total.reshape(n_samples * n, width, -1)).reshape(
                n_samples, n, -1
            )
        return total[..., 0].T
