"""Whether stores of every released version are read by this release, and an upgrade is whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from afssb_opt.domain.errors import CampaignBusyError, StoreError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Ledger, NewTrial, upgrade_store
from afssb_opt.ledger.failpoints import UPGRADE_POINTS, VARIABLE
from afssb_opt.ledger.schema import SCHEMA_VERSION, UPGRADES

STORED = Path(__file__).parent / "stored"
VERSIONS = sorted(int(path.name[1:]) for path in STORED.glob("v*"))
EARLIER = [version for version in VERSIONS if version < SCHEMA_VERSION]
FORK = multiprocessing.get_context("fork")


def stored_copy(version: int, tmp_path: Path) -> Path:
    """A writable copy of a stored file."""
    path = tmp_path / "ledger.db"
    path.write_bytes((STORED / f"v{version}" / "ledger.db").read_bytes())
    return path


def require_stored_campaign(ledger: Ledger, version: int, tmp_path: Path) -> None:
    """The campaign must be read as it was on the day it was stored, go on, and leave with the same hash."""
    wanted = json.loads((STORED / f"v{version}" / "reading.json").read_text(encoding="ascii"))
    campaign = ledger.campaign("stored Ü")
    assert campaign is not None
    found = [
        [t.label, str(t.state), t.design, t.as_built, dict(t.result.outcomes) if t.result else None,
         t.failure.reason if t.failure else None, t.is_excluded, t.cycling_sha256, t.n_revisions, t.attempts]
        for t in ledger.trials(campaign.uid)
    ]  # fmt: skip
    assert found == wanted["trials"]
    assert [change for amendment in campaign.amendments for change in amendment.changes] == ["seed: 7 -> 8"]
    assert len(ledger.cycling_table(found[4][7])) == 30
    assert ledger.export_campaign(campaign.uid, tmp_path / "out") == wanted["export_sha256"]
    assert ledger.check() == []
    (new,) = ledger.add_trials(ledger.acquire_lease(campaign.uid), [NewTrial({"seed_alloy": "Mg", "x": 1.0}, 5, "")])
    ledger.record_result(new.uid, TrialResult({"y": 9.0}))
    assert ledger.check() == []


def tables_of(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    connection.close()
    return {name: " ".join(text.replace('"', "").split()) for name, text in found.items()}


def test_every_schema_version_up_to_this_one_has_a_stored_campaign() -> None:
    assert list(range(1, SCHEMA_VERSION + 1)) == VERSIONS
    assert sorted(UPGRADES) == EARLIER


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stored_campaign_of_each_version_is_upgraded_and_goes_on(tmp_path: Path, version: int) -> None:
    path = stored_copy(version, tmp_path)
    before = path.read_bytes()
    done = upgrade_store(f"sqlite:///{path}")
    assert (done.before, done.after) == (version, SCHEMA_VERSION)
    if version < SCHEMA_VERSION:
        assert done.copy is not None
        assert tables_of(done.copy) != tables_of(path)
    else:
        assert path.read_bytes() == before
    with Ledger.open(f"sqlite:///{path}") as ledger:
        require_stored_campaign(ledger, version, tmp_path)
    new = tmp_path / "new" / "ledger.db"
    Ledger.create_or_open(f"sqlite:///{new}").close()
    assert tables_of(path) == tables_of(new)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_export_of_each_version_is_imported(tmp_path: Path, sqlite_url: str, version: int) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        ledger.import_campaign(STORED / f"v{version}" / "export")
        require_stored_campaign(ledger, version, tmp_path)


@pytest.mark.servers
@pytest.mark.parametrize("version", VERSIONS)
def test_a_stored_database_of_each_version_is_upgraded_and_goes_on(
    postgresql_url: str, tmp_path: Path, version: int
) -> None:
    import psycopg

    schema = postgresql_url.rpartition("%3D")[2]
    script = (STORED / f"v{version}" / "postgresql.sql").read_text(encoding="utf-8")
    address = postgresql_url.partition("&options")[0]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(script.replace("public.", f"{schema}.").replace("COMMENT ON SCHEMA public IS", "--"))  # type: ignore[arg-type]
    if version < SCHEMA_VERSION:
        with pytest.raises(StoreError, match="doctor CAMPAIGN --upgrade"):
            Ledger.create_or_open(postgresql_url)
    assert upgrade_store(postgresql_url).after == SCHEMA_VERSION
    with Ledger.open(postgresql_url) as ledger:
        require_stored_campaign(ledger, version, tmp_path)


@pytest.mark.parametrize("is_creating", [True, False])
def test_opening_never_upgrades_and_says_what_does(tmp_path: Path, is_creating: bool) -> None:
    path = stored_copy(1, tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="doctor CAMPAIGN --upgrade"):
        (Ledger.create_or_open if is_creating else Ledger.open)(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_store_of_a_newer_release_is_not_touched(sqlite_url: str) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        path = ledger.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="Nothing was touched"):
        upgrade_store(sqlite_url)
    assert path.read_bytes() == before


def _upgrade_with(setting: str, url: str) -> None:
    os.environ[VARIABLE] = setting
    upgrade_store(url)


@pytest.mark.parametrize("action", ["kill", "raise"])
@pytest.mark.parametrize("point", UPGRADE_POINTS)
def test_an_upgrade_that_ends_anywhere_leaves_the_old_store_or_the_new_one(
    tmp_path: Path, point: str, action: str
) -> None:
    path = stored_copy(1, tmp_path)
    url = f"sqlite:///{path}"
    child = FORK.Process(target=_upgrade_with, args=(f"{point}:1:{action}", url))
    child.start()
    child.join()
    assert child.exitcode == (-signal.SIGKILL if action == "kill" else 1)
    with sqlite3.connect(path) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    assert version == (SCHEMA_VERSION if point == "upgrade.done" else 1)
    assert upgrade_store(url).after == SCHEMA_VERSION
    assert {entry.name for entry in tmp_path.iterdir()} <= {path.name, f"{path.name}.v1"} | {
        f"{path.name}{tail}" for tail in ("-wal", "-shm", ".v1-wal", ".v1-shm")
    }
    with Ledger.open(url) as ledger:
        require_stored_campaign(ledger, 1, tmp_path)


def test_a_damaged_store_is_not_upgraded(tmp_path: Path) -> None:
    path = stored_copy(1, tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE ledger_trials SET state = 'completed' WHERE number = 1")
    connection.close()
    with pytest.raises(StoreError, match="was not upgraded: trial T0001-F"):
        upgrade_store(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


def test_a_store_in_use_is_not_upgraded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.create_or_open(url) as ledger:
        lease = ledger.acquire_lease(ledger.register_campaign("c", {}, "h").uid)
        monkeypatch.setattr("afssb_opt.ledger.upgrading.found_version", lambda *_: 1)
        with pytest.raises(CampaignBusyError, match="Stop it, then upgrade"):
            upgrade_store(url)
        assert ledger.renew_lease(lease).token == lease.token


def test_a_backup_taken_while_results_arrive_opens_clean(sqlite_url: str, tmp_path: Path) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        campaign = ledger.register_campaign("c", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        is_over = threading.Event()

        def work() -> None:
            number = 0
            while not is_over.is_set():
                (trial,) = ledger.add_trials(lease, [NewTrial({"x": float(number)}, 1, "")])
                ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
                number += 1

        worker = threading.Thread(target=work)
        worker.start()
        try:
            for place in range(3):
                ledger.backup(tmp_path / "kept" / f"{place}.db")
        finally:
            is_over.set()
            worker.join()
        with pytest.raises(StoreError, match="exists already"):
            ledger.backup(tmp_path / "kept" / "0.db")
        assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["0.db", "1.db", "2.db"]
        for place in range(3):
            with Ledger.open(f"sqlite:///{tmp_path / 'kept' / f'{place}.db'}") as copy:
                assert copy.check() == []
                events = copy.events(campaign.uid)
                assert events == ledger.events(campaign.uid)[: len(events)]


@pytest.mark.servers
def test_a_server_is_not_backed_up_as_a_file(postgresql_url: str, tmp_path: Path) -> None:
    with Ledger.create_or_open(postgresql_url) as ledger, pytest.raises(StoreError, match="pg_dump"):
        ledger.backup(tmp_path / "copy.db")
