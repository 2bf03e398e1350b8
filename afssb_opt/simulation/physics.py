"""Which physical laws the cell obeys: small functions of plain numbers, one law each.

Units: mAh/cm2, mA/cm2, h, um, MPa, V, ohm cm2. Charge and discharge currents are both positive or zero.
"""

from __future__ import annotations

from math import sqrt

from numba import njit

from afssb_opt.simulation.elementary import exp, log

# Range in which the void fraction is used, so that neither end of the closure law is singular.
_VOID_LOW = 1e-6
_VOID_HIGH = 0.98
# Rounding of corners in mA/cm2, small against any current that is cycled.
_CORNER_MA_CM2 = 0.02
# A cell opened by relaxation still touches: the pressure never falls to zero.
_PRESSURE_FLOOR_MPA = 1e-3
# Contact that remains through lithium bridges, assumed; it keeps local currents finite.
_CONTACT_FLOOR = 1e-3
# Exponent of `creep_penetration`, written there as products.
PENETRATION_EXPONENT = 2.5
# Shortest time in which a filament crosses the separator, assumed: one minute.
_CROSSING_H = 1.0 / 60.0
# Host potentials over lithium, assumed: a slope while filled, then a steep end.
_HOST_SLOPE_V = 0.1
_HOST_END_V = 0.8
_HOST_END_WIDTH = 0.03
# Width of the rise of the insertion hindrance near a full cathode, 1 / 51.9, assumed.
_FILLING_STEEPNESS = 51.9
# Void fraction above the rest at which closure is half as fast: a smooth end of closing, small against any rest.
_CLOSING_END = 2e-4


@njit(forceinline=True, error_model="numpy")
def share_present(amount: float, switch: float) -> float:
    """Return 1 where there is plenty and fall smoothly to 0 as the amount runs out."""
    return amount / (amount + switch)


@njit(forceinline=True, error_model="numpy")
def metal_share(metal: float, switch: float) -> float:
    """Return the part of a stripping current that lithium metal carries: 1 until little is left, then the host."""
    left = max(metal, 0.0)
    square = left * left
    return square / (square + switch * switch)


@njit(forceinline=True, error_model="numpy")
def host_share(filling: float, filling_at_plating: float, width: float) -> float:
    """Return the share of the plating current that the host takes up."""
    return 1.0 / (1.0 + exp((filling - filling_at_plating) / width))


@njit(forceinline=True, error_model="numpy")
def chemical_uptake(room: float, rate: float, room_at_half: float) -> float:
    """Return the flux in mA/cm2 from lithium metal into a host with room left; a large room is limited by contact."""
    return rate * room / (1.0 + abs(room) / room_at_half)


@njit(forceinline=True, error_model="numpy")
def stack_pressure(assembled: float, relaxed: float, stiffness: float, expansion_um: float) -> float:
    """Return the pressure of a fixture that answers expansion with its stiffness in MPa/um."""
    return max(assembled - relaxed + stiffness * expansion_um, _PRESSURE_FLOOR_MPA)


@njit(forceinline=True, error_model="numpy")
def contact_fraction(void: float, delaminated: float) -> float:
    """Return the part of the interface that carries current."""
    return min(max((1.0 - void) * (1.0 - delaminated), _CONTACT_FLOOR), 1.0)


@njit(forceinline=True, error_model="numpy")
def sei_growth(sei: float, area: float, rate: float, initial: float) -> float:
    """Return the parabolic growth of the interphase in mAh/cm2/h on a share `area` of the electrode."""
    return area * rate / (2.0 * (sei / area + initial))


@njit(forceinline=True, error_model="numpy")
def void_growth(stripping: float, contact: float, limit: float, gain: float) -> float:
    """Return the void fraction per hour that a stripping current above the vacancy diffusion limit leaves."""
    excess = stripping / contact - limit
    return gain * 0.5 * (excess + sqrt(excess * excess + _CORNER_MA_CM2 * _CORNER_MA_CM2)) * contact * contact


@njit(forceinline=True, error_model="numpy")
def pore_closure(void: float, pressure: float, log_prefactor: float, exponent: float, floor_h: float) -> float:
    """Return the relative closing rate of pores by power-law creep (Wilkinson and Ashby 1975), per hour.

    Args:
        log_prefactor: Logarithm of the rate per hour at 1 MPa and vanishing void fraction.
        floor_h: Shortest closing time, where the creep law no longer holds.
    """
    root = exp(log(min(max(void, _VOID_LOW), _VOID_HIGH)) / exponent)
    rate = exp(log_prefactor + exponent * log(pressure / (1.0 - root)))
    return rate / (1.0 + floor_h * rate)


