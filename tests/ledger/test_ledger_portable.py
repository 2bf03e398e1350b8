"""Whether a campaign survives the way through plain files, and whether damaged files are refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from afssb_opt.domain.cycling import as_cycling_table
from afssb_opt.domain.errors import InputError, StoreError
from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.ledger import Ledger, NewTrial, UnknownCampaignError


@pytest.fixture
def full(ledger: Ledger) -> str:
    """A campaign with a trial of each kind."""
    ledger.add_trials(
        ledger.acquire_lease(ledger.register_campaign("other", {}, "o").uid), [NewTrial({"x": 0.0}, 1, "")]
    )
    campaign = ledger.register_campaign("full Ü", {"low": 0.1}, "a" * 64)
    ledger.amend_campaign(campaign.uid, {"low": 0.2}, "b" * 64, ["low: 0.1 -> 0.2"])
    lease = ledger.acquire_lease(campaign.uid)
    trials = ledger.add_trials(lease, [NewTrial({"z": float(i), "a": "Ag"}, 1, "why") for i in range(6)])
    cycling = as_cycling_table({"cycle": np.arange(1, 30), "coulombic_efficiency_pct": np.linspace(99, 98, 29)})
    ledger.record_result(trials[0].uid, TrialResult({"y": 0.1}, {"y": 0.01}), cycling=cycling, as_built={"z": 0.5})
    ledger.record_result(trials[1].uid, TrialResult({"y": 1.0}))
    ledger.record_result(trials[1].uid, TrialResult({"y": 2.0}), cycling=cycling)
    ledger.settle(trials[1].uid, keep=ledger.last_seq(campaign.uid), reason="looked", actor="me")
    ledger.record_failure(trials[2].uid, TrialFailure("cell", "short"))
    ledger.mark(trials[3].uid, "void", reason="fell down", actor="me")
    ledger.claim(lease, trials[4].uid)
    ledger.append_note(campaign.uid, "round", {"round": 1})
    return campaign.uid


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.create_or_open(f"sqlite:///{tmp_path / 'target' / 'ledger.db'}") as opened:
        yield opened
        assert opened.check() == []


def test_a_campaign_comes_back_whole_with_the_same_hash(
    ledger: Ledger, target: Ledger, full: str, tmp_path: Path
) -> None:
    first = ledger.export_campaign(full, tmp_path / "one")
    campaign = target.import_campaign(tmp_path / "one")
    assert campaign.definition == {"low": 0.2}
    assert [a.changes for a in campaign.amendments] == [("low: 0.1 -> 0.2",)]
    assert target.export_campaign(full, tmp_path / "two") == first
    for before, after in zip(ledger.trials(full), target.trials(full), strict=True):
        assert (before.label, before.state, before.result, before.failure) == (
            after.label, after.state, after.result, after.failure)  # fmt: skip
        assert list(before.design) == list(after.design)
    assert ledger.observations(full).equals(target.observations(full))
    sha256 = str(ledger.trials(full)[0].cycling_sha256)
    assert target.cycling_table(sha256).equals(ledger.cycling_table(sha256))
    assert target.import_campaign(tmp_path / "one") == campaign


def test_an_imported_campaign_goes_on(ledger: Ledger, target: Ledger, full: str, tmp_path: Path) -> None:
    ledger.export_campaign(full, tmp_path / "one")
    target.import_campaign(tmp_path / "one")
    lease = target.acquire_lease(full)
    claimed = target.trials(full)[4]
    assert target.release_orphaned_claims(lease) == [claimed.uid]
    (new,) = target.add_trials(lease, [NewTrial({"z": 9.0, "a": "Ag"}, 2, "")])
    assert new.number == 7
    assert new.label not in {trial.label for trial in ledger.trials(full)}
    with pytest.raises(StoreError, match="with other events"):
        target.import_campaign(tmp_path / "one")


def test_taken_names_and_labels_are_refused_and_nothing_is_entered(
    ledger: Ledger, target: Ledger, full: str, tmp_path: Path
) -> None:
    ledger.export_campaign(full, tmp_path / "one")
    own = target.register_campaign("own", {}, "h")
    target.add_trials(target.acquire_lease(own.uid), [NewTrial({"x": float(i)}, 1, "") for i in range(3)])
    with pytest.raises(StoreError, match="written on cells"):
        target.import_campaign(tmp_path / "one")
    target.register_campaign("full Ü", {}, "h")
    with pytest.raises(StoreError, match="is called 'full Ü'"):
        target.import_campaign(tmp_path / "one")
    assert [campaign.name for campaign in target.campaigns()] == ["own", "full Ü"]


def test_an_export_replaces_nothing(ledger: Ledger, full: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(StoreError, match="exists already"):
        ledger.export_campaign(full, tmp_path / "mine")
    with pytest.raises(UnknownCampaignError):
        ledger.export_campaign("nothing", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_every_damaged_file_of_an_export_is_named(ledger: Ledger, target: Ledger, full: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    ledger.export_campaign(full, folder)
    (table,) = (folder / "cycling").iterdir()
    table.write_bytes(table.read_bytes()[:-1])
    events = (folder / "events.jsonl").read_text()
    (folder / "events.jsonl").write_text(events.replace("short", "shirt"))
    with pytest.raises(InputError, match=rf"(?s){table.name}.*events\.jsonl"):
        target.import_campaign(folder)
    assert target.campaigns() == []


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_an_export_with_forged_lines_is_refused(
    ledger: Ledger, target: Ledger, full: str, tmp_path: Path, cut: int
) -> None:
    folder = tmp_path / "one"
    ledger.export_campaign(full, folder)
    lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    lines.pop(cut)
    body = "".join(lines).encode()
    (folder / "events.jsonl").write_bytes(body)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["events.jsonl"] = hashlib.sha256(body).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="does not hold the whole campaign"):
        target.import_campaign(folder)


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", '{"format": "other"}', '{"format": "afssb-campaign-1", "files": 3}']
)
def test_a_folder_that_is_no_export_is_refused(target: Ledger, tmp_path: Path, manifest: str) -> None:
    with pytest.raises(InputError, match="afssb export"):
        target.import_campaign(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match="afssb export"):
        target.import_campaign(tmp_path)


def test_an_export_cannot_read_files_outside_its_folder(target: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    words = {"format": "afssb-campaign-1", "campaign_uid": "u", "n_events": 1, "files": {"../secret": "0" * 64}}
    (folder / "manifest.json").write_text(json.dumps(words))
    with pytest.raises(InputError, match="outside the folder"):
        target.import_campaign(folder)
