"""Which physical constants the cell model uses: value, unit, plausible range and source of each."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import pandas as pd

from afssb_opt.domain.stack import (
    ACTIVE_MASS_SHARE,
    CARBON_DENSITY_G_CM3,
    INTERLAYER_SOLID_FRACTION,
    SEED_MASS_SHARE,
)

# DOIs of the sources that several values share.
_LEPAGE = "LePage et al. 2019, doi 10.1149/2.0221902jes"
_MASIAS = "Masias et al. 2019, doi 10.1007/s10853-018-2971-3"
_DOUX = "Doux et al. 2020, doi 10.1002/aenm.201903253 (times read from a digest)"
_AKTEKIN = "Aktekin et al. 2023, doi 10.1038/s41467-023-42512-y"
_LEE = "Lee et al. 2020, doi 10.1038/s41560-020-0575-z (from a digest)"
_CHEN = "Chen et al. 2020, doi 10.1149/1945-7111/ab9050"


def _value(value: float, unit: str, low: float, high: float, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "low": low, "high": high, "source": source})


@dataclass(frozen=True)
class CellParameters:
    """Constants of the cell at 25 C; an activation energy says how each one changes with temperature.

    Capacities are per electrode area; a rate "per cycle" is per charge passed of twice the cathode capacity.
    """

    # Lithium metal
    li_thickness_um_per_mah: float = _value(4.86, "um/(mAh/cm2)", 4.8, 4.9, "13.02 cm3/mol over Faraday's constant")
    creep_exponent: float = _value(6.6, "1", 6.3, 6.9, _LEPAGE)
    creep_prefactor_1_s: float = _value(0.0095, "MPa^-n/s", 0.008, 0.011, f"creep rates of {_MASIAS}, 25 C, n = 6.6")
    creep_activation_kj_mol: float = _value(37.0, "kJ/mol", 35.0, 41.0, _LEPAGE)
    confined_strength_factor: float = _value(
        4.7, "1", 3.0, 30.0, "assumed; micrometre lithium is 10-100 times stronger, Xu et al. 2017 PNAS"
    )
    closure_time_floor_s: float = _value(30.0, "s", 5.0, 120.0, "assumed: power-law creep breaks down above it")
    vacancy_limit_ma_cm2: float = _value(
        0.075, "mA/cm2", 0.05, 0.1, "Krauskopf et al. 2019 (recalled): stripping limit without pressure"
    )
    vacancy_activation_kj_mol: float = _value(30.0, "kJ/mol", 20.0, 55.0, "assumed; lattice diffusion has 55")
    self_diffusivity_cm2_s: float = _value(5.6e-11, "cm2/s", 2e-11, 1e-10, "lithium at 25 C, recalled")
    seed_share_of_diffusion: float = _value(0.25, "1", 0.1, 0.5, "assumed: logarithmic mixing of alloy and lithium")
    void_zone_um: float = _value(3.6, "um", 1.0, 10.0, "assumed: depth of lithium that collects vacancies")
    rough_contact_loss: float = _value(0.12, "1", 0.05, 0.4, "assumed: bare contact loss as pressure goes to 0")
    rough_contact_pressure_mpa: float = _value(2.0, "MPa", 1.0, 5.0, "assumed: pressure that halves it twice")
    void_mean: float = _value(1e-4, "1", 1e-6, 1e-3, "assumed: voids that no pressure closes")
    metal_switch_mah_cm2: float = _value(0.1, "mAh/cm2", 0.05, 0.2, "assumed: widest end of lithium metal")
    stranded_mah_cm2: float = _value(
        0.26,
        "mAh/cm2",
        0.05,
        1.0,
        "assumed: lithium in islands out of reach at the end of a strip at 25 C, bare collector",
    )
    coverage_capacity_mah_cm2: float = _value(0.15, "mAh/cm2", 0.05, 0.5, "assumed: nuclei coalesce (0.7 um)")
    nucleation_scale_mv: float = _value(30.0, "mV", 15.0, 60.0, "assumed: overpotential that thins nuclei e-fold")

    # Losses of lithium
    sei_rate_mah2_cm4_h: float = _value(9.0e-6, "mAh2/cm4/h", 7e-6, 1e-5, f"3.0 uAh/cm2/sqrt(h) on steel, {_AKTEKIN}")
    sei_activation_kj_mol: float = _value(45.0, "kJ/mol", 30.0, 60.0, "assumed; the source's value is not at hand")
    sei_initial_mah_cm2: float = _value(0.01, "mAh/cm2", 0.003, 0.03, f"first reaction charge, order of {_AKTEKIN}")
    sei_fresh_surface: float = _value(0.00018, "1", 1e-4, 1e-2, "assumed: share of plated charge on new surface")
    sei_resistance_ohm_cm2_per_mah: float = _value(58.0, "ohm cm4/mAh", 30.0, 500.0, "assumed: tens of ohm cm2 a week")
    dead_per_void: float = _value(0.028, "1", 0.02, 0.3, "assumed: share of stripped lithium cut off per lost contact")
    uneven_current_ma_cm2: float = _value(0.93, "mA/cm2", 0.2, 2.0, "assumed: current that doubles dead lithium")
    dead_floor: float = _value(0.054, "1", 0.01, 0.5, "assumed: dead lithium left with a perfectly bonded seed")
    delamination_per_cycle: float = _value(
        0.41, "1/cycle", 0.1, 2.0, f"assumed: spreading on a bare collector without pressure; sigmoidal fade in {_LEE}"
    )
    delamination_start: float = _value(0.0049, "1", 0.001, 0.05, "assumed: rim that is there from the beginning")
    delamination_pressure_mpa: float = _value(3.2, "MPa", 1.0, 10.0, "assumed")
    delamination_exposure: float = _value(0.3, "1", 0.1, 1.0, "assumed: dead lithium of a delaminated part per void")

    # Seed and interlayer: carbon composite with a share of seed, pressed
    seed_mass_share: float = _value(SEED_MASS_SHARE, "1", 0.1, 0.5, f"best Ag:C ratio 1:3, {_LEE}")
    interlayer_solid_fraction: float = _value(INTERLAYER_SOLID_FRACTION, "1", 0.5, 0.95, "assumed after pressing")
    carbon_density_g_cm3: float = _value(CARBON_DENSITY_G_CM3, "g/cm3", 1.8, 2.0, "carbon black, standard tables")
    carbon_capacity_mah_g: float = _value(200.0, "mAh/g", 100.0, 300.0, "carbon black, order of magnitude")
    graphite_capacity_mah_g: float = _value(372.0, "mAh/g", 350.0, 372.0, "LiC6")
    carbon_diffusivity_cm2_s: float = _value(1e-9, "cm2/s", 1e-10, 1e-8, "carbon, order of magnitude")
    carbon_nucleation_mv: float = _value(15.0, "mV", 10.0, 20.0, "carbon in liquid electrolyte, recalled")
    collector_capacity_mah_cm2: float = _value(0.01, "mAh/cm2", 5e-3, 2e-2, "assumed: lithium on a bare collector")
    full_coverage_um: float = _value(0.02, "um", 0.005, 0.1, "assumed: dense seed that covers two thirds")
    diffusion_path_share: float = _value(
        0.5, "1", 0.1, 1.0, "assumed: share of the layer that lithium diffuses through"
    )
    host_activation_kj_mol: float = _value(54.0, "kJ/mol", 40.0, 60.0, f"50 to 5 ohm cm2 from 25 to 60 C, {_LEE}")
    host_filling: float = _value(0.85, "1", 0.7, 1.0, "assumed: filling at which lithium plates at rest")
    host_width: float = _value(0.06, "1", 0.02, 0.1, "assumed: sharpness of that change")
    host_uptake_1_h: float = _value(0.3, "1/h", 0.05, 2.0, "assumed: chemical lithiation by plated lithium")
    host_uptake_room_mah_cm2: float = _value(0.3, "mAh/cm2", 0.1, 1.0, "assumed: room beyond which contact limits it")
    host_trapped: float = _value(0.10, "1", 0.05, 0.3, f"1.3 points of first efficiency per 10 um, {_LEE}")
    blocking_um: float = _value(3.3, "um", 2.0, 8.0, "assumed: layer that keeps lithium off the electrolyte")
    blocking_leak: float = _value(0.044, "1", 0.01, 0.2, "assumed: contact left through a thick layer")
    layer_creep_ma_cm2: float = _value(
        1.7, "mA/cm2", 0.2, 5.0, f"assumed: lithium flux through 10 um at 2 MPa; 3.4 at 60 C was run, {_LEE}"
    )
    layer_supply_share: float = _value(
        0.32, "1", 0.1, 1.0, "assumed: share of that flux that keeps stripping behind the layer from leaving voids"
    )
    layer_transport_of_carbon: float = _value(
        0.3,
        "1",
        0.1,
        0.8,
        "assumed: flux through carbon without a metal that dissolves lithium; order as in Suzuki 2021",
    )
    layer_transport_metal_share: float = _value(
        0.02, "1", 0.005, 0.1, "assumed: volume share of dissolving metal that gives half of its gain"
    )
    layer_strain_limit: float = _value(
        0.3, "1", 0.15, 0.5, f"assumed: swelling at which half of the layer is cracked; Ag:C of 1:1 shorts, {_LEE}"
    )
    film_resistance_ohm_cm2_um: float = _value(0.3, "ohm cm2/um", 0.05, 1.0, "assumed: layer of 0.3 mS/cm")
    layer_resistance_ohm_cm2_um: float = _value(3.0, "ohm cm2/um", 2.0, 8.0, f"50 ohm cm2 for 5-10 um, {_LEE}")

    # Pressure and short circuit
    fixture_compliance_um_mpa: float = _value(10.0, "um/MPa", 5.0, 30.0, "1-2 MPa swing per 3 mAh/cm2, digests")
    layer_compliance_um_mpa: float = _value(0.2, "um/MPa/um", 0.05, 0.5, "assumed: interlayer gives way")
    spring_compliance_um_mpa: float = _value(250.0, "um/MPa", 50.0, 1000.0, "4 % swing with a spring fixture, digest")
    pressure_loss_share: float = _value(0.15, "1", 0.0, 0.9, "assumed: share of a fixed gap's pressure that relaxes")
    pressure_loss_h: float = _value(200.0, "h", 50.0, 1000.0, "assumed")
    host_expansion_um_per_mah: float = _value(3.3, "um/(mAh/cm2)", 3.0, 4.9, "8.9 cm3/mol lithium, Obrovac rule")
    penetration_rate_1_h: float = _value(1 / 474, "1/h", 1 / 600, 1 / 400, f"short after 474 h at 10 MPa, {_DOUX}")
    penetration_activation_kj_mol: float = _value(13.0, "kJ/mol", 5.0, 40.0, "assumed; at most that of creep")
    penetration_shield_um: float = _value(4.0, "um", 2.0, 10.0, "assumed: layer that halves the stress at the pores")
    critical_current_ma_cm2: float = _value(1.6, "mA/cm2", 0.4, 2.0, "Singh et al. 2022, Cell Rep. Phys. Sci. 101043")
    critical_current_activation_kj_mol: float = _value(25.0, "kJ/mol", 15.0, 40.0, "assumed")
    critical_current_um: float = _value(15.0, "um", 5.0, 40.0, "assumed: layer that doubles the critical current")
    filament_rate_1_h: float = _value(0.079, "1/h", 0.02, 1.0, "assumed: short within hours at the critical current")
    electronic_leak_ma_cm2: float = _value(
        0.00086,
        "mA/cm2",
        1e-4,
        6e-3,
        "at most 4 V over 30 um at 4.6e-9 S/cm, Zhang et al. 2025, doi 10.1038/s41563-024-02064-y",
    )
    electronic_activation_kj_mol: float = _value(30.0, "kJ/mol", 20.0, 60.0, "assumed")
    leak_ma_cm2: float = _value(0.1, "mA/cm2", 0.01, 1.0, "assumed: self-discharge of a cell about to short")

    # Cathode
    stoichiometry_pristine: float = _value(0.988, "1", 0.94, 1.0, f"first efficiency 93 % without seed, {_LEE}")
    stoichiometry_discharged: float = _value(0.9084, "1", 0.9, 0.93, _CHEN)
    filling_hindrance_v: float = _value(0.34, "V", 0.1, 0.6, "assumed: ends discharge at C/6 and 25 C")
    filling_activation_kj_mol: float = _value(15.0, "kJ/mol", 0.0, 40.0, "assumed")
    active_mass_share: float = _value(ACTIVE_MASS_SHARE, "1", 0.7, 0.85, f"85 of 104.5 parts, {_LEE}")
    cathode_fade_per_cycle: float = _value(3.5e-05, "1/cycle", 1e-5, 3e-4, "assumed; whole cells lose 1e-4 at 60 C")
    cathode_activation_kj_mol: float = _value(20.0, "kJ/mol", 10.0, 50.0, "assumed")
    cathode_resistance_ohm_cm2: float = _value(10.0, "ohm cm2", 5.0, 30.0, "assumed")
    cathode_contact_ohm_cm2: float = _value(30.0, "ohm cm2", 10.0, 100.0, "assumed: extra without pressure")
    cathode_contact_mpa: float = _value(2.0, "MPa", 1.0, 5.0, "assumed")
    cathode_growth_ohm_cm2_per_cycle: float = _value(0.016, "ohm cm2/cycle", 0.005, 0.2, "assumed")
    separator_resistance_ohm_cm2: float = _value(2.3, "ohm cm2", 1.5, 5.0, f"30 um at 1.31 mS/cm, {_LEE}")
    ionic_activation_kj_mol: float = _value(33.8, "kJ/mol", 28.0, 40.0, f"0.35 eV, {_LEE}")
    interface_resistance_ohm_cm2: float = _value(25.0, "ohm cm2", 8.0, 50.0, f"lithium at 5 MPa, {_DOUX}")
    interface_pressure_exponent: float = _value(0.5, "1", 0.4, 1.0, "sulfide contacts, arXiv 2501.00600")

    # Li3N in the cathode
    li3n_capacity_mah_g: float = _value(2309.0, "mAh/g", 2300.0, 2320.0, "three electrons per Li3N")
    li3n_utilisation: float = _value(0.7, "1", 0.3, 1.0, "assumed; air-passivated Li3N gave 0.35")
    li3n_current_share: float = _value(0.4, "1", 0.2, 0.8, "assumed: share of charge current while it lasts")
    li3n_switch_mah_cm2: float = _value(0.05, "mAh/cm2", 0.005, 0.1, "assumed: smooth end of the reaction")
    li3n_void_weight: float = _value(0.04, "1", 0.02, 0.08, "assumed: weight share whose gas voids double cathode loss")


DEFAULT_PARAMETERS: Final = CellParameters()

# Constants without a measurement of their own, fitted to reported numbers within their plausible ranges by
# experiments/simulator_validation/calibrate.py; their source says what the range rests on.
CALIBRATED: Final = (
    "confined_strength_factor", "void_zone_um", "rough_contact_loss", "rough_contact_pressure_mpa",
    "sei_fresh_surface", "sei_resistance_ohm_cm2_per_mah", "dead_per_void", "uneven_current_ma_cm2", "dead_floor",
    "delamination_per_cycle", "delamination_start", "delamination_pressure_mpa", "delamination_exposure",
    "blocking_um", "blocking_leak", "layer_creep_ma_cm2", "layer_supply_share", "layer_resistance_ohm_cm2_um",
    "filament_rate_1_h", "critical_current_ma_cm2", "layer_strain_limit", "penetration_activation_kj_mol",
    "stranded_mah_cm2", "electronic_leak_ma_cm2", "stoichiometry_pristine", "filling_hindrance_v",
    "cathode_fade_per_cycle", "cathode_growth_ohm_cm2_per_cycle",
)  # fmt: skip


def parameter_table() -> pd.DataFrame:
    """Return every constant with columns name, value, unit, low, high, source, calibrated."""
    rows = [{"name": item.name, "value": item.default, **item.metadata} for item in fields(CellParameters)]
    table = pd.DataFrame(rows, columns=["name", "value", "unit", "low", "high", "source"])
    return table.assign(calibrated=table["name"].isin(CALIBRATED))
