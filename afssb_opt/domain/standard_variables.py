"""Which design variables the project knows by name: unit, plausible range and the value used where none is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class StandardVariable:
    """A variable of anode-free sulfide cells with a fixed name and unit.

    Attributes:
        plausible_low: Lower end of what the unit allows; below it the unit is probably wrong.
        plausible_high: Upper end, likewise.
        default: Value of a cell whose design does not name the variable.
        hint: Which unit a value outside the plausible range is probably in.
        levels: Allowed levels of a variable that is not a number; empty where a table of its own lists them.
    """

    name: str
    label: str
    unit: str
    default: float | str
    plausible_low: float = 0.0
    plausible_high: float = 0.0
    hint: str = ""
    levels: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        """Whether the variable is a number."""
        return not isinstance(self.default, str)


# The simulator reads these and no others; a campaign with other names needs another evaluator.
STANDARD_VARIABLES: Final[dict[str, StandardVariable]] = {
    variable.name: variable
    for variable in (
        StandardVariable("seed_alloy", "Seed alloy", "", "none"),
        StandardVariable(
            "interlayer_thickness_um",
            "Interlayer thickness",
            "um",
            5.0,
            0.001,
            200.0,
            "the unit is um; a value in nm is divided by 1000",
        ),
        StandardVariable(
            "stack_pressure_mpa",
            "Stack pressure",
            "MPa",
            5.0,
            0.001,
            100.0,
            "the unit is MPa of operating pressure; kPa / 1000, bar / 10, psi / 145",
        ),
        StandardVariable(
            "li3n_wt_pct",
            "Li3N in the cathode",
            "wt%",
            0.0,
            0.0,
            30.0,
            "the unit is wt% of the whole cathode composite; 5 means 5 %",
        ),
        # `carbon_metal` presses the seed into carbon black, `metal_film` leaves it dense, `as_reported` follows the
        # layer table of the seeds: `none` is then a bare collector and `Ag-C` a composite.
        StandardVariable(
            "layer_class", "Layer", "", "carbon_metal", levels=("carbon_metal", "metal_film", "as_reported")
        ),
        StandardVariable("buffer", "Buffer", "", "none", levels=("none", "carbon_felt", "silicone", "mxene")),
        StandardVariable(
            "current_collector_roughness_um",
            "Collector roughness",
            "um",
            0.0,
            0.0,
            20.0,
            "the unit is um of arithmetic roughness; 0 is a smooth foil",
        ),
    )
}
