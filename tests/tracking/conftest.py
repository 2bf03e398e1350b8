"""What the tests of tracking share: a campaign in a real ledger, made-up cycling tables, and an MLflow store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger import CampaignRecord, Ledger, NewTrial, TrialRecord

LEVELS = ("none", "Ag", "Mg")


def definition(n_objectives: int = 2, **changes: object) -> dict[str, object]:
    objectives = {
        "cycle_life": {"goal": "maximize", "threshold": 50},
        "energy_density_wh_l": {"goal": "maximize", "threshold": 400},
        "areal_resistance_ohm_cm2": {"goal": "minimize"},
    }
    return {
        "name": "quickstart",
        "question": "Which seed gives a long life?",
        "seed": 7,
        "space": {
            "seed_alloy": {"levels": list(LEVELS)},
            "interlayer_thickness_um": {"low": 0.5, "high": 30, "scale": "log"},
            "stack_pressure_mpa": {"low": 0.5, "high": 50, "scale": "log"},
            "cathode_loading_mg_cm2": {"fixed": 15},
        },
        "objectives": dict(list(objectives.items())[:n_objectives]),
        "constraints": {"initial_ce_pct": {"at_least": 75}},
        "protocol": {"cycles": 300},
        "evaluator": "lab",
        "batch_size": 2,
        "budget": {"trials": 40},
        **changes,
    }


def cycling_table(n_cycles: int, fade: float = 0.001) -> pd.DataFrame:
    cycle = np.arange(1, n_cycles + 1)
    discharge = 3.0 * (1.0 - fade * cycle)
    return as_cycling_table(
        {
            "cycle": cycle,
            "charge_capacity_mah_cm2": np.where(cycle == 1, 3.6, discharge + 0.003),
            "discharge_capacity_mah_cm2": discharge,
            "coulombic_efficiency_pct": np.where(cycle == 1, 82.0, 99.9),
            "areal_resistance_ohm_cm2": 40.0 + 0.05 * cycle,
            "pressure_min_mpa": np.full(n_cycles, 4.5),
            "pressure_max_mpa": np.full(n_cycles, 5.5),
        }
    )


def some_result(number: int, **changes: float) -> TrialResult:
    """Numbers that differ from trial to trial; every third life is a lower limit, every fourth cell is inefficient."""
    outcomes = {
        "cycle_life": 40.0 + 25.0 * number,
        "energy_density_wh_l": 900.0 - 20.0 * number,
        "areal_resistance_ohm_cm2": 30.0 + 3.0 * (number % 5),
        "initial_ce_pct": 60.0 if number % 4 == 0 else 85.0,
        **changes,
    }
    censored = frozenset({"cycle_life"}) if number % 3 == 0 else frozenset()
    return TrialResult(outcomes, sem={"energy_density_wh_l": 4.0}, censored=censored, source="simulation")


@dataclass
class Bench:
    """A campaign on a ledger, and short words to move it."""

    spec: CampaignSpec
    ledger: Ledger
    record: CampaignRecord
    folder: Path
    reasons: dict[int, str] = field(default_factory=dict)

    def propose(self, n: int = 1) -> list[TrialRecord]:
        lease = self.ledger.acquire_lease(self.record.uid)
        start = len(self.trials())
        new = [NewTrial(self._design(start + i + 1), round=1 + (start + i) // 2,
                        reason=self.reasons.get(start + i + 1, f"space-filling start {start + i + 1}"),
                        provenance={"seed": 7, "method": "start", "versions": {"afssb-opt": "0.1.0"}})
               for i in range(n)]  # fmt: skip
        made = self.ledger.add_trials(lease, new)
        self.ledger.release_lease(lease)
        return made

    def _design(self, number: int) -> dict[str, float | str]:
        return {
            "seed_alloy": self.spec.space.categorical[0].levels[number % 3],
            "interlayer_thickness_um": round(0.5 * 1.35 ** (number % 12), 4),
            "stack_pressure_mpa": 1.0 + 0.5 * number,
            "cathode_loading_mg_cm2": 15.0,
        }

    def complete(self, trial: TrialRecord, n_cycles: int = 0, **changes: float) -> None:
        cycling = cycling_table(n_cycles) if n_cycles else None
        self.ledger.record_result(trial.uid, some_result(trial.number, **changes), cycling=cycling)

    def report_partial(self, trial: TrialRecord, n_cycles: int = 0) -> None:
        """Record a cell that is still alive after some cycles."""
        result = TrialResult(
            {"initial_ce_pct": 81.0, "cycle_life": 12.0}, censored=frozenset({"cycle_life"}), source="lab"
        )
        cycling = cycling_table(n_cycles) if n_cycles else None
        self.ledger.record_result(trial.uid, result, cycling=cycling, is_final=False)

    def fail(self, trial: TrialRecord) -> None:
        self.ledger.record_failure(trial.uid, TrialFailure("cell", "short circuit in cycle 1"))

    def run(self, n: int, n_cycles: int = 0) -> None:
        """Propose and end n trials; the fifth fails."""
        for trial in self.propose(n):
            if trial.number == 5:
                self.fail(trial)
            else:
                self.complete(trial, n_cycles)

    def trials(self) -> list[TrialRecord]:
        return self.ledger.trials(self.record.uid)

    def observations(self) -> pd.DataFrame:
        return self.ledger.observations(self.record.uid)


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened = []

    def make(n_objectives: int = 2, **changes: object) -> Bench:
        spec = load_spec(definition(n_objectives, **changes))
        folder = tmp_path / f"store-{len(opened)}"
        ledger = Ledger.create_or_open(f"sqlite:///{folder / 'ledger.db'}")
        opened.append(ledger)
        record = ledger.register_campaign(spec.name, dict(spec.definition), spec.sha256)
        return Bench(spec, ledger, record, folder)

    yield make
    for ledger in opened:
        ledger.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store made once: making one takes two seconds of migrations."""
    from afssb_opt.tracking.stores import open_client

    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    open_client(f"sqlite:///{database}")
    return database


@pytest.fixture
def mlflow_db(bench: Bench, empty_store: Path) -> Path:
    """A fresh store beside the ledger of `bench`."""
    return Path(shutil.copy(empty_store, bench.folder / "mlflow.db"))
