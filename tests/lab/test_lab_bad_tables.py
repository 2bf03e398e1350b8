"""Bad inputs 1 to 45 and 67 to 70 of the guidance, as far as they are about tables: each with its wanted behaviour."""

import openpyxl
import pytest

from afssb_opt.lab.build_sheet import inert

HEADER = "trial,cycle_life,initial_ce_pct,status\n"


def only(parts):
    (part,) = parts
    return part


def test_01_a_decimal_comma_in_a_comma_table_is_refused_with_its_line(lab, rules):
    plan = lab.plan(lab.table(HEADER + "T0001-F,99,5,80,completed\n"))
    part = only(plan.loose)
    assert rules(part) == {"table.fields": "REJECTED"}
    assert part.findings[0].where == "line 2"
    assert not plan.cells


def test_02_a_semicolon_table_with_decimal_commas_is_read(lab):
    cell = only(lab.plan(lab.table("trial;cycle_life;initial_ce_pct;status\nT0001-F;120;81,5;completed\n")).cells)
    assert cell.decision == "accepted"
    assert cell.result.outcomes == {"cycle_life": 120, "initial_ce_pct": 81.5}


def test_03_decimal_comma_and_point_in_one_column_are_held(lab, rules):
    text = "trial;initial_ce_pct;status\nT0001-F;81,5;completed\nT0002-L;82.5;completed\n"
    plan = lab.plan(lab.table(text))
    assert {cell.decision for cell in plan.cells} == {"held"}
    assert "text.decimal" in rules(plan.cells[0])


def test_04_a_life_with_a_thousands_point_is_held(lab, rules):
    cell = only(lab.plan(lab.table("trial;cycle_life;status\nT0001-F;1.234;completed\n")).cells)
    assert rules(cell)["value.plausible"] == "HELD"
    assert "1234" in str(cell.findings)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
def test_05_and_06_other_encodings_and_a_byte_order_mark_are_read(lab, encoding):
    text = "trial,cycle_life,status,notes\nT0001-F,120,completed,M\u00fcller 5 \u00b5m\n"
    cell = only(lab.plan(lab.table(text, encoding=encoding)).cells)
    assert cell.result.outcomes["cycle_life"] == 120


def test_07_nul_bytes_are_refused_with_their_place(lab, rules):
    part = only(lab.plan(lab.table(HEADER + "T0001-F,120,\0\0\0\n")).loose)
    assert rules(part) == {"text.nul": "REJECTED"}


def test_08_a_unit_row_under_the_header_is_skipped_and_said(lab):
    plan = lab.plan(lab.table("trial,cycle_life,initial_ce_pct,status\n,cycles,%,\nT0001-F,120,80,completed\n"))
    assert only(plan.cells).decision == "accepted"
    assert any("row of units" in str(finding) for _, finding in plan.notes)


def test_09_a_column_that_stands_twice_is_refused(lab, rules):
    cell = only(lab.plan(lab.table("trial,cycle_life,cycle_life,status\nT0001-F,120,130,completed\n")).cells)
    assert cell.decision == "rejected"
    assert rules(cell)["table.header"] == "REJECTED"


def test_10_fractions_are_asked_about_unless_header_or_format_say_it(lab, rules):
    held = only(lab.plan(lab.table("trial,initial_ce_pct,status\nT0001-F,0.815,completed\n")).cells)
    assert rules(held)["value.scale"] == "HELD"
    said = only(lab.plan(lab.table("trial,initial_ce_pct (fraction),status\nT0001-F,0.815,completed\n")).cells)
    assert said.result.outcomes["initial_ce_pct"] == pytest.approx(81.5)
    mixed = "trial,initial_ce_pct,status\nT0001-F,0.815,completed\nT0002-L,82,completed\n"
    assert {cell.decision for cell in lab.plan(lab.table(mixed)).cells} == {"rejected"}
    book = openpyxl.Workbook()
    book.active.append(["trial", "initial_ce_pct", "status"])
    book.active.append(["T0001-F", 0.815, "completed"])
    book.active["B2"].number_format = "0.0%"
    book.save(lab.folder / "percent.xlsx")
    shown = only(lab.plan(lab.folder / "percent.xlsx").cells)
    assert shown.result.outcomes["initial_ce_pct"] == pytest.approx(81.5)


