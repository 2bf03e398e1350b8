"""The keys of a campaign file that say when it goes on, where results arrive and who approves."""

import pytest

from afssb_opt.campaign_file import compare_definitions, load_spec
from afssb_opt.domain.errors import CampaignFileError

BASE = {
    "name": "a",
    "space": {"x": {"low": 0, "high": 1}},
    "objectives": {"y": {"goal": "maximize"}},
    "evaluator": "lab",
    "budget": {"trials": 4},
}


def test_a_campaign_without_the_keys_has_the_hash_it_had_before_they_existed():
    assert {"schedule", "inbox", "approve"}.isdisjoint(load_spec(BASE).definition)
    assert load_spec({**BASE, "approve": False}).sha256 == load_spec(BASE).sha256


def test_the_keys_may_change_while_trials_exist():
    changed = {**BASE, "schedule": {"every_min": 10}, "inbox": "in", "approve": True}
    changes = compare_definitions(load_spec(BASE).definition, load_spec(changed).definition)
    assert {change.path for change in changes} == {"schedule", "inbox", "approve"}
    assert all(change.is_allowed for change in changes)


@pytest.mark.parametrize("cron", ["0 6 * * mon-fri", "*/15 8-18 1,15 jan-mar *", "59 23 31 12 7", "0 0 * * SUN"])
def test_cron_lines_of_five_fields_are_taken(cron):
    assert load_spec({**BASE, "schedule": {"cron": cron}}).schedule.cron == cron


@pytest.mark.parametrize(
    ("schedule", "where"),
    [
        ({}, "schedule"),
        ({"cron": "0 6 * * *", "every_min": 5}, "schedule"),
        ({"cron": "0 6 * *"}, "schedule.cron"),
        ({"cron": "60 6 * * *"}, "schedule.cron"),
        ({"cron": "0 6 * * fun"}, "schedule.cron"),
        ({"cron": "0 18-6 * * *"}, "schedule.cron"),
        ({"cron": "0 */0 * * *"}, "schedule.cron"),
        ({"every_min": 0}, "schedule.every_min"),
        ({"every_min": 5, "timezone": "Mars"}, "schedule.timezone"),
    ],
)
def test_a_wrong_schedule_is_refused_where_it_is_wrong(schedule, where):
    with pytest.raises(CampaignFileError) as refused:
        load_spec({**BASE, "schedule": schedule})
    assert where in {problem.where for problem in refused.value.problems}
