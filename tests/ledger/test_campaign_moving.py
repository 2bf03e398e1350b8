"""Whether a whole campaign goes to plain files and back, between stores of both kinds, to the equal hash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afssb_opt import Campaign
from afssb_opt.campaign.moving import export_campaign, import_campaign
from afssb_opt.domain.errors import InputError, StoreError
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import Ledger, NewTrial

CAMPAIGN = """
# How far does a µm go?
name: "Zelle Ü 4"
question: Which x?
space: {x: {low: 0, high: 1}, seed_alloy: {levels: ["none", "Ag"]}, n: {values: [1, 2]}}
objectives: {y: {goal: maximize}}
protocol: {temperature_c: 60}
evaluator: lab
budget: {trials: 9}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("AFSSB_HOME")
    path = tmp_path / "here" / "campaign.yaml"
    path.parent.mkdir()
    path.write_text(CAMPAIGN, encoding="utf-8")
    with Campaign.load(path) as campaign:
        lease = campaign.ledger.acquire_lease(campaign.uid)
        (trial,) = campaign.ledger.add_trials(lease, [NewTrial({"x": 0.1, "seed_alloy": "Ag", "n": 2.0}, 1, "why – µ")])
        campaign.ledger.record_result(trial.uid, TrialResult({"y": 1e-300}, source="lab"))
        campaign.ledger.release_lease(lease)
        lab = campaign.stores.lab_folder(campaign.spec.name) / trial.label / "raw"
        lab.mkdir(parents=True)
        (lab / "Zelle 4 Ω.csv").write_bytes(b"\x00\xff,1\n")
    return path


def moved(source: Path, folder: Path, campaign_file: Path) -> str:
    """Export a campaign and import it elsewhere; gives the hash it left with."""
    with Campaign.load(source, read_only=True) as campaign:
        done = export_campaign(campaign, folder)
    import_campaign(folder, campaign_file)
    return done.sha256


def test_an_imported_campaign_is_the_same_and_goes_on(file: Path, tmp_path: Path) -> None:
    there = tmp_path / "there" / "copy.yaml"
    there.parent.mkdir()
    sha256 = moved(file, tmp_path / "out", there)
    with Campaign.load(there) as campaign, Campaign.load(file, read_only=True) as original:
        assert campaign.changes == ()
        assert campaign.spec.sha256 == original.spec.sha256
        assert campaign.trials() == original.trials()
        found = [path.name for path in campaign.stores.lab_folder(campaign.spec.name).rglob("*.csv")]
        assert found == ["Zelle 4 Ω.csv"]
        assert export_campaign(campaign, tmp_path / "again").sha256 == sha256
        lease = campaign.ledger.acquire_lease(campaign.uid)
        campaign.ledger.add_trials(lease, [NewTrial({"x": 0.2, "seed_alloy": "Ag", "n": 1.0}, 2, "")])
        assert campaign.ledger.check() == []
    assert (tmp_path / "again" / "files.json").read_bytes() == (tmp_path / "out" / "files.json").read_bytes()


def test_importing_twice_changes_nothing(file: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    moved(file, tmp_path / "out", there)
    import_campaign(tmp_path / "out", there)
    with Campaign.load(there, read_only=True) as campaign:
        assert len(campaign.trials()) == 1


@pytest.mark.servers
def test_a_campaign_goes_from_sqlite_to_postgresql_and_back_to_the_equal_hash(
    file: Path, tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = moved(file, tmp_path / "a", tmp_path / "there" / "server.yaml")
    monkeypatch.setenv("AFSSB_LEDGER_URL", postgresql_url)
    (tmp_path / "on-server").mkdir()
    import_campaign(tmp_path / "a", tmp_path / "on-server" / "c.yaml")
    with Campaign.load(tmp_path / "on-server" / "c.yaml", read_only=True) as campaign:
        assert campaign.ledger.path is None
        second = export_campaign(campaign, tmp_path / "b").sha256
    monkeypatch.delenv("AFSSB_LEDGER_URL")
    (tmp_path / "back").mkdir()
    import_campaign(tmp_path / "b", tmp_path / "back" / "c.yaml")
    with Campaign.load(tmp_path / "back" / "c.yaml", read_only=True) as campaign:
        third = export_campaign(campaign, tmp_path / "c").sha256
        assert campaign.ledger.check() == []
    assert first == second == third


@pytest.mark.parametrize("harm", ["missing", "changed", "outside", "no manifest", "ledger"])
def test_a_damaged_export_is_refused_whole(file: Path, tmp_path: Path, harm: str) -> None:
    with Campaign.load(file, read_only=True) as campaign:
        export_campaign(campaign, tmp_path / "out")
    (raw,) = (tmp_path / "out" / "lab").rglob("*.csv")
    manifest = tmp_path / "out" / "files.json"
    if harm == "missing":
        raw.unlink()
    elif harm == "changed":
        raw.write_bytes(b"2")
    elif harm == "outside":
        manifest.write_text(json.dumps({"../../here/campaign.yaml": "0" * 64}), encoding="ascii")
    elif harm == "no manifest":
        manifest.unlink()
    else:
        events = tmp_path / "out" / "ledger" / "events.jsonl"
        events.write_bytes(events.read_bytes().replace(b"1e-300", b"2e-300"))
    there = tmp_path / "there" / "c.yaml"
    there.parent.mkdir()
    with pytest.raises(InputError):
        import_campaign(tmp_path / "out", there)
    assert not there.exists()
    assert not (there.parent / "afssb-store" / "lab").exists()
    if (there.parent / "afssb-store" / "ledger.db").exists():
        with Ledger.open(f"sqlite:///{there.parent / 'afssb-store' / 'ledger.db'}") as ledger:
            assert ledger.campaigns() == []


def test_no_file_is_replaced_by_an_export_or_an_import(file: Path, tmp_path: Path) -> None:
    with Campaign.load(file, read_only=True) as campaign:
        export_campaign(campaign, tmp_path / "out")
        with pytest.raises(StoreError, match="exists already"):
            export_campaign(campaign, tmp_path / "out")
    other = tmp_path / "other.yaml"
    other.write_text(CAMPAIGN.replace("Zelle", "Platte"), encoding="utf-8")
    before = other.read_bytes()
    with pytest.raises(InputError, match="is another campaign"):
        import_campaign(tmp_path / "out", other)
    assert other.read_bytes() == before


def test_the_command_line_exports_backs_up_and_imports(file: Path, tmp_path: Path, afssb) -> None:  # type: ignore[no-untyped-def]
    done = afssb("export", file, tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == 1
    done = afssb("backup", file, tmp_path / "kept" / "ledger.db")
    assert done.returncode == 0, done.stderr
    with Ledger.open(f"sqlite:///{tmp_path / 'kept' / 'ledger.db'}") as ledger:
        assert ledger.check() == []
    done = afssb("import", tmp_path / "out", tmp_path / "new.yaml")
    assert done.returncode == 0, done.stderr
    assert "with 1 trials" in done.stdout
