"""What the simulator shows for each reported trend: the words and whether the trend holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.simulation import DEFAULT_PARAMETERS, CellParameters, SimulatedCell, simulate_cells
from afssb_opt.simulation.coefficients import build_cell
from afssb_opt.simulation.hardware import with_hardware
from afssb_opt.simulation.interlayer import Design
from afssb_opt.simulation.model import (
    HOST_CAPACITY,
    HOST_FILLING,
    NUCLEATION_VOLTAGE,
    SEI_AREA,
    SEI_INITIAL,
    SEI_RATE,
)

HOT = Protocol(cycles=1000)
ROOM = Protocol(cycles=600, temperature_c=25.0)
BASE = {"seed_alloy": "Ag", "interlayer_thickness_um": 10.0, "stack_pressure_mpa": 4.0, "li3n_wt_pct": 0.0}
THIN = 0.02

# What was found, and whether the trend holds (None: not modelled).
Finding = tuple[str, bool | None]


def cells(
    protocol: Protocol, changes: Sequence[dict[str, object]], parameters: CellParameters = DEFAULT_PARAMETERS
) -> list[SimulatedCell]:
    """Cycle the base design with each set of changes."""
    return simulate_cells(pd.DataFrame([{**BASE, **change} for change in changes]), protocol, parameters=parameters)


def life(cell: SimulatedCell, share: float = 0.8) -> int:
    """Count the cycles before the discharge capacity is below a share of the second one."""
    discharge = cell.cycling["discharge_capacity_mah_cm2"].to_numpy()
    if len(discharge) < 2:
        return 0
    below = np.flatnonzero(discharge[1:] < share * discharge[1])
    return int(below[0]) + 1 if len(below) else len(discharge)


def lives(
    protocol: Protocol, name: str, values: Sequence[object], parameters: CellParameters = DEFAULT_PARAMETERS,
    **others: object,
) -> list[int]:  # fmt: skip
    """Return the life at each value of one variable."""
    return [life(cell) for cell in cells(protocol, [{**others, name: value} for value in values], parameters)]


def first(cell: SimulatedCell, column: str, cycle: int = 1) -> float:
    """Return one entry of the cycling table."""
    return float(cell.cycling[column].iloc[min(cycle, len(cell.cycling)) - 1])


def ice(cell: SimulatedCell) -> float:
    """Return the first coulombic efficiency in percent."""
    return first(cell, "coulombic_efficiency_pct")


def coefficient(row: int, protocol: Protocol = HOT, **changes: object) -> float:
    """Return one coefficient of the base design with changes."""
    design = {**BASE, **changes}
    cell = build_cell(Design(**design), protocol, DEFAULT_PARAMETERS)  # type: ignore[arg-type]
    return float(cell.coefficients[row])


def is_inside(values: Sequence[float]) -> bool:
    """Tell whether the largest value is neither the first nor the last."""
    return 0 < int(np.argmax(values)) < len(values) - 1


def listed(values: Sequence[float], names: Sequence[object]) -> str:
    """Write values with their names."""
    return ", ".join(f"{name}: {value:.3g}" for name, value in zip(names, values, strict=True))


def pressure_window() -> Finding:
    pressures = [0.5, 1, 2, 4, 6, 8, 12, 20, 40]
    found = lives(HOT, "stack_pressure_mpa", pressures)
    return f"life at MPa {listed(found, pressures)}", is_inside(found)


def lasting_pressure() -> Finding:
    leaking = replace(DEFAULT_PARAMETERS, pressure_loss_share=0.95)
    keeps, loses = lives(HOT, "seed_alloy", ["Ag"]), lives(HOT, "seed_alloy", ["Ag"], leaking)
    return f"life {keeps[0]} when kept, {loses[0]} when 95 % relaxes", loses[0] < keeps[0]


def compliant_buffer() -> Finding:
    change = [{"seed_alloy": "none", "interlayer_thickness_um": THIN, "stack_pressure_mpa": 2.0}]
    (plain,) = cells(ROOM, change)
    (felt,) = cells(ROOM, change, with_hardware(DEFAULT_PARAMETERS, "carbon_felt"))
    swings = [first(c, "pressure_max_mpa") - first(c, "pressure_min_mpa") for c in (plain, felt)]
    text = f"first efficiency {ice(plain):.1f} to {ice(felt):.1f} %, swing {swings[0]:.2f} to {swings[1]:.2f} MPa"
    return text, ice(felt) > ice(plain) + 0.5 and swings[1] < 0.5 * swings[0]


def ductile_buffer() -> Finding:
    change = [{"seed_alloy": "Mg", "stack_pressure_mpa": 2.0, "interlayer_thickness_um": 1.0}]
    lost = [
        100.0 * (1.0 - first(cells(ROOM, change, p)[0], "contact_fraction", 10))
        for p in (DEFAULT_PARAMETERS, with_hardware(DEFAULT_PARAMETERS, "mxene"))
    ]
    return f"contact lost after 10 cycles {lost[0]:.0f} to {lost[1]:.0f} %", lost[1] < 0.7 * lost[0]


def nucleation() -> Finding:
    bare, silver = (1e3 * coefficient(NUCLEATION_VOLTAGE, seed_alloy=seed, interlayer_thickness_um=thickness)
                    for seed, thickness in (("none", THIN), ("Ag", 2.0)))  # fmt: skip
    return f"overpotential {bare:.0f} to {silver:.1f} mV", silver < bare


def bare_collector() -> Finding:
    (cell,) = cells(HOT, [{"seed_alloy": "none", "interlayer_thickness_um": THIN, "stack_pressure_mpa": 2.0}])
    eighty, half = life(cell), life(cell, 0.5)
    return f"80 % at cycle {eighty}, 50 % at {half}", 8 <= eighty <= 30


def contact_at_end_of_strip() -> Finding:
    bare, silver, gold = cells(ROOM, [{"seed_alloy": s, "interlayer_thickness_um": 5.0} for s in ("none", "Ag", "Au")])
    lost = [[1.0 - first(c, "contact_fraction", n) for n in (1, 5)] for c in (bare, silver, gold)]
    text = ", ".join(f"{n} {100 * a:.1f} to {100 * b:.1f} %"
                     for n, (a, b) in zip(("none", "Ag", "Au"), lost, strict=True))  # fmt: skip
    return f"lost from cycle 1 to 5: {text}", lost[0][1] > lost[1][1] > lost[2][1] and all(b > a for a, b in lost)


def silver_carbon_lasts() -> Finding:
    pouch = Protocol(cycles=1000, current_density_ma_cm2=3.4, areal_capacity_mah_cm2=6.8)
    (found,) = lives(pouch, "stack_pressure_mpa", [2.0], interlayer_thickness_um=7.5)
    return f"life {found} at 2 MPa, 3.4 mA/cm2, 6.8 mAh/cm2", found >= 1000


def carbon_and_silver() -> Finding:
    bare, carbon, film, both = (
        life(cells(HOT, [{"seed_alloy": s, "interlayer_thickness_um": d}])[0])
        for s, d in (("none", THIN), ("none", 10.0), ("Ag", 0.1), ("Ag", 10.0))
    )
    text = f"life bare {bare}, carbon {carbon}, 0.1 um Ag {film}, Ag-C {both}"
    return text, bare < carbon < both and film < both


def silver_share() -> Finding:
    shares = [0.05, 0.15, 0.25, 0.4, 0.5]
    found = [lives(HOT, "seed_alloy", ["Ag"], replace(DEFAULT_PARAMETERS, seed_mass_share=s))[0] for s in shares]
    return f"life at weight share {listed(found, shares)}", is_inside(found)


def not_modelled() -> Finding:
    return "not modelled", None


def slow_but_lasting() -> Finding:
    silver, magnesium = lives(HOT, "seed_alloy", ["Ag", "Mg"])
    fill = [coefficient(HOST_FILLING, seed_alloy=s) for s in ("Ag", "Mg")]
    text = f"life Ag {silver}, Mg {magnesium}; filling when lithium plates Ag {fill[0]:.2f}, Mg {fill[1]:.2f}"
    return text, magnesium > silver and fill[1] < fill[0] - 0.05


def creep_ratio() -> Finding:
    base = coefficient(SEI_AREA, ROOM)
    pressed, hot = coefficient(SEI_AREA, ROOM, stack_pressure_mpa=10.0), coefficient(SEI_AREA, HOT)
    fast = coefficient(SEI_AREA, replace(ROOM, current_density_ma_cm2=2.0))
    text = f"share of lithium at the electrolyte {base:.2f}; 10 MPa {pressed:.2f}; 60 C {hot:.2f}; 2 mA/cm2 {fast:.2f}"
    return text, pressed < base and hot < base and fast > base


def current_shortens() -> Finding:
    found = [lives(replace(HOT, current_density_ma_cm2=j), "seed_alloy", ["Ag"])[0] for j in (0.5, 1.0, 2.0, 4.0)]
    return f"life at mA/cm2 {listed(found, (0.5, 1, 2, 4))}", all(np.diff(found) < 0)


def plates_before_full() -> Finding:
    currents = [0.03, 2.0, 4.0]
    found = [coefficient(HOST_FILLING, replace(ROOM, current_density_ma_cm2=j)) for j in currents]
    return f"filling when lithium plates, at mA/cm2 {listed(found, currents)}", all(np.diff(found) < -0.05)


def heat_helps_carbon() -> Finding:
    cold, hot = (cells(replace(HOT, temperature_c=t, cycles=2), [{}])[0] for t in (25.0, 60.0))
    ratio = first(cold, "discharge_capacity_mah_cm2", 2) / first(hot, "discharge_capacity_mah_cm2", 2)
    resistances = [first(c, "areal_resistance_ohm_cm2") for c in (cold, hot)]
    text = f"{resistances[0]:.0f} to {resistances[1]:.0f} ohm cm2; capacity at 25 C {100 * ratio:.1f} % of 60 C"
    return text, resistances[0] > 2 * resistances[1] and 0.85 < ratio < 0.97


def host_storage() -> Finding:
    per_um = (coefficient(HOST_CAPACITY, interlayer_thickness_um=10.0)
              - coefficient(HOST_CAPACITY, interlayer_thickness_um=5.0)) / 5.0  # fmt: skip
    thin, thick = (ice(c) for c in cells(HOT, [{"interlayer_thickness_um": d} for d in (1.0, 10.0)]))
    text = f"{per_um:.3f} mAh/cm2 per um, first efficiency {thin:.1f} to {thick:.1f} %"
    return text, 0.02 < per_um < 0.2 and thick < thin


def thickness_optimum() -> Finding:
    thicknesses = [THIN, 1, 5, 10, 20, 50, 100, 200]
    found = lives(ROOM, "interlayer_thickness_um", thicknesses)
    return f"life at 25 C at um {listed(found, thicknesses)}", is_inside(found)


def efficiency_with_capacity() -> Finding:
    loads = [1.0, 3.0, 6.0]
    found = [ice(cells(replace(HOT, areal_capacity_mah_cm2=q, cycles=1), [{}])[0]) for q in loads]
    return f"first efficiency at mAh/cm2 {listed(found, loads)}", all(np.diff(found) > 0)


def interphase_growth() -> Finding:
    rate, start = coefficient(SEI_RATE, ROOM), coefficient(SEI_INITIAL, ROOM)
    charge = 1e3 * (np.sqrt(rate * 400.0 + start**2) - start)
    return f"{charge:.0f} uAh/cm2 more at 400 h; {1e3 * np.sqrt(rate):.1f} uAh/cm2/sqrt(h)", 40 < charge < 70


def conversion_layers() -> Finding:
    silver, fluoride = cells(HOT, [{"seed_alloy": s} for s in ("Ag", "AgF")])
    areas = [coefficient(SEI_AREA, seed_alloy=s) for s in ("Ag", "AgF")]
    text = (
        f"reactive share {areas[0]:.3f} to {areas[1]:.3f}, first efficiency {ice(silver):.1f} to {ice(fluoride):.1f} %"
    )
    return text, areas[1] < areas[0] and ice(fluoride) <= ice(silver)


def li3n_optimum() -> Finding:
    shares = [0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0]
    found = lives(HOT, "li3n_wt_pct", shares)
    return f"life at wt% {listed(found, shares)}", is_inside(found)


def synergy() -> Finding:
    gains = [lives(HOT, "li3n_wt_pct", [0.0, 2.0], seed_alloy=s) for s in ("none", "Mg")]
    (bare, bare_li3n), (magnesium, both) = gains
    return f"life none {bare} to {bare_li3n}, Mg {magnesium} to {both}", both - magnesium > bare_li3n - bare


def roughness() -> Finding:
    change: dict[str, object] = {"seed_alloy": "none", "interlayer_thickness_um": THIN}
    found = [life(cells(ROOM, [change], p)[0]) for p in (
        DEFAULT_PARAMETERS,
        with_hardware(DEFAULT_PARAMETERS, "moderate_roughness"),
        with_hardware(DEFAULT_PARAMETERS, "heavy_roughness"),
    )]  # fmt: skip
    return f"life smooth {found[0]}, moderate {found[1]}, heavy {found[2]}", is_inside(found)


def doped_silver() -> Finding:
    silver, doped = lives(replace(HOT, temperature_c=50.0), "seed_alloy", ["Ag", "Ag-In"])
    return f"life Ag {silver}, Ag-In {doped}", doped > silver


def bilayer() -> Finding:
    single, double = lives(replace(ROOM, current_density_ma_cm2=2.0), "seed_alloy", ["Mg", "W/Mg"])
    return f"life at 2 mA/cm2 Mg {single}, W/Mg {double}", double > single


def pressure_matters_little() -> Finding:
    found = lives(HOT, "stack_pressure_mpa", [2.0, 3.0, 4.0])
    return f"life at MPa {listed(found, (2, 3, 4))}", max(found) < 1.1 * min(found)


def pressure_extremes() -> Finding:
    low, high = cells(HOT, [{"stack_pressure_mpa": p} for p in (0.3, 50.0)])
    text = f"0.3 MPa: {low.stop_reason}, contact {first(low, 'contact_fraction', 50):.2f}; 50 MPa: {high.stop_reason}"
    return text, low.stop_reason == "capacity_exhausted" and high.stop_reason == "short_circuit"


def dual_seed() -> Finding:
    silver, oxide, dual = lives(replace(ROOM, current_density_ma_cm2=1.0), "seed_alloy", ["Ag", "ZnO", "Ag-ZnO"])
    return f"life Ag {silver}, ZnO {oxide}, Ag-ZnO {dual}", dual > max(silver, oxide)
