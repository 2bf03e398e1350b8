"""Writing a time series in the Battery Data Format 1.3, so that other programs read what was read here."""

from __future__ import annotations

import json
from pathlib import Path

from afssb_opt.lab.series import BDF_LABELS, RawSeries

BDF_VERSION = "1.3.0"


def write_bdf(series: RawSeries, path: Path) -> None:
    """Write `.csv` or `.parquet` with preferred labels, and a `.metadata.json` beside it."""
    known = [name for name in BDF_LABELS if name in series.table.columns]
    table = series.table[known].rename(columns=BDF_LABELS)
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    about = {
        "bdf_version": BDF_VERSION,
        "sign": "current is positive on charge",
        "read_from": series.format_name,
        "test_uid": series.test_uid,
        "identifiers": list(series.identifiers),
        "remarks": [str(finding) for finding in series.findings],
    }
    path.with_suffix(".metadata.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