def test_11_and_12_impossible_and_doubtful_percentages(lab, rules):
    def verdict(column, value):
        cell = only(lab.plan(lab.table(f"trial,{column},status\nT0001-F,{value},completed\n")).cells)
        return cell.decision, rules(cell)

    assert verdict("retention_pct", 150)[0] == "held"
    assert verdict("retention_pct", 250)[0] == "rejected"
    assert verdict("average_ce_pct", 100.8) == ("accepted", {"cycles.efficiency": "WARNING"})
    assert verdict("average_ce_pct", 125)[0] == "held"
    assert verdict("average_ce_pct", -3)[0] == "held"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pressure_max_mpa", 5000),
        ("as_built_stack_pressure_mpa", 700),
        ("as_built_interlayer_thickness_um", 5000),
        ("temperature_c", 333),
        ("areal_resistance_ohm_cm2", 0.1),
        ("cell_area_cm2", 113),
        ("cell_area_cm2", 0.01),
    ],
)
def test_15_to_19_values_that_smell_of_another_unit_are_held(lab, column, value):
    cell = only(lab.plan(lab.table(f"trial,cycle_life,{column},status\nT0001-F,120,{value},completed\n")).cells)
    assert cell.decision == "held"


def test_16_a_unit_in_the_header_is_converted_or_asked_about(lab):
    header = "trial,cycle_life,as_built_stack_pressure_mpa ({}),status\n"
    cell = only(lab.plan(lab.table(header.format("bar") + "T0001-F,120,52,completed\n")).cells)
    assert cell.as_built["stack_pressure_mpa"] == pytest.approx(5.2)
    torque = only(lab.plan(lab.table(header.format("kN") + "T0001-F,120,5.2,completed\n")).cells)
    assert torque.decision == "held"


def test_22_ids_that_look_like_numbers_stay_text(lab):
    text = (
        "trial,cell_id,cycle_life,status\nT0001-F,1E5,120,completed\nT0002-L,007,130,completed\nT0003-S,NA,9,failed\n"
    )
    plan = lab.plan(lab.table(text))
    assert [cell.cell_id for cell in plan.cells] == ["1E5", "007", "NA"]


def workbook(lab, rows, name="results.xlsx"):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book, lab.folder / name


def test_23_an_id_that_became_a_date_is_refused(lab, rules):
    import datetime

    book, path = workbook(lab, [["trial", "cell_id", "cycle_life"], ["T0001-F", datetime.date(2026, 3, 1), 120]])
    book.save(path)
    cell = only(lab.plan(path).cells)
    assert rules(cell)["table.id"] == "REJECTED"
    assert "B2" in str(cell.findings)


def test_24_merged_ids_are_not_filled_down(lab, rules):
    book, path = workbook(
        lab, [["trial", "cycle_life", "status"], ["T0001-F", 120, "completed"], [None, 99, "completed"]]
    )
    book.active.merge_cells("A2:A3")
    book.save(path)
    plan = lab.plan(path)
    assert only(plan.cells).decision == "accepted"
    assert rules(only(plan.loose))["match.none"] == "HELD"


def test_25_a_formula_without_a_value_is_refused_with_its_cell(lab, rules):
    book, path = workbook(lab, [["trial", "cycle_life"], ["T0001-F", "=100+20"]])
    book.save(path)
    cell = only(lab.plan(path).cells)
    assert rules(cell)["table.formula"] == "REJECTED"
    assert any(finding.where.endswith("B2") for finding in cell.findings)


def test_26_a_summary_row_is_refused(lab, rules):
    plan = lab.plan(lab.table(HEADER + "T0001-F,120,80,completed\naverage,120,80,\n"))
    assert only(plan.cells).decision == "accepted"
    assert rules(only(plan.loose))["table.row"] == "REJECTED"


