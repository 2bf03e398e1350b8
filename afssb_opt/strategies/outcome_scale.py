"""On which scale one outcome is modelled: logarithm, standardisation and the bounds put on outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

# Farther than this many widths of the middle 80 % outside of it is a typing error or a broken channel.
# Tukey's fences would also hit honest first cells once a campaign has settled around its best designs.
FENCE_WIDTHS: Final = 10.0
# Towards better values that is little: cells that died lie close together, and the one that works is no error. There a
# value is one only if it lies so many typical sizes away, or, on a logarithmic scale, is better by such a factor.
FENCE_SIZES: Final = 1e3
FENCE_FACTOR: Final = 1e6
# Percentiles of fewer values mean nothing.
MIN_ROWS_FOR_FENCE: Final = 5


@dataclass(frozen=True)
class OutcomeScale:
    """Maps an outcome to standardised units and back.

    Attributes:
        is_log: Whether the logarithm is modelled.
        floor: Smallest value whose logarithm is taken; lower ones count as this.
        center: Value, or logarithm, that maps to 0.
        spread: Difference in value, or logarithm, that maps to 1.
        low: Lower fence in standardised units; values beyond count as lying on it.
        high: Upper fence likewise.
    """

    is_log: bool
    floor: float
    center: float
    spread: float
    low: float
    high: float

    @classmethod
    def for_values(cls, values: np.ndarray, *, is_log: bool = False, better_side: float = 0.0) -> OutcomeScale:
        """Choose the scale for the finite ones among the values.

        Args:
            values: `(n,)`.
            is_log: Whether the logarithm is modelled.
            better_side: +1 where more is better, -1 where less is, 0 where neither; there the fence is far out.
        """
        values = values[np.isfinite(values)]
        positive = values[values > 0]
        is_log = is_log and len(positive) > 0
        # Half of the smallest life seen keeps a cell dead on arrival worst without sending it to minus infinity.
        floor = float(positive.min()) / 2.0 if is_log else 0.0
        plain = np.log(np.maximum(values, floor)) if is_log else values
        # Moments of numbers near 1e300 would overflow; those of the same numbers relative to the largest do not.
        largest = float(np.abs(plain).max(initial=0.0)) or 1.0
        far_out = float(np.log(FENCE_FACTOR)) / largest if is_log else FENCE_SIZES * _typical_size(plain / largest)
        inside = plain[_within_fence(plain / largest, better_side, far_out)]
        largest = float(np.abs(inside).max(initial=0.0)) or 1.0
        center = float((inside / largest).mean()) * largest if len(inside) else 0.0
        spread = float((inside / largest).std()) * largest if len(inside) > 1 else 0.0
        if not spread > 1e-9 * max(1e-9, abs(center)):
            spread = 0.1 * abs(center) if center else 1.0
        standard = (inside - center) / spread
        low, high = (float(standard.min()), float(standard.max())) if len(inside) else (0.0, 0.0)
        return cls(is_log, floor, center, spread, low, high)

    def to_standard(self, values: np.ndarray) -> np.ndarray:
        """Return standardised values; those beyond the fences lie on them."""
        return np.clip(self.to_standard_unfenced(values), self.low, self.high)

    def to_standard_unfenced(self, values: np.ndarray) -> np.ndarray:
        """Return standardised values wherever they lie; for limits and thresholds."""
        plain = np.log(np.maximum(values, self.floor)) if self.is_log else values
        return np.asarray((plain - self.center) / self.spread)

    def sem_to_standard(self, values: np.ndarray, sem: np.ndarray) -> np.ndarray:
        """Return standard errors in standardised units."""
        return sem / (np.maximum(values, self.floor) if self.is_log else 1.0) / self.spread

    def from_standard(self, standard: np.ndarray) -> np.ndarray:
        """Return values in the outcome's unit."""
        plain = self.center + self.spread * np.asarray(standard, dtype=float)
        return np.exp(plain) if self.is_log else plain

    def is_outlier(self, values: np.ndarray) -> np.ndarray:
        """Return booleans: the value was moved to a fence."""
        standard = self.to_standard_unfenced(values)
        slack = 1e-9
        return np.isfinite(values) & ((standard < self.low - slack) | (standard > self.high + slack))


def _typical_size(values: np.ndarray) -> float:
    """Return the median of the sizes but for zeros, which have none: they are cells that died."""
    size = np.abs(values[values != 0])
    return float(np.percentile(size, 50, method="lower")) if len(size) else 1.0


def _within_fence(values: np.ndarray, better_side: float, far_out: float) -> np.ndarray:
    if len(values) < MIN_ROWS_FOR_FENCE:
        # Too few to judge, but numbers of this size break any arithmetic.
        return np.asarray(np.abs(values) <= 1e6 * _typical_size(values))
    # These methods never look at the very lowest and highest value, so one outlier cannot move its own fence.
    lower = float(np.percentile(values, 10, method="higher"))
    upper = float(np.percentile(values, 90, method="lower"))
    if lower == upper:
        return np.abs(values - lower) <= 1e3 * abs(lower) if lower else np.abs(values) <= 1.0
    reach = FENCE_WIDTHS * (upper - lower)
    below, above = (max(reach, far_out) if better_side == side else reach for side in (-1.0, 1.0))
    return (values >= lower - below) & (values <= upper + above)
