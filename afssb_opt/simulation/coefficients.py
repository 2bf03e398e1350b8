"""What a design, a protocol and the tables of constants mean for one cell: coefficients and the fresh state."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, replace

import numpy as np

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.seed_alloys import seed_value
from afssb_opt.simulation.hardware import with_hardware
from afssb_opt.simulation.interlayer import Design, Interlayer, Seed
from afssb_opt.simulation.model import ACTIVE, CATHODE, LI3N, N_COEFFICIENTS, N_STATES, R_CATHODE, VOID
from afssb_opt.simulation.parameters import CellParameters
from afssb_opt.simulation.physics import (
    PENETRATION_EXPONENT,
    cathode_potential,
    pressure_damping,
    rough_contact_loss,
)

GAS_CONSTANT_KJ_MOL_K = 8.314462618e-3
REFERENCE_K = 298.15
SECONDS_PER_HOUR = 3600.0
# Voids that a full scaffold of seed dissolved in lithium prevents, and the dense seed that makes half of one, assumed.
_SCAFFOLD_SAVES = 0.9
_SCAFFOLD_HALF_UM = 0.5
# Share of void growth that does not depend on how far the seed aggregates, assumed.
_VOIDS_WITHOUT_AGGREGATION = 0.2
# Share of delamination left under a thick compliant layer and the thickness scale of that, assumed.
_COMPLIANT_LEFT = 0.1
_COMPLIANT_UM = 5.0
# Conditions at which the filling hindrance and the creep flux through the layer are stated.
_HINDRANCE_C_RATE = 1.0 / 6.0
_LAYER_CREEP_UM_PER_MPA = 10.0 / 2.0
_INTERFACE_REFERENCE_MPA = 5.0
_PENETRATION_REFERENCE_MPA = 10.0
# The counter electrode of a half cell: so much lithium, half way filled, that nothing about it changes.
_RESERVOIR = 1000.0
_HALF_CELL = {
    "stoichiometry_pristine": 0.5, "cathode_fade_per_cycle": 0.0, "cathode_growth_ohm_cm2_per_cycle": 0.0,
    "cathode_resistance_ohm_cm2": 0.0, "cathode_contact_ohm_cm2": 0.0,
}  # fmt: skip
# The host helps out while the metal runs low. A strip ends when it has emptied what the host holds, this share of it,
# and leaves switch^2 / host of metal stranded; the switch below is chosen so.
_HOST_HELPS = 0.85
# Sharpest switch that steps of seconds resolve.
_SHARPEST_SWITCH_MAH_CM2 = 0.002
# Stranding that dense nuclei leave, assumed.
_STRANDED_BY_DENSE = 0.1
# Nanometre seed mixed into carbon still leaves the bare collector visible below this carbon thickness, assumed.
_CARBON_COVER_UM = 1.0


@dataclass(frozen=True)
class CellCoefficients:
    """The numbers that `model.write_rates` and `model.voltage_of` read, in their order."""

    li3n_share: float
    li3n_switch: float
    host_capacity: float
    host_filling: float
    host_width: float
    host_uptake: float
    uptake_room: float
    host_trapped: float
    metal_switch: float
    sei_rate: float
    sei_area: float
    sei_initial: float
    sei_fresh: float
    dead_per_void: float
    delamination_exposure: float
    vacancy_limit: float
    void_gain: float
    plating_fill: float
    closure_log: float
    creep_exponent: float
    closure_floor: float
    rough_loss: float
    rough_pressure: float
    void_mean: float
    delamination_rate: float
    delamination_start: float
    delamination_pressure: float
    assembled_pressure: float
    stiffness: float
    metal_thickness: float
    host_thickness: float
    pressure_loss: float
    relaxation: float
    filament: float
    penetration: float
    dense_nuclei: float
    coalescence: float
    leak: float
    electronic_leak: float
    cathode_max: float
    cathode_full: float
    cathode_fade: float
    resistance_growth: float
    cathode_pressure: float
    series_resistance: float
    interface_resistance: float
    sei_resistance: float
    filling_resistance: float
    nucleation_voltage: float


@dataclass(frozen=True)
class Cell:
    """A fresh, discharged cell ready to be cycled.

    Attributes:
        coefficients: `(N_COEFFICIENTS,)`.
        state: `(N_STATES,)`.
        capacity_mah_cm2: Reversible cathode capacity left beside the Li3N.
    """

    coefficients: np.ndarray
    state: np.ndarray
    capacity_mah_cm2: float


def arrhenius(activation_kj_mol: float, temperature_c: float) -> float:
    """Return how much faster a process is than at 25 C."""
    inverse = 1.0 / (temperature_c + 273.15) - 1.0 / REFERENCE_K
    return math.exp(-activation_kj_mol / GAS_CONSTANT_KJ_MOL_K * inverse)


def build_cell(design: Design, protocol: Protocol, parameters: CellParameters) -> Cell:
    """Derive the coefficients and the fresh state of one cell."""
    p = with_hardware(parameters, design.buffer, design.current_collector_roughness_um)
    if protocol.cell_type == "half":
        p = replace(p, **_HALF_CELL)
    seed = Seed.from_table(design.seed_alloy)
    layer = Interlayer.from_design(design, seed, p)
    li3n = design.li3n_wt_pct / 100.0
    capacity = protocol.areal_capacity_mah_cm2 * (1.0 - li3n)
    cathode_max = capacity / (p.stoichiometry_discharged - charged_stoichiometry(protocol.upper_voltage_v))
    if protocol.cell_type == "half":
        cathode_max *= _RESERVOIR
    coefficients = _coefficients(design, protocol, p, seed, layer, capacity, cathode_max)
    state = np.zeros(N_STATES)
    composite_mg_cm2 = protocol.cathode_loading_mg_cm2 / p.active_mass_share
    state[CATHODE] = p.stoichiometry_pristine * cathode_max
    state[LI3N] = li3n * composite_mg_cm2 * p.li3n_capacity_mah_g * p.li3n_utilisation / 1000.0
    state[ACTIVE] = 1.0
    gas = 1.0 + li3n / p.li3n_void_weight
    pressure = design.stack_pressure_mpa
    unpressed = pressure_damping(pressure, p.cathode_contact_mpa)
    state[R_CATHODE] = p.cathode_resistance_ohm_cm2 * gas + p.cathode_contact_ohm_cm2 * unpressed
    state[VOID] = rough_contact_loss(pressure, p.rough_contact_loss, p.rough_contact_pressure_mpa, p.void_mean)
    return Cell(coefficients, state, capacity)


def charged_stoichiometry(upper_voltage_v: float) -> float:
    """Return the cathode stoichiometry at which its open-circuit potential meets the upper voltage."""
    low, high = 0.0, 0.9
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cathode_potential(middle) > upper_voltage_v else (low, middle)
    return 0.5 * (low + high)


def _coefficients(
    design: Design,
    protocol: Protocol,
    p: CellParameters,
    seed: Seed,
    layer: Interlayer,
    capacity: float,
    cathode_max: float,
) -> np.ndarray:
    pressure = design.stack_pressure_mpa
    charging = protocol.current_density_ma_cm2
    carbon_um = layer.carbon_um
    covered = layer.coverage if seed.is_alloying else 0.0

    def hot(activation_kj_mol: float) -> float:
        return arrhenius(activation_kj_mol, protocol.temperature_c)

    ionic = 1.0 / hot(p.ionic_activation_kj_mol)
    per_charge = 1.0 / (2.0 * capacity)
    gas = 1.0 + (design.li3n_wt_pct / 100.0 / p.li3n_void_weight) ** 2

    bare_mv = p.carbon_nucleation_mv + (seed_value("none", "nucleation_overpotential_mv") - p.carbon_nucleation_mv) * (
        math.exp(-carbon_um / _CARBON_COVER_UM)
    )
    nucleation_mv = covered * seed.nucleation_mv + (1.0 - covered) * bare_mv

    path_cm = 1e-4 * p.diffusion_path_share * layer.thickness_um
    diffusion_h = path_cm**2 / (layer.diffusivity_cm2_s * hot(p.host_activation_kj_mol)) / SECONDS_PER_HOUR
    lag = charging / layer.capacity_mah_cm2 * diffusion_h

    # A composite that lithium creeps through keeps the metal behind it and feeds what is stripped there.
    separated = layer.intact * (1.0 - math.exp(-carbon_um / p.blocking_um))
    layer_flux = 0.0
    if carbon_um > 0.0:
        layer_flux = p.layer_creep_ma_cm2 * hot(p.host_activation_kj_mol) * layer.transport * layer.intact
        layer_flux *= pressure * _LAYER_CREEP_UM_PER_MPA / carbon_um
    at_electrolyte = charging / (charging + layer_flux)
    exposed = 1.0 - separated * (1.0 - at_electrolyte)
    # A collector without seed reacts all over; a seed reacts where it covers.
    reacting = layer.coverage if seed.is_metal else 1.0
    sei_area = (1.0 + reacting * (seed.sei_factor - 1.0)) * (p.blocking_leak + (1.0 - p.blocking_leak) * exposed)

    compliant = _COMPLIANT_LEFT + (1.0 - _COMPLIANT_LEFT) * math.exp(-carbon_um / _COMPLIANT_UM)
    delamination = (1.0 + covered * (seed.delamination - 1.0)) * compliant
    bond_loss = p.dead_floor + (1.0 - p.dead_floor) * delamination
    # What lithium does at the electrolyte it does not do behind a layer: delaminate, be cut off, grow filaments.
    delamination *= exposed

    dense = math.exp(-nucleation_mv / p.nucleation_scale_mv)
    stranded = p.stranded_mah_cm2 * (_STRANDED_BY_DENSE + (1.0 - _STRANDED_BY_DENSE) * (1.0 - dense)) * exposed
    stranded /= hot(p.creep_activation_kj_mol)
    unevenness = 1.0 + protocol.discharge_ma_cm2 / (p.uneven_current_ma_cm2 * hot(p.critical_current_activation_kj_mol))
    scaffold = seed.dissolved * layer.dense_seed_um / (layer.dense_seed_um + _SCAFFOLD_HALF_UM)
    aggregation = 1.0 + covered * (seed.aggregation_factor - 1.0)
    aggregated = _VOIDS_WITHOUT_AGGREGATION + (1.0 - _VOIDS_WITHOUT_AGGREGATION) * aggregation
    alloy = covered * p.seed_share_of_diffusion
    diffusion_gain = (seed.diffusivity_cm2_s / p.self_diffusivity_cm2_s) ** alloy
    softened = 1.0 + covered * (seed.creep_factor - 1.0)
    strength = 3.0 / (2.0 * p.creep_exponent * p.confined_strength_factor)
    creep_1_h = (
        1.5 * p.creep_prefactor_1_s * SECONDS_PER_HOUR * hot(p.creep_activation_kj_mol) * softened
        * strength**p.creep_exponent
    )  # fmt: skip

    is_gap = protocol.fixture == "constant_gap"
    compliance = p.fixture_compliance_um_mpa if is_gap else p.spring_compliance_um_mpa
    critical = (
        p.critical_current_ma_cm2
        * (1.0 + covered * (seed.filament_factor - 1.0))
        * hot(p.critical_current_activation_kj_mol)
        * (1.0 + layer.intact * carbon_um / p.critical_current_um)
    )
    shield = (1.0 + layer.intact * carbon_um / p.penetration_shield_um) ** 2
    if carbon_um > 0.0:
        layer_ohm_cm2 = p.layer_resistance_ohm_cm2_um * carbon_um / hot(p.host_activation_kj_mol)
    else:
        layer_ohm_cm2 = p.film_resistance_ohm_cm2_um * layer.thickness_um * ionic
    values = CellCoefficients(
        li3n_share=p.li3n_current_share,
        li3n_switch=p.li3n_switch_mah_cm2,
        host_capacity=layer.capacity_mah_cm2,
        host_filling=p.host_filling / (1.0 + lag),
        host_width=p.host_width,
        host_uptake=p.host_uptake_1_h * hot(p.host_activation_kj_mol),
        uptake_room=p.host_uptake_room_mah_cm2,
        host_trapped=layer.trapped_share,
        metal_switch=_metal_switch(p, stranded, layer.capacity_mah_cm2),
        sei_rate=p.sei_rate_mah2_cm4_h * hot(p.sei_activation_kj_mol),
        sei_area=sei_area,
        sei_initial=p.sei_initial_mah_cm2,
        sei_fresh=p.sei_fresh_surface * sei_area,
        dead_per_void=p.dead_per_void * bond_loss * exposed * unevenness,
        delamination_exposure=p.delamination_exposure,
        vacancy_limit=p.vacancy_limit_ma_cm2 * hot(p.vacancy_activation_kj_mol) * diffusion_gain
        + p.layer_supply_share * layer_flux * separated,
        void_gain=p.li_thickness_um_per_mah / p.void_zone_um * (1.0 - _SCAFFOLD_SAVES * scaffold) * aggregated,
        plating_fill=p.li_thickness_um_per_mah / p.void_zone_um * dense,
        closure_log=math.log(creep_1_h),
        creep_exponent=p.creep_exponent,
        closure_floor=p.closure_time_floor_s / SECONDS_PER_HOUR,
        rough_loss=p.rough_contact_loss,
        rough_pressure=p.rough_contact_pressure_mpa,
        void_mean=p.void_mean,
        delamination_rate=p.delamination_per_cycle * delamination * per_charge,
        delamination_start=p.delamination_start,
        delamination_pressure=p.delamination_pressure_mpa,
        assembled_pressure=pressure,
        stiffness=1.0 / (compliance + p.layer_compliance_um_mpa * carbon_um),
        metal_thickness=p.li_thickness_um_per_mah,
        host_thickness=p.host_expansion_um_per_mah,
        pressure_loss=p.pressure_loss_share * pressure if is_gap else 0.0,
        relaxation=1.0 / p.pressure_loss_h,
        filament=p.filament_rate_1_h * (exposed / critical) ** 6,
        penetration=p.penetration_rate_1_h
        * hot(p.penetration_activation_kj_mol)
        / _PENETRATION_REFERENCE_MPA**PENETRATION_EXPONENT
        / shield,
        dense_nuclei=dense,
        coalescence=p.coverage_capacity_mah_cm2,
        leak=p.leak_ma_cm2,
        electronic_leak=p.electronic_leak_ma_cm2 * hot(p.electronic_activation_kj_mol),
        cathode_max=cathode_max,
        cathode_full=p.stoichiometry_discharged,
        cathode_fade=p.cathode_fade_per_cycle * hot(p.cathode_activation_kj_mol) * gas * per_charge,
        resistance_growth=p.cathode_growth_ohm_cm2_per_cycle * gas * per_charge,
        cathode_pressure=p.cathode_contact_mpa,
        series_resistance=p.separator_resistance_ohm_cm2 * ionic + layer_ohm_cm2,
        interface_resistance=p.interface_resistance_ohm_cm2
        * ionic
        * (_INTERFACE_REFERENCE_MPA / pressure) ** p.interface_pressure_exponent,
        sei_resistance=p.sei_resistance_ohm_cm2_per_mah * ionic / sei_area,
        filling_resistance=p.filling_hindrance_v / (_HINDRANCE_C_RATE * capacity) / hot(p.filling_activation_kj_mol),
        nucleation_voltage=nucleation_mv / 1000.0,
    )
    row = np.array(astuple(values))
    if row.shape != (N_COEFFICIENTS,):
        raise RuntimeError("CellCoefficients and the rows of model.py have drifted apart")
    return row


def _metal_switch(p: CellParameters, stranded_mah_cm2: float, host_mah_cm2: float) -> float:
    """Return the metal at which half of a stripping current comes from the host."""
    switch = math.sqrt(stranded_mah_cm2 * _HOST_HELPS * host_mah_cm2)
    return min(max(switch, _SHARPEST_SWITCH_MAH_CM2), p.metal_switch_mah_cm2)
