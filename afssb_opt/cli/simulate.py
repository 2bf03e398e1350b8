"""`afssb simulate`: one cell or a table of cells, without any campaign or store."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from afssb_opt.campaign_file import load_protocol
from afssb_opt.cli.output import heading, print_json, shown, text_console
from afssb_opt.domain.errors import DesignError, InputError, Problem, suggest
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.spec import ClusterSpec
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.evaluators import simulate as simulate_table
from afssb_opt.evaluators.many_cells import simulate_many
from afssb_opt.evaluators.table_file import check_suffix, read_table, write_table
from flows.dask_cluster import cluster_client


def simulate(
    assignments: list[str],
    designs: Path | None,
    protocol: Path | None,
    cluster: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Simulate and print or write the outcomes.

    Raises:
        InputError: An assignment, table or protocol is wrong; all problems are listed.
        ClusterError: The Dask cluster cannot be used.
    """
    conditions = load_protocol(protocol) if protocol else Protocol()
    if out is not None:
        check_suffix(out, "simulate")
    table = _designs(assignments, designs)
    cycling = None
    try:
        if len(table) == 1:
            simulated = simulate_table(table, conditions)
            outcomes, cycling = simulated.outcomes, simulated.cycling[0]
        else:
            outcomes = _simulate_all(table, conditions, cluster, is_quiet=as_json)
    except DesignError as error:
        if designs is None:
            raise
        raise DesignError([_with_line(problem) for problem in error.problems], str(designs)) from None
    result = pd.concat([table, outcomes[[name for name in outcomes.columns if name not in table.columns]]], axis=1)
    if out is not None:
        write_table(result if cycling is None else cycling, out)
    if as_json:
        print_json({"protocol": conditions.as_dict(), "cells": result.to_dict("records")})
        return
    if len(table) == 1:
        _print_cell(result.iloc[0], conditions)
    elif out is None:
        result.to_csv(sys.stdout, index=False)
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
    words = tuple(name for name, variable in STANDARD_VARIABLES.items() if not variable.is_numeric)
    return read_table(path, "simulate", words).assign(**values)


def _simulate_all(table: pd.DataFrame, protocol: Protocol, cluster: str | None, *, is_quiet: bool) -> pd.DataFrame:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    console = text_console(stderr=True)
    spec = None if cluster is None else ClusterSpec(address=cluster)
    with (
        cluster_client(spec, scratch=Path()) as client,
        Progress(*columns, console=console, disable=is_quiet or not console.is_terminal) as bar,
    ):
        task = bar.add_task("simulating", total=len(table))
        executor = None if client is None else client.get_executor()
        return simulate_many(table, protocol, executor=executor, on_progress=lambda n: bar.advance(task, n))


def _with_line(problem: Problem) -> Problem:
    """Give a problem of a row the number of its line in the file; the header is line 1."""
    match = re.match(r"row (\d+), (.*)", problem.where)
    if match is None:
        return problem
    return replace(problem, where=match[2], line=int(match[1]) + 2)


def _print_cell(cell: pd.Series, protocol: Protocol) -> None:
    conditions = f"{protocol.temperature_c:g} C, {protocol.current_density_ma_cm2:g} mA/cm2, "
    conditions += f"{protocol.areal_capacity_mah_cm2:g} mAh/cm2, {protocol.cycles} cycles"
    table = Table(title=f"One simulated cell at {conditions}", title_justify="left", show_header=False)
    for name, value in cell.items():
        if str(name).endswith("_censored") or (isinstance(value, float) and math.isnan(value)):
            continue
        table.add_row(heading(str(name)), shown(value, is_censored=cell.get(f"{name}_censored") is True))
    text_console().print(table)
