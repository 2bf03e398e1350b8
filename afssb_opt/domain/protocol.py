"""Under which conditions cells are cycled: context of a campaign, never optimised silently."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Fixture = Literal["constant_gap", "constant_force"]
CellType = Literal["full", "half"]

# Practical capacity of NMC811 at C/10, afssb_facts c6 (195-200 mAh/g).
CATHODE_CAPACITY_MAH_G = 200.0


@dataclass(frozen=True)
class Protocol:
    """Charge-first cycling at constant current between two voltages.

    Attributes:
        current_density_ma_cm2: Charge current density; also the discharge one unless that is given.
        areal_capacity_mah_cm2: Reversible cathode capacity per electrode area.
        cycles: Cycles after which a living cell is stopped; a longer life is right-censored there.
        fixture: `constant_gap` (rigid, pressure moves with thickness) or `constant_force` (spring).
        cell_type: `full`, or `half`: lithium comes from a counter electrode without end and each charge plates
            `areal_capacity_mah_cm2`.
    """

    temperature_c: float = 60.0
    current_density_ma_cm2: float = 0.5
    areal_capacity_mah_cm2: float = 3.0
    cycles: int = 500
    discharge_current_density_ma_cm2: float | None = None
    upper_voltage_v: float = 4.25
    lower_voltage_v: float = 3.0
    rest_min: float = 10.0
    fixture: Fixture = "constant_gap"
    cathode: str = "NMC811"
    electrolyte: str = "Li6PS5Cl"
    cell_type: CellType = "full"

    @property
    def discharge_ma_cm2(self) -> float:
        """Discharge current density, positive."""
        given = self.discharge_current_density_ma_cm2
        return self.current_density_ma_cm2 if given is None else given

    @property
    def cathode_loading_mg_cm2(self) -> float:
        """Active-material loading that gives the areal capacity."""
        return 1000.0 * self.areal_capacity_mah_cm2 / CATHODE_CAPACITY_MAH_G

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Return plain values, as they stand in a campaign file."""
        return asdict(self)
