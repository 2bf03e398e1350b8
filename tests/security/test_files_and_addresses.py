"""Whether hostile campaign files end in a reason at once, and addresses are of the kinds that are allowed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from afssb_opt.campaign_file import load_spec
from afssb_opt.domain.errors import CampaignFileError, StoreError
from afssb_opt.ledger import Ledger
from afssb_opt.tracking.stores import resolve_tracking

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "alias"),
        ("name: " + "[" * 5000, "nested deeper"),
        ("name: " + "{a: " * 5000, "nested deeper"),
        ("x: y\n" * 400_000, "bytes"),
        ("name: !!python/object/apply:os.system ['touch here']\n", "tag"),
        ("name: a\nname: b\n", "duplicate"),
        ("name: a\n---\nname: b\n", "problem"),
        ("\0", "problem"),
        ("- 1\n- 2\n", "top level"),
        ("? [a, b]\n: c\n", "problem"),
    ],
)
def test_a_hostile_campaign_file_is_refused_at_once_with_a_reason(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(text)
    begun = time.process_time()
    with pytest.raises(CampaignFileError, match=words):
        load_spec(path)
    # Far below what an expanded bomb (9 to the power of 9 entries) would take.
    assert time.process_time() - begun < 30
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["campaign.yaml"]


@pytest.mark.parametrize(
    "uri", ["file:///etc", "ftp://host/x", "s3://bucket/x", "databricks://profile", "javascript:1"]
)
def test_tracking_addresses_of_other_kinds_are_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(StoreError, match="Allowed"):
        resolve_tracking(tmp_path, {"MLFLOW_TRACKING_URI": uri})


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "mysql://h/d", "http://host/ledger", "oracle://h", "duckdb:///f"]
)
def test_ledger_addresses_of_other_kinds_are_refused(url: str) -> None:
    with pytest.raises(StoreError, match="Allowed"):
        Ledger.create_or_open(url)


def test_a_campaign_file_has_no_say_in_where_records_go(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    for key in ("ledger_url", "tracking_uri", "store", "home"):
        path.write_text(f"name: a\n{key}: sqlite:////tmp/elsewhere.db\n")
        with pytest.raises(CampaignFileError, match=key):
            load_spec(path)
