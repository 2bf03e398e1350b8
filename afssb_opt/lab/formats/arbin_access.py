"""Arbin `.res` (an Access database) through access-parser (Apache-2): rows sorted by data point, current signed in A.

The first record of a step comes one logging interval after its start, which the step time shows.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from afssb_opt.lab.findings import refuse
from afssb_opt.lab.series import RawSeries

_COLUMNS = {
    "Test_Time": "test_time_second", "Step_Time": "step_time_second", "Current": "current_ampere",
    "Voltage": "voltage_volt", "Cycle_Index": "cycle_count", "Step_Index": "step_id", "Data_Point": "record_index",
    "Charge_Capacity": "charging_capacity_ah", "Discharge_Capacity": "discharging_capacity_ah",
}  # fmt: skip
# Access counts days from 30 December 1899.
_EPOCH_DAYS = 25569.0


def read_arbin_access(path: Path) -> RawSeries:
    """Read an Arbin `.res` file.

    Raises:
        UnreadableError: The reader is not installed, or the file is damaged or empty.
    """
    try:
        access_parser = importlib.import_module("access_parser")
    except ImportError:
        raise refuse(
            "file.type",
            "needs the reader for Arbin .res files",
            "",
            "Install it with `pip install 'afssb-opt[arbin]'`, or export the test as CSV",
        ) from None
    logging.getLogger("access_parser").setLevel(logging.CRITICAL)
    logging.disable(logging.ERROR)
    try:
        database = access_parser.AccessParser(str(path))
        rows = database.parse_table("Channel_Normal_Table")
        about = database.parse_table("Global_Table")
        frame = pd.DataFrame({name: rows[name] for name in _COLUMNS if name in rows})
        stamps = np.array(rows.get("DateTime", []), dtype=float)
    # A reader of foreign binary data fails in any way on damaged bytes; that is reported, never passed on.
    except Exception as error:
        raise refuse(
            "file.damaged",
            f"cannot be read ({type(error).__name__}: {error})",
            "a complete .res file",
            "Copy the file again from the tester",
        ) from None
    finally:
        logging.disable(logging.NOTSET)
    if frame.empty or not {"Test_Time", "Current", "Voltage"} <= set(frame.columns):
        raise refuse("series.rows", "no rows of data", "at least one", "Copy the file again; it may be cut off")
    table = frame.rename(columns=_COLUMNS).astype(float)
    if len(stamps) == len(table):
        table["unix_time_second"] = (stamps - _EPOCH_DAYS) * 86400.0
    if "record_index" in table:
        table = table.sort_values("record_index", kind="stable").reset_index(drop=True)
    name, start = _first(about, "Test_Name"), _first(about, "Start_DateTime")
    started = (float(start) - _EPOCH_DAYS) * 86400.0 if start else float("nan")
    ids = tuple(text for text in (name, _first(about, "Item_ID"), _first(about, "Comments")) if text)
    return RawSeries(table, "arbin_access", ids, f"arbin:{name}|{start}" if name else "", started)


def _first(about: object, column: str) -> str:
    values = about.get(column, []) if hasattr(about, "get") else []
    return str(values[0]).strip() if len(values) else ""
