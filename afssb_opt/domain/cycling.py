"""What one row per cycle holds: the cycling table, the common currency of simulator and lab."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

# Column -> meaning. Capacities and resistances are per electrode area; a column that was not measured is NaN.
CYCLING_COLUMNS: Final[dict[str, str]] = {
    "cycle": "cycle number, 1 is the first charge and discharge",
    "charge_capacity_mah_cm2": "charge passed in the charge half cycle, Li3N oxidation included",
    "discharge_capacity_mah_cm2": "charge passed in the discharge half cycle",
    "li3n_capacity_mah_cm2": "part of the charge capacity that came from Li3N",
    "coulombic_efficiency_pct": "discharge over charge capacity of the same cycle",
    "mean_charge_voltage_v": "energy over capacity of the charge half cycle",
    "mean_discharge_voltage_v": "energy over capacity of the discharge half cycle",
    "areal_resistance_ohm_cm2": "total cell resistance times area at the end of charge",
    "pressure_min_mpa": "lowest stack pressure in the cycle",
    "pressure_max_mpa": "highest stack pressure in the cycle",
    "contact_fraction": "fraction of the anode interface in contact at the end of discharge",
    "plated_thickness_um": "thickness of lithium metal at the end of charge",
    "short_progress": "soft-short progress, 0 healthy to 1 shorted",
}


def as_cycling_table(columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Build a cycling table from the given columns; absent ones become NaN.

    Args:
        columns: `(n_cycles,)` arrays by name of `CYCLING_COLUMNS`.
    """
    unknown = set(columns) - set(CYCLING_COLUMNS)
    if unknown:
        raise ValueError(f"not columns of a cycling table: {sorted(unknown)}")
    table = pd.DataFrame({name: columns[name] for name in CYCLING_COLUMNS if name in columns})
    table = table.reindex(columns=list(CYCLING_COLUMNS))
    table["cycle"] = table["cycle"].astype(int)
    return table
