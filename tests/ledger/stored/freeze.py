"""Writes the stored campaign of the present schema version, once, when that version is released.

`python tests/ledger/stored/freeze.py [POSTGRESQL_URL]` makes `vN/` with the SQLite file, the export, what each trial
must be read as by every later release, and for PostgreSQL a script of plain SQL (needs `pg_dump`).
Times and holders come out anew each time, so a version that is frozen is never written again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger import CampaignRecord, Holder, Ledger, NewTrial
from afssb_opt.ledger.schema import SCHEMA_VERSION

HERE = Path(__file__).parent
# A process of a machine that no longer exists, so that opening the store is the same on every machine.
HOLDER = Holder("bench-1", 4711, 1000.0, "another boot")


class Clock:
    """A minute passes between any two calls."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def fill(ledger: Ledger) -> CampaignRecord:
    """Write a campaign in which every kind of event and every state occurs."""
    definition = {"name": "stored Ü", "seed": 7, "space": {"x": {"low": 0, "high": 99}}, "objectives": {"y": {}}}
    campaign = ledger.register_campaign("stored Ü", definition, "a" * 64)
    lease = ledger.acquire_lease(campaign.uid, holder=HOLDER, duration_s=60.0)
    designs: list[dict[str, float | str]] = [{"seed_alloy": "Ag-ZnO", "x": float(place)} for place in range(14)]
    new = [NewTrial(design, 1, f"guess {place} – µm", {"seed": place}) for place, design in enumerate(designs)]
    (proposed, claimed, in_test, partial, completed, corrected, added, cell, equipment, abandoned, void, disputed,
     settled, retried) = (trial.uid for trial in ledger.add_trials(lease, new))  # fmt: skip
    ledger.add_trials(lease, [NewTrial(new[4].design, 4, "again on purpose", is_replicate=True)])
    cycling = as_cycling_table({"cycle": np.arange(1, 31), "discharge_capacity_mah_cm2": 3.0 - 0.01 * np.arange(30)})
    ledger.claim(lease, claimed, duration_s=3600.0)
    ledger.mark(in_test, "in_test", reason="built", actor="Ada")
    ledger.record_result(partial, TrialResult({"y": 3.0}, censored=frozenset({"y"}), source="lab"), cycling=cycling,
                         is_final=False, actor="Ada")  # fmt: skip
    facts = {"n": 3, "file": "Ü.csv"}
    found = TrialResult({"y": 0.1, "z": -1e-300}, {"y": 0.01}, frozenset({"z"}), "simulation", facts)
    built = {"x": 4.125, "seed_alloy": "Ag"}
    ledger.record_result(completed, found, cycling=cycling, as_built=built, claim=ledger.claim(lease, completed))
    ledger.record_result(corrected, found)
    ledger.record_result(corrected, TrialResult({"y": 0.2}), is_correction=True, actor="Bo")
    ledger.record_result(added, TrialResult({"y": 7.0}))
    ledger.record_result(added, TrialResult({"areal_resistance_ohm_cm2": 31.0}))
    ledger.mark(added, "exclude", reason="outlier", actor="Ada")
    ledger.record_failure(cell, TrialFailure("cell", "short circuit in cycle 1"))
    ledger.record_failure(equipment, TrialFailure("equipment", "cycler lost power"))
    ledger.mark(abandoned, "abandon", reason="no lithium", actor="Ada")
    ledger.record_result(void, TrialResult({"y": 5.0}))
    ledger.mark(void, "void", reason="wrong foil", actor="Ada")
    for uid in (disputed, settled):
        ledger.record_result(uid, TrialResult({"y": 1.0}))
        ledger.record_result(uid, TrialResult({"y": 2.0}), actor="Bo")
    keep = next(event.seq for event in reversed(ledger.events(campaign.uid)) if event.kind == "result")
    ledger.settle(settled, keep=keep, reason="the second cycler is right", actor="Ada")
    ledger.record_failure(retried, TrialFailure("equipment", "channel 7"), claim=ledger.claim(lease, retried))
    ledger.mark(retried, "restore", reason="tried again", actor="afssb")
    drafts = [NewTrial({"seed_alloy": "none", "x": 40.0 + place}, 5, "asked", is_draft=True) for place in range(3)]
    _, approved, rejected = (trial.uid for trial in ledger.add_trials(lease, drafts))
    ledger.mark(approved, "approve", reason="good idea", actor="Ada")
    ledger.mark(rejected, "abandon", reason="too thin", actor="Ada")
    ledger.append_note(campaign.uid, "lab_held", {"key": "0a", "name": "Zelle 4.csv"}, actor="Ada")
    ledger.amend_campaign(campaign.uid, {**definition, "seed": 8}, "b" * 64, ["seed: 7 -> 8"])
    assert proposed
    ledger.register_campaign("empty", {}, "c" * 64)
    return ledger.register_campaign("stored Ü", {}, "b" * 64)


def reading_of(ledger: Ledger) -> list[list[object]]:
    """Return what must be read from the stored campaign, as plain content."""
    campaign = ledger.campaign("stored Ü")
    assert campaign is not None
    return [
        [t.label, str(t.state), t.design, t.as_built, dict(t.result.outcomes) if t.result else None,
         t.failure.reason if t.failure else None, t.is_excluded, t.cycling_sha256, t.n_revisions, t.attempts]
        for t in ledger.trials(campaign.uid)
    ]  # fmt: skip


def main() -> None:
    """Freeze the present version."""
    folder = HERE / f"v{SCHEMA_VERSION}"
    if not folder.exists():
        with Ledger.create_or_open(f"sqlite:///{folder / 'ledger.db'}", clock=Clock()) as ledger:
            campaign = fill(ledger)
            words = {"export_sha256": ledger.export_campaign(campaign.uid, folder / "export"),
                     "trials": reading_of(ledger)}  # fmt: skip
            assert ledger.check() == []
        (folder / "reading.json").write_text(json.dumps(words, indent=1) + "\n", encoding="ascii")
    if len(sys.argv) > 1 and not (folder / "postgresql.sql").exists():
        with Ledger.create_or_open(sys.argv[1]) as ledger:
            ledger.import_campaign(folder / "export")
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--schema=public",
                   sys.argv[1].replace("postgresql+psycopg", "postgresql")]  # fmt: skip
        script = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        kept = [line for line in script.splitlines() if line and not line.startswith(("--", "\\", "CREATE SCHEMA"))]
        (folder / "postgresql.sql").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
