"""What the hardware around the layer does to a cell: buffers behind the collector, roughness of the collector."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from afssb_opt.simulation.parameters import CellParameters

# Buffer -> constants of the cell and the factor on each. The direction is reported, every size is assumed. A rigid
# stack loads the thick places of uneven lithium: a compliant one presses everywhere, so that pores close as if lithium
# were softer there.
BUFFERS: Final[dict[str, dict[str, float]]] = {
    "none": {},
    # Felt behind the collector: pressure almost constant, contact kept (Cao et al. 2023 Nano Lett. 23 9392).
    "carbon_felt": {
        "fixture_compliance_um_mpa": 8.0, "pressure_loss_share": 0.3, "rough_contact_loss": 0.2,
        "delamination_per_cycle": 0.3, "stranded_mah_cm2": 0.3, "confined_strength_factor": 0.6,
    },
    # Thin elastomer behind the collector: uniform pressure (Thorpe et al. 2025 Matter 8 101955).
    "silicone": {
        "fixture_compliance_um_mpa": 3.0, "pressure_loss_share": 0.6, "rough_contact_loss": 0.4,
        "delamination_per_cycle": 0.5, "stranded_mah_cm2": 0.5, "confined_strength_factor": 0.7,
    },
    # Ductile Ti3C2Tx below the seed: 6 instead of 28 % porosity (Oh et al. 2023 Adv. Energy Mater. 13 2301508).
    "mxene": {"confined_strength_factor": 0.5, "rough_contact_loss": 0.6},
}  # fmt: skip
# Roughness with the most contact points, and the one at which valleys cost twice the contact, assumed; acid-etched
# steel was best when moderate (Gu et al. 2022 J. Energy Chem. 70 248).
_BEST_ROUGHNESS_UM = 1.0
_DEEP_ROUGHNESS_UM = 3.0
# Largest share of contact that roughness alone may cost, assumed.
_MOST_LOST = 0.6
# What the best roughness saves of delamination and of dead lithium, assumed.
_ANCHORED = 0.3
_RECONNECTED = 0.2


def with_hardware(parameters: CellParameters, buffer: str, roughness_um: float) -> CellParameters:
    """Return the constants of a cell with a buffer and a collector roughness; `none` and 0 change nothing.

    Raises:
        KeyError: The buffer is not in `BUFFERS`.
    """
    if buffer not in BUFFERS:
        raise KeyError(f"unknown buffer '{buffer}'. Known: {', '.join(BUFFERS)}")
    ratio = roughness_um / _BEST_ROUGHNESS_UM
    # Rises to 1 at the best roughness and falls again as peaks merge.
    points = ratio * math.exp(1.0 - ratio)
    factors = {
        "rough_contact_loss": 1.0 + (roughness_um / _DEEP_ROUGHNESS_UM) ** 2,
        "delamination_per_cycle": 1.0 - _ANCHORED * points,
        "dead_per_void": 1.0 - _RECONNECTED * points,
    }
    for name, factor in BUFFERS[buffer].items():
        factors[name] = factors.get(name, 1.0) * factor
    changes = {name: getattr(parameters, name) * factor for name, factor in factors.items()}
    # A rough interface cannot lose more contact than there is.
    changes["rough_contact_loss"] = min(changes["rough_contact_loss"], _MOST_LOST)
    return replace(parameters, **changes)
