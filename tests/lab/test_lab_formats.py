import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afssb_opt.lab.cycles import cell_cycles
from afssb_opt.lab.formats import TEXT_FORMATS
from afssb_opt.lab.moments import moment_seconds, spans_seconds
from afssb_opt.lab.pressure import read_pressure, with_pressure
from afssb_opt.lab.reading import read_file
from afssb_opt.lab.series import BDF_LABELS

HEADERS = {
    "biologic_mpt": ("\t", {"time": "time/s", "step": "Ns", "voltage": "Ewe/V", "current": "<I>/mA"}, 1000.0),
    "neware": (
        ",",
        {
            "time": "Cumulative Time(s)",
            "step": "Step Index",
            "voltage": "Voltage(V)",
            "current": "Current(mA)",
            "word": "Step Type",
        },
        1000.0,
    ),
    "arbin": (
        ",",
        {
            "time": "Test_Time(s)",
            "step_time": "Step_Time(s)",
            "step": "Step_Index",
            "cycle": "Cycle_Index",
            "current": "Current(A)",
            "voltage": "Voltage(V)",
        },
        1.0,
    ),
    "battery_archive": (
        ",",
        {
            "time": "Test_Time (s)",
            "cycle": "Cycle_Index",
            "current": "Current (A)",
            "voltage": "Voltage (V)",
            "zero": "Environment_Temperature (C)",
        },
        1.0,
    ),
    "maccor": (
        "\t",
        {
            "zero": "Rec#",
            "cycle": "Cyc#",
            "step": "Step",
            "minutes": "Test (Min)",
            "size": "Amps",
            "voltage": "Volts",
            "letter": "State",
        },
        1.0,
    ),
    "maccor_csv": (
        ",",
        {
            "zero": "Rec",
            "cycle": "Cycle C",
            "step": "Step",
            "time": "Test Time (sec)",
            "current": "Current",
            "voltage": "Voltage",
        },
        1.0,
    ),
    "landt": (
        ",",
        {
            "cycle": "cycle_index",
            "step": "step_index",
            "date": "date_time_iso_string",
            "time": "test_time_s",
            "current": "current_A",
            "voltage": "voltage_V",
            "word": "step_name",
        },
        1.0,
    ),
    "basytec": ("\t", {"time": "~Time[s]", "step": "Line", "voltage": "U[V]", "current": "I[A]"}, 1.0),
    "novonix": (
        ",",
        {
            "hours": "Run Time (h)",
            "word": "Step Type",
            "current": "Current (A)",
            "voltage": "Potential (V)",
            "step": "Step Number",
        },
        1.0,
    ),
    "bdf": (
        ",",
        {"time": "Test Time / s", "voltage": "Voltage / V", "current": "Current / A", "step": "Step Count / 1"},
        1.0,
    ),
    "bdf_machine": (
        ",",
        {"time": "test_time_second", "voltage": "voltage_volt", "current": "current_ampere", "step": "step_count"},
        1.0,
    ),
    "plain": (";", {"time": "test_time", "voltage": "voltage", "current": "current", "step": "step"}, 1.0),
}
ABOVE = {
    "biologic_mpt": "EC-Lab ASCII FILE\nNb header lines : 4\nComments : T0001-F\n",
    "basytec": "~Resultfile from Basytec Battery Test System\n~Battery: T0001-F\n",
    "novonix": "[Summary]\nNovonix UHPC data file\nCellID: T0001-F\n[Data]\n",
}


def written(name: str, rows: pd.DataFrame, path: Path, decimal: str = ".") -> Path:
    delimiter, columns, factor = HEADERS[name]
    words = np.where(rows["current"] > 0, "charge CC", np.where(rows["current"] < 0, "discharge CC", "rest"))
    letters = np.where(rows["current"] > 0, "C", np.where(rows["current"] < 0, "D", "R"))
    source = rows.assign(
        current=rows["current"] * factor,
        size=rows["current"].abs(),
        minutes=rows["time"] / 60,
        hours=rows["time"] / 3600,
        word=words,
        letter=letters,
        zero=0,
        date="11/25/2026 08:00:00",
    )
    table = source[list(columns)].rename(columns=columns)
    body = table.to_csv(index=False, sep=delimiter, decimal=decimal)
    path.write_bytes((ABOVE.get(name, "") + body).encode("cp1252"))
    return path


@pytest.mark.parametrize("name", sorted(TEXT_FORMATS))
def test_every_text_format_gives_the_same_cycles(name, make, tmp_path):
    path = written(name, make.ideal_records(*make.fading(3)), tmp_path / "file.txt")
    content = read_file(path)
    assert content.kind == "cycler", content.findings
    assert content.series.format_name == name
    table = cell_cycles(content.series, 1.0).cycling
    np.testing.assert_allclose(table["coulombic_efficiency_pct"], [80.0, 99.5, 99.5], atol=1e-3)
    np.testing.assert_allclose(table["charge_capacity_mah_cm2"].iloc[0], 3.0, rtol=1e-5)


@pytest.mark.parametrize("name", ["biologic_mpt", "maccor", "plain"])
def test_a_decimal_comma_gives_the_same_numbers(name, make, tmp_path):
    path = written(name, make.ideal_records(*make.fading(3)), tmp_path / "file.txt", decimal=",")
    table = cell_cycles(read_file(path).series, 1.0).cycling
    np.testing.assert_allclose(table["charge_capacity_mah_cm2"].iloc[0], 3.0, rtol=1e-5)


