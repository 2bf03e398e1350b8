"""What is read off a cycling table: each outcome's name, unit and definition, the same for lab and simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from afssb_opt.domain.desirability import DESIRABILITY
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.stack import energy_density, has_known_seed, seed_cost_usd_m2, seed_costs_usd_m2

# Below this share of the reference capacity a cell has reached the end of its life.
END_OF_LIFE_FRACTION: Final = 0.8
# Ending of the name of a chance that the surrogate learns: that the outcome stays above a cliff nobody reported.
ABOVE_CLIFF: Final = "_above_cliff"


@dataclass(frozen=True)
class OutcomeDefinition:
    """Name, unit and meaning of one outcome.

    Attributes:
        is_log_scaled: Differences matter by factor, as for a life; the surrogate models the logarithm.
        is_binary: Only 0 and 1 occur.
        comes_from_cycling: Can be computed from design, protocol and cycling table.
        recipe: Where the design alone says it, whatever becomes of the cell: `(n,)` values of a table of designs, NaN
            where one cannot be told.
    """

    name: str
    label: str
    unit: str
    meaning: str
    is_log_scaled: bool = False
    is_binary: bool = False
    comes_from_cycling: bool = True
    recipe: Callable[[pd.DataFrame], np.ndarray] | None = None

    @property
    def follows_from_recipe(self) -> bool:
        """Whether the design alone says it."""
        return self.recipe is not None


OUTCOMES: Final[dict[str, OutcomeDefinition]] = {
    definition.name: definition
    for definition in (
        OutcomeDefinition(
            "cycle_life",
            "Cycle life",
            "cycles",
            "first cycle below 80 % of the reference capacity, or the cycle of the short; "
            "right-censored at the last cycle where neither came",
            is_log_scaled=True,
        ),
        OutcomeDefinition(
            "retention_pct",
            "Capacity retention",
            "%",
            "discharge capacity at cycle N over that of the reference cycle; 0 if the cell failed before",
        ),
        OutcomeDefinition(
            "initial_ce_pct",
            "Initial Coulombic efficiency",
            "%",
            "first discharge over first charge, the charge of Li3N included",
        ),
        OutcomeDefinition(
            "initial_ce_cathode_pct",
            "Initial Coulombic efficiency of the cathode",
            "%",
            "first discharge over first charge without the charge that came from Li3N",
        ),
        OutcomeDefinition(
            "average_ce_pct", "Average Coulombic efficiency", "%", "mean from the reference cycle to the last"
        ),
        OutcomeDefinition(
            "areal_resistance_ohm_cm2",
            "Areal resistance",
            "ohm cm2",
            "total cell resistance times area at the end of charge of the reference cycle",
            is_log_scaled=True,
        ),
        OutcomeDefinition(
            "energy_density_wh_l",
            "Energy density",
            "Wh/L",
            "discharge energy of the reference cycle over the volume of the stack",
        ),
        OutcomeDefinition(
            "energy_density_wh_kg",
            "Specific energy",
            "Wh/kg",
            "discharge energy of the reference cycle over the mass of the stack",
        ),
        OutcomeDefinition(
            "seed_cost_usd_m2",
            "Seed cost",
            "USD/m2",
            "material price of the seed per electrode area",
            recipe=seed_costs_usd_m2,
        ),
        OutcomeDefinition(
            "short_circuit", "Short circuit", "", "1 if the cell shorted (suspected, for lab cells)", is_binary=True
        ),
        OutcomeDefinition(
            "pressure_min_mpa", "Lowest stack pressure", "MPa", "lowest value of all cycles", is_log_scaled=True
        ),
        OutcomeDefinition(
            "pressure_max_mpa", "Highest stack pressure", "MPa", "highest value of all cycles", is_log_scaled=True
        ),
        OutcomeDefinition(
            "porosity_pct", "Porosity of the plated lithium", "%", "from tomography", comes_from_cycling=False
        ),
        OutcomeDefinition(
            "li_areal_coverage_pct",
            "Areal coverage of lithium",
            "%",
            "from tomography or microscopy",
            comes_from_cycling=False,
        ),
        OutcomeDefinition(
            "li_thickness_um", "Thickness of the plated lithium", "um", "from microscopy", comes_from_cycling=False
        ),
        OutcomeDefinition(
            "critical_current_density_ma_cm2",
            "Critical current density",
            "mA/cm2",
            "from a step test; store step, time and pressure",
            is_log_scaled=True,
            comes_from_cycling=False,
        ),
    )
}


def outcome_definition(name: str) -> OutcomeDefinition:
    """Return the definition of an outcome; one unknown to the project has no unit."""
    if name.endswith(ABOVE_CLIFF):
        label = outcome_definition(name.removesuffix(ABOVE_CLIFF)).label
        return OutcomeDefinition(name, f"{label} clear of its cliff", "", "", is_binary=True, comes_from_cycling=False)
    if name == DESIRABILITY:
        meaning = "weighted geometric mean of what the objectives are worth; negative where a threshold is missed"
        return OutcomeDefinition(name, "Desirability", "", meaning, comes_from_cycling=False)
    return OUTCOMES.get(name, OutcomeDefinition(name, name, "", "", comes_from_cycling=False))


def in_a_sentence(name: str, value: str = "") -> str:
    """Return an outcome as part of a sentence, with a value or without: `cycle life 1920 ± 170 cycles`."""
    known = outcome_definition(name)
    label = known.label if known.label == known.name else known.label[:1].lower() + known.label[1:]
    return f"{label} {value} {known.unit}".strip() if value else label


@dataclass(frozen=True)
class OutcomeSettings:
    """Cycles at which outcomes are read.

    Attributes:
        reference_cycle: First cycle after formation; capacities are compared with it.
        retention_at_cycle: N of `retention_pct`.
    """

    reference_cycle: int = 2
    retention_at_cycle: int = 100


@dataclass(frozen=True)
class Outcomes:
    """Values per outcome name; `censored` ones are lower limits. An outcome that cannot be told is absent."""

    values: Mapping[str, float]
    censored: frozenset[str] = field(default_factory=frozenset)


def compute_outcomes(
    design: Mapping[str, object],
    protocol: Protocol,
    cycling: pd.DataFrame,
    settings: OutcomeSettings = OutcomeSettings(),
) -> Outcomes:
    """Compute every outcome that design, protocol and cycling table can tell.

    Args:
        design: As-built value per variable.
        cycling: Cycling table of complete cycles, cycle 1 first.
    """
    cycle = cycling["cycle"].to_numpy(int)
    charge = cycling["charge_capacity_mah_cm2"].to_numpy(float)
    discharge = cycling["discharge_capacity_mah_cm2"].to_numpy(float)
    efficiency = cycling["coulombic_efficiency_pct"].to_numpy(float)
    reference = np.flatnonzero(cycle == settings.reference_cycle)
    is_shorted = _is_shorted(cycling)

    values: dict[str, float] = {
        "short_circuit": float(is_shorted),
        "pressure_min_mpa": _extreme(cycling["pressure_min_mpa"], np.min),
        "pressure_max_mpa": _extreme(cycling["pressure_max_mpa"], np.max),
    }
    # A seed of the laboratory's own has neither a price nor a density.
    has_stack = has_known_seed(design)
    if has_stack:
        values["seed_cost_usd_m2"] = seed_cost_usd_m2(design)
    censored: frozenset[str] = frozenset()
    if len(cycle) and cycle[0] == 1 and charge[0] > 0:
        values["initial_ce_pct"] = 100.0 * discharge[0] / charge[0]
        values["initial_ce_cathode_pct"] = _cathode_efficiency(design, cycling)
    if len(reference):
        row = int(reference[0])
        reference_capacity = discharge[row]
        life, has_ended = _cycle_life(cycle, discharge, reference_capacity, is_shorted)
        values["cycle_life"] = float(life)
        if not has_ended:
            censored = frozenset({"cycle_life"})
        values["retention_pct"] = _retention(
            cycle, discharge, reference_capacity, settings.retention_at_cycle, life if has_ended else None
        )
        measured = efficiency[row:][np.isfinite(efficiency[row:])]
        if len(measured):
            values["average_ce_pct"] = float(measured.mean())
        values["areal_resistance_ohm_cm2"] = float(cycling["areal_resistance_ohm_cm2"].iloc[row])
        if has_stack:
            values["energy_density_wh_l"], values["energy_density_wh_kg"] = energy_density(
                design,
                protocol,
                discharge_energy_mwh_cm2=float(reference_capacity * cycling["mean_discharge_voltage_v"].iloc[row]),
                plated_thickness_um=_extreme(cycling["plated_thickness_um"].iloc[: row + 1], np.max),
            )
    elif is_shorted and len(cycle):
        values["cycle_life"] = float(cycle[-1])
        values["retention_pct"] = 0.0
    return Outcomes({name: value for name, value in values.items() if np.isfinite(value)}, censored)


def _cycle_life(
    cycle: np.ndarray, discharge: np.ndarray, reference_capacity: float, is_shorted: bool
) -> tuple[int, bool]:
    """Return the life and whether it has ended; one weak cycle among good ones does not end it."""
    below = discharge < END_OF_LIFE_FRACTION * reference_capacity
    for row in np.flatnonzero(below):
        window = below[row : row + 3]
        if window.sum() >= min(2, len(window)):
            return int(cycle[row]), True
    return int(cycle[-1]), is_shorted


def _retention(
    cycle: np.ndarray, discharge: np.ndarray, reference_capacity: float, at_cycle: int, ended_at: int | None
) -> float:
    row = np.flatnonzero(cycle == at_cycle)
    if len(row):
        return float(100.0 * discharge[row[0]] / reference_capacity) if reference_capacity > 0 else 0.0
    return 0.0 if ended_at is not None and cycle[-1] < at_cycle else np.nan


def _cathode_efficiency(design: Mapping[str, object], cycling: pd.DataFrame) -> float:
    from_li3n = float(cycling["li3n_capacity_mah_cm2"].iloc[0])
    if not np.isfinite(from_li3n):
        if float(str(design.get("li3n_wt_pct", 0.0))) > 0:
            return np.nan
        from_li3n = 0.0
    from_cathode = float(cycling["charge_capacity_mah_cm2"].iloc[0]) - from_li3n
    return 100.0 * float(cycling["discharge_capacity_mah_cm2"].iloc[0]) / from_cathode if from_cathode > 0 else np.nan


def _is_shorted(cycling: pd.DataFrame) -> bool:
    """Whether the short is known (simulated progress) or suspected (an over-long charge that does not come back)."""
    progress = cycling["short_progress"].to_numpy(float)
    if np.isfinite(progress).any():
        return bool(np.nanmax(progress) >= 1.0)
    charge = cycling["charge_capacity_mah_cm2"].to_numpy(float)
    efficiency = cycling["coulombic_efficiency_pct"].to_numpy(float)
    # 1.05 and 80 %: thresholds of this project (assumed); the lab reader shows its evidence beside the flag.
    is_overlong = charge[1:] > 1.05 * np.minimum.accumulate(charge)[:-1]
    return bool((is_overlong & (efficiency[1:] < 80.0)).any())


def _extreme(values: pd.Series, pick: np.ufunc | object) -> float:
    finite = values.to_numpy(float)
    finite = finite[np.isfinite(finite)]
    return float(pick(finite)) if len(finite) else np.nan  # type: ignore[operator]
