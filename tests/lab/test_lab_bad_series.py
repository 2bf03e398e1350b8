"""Bad inputs 13 to 70 of the guidance, as far as they are about cycler files and spectra: each with its behaviour."""

import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from afssb_opt.lab.reading import read_file


def only(parts):
    (part,) = parts
    return part


def test_a_clean_cycler_file_named_after_its_trial_is_accepted(lab):
    cell = only(lab.plan(lab.cell()).cells)
    assert cell.decision == "accepted"
    assert cell.result.outcomes["initial_ce_pct"] == pytest.approx(80.0)
    assert not cell.is_final


def test_13_and_57_a_turned_sign_is_mended_and_said(lab, rules, make):
    rows = make.ideal_records(*make.fading(4))
    path = make.bdf_csv(rows.assign(current=-rows["current"]), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert (cell.decision, rules(cell)["series.sign"]) == ("accepted", "WARNING")
    assert cell.result.outcomes["initial_ce_pct"] == pytest.approx(80.0)


@pytest.mark.parametrize(("factor", "words"), [(1000.0, "1000"), (0.001, "1000"), (2.5, "2.5 cm2")])
def test_14_and_20_a_capacity_off_by_a_unit_or_the_area_is_held_with_a_suggestion(lab, make, factor, words):
    rows = make.ideal_records(*make.fading(4))
    path = make.bdf_csv(rows.assign(current=rows["current"] * factor), lab.folder / "T0001-F.csv")
    area = 2.5 if factor == 2.5 else 1.0
    rows = rows.assign(current=rows["current"] / (area if factor == 2.5 else 1.0))
    cell = only(lab.plan(path if factor != 2.5 else make.bdf_csv(rows, path), area_cm2=area).cells)
    assert cell.decision == "held"
    if factor != 2.5:
        assert words in " ".join(map(str, cell.findings))


def test_21_hours_under_a_header_of_seconds_are_held_against_the_clock(lab, rules, make):
    rows = make.ideal_records(*make.fading(4))
    path = make.bdf_csv(rows, lab.folder / "T0001-F.csv")
    table = pd.read_csv(path)
    table["Test Time / s"] /= 3600.0
    table["Step Time / s"] /= 3600.0
    table.to_csv(path, index=False)
    cell = only(lab.plan(path).cells)
    assert rules(cell)["series.unit"] == "HELD"
    assert "3600" in str(cell.findings)


def test_35_a_file_name_that_is_only_alike_is_a_suggestion(lab, rules):
    part = only(lab.plan(lab.cell("t0001-f.csv")).loose)
    assert rules(part)["match.near"] == "HELD"
    assert "T0001-F" in str(part.findings)


def test_39_a_continuation_is_joined_and_an_overlap_is_refused(lab, rules, make):
    charges, discharges = make.fading(6)
    first = make.bdf_csv(make.ideal_records(charges[:3], discharges[:3]), lab.folder / "T0001-F part 1.csv")
    second = make.bdf_csv(
        make.ideal_records(charges[3:], discharges[3:]), lab.folder / "T0001-F part 2.csv", "2026-06-12 08:00:00"
    )
    cell = only(lab.plan(second, first).cells)
    assert rules(cell)["series.continued"] == "NOTE"
    np.testing.assert_allclose(cell.cycling["charge_capacity_mah_cm2"], charges, rtol=1e-6)
    overlapping = make.bdf_csv(
        make.ideal_records(charges[2:], discharges[2:]), lab.folder / "T0001-F part 2.csv", "2026-06-10 18:00:00"
    )
    assert rules(only(lab.plan(first, overlapping).cells))["series.overlap"] == "REJECTED"


def test_40_one_measurement_under_two_trials_is_refused_for_both(lab, rules):
    first = lab.cell("T0001-F.csv")
    second = lab.folder / "T0002-L.csv"
    shutil.copy(first, second)
    plan = lab.plan(first, second)
    assert not plan.cells
    assert [rules(part) for part in plan.loose] == [{"match.same_content": "REJECTED"}] * 2


def test_45_another_rate_or_window_is_held(lab, rules):
    assert rules(only(lab.plan(lab.cell(current_ma=1.5)).cells))["cycles.rate"] == "HELD"
    assert rules(only(lab.plan(lab.cell(high=4.6)).cells))["cycles.window"] == "HELD"


def test_46_damaged_binaries_are_refused(lab, rules, tmp_path):
    path = tmp_path / "T0001-F.ndax"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("TestInfo.xml", "<root/>" * 2000)
    path.write_bytes(path.read_bytes()[:500])
    assert rules(only(lab.plan(path).loose)) == {"file.damaged": "REJECTED"}
    (tmp_path / "T0002-L.nda").write_bytes(b"NEWARE" + b"\1" * 2000)
    assert rules(only(lab.plan(tmp_path / "T0002-L.nda").loose))["file.damaged"] == "REJECTED"
    (tmp_path / "T0003-S.res").write_bytes(b"\0\1\0\0Standard Jet DB" + b"\2" * 9000)
    part = only(lab.plan(tmp_path / "T0003-S.res").loose)
    assert part.decision == "rejected"


def test_46_half_of_a_real_binary_is_refused_or_has_fewer_rows(realdata, tmp_path):
    for name in ("neware/nw4-120-6-1-36.ndax", "arbin/arbin_example.res"):
        source = realdata / name
        half = tmp_path / source.name
        half.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
        assert read_file(half).kind == "refused"


def test_48_a_last_line_that_was_cut_is_dropped_and_said(lab, rules, make):
    path = lab.cell(n=3)
    path.write_bytes(path.read_bytes().rstrip(b"\r\n")[:-4])
    cell = only(lab.plan(path).cells)
    assert rules(cell)["text.last_line"] == "NOTE"


def test_49_an_unfinished_last_cycle_is_not_counted(lab, make):
    charges, discharges = make.fading(4)
    path = make.bdf_csv(make.ideal_records(charges, [*discharges[:3], 0.0]), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert cell.cycling["cycle"].tolist() == [1, 2, 3]
    assert not cell.is_final


def test_50_a_file_without_a_complete_cycle_is_kept_and_the_trial_stays_open(lab, rules, make):
    path = make.bdf_csv(make.ideal_records([3.0], [0.0]), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert (cell.decision, cell.result) == ("accepted", None)
    assert rules(cell)["cycles.none"] == "NOTE"


def test_51_a_cell_that_was_part_charged_gets_no_initial_efficiency(lab, make):
    charges, discharges = make.fading(4)
    path = make.bdf_csv(make.ideal_records([0.4, *charges[1:]], discharges), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path, accepted_rules=frozenset({"cycles.capacity"})).cells)
    assert "initial_ce_pct" not in cell.result.outcomes
    assert cell.status["initial_ce_pct"] == "invalid"


def test_52_vendor_numbers_that_reset_or_start_late_are_replaced(lab, rules, make):
    rows = make.ideal_records(*make.fading(4))
    path = make.bdf_csv(rows.assign(cycle=rows["cycle"] % 2 + 339), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert cell.cycling["cycle"].tolist() == [1, 2, 3, 4]
    assert rules(cell)["cycles.numbering"] == "NOTE"


def test_53_impedance_rows_between_cycles_are_left_out(lab, rules, make):
    rows = make.ideal_records(*make.fading(3))
    path = lab.folder / "T0001-F.mpt"
    table = pd.DataFrame(
        {
            "time/s": rows["time"],
            "Ns": rows["step"],
            "Ewe/V": rows["voltage"],
            "<I>/mA": rows["current"] * 1000,
            "freq/Hz": 0.0,
        }
    )
    swept = table.iloc[[5] * 4].assign(**{"freq/Hz": [1e5, 1e4, 1e3, 1e2], "<I>/mA": [5, -5, 5, -5]})
    joined = pd.concat([table.iloc[:6], swept, table.iloc[6:]])
    path.write_text("EC-Lab ASCII FILE\nNb header lines : 3\n" + joined.to_csv(sep="\t", index=False))
    cell = only(lab.plan(path).cells)
    assert rules(cell)["series.impedance"] == "NOTE"
    assert len(cell.cycling) == 3


def test_54_a_clock_that_goes_back_does_not_matter(lab, rules, make):
    path = lab.cell(n=4)
    table = pd.read_csv(path)
    table.loc[40:, "Unix Time / s"] -= 7200
    table.to_csv(path, index=False)
    cell = only(lab.plan(path).cells)
    assert (cell.decision, rules(cell)["series.clock"]) == ("accepted", "WARNING")
    assert cell.result.outcomes["initial_ce_pct"] == pytest.approx(80.0)


def test_54_a_restarted_test_time_is_put_one_after_another(lab, rules, make):
    charges, discharges = make.fading(4)
    parts = [make.ideal_records(charges[:2], discharges[:2]), make.ideal_records(charges[2:], discharges[2:])]
    parts[1]["step"] += 100
    rows = pd.concat(parts, ignore_index=True)
    path = make.bdf_csv(rows, lab.folder / "T0001-F.csv")
    pd.read_csv(path).drop(columns="Unix Time / s").to_csv(path, index=False)
    cell = only(lab.plan(path).cells)
    assert rules(cell)["series.time"] == "WARNING"
    np.testing.assert_allclose(cell.cycling["charge_capacity_mah_cm2"], charges, rtol=1e-6)


def test_56_a_current_without_sign_and_without_states_is_held(lab, rules, make):
    rows = make.ideal_records(*make.fading(4))
    path = make.bdf_csv(rows.assign(current=rows["current"].abs()), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert rules(cell)["series.sign"] == "HELD"


def test_58_area_and_mass_of_a_file_are_never_read(lab, rules, make):
    rows = make.ideal_records(*make.fading(3))
    path = lab.folder / "T0001-F.mpt"
    table = pd.DataFrame(
        {"time/s": rows["time"], "Ns": rows["step"], "Ewe/V": rows["voltage"], "<I>/mA": rows["current"] * 1000}
    )
    head = "EC-Lab ASCII FILE\nNb header lines : 4\nElectrode surface area : 0.001 cm\u00b2\n"
    path.write_bytes((head + table.to_csv(sep="\t", index=False)).encode("cp1252"))
    cell = only(lab.plan(path).cells)
    assert cell.cycling["charge_capacity_mah_cm2"].iloc[0] == pytest.approx(3.0, rel=1e-4)
    unknown = only(lab.plan(path, area_cm2=float("nan")).cells)
    assert rules(unknown)["series.area"] == "HELD"
    assert unknown.result is None


def test_59_voltages_of_a_wrong_locale_are_refused(lab, rules, make):
    rows = make.ideal_records(*make.fading(3))
    path = make.bdf_csv(rows.assign(voltage=rows["voltage"] * 1e6), lab.folder / "T0001-F.csv")
    assert rules(only(lab.plan(path).loose))["series.range"] == "REJECTED"


def test_60_to_62_a_spectrum_gives_a_resistance_only_where_it_is_sound_and_the_area_known(lab, rules):
    frequency = np.logspace(5, -1, 61)
    z = 10 + 40 / (1 + 2j * np.pi * frequency * 1e-3)
    body = "\n".join(f"{f},{a},{-b}" for f, a, b in zip(frequency, z.real, z.imag, strict=True))
    path = lab.folder / "T0001-F.csv"
    path.write_text(f"freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n{body}\n")
    cell = only(lab.plan(path, area_cm2=2.0).cells)
    assert cell.result.outcomes["areal_resistance_ohm_cm2"] == pytest.approx(100.0, rel=0.03)
    bare = only(lab.plan(path, area_cm2=float("nan")).cells)
    assert bare.result is None
    assert rules(bare)["impedance.area"] == "WARNING"
    path.write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n1000,10,1\n")
    assert rules(only(lab.plan(path).cells))["impedance.points"] == "REJECTED"


def test_64_a_dead_channel_is_cut_at_its_last_good_row(lab, rules, make):
    rows = make.ideal_records(*make.fading(4))
    dead = rows.tail(1).assign(voltage=0.0, current=0.0)
    dead = pd.concat([dead.assign(time=dead["time"] + 60 * k) for k in range(1, 8)])
    path = make.bdf_csv(pd.concat([rows, dead], ignore_index=True), lab.folder / "T0001-F.csv")
    cell = only(lab.plan(path).cells)
    assert rules(cell)["series.crash"] == "WARNING"
    assert len(cell.cycling) == 4


def test_65_a_stray_byte_in_a_maccor_header_is_read_as_cp1252(lab, make):
    rows = make.ideal_records(*make.fading(3))
    state = np.where(rows["current"] > 0, "C", np.where(rows["current"] < 0, "D", "R"))
    table = pd.DataFrame(
        {
            "Rec#": range(len(rows)),
            "Cyc#": rows["cycle"],
            "Step": rows["step"],
            "Test (Min)": rows["time"] / 60,
            "Amps": rows["current"].abs(),
            "Volts": rows["voltage"],
            "State": state,
        }
    )
    path = lab.folder / "T0001-F.001"
    path.write_bytes(
        b"Today's Date \xff04/04/2026\tComment/Barcode: x\r\n" + table.to_csv(sep="\t", index=False).encode()
    )
    assert only(lab.plan(path).cells).decision == "accepted"


def test_67_a_test_that_began_before_the_proposal_is_held(lab, rules):
    assert rules(only(lab.plan(lab.cell(start="2026-01-10 08:00:00")).cells))["match.date"] == "HELD"


def test_68_a_cell_of_another_campaign_is_held(lab, rules):
    part = only(lab.plan(lab.cell("T0099-A.csv")).loose)
    assert rules(part)["match.campaign"] == "HELD"


def test_a_file_that_names_two_trials_is_held(lab, rules):
    assert rules(only(lab.plan(lab.cell("T0001-F and T0002-L.csv")).loose))["match.several"] == "HELD"


def test_a_file_that_names_nothing_is_held(lab, rules):
    assert rules(only(lab.plan(lab.cell("measurement 7.csv")).loose))["match.none"] == "HELD"


def test_a_cell_id_of_the_sheet_links_its_files(lab):
    sheet = lab.table("trial,cell_id,cell_area_cm2,status\nT0002-L,AB-7,1.0,running\n")
    cell = only(lab.plan(lab.cell("2026-11_AB-7_C3.csv"), sheet).cells)
    assert (cell.trial, cell.cell_id) == ("T0002-L", "AB-7")


def test_a_table_that_contradicts_the_cycler_file_is_held(lab, rules):
    sheet = lab.table("trial,initial_ce_pct,status\nT0001-F,91,running\n")
    assert rules(only(lab.plan(lab.cell(), sheet).cells))["match.disagreement"] == "HELD"


def test_a_cell_that_died_after_cycling_tells_its_life(lab):
    sheet = lab.table("trial,status,reason\nT0001-F,failed,short\n")
    cell = only(lab.plan(lab.cell(n=6), sheet).cells)
    assert cell.failure is None
    assert cell.result.outcomes["cycle_life"] == 6
    assert cell.result.censored == frozenset()
    assert cell.is_final


def test_a_cell_id_that_stands_for_two_trials_links_nothing(lab, rules):
    sheet = lab.table("trial,cell_id,cycle_life,status\nT0001-F,C1,100,completed\nT0002-L,C1,200,completed\n")
    plan = lab.plan(lab.cell("C1.csv"), sheet)
    assert [rules(cell)["match.several"] for cell in plan.cells] == ["HELD", "HELD"]
    assert rules(only(plan.loose))["match.none"] == "HELD"


def test_a_file_named_after_a_trial_with_two_cells_is_held(lab, rules):
    sheet = lab.table("trial,cell_id,status\nT0001-F,A1,running\nT0001-F,A2,running\n")
    plan = lab.plan(lab.cell("T0001-F.csv"), sheet)
    assert rules(only(plan.loose))["match.several"] == "HELD"
    assert [cell.files for cell in lab.plan(lab.cell("T0001-F A2.csv"), sheet).cells if cell.cell_id == "A1"] == [()]


def test_a_life_that_ended_is_final_though_the_sheet_says_running(lab, make):
    charges, discharges = make.fading(12, ce=0.95)
    path = make.bdf_csv(make.ideal_records(charges, discharges), lab.folder / "T0001-F.csv")
    sheet = lab.table("trial,status\nT0001-F,running\n")
    assert only(lab.plan(path, sheet).cells).is_final
