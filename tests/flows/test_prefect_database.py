"""The database of a new Prefect server: copied where a fit one was kept, made by Prefect's migrations otherwise."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from flows.prefect_database import kept_database, provide_database

PROVIDE = "import sys, pathlib; from flows.prefect_database import provide_database; "
PROVIDE += "provide_database(pathlib.Path(sys.argv[1])); print('asyncio' in sys.modules and 'prefect' in sys.modules)"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def provide(database):
    """Provide a database as the server's process does, and return its tables and whether Prefect had to make it."""
    url = f"sqlite+aiosqlite:///{database}"
    done = subprocess.run(
        [sys.executable, "-c", PROVIDE, str(database)],
        capture_output=True,
        text=True,
        env={**os.environ, "PREFECT_HOME": str(database.parent), "PREFECT_API_DATABASE_CONNECTION_URL": url},
    )
    assert done.returncode == 0, done.stderr
    return tables(database), done.stdout.strip().endswith("True")


def tables(database):
    with closing(sqlite3.connect(database)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.slow
def test_a_broken_copy_is_replaced_by_what_the_migrations_make_and_the_next_server_copies_that(cache, tmp_path):
    kept_database().parent.mkdir(parents=True)
    kept_database().write_bytes(b"SQLite format 3\x00 torn")
    made, is_made = provide(tmp_path / "first.db")
    assert is_made
    assert {"alembic_version", "flow_run", "deployment"} <= made
    copied, is_made = provide(tmp_path / "second.db")
    assert not is_made
    assert copied == made
    assert [path.name for path in kept_database().parent.iterdir()] == [kept_database().name]


def test_a_database_that_exists_is_left_alone(cache, tmp_path):
    database = tmp_path / "prefect.db"
    database.write_bytes(b"mine")
    provide_database(database)
    assert database.read_bytes() == b"mine"
    assert not cache.exists()


def test_a_kept_database_is_copied_whole_and_leaves_nothing_beside(cache, tmp_path):
    kept_database().parent.mkdir(parents=True)
    with closing(sqlite3.connect(kept_database())) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('a')")
    (tmp_path / "home").mkdir()
    provide_database(tmp_path / "home" / "prefect.db")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["prefect.db"]
    assert tables(tmp_path / "home" / "prefect.db") == {"alembic_version"}