def test_headers_name_the_cell(make, tmp_path):
    for name in ("biologic_mpt", "basytec", "novonix"):
        path = written(name, make.ideal_records(*make.fading(2)), tmp_path / "file.txt")
        assert "T0001-F" in read_file(path).series.identifiers


def test_a_format_without_units_asks_and_the_others_do_not(make, tmp_path):
    for name in sorted(TEXT_FORMATS):
        content = read_file(written(name, make.ideal_records(*make.fading(2)), tmp_path / "file.txt"))
        asks = any(finding.verdict.name == "HELD" for finding in content.findings)
        assert asks == TEXT_FORMATS[name].has_assumed_units, name


def test_parquet_in_battery_data_format_is_read(make, tmp_path):
    rows = make.ideal_records(*make.fading(2))
    for labels in (BDF_LABELS, {name: name for name in BDF_LABELS}):
        pd.DataFrame(
            {
                labels["test_time_second"]: rows["time"],
                labels["voltage_volt"]: rows["voltage"],
                labels["current_ampere"]: rows["current"],
            }
        ).to_parquet(tmp_path / "a.parquet")
        assert len(cell_cycles(read_file(tmp_path / "a.parquet").series, 1.0).cycling) == 2


def test_mpr_says_how_to_export_and_uses_a_separate_program_where_one_is_named(make, tmp_path, monkeypatch):
    path = tmp_path / "T0001-F.mpr"
    path.write_bytes(b"BIO-LOGIC MODULAR FILE")
    content = read_file(path)
    assert content.kind == "refused"
    assert "Export as Text" in content.findings[0].remedy
    made = make.bdf_csv(make.ideal_records(*make.fading(2)), tmp_path / "made.csv")
    program = tmp_path / "mpr-to-csv"
    program.write_text(f"#!{sys.executable}\nimport shutil, sys\nshutil.copy({str(made)!r}, sys.argv[2])\n")
    program.chmod(0o755)
    monkeypatch.setenv("AFSSB_MPR_PROGRAM", str(program))
    assert read_file(path).kind == "cycler"


def test_a_pressure_trace_gives_each_cycle_its_lowest_and_highest_value(make, tmp_path):
    rows = make.ideal_records(*make.fading(3))
    series = read_file(make.bdf_csv(rows, tmp_path / "cell.csv", "2026-06-10 08:00:00")).series
    seconds = np.arange(0.0, rows["time"].iloc[-1], 300.0)
    when = pd.Timestamp("2026-06-10 08:00:00") + pd.to_timedelta(seconds, unit="s")
    bar = 50.0 + 10.0 * np.sin(seconds / 5000.0)
    path = tmp_path / "pressure.csv"
    pd.DataFrame({"timestamp": when, "Pressure (bar)": bar}).to_csv(path, index=False)
    trace = read_pressure(path)
    table = cell_cycles(with_pressure(series, trace), 1.0).cycling
    assert table["pressure_min_mpa"].min() == pytest.approx(4.0, abs=0.05)
    assert table["pressure_max_mpa"].max() == pytest.approx(6.0, abs=0.05)
    assert read_file(path).kind == "pressure"


def test_a_pressure_sensor_at_its_limit_counts_as_off(tmp_path):
    path = tmp_path / "pressure.csv"
    path.write_text("time (s),pressure (MPa)\n" + "\n".join(f"{i},5.0" for i in range(50)) + "\n")
    content = read_file(path)
    assert [finding.rule for finding in content.findings] == ["pressure.sensor"]


def test_a_pressure_trace_says_what_it_leaves_out_and_refuses_torn_lines(tmp_path):
    path = tmp_path / "pressure.csv"
    good = "time (s),pressure (MPa)\n" + "\n".join(f"{i},{5 + i % 3}" for i in range(20))
    path.write_text(good + "\n30,\n")
    content = read_file(path)
    assert [finding.rule for finding in content.findings] == ["series.missing"]
    path.write_text(good + "\n30,5,7,9\n")
    assert [finding.rule for finding in read_file(path).findings] == ["table.fields"]


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("25.11.2026 08:00:00", "iso", "2026-11-25"),
        ("25/11/2026", "iso", "2026-11-25"),
        ("11/25/2026 08:00:00", "iso", "2026-11-25"),
        ("2026-06-05 08:00:00", "iso", "2026-06-05"),
        ("05/06/2026", "mdy", "2026-05-06"),
        ("05/06/2026", "dmy", "2026-06-05"),
        ("05.06.2026", "iso", "2026-06-05"),
    ],
)
def test_a_date_is_read_in_the_order_that_can_be_seen_or_is_declared(text, order, day):
    assert pd.Timestamp(moment_seconds(text, order), unit="s").strftime("%Y-%m-%d") == day


@pytest.mark.parametrize("text", ["05/06/2026", "1970-01-01 00:00:00", "soon", ""])
def test_a_date_that_is_ambiguous_or_impossible_is_none(text):
    assert np.isnan(moment_seconds(text, "iso"))


def test_spans_of_time_are_read_fast_and_slow_alike():
    spans = pd.Series(["00:00:00", "01:02:03.500", "120:00:01"])
    np.testing.assert_allclose(spans_seconds(spans)[0], [0, 3723.5, 432001])
    seconds, n_words = spans_seconds(pd.Series(["00:00:01", "later", "00:01:00"]))
    assert n_words == 1
    np.testing.assert_allclose(seconds[[0, 2]], [1, 60])
