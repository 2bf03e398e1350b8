"""Which values of an outcome or as-built column are plausible, doubtful or impossible, and the probable slip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.lab.findings import Finding, Verdict


@dataclass(frozen=True)
class Plausible:
    """Limits of a quantity in its unit.

    Attributes:
        low, high: Outside, a person is asked.
        lowest, highest: Outside, the value is impossible and refused.
        hint: What was probably written.
    """

    low: float
    high: float
    hint: str
    lowest: float = -math.inf
    highest: float = math.inf


# Efficiency above this reads as a soft short or a tester offset (lab_files section 3: commercial cells read 100.6 %).
EFFICIENCY_WARNING_PCT: Final = 100.5

# Ranges are assumed: wide enough for every cell of science/afssb_facts, narrow enough to catch a slip of unit.
PLAUSIBLE: Final[dict[str, Plausible]] = {
    "cycle_life": Plausible(1, 20_000, "the number of cycles", 0, 1e6),
    "retention_pct": Plausible(1.5, 105, "percent of the reference cycle, such as 85", 0, 200),
    "initial_ce_pct": Plausible(1.5, 120, "percent, such as 85", -1e3, 1e3),
    "initial_ce_cathode_pct": Plausible(1.5, 120, "percent, such as 85", -1e3, 1e3),
    "average_ce_pct": Plausible(1.5, 120, "percent, such as 99.2", -1e3, 1e3),
    "areal_resistance_ohm_cm2": Plausible(0.5, 20_000, "ohm times cm2; a plain resistance needs the area", 0),
    "energy_density_wh_l": Plausible(10, 3000, "Wh per litre of stack", 0),
    "energy_density_wh_kg": Plausible(5, 1500, "Wh per kilogram of stack", 0),
    "seed_cost_usd_m2": Plausible(0, 100_000, "USD per square metre", 0),
    "short_circuit": Plausible(0, 1, "0 or 1", 0, 1),
    "pressure_min_mpa": Plausible(0.001, 100, "MPa; kPa / 1000, bar / 10, psi / 145", 0),
    "pressure_max_mpa": Plausible(0.001, 100, "MPa; kPa / 1000, bar / 10, psi / 145", 0),
    "porosity_pct": Plausible(0, 100, "percent", 0, 100),
    "li_areal_coverage_pct": Plausible(0, 100, "percent", 0, 100),
    "li_thickness_um": Plausible(0.01, 500, "um; mm times 1000", 0),
    "critical_current_density_ma_cm2": Plausible(0.01, 50, "mA/cm2", 0),
    # Coin cells have 0.1 to 2.5 cm2, pouches up to some hundred; mm2 gives a hundred times more.
    "cell_area_cm2": Plausible(0.05, 60, "cm2; mm2 / 100, or a diameter was given", 1e-4, 1e5),
    "temperature_c": Plausible(-40, 150, "degree Celsius; kelvin - 273", -100),
}


def value_finding(name: str, value: float, where: str) -> Finding | None:
    """Return what is wrong with a value of an outcome or of an as-built column."""
    limits = PLAUSIBLE.get(name)
    standard = STANDARD_VARIABLES.get(name)
    if limits is None and standard is not None and standard.is_numeric:
        limits = Plausible(standard.plausible_low, standard.plausible_high, standard.hint, 0)
    if limits is None:
        return None
    allowed = f"{limits.low:g} to {limits.high:g}"
    if not limits.lowest <= value <= limits.highest:
        return Finding(
            "value.range", Verdict.REJECTED, where, f"{name} is {value:g}", allowed, f"It means {limits.hint}"
        )
    if not limits.low <= value <= limits.high:
        return Finding(
            "value.plausible", Verdict.HELD, where, f"{name} is {value:g}", allowed, f"It means {limits.hint}"
        )
    if name == "cycle_life" and value != round(value):
        return Finding(
            "value.plausible",
            Verdict.HELD,
            where,
            f"cycle_life is {value:g}",
            "a whole number of cycles",
            "A point between thousands? Write 1234 for 1.234",
        )
    if name.endswith("ce_pct") and value > EFFICIENCY_WARNING_PCT:
        return Finding(
            "cycles.efficiency",
            Verdict.WARNING,
            where,
            f"{name} is {value:g}",
            f"at most {EFFICIENCY_WARNING_PCT:g}",
            "Look for a soft short, or a part-charged start",
        )
    return None
