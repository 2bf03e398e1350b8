"""What a design is made of: its seed as the table knows it, and the pressed interlayer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from afssb_opt.domain.seed_alloys import seed_layer, seed_value
from afssb_opt.domain.stack import is_composite
from afssb_opt.simulation.parameters import CellParameters

# Highest solubility rank of the seed table (0 immiscible to 4 continuous).
_TOP_RANK = 4.0
# Delamination strain and bonding of a seed, assumed: a lithiation of 300 % strains as much as a bare collector,
# and full solubility of lithium saves three quarters of it.
_STRAIN_FLOOR = 0.15
_FULL_STRAIN_PCT = 300.0
_BONDING_BY_SOLUBILITY = 0.75


@dataclass(frozen=True)
class Design:
    """One point of the standard variables."""

    seed_alloy: str
    interlayer_thickness_um: float
    stack_pressure_mpa: float
    li3n_wt_pct: float
    layer_class: str = "carbon_metal"
    buffer: str = "none"
    current_collector_roughness_um: float = 0.0


@dataclass(frozen=True)
class Seed:
    """What the table knows about one seed, as the cell reads it."""

    density_g_cm3: float
    capacity_mah_cm2_um: float
    volume_change_pct: float
    nucleation_mv: float
    diffusivity_cm2_s: float
    solubility: float
    sei_factor: float
    creep_factor: float
    aggregation_factor: float
    irreversible_share: float
    filament_factor: float

    @classmethod
    def from_table(cls, alloy: str) -> Seed:
        """Read one alloy."""
        return cls(
            density_g_cm3=seed_value(alloy, "density_g_cm3"),
            capacity_mah_cm2_um=seed_value(alloy, "lithiation_capacity_mah_cm2_um"),
            volume_change_pct=seed_value(alloy, "volume_change_pct"),
            nucleation_mv=seed_value(alloy, "nucleation_overpotential_mv"),
            diffusivity_cm2_s=10.0 ** seed_value(alloy, "log10_li_diffusivity_cm2_s"),
            solubility=seed_value(alloy, "li_solubility_rank") / _TOP_RANK,
            sei_factor=seed_value(alloy, "sei_growth_factor"),
            creep_factor=seed_value(alloy, "creep_factor"),
            aggregation_factor=seed_value(alloy, "aggregation_factor"),
            irreversible_share=seed_value(alloy, "irreversible_share"),
            filament_factor=seed_value(alloy, "filament_resistance_factor"),
        )

    @property
    def is_metal(self) -> bool:
        """Whether there is a seed at all; without one there is a collector, bare or under carbon."""
        return self.density_g_cm3 > 0

    @property
    def is_alloying(self) -> bool:
        """Whether the seed takes up lithium."""
        return self.capacity_mah_cm2_um > 0

    @property
    def dissolved(self) -> float:
        """Share of the seed that dissolves in the plated lithium and moves with it to the collector.

        Only metals that form a solid solution with lithium migrate (Suzuki et al. 2021): the square tells them apart.
        """
        return self.solubility * self.solubility

    @property
    def delamination(self) -> float:
        """Delamination relative to a bare collector: strain of lithiation against the bond that solubility gives."""
        if not self.is_alloying:
            return 1.0
        strain = _STRAIN_FLOOR + self.volume_change_pct / _FULL_STRAIN_PCT
        return strain * (1.0 - _BONDING_BY_SOLUBILITY * self.solubility) * self.aggregation_factor


@dataclass(frozen=True)
class Interlayer:
    """The layer between collector and electrolyte, per electrode area.

    Attributes:
        thickness_um: As built; 0 on a bare collector.
        carbon_um: Thickness of the carbon composite that keeps lithium and electrolyte apart; 0 for a film.
        coverage: Part of the interface that the seed serves.
        intact: Part of the composite that the swelling of its seed leaves uncracked.
        transport: Creep flux through the layer relative to one full of dissolving metal.
    """

    thickness_um: float
    carbon_um: float
    dense_seed_um: float
    coverage: float
    capacity_mah_cm2: float
    diffusivity_cm2_s: float
    trapped_share: float
    intact: float
    transport: float

    @classmethod
    def from_design(cls, design: Design, seed: Seed, p: CellParameters) -> Interlayer:
        """Build the layer: a composite (without a seed, carbon alone), a dense film, or nothing."""
        composite = is_composite(design.seed_alloy, design.layer_class)
        thickness = design.interlayer_thickness_um if composite or seed.is_metal else 0.0
        seed_um, carbon_um = _solids(thickness, composite, seed, p)
        seed_share = seed_um / (seed_um + carbon_um) if composite else 0.0
        is_graphite = seed_layer(design.seed_alloy).carbon == "graphite"
        carbon_mah_g = p.graphite_capacity_mah_g if is_graphite else p.carbon_capacity_mah_g
        # 1 um of 1 g/cm3 weighs 0.1 mg/cm2.
        carbon_capacity = 0.1 * carbon_um * p.carbon_density_g_cm3 * carbon_mah_g / 1000.0
        seed_capacity = seed_um * seed.capacity_mah_cm2_um
        total = seed_capacity + carbon_capacity + p.collector_capacity_mah_cm2
        log_diffusivity = (
            seed_capacity * math.log(seed.diffusivity_cm2_s)
            + (total - seed_capacity) * math.log(p.carbon_diffusivity_cm2_s)
        ) / total
        strain = seed_share * seed.volume_change_pct / 100.0
        metal = seed.dissolved * seed_share / (seed_share + p.layer_transport_metal_share)
        return cls(
            thickness_um=thickness,
            carbon_um=thickness if composite else 0.0,
            dense_seed_um=seed_um,
            coverage=1.0 - math.exp(-seed_um / p.full_coverage_um),
            capacity_mah_cm2=total,
            diffusivity_cm2_s=math.exp(log_diffusivity),
            trapped_share=p.host_trapped + (1.0 - p.host_trapped) * seed.irreversible_share * seed_capacity / total,
            intact=1.0 / (1.0 + (strain / p.layer_strain_limit) ** 4),
            transport=p.layer_transport_of_carbon + (1.0 - p.layer_transport_of_carbon) * metal,
        )


def _solids(thickness_um: float, composite: bool, seed: Seed, p: CellParameters) -> tuple[float, float]:
    """Return the thickness of dense seed and of dense carbon."""
    if not composite:
        return thickness_um, 0.0
    share = p.seed_mass_share if seed.is_metal else 0.0
    seed_volume = share / seed.density_g_cm3 if share else 0.0
    carbon_volume = (1.0 - share) / p.carbon_density_g_cm3
    solid_um = thickness_um * p.interlayer_solid_fraction
    seed_um = solid_um * seed_volume / (seed_volume + carbon_volume)
    return seed_um, solid_um - seed_um
