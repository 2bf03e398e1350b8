import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from afssb_opt import Campaign
from afssb_opt.campaign.ingesting import cell_folder, commit_plan, plan_ingest, waiting_long
from afssb_opt.campaign.lab_notes import held_parts, lab_notes
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.cli.app import app
from afssb_opt.domain.errors import InputError
from afssb_opt.domain.stack import seed_cost_usd_m2
from afssb_opt.domain.trials import TrialState
from afssb_opt.lab.cycles import cell_cycles
from afssb_opt.lab.findings import RULES
from afssb_opt.lab.planning import Asked
from afssb_opt.lab.reading import read_file
from afssb_opt.ledger import NewTrial

START = "2099-01-10 08:00:00"


@pytest.fixture
def campaign(make):
    """Return an open campaign with three proposed cells; no surrogate is needed for that."""
    with Campaign.load(make.LAB) as opened:
        designs = [{**make.DESIGN, "stack_pressure_mpa": 5.0 + number} for number in range(3)]
        with hold_lease(opened.ledger, opened.uid) as lease:
            opened.ledger.add_trials(lease, [NewTrial(design, 1, "start") for design in designs])
        yield opened


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def read_here(paths):
    """Read in this process; the isolated reading has tests of its own and is used by the command line below."""
    return [read_file(path) for path in paths]


def ingest(campaign, *paths, **asked):
    asked.setdefault("area_cm2", 1.0)
    plan = plan_ingest(campaign, paths, Asked(**asked), read=read_here)
    return commit_plan(campaign, plan, "tester")


def cells(make, folder, label, n, *, ce=0.995, name=""):
    rows = make.ideal_records(*make.fading(n, ce=ce))
    return make.bdf_csv(rows, folder / (name or f"{label}.csv"), START)


def state(campaign, label):
    return campaign.ledger.trial(label)


def test_a_cell_that_goes_on_is_partial_then_a_longer_file_is_a_revision_then_it_ends(campaign, inbox, make):
    label = campaign.trials()[0].label
    ingest(campaign, cells(make, inbox, label, 4))
    assert state(campaign, label).state is TrialState.PARTIAL
    assert state(campaign, label).result.censored == {"cycle_life"}
    ingest(campaign, cells(make, inbox, label, 9))
    assert state(campaign, label).result.outcomes["cycle_life"] == 9
    assert state(campaign, label).n_revisions == 1
    ingest(campaign, cells(make, inbox, label, 20))
    assert state(campaign, label).state is TrialState.COMPLETED
    table = campaign.ledger.cycling_table(state(campaign, label).cycling_sha256)
    assert len(table) == 20


def test_a_cell_with_a_seed_of_the_laboratorys_own_is_plugged_in_like_any_other(inbox, make):
    file = copy.deepcopy(make.LAB)
    file["space"]["seed_alloy"] = {"levels": {"Ag-X": {"li_solubility": 0.2}, "Ag": {"li_solubility": 0.9}}}
    with Campaign.load(file) as campaign:
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            design = {**make.DESIGN, "seed_alloy": "Ag-X"}
            (trial,) = campaign.ledger.add_trials(lease, [NewTrial(design, 1, "start")])
        ingest(campaign, cells(make, inbox, trial.label, 20))
        found = state(campaign, trial.label)
        assert found.state is TrialState.COMPLETED
        assert found.result.outcomes["cycle_life"] > 0
        assert "energy_density_wh_l" not in found.result.outcomes


def test_a_price_that_the_table_leaves_out_follows_from_what_was_built(inbox, make):
    file = copy.deepcopy(make.LAB) | {"objectives": {"cycle_life": {"goal": "maximize"},
                                                     "seed_cost_usd_m2": {"goal": "minimize"}}}  # fmt: skip
    with Campaign.load(file) as campaign:
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            new = [NewTrial(make.DESIGN, 1, "start"), NewTrial({**make.DESIGN, "stack_pressure_mpa": 9.0}, 1, "start")]
            first, second = campaign.ledger.add_trials(lease, new)
        table = inbox / "results.csv"
        table.write_text(
            "trial,as_built_interlayer_thickness_um,cycle_life,seed_cost_usd_m2\n"
            f"{first.label},10,120,\n{second.label},,90,3.5\n"
        )
        ingest(campaign, table)
        built = {**make.DESIGN, "interlayer_thickness_um": 10.0}
        price = state(campaign, first.label).result.outcomes["seed_cost_usd_m2"]
        assert price == pytest.approx(seed_cost_usd_m2(built))
        assert state(campaign, second.label).result.outcomes["seed_cost_usd_m2"] == 3.5


