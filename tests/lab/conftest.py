"""What the lab tests share: a campaign without a store, records of an ideal cell, and a plan from files on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from afssb_opt.campaign_file import build_spec
from afssb_opt.lab.matching import KnownTrial
from afssb_opt.lab.plan import ArrivedFile, Plan
from afssb_opt.lab.planning import Asked, Known, make_plan
from afssb_opt.lab.reading import read_file

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"
LAB = {
    "name": "lab",
    "seed": 4,
    "space": {
        "seed_alloy": {"levels": ["none", "Ag", "Mg"]},
        "interlayer_thickness_um": {"low": 0.5, "high": 30, "scale": "log"},
        "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log"},
        "li3n_wt_pct": {"low": 0, "high": 10},
    },
    "objectives": {"cycle_life": {"goal": "maximize", "threshold": 10}, "initial_ce_pct": {"goal": "maximize"}},
    "constraints": {"average_ce_pct": {"at_least": 90}},
    "protocol": {"areal_capacity_mah_cm2": 3.0, "current_density_ma_cm2": 0.5, "cycles": 20},
    "evaluator": "lab",
    "batch_size": 3,
    "budget": {"trials": 30},
}
DESIGN = {"seed_alloy": "Ag", "interlayer_thickness_um": 5.0, "stack_pressure_mpa": 5.0, "li3n_wt_pct": 0.0}
PROPOSED_AT = pd.Timestamp("2026-06-01", tz="UTC").timestamp()
AREA = 1.0
LABELS = ("T0001-F", "T0002-L", "T0003-S")


@pytest.fixture(scope="session")
def realdata() -> Path:
    if not REALDATA.is_dir():
        pytest.skip("the folder of real cycler files is not beside this repository")
    return REALDATA


@pytest.fixture(scope="session")
def spec():
    return build_spec(LAB)


def ideal_records(
    charges: Sequence[float],
    discharges: Sequence[float],
    *,
    current_ma: float = 0.5,
    points: int = 20,
    low: float = 3.0,
    high: float = 4.25,
    rest_s: float = 60.0,
) -> pd.DataFrame:
    """Return records of a cell that passes exactly these mAh in each half cycle."""
    parts, clock, step = [], 0.0, 0
    for cycle, (charge, discharge) in enumerate(zip(charges, discharges, strict=True), start=1):
        for sign, capacity, start, end in ((1, charge, low + 0.3, high), (-1, discharge, high - 0.1, low)):
            if capacity <= 0:
                continue
            step += 1
            time = np.linspace(0.0, 3600.0 * capacity / current_ma, points)
            voltage = np.linspace(start, end, points)
            parts.append(
                pd.DataFrame(
                    {
                        "time": clock + time,
                        "step_time": time,
                        "step": step,
                        "cycle": cycle,
                        "current": sign * current_ma / 1000.0,
                        "voltage": voltage,
                    }
                )
            )
            clock += time[-1]
            step += 1
            rest = np.array([1.0, rest_s])
            parts.append(
                pd.DataFrame(
                    {
                        "time": clock + rest,
                        "step_time": rest,
                        "step": step,
                        "cycle": cycle,
                        "current": 0.0,
                        "voltage": voltage[-1] - 0.02 * sign,
                    }
                )
            )
            clock += rest_s
    return pd.concat(parts, ignore_index=True)


def fading(n: int, *, first_ce: float = 0.8, ce: float = 0.995) -> tuple[list[float], list[float]]:
    """Return charges and discharges in mAh of a cell without lithium reserve: what is lost in one cycle is gone."""
    charges, discharges = [3.0], [3.0 * first_ce]
    for _ in range(n - 1):
        charges.append(discharges[-1])
        discharges.append(charges[-1] * ce)
    return charges, discharges


def bdf_csv(rows: pd.DataFrame, path: Path, start: str = "2026-06-10 08:00:00") -> Path:
    """Write records as a Battery Data Format file with a clock."""
    unix = pd.Timestamp(start, tz="UTC").timestamp()
    pd.DataFrame(
        {
            "Test Time / s": rows["time"],
            "Voltage / V": rows["voltage"],
            "Current / A": rows["current"],
            "Step Count / 1": rows["step"],
            "Step Time / s": rows["step_time"],
            "Cycle Count / 1": rows["cycle"],
            "Unix Time / s": rows["time"] + unix,
        }
    ).to_csv(path, index=False)
    return path


def known_trials(**changes: Mapping[str, object]) -> Known:
    """Return three open trials; `T0002_L={"state": "completed"}` changes one."""
    trials = {}
    for label in LABELS:
        about = {
            "label": label,
            "uid": label,
            "state": "proposed",
            "design": DESIGN,
            "as_built": {},
            "proposed_at": PROPOSED_AT,
            "is_open": True,
        } | dict(changes.get(label.replace("-", "_"), {}))
        trials[label] = KnownTrial(**about)
    return Known(trials)


def arrived(path: Path) -> ArrivedFile:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ArrivedFile(path.name, str(path), sha256, read_file(path))


@pytest.fixture
def lab(tmp_path, spec):
    """Return a bench: write a table or records to files and plan what would be done with them."""

    def table(text: str, name: str = "results.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    def cell(name: str = "T0001-F.csv", n: int = 6, **options) -> Path:
        start = options.pop("start", "2026-06-10 08:00:00")
        ce = options.pop("ce", 0.995)
        return bdf_csv(ideal_records(*fading(n, ce=ce), **options), tmp_path / name, start)

    def plan(*paths: Path, known: Known | None = None, **asked) -> Plan:
        asked.setdefault("area_cm2", AREA)
        return make_plan([arrived(path) for path in paths], known or known_trials(), spec, Asked(**asked))

    return SimpleNamespace(table=table, cell=cell, plan=plan, folder=tmp_path, spec=spec)


def rules(part) -> dict[str, str]:
    """Return rule -> verdict of a cell or loose part."""
    found: dict[str, str] = {}
    for finding in sorted(part.findings, key=lambda finding: finding.verdict):
        found[finding.rule] = finding.verdict.name
    return found


@pytest.fixture(name="rules")
def rules_fixture():
    return rules


@pytest.fixture
def make():
    """Return the builders of records and files."""
    return SimpleNamespace(
        ideal_records=ideal_records,
        fading=fading,
        bdf_csv=bdf_csv,
        known_trials=known_trials,
        arrived=arrived,
        LAB=LAB,
        DESIGN=DESIGN,
    )
