"""Stores for the tests of the ledger: a file, and a PostgreSQL server of its own where one is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from afssb_opt.ledger import CampaignRecord, Lease, Ledger, NewTrial, TrialRecord


@pytest.fixture(scope="session")
def postgresql(chaos: Callable[[str], Any]) -> Iterator[Any]:
    """A throw-away server, as the chaos runs start it but for `fsync`, which no test here needs."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")
    module = chaos("postgresql")
    if module.server_programs() is None or module.server_user() is None:
        pytest.skip("no PostgreSQL server is installed (initdb was not found, or root without a user postgres)")
    with module.ThrowAwayServer(is_syncing=False) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: Any) -> str:
    """An empty schema of the server."""
    return str(postgresql.new_url())


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