def test_the_same_content_is_nothing_new_wherever_it_comes_from(campaign, inbox, make):
    label = campaign.trials()[0].label
    path = cells(make, inbox, label, 4)
    ingest(campaign, path)
    before = campaign.ledger.last_seq(campaign.uid)
    elsewhere = inbox / "sub" / f"copy of {label}.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(path.read_bytes())
    assert ingest(campaign, path, elsewhere) == []
    plan = plan_ingest(campaign, [path, elsewhere], read=read_here)
    assert [finding.rule for _, finding in plan.notes] == ["file.repeated"] * 2
    assert campaign.ledger.last_seq(campaign.uid) == before


def test_a_shorter_export_of_a_known_test_changes_nothing(campaign, inbox, make):
    label = campaign.trials()[0].label
    ingest(campaign, cells(make, inbox, label, 8))
    seen = state(campaign, label).result.outcomes
    ingest(campaign, cells(make, inbox, label, 3))
    assert state(campaign, label).result.outcomes == seen


def test_a_corrected_table_supersedes_and_another_table_disputes(campaign, inbox):
    first, second, _ = (trial.label for trial in campaign.trials())
    table = inbox / "results.csv"
    text = "trial,cycle_life,initial_ce_pct,status\n{},{},80,completed\n"
    for label in (first, second):
        table.write_text(text.format(label, 100))
        ingest(campaign, table)
    table.write_text(text.format(first, 120))
    ingest(campaign, table)
    assert state(campaign, first).result.outcomes["cycle_life"] == 120
    assert (state(campaign, first).state, state(campaign, first).n_revisions) == (TrialState.COMPLETED, 1)
    other = inbox / "other person.csv"
    other.write_text(text.format(second, 77))
    assert "disputed" in str(ingest(campaign, other))
    assert state(campaign, second).state is TrialState.DISPUTED
    assert second not in set(campaign.observations()["label"])


def test_a_longer_cycler_file_keeps_what_only_the_table_told(campaign, inbox, make):
    label = campaign.trials()[0].label
    sheet = inbox / "sheet.csv"
    sheet.write_text(f"trial,porosity_pct,status\n{label},12.5,completed\n")
    ingest(campaign, sheet, cells(make, inbox, label, 5))
    assert state(campaign, label).state is TrialState.COMPLETED
    ingest(campaign, cells(make, inbox, label, 9))
    outcomes = state(campaign, label).result.outcomes
    assert (outcomes["porosity_pct"], outcomes["cycle_life"]) == (12.5, 9)


def test_two_files_of_one_cell_that_come_weeks_apart_are_joined(campaign, inbox, make):
    label = campaign.trials()[0].label
    charges, discharges = make.fading(8)
    ingest(campaign, make.bdf_csv(make.ideal_records(charges[:4], discharges[:4]), inbox / f"{label}_1.csv", START))
    late = make.bdf_csv(
        make.ideal_records(charges[4:], discharges[4:]), inbox / f"{label}_2.csv", "2099-01-20 08:00:00"
    )
    ingest(campaign, late)
    table = campaign.ledger.cycling_table(state(campaign, label).cycling_sha256)
    assert table["charge_capacity_mah_cm2"].tolist() == pytest.approx(charges)


def test_replicates_become_trials_of_their_own_once(campaign, inbox):
    label = campaign.trials()[0].label
    table = inbox / "results.csv"
    table.write_text(f"trial,cell_id,cycle_life,status\n{label},A1,100,completed\n{label},A2,140,completed\n")
    ingest(campaign, table)
    ingest(campaign, table)
    trials = campaign.trials()
    assert len(trials) == 4
    assert trials[3].design == trials[0].design
    assert [trials[0].result.outcomes["cycle_life"], trials[3].result.outcomes["cycle_life"]] == [100, 140]


def test_what_is_doubtful_waits_is_counted_once_and_can_be_accepted(campaign, inbox):
    label = campaign.trials()[0].label
    table = inbox / "results.csv"
    table.write_text(f"trial,cycle_life,retention_pct,status\n{label},100,150,completed\n")
    ingest(campaign, table)
    ingest(campaign, table)
    (part,) = held_parts(campaign.ledger, campaign.uid)
    assert (part.trial, part.rules) == (label, ("value.plausible",))
    assert "C2" in part.findings[0]
    table.unlink()
    assert state(campaign, label).state is TrialState.PROPOSED


