"""What hardware beyond the four design variables does to a cell: buffers behind the collector, collector roughness."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from afssb_opt.simulation.parameters import CellParameters

# Hardware -> constants of the cell and the factor on each. The direction is reported, every size is assumed.
HARDWARE: Final[dict[str, dict[str, float]]] = {
    # Felt behind the collector: pressure almost constant, contact kept (Cao et al. 2023 Nano Lett. 23 9392).
    "carbon_felt": {"fixture_compliance_um_mpa": 8.0, "pressure_loss_share": 0.3, "rough_contact_loss": 0.4},
    # Thin elastomer behind the collector: uniform pressure (Thorpe et al. 2025 Matter 8 101955).
    "silicone": {"fixture_compliance_um_mpa": 3.0, "pressure_loss_share": 0.6, "rough_contact_loss": 0.6},
    # Ductile Ti3C2Tx below the seed: 6 instead of 28 % porosity (Oh et al. 2023 Adv. Energy Mater. 13 2301508).
    "mxene": {"confined_strength_factor": 0.5, "rough_contact_loss": 0.6},
    # Acid-etched steel: moderate is best, over-etched as bad as smooth (Gu et al. 2022 J. Energy Chem. 70 248).
    "moderate_roughness": {"rough_contact_loss": 0.8, "delamination_per_cycle": 0.7, "dead_per_void": 0.8},
    "heavy_roughness": {"rough_contact_loss": 1.8, "dead_per_void": 1.1},
}


def with_hardware(parameters: CellParameters, *names: str) -> CellParameters:
    """Return the constants of a cell that has the named hardware.

    Raises:
        KeyError: A name is not in `HARDWARE`.
    """
    for name in names:
        if name not in HARDWARE:
            raise KeyError(f"unknown hardware '{name}'. Known: {', '.join(HARDWARE)}")
        changes = {field: getattr(parameters, field) * factor for field, factor in HARDWARE[name].items()}
        parameters = replace(parameters, **changes)
    return parameters
