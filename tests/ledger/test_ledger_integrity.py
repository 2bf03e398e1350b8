"""Whether `check` sees what was damaged or changed behind the ledger's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import StoreError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Ledger, NewTrial
from afssb_opt.ledger.canonical import table_from_parquet
from afssb_opt.ledger.engine import reading
from afssb_opt.ledger.schema import attachments

DAMAGE = {
    "changed payload": ("UPDATE ledger_events SET payload = replace(payload, '1.5', '2.5') WHERE seq = 5", "hash"),
    "changed actor": ("UPDATE ledger_events SET actor = 'somebody' WHERE kind = 'result'", "hash"),
    "lost result": ("DELETE FROM ledger_events WHERE kind = 'result'", "differs from its events in: state, result"),
    "lost proposal": ("DELETE FROM ledger_events WHERE kind = 'proposed' AND seq = 2", "comes before the proposal"),
    "changed state": ("UPDATE ledger_trials SET state = 'void' WHERE number = 1", "differs from its events in: state"),
    "lost trial": ("DELETE FROM ledger_trials WHERE number = 2", "has no row"),
    "gap in numbers": ("UPDATE ledger_trials SET number = 5 WHERE number = 2", "not numbered 1 to 2"),
    "label never given": ("UPDATE ledger_counters SET value = 1", "never given out"),
    "claim without state": ("INSERT INTO ledger_claims SELECT uid, campaign_uid, 9, '{}', 1, '', '' FROM ledger_trials "
                            "WHERE number = 2", "do not agree"),
    "lost table": ("DELETE FROM ledger_attachments", "is missing"),
    "lost campaign event": ("DELETE FROM ledger_events WHERE kind = 'campaign_registered'", "no event that registers"),
}  # fmt: skip


@pytest.fixture
def filled(sqlite_url: str) -> str:
    with Ledger.create_or_open(sqlite_url) as ledger:
        campaign = ledger.register_campaign("c", {}, "h")
        lease = ledger.acquire_lease(campaign.uid)
        first, _ = ledger.add_trials(lease, [NewTrial({"x": 1.0}, 1, ""), NewTrial({"x": 2.0}, 1, "")])
        cycling = as_cycling_table({"cycle": np.arange(1, 400), "coulombic_efficiency_pct": np.full(399, 99.5)})
        claim = ledger.claim(lease, first.uid)
        ledger.record_result(first.uid, TrialResult({"y": 1.5}), cycling=cycling, claim=claim)
        assert ledger.check() == []
    return sqlite_url


def behind_its_back(url: str, change: Callable[[sqlite3.Connection], object]) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    change(connection)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_seen(filled: str, name: str) -> None:
    statement, expected = DAMAGE[name]
    behind_its_back(filled, lambda connection: connection.execute(statement))
    with Ledger.open(filled) as ledger:
        problems = ledger.check()
    assert any(expected in str(problem) for problem in problems), problems


def test_one_flipped_byte_of_a_cycling_table_never_gives_other_values(filled: str) -> None:
    with Ledger.open(filled) as ledger, reading(ledger._engine) as connection:
        sha256, body = connection.execute(select(attachments)).one()
    unseen = []
    # A step that is no divisor of the page sizes, so that every part of the file is met.
    for place in range(0, len(body), 7):
        damaged = bytearray(body)
        damaged[place] ^= 0x41
        try:
            table = table_from_parquet(bytes(damaged), sha256)
        except StoreError:
            continue
        # Bytes that carry no value (padding, the writer's name) may differ; the values may not.
        if not (table["coulombic_efficiency_pct"] == 99.5).all() or len(table) != 399:
            unseen.append(place)
    assert unseen == []


def test_a_torn_file_is_reported_and_not_half_read(filled: str) -> None:
    path = Path(filled.removeprefix("sqlite:///"))
    body = bytearray(path.read_bytes())
    body[3 * 4096 : 9 * 4096] = b"\xff" * 6 * 4096
    path.write_bytes(body)
    with Ledger.open(filled) as ledger, pytest.raises(StoreError, match="is damaged"):
        ledger.events(ledger.campaigns()[0].uid)
    with Ledger.open(filled) as ledger:
        assert ledger.check() != []
