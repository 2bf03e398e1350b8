"""Tables in the terminal cut no number: what finds no room is left out whole, and said."""

import pandas as pd
import pytest
from rich.console import Console

from afssb_opt.campaign_file import load_spec
from afssb_opt.cli.tables import best_table, trials_table

CAMPAIGN = {
    "name": "cells",
    "space": {
        "seed_alloy": {"levels": ["Ag", "Ag-ZnO"]},
        "interlayer_thickness_um": {"low": 0.5, "high": 30},
        "stack_pressure_mpa": {"low": 0.5, "high": 50},
    },
    "objectives": {"cycle_life": {"goal": "maximize"}, "seed_cost_usd_m2": {"goal": "minimize"}},
    "constraints": {"short_circuit": {"at_most": 0}},
    "evaluator": "simulation",
    "budget": {"trials": 8},
}
CELL = {"seed_alloy": "Ag-ZnO", "interlayer_thickness_um": 11.56, "stack_pressure_mpa": 0.7279, "cycle_life": 2756.0,
        "cycle_life_censored": True, "seed_cost_usd_m2": 0.0006104, "short_circuit": 0.0}  # fmt: skip
VALUES = {"T0001-F": "Trial", "completed": "State", "11.56": "Interlayer", "0.7279": "Stack", "> 2756": "Cycle",
          "0.0006104": "Seed cost", "12": "Round"}  # fmt: skip


def printed(table, width):
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


@pytest.mark.parametrize("width", range(40, 140, 9))
def test_every_value_is_whole_or_its_column_is_said_to_be_missing(width):
    frame = pd.DataFrame([{"trial": "T0001-F", "round": 12, "state": "completed", **CELL, "excluded": False}])
    text = printed(trials_table(load_spec(CAMPAIGN), frame, width), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    body, _, caption = text.partition("No room here for")
    for value, head in VALUES.items():
        assert (value in body) != (head in " ".join(caption.split())), value
    assert ("Round" in body) <= ("Short" in body), "the round leaves first"


def test_a_wide_terminal_shows_all_columns():
    frame = pd.DataFrame([{"trial": "T0001-F", "round": 12, "state": "completed", **CELL, "excluded": False}])
    assert "No room" not in printed(trials_table(load_spec(CAMPAIGN), frame, 140), 140)


def test_the_pareto_set_of_a_usual_campaign_is_whole_at_80_columns():
    text = printed(best_table(load_spec(CAMPAIGN), pd.DataFrame([{"label": "T0001-F", **CELL}]), 80), 80)
    for value in ("T0001-F", "Ag-ZnO", "11.56", "0.7279", "> 2756", "0.0006104"):
        assert value in text
    assert "No room" not in text