def test_a_failed_cell_is_a_failure_that_the_model_sees(campaign, inbox):
    label = campaign.trials()[0].label
    table = inbox / "results.csv"
    table.write_text(f"trial,cycle_life,status,reason\n{label},0,failed,short in the first charge\n")
    ingest(campaign, table)
    assert campaign.observations()["status"].tolist() == ["failed"]


def test_the_folder_of_a_cell_holds_raw_file_table_and_pictures(campaign, inbox, make):
    label = campaign.trials()[0].label
    path = cells(make, inbox, label, 6)
    z = inbox / f"{label} eis.csv"
    z.write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + "".join(f"{10.0 ** (5 - k / 3)},{20 + k},{k}\n" for k in range(18)))
    ingest(campaign, path, z)
    folder = cell_folder(campaign, label)
    names = {entry.name for entry in folder.iterdir()}
    assert {"cycling.parquet", "capacity_efficiency.png", "voltage_profiles.png", "nyquist.png", "raw"} <= names
    (raw,) = folder.glob(f"raw/*{label}.csv")
    assert raw.read_bytes() == path.read_bytes()
    assert len(pd.read_parquet(folder / "cycling.parquet")) == 6


def test_a_crash_between_result_and_note_is_mended_by_the_same_command(campaign, inbox, make, monkeypatch):
    label = campaign.trials()[0].label
    path = cells(make, inbox, label, 4)

    def broken(*arguments):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("afssb_opt.campaign.ingesting.write_cell_folder", broken)
        with pytest.raises(OSError, match="disk full"):
            ingest(campaign, path)
    assert state(campaign, label).state is TrialState.PARTIAL
    assert [entry["what"] for entry in ingest(campaign, path)] == ["already_known"]
    assert ingest(campaign, path) == []
    assert state(campaign, label).n_revisions == 0


def test_70_cells_that_nobody_mentions_for_a_month_are_asked_about(campaign, inbox):
    first, second, third = (trial.label for trial in campaign.trials())
    (inbox / "good.csv").write_text(f"trial,cycle_life,status\n{first},100,completed\n")
    ingest(campaign, inbox)
    in_a_month = time.time() + 31 * 86_400
    assert [trial.label for trial in waiting_long(campaign, in_a_month)] == [second, third]
    assert waiting_long(campaign, time.time()) == []


def test_the_series_goes_out_in_battery_data_format_and_comes_back(campaign, inbox, make):
    label = campaign.trials()[0].label
    ingest(campaign, cells(make, inbox, label, 3))
    out = cell_folder(campaign, label) / "series.bdf.parquet"
    assert "Voltage / V" in pd.read_parquet(out).columns
    assert len(cell_cycles(read_file(out).series, 1.0).cycling) == 3


def test_a_path_that_does_not_exist_is_named(campaign, inbox):
    with pytest.raises(InputError, match="nowhere"):
        ingest(campaign, inbox / "nowhere")


def test_lock_files_and_hidden_files_are_skipped_and_a_file_just_written_waits(campaign, inbox, make):
    (inbox / "~$results.xlsx").write_bytes(b"lock")
    (inbox / ".hidden.csv").write_text("x")
    assert plan_ingest(campaign, [inbox], read=read_here).loose == ()
    cells(make, inbox, campaign.trials()[0].label, 3)
    (part,) = plan_ingest(campaign, [inbox], settle_s=60.0, read=read_here).loose
    assert part.findings[0].rule == "file.growing"


