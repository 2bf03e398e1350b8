"""Which stores are opened, made and refused, and that opening and reading leave them as they are."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from afssb_opt.domain.errors import StoreError, StoreUnavailableError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import CampaignRecord, Ledger, NewTrial, Outbox, TrialRecord, engine, sqlite_file


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def test_opening_a_missing_store_makes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no ledger at"):
        Ledger.open(sqlite_url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers
def test_opening_an_empty_database_makes_nothing(postgresql_url: str) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match="there is no ledger in"):
            Ledger.open(postgresql_url)
    Ledger.create_or_open(postgresql_url).close()
    Ledger.open(postgresql_url).close()


def test_a_new_file_is_private_whole_and_alone_in_its_folder(sqlite_url: str) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        path = ledger.path
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_folders_of_a_new_store_and_of_its_outbox_are_on_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A synced file in a folder whose own name was never synced: found by `experiments/chaos/power_loss.py`."""
    synced: set[Path] = set()
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    home = tmp_path / "lab" / "store"
    Ledger.create_or_open(f"sqlite:///{home / 'ledger.db'}").close()
    assert {tmp_path, tmp_path / "lab", home} <= synced
    synced.clear()
    Outbox(home / "outbox").keep("0" * 32, TrialResult({"y": 1.0}))
    assert {home, home / "outbox"} <= synced


def test_the_way_without_nameless_files_makes_the_same_store(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with Ledger.create_or_open(sqlite_url) as ledger:
        assert ledger.path is not None
        assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
        assert ledger.check() == []
    assert [entry.name for entry in ledger.path.parent.iterdir()] == [ledger.path.name]


def test_opening_and_reading_change_no_byte(sqlite_url: str) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        assert ledger.path is not None
        folder = ledger.path.parent
        campaign = ledger.register_campaign("c", {}, "h")
        (trial,) = ledger.add_trials(ledger.acquire_lease(campaign.uid), [NewTrial({"x": 1.0}, 1, "")])
        ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
    before = content_of(folder)
    with Ledger.create_or_open(sqlite_url) as ledger:
        ledger.campaigns(), ledger.trials(campaign.uid), ledger.observations(campaign.uid)
        ledger.events(campaign.uid), ledger.pending(campaign.uid), ledger.check()
    assert content_of(folder) == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ledger.db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u@h/d",
        "sqlite+aiosqlite:///a.db",
        "sqlite:///a?x=1",
    ],
)
def test_addresses_that_are_no_store_are_refused_with_those_that_are(url: str) -> None:
    with pytest.raises(StoreError, match="Allowed: sqlite:///"):
        Ledger.create_or_open(url)


def test_a_password_does_not_show_in_an_error() -> None:
    with pytest.raises(StoreError) as caught:
        Ledger.create_or_open("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("is_creating", [True, False])
def test_foreign_files_are_refused_and_left_alone(tmp_path: Path, is_creating: bool) -> None:
    text, empty, other = tmp_path / "notes.txt", tmp_path / "empty.db", tmp_path / "other.db"
    text.write_text("cycle,capacity\n" * 1000)
    empty.touch()
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    connection.close()
    before = content_of(tmp_path)
    for path in (text, empty, other):
        with pytest.raises(StoreError, match=r"another program's|another file"):
            (Ledger.create_or_open if is_creating else Ledger.open)(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="is a directory"):
        Ledger.create_or_open(f"sqlite:///{tmp_path}")
    assert content_of(tmp_path) == before


@pytest.mark.parametrize(("version", "remedy"), [(99, "Install a newer release"), (0, "release that wrote it")])
def test_a_store_of_another_version_is_refused_and_left_alone(sqlite_url: str, version: int, remedy: str) -> None:
    with Ledger.create_or_open(sqlite_url) as ledger:
        path = ledger.path
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = content_of(path.parent)
    with pytest.raises(StoreError, match=remedy):
        Ledger.create_or_open(sqlite_url)
    assert content_of(path.parent) == before


@pytest.mark.servers
def test_a_newer_database_is_refused(postgresql_url: str) -> None:
    with Ledger.create_or_open(postgresql_url) as ledger, engine.writing(ledger._engine) as connection:
        connection.exec_driver_sql("UPDATE ledger_meta SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(StoreError, match="Install a newer release"):
        Ledger.create_or_open(postgresql_url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"no ledger can be made at .*file/ledger\.db"):
        Ledger.create_or_open(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")


def _try_as_nobody(folder: str, queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    os.setuid(65534)
    try:
        Ledger.create_or_open(f"sqlite:///{folder}/ledger.db")
        queue.put("opened")
    except StoreError as error:
        queue.put(str(error))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_unwritable_folder_is_refused_with_the_reason() -> None:
    # Its own folder: those above a test's are private, which would be refused for another reason.
    queue = multiprocessing.get_context("fork").Queue()
    child = multiprocessing.get_context("fork").Process(target=_try_as_nobody, args=("/usr", queue))
    child.start()
    message = queue.get(timeout=20)
    child.join()
    assert "Permission denied" in message
    assert "AFSSB_LEDGER_URL" in message


def test_network_file_systems_are_refused(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "file_system_of", lambda path: "nfs4")
    with pytest.raises(StoreError, match=r"network file system \(nfs4\).*PostgreSQL"):
        Ledger.create_or_open(sqlite_url)


def test_the_file_system_of_a_path_is_the_one_mounted_nearest_to_it(tmp_path: Path) -> None:
    assert sqlite_file.file_system_of(Path("/proc/self/status")) == "proc"
    assert sqlite_file.file_system_of(tmp_path / "not" / "there") not in {"", "proc"}


def test_a_locked_store_is_reported_as_one_that_may_answer_later(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    with Ledger.create_or_open(sqlite_url) as ledger:
        blocker = sqlite3.connect(str(ledger.path), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="does not answer: database is locked") as caught:
            ledger.register_campaign("c", {}, "h")
        assert caught.value.is_retryable
        assert ledger.campaigns() == []
        blocker.execute("ROLLBACK")
        blocker.close()
        ledger.register_campaign("c", {}, "h")


def test_a_server_that_is_not_there_is_reported_as_one_that_may_answer_later(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        Ledger.create_or_open(f"postgresql://nobody@/nothing?host={tmp_path}")


def test_threads_share_a_ledger(ledger: Ledger, campaign: CampaignRecord) -> None:
    errors: list[Exception] = []

    def note(worker: int) -> None:
        try:
            for place in range(10):
                ledger.append_note(campaign.uid, "round", {"worker": worker, "place": place})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=note, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(event.kind == "round" for event in ledger.events(campaign.uid)) == 40


def _record_in_child(ledger: Ledger, trial: TrialRecord) -> None:
    ledger.record_result(trial.uid, TrialResult({"y": 1.0}))
    os._exit(0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_connections_of_its_own(ledger: Ledger, trial: TrialRecord) -> None:
    child = multiprocessing.get_context("fork").Process(target=_record_in_child, args=(ledger, trial))
    child.start()
    ledger.append_note(trial.campaign_uid, "round", {"round": 1})
    child.join(30)
    assert child.exitcode == 0
    ledger.append_note(trial.campaign_uid, "round", {"round": 2})
    assert ledger.trial(trial.uid).state == "completed"
