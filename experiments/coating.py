"""An evaluator of one's own: designs in, outcomes out. Here a toy of a slurry coating instead of a real line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from afssb_opt.domain.protocol import Protocol

SOLVENT_POLARITY = {"xylene": 0.07, "anisole": 0.2, "butyl_butyrate": 0.3, "ethyl_acetate": 0.45}


def coat(designs: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return porosity and adhesion of one dried layer per row."""
    polarity = designs["solvent"].map(SOLVENT_POLARITY).to_numpy(float)
    binder = designs["binder_wt_pct"].to_numpy(float)
    gap = designs["blade_gap_um"].to_numpy(float)
    passes = designs["calender_passes"].to_numpy(float)
    porosity = 8 + 30 * np.exp(-passes / 2) + 4 * np.abs(np.log(gap / 120)) + 0.8 * binder
    adhesion = 3 * binder / (1 + binder) * np.exp(-((polarity - 0.25) ** 2) / 0.02) + 0.1 * passes
    return pd.DataFrame({"layer_porosity_pct": porosity, "adhesion_n_m": adhesion})