def test_27_several_sheets_are_asked_about_and_hidden_rows_said(lab, rules):
    book, path = workbook(lab, [["trial", "cycle_life", "status"], ["T0001-F", 120, "completed"]])
    book.active.row_dimensions[2].hidden = True
    other = book.create_sheet("draft")
    other.append(["trial", "cycle_life", "status"])
    other.append(["T0002-L", 7, "completed"])
    book.save(path)
    assert rules(only(lab.plan(path).loose)) == {"table.sheet": "HELD"}
    cell = only(lab.plan(path, sheet="Sheet").cells)
    assert (cell.trial, rules(cell)["table.hidden"]) == ("T0001-F", "WARNING")


def test_28_html_under_a_spreadsheet_name_is_refused(lab, rules):
    part = only(lab.plan(lab.table("<html><table><tr><td>trial</td></tr></table></html>", "results.xls")).loose)
    assert rules(part) == {"file.type": "REJECTED"}


def test_29_30_and_32_uncertainties_limits_and_missing_marks(lab):
    text = (
        "trial,cycle_life,initial_ce_pct,average_ce_pct,status\n"
        "T0001-F,>500,81.2+-0.3,n.d.,completed\nT0002-L,still running,~80,-,partial\nT0003-S,1e308,79,-999,completed\n"
    )
    first, second, third = lab.plan(lab.table(text)).cells
    assert first.result.censored == {"cycle_life"}
    assert first.result.sem == {"initial_ce_pct": 0.3}
    assert set(second.result.outcomes) == {"initial_ce_pct"}
    assert not second.is_final
    assert set(third.result.outcomes) == {"initial_ce_pct"}


def test_31_zero_without_a_status_is_held_and_a_failed_cell_is_a_failure(lab, rules):
    held = only(lab.plan(lab.table("trial,cycle_life\nT0001-F,0\n")).cells)
    assert rules(held)["table.status"] == "HELD"
    failed = only(lab.plan(lab.table("trial,cycle_life,status,reason\nT0001-F,0,failed,short\n")).cells)
    assert failed.decision == "accepted"
    assert (failed.failure.kind, failed.failure.reason) == ("cell", "short")


def test_33_a_row_without_any_outcome_says_so(lab, rules):
    cell = only(lab.plan(lab.table(HEADER + "T0001-F,,,completed\n")).cells)
    assert cell.result is None
    assert rules(cell)["table.empty"] == "WARNING"


def test_34_an_unknown_trial_waits_and_names_near_ones(lab, rules):
    part = only(lab.plan(lab.table(HEADER + "T0001-G,120,80,completed\n")).loose)
    assert rules(part) == {"match.campaign": "HELD"}
    assert "T0001-F" in str(part.findings)


@pytest.mark.parametrize("written", ["t0001-f", "T0001\u2013F", "TO001-F", "T0001 F", "T0001_F"])
def test_35_an_id_that_is_only_alike_is_a_suggestion(lab, rules, written):
    part = only(lab.plan(lab.table(HEADER + f"{written},120,80,completed\n")).loose)
    assert rules(part) == {"match.near": "HELD"}
    assert "--trial T0001-F" in str(part.findings)


@pytest.mark.parametrize("state", ["abandoned", "void"])
def test_36_a_result_for_a_shelved_trial_is_held(lab, rules, make, state):
    known = make.known_trials(T0001_F={"state": state, "is_open": False})
    cell = only(lab.plan(lab.table(HEADER + "T0001-F,120,80,completed\n"), known=known).cells)
    assert rules(cell)["match.state"] == "HELD"


def test_38_the_same_row_twice_is_one_and_different_rows_of_one_cell_are_refused(lab, rules):
    same = only(lab.plan(lab.table(HEADER + "T0001-F,120,80,completed\n" * 2)).cells)
    assert same.decision == "accepted"
    other = only(lab.plan(lab.table(HEADER + "T0001-F,120,80,completed\nT0001-F,121,80,completed\n")).cells)
    assert rules(other)["table.repeated"] == "REJECTED"


def test_41_replicates_are_kept_apart(lab, rules):
    text = "trial,cell_id,cycle_life,status\nT0001-F,A1,120,completed\nT0001-F,A2,150,completed\n"
    first, second = lab.plan(lab.table(text)).cells
    assert (first.replicate_of, second.replicate_of) == ("", "T0001-F")
    assert (first.result.outcomes["cycle_life"], second.result.outcomes["cycle_life"]) == (120, 150)


