"""`afssb simulate`: one cell or a table of cells, without any campaign or store."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from rich.progress import track
from rich.table import Table

from afssb_opt.campaign_file import load_protocol
from afssb_opt.cli.output import heading, print_json, shown, text_console
from afssb_opt.domain.errors import DesignError, InputError, Problem, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.evaluators import Simulated
from afssb_opt.evaluators import simulate as simulate_table

# Cells per step of the progress bar.
CHUNK = 16


def simulate(
    assignments: list[str], designs: Path | None, protocol: Path | None, out: Path | None, as_json: bool
) -> None:
    """Simulate and print or write the outcomes.

    Raises:
        InputError: An assignment, table or protocol is wrong; all problems are listed.
    """
    conditions = load_protocol(protocol) if protocol else Protocol()
    table = _designs(assignments, designs)
    simulated = _simulate(table, conditions, show_progress=not as_json and len(table) > CHUNK)
    columns = [name for name in simulated.outcomes.columns if name not in table.columns]
    result = pd.concat([table, simulated.outcomes[columns]], axis=1)
    if out is not None:
        (simulated.cycling[0] if len(table) == 1 else result).to_csv(out, index=False)
    if as_json:
        print_json({"protocol": conditions.as_dict(), "cells": result.to_dict("records")})
        return
    if len(table) == 1:
        _print_cell(result.iloc[0], conditions)
    elif out is None:
        result.to_csv(Path("/dev/stdout"), index=False)
    if out is not None:
        what = "cycling table" if len(table) == 1 else f"{len(table)} cells"
        text_console(stderr=True).print(f"{what} written to {out}", soft_wrap=True)


def _designs(assignments: list[str], path: Path | None) -> pd.DataFrame:
    problems: list[Problem] = []
    values: dict[str, float | str] = {}
    for assignment in assignments:
        name, has_value, text = assignment.partition("=")
        name, text = name.strip(), text.strip()
        standard = STANDARD_VARIABLES.get(name)
        if standard is None or not has_value:
            problems.append(
                Problem(
                    f"--set {assignment}",
                    "is not name=value of a known variable",
                    f"{suggest(name, STANDARD_VARIABLES)}Known: {', '.join(STANDARD_VARIABLES)}",
                )
            )
        elif not standard.is_numeric:
            values[name] = text
        else:
            try:
                values[name] = float(text)
            except ValueError:
                problems.append(Problem(f"--set {assignment}", f"'{text}' is not a number", f"Unit: {standard.unit}"))
    if problems:
        raise InputError(problems, "simulate")
    if path is None:
        return pd.DataFrame([{name: values.get(name, v.default) for name, v in STANDARD_VARIABLES.items()}])
    try:
        table = pd.read_csv(path, dtype={"seed_alloy": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(
            [Problem(str(path), f"cannot be read ({error})", "Give a CSV table of designs")], "simulate"
        ) from None
    if table.empty:
        raise DesignError([Problem(str(path), "has no rows", "Give one design per row")], "simulate")
    return table.assign(**values)


def _simulate(table: pd.DataFrame, protocol: Protocol, *, show_progress: bool) -> Simulated:
    starts = range(0, len(table), CHUNK)
    chunks = track(starts, description="simulating", console=text_console(stderr=True), disable=not show_progress)
    parts = [simulate_table(table.iloc[start : start + CHUNK], protocol) for start in chunks]
    outcomes = pd.concat([part.outcomes for part in parts])
    for name in [column for column in outcomes.columns if column.endswith("_censored")]:
        outcomes[name] = outcomes[name].eq(True)
    return Simulated(outcomes, tuple(table for part in parts for table in part.cycling))


def _print_cell(cell: pd.Series, protocol: Protocol) -> None:
    conditions = f"{protocol.temperature_c:g} C, {protocol.current_density_ma_cm2:g} mA/cm2, "
    conditions += f"{protocol.areal_capacity_mah_cm2:g} mAh/cm2, {protocol.cycles} cycles"
    table = Table(title=f"One simulated cell at {conditions}", title_justify="left", show_header=False)
    for name, value in cell.items():
        if str(name).endswith("_censored") or (isinstance(value, float) and math.isnan(value)):
            continue
        table.add_row(heading(str(name)), shown(value, is_censored=cell.get(f"{name}_censored") is True))
    text_console().print(table)
