"""How the laws join into one cell: rates of change and voltage of a state.

Many cells stand side by side in one flat buffer: row `r` of lane `l` is `buffer[r * lanes + l]`. A function here
works on one lane; the loop over lanes is left to the compiler, which turns it into vector instructions.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from afssb_opt.simulation.physics import (
    cathode_potential,
    chemical_uptake,
    closable_slope,
    closable_void,
    contact_fraction,
    creep_penetration,
    delamination_spread,
    filament_growth,
    filling_hindrance,
    host_potential,
    host_share,
    metal_share,
    nuclei_coverage,
    pore_closure,
    pressure_damping,
    rough_contact_loss,
    sei_growth,
    share_present,
    stack_pressure,
    void_growth,
)

# States. The first seven hold lithium in mAh/cm2; their sum is conserved.
STATES = (
    "cathode", "li3n", "host", "metal", "dead", "sei", "trapped",
    "void", "delaminated", "active_cathode", "cathode_resistance", "short", "relaxed_pressure",
)  # fmt: skip
(CATHODE, LI3N, HOST, METAL, DEAD, SEI, TRAPPED,
 VOID, DELAMINATED, ACTIVE, R_CATHODE, SHORT, RELAXED) = range(13)  # fmt: skip
N_STATES = 13
N_LITHIUM = 7

# Coefficients of one cell, in the order of `coefficients.CellCoefficients`.
(LI3N_SHARE, LI3N_SWITCH, HOST_CAPACITY, HOST_FILLING, HOST_WIDTH, HOST_UPTAKE, UPTAKE_ROOM, HOST_TRAPPED, METAL_SWITCH,
 SEI_RATE, SEI_AREA, SEI_INITIAL, SEI_FRESH, DEAD_PER_VOID, DELAMINATION_EXPOSURE, VACANCY_LIMIT, VOID_GAIN,
 PLATING_FILL, CLOSURE_LOG, CREEP_EXPONENT, CLOSURE_FLOOR, ROUGH_LOSS, ROUGH_PRESSURE, VOID_MEAN, DELAMINATION_RATE,
 DELAMINATION_START, DELAMINATION_PRESSURE, ASSEMBLED_PRESSURE, STIFFNESS, METAL_THICKNESS, HOST_THICKNESS,
 PRESSURE_LOSS, RELAXATION, FILAMENT, PENETRATION, DENSE_NUCLEI, COALESCENCE, LEAK, ELECTRONIC_LEAK, CATHODE_MAX,
 CATHODE_FULL, CATHODE_FADE, RESISTANCE_GROWTH, CATHODE_PRESSURE, SERIES_RESISTANCE, INTERFACE_RESISTANCE,
 SEI_RESISTANCE, FILLING_RESISTANCE, NUCLEATION_VOLTAGE) = range(49)  # fmt: skip
N_COEFFICIENTS = 49

# Rows of the buffer that do not depend on the integrator.
CHARGE_CURRENT = N_COEFFICIENTS
DISCHARGE_CURRENT = N_COEFFICIENTS + 1
N_CELL_ROWS = N_COEFFICIENTS + 2

Buffer = Any


@njit(forceinline=True, error_model="numpy")
def pressure_of(b: Buffer, lanes: int, lane: int, at: int) -> float:
    """Return the stack pressure in MPa of the state whose first row is `at`."""
    expansion = (
        b[METAL_THICKNESS * lanes + lane] * (b[(at + METAL) * lanes + lane] + b[(at + DEAD) * lanes + lane])
        + b[HOST_THICKNESS * lanes + lane] * b[(at + HOST) * lanes + lane]
    )
    return stack_pressure(
        b[ASSEMBLED_PRESSURE * lanes + lane],
        b[(at + RELAXED) * lanes + lane],
        b[STIFFNESS * lanes + lane],
        expansion,
    )


@njit(forceinline=True, error_model="numpy")
def resistance_of(b: Buffer, lanes: int, lane: int, at: int) -> float:
    """Return the areal resistance of the whole cell in ohm cm2."""
    contact = contact_fraction(b[(at + VOID) * lanes + lane], b[(at + DELAMINATED) * lanes + lane])
    return (
        b[SERIES_RESISTANCE * lanes + lane]
        + b[(at + R_CATHODE) * lanes + lane]
        + b[SEI_RESISTANCE * lanes + lane] * b[(at + SEI) * lanes + lane]
        + b[INTERFACE_RESISTANCE * lanes + lane] / contact
    )


@njit(forceinline=True, error_model="numpy")
def voltage_of(b: Buffer, lanes: int, lane: int, at: int) -> float:
    """Return the cell voltage under the lane's present current."""
    charging = b[CHARGE_CURRENT * lanes + lane]
    discharging = b[DISCHARGE_CURRENT * lanes + lane]
    metal = b[(at + METAL) * lanes + lane]
    stoichiometry = b[(at + CATHODE) * lanes + lane] / (b[CATHODE_MAX * lanes + lane] * b[(at + ACTIVE) * lanes + lane])
    filling = b[(at + HOST) * lanes + lane] / b[HOST_CAPACITY * lanes + lane]
    exhausted = 1.0 - metal_share(metal, b[METAL_SWITCH * lanes + lane])
    anode = exhausted * host_potential(filling, b[HOST_TRAPPED * lanes + lane])
    bare = 1.0 - nuclei_coverage(metal, 0.0, b[COALESCENCE * lanes + lane])
    nucleation = b[NUCLEATION_VOLTAGE * lanes + lane] * bare
    hindrance = b[FILLING_RESISTANCE * lanes + lane] * filling_hindrance(stoichiometry, b[CATHODE_FULL * lanes + lane])
    loss = 1e-3 * (charging - discharging) * resistance_of(b, lanes, lane, at)
    on_charge = nucleation if charging > 0.0 else 0.0
    on_discharge = anode + discharging * hindrance if discharging > 0.0 else 0.0
    return cathode_potential(stoichiometry) + loss + on_charge - on_discharge


