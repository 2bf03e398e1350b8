"""What a flow run shows is readable before there are results, and nothing that matters is pushed out of sight."""

import pandas as pd

from afssb_opt import Campaign
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.domain.trials import TrialResult
from afssb_opt.ledger import NewTrial
from flows.artifacts import round_rows, summary_lines

LAB = {
    "name": "cells",
    "question": "Which?",
    "space": {"seed_alloy": {"levels": ["Ag", "Mg"]}, "stack_pressure_mpa": {"low": 1, "high": 50}},
    "objectives": {"cycle_life": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 8},
}


def test_a_round_shows_outcomes_once_there_are_some_and_always_ends_with_the_reason():
    with Campaign.load(LAB) as campaign:
        with hold_lease(campaign.ledger, campaign.uid) as lease:
            design = {"seed_alloy": "Ag", "stack_pressure_mpa": 5.0}
            (trial,) = campaign.ledger.add_trials(lease, [NewTrial(design, 1, "space-filling start")])
        proposed = round_rows(campaign.spec, [trial])
        assert list(proposed[0]) == ["trial", "state", "seed_alloy", "stack_pressure_mpa", "reason"]
        campaign.ledger.record_result(trial.uid, TrialResult({"cycle_life": 900.0}, source="lab"))
        (ended,) = round_rows(campaign.spec, campaign.trials())
        assert list(ended)[-2:] == ["cycle_life", "reason"]
        assert ended["cycle_life"] == "900"


def test_a_campaign_without_results_says_so_instead_of_an_empty_table():
    with Campaign.load(LAB) as campaign:
        assert summary_lines(campaign.spec, campaign.best())[-1] == "No cell with results meets all limits yet."
        row = {"label": "T0001-F", "seed_alloy": "Ag", "stack_pressure_mpa": 5.0, "cycle_life": 900.0}
        head, rule, cells = summary_lines(campaign.spec, pd.DataFrame([row]))[-3:]
        assert head == "| Trial | Seed alloy | Stack pressure (MPa) | Cycle life (cycles) |"
        assert rule.count("---") == head.count("|") - 1
        assert cells == "| T0001-F | Ag | 5 | 900 |"
        assert summary_lines(campaign.spec, pd.DataFrame([row | {"seed_alloy": "a|b"}]))[-1] == (
            r"| T0001-F | a\|b | 5 | 900 |"
        )
