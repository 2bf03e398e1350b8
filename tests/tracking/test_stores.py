"""Where MLflow data goes, and that opening its store never leaves a broken one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from afssb_opt.domain.errors import StoreError
from afssb_opt.tracking.calls import mlflow_calls
from afssb_opt.tracking.stores import open_client, resolve_tracking


def test_without_an_address_the_store_is_one_absolute_file_beside_the_campaign(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = resolve_tracking(Path("stores"), {})
    assert place.uri == f"sqlite:///{tmp_path}/stores/mlflow.db"
    assert place.artifact_root == f"file://{tmp_path}/stores/mlartifacts"
    assert place.database == tmp_path / "stores" / "mlflow.db"
    assert not (tmp_path / "stores").exists(), "asking where it goes must not create it"


@pytest.mark.parametrize(
    ("given", "uri", "has_files"),
    [
        ("http://tracking.example:5000/", "http://tracking.example:5000", False),
        ("https://tracking.example", "https://tracking.example", False),
        ("postgresql+psycopg://u:p@db/m", "postgresql+psycopg://u:p@db/m", True),
        ("sqlite:////data/m.db", "sqlite:////data/m.db", True),
    ],
)
def test_an_address_in_the_environment_is_honoured(tmp_path, given, uri, has_files):
    place = resolve_tracking(tmp_path, {"MLFLOW_TRACKING_URI": given})
    assert place.uri == uri
    assert (place.artifact_root is not None) == has_files


@pytest.mark.parametrize("given", ["./mlruns", "file:///data/mlruns", "/data/mlruns", "mysql://db/m", "sqlite://"])
def test_an_address_that_cannot_hold_a_mirror_is_refused_with_what_is_allowed(tmp_path, given):
    with pytest.raises(StoreError, match="Allowed: sqlite") as caught:
        resolve_tracking(tmp_path, {"MLFLOW_TRACKING_URI": given})
    assert given in str(caught.value)


def test_a_new_store_is_private_writes_ahead_and_leaves_nothing_beside_it(empty_store):
    assert stat.S_IMODE(empty_store.stat().st_mode) == 0o600
    assert [path.name for path in empty_store.parent.iterdir() if not path.name.startswith("mlflow.db")] == []
    with sqlite3.connect(empty_store) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _open(uri: str) -> None:
    os._exit(0 if open_client(uri).search_experiments() else 1)


def _start(uri: str) -> multiprocessing.process.BaseProcess:
    # A fork spares each child the import of MLflow; it opens a store of its own and ends at once.
    process = multiprocessing.get_context("fork").Process(target=_open, args=(uri,))
    process.start()
    return process


@pytest.mark.slow
def test_six_processes_that_open_a_new_store_at_once_all_come_up(tmp_path):
    uri = f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    processes = [_start(uri) for _ in range(6)]
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * 6
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_kill_while_the_store_is_made_leaves_none_or_a_whole_one(tmp_path):
    draw = random.Random(3)
    for number in range(4):
        database = tmp_path / f"{number}" / "mlflow.db"
        process = _start(f"sqlite:///{database}")
        time.sleep(draw.uniform(0.05, 1.0))
        os.kill(process.pid, signal.SIGKILL)
        process.join(timeout=60)
        if database.exists():
            with sqlite3.connect(database) as connection:
                assert connection.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
    assert open_client(f"sqlite:///{database}").search_experiments()
    assert not list(database.parent.glob(".mlflow.db.new-*"))


@pytest.mark.parametrize("content", ["text", "database", "folder"])
def test_a_file_that_is_not_an_mlflow_store_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "mlflow.db"
    if content == "text":
        path.write_text("my notes " * 100)
    elif content == "folder":
        path.mkdir()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE cells (name TEXT)")
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=r"Name another|Move it aside|Name a file"):
        open_client(f"sqlite:///{path}")
    assert (path.read_bytes() if path.is_file() else None) == before


def test_an_unwritable_folder_is_reported_with_its_reason(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        open_client(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}")


def test_a_password_never_shows_in_a_message():
    with pytest.raises(StoreError) as caught:
        open_client("postgresql+psycopg://ada:secret@127.0.0.1:9/none")
    assert "secret" not in str(caught.value)
    assert "ada:***@127.0.0.1:9" in str(caught.value)


def test_only_commits_to_a_window_with_a_write_ahead_log_wait_for_no_disk(tmp_path, empty_store):
    full, normal = 2, 1

    def synchronous(path: Path) -> int:
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with engine.connect() as connection:
            return connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    window, plain, other = (Path(shutil.copy(empty_store, tmp_path / f"{name}.db")) for name in ("a", "b", "c"))
    with contextlib.closing(sqlite3.connect(plain)) as connection:
        # A power cut could damage a file without the log, so it is left as it is.
        connection.execute("PRAGMA journal_mode=DELETE")
    for path in (window, plain):
        open_client(f"sqlite:///{path}")
    assert [synchronous(path) for path in (window, plain, other)] == [normal, full, full]


def test_limits_of_calls_end_with_the_last_of_several_mirrors(monkeypatch):
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    monkeypatch.delenv(name, raising=False)
    first, second = mlflow_calls("http://127.0.0.1:9"), mlflow_calls("http://127.0.0.1:9")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.environ[name] == "0"
    second.__exit__(None, None, None)
    assert name not in os.environ
