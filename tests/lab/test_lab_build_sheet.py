import csv

import openpyxl
import pytest

from afssb_opt.campaign_file import build_spec
from afssb_opt.lab.build_sheet import SheetTrial, sheet_columns, write_csv_sheet, write_xlsx_sheet
from afssb_opt.lab.reading import read_file


@pytest.fixture
def trials(make):
    return [SheetTrial(label, make.DESIGN, "explores\nhigh pressure") for label in ("T0001-F", "T0002-L")]


def filled(rows, **values):
    """Fill in the named columns of every row, as a lab does."""
    header = rows[0]
    for number, row in enumerate(rows[1:]):
        for name, value in values.items():
            row[header.index(name)] = value(number) if callable(value) else value
    return rows


def test_the_csv_sheet_comes_back_as_the_results_table(lab, spec, trials):
    path = lab.folder / "sheet.csv"
    write_csv_sheet(spec, trials, path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[1][rows[0].index("why")] == "explores high pressure"
    assert "0.5 mA/cm2" in rows[1][rows[0].index("protocol")]
    rows = filled(rows, cell_id=lambda n: f"C{n}", status="completed", cycle_life=lambda n: str(100 + n))
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)
    plan = lab.plan(path)
    assert [cell.decision for cell in plan.cells] == ["accepted", "accepted"]
    assert [cell.result.outcomes["cycle_life"] for cell in plan.cells] == [100, 101]
    assert not plan.loose


def test_the_workbook_has_drop_downs_locked_designs_and_open_cells_and_comes_back(lab, spec, trials):
    path = lab.folder / "sheet.xlsx"
    write_xlsx_sheet(spec, trials, path)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    names = {cell.value: cell.column_letter for cell in sheet[1]}
    assert sheet.protection.sheet
    assert sheet[f"{names['stack_pressure_mpa']}2"].protection.locked
    assert not sheet[f"{names['cell_id']}2"].protection.locked
    assert sheet[f"{names['cell_id']}2"].number_format == "@"
    lists = {str(choice.sqref).split(":")[0]: choice.formula1 for choice in sheet.data_validations.dataValidation}
    assert "failed" in lists[f"{names['status']}2"]
    assert "Mg" in lists[f"{names['as_built_seed_alloy']}2"]
    for row in (2, 3):
        sheet[f"{names['status']}{row}"] = "completed"
        sheet[f"{names['initial_ce_pct']}{row}"] = 80 + row
        sheet[f"{names['as_built_stack_pressure_mpa']}{row}"] = 5.1
    book.save(path)
    plan = lab.plan(path)
    assert [cell.result.outcomes["initial_ce_pct"] for cell in plan.cells] == [82, 83]
    assert plan.cells[0].as_built["stack_pressure_mpa"] == 5.1


def test_an_untouched_sheet_changes_nothing(lab, spec, trials):
    write_xlsx_sheet(spec, trials, lab.folder / "sheet.xlsx")
    write_csv_sheet(spec, trials, lab.folder / "sheet.csv")
    plan = lab.plan(lab.folder / "sheet.xlsx", lab.folder / "sheet.csv")
    assert not plan.cells
    assert not plan.loose


def test_a_level_that_looks_like_a_formula_goes_out_inert_and_comes_back_whole(lab, make):
    space = {"binder": {"levels": ["=A", "-B"]}, **make.LAB["space"]}
    odd = build_spec({**make.LAB, "space": space})
    trials = [SheetTrial("T0001-F", {**make.DESIGN, "binder": "=A"}, "@why")]
    write_csv_sheet(odd, trials, lab.folder / "sheet.csv")
    write_xlsx_sheet(odd, trials, lab.folder / "sheet.xlsx")
    assert ",'=A," in (lab.folder / "sheet.csv").read_text(encoding="utf-8-sig")
    for name in ("sheet.csv", "sheet.xlsx"):
        grid = read_file(lab.folder / name).grids[0]
        assert grid.rows[1].cells[1].text == "=A"


def test_every_variable_and_outcome_of_the_campaign_has_its_columns(spec):
    names = [column.header for column in sheet_columns(spec)]
    assert {*spec.space.names, *spec.outcome_names, "trial", "cell_id", "status", "why", "protocol"} <= set(names)
    assert {f"as_built_{name}" for name in spec.space.names} <= set(names)
    assert len(names) == len(set(names))
