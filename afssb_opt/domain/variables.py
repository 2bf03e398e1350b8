"""What one variable of a design may be: continuous, discrete, categorical or fixed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Scale: TypeAlias = Literal["linear", "log"]


def to_unit_interval(value: float, low: float, high: float, scale: Scale) -> float:
    """Map a value in `[low, high]` to `[0, 1]` on the given scale."""
    if high == low:
        return 0.0
    if scale == "log":
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def from_unit_interval(unit: float, low: float, high: float, scale: Scale) -> float:
    """Invert `to_unit_interval`."""
    if scale == "log":
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    return low + unit * (high - low)


@dataclass(frozen=True)
class ConditionalBounds:
    """Bounds that hold while a categorical variable has a given level.

    Attributes:
        variable: The categorical variable the bounds depend on.
        bounds: `(low, high)` per level; a level not named keeps the variable's own bounds.
    """

    variable: str
    bounds: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Continuous:
    """A real number between two bounds."""

    name: str
    low: float
    high: float
    scale: Scale = "linear"
    when: ConditionalBounds | None = None
    shared_per_batch: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{self.name}: low ({self.low}) must be below high ({self.high})")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"{self.name}: a log scale needs low > 0, not {self.low}")

    @property
    def hull(self) -> tuple[float, float]:
        """Widest bounds over all levels of the variable it depends on."""
        pairs = [(self.low, self.high), *(self.when.bounds.values() if self.when else ())]
        return min(low for low, _ in pairs), max(high for _, high in pairs)

    def bounds_at(self, levels: Mapping[str, str]) -> tuple[float, float]:
        """Return the bounds that hold for the given categorical levels."""
        if self.when is None:
            return self.low, self.high
        return self.when.bounds.get(levels.get(self.when.variable, ""), (self.low, self.high))

    def to_unit(self, value: float) -> float:
        """Map a value to the unit interval spanned by `hull`."""
        return to_unit_interval(value, *self.hull, self.scale)

    def from_unit(self, unit: float) -> float:
        """Map the unit interval to a value inside `hull`."""
        return from_unit_interval(unit, *self.hull, self.scale)


@dataclass(frozen=True)
class Discrete:
    """A number out of a short ordered list."""

    name: str
    values: tuple[float, ...]
    scale: Scale = "linear"
    shared_per_batch: bool = False

    def __post_init__(self) -> None:
        if len(self.values) < 2 or list(self.values) != sorted(set(self.values)):
            raise ValueError(f"{self.name}: values must be at least two different numbers in rising order")
        if self.scale == "log" and self.values[0] <= 0:
            raise ValueError(f"{self.name}: a log scale needs values > 0, not {self.values[0]}")

    @property
    def hull(self) -> tuple[float, float]:
        """First and last value."""
        return self.values[0], self.values[-1]

    def to_unit(self, value: float) -> float:
        """Map a value to the unit interval spanned by the first and last value."""
        return to_unit_interval(value, *self.hull, self.scale)

    def from_unit(self, unit: float) -> float:
        """Return the allowed value nearest to `unit` on the variable's scale."""
        return min(self.values, key=lambda value: abs(self.to_unit(value) - unit))


@dataclass(frozen=True)
class Categorical:
    """A choice among named levels, each with the same numeric descriptors or with none.

    Attributes:
        descriptors: `{level: {descriptor: value}}`; empty when the levels carry no numbers.
    """

    name: str
    levels: tuple[str, ...]
    descriptors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shared_per_batch: bool = False

    def __post_init__(self) -> None:
        if len(self.levels) < 2 or len(set(self.levels)) != len(self.levels):
            raise ValueError(f"{self.name}: levels must be at least two different names")
        if self.descriptors:
            names = set(self.descriptor_names)
            for level in self.levels:
                if set(self.descriptors.get(level, {})) != names:
                    raise ValueError(f"{self.name}: level {level} must have the descriptors {sorted(names)}")

    @property
    def descriptor_names(self) -> tuple[str, ...]:
        """Names of the descriptors, in the order of the first level."""
        return tuple(self.descriptors[self.levels[0]]) if self.descriptors else ()


@dataclass(frozen=True)
class Fixed:
    """A variable held at one value; it is reported with each design and never optimised."""

    name: str
    value: float | str


Variable: TypeAlias = Continuous | Discrete | Categorical | Fixed
NumericVariable: TypeAlias = Continuous | Discrete