def test_42_a_design_that_is_another_rows_is_held(lab, rules):
    text = "trial,stack_pressure_mpa,as_built_stack_pressure_mpa,cycle_life,status\nT0001-F,9.9,10,120,completed\n"
    assert rules(only(lab.plan(lab.table(text)).cells))["match.swapped"] == "HELD"


def test_43_what_was_built_is_noted_or_asked_about_and_reaches_the_result(lab, rules):
    header = "trial,cycle_life,as_built_stack_pressure_mpa,status\n"
    near = only(lab.plan(lab.table(header + "T0001-F,120,6,completed\n")).cells)
    assert (near.decision, near.as_built["stack_pressure_mpa"]) == ("accepted", 6.0)
    far = only(lab.plan(lab.table(header + "T0001-F,120,45,completed\n")).cells)
    assert rules(far)["design.as_built"] == "HELD"
    outside = only(
        lab.plan(lab.table("trial,cycle_life,as_built_li3n_wt_pct,status\nT0001-F,120,12,completed\n")).cells
    )
    assert (outside.decision, rules(outside)["design.space"]) == ("accepted", "WARNING")


def test_44_what_cannot_be_built_is_refused(lab, rules):
    text = "trial,cycle_life,as_built_interlayer_thickness_um,status\nT0001-F,120,-5,completed\n"
    assert only(lab.plan(lab.table(text)).cells).decision == "rejected"


def test_45_another_temperature_is_held(lab):
    cell = only(lab.plan(lab.table("trial,cycle_life,temperature_c,status\nT0001-F,120,25,completed\n")).cells)
    assert cell.decision == "held"


def test_48_a_table_that_ends_inside_a_line_is_held(lab, rules):
    cell = only(lab.plan(lab.table("trial,status,cycle_life\nT0001-F,completed,12")).cells)
    assert rules(cell)["text.last_line"] == "HELD"


def test_55_a_date_that_can_be_read_two_ways_is_held(lab, rules):
    cell = only(lab.plan(lab.table("trial,cycle_life,status,test start\nT0001-F,120,completed,07/08/2026\n")).cells)
    assert rules(cell)["match.date"] == "HELD"
    sure = only(lab.plan(lab.table("trial,cycle_life,status,test start\nT0001-F,120,completed,2026-08-07\n")).cells)
    assert sure.decision == "accepted"


def test_67_a_test_before_the_proposal_is_held(lab, rules):
    cell = only(lab.plan(lab.table("trial,cycle_life,status,test start\nT0001-F,120,completed,2026-01-15\n")).cells)
    assert rules(cell)["match.date"] == "HELD"


def test_69_a_level_that_the_space_no_longer_has_is_asked_about(lab, rules):
    text = "trial,cycle_life,as_built_seed_alloy,status\nT0001-F,120,Au,completed\n"
    assert rules(only(lab.plan(lab.table(text)).cells))["design.space"] == "HELD"


def test_an_unknown_column_is_said_and_one_that_looks_like_an_outcome_is_asked_about(lab, rules):
    plan = lab.plan(lab.table("trial,cycle_life,weather,status\nT0001-F,120,rain,completed\n"))
    assert only(plan.cells).decision == "accepted"
    assert any("weather" in str(finding) for _, finding in plan.notes)
    near = only(lab.plan(lab.table("trial,cycle_lif,status\nT0001-F,120,completed\n")).cells)
    assert near.decision == "held"


def test_a_misspelt_trial_column_is_recognised(lab, rules):
    part = only(lab.plan(lab.table("trail,cycle_life,status\nT0001-F,120,completed\n")).loose)
    assert rules(part) == {"series.format": "REJECTED"}
    assert "Column 'trail': did you mean 'trial'?" in str(part.findings[0])


def test_a_life_that_cannot_be_says_in_a_sentence_what_is_meant(lab):
    cell = only(lab.plan(lab.table("trial,cycle_life,status\nT0001-F,-3,completed\n")).cells)
    assert "It means the number of cycles" in str(cell.findings)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1"])
def test_exported_text_cannot_start_a_formula(text):
    assert inert(text).startswith("'")
