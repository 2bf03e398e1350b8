"""How thick, heavy and dear the stack of a design is: layer budgets, energy density and seed cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_alloy_names, seed_layer, seed_value
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES

# The interlayer is a pressed composite of carbon black with a share of seed; level `none` is carbon alone.
# Ag:C of 1:3 by weight was best, Lee et al. 2020, doi 10.1038/s41560-020-0575-z (from a digest).
SEED_MASS_SHARE: Final = 0.25
# Volume share of solids after pressing, assumed.
INTERLAYER_SOLID_FRACTION: Final = 0.7
# Carbon black, standard tables (1.8-2.0), g/cm3.
CARBON_DENSITY_G_CM3: Final = 1.9

# Active share of the cathode composite: 85 of 104.5 parts, Lee et al. 2020.
ACTIVE_MASS_SHARE: Final = 0.813
# Pressed composite without Li3N, g/cm3, assumed (100 um hold 6.4-6.8 mAh/cm2 in Lee et al. 2020).
CATHODE_DENSITY_G_CM3: Final = 3.3
# Li3N, g/cm3, between 1.27 and 1.30 in tables; its place stays a void once it has reacted.
LI3N_DENSITY_G_CM3: Final = 1.28
# Lithium, g/cm3, standard tables.
LITHIUM_DENSITY_G_CM3: Final = 0.534
# Separator: 30 um film (Lee et al. 2020) of Li6PS5Cl, crystal density 1.64 g/cm3 (recalled) at 85 % (Doux et al. 2020).
SEPARATOR_UM: Final = 30.0
SEPARATOR_DENSITY_G_CM3: Final = 1.64 * 0.85
# Collectors of Lee et al. 2020, each shared by two cells: aluminium 12 um and steel 10 um; densities g/cm3.
ALUMINIUM_UM, ALUMINIUM_DENSITY_G_CM3 = 12.0, 2.70
STEEL_UM, STEEL_DENSITY_G_CM3 = 10.0, 7.9


@dataclass(frozen=True)
class Layer:
    """One layer of a stack.

    Attributes:
        thickness_um: Thickness of one layer.
        density_g_cm3: Mass over outer volume, pores included.
        count: How many such layers there are; one half where two cells share it.
    """

    name: str
    thickness_um: float
    density_g_cm3: float
    count: float = 1.0


def stack_thickness_um(layers: Sequence[Layer]) -> float:
    """Return the thickness of all layers together."""
    return sum(layer.thickness_um * layer.count for layer in layers)


def stack_mass_mg_cm2(layers: Sequence[Layer]) -> float:
    """Return the mass of all layers per area; 1 um of 1 g/cm3 weighs 0.1 mg/cm2."""
    return sum(0.1 * layer.thickness_um * layer.density_g_cm3 * layer.count for layer in layers)


def energy_per_volume_wh_l(energy_mwh_cm2: float, layers: Sequence[Layer]) -> float:
    """Return the energy over the volume of the layers, both per the same area."""
    return 1e4 * energy_mwh_cm2 / stack_thickness_um(layers)


def energy_per_mass_wh_kg(energy_mwh_cm2: float, layers: Sequence[Layer]) -> float:
    """Return the energy over the mass of the layers, both per the same area."""
    return 1e3 * energy_mwh_cm2 / stack_mass_mg_cm2(layers)


def has_known_seed(design: Mapping[str, object]) -> bool:
    """Tell whether the seed of a design is in the table of alloys, so that its layer has a density and a price."""
    return _seed(design) in seed_alloy_names()


def is_composite(seed_alloy: str, layer_class: str) -> bool:
    """Tell whether the interlayer is a pressed carbon composite rather than the dense seed alone."""
    return layer_class == "carbon_metal" or seed_layer(seed_alloy).is_composite


def interlayer_thickness_um(design: Mapping[str, object]) -> float:
    """Return the thickness of the layer as built: a bare collector has none, whatever thickness the design names."""
    if not _is_composite(design) and seed_value(_seed(design), "density_g_cm3") == 0:
        return 0.0
    return _number(design, "interlayer_thickness_um")


def interlayer_density_g_cm3(seed_alloy: str, layer_class: str = "carbon_metal") -> float:
    """Return the density of the layer, pores included; a film is dense."""
    if not is_composite(seed_alloy, layer_class):
        return seed_value(seed_alloy, "density_g_cm3")
    return INTERLAYER_SOLID_FRACTION / _specific_volume_cm3_g(seed_alloy)


def seed_loading_mg_cm2(design: Mapping[str, object]) -> float:
    """Return the mass of seed per electrode area."""
    if seed_value(_seed(design), "density_g_cm3") == 0:
        return 0.0
    share = SEED_MASS_SHARE if _is_composite(design) else 1.0
    density = interlayer_density_g_cm3(_seed(design), _layer_class(design))
    return 0.1 * interlayer_thickness_um(design) * density * share


def seed_cost_usd_m2(design: Mapping[str, object]) -> float:
    """Return the price of the seed metal per electrode area; it grows with the thickness of the interlayer."""
    # 1 mg/cm2 is 0.01 kg/m2.
    price_usd_kg: float = 10.0 ** seed_value(_seed(design), "log10_price_usd_kg")
    return 0.01 * seed_loading_mg_cm2(design) * price_usd_kg


def seed_costs_usd_m2(designs: pd.DataFrame) -> np.ndarray:
    """Return the `(n,)` prices of a table of designs; NaN where the alloy is not in the table of alloys."""
    alloys, classes = (
        list(designs[name]) if name in designs else [str(STANDARD_VARIABLES[name].default)] * len(designs)
        for name in ("seed_alloy", "layer_class")
    )
    kinds = list(zip(alloys, classes, strict=True))
    per_um = {kind: _seed_cost_per_um_usd_m2(*kind) for kind in set(kinds)}
    thickness = designs.get("interlayer_thickness_um", STANDARD_VARIABLES["interlayer_thickness_um"].default)
    costs: np.ndarray = np.array([per_um[kind] for kind in kinds]) * np.asarray(thickness, dtype=float)
    return costs


def cell_layers(design: Mapping[str, object], protocol: Protocol, plated_thickness_um: float) -> tuple[Layer, ...]:
    """Return the layers of one charged cell inside a stack: collectors are shared with its neighbours.

    Packaging is left out, and a buffer counts as part of the fixture. Li3N replaces composite at equal mass and
    leaves its volume behind.

    Args:
        plated_thickness_um: Lithium at the end of charge.
    """
    li3n = _number(design, "li3n_wt_pct") / 100.0
    composite_mg_cm2 = protocol.cathode_loading_mg_cm2 / ACTIVE_MASS_SHARE
    composite_um = 10.0 * composite_mg_cm2 * (1.0 - li3n) / CATHODE_DENSITY_G_CM3
    additive_um = 10.0 * composite_mg_cm2 * li3n / LI3N_DENSITY_G_CM3
    return (
        Layer("aluminium collector", ALUMINIUM_UM, ALUMINIUM_DENSITY_G_CM3, 0.5),
        Layer("cathode composite", composite_um, CATHODE_DENSITY_G_CM3),
        Layer("Li3N and the void it leaves", additive_um, LI3N_DENSITY_G_CM3),
        Layer("separator", SEPARATOR_UM, SEPARATOR_DENSITY_G_CM3),
        Layer(
            "interlayer",
            interlayer_thickness_um(design),
            interlayer_density_g_cm3(_seed(design), _layer_class(design)),
        ),
        Layer("plated lithium", plated_thickness_um, LITHIUM_DENSITY_G_CM3),
        Layer("steel collector", STEEL_UM, STEEL_DENSITY_G_CM3, 0.5),
    )


def energy_density(
    design: Mapping[str, object],
    protocol: Protocol,
    discharge_energy_mwh_cm2: float,
    plated_thickness_um: float,
) -> tuple[float, float]:
    """Return the energy density of the stack without packaging in Wh/L and in Wh/kg.

    Args:
        design: Standard variables; those not given take their default.
        discharge_energy_mwh_cm2: Energy of one discharge per electrode area.
        plated_thickness_um: Lithium at the end of the charge before it.
    """
    layers = cell_layers(design, protocol, plated_thickness_um)
    return energy_per_volume_wh_l(discharge_energy_mwh_cm2, layers), energy_per_mass_wh_kg(
        discharge_energy_mwh_cm2, layers
    )


def _seed_cost_per_um_usd_m2(seed_alloy: str, layer_class: str) -> float:
    design = {"seed_alloy": seed_alloy, "layer_class": layer_class, "interlayer_thickness_um": 1.0}
    return seed_cost_usd_m2(design) if has_known_seed(design) else math.nan


def _specific_volume_cm3_g(seed_alloy: str) -> float:
    density = seed_value(seed_alloy, "density_g_cm3")
    share = SEED_MASS_SHARE if density > 0 else 0.0
    seed_volume = share / density if share else 0.0
    return seed_volume + (1.0 - share) / CARBON_DENSITY_G_CM3


def _seed(design: Mapping[str, object]) -> str:
    return str(design.get("seed_alloy", STANDARD_VARIABLES["seed_alloy"].default))


def _layer_class(design: Mapping[str, object]) -> str:
    return str(design.get("layer_class", STANDARD_VARIABLES["layer_class"].default))


def _is_composite(design: Mapping[str, object]) -> bool:
    return is_composite(_seed(design), _layer_class(design))


def _number(design: Mapping[str, object], name: str) -> float:
    return float(str(design.get(name, STANDARD_VARIABLES[name].default)))
