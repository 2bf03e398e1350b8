import os
import time
import zipfile

import openpyxl
import pytest

from afssb_opt.lab import archive
from afssb_opt.lab.isolated_reading import ReadingLimits, read_isolated
from afssb_opt.lab.reading import read_file


def refused(path) -> str:
    content = read_file(path)
    assert content.kind == "refused"
    return content.findings[0].rule


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b"0" * 50_000_000)
    began = time.monotonic()
    assert refused(path) == "file.archive"
    assert time.monotonic() - began < 2.0


def test_archives_with_many_members_paths_macros_or_links_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    for number, names in enumerate(
        ([f"m{k}" for k in range(9)], ["../../etc/passwd"], ["/abs"], ["xl/vbaProject.bin"], ["xl/externalLinks/a.xml"])
    ):
        path = tmp_path / f"{number}.xlsx"
        with zipfile.ZipFile(path, "w") as made:
            for name in names:
                made.writestr(name, "x")
        assert refused(path) == "file.archive"


def test_a_doctype_in_a_workbook_is_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["trial", "cycle_life"])
    book.save(tmp_path / "plain.xlsx")
    path = tmp_path / "doctype.xlsx"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as source, zipfile.ZipFile(path, "w") as made:
        for name in source.namelist():
            body = source.read(name)
            if name.endswith("workbook.xml"):
                body = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + body
            made.writestr(name, body)
    assert refused(path) == "file.archive"


def test_links_macros_and_huge_files_are_refused(tmp_path, monkeypatch):
    secret = tmp_path / "secret.csv"
    secret.write_text("trial,cycle_life\nT0001-F,1\n")
    link = tmp_path / "link.csv"
    link.symlink_to(secret)
    assert refused(link) == "file.link"
    (tmp_path / "m.xlsm").write_bytes(b"PK")
    assert refused(tmp_path / "m.xlsm") == "file.archive"
    from afssb_opt.lab import reading

    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    assert refused(secret) == "file.size"


def test_a_folder_or_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(tmp_path / "pipe.csv") == "file.type"
    assert refused(tmp_path) == "file.type"


def test_a_file_that_takes_too_long_or_too_much_is_given_up_and_the_others_are_read(tmp_path, make):
    good = make.bdf_csv(make.ideal_records(*make.fading(2)), tmp_path / "a.csv")
    slow = tmp_path / "b.mpr"
    slow.write_bytes(b"x")
    program = tmp_path / "hang"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    os.environ["AFSSB_MPR_PROGRAM"] = str(program)
    try:
        contents = read_isolated([good, slow, good], ReadingLimits(seconds=1.5))
    finally:
        del os.environ["AFSSB_MPR_PROGRAM"]
    assert [content.kind for content in contents] == ["cycler", "refused", "cycler"]
    assert contents[1].findings[0].rule == "file.limits"
    assert "1.5 s" in contents[1].findings[0].found
    (starved,) = read_isolated([good], ReadingLimits(memory_bytes=1000))
    assert "memory" in starved.findings[0].found


def test_what_the_reading_process_hands_over_is_what_it_read(tmp_path, make, lab):
    cell = make.bdf_csv(make.ideal_records(*make.fading(2)), tmp_path / "a.csv")
    table = lab.table("trial;cycle_life;status\nT0001-F;12;completed\n")
    spectrum = tmp_path / "z.csv"
    spectrum.write_text("".join(f"{10.0**-k},1.5,-{k}\n" for k in range(9)))
    for path, isolated in zip([cell, table, spectrum], read_isolated([cell, table, spectrum]), strict=True):
        direct = read_file(path)
        assert isolated.kind == direct.kind
        assert isolated.findings == direct.findings
        assert isolated.grids == direct.grids
    assert isolated.spectrum.impedance_ohm == pytest.approx(direct.spectrum.impedance_ohm)
