"""Stores for the tests of the ledger: a file, and a PostgreSQL server of its own where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from afssb_opt.ledger import CampaignRecord, Lease, Ledger, NewTrial, TrialRecord


def _server_programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root, so root needs the user that its package makes."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[tuple[str, str]]:
    """Start a throw-away server on a socket in a private folder; gives the folder and the user."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")
    programs, user = _server_programs(), _server_user()
    if programs is None or user is None:
        pytest.skip("no PostgreSQL server is installed (initdb was not found, or root without a user postgres)")
    folder = Path(tempfile.mkdtemp(prefix="afssb-pg-"))
    switch = {"user": user} if os.geteuid() == 0 else {}
    if switch:
        shutil.chown(folder, user)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    control = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
    try:
        subprocess.run([str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-N", "-E", "UTF8"],
                       check=True, capture_output=True, cwd=folder, **switch)  # fmt: skip
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **switch)
        yield str(folder), user
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=folder, **switch)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_socket: tuple[str, str]) -> str:
    """An empty schema of the server."""
    import psycopg

    folder, user = postgresql_socket
    schema = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=folder, user=user, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"postgresql://{user}@/postgres?host={folder}&options=-csearch_path%3D{schema}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'ledger.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[Ledger]:
    with Ledger.create_or_open(url, clock=clock) as opened:
        yield opened
        assert opened.check() == []


@pytest.fixture
def campaign(ledger: Ledger) -> CampaignRecord:
    return ledger.register_campaign("first", {"seed": 7, "low": 0.1}, "a" * 64)


@pytest.fixture
def lease(ledger: Ledger, campaign: CampaignRecord) -> Lease:
    return ledger.acquire_lease(campaign.uid)


@pytest.fixture
def trial(ledger: Ledger, lease: Lease) -> TrialRecord:
    design = {"seed_alloy": "Ag", "stack_pressure_mpa": 5.0}
    return ledger.add_trials(lease, [NewTrial(design, 1, "the first guess", {"seed": 7})])[0]
