"""What the simulator shows for each reported trend: the words and whether the trend holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.stack import energy_density
from afssb_opt.simulation import DEFAULT_PARAMETERS, CellParameters, SimulatedCell, simulate_cells
from afssb_opt.simulation.coefficients import build_cell
from afssb_opt.simulation.interlayer import Design, Seed
from afssb_opt.simulation.model import (
    HOST_CAPACITY,
    HOST_FILLING,
    NUCLEATION_VOLTAGE,
    SEI_AREA,
    SEI_INITIAL,
    SEI_RATE,
    VOID,
)
from afssb_opt.simulation.physics import closable_void

# Long enough that the lives to be compared have ended.
HOT = Protocol(cycles=5000)
ROOM = Protocol(cycles=5000, temperature_c=25.0)
POUCH = Protocol(cycles=3000, current_density_ma_cm2=3.4, areal_capacity_mah_cm2=6.8, fixture="constant_force")
BASE = {"seed_alloy": "Ag", "interlayer_thickness_um": 10.0, "stack_pressure_mpa": 4.0, "li3n_wt_pct": 0.0}
BARE: dict[str, object] = {"seed_alloy": "none", "layer_class": "as_reported"}
FILM: dict[str, object] = {"layer_class": "metal_film", "interlayer_thickness_um": 0.5}

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
    leaking = replace(DEFAULT_PARAMETERS, pressure_loss_share=0.9)
    design: dict[str, object] = {**FILM, "seed_alloy": "Ag", "stack_pressure_mpa": 4.0}
    keeps, loses = (cells(ROOM, [design], p)[0] for p in (DEFAULT_PARAMETERS, leaking))
    text = f"life {life(keeps)} when kept, {life(loses)} ({loses.stop_reason}) when 90 % relaxes"
    return text, life(loses) < life(keeps)


def compliant_buffer() -> Finding:
    changes = [{**BARE, "stack_pressure_mpa": 2.0, "buffer": b} for b in ("none", "silicone", "carbon_felt")]
    found = cells(replace(ROOM, cell_type="half", areal_capacity_mah_cm2=2.0), changes)
    plain, felt = (cells(ROOM, [change])[0] for change in (changes[0], changes[2]))
    swings = [first(c, "pressure_max_mpa") - first(c, "pressure_min_mpa") for c in (plain, felt)]
    values = [ice(c) for c in found]
    text = f"first efficiency of a half cell {listed(values, ('none', 'silicone', 'felt'))} %"
    return f"{text}; swing {swings[0]:.2f} to {swings[1]:.2f} MPa", values[0] + 1 < values[1] and values[
        0
    ] + 1 < values[2] and swings[1] < 0.5 * swings[0]


def ductile_buffer() -> Finding:
    changes = [{"seed_alloy": "Mg", "layer_class": "metal_film", "stack_pressure_mpa": 2.0,
                "interlayer_thickness_um": 0.2, "buffer": b} for b in ("none", "mxene")]  # fmt: skip
    lost = [100.0 * (1.0 - first(c, "contact_fraction", 10)) for c in cells(ROOM, changes)]
    return f"contact lost after 10 cycles {lost[0]:.0f} to {lost[1]:.0f} %", lost[1] < 0.7 * lost[0]


def nucleation() -> Finding:
    bare = 1e3 * coefficient(NUCLEATION_VOLTAGE, **BARE)
    silver = 1e3 * coefficient(NUCLEATION_VOLTAGE, **FILM)
    return f"overpotential {bare:.0f} to {silver:.1f} mV", silver < bare


def bare_collector() -> Finding:
    protocol = replace(POUCH, current_density_ma_cm2=0.68, discharge_current_density_ma_cm2=2.24)
    (cell,) = cells(protocol, [{**BARE, "stack_pressure_mpa": 2.0}])
    eighty, half = life(cell), life(cell, 0.5)
    return f"80 % at cycle {eighty}, 50 % at {half}", 8 <= eighty <= 30


def contact_at_end_of_strip() -> Finding:
    bare, silver, gold = cells(replace(ROOM, areal_capacity_mah_cm2=2.0), [{**FILM, "seed_alloy": s}
                                                                            for s in ("none", "Ag", "Au")])  # fmt: skip
    lost = [[1.0 - first(c, "contact_fraction", n) for n in (1, 5)] for c in (bare, silver, gold)]
    text = ", ".join(f"{n} {100 * a:.1f} to {100 * b:.1f} %"
                     for n, (a, b) in zip(("none", "Ag", "Au"), lost, strict=True))  # fmt: skip
    return f"lost from cycle 1 to 5: {text}", lost[0][1] > lost[1][1] > lost[2][1] and all(b > a for a, b in lost)


def silver_carbon_lasts() -> Finding:
    (found,) = lives(POUCH, "stack_pressure_mpa", [2.0], interlayer_thickness_um=7.5)
    return f"life {found} at 2 MPa, 3.4 mA/cm2, 6.8 mAh/cm2", found >= 1000


def carbon_and_silver() -> Finding:
    bare, carbon, film, both = (
        life(cells(POUCH, [{"seed_alloy": s, "layer_class": "as_reported", "interlayer_thickness_um": d}])[0])
        for s, d in (("none", 0.1), ("C", 10.0), ("Ag", 0.1), ("Ag-C", 10.0))
    )
    text = f"life at 3.4 mA/cm2 bare {bare}, carbon {carbon}, 0.1 um Ag {film}, Ag-C {both}"
    return text, bare < carbon < both and film < both


def silver_share() -> Finding:
    shares = [0.05, 0.15, 0.25, 0.4, 0.5]
    found = [lives(POUCH, "seed_alloy", ["Ag"], replace(DEFAULT_PARAMETERS, seed_mass_share=s))[0] for s in shares]
    return f"life at weight share {listed(found, shares)}", is_inside(found)


def migrating_metal() -> Finding:
    metals = ["Ag", "Ni", "Zn", "Sn", "Al"]
    found = [Seed.from_table(f"{metal}-C").dissolved for metal in metals]
    return f"share dissolved in the plated lithium {listed(found, metals)}", found[0] > 0.5 > max(found[1:])


def half_cells() -> Finding:
    changes = [{**FILM, "seed_alloy": s} for s in ("none", "Ag", "Mg")]
    kept = []
    for cell_type in ("full", "half"):
        found = cells(replace(ROOM, cell_type=cell_type, cycles=40, areal_capacity_mah_cm2=2.0), changes)  # type: ignore[arg-type]
        kept.append([100.0 * first(c, "discharge_capacity_mah_cm2", 40) / first(c, "discharge_capacity_mah_cm2", 2)
                     for c in found])  # fmt: skip
    names = ("none", "Ag", "Mg")
    text = f"retention at 40: full {listed(kept[0], names)}; half {listed(kept[1], names)} %"
    return text, all(full < half for full, half in zip(*kept, strict=True))


def pressure_history() -> Finding:
    virgin, pressed = (
        build_cell(Design("none", 1.0, p, 0.0, "as_reported"), ROOM, DEFAULT_PARAMETERS).state[VOID]
        for p in (5.0, 25.0)
    )
    lost = [100.0 * void for void in (virgin, pressed)]
    reopened = closable_void(pressed, virgin)
    text = f"contact lost at 5 MPa {lost[0]:.1f} %, at 25 MPa {lost[1]:.1f} %; reopening back at 5 MPa {reopened:.1f}"
    return f"{text} (direction only: the resistance differs by that share, not by two)", lost[1] < lost[
        0
    ] and reopened == 0


def slow_but_lasting() -> Finding:
    layer: dict[str, object] = {"layer_class": "metal_film", "interlayer_thickness_um": 1.0}
    protocol = replace(ROOM, areal_capacity_mah_cm2=2.0)
    silver, magnesium = lives(protocol, "seed_alloy", ["Ag", "Mg"], **layer)
    fill = [coefficient(HOST_FILLING, protocol, **layer, seed_alloy=s) for s in ("Ag", "Mg")]
    text = f"life Ag {silver}, Mg {magnesium}; filling when lithium plates Ag {fill[0]:.2f}, Mg {fill[1]:.2f}"
    return text, magnesium > silver and fill[1] < fill[0] - 0.05


def creep_ratio() -> Finding:
    base = coefficient(SEI_AREA, ROOM)
    pressed, hot = coefficient(SEI_AREA, ROOM, stack_pressure_mpa=10.0), coefficient(SEI_AREA, HOT)
    fast = coefficient(SEI_AREA, replace(ROOM, current_density_ma_cm2=2.0))
    text = f"share of lithium at the electrolyte {base:.2f}; 10 MPa {pressed:.2f}; 60 C {hot:.2f}; 2 mA/cm2 {fast:.2f}"
    return text, pressed < base and hot < base and fast > base


def current_shortens() -> Finding:
    currents = (0.5, 1.0, 1.5, 2.0)
    found = [lives(replace(ROOM, current_density_ma_cm2=j), "seed_alloy", ["Ag"], **FILM)[0] for j in currents]
    return f"life of a film at mA/cm2 {listed(found, currents)}", all(np.diff(found) < 0)


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
    thicknesses = [0.5, 1, 5, 10, 20, 50, 100]
    protocol = replace(ROOM, cycles=300)
    found = []
    for thickness, cell in zip(
        thicknesses, cells(protocol, [{"interlayer_thickness_um": d} for d in thicknesses]), strict=True
    ):
        last = cell.cycling.iloc[-1]
        is_alive = len(cell.cycling) == protocol.cycles
        energy = last["discharge_capacity_mah_cm2"] * last["mean_discharge_voltage_v"] if is_alive else 0.0
        design = {**BASE, "interlayer_thickness_um": thickness}
        found.append(energy_density(design, protocol, energy, last["plated_thickness_um"])[0])
    return f"Wh/L left at cycle 300, 25 C, at um {listed(found, thicknesses)}", is_inside(found)


def efficiency_with_capacity() -> Finding:
    loads = [1.0, 3.0, 6.0]
    found = [ice(cells(replace(HOT, areal_capacity_mah_cm2=q, cycles=1), [{}])[0]) for q in loads]
    return f"first efficiency at mAh/cm2 {listed(found, loads)}", all(np.diff(found) > 0)


def interphase_growth() -> Finding:
    rate, start = coefficient(SEI_RATE, ROOM), coefficient(SEI_INITIAL, ROOM)
    charge = 1e3 * (np.sqrt(rate * 400.0 + start**2) - start)
    return f"{charge:.0f} uAh/cm2 more at 400 h; {1e3 * np.sqrt(rate):.1f} uAh/cm2/sqrt(h)", 40 < charge < 70


def conversion_layers() -> Finding:
    silver, fluoride = cells(
        replace(ROOM, cell_type="half", cycles=2, areal_capacity_mah_cm2=2.0),
        [{**FILM, "seed_alloy": s} for s in ("Ag", "AgF")],
    )
    areas = [coefficient(SEI_AREA, **{**FILM, "seed_alloy": s}) for s in ("Ag", "AgF")]
    text = (
        f"reactive share {areas[0]:.3f} to {areas[1]:.3f}, first efficiency {ice(silver):.1f} to {ice(fluoride):.1f} %"
    )
    return text, areas[1] < areas[0] and ice(fluoride) <= ice(silver)


def li3n_optimum() -> Finding:
    shares = [0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0]
    found = lives(HOT, "li3n_wt_pct", shares, **{**FILM, "seed_alloy": "Mg", "stack_pressure_mpa": 1.0})
    return f"life of a Mg film at wt% {listed(found, shares)}", is_inside(found)


def synergy() -> Finding:
    protocol = replace(HOT, areal_capacity_mah_cm2=2.0)
    gains = [lives(protocol, "li3n_wt_pct", [0.0, 2.0], **change) for change in (BARE, {**FILM, "seed_alloy": "Mg"})]
    (bare, bare_li3n), (magnesium, both) = gains
    return f"life none {bare} to {bare_li3n}, Mg {magnesium} to {both}", both - magnesium > bare_li3n - bare


def roughness() -> Finding:
    heights = [0.0, 0.5, 1.0, 2.0, 5.0]
    found = lives(ROOM, "current_collector_roughness_um", heights, **BARE)
    return f"life at um {listed(found, heights)}", is_inside(found)


def doped_silver() -> Finding:
    silver, doped = lives(
        replace(HOT, temperature_c=50.0, areal_capacity_mah_cm2=2.0), "seed_alloy", ["Ag", "Ag-In"], **FILM
    )
    return f"life Ag {silver}, Ag-In {doped}", doped > silver


def bilayer() -> Finding:
    single, double = lives(replace(ROOM, current_density_ma_cm2=1.0), "seed_alloy", ["Mg", "W/Mg"], **FILM)
    return f"life at 1 mA/cm2 Mg {single}, W/Mg {double}", double > single


def pressure_matters_little() -> Finding:
    found = [100.0 * first(c, "discharge_capacity_mah_cm2", 300) / first(c, "discharge_capacity_mah_cm2", 2)
             for c in cells(POUCH, [{"stack_pressure_mpa": p, "interlayer_thickness_um": 7.5}
                                    for p in (2.0, 3.0, 4.0)])]  # fmt: skip
    return f"retention at cycle 300 at MPa {listed(found, (2, 3, 4))} %", max(found) < min(found) + 3


def pressure_extremes() -> Finding:
    low, high = cells(HOT, [{"stack_pressure_mpa": p} for p in (0.3, 50.0)])
    text = f"0.3 MPa: {low.stop_reason}, contact {first(low, 'contact_fraction', 50):.2f}; 50 MPa: {high.stop_reason}"
    return text, low.stop_reason == "capacity_exhausted" and high.stop_reason == "short_circuit"


def dual_seed() -> Finding:
    silver, oxide, dual = lives(
        replace(ROOM, current_density_ma_cm2=1.0), "seed_alloy", ["Ag", "ZnO", "Ag-ZnO"], **FILM
    )
    return f"life Ag {silver}, ZnO {oxide}, Ag-ZnO {dual}", dual > max(silver, oxide)
