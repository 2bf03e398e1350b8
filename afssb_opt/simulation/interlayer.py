"""What a design is made of: its seed as the table knows it, and the pressed interlayer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from afssb_opt.domain.seed_alloys import seed_value
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
    """One point of the four standard variables."""

    seed_alloy: str
    interlayer_thickness_um: float
    stack_pressure_mpa: float
    li3n_wt_pct: float


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
    def delamination(self) -> float:
        """Delamination relative to a bare collector: strain of lithiation against the bond that solubility gives."""
        strain = _STRAIN_FLOOR + self.volume_change_pct / _FULL_STRAIN_PCT
        return strain * (1.0 - _BONDING_BY_SOLUBILITY * self.solubility) * self.aggregation_factor


@dataclass(frozen=True)
class Interlayer:
    """A pressed composite of carbon with seed, per electrode area."""

    dense_seed_um: float
    dense_carbon_um: float
    coverage: float
    capacity_mah_cm2: float
    diffusivity_cm2_s: float
    trapped_share: float

    @classmethod
    def from_design(cls, design: Design, seed: Seed, p: CellParameters) -> Interlayer:
        """Build the layer; without a seed it is carbon alone."""
        share = p.seed_mass_share if seed.density_g_cm3 > 0 else 0.0
        seed_volume = share / seed.density_g_cm3 if share else 0.0
        carbon_volume = (1.0 - share) / p.carbon_density_g_cm3
        solid_um = design.interlayer_thickness_um * p.interlayer_solid_fraction
        seed_um = solid_um * seed_volume / (seed_volume + carbon_volume)
        carbon_um = solid_um - seed_um
        # 1 um of 1 g/cm3 weighs 0.1 mg/cm2.
        carbon_capacity = 0.1 * carbon_um * p.carbon_density_g_cm3 * p.carbon_capacity_mah_g / 1000.0
        seed_capacity = seed_um * seed.capacity_mah_cm2_um
        total = seed_capacity + carbon_capacity
        log_diffusivity = (
            seed_capacity * math.log(seed.diffusivity_cm2_s) + carbon_capacity * math.log(p.carbon_diffusivity_cm2_s)
        ) / total
        return cls(
            dense_seed_um=seed_um,
            dense_carbon_um=carbon_um,
            coverage=1.0 - math.exp(-seed_um / p.full_coverage_um),
            capacity_mah_cm2=total + p.collector_capacity_mah_cm2,
            diffusivity_cm2_s=math.exp(log_diffusivity),
            trapped_share=p.host_trapped + (1.0 - p.host_trapped) * seed.irreversible_share * seed_capacity / total,
        )
