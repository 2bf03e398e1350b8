import numpy as np
import pytest

from afssb_opt.lab.cycles import cell_cycles
from afssb_opt.lab.impedance import spectrum_result
from afssb_opt.lab.reading import read_file
from afssb_opt.lab.same_content import repeated_content


def cycles_of(path):
    content = read_file(path)
    assert content.kind == "cycler", content.findings
    return cell_cycles(content.series, 1.0), content


def efficiencies(cycles):
    return cycles.cycling["coulombic_efficiency_pct"].to_numpy()


@pytest.mark.parametrize(
    ("name", "n_cycles", "first_efficiencies"),
    [
        ("neware/nw4-120-1-6-53.ndax", 160, [19.07, 72.37, 69.12, 81.31]),
        ("neware/nw4-120-6-1-36.ndax", 4, [100.6, 100.2, 100.1, 100.1]),
        ("neware/TestFile.nda", 1, [99.92]),
        ("arbin/arbin_example.res", 4, [98.27, 99.50, 99.54, 99.51]),
        ("arbin/bs542_004_gr_li_50ua_50mv_1v_191020_Channel_11.xlsx", 1, [92.25]),
        ("neware/neware_uio.csv", 4, []),
        ("other_cyclers/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv", 1, [40.6]),
    ],
)
def test_real_files_give_the_cycles_and_efficiencies_that_independent_readers_measured(
    realdata, name, n_cycles, first_efficiencies
):
    cycles, _ = cycles_of(realdata / name)
    assert len(cycles.cycling) == n_cycles
    np.testing.assert_allclose(efficiencies(cycles)[: len(first_efficiencies)], first_efficiencies, atol=0.1)


def test_the_failing_cell_keeps_its_tiny_cycles_and_the_last_one_above_a_hundred_percent(realdata):
    cycles, content = cycles_of(realdata / "neware/nw4-120-1-6-53.ndax")
    assert efficiencies(cycles)[-1] == pytest.approx(104.1, abs=0.1)
    assert content.series.identifiers == ("250403_kigr_gen9_06",)
    assert content.series.test_uid == "neware:F9EDD538355A194A89EBF10DBCADFAD5"


def test_a_part_charged_start_is_no_initial_efficiency(realdata):
    cycles, _ = cycles_of(realdata / "neware/nw4-120-6-1-36.ndax")
    assert not cycles.starts_empty
    assert cycles.cycling["cycle"].tolist() == [2, 3, 4, 5]
    assert any("818 %" in str(finding) for finding in cycles.findings)


def test_an_unfinished_last_cycle_and_a_leading_discharge_are_kept_out(realdata):
    cycles, _ = cycles_of(realdata / "neware/TestFile.nda")
    assert cycles.has_unfinished
    assert not cycles.starts_empty


def test_capacity_of_the_arbin_file_is_that_of_its_makers(realdata):
    cycles, _ = cycles_of(realdata / "arbin/arbin_example.res")
    assert cycles.cycling["discharge_capacity_mah_cm2"].iloc[0] == pytest.approx(0.475, abs=0.001)


def test_a_current_recorded_too_coarsely_gives_way_to_the_counter(realdata):
    cycles, content = cycles_of(realdata / "other_cyclers/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv")
    assert len(content.series.table) == 25_162
    (leading,) = [str(finding) for finding in cycles.findings if finding.rule == "cycles.first"]
    assert "6.3 mAh" in leading
    assert any(finding.rule == "series.counter" and finding.verdict.name == "WARNING" for finding in cycles.findings)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("neware/empty.ndax", "series.rows"),
        ("neware/Unit27_Example_Corrupt.ndax", "file.damaged"),
        ("bad/custom_missing_column.csv", "series.columns"),
        ("eis/exampleDataBioLogic_MissingFreq.mpt", "impedance.points"),
        ("anode_free_al/label_data_post_batch6.csv", "series.format"),
        ("severson_attia/cycle_lives/train_cycle_lives.csv", "series.format"),
        ("summaries_life/CALCE_CX2-33_prism_LCO_25C_0-100_0.5-0.5C_d_cycle_data.csv", "series.format"),
        ("aurora_meta/unicycler.json", "file.type"),
    ],
)
def test_real_files_that_cannot_be_used_are_refused_for_the_right_reason(realdata, name, rule):
    content = read_file(realdata / name)
    assert content.kind == "refused"
    assert [finding.rule for finding in content.findings] == [rule]


@pytest.mark.parametrize("name", ["custom_good_small", "custom_nan_inf", "custom_missing_cycle", "custom_truncated"])
def test_a_table_without_units_waits_for_a_person(realdata, name):
    content = read_file(realdata / "bad" / f"{name}.csv")
    assert content.kind == "cycler"
    assert "table.units" in {finding.rule for finding in content.findings}
    found = {finding.rule for finding in content.findings}
    assert ("series.missing" in found) == (name == "custom_nan_inf")
    assert ("text.last_line" in found) == (name == "custom_truncated")


def test_the_two_maccor_files_are_one_measurement(realdata, make):
    files = [make.arrived(realdata / "maccor" / f"maccor_example.{end}") for end in ("001", "002")]
    notes, blocked = repeated_content(files, {file.path: "" for file in files})
    assert [name for name, _ in notes] == ["maccor_example.002"]
    assert list(blocked) == [files[1].path]


@pytest.mark.parametrize("name", ["sample_data_basytec.txt", "sample_data_novonix.csv"])
def test_short_samples_of_other_testers_are_read_and_have_no_complete_cycle(realdata, name):
    cycles, _ = cycles_of(realdata / "other_cyclers" / name)
    assert cycles.cycling.empty
    assert cycles.has_unfinished


@pytest.mark.parametrize(
    ("name", "n_points", "is_reliable"),
    [
        ("exampleData.csv", 66, True),
        ("exampleDataZPlot.z", 21, True),
        ("exampleDataBioLogic.mpt", 43, False),
        ("exampleDataGamry.DTA", 72, False),
    ],
)
def test_real_spectra_are_read_and_judged(realdata, name, n_points, is_reliable):
    spectrum = read_file(realdata / "eis" / name).spectrum
    assert len(spectrum.frequency_hz) == n_points
    assert spectrum_result(spectrum).is_reliable == is_reliable


def test_an_aborted_sweep_with_the_same_points_is_accepted_with_a_warning(realdata):
    whole, aborted = (read_file(realdata / "eis" / f"exampleDataGamry{end}.DTA").spectrum for end in ("", "ABORT"))
    np.testing.assert_array_equal(whole.impedance_ohm, aborted.impedance_ohm)
    assert [finding.rule for finding in aborted.findings] == ["impedance.aborted"]