@njit(forceinline=True, error_model="numpy")
def write_rates(b: Buffer, lanes: int, lane: int, at: int, to: int, slope_row: int) -> None:
    """Write the rates of change per hour of the state at row `at` to the rows from `to` on.

    The derivative of the void rate by the void fraction goes to `slope_row`; it is the only stiff one.
    """
    charging = b[CHARGE_CURRENT * lanes + lane]
    discharging = b[DISCHARGE_CURRENT * lanes + lane]
    passing = charging + discharging
    cathode = b[(at + CATHODE) * lanes + lane]
    li3n = b[(at + LI3N) * lanes + lane]
    host = b[(at + HOST) * lanes + lane]
    metal = b[(at + METAL) * lanes + lane]
    void = b[(at + VOID) * lanes + lane]
    delaminated = b[(at + DELAMINATED) * lanes + lane]
    active = b[(at + ACTIVE) * lanes + lane]
    host_capacity = b[HOST_CAPACITY * lanes + lane]

    pressure = pressure_of(b, lanes, lane, at)
    contact = contact_fraction(void, delaminated)
    present = metal_share(metal, b[METAL_SWITCH * lanes + lane])

    oxidised = charging * b[LI3N_SHARE * lanes + lane] * share_present(li3n, b[LI3N_SWITCH * lanes + lane])
    into_host = host_share(host / host_capacity, b[HOST_FILLING * lanes + lane], b[HOST_WIDTH * lanes + lane])
    plating = charging * (1.0 - into_host)
    stripping = discharging * present
    uptake = present * chemical_uptake(
        host_capacity - host, b[HOST_UPTAKE * lanes + lane], b[UPTAKE_ROOM * lanes + lane]
    )
    short3 = b[(at + SHORT) * lanes + lane] * b[(at + SHORT) * lanes + lane] * b[(at + SHORT) * lanes + lane]
    leak = (b[LEAK * lanes + lane] * short3 * short3 + b[ELECTRONIC_LEAK * lanes + lane]) * present
    reducing = present + (1.0 - present) * host / host_capacity
    sei = (
        reducing
        * sei_growth(
            b[(at + SEI) * lanes + lane],
            b[SEI_AREA * lanes + lane],
            b[SEI_RATE * lanes + lane],
            b[SEI_INITIAL * lanes + lane],
        )
        + plating * b[SEI_FRESH * lanes + lane]
    )
    lost_contact = void + b[DELAMINATION_EXPOSURE * lanes + lane] * delaminated
    dead = b[DEAD_PER_VOID * lanes + lane] * lost_contact * stripping
    faded = b[CATHODE_FADE * lanes + lane] * passing

    b[(to + CATHODE) * lanes + lane] = oxidised - charging + discharging + leak - faded * cathode
    b[(to + LI3N) * lanes + lane] = -oxidised
    b[(to + HOST) * lanes + lane] = charging * into_host + uptake - (discharging + sei) * (1.0 - present)
    b[(to + METAL) * lanes + lane] = plating - stripping - uptake - leak - dead - sei * present
    b[(to + DEAD) * lanes + lane] = dead
    b[(to + SEI) * lanes + lane] = sei
    b[(to + TRAPPED) * lanes + lane] = faded * cathode
    b[(to + ACTIVE) * lanes + lane] = -faded * active

    growing = present * void_growth(stripping, contact, b[VACANCY_LIMIT * lanes + lane], b[VOID_GAIN * lanes + lane])
    closing = (
        pore_closure(
            void,
            pressure,
            b[CLOSURE_LOG * lanes + lane],
            b[CREEP_EXPONENT * lanes + lane],
            b[CLOSURE_FLOOR * lanes + lane],
        )
        + b[PLATING_FILL * lanes + lane] * plating
    )
    rest = rough_contact_loss(
        pressure, b[ROUGH_LOSS * lanes + lane], b[ROUGH_PRESSURE * lanes + lane], b[VOID_MEAN * lanes + lane]
    )
    b[(to + VOID) * lanes + lane] = growing - closing * closable_void(void, rest)
    b[slope_row * lanes + lane] = -closing * closable_slope(void, rest)
    b[(to + DELAMINATED) * lanes + lane] = (
        passing
        * delamination_spread(delaminated, b[DELAMINATION_RATE * lanes + lane], b[DELAMINATION_START * lanes + lane])
        * pressure_damping(pressure, b[DELAMINATION_PRESSURE * lanes + lane])
    )
    b[(to + R_CATHODE) * lanes + lane] = (
        b[RESISTANCE_GROWTH * lanes + lane]
        * passing
        * (0.2 + pressure_damping(pressure, b[CATHODE_PRESSURE * lanes + lane]))
    )
    coverage = nuclei_coverage(metal, b[DENSE_NUCLEI * lanes + lane], b[COALESCENCE * lanes + lane])
    b[(to + SHORT) * lanes + lane] = filament_growth(
        plating, contact * coverage, b[FILAMENT * lanes + lane]
    ) + present * creep_penetration(pressure, b[PENETRATION * lanes + lane])
    b[(to + RELAXED) * lanes + lane] = b[RELAXATION * lanes + lane] * (
        b[PRESSURE_LOSS * lanes + lane] - b[(at + RELAXED) * lanes + lane]
    )
