"""Neware `.nda` and `.ndax` through fastnda (BSD-3): current signed in mA, steps and clock from the tester.

A damaged `.ndax` can still be unpacked to some rest rows, so its description of the test must be readable too.
A truncated `.nda` shows fewer rows without any error; that it is shorter than before is noticed at matching.
"""

from __future__ import annotations

import importlib
import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import pandas as pd
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from afssb_opt.lab.archive import check_archive
from afssb_opt.lab.findings import refuse
from afssb_opt.lab.moments import moment_seconds
from afssb_opt.lab.series import RawSeries

# Entries of the header of an .nda file, and attributes of TestInfo.xml, in which labs write the cell's id.
_HEADER_IDS = ("barcode", "remarks", "Barcode", "Remark", "test_name")
_COLUMNS = {
    "total_time_s": ("test_time_second", 1.0), "step_time_s": ("step_time_second", 1.0),
    "voltage_V": ("voltage_volt", 1.0), "current_mA": ("current_ampere", 1e-3),
    "unix_time_s": ("unix_time_second", 1.0), "cycle_count": ("cycle_count", 1.0),
    "step_count": ("step_count", 1.0), "step_index": ("step_id", 1.0), "capacity_mAh": ("step_capacity_ah", 1e-3),
    "index": ("record_index", 1.0), "aux_temperature_degC": ("surface_temperature_celsius", 1.0),
}  # fmt: skip


def read_neware(path: Path) -> RawSeries:
    """Read a Neware binary file.

    Raises:
        UnreadableError: The reader is not installed, or the file is damaged or empty.
    """
    try:
        fastnda = importlib.import_module("fastnda")
    except ImportError:
        raise refuse(
            "file.type",
            "needs the reader for Neware files",
            "",
            "Install it with `pip install 'afssb-opt[neware]'`, or export the test as CSV",
        ) from None
    ids, uid, started = _described(path) if path.suffix.lower() == ".ndax" else ((), "", float("nan"))
    logging.getLogger("fastnda").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = fastnda.read(path)
            about: dict[str, Any] = fastnda.read_metadata(path) if path.suffix.lower() == ".nda" else {}
    # A reader of foreign binary data fails in any way on damaged bytes; that is reported, never passed on.
    except Exception as error:
        raise refuse(
            "file.damaged",
            f"cannot be read ({type(error).__name__}: {error})",
            "a complete file",
            "Copy the file again from the tester",
        ) from None
    if frame.height == 0:
        raise refuse("series.rows", "no rows of data", "at least one", "Export the test again; the file may be cut off")
    table = {
        ours: frame[theirs].to_numpy().astype(np.float64) * factor
        for theirs, (ours, factor) in _COLUMNS.items()
        if theirs in frame.columns
    }
    if about:
        ids = tuple(str(about[name]) for name in _HEADER_IDS if about.get(name))
        uid = f"neware:{about.get('test_id', '')}|{about.get('start_time', about.get('StartTime', ''))}"
    clock = table.get("unix_time_second")
    if not np.isfinite(started) and clock is not None and len(clock):
        started = float(clock[0])
    return RawSeries(pd.DataFrame(table), "neware_binary", ids, uid, started)


def _described(path: Path) -> tuple[tuple[str, ...], str, float]:
    """Return ids, identity and start of a test from its description."""
    check_archive(path)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("TestInfo.xml")]
        if not names:
            raise refuse("file.damaged", "has no TestInfo.xml", "a complete .ndax", "Copy it again from the tester")
        test = _parsed(archive.read(names[0])).find(".//TestInfo")
    about = dict(test.attrib) if test is not None else {}
    ids = tuple(about[name].strip() for name in _HEADER_IDS if about.get(name, "").strip())
    uid = f"neware:{about['TestGuid']}" if about.get("TestGuid") else ""
    return ids, uid, moment_seconds(about.get("StartTime", ""), "iso")


def _parsed(content: bytes) -> Element:
    try:
        # The tester declares GB2312; bytes outside it show damage that the unpacked rows do not show.
        text = content.decode("gb2312")
        root: Element = fromstring(text.split("?>", 1)[-1], forbid_dtd=True)
    except (UnicodeDecodeError, ParseError, DefusedXmlException, ValueError) as error:
        raise refuse(
            "file.damaged",
            f"TestInfo.xml cannot be read ({type(error).__name__})",
            "a complete .ndax",
            "Copy the file again from the tester; what can be unpacked is not trusted",
        ) from None
    return root
