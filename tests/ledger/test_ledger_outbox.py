"""Whether results survive a ledger that does not answer."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import InputError, StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Ledger, NewTrial, Outbox, Recorded, TrialRecord, engine

FOUND = TrialResult({"y": 0.1}, {"y": 0.01}, frozenset({"y"}), "lab", {"file": "Ü"})


def test_a_kept_result_arrives_as_it_would_have_directly(ledger: Ledger, trial: TrialRecord, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "out")
    cycling = as_cycling_table({"cycle": np.arange(1, 9), "short_progress": np.linspace(0, 1, 8)})
    path = outbox.keep(trial.uid, FOUND, cycling=cycling, as_built={"stack_pressure_mpa": 4.9}, actor="me")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert outbox.deliver(ledger).recorded == {path.name: Recorded.RECORDED}
    after = ledger.trial(trial.uid)
    assert (after.result, after.as_built) == (FOUND, {"stack_pressure_mpa": 4.9})
    assert ledger.cycling_table(str(after.cycling_sha256)).equals(cycling)
    assert ledger.record_result(
        trial.uid, FOUND, cycling=cycling, as_built={"stack_pressure_mpa": 4.9}
    ) is Recorded.ALREADY_KNOWN  # fmt: skip
    assert list((tmp_path / "out").iterdir()) == []


def test_results_wait_while_the_ledger_does_not_answer(sqlite_url: str, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    outbox = Outbox(tmp_path / "out")
    with Ledger.create_or_open(sqlite_url) as ledger:
        lease = ledger.acquire_lease(ledger.register_campaign("c", {}, "h").uid)
        (trial,) = ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, "")])
        outbox.keep(trial.uid, FOUND)
        blocker = sqlite3.connect(str(ledger.path), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError):
            outbox.deliver(ledger)
        assert len(outbox.waiting()) == 1
        blocker.execute("ROLLBACK")
        blocker.close()
        assert list(outbox.deliver(ledger).recorded.values()) == [Recorded.RECORDED]


def test_a_damaged_or_refused_result_is_set_aside_and_the_rest_arrives(
    ledger: Ledger, trial: TrialRecord, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "out")
    torn = outbox.keep(trial.uid, FOUND)
    torn.write_bytes(torn.read_bytes()[:-9])
    outbox.keep("nobody", FOUND)
    outbox.keep(trial.uid, FOUND)
    delivery = outbox.deliver(ledger)
    assert list(delivery.recorded.values()) == [Recorded.RECORDED]
    assert [word in str(problem) for word, problem in zip(["checksum", "nobody"], delivery.problems, strict=True)] == [
        True,
        True,
    ]
    assert len(list((tmp_path / "out").glob("*.refused"))) == 2
    assert outbox.waiting() == []


def test_what_cannot_be_recorded_cannot_be_kept_either(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"outcomes\.y"):
        Outbox(tmp_path / "out").keep("u", TrialResult({"y": float("nan")}))
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be kept"):
        Outbox(tmp_path / "file").keep("u", FOUND)
