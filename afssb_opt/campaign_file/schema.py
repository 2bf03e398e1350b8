"""Which keys each part of a campaign file may have, and of which type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/\\\[\]]+$")]


class Part(BaseModel):
    """Base of all parts: unknown keys are refused and text is not read as a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BoundsPart(Part):
    """Bounds that hold for one level."""

    low: Number
    high: Number


class ContinuousPart(Part):
    """`{low, high, scale, step, when, shared_per_batch}`."""

    low: Number
    high: Number
    scale: Literal["linear", "log"] = "linear"
    step: Annotated[float, Field(gt=0)] | None = None
    when: dict[str, dict[str, BoundsPart]] | None = None
    shared_per_batch: bool = False


class DiscretePart(Part):
    """`{values, scale, shared_per_batch}`."""

    values: Annotated[list[Number], Field(min_length=2, max_length=1000)]
    scale: Literal["linear", "log"] = "linear"
    shared_per_batch: bool = False


class CategoricalPart(Part):
    """`{levels, shared_per_batch}`; levels are a list of names or `{name: {descriptor: number}}`."""

    levels: list[str] | dict[str, dict[str, Number] | None]
    shared_per_batch: bool = False


class FixedPart(Part):
    """`{fixed: value}`."""

    fixed: Number | str


class ObjectivePart(Part):
    """`{goal, threshold, value, ideal, weight, at_cycle}`."""

    goal: Literal["maximize", "minimize", "target"]
    threshold: Number | None = None
    value: Number | None = None
    ideal: Number | None = None
    weight: Annotated[float, Field(gt=0, le=1000)] | None = None
    at_cycle: Annotated[int, Field(ge=1)] | None = None


class ConstraintPart(Part):
    """`{at_least, at_most, at_cycle}`."""

    at_least: Number | None = None
    at_most: Number | None = None
    at_cycle: Annotated[int, Field(ge=1)] | None = None


class RangePart(Part):
    """`{above, below}` of an exclusion."""

    above: Number | None = None
    below: Number | None = None


class LinearRulePart(Part):
    """`{sum: {variable: weight}, at_most, at_least}`."""

    sum: dict[str, Number]
    at_most: Number | None = None
    at_least: Number | None = None


class ExclusionPart(Part):
    """`{exclude: {variable: [levels] or {above, below}}, because}`."""

    exclude: dict[str, list[str] | RangePart]
    because: str = ""


class ProtocolPart(Part):
    """Cycling conditions; the ranges are what a coin or pouch cell can be asked for."""

    temperature_c: Annotated[float, Field(ge=-40, le=120)] = 60.0
    current_density_ma_cm2: Annotated[float, Field(gt=0, le=50)] = 0.5
    discharge_current_density_ma_cm2: Annotated[float, Field(gt=0, le=50)] | None = None
    areal_capacity_mah_cm2: Annotated[float, Field(gt=0, le=50)] = 3.0
    cycles: Annotated[int, Field(ge=2, le=100_000)] = 500
    upper_voltage_v: Annotated[float, Field(gt=0, le=6)] = 4.25
    lower_voltage_v: Annotated[float, Field(gt=0, le=6)] = 3.0
    rest_min: Annotated[float, Field(ge=0, le=10_000)] = 10.0
    fixture: Literal["constant_gap", "constant_force"] = "constant_gap"
    cathode: str = "NMC811"
    electrolyte: str = "Li6PS5Cl"


class ClusterPart(Part):
    """`{dask: "tls://host:8786"}` or `{local_workers: 2}`."""

    dask: Annotated[str, Field(pattern=r"^(tcp|tls)://[^\s/:]+:\d{1,5}$")] | None = None
    # More processes than any machine has cores is a slip of the pen.
    local_workers: Annotated[int, Field(ge=1, le=256)] | None = None


class SchedulePart(Part):
    """`{cron, every_min, timezone}`; one of the first two."""

    cron: str | None = None
    # Three seconds at the least, which only a trial needs; a month at the most.
    every_min: Annotated[float, Field(ge=0.05, le=45_000)] | None = None
    timezone: str = "UTC"


class StopWhenPart(Part):
    """`{gain_below_scatter, after_trials}`."""

    gain_below_scatter: Annotated[float, Field(gt=0, le=100)]
    after_trials: Annotated[int, Field(ge=0)] = 0


class BudgetPart(Part):
    """`{trials, weeks, channels}`."""

    trials: Annotated[int, Field(ge=1, le=100_000)]
    weeks: Annotated[float, Field(gt=0)] | None = None
    channels: Annotated[int, Field(ge=1)] | None = None


class DesignTaskPart(Part):
    """What an optimiser needs; `space`, `objectives` and the like are checked entry by entry for better messages."""

    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    space: Annotated[dict[str, Any], Field(min_length=1)]
    objectives: Annotated[dict[str, Any], Field(min_length=1, max_length=5)]
    combine: Literal["desirability"] | None = None
    constraints: dict[str, Any] = Field(default_factory=dict)
    design_constraints: list[Any] = Field(default_factory=list)


class CampaignPart(DesignTaskPart):
    """The top level of a campaign file."""

    name: Name
    question: str = ""
    protocol: ProtocolPart = Field(default_factory=ProtocolPart)
    # A word or one of several groups: `evaluator.py` checks it apart, so that a message speaks of the one meant.
    evaluator: Any = "simulation"
    batch_size: Annotated[int, Field(ge=1, le=64)] = 4
    initial_trials: Annotated[int, Field(ge=1, le=1000)] | None = None
    budget: BudgetPart
    cluster: ClusterPart | None = None
    schedule: SchedulePart | None = None
    stop_when: StopWhenPart | None = None
    prior_data: Annotated[str, Field(min_length=1)] | None = None
    inbox: Annotated[str, Field(min_length=1)] | None = None
    approve: bool = False
