"""What is known about each seed: quantities with unit, source and trust per value, and the layer it was reported in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

import pandas as pd

from afssb_opt.domain.errors import suggest

Trust = Literal["measured", "computed", "secondary", "recalled", "assumed"]
TRUST_LEVELS: Final = get_args(Trust)

# Quantities that tell alloys apart in the surrogate; every alloy of the table has each of them.
DESCRIPTORS: Final = (
    "lithiation_capacity_mah_cm2_um",
    "volume_change_pct",
    "nucleation_overpotential_mv",
    "log10_li_diffusivity_cm2_s",
    "li_solubility_rank",
    "log10_price_usd_kg",
)


# Kinds of layer that the literature reports a seed in; what each means stands in docs/simulation.md.
LayerClass = Literal[
    "none", "metal_film", "metal_particles", "bilayer", "conversion", "carbon", "carbon_metal", "hydride"
]
LAYER_CLASSES: Final = get_args(LayerClass)


@dataclass(frozen=True)
class SeedLayer:
    """The layer that a seed was reported in.

    Attributes:
        carbon: Host carbon of a composite: `black`, `graphite`, or `none` for a layer without carbon.
        reference: Who reported it.
    """

    layer_class: LayerClass
    carbon: Literal["none", "black", "graphite"]
    reference: str

    @property
    def is_composite(self) -> bool:
        """Whether the name itself means a carbon layer, which cannot be built as a film."""
        return self.carbon != "none"


@dataclass(frozen=True)
class SeedValue:
    """One number about one alloy and how far to trust it."""

    value: float
    unit: str
    source: str
    trust: Trust


@cache
def seed_alloy_table() -> pd.DataFrame:
    """Return the table: columns alloy, quantity, value, unit, source, trust."""
    with (files("afssb_opt.domain") / "seed_alloys.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream, keep_default_na=False, dtype={"value": float})


@cache
def seed_alloy_names() -> tuple[str, ...]:
    """Return all alloys, `none` first."""
    return tuple(dict.fromkeys(seed_alloy_table()["alloy"]))


@cache
def seed_alloy(name: str) -> dict[str, SeedValue]:
    """Return all quantities of one alloy.

    Raises:
        KeyError: The alloy is not in the table; the message names the nearest one.
    """
    rows = seed_alloy_table().query("alloy == @name")
    if rows.empty:
        raise KeyError(
            f"unknown seed alloy '{name}'. {suggest(name, seed_alloy_names())}Known: {', '.join(seed_alloy_names())}"
        )
    return {
        row["quantity"]: SeedValue(row["value"], row["unit"], row["source"], row["trust"])
        for row in rows.to_dict("records")
    }


def seed_value(name: str, quantity: str) -> float:
    """Return one quantity of one alloy in the unit of the table."""
    return seed_alloy(name)[quantity].value


def seed_descriptors(name: str) -> dict[str, float]:
    """Return the descriptors of one alloy for the surrogate."""
    quantities = seed_alloy(name)
    return {descriptor: quantities[descriptor].value for descriptor in DESCRIPTORS}


@cache
def seed_layer_table() -> pd.DataFrame:
    """Return the reported layers: columns alloy, layer_class, carbon, reference."""
    with (files("afssb_opt.domain") / "seed_layers.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream, keep_default_na=False)


@cache
def seed_layer(name: str) -> SeedLayer:
    """Return the layer that a seed was reported in.

    Raises:
        KeyError: The alloy is not in the table.
    """
    rows = seed_layer_table().set_index("alloy")
    if name not in rows.index:
        raise KeyError(f"seed '{name}' has no reported layer. {suggest(name, rows.index)}")
    return SeedLayer(**{str(key): value for key, value in rows.loc[name].to_dict().items()})