@njit(forceinline=True, error_model="numpy")
def closable_void(void: float, rest: float) -> float:
    """Return the part of the voids that creep can close; below the rest nothing reopens, for flattening is plastic."""
    above = max(void - rest, 0.0)
    return above * above / (above + _CLOSING_END)


@njit(forceinline=True, error_model="numpy")
def closable_slope(void: float, rest: float) -> float:
    """Return the derivative of `closable_void` by the void fraction."""
    above = max(void - rest, 0.0)
    left = _CLOSING_END / (above + _CLOSING_END)
    return 1.0 - left * left


@njit(forceinline=True, error_model="numpy")
def rough_contact_loss(pressure: float, loss: float, pressure_scale: float, mean: float) -> float:
    """Return the void fraction that a rough interface keeps at a pressure."""
    ratio = pressure / pressure_scale
    return loss / (1.0 + ratio * ratio) + mean


@njit(forceinline=True, error_model="numpy")
def delamination_spread(delaminated: float, rate: float, start: float) -> float:
    """Return the growth of the delaminated part per charge passed: it spreads from its rim, from a small start."""
    return rate * (1.0 - delaminated) * (delaminated + start)


@njit(forceinline=True, error_model="numpy")
def pressure_damping(pressure: float, pressure_scale: float) -> float:
    """Return how much of an opening process is left at a pressure: 1 without, falling with its square."""
    ratio = pressure / pressure_scale
    return 1.0 / (1.0 + ratio * ratio)


@njit(forceinline=True, error_model="numpy")
def nuclei_coverage(metal: float, dense: float, coalescence: float) -> float:
    """Return the part of the interface that deposits: dense nuclei at once, sparse ones as they coalesce."""
    return dense + (1.0 - dense) * metal / (metal + coalescence)


@njit(forceinline=True, error_model="numpy")
def filament_growth(plating: float, area: float, coefficient: float) -> float:
    """Return the soft-short progress per hour by plating near the critical current (sixth power of local current)."""
    local = plating / area
    square = local * local
    rate = coefficient * square * square * square
    return rate / (1.0 + rate * _CROSSING_H)


@njit(forceinline=True, error_model="numpy")
def creep_penetration(pressure: float, coefficient: float) -> float:
    """Return the soft-short progress per hour by lithium pressed into separator pores: pressure to the 2.5.

    The exponent joins 474 h at 10 MPa and 48 h at 25 MPa (Doux et al. 2020, doi 10.1002/aenm.201903253, digest).
    """
    return coefficient * pressure * pressure * sqrt(pressure)


@njit(forceinline=True, error_model="numpy")
def cathode_potential(stoichiometry: float) -> float:
    """Return the open-circuit potential of NMC811 over lithium (Chen et al. 2020, doi 10.1149/1945-7111/ab9050)."""
    x = stoichiometry
    # a tanh(z) = a - 2 a / (e^(2 z) + 1): three of them over one common denominator.
    d1 = exp(2.0 * 18.5138 * (x - 0.5542)) + 1.0
    d2 = exp(2.0 * 15.7890 * (x - 0.3117)) + 1.0
    d3 = exp(2.0 * 15.9308 * (x - 0.3120)) + 1.0
    tails = (0.0428 * d2 * d3 + 17.7326 * d1 * d3 - 17.5842 * d1 * d2) / (d1 * d2 * d3)
    return -0.8090 * x + (4.4875 - 0.0428 - 17.7326 + 17.5842) + 2.0 * tails


@njit(forceinline=True, error_model="numpy")
def filling_hindrance(stoichiometry: float, full: float) -> float:
    """Return how much harder lithium enters a nearly full cathode: 1 at `full`, rising steeply."""
    return exp(_FILLING_STEEPNESS * (stoichiometry - full))


@njit(forceinline=True, error_model="numpy")
def host_potential(filling: float, trapped: float) -> float:
    """Return the potential of the host over lithium while it is emptied down to its trapped share."""
    return _HOST_SLOPE_V * (1.0 - filling) + _HOST_END_V * exp((trapped - filling) / _HOST_END_WIDTH)
