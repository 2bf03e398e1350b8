"""Twenty thousand bad inputs, made at random: none crashes, none passes in silence, none is counted twice.

The suite draws a few hundred; `AFSSB_GENERATED_INPUTS=20000` draws them all.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afssb_opt.lab.build_sheet import SheetTrial, write_xlsx_sheet
from afssb_opt.lab.findings import Verdict
from afssb_opt.lab.planning import Asked, make_plan

# Split between tables, cycler files and raw bytes.
TOTAL = int(os.environ.get("AFSSB_GENERATED_INPUTS", "240"))
many = settings(
    max_examples=max(TOTAL // 4, 10),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

IDS = st.sampled_from(
    ["T0001-F", "T0002-L", "t0001-f", "T0001–F", "T9999-A", "", "1E5", "NaN", "=T1", "total", "T0001-F "]
)
WORDS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(
        [
            "",
            "n.d.",
            "-",
            ">500",
            "<3",
            "99,5",
            "1.234,5",
            "99.2+-0.3",
            "~95",
            "still running",
            "#DIV/0!",
            "0",
            "-999",
            "1e308",
            "99 %",
            "ja",
            "\u221e",
            "1'000",
            "9" * 400,
            "2026-03-01",
            "=1+1",
            "+7",
            "0x10",
            "1_000",
            "\u0661\u0662",
        ]
    ),
    st.text(max_size=12),
)
COLUMNS = st.lists(
    st.sampled_from(
        [
            "trial",
            "cell_id",
            "cycle_life",
            "initial_ce_pct",
            "retention_pct",
            "status",
            "as_built_stack_pressure_mpa",
            "stack_pressure_mpa (bar)",
            "seed_alloy",
            "cycle_life_sem",
            "cycle_life_censored",
            "cell_area_cm2 (mm2)",
            "notes",
            "average_ce_pct",
            "x",
            "initial_ce_pct",
            "reason",
            "failure_kind",
            "test start",
        ]
    ),
    min_size=1,
    max_size=9,
)
STATUS = st.sampled_from(["completed", "failed", "running", "", "done?", "not built"])


@many
@given(
    columns=COLUMNS,
    rows=st.lists(st.tuples(IDS, STATUS, st.lists(WORDS, min_size=9, max_size=9)), max_size=5),
    delimiter=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", ""]),
    is_quoted=st.booleans(),
)
def test_no_generated_table_crashes_or_passes_in_silence(
    columns, rows, delimiter, encoding, end, is_quoted, make, spec
):
    def cell(text):
        return '"' + text.replace('"', '""') + '"' if is_quoted else text

    lines = [delimiter.join(map(cell, columns))]
    for identity, status, words in rows:
        special = {"trial": identity, "cell_id": identity, "status": status}
        lines.append(delimiter.join(cell(special.get(c, w)) for c, w in zip(columns, words, strict=False)))
    body = "\n".join(lines) + end
    judge("results.csv", body.encode(encoding, errors="replace"), make, spec)


@many
@given(
    seed=st.integers(0, 2**32 - 1), damage=st.sampled_from(["none", "drop", "scale", "words", "cut", "shuffle", "sign"])
)
def test_no_damaged_cycler_file_crashes_or_passes_in_silence(seed, damage, make, spec):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    rows = make.ideal_records(*make.fading(n), points=int(rng.integers(2, 12)))
    table = pd.DataFrame(
        {
            "Test Time / s": rows["time"],
            "Voltage / V": rows["voltage"],
            "Current / A": rows["current"],
            "Step Count / 1": rows["step"],
        }
    ).astype(object)
    column = rng.choice(table.columns)
    if damage == "drop":
        table = (
            table.drop(columns=column)
            if rng.random() < 0.5
            else table.drop(index=rng.choice(table.index, len(table) // 2))
        )
    elif damage == "scale":
        table[column] = table[column].astype(float) * 10.0 ** float(rng.integers(-9, 10))
    elif damage == "words":
        for row in rng.choice(table.index, 3):
            table.loc[row, column] = rng.choice(["", "nan", "inf", "-999", "1e308", "abc", "1,5", "\x00"])
    elif damage == "shuffle":
        table = table.sample(frac=1.0, random_state=int(seed % 1000))
    elif damage == "sign":
        table["Current / A"] = table["Current / A"].abs() if rng.random() < 0.5 else -table["Current / A"]
    body = table.to_csv(index=False).encode()
    if damage == "cut":
        body = body[: int(rng.integers(1, len(body)))]
    plan = judge("T0001-F.csv", body, make, spec)
    if damage == "none":
        assert [cell.trial for cell in plan.cells] == ["T0001-F"]


@many
@given(
    body=st.binary(max_size=400),
    name=st.sampled_from(
        [
            "T0001-F.csv",
            "a.txt",
            "a.mpt",
            "a.xlsx",
            "a.ndax",
            "a.nda",
            "a.res",
            "a.DTA",
            "a.z",
            "a.001",
            "a.parquet",
            "a.xls",
        ]
    ),
)
def test_no_bytes_crash_a_reader(body, name, make, spec):
    plan = judge(name, body, make, spec)
    assert not [cell for cell in plan.cells if cell.result is not None]


@many
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["sheet.xlsx", "T0001-F.mpt", "results.csv"]))
def test_no_bit_flips_crash_a_reader(seed, name, make, spec):
    rng = np.random.default_rng(seed)
    body = bytearray(SOURCES.get(name) or SOURCES.setdefault(name, source(name, make, spec)))
    for place in rng.integers(0, len(body), int(rng.integers(1, 20))):
        body[place] = int(rng.integers(0, 256))
    judge(name, bytes(body), make, spec)


SOURCES: dict[str, bytes] = {}


def source(name, make, spec) -> bytes:
    """Return a good file of this name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if name == "sheet.xlsx":
            write_xlsx_sheet(spec, [SheetTrial("T0001-F", make.DESIGN, "why")], path)
        elif name == "T0001-F.mpt":
            rows = make.ideal_records(*make.fading(2))
            table = pd.DataFrame(
                {"time/s": rows["time"], "Ns": rows["step"], "Ewe/V": rows["voltage"], "<I>/mA": rows["current"] * 1000}
            )
            path.write_text("EC-Lab ASCII FILE\nNb header lines : 3\n" + table.to_csv(sep="\t", index=False))
        else:
            path.write_text(
                "trial,cycle_life,initial_ce_pct,status\nT0001-F,120,81.5,completed\nT0002-L,99,80,failed\n"
            )
        return path.read_bytes()


def judge(name, body, make, spec):
    """Read and plan a file; whatever is not recorded must say why, and what is recorded must be finite and possible."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(body)
        file = make.arrived(path)
        plan = make_plan([file], make.known_trials(), spec, Asked(area_cm2=1.0))
    for part in (*plan.cells, *plan.loose):
        if part.decision in {"held", "rejected"}:
            assert any(finding.verdict >= Verdict.HELD for finding in part.findings)
            assert all(finding.found for finding in part.findings)
    for cell in plan.cells:
        if cell.decision == "accepted" and cell.result is not None:
            assert all(np.isfinite(value) for value in cell.result.outcomes.values())
            assert cell.result.outcomes.get("cycle_life", 1) >= 0
            assert abs(cell.result.outcomes.get("initial_ce_pct", 80)) <= 130
    taken = len(plan.cells) + len(plan.loose)
    # Nothing in silence: a file that gives no cell and no loose part says so in a note, or holds no row at all.
    assert taken or plan.notes or file.content.kind == "table"
    return plan