def run(*arguments):
    """Run a command in this process; its file reading happens in one of its own."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_line_shows_records_holds_and_accepts(campaign, inbox, make, tmp_path):
    # JSON is YAML.
    file = tmp_path / "lab.yaml"
    file.write_text(json.dumps(make.LAB))
    first, second, third = (trial.label for trial in campaign.trials())
    cells(make, inbox, first, 4)
    cells(make, inbox, third, 5, name="measurement.csv")
    (inbox / "results.csv").write_text(f"trial,retention_pct,status\n{second},150,completed\n")
    unasked = run("ingest", file, inbox, "--area-cm2", "1")
    assert (unasked.exit_code, state(campaign, first).state) == (1, TrialState.PROPOSED)
    assert "B2" in unasked.stdout
    done = json.loads(run("ingest", file, inbox, "--yes", "--area-cm2", "1", "--json").stdout)
    words = {entry["from"].split()[0]: entry["what"].split()[0] for entry in done["done"]}
    assert words == {f"{first}.csv": "recorded", "results.csv": "held", "measurement.csv": "held"}
    listed = json.loads(run("ingest", file, "--held", "--json").stdout)["held"]
    held = {part["name"].split()[0]: part["key"] for part in listed}
    accepted = run("ingest", file, "--held", "--accept", held["results.csv"])
    assert accepted.exit_code == 0, accepted.output
    assert state(campaign, second).result.outcomes["retention_pct"] == 150
    nameless = run("ingest", file, "--accept", held["measurement.csv"])
    assert isinstance(nameless.exception, InputError)
    given = run("ingest", file, "--accept", held["measurement.csv"], "--trial", third, "--area-cm2", "1")
    assert given.exit_code == 0, given.output
    assert state(campaign, third).state is TrialState.PARTIAL
    assert held_parts(campaign.ledger, campaign.uid) == []


def test_a_held_part_is_dropped_with_a_reason_only(campaign, inbox, make, tmp_path):
    file = tmp_path / "lab.yaml"
    file.write_text(json.dumps(make.LAB))
    (inbox / "rows.csv").write_text("trial,cycle_life,status\nT9999-A,7,completed\n")
    ingest(campaign, inbox)
    (part,) = held_parts(campaign.ledger, campaign.uid)
    assert isinstance(run("ingest", file, "--drop", part.key).exception, InputError)
    assert run("ingest", file, "--drop", part.key, "--reason", "another lab").exit_code == 0
    assert held_parts(campaign.ledger, campaign.uid) == []
    assert isinstance(run("ingest", file, "--accept", part.key).exception, InputError)


def test_a_dry_run_writes_nothing(campaign, inbox, make, afssb, tmp_path):
    file = tmp_path / "lab.yaml"
    file.write_text(json.dumps(make.LAB))
    label = campaign.trials()[0].label
    cells(make, inbox, label, 4)
    before = campaign.ledger.last_seq(campaign.uid)
    shown = afssb("ingest", file, inbox, "--dry-run", "--area-cm2", "1")
    assert shown.returncode == 0, shown.stderr
    assert "Nothing was recorded; 1 cells would be" in shown.stdout
    assert campaign.ledger.last_seq(campaign.uid) == before


@pytest.mark.slow
def test_a_proposal_goes_out_as_a_sheet_and_its_results_come_back(inbox, make, tmp_path):
    file = tmp_path / "lab.yaml"
    file.write_text(json.dumps(make.LAB))
    proposed = json.loads(run("propose", file, "-n", "2", "--out", tmp_path / "sheets", "--json").stdout)
    csv_sheet, xlsx_sheet = map(Path, proposed["sheets"])
    assert xlsx_sheet.exists()
    table = pd.read_csv(csv_sheet, dtype=str, keep_default_na=False)
    assert table["why"].str.len().min() > 5
    table.assign(status="completed", initial_ce_pct="81.5").to_csv(inbox / "back.csv", index=False)
    done = json.loads(run("ingest", file, inbox, "--yes", "--json").stdout)["done"]
    assert [(entry["trial"], entry["what"]) for entry in done] == [(label, "recorded") for label in table["trial"]]


def test_the_manual_names_every_rule():
    manual = (Path(__file__).parents[2] / "docs" / "lab-results.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in manual] == []


def test_two_ingests_of_one_folder_at_once_record_each_cell_once(campaign, inbox, make):
    for number, trial in enumerate(campaign.trials()[:2]):
        cells(make, inbox, trial.label, 3 + number)
    plan = plan_ingest(campaign, [inbox], Asked(area_cm2=1.0), read=read_here)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: commit_plan(campaign, plan, "tester"), range(2)))
    said = sorted(entry["what"] for entries in done for entry in entries)
    assert said == ["already_known"] * 2 + ["recorded"] * 2
    assert [trial.n_revisions for trial in campaign.trials()] == [0, 0, 0]
    assert campaign.ledger.check() == []


def test_a_sheet_that_names_cells_only_says_that_they_are_in_test(campaign, inbox):
    label = campaign.trials()[0].label
    (inbox / "sheet.csv").write_text(f"trial,cell_id,cell_area_cm2,status\n{label},AB-1,0.785,\n")
    ingest(campaign, inbox)
    assert state(campaign, label).state is TrialState.IN_TEST
    assert lab_notes(campaign.ledger, campaign.uid).areas == {label: 0.785}
