"""A PostgreSQL server that accepts a connection and then says nothing: every call ends, and results are safe."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from afssb_opt.domain.errors import StoreUnavailableError
from afssb_opt.domain.trials import TrialResult, TrialState
from afssb_opt.ledger import Ledger, NewTrial, Outbox, Recorded

pytest.importorskip("psycopg", reason="the driver psycopg is not installed (extra: postgres)")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, only shorter; libpq takes whole seconds and no less than two."""
    from afssb_opt.ledger import engine, hanging

    monkeypatch.setattr(hanging, "SILENCE_S", 0.5)
    monkeypatch.setattr(engine, "RECONNECT_S", 0.0)
    monkeypatch.setitem(engine._SERVER_LIMITS, "connect_timeout", 2)


@contextmanager
def silent_server(family: int, place: object) -> Iterator[socket.socket]:
    with socket.socket(family) as server:
        server.bind(place)
        server.listen()
        yield server


def test_a_server_that_never_greets_is_named_as_one_that_does_not_answer(impatient):
    with silent_server(socket.AF_INET, ("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match=rf"127\.0\.0\.1:{port}.*does not answer"):
            Ledger.open(f"postgresql://lab@127.0.0.1:{port}/afssb")


def test_a_local_socket_on_which_nobody_answers_is_left_too(impatient, tmp_path):
    with (
        silent_server(socket.AF_UNIX, str(tmp_path / ".s.PGSQL.5432")),
        pytest.raises(StoreUnavailableError, match="does not answer"),
    ):
        Ledger.open(f"postgresql://lab@/afssb?host={tmp_path}")


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Stop processes as an overloaded or swapping machine does: sockets stay open, nothing is answered."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def backend_of(ledger: Ledger) -> int:
    """The process of the server that serves this ledger's one connection."""
    with ledger._engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


@pytest.mark.servers
def test_a_result_for_a_server_that_hangs_is_kept_in_the_outbox_and_recorded_once_later(
    impatient, postgresql, postgresql_url, tmp_path
):
    with Ledger.create_or_open(postgresql_url, outbox=Outbox(tmp_path / "outbox")) as ledger:
        campaign = ledger.register_campaign("first", {}, "a" * 64)
        lease = ledger.acquire_lease(campaign.uid)
        (trial,) = ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, "")])
        with stopped(postgresql.pid(), backend_of(ledger)):
            assert ledger.record_result(trial.uid, TrialResult({"y": 2.0})) is Recorded.WAITING
            assert len(ledger.outbox.waiting()) == 1
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                ledger.trials(campaign.uid)
        ledger.deliver()
        ledger.deliver()
        assert ledger.trial(trial.uid).state is TrialState.COMPLETED
        assert [event.kind for event in ledger.events(campaign.uid)].count("result") == 1
        assert ledger.outbox.waiting() == []


@pytest.mark.servers
def test_one_connection_that_hangs_is_left_for_another(impatient, postgresql_url):
    with Ledger.create_or_open(postgresql_url) as ledger:
        campaign = ledger.register_campaign("first", {}, "a" * 64)
        hanging = backend_of(ledger)
        with stopped(hanging):
            assert ledger.campaigns() == [campaign]
            assert backend_of(ledger) != hanging
