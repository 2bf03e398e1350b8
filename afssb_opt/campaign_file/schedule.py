"""When a campaign is to be advanced: the `schedule` of a campaign file, checked."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from afssb_opt.campaign_file.problems import ProblemList
from afssb_opt.campaign_file.schema import SchedulePart
from afssb_opt.domain.spec import Schedule

# What the five fields of a cron line are, and from where to where they go; Sunday is 0 and 7.
_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_NAMES: Final = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_ITEM: Final = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d*))?")


def check_schedule(part: SchedulePart, problems: ProblemList) -> Schedule:
    """Return the schedule, noting everything wrong with it."""
    if (part.cron is None) == (part.every_min is None):
        problems.add(
            "schedule",
            "has both cron and every_min, or neither",
            "Write {cron: '0 6 * * mon-fri'} or {every_min: 30}",
        )
    if part.cron is not None:
        for what in _cron_problems(part.cron):
            problems.add("schedule.cron", what, "Five fields: minute hour day month weekday, such as '0 6 * * mon-fri'")
    try:
        ZoneInfo(part.timezone)
    except (KeyError, OSError, ValueError):
        problems.add(
            "schedule.timezone", f"is '{part.timezone}', which is no time zone", "Write one such as Europe/Berlin"
        )
    return Schedule(part.cron or "", part.every_min, part.timezone)


def _cron_problems(cron: str) -> list[str]:
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        return [f"has {len(fields)} fields ('{cron}')"]
    return [
        f"has '{item}' as {name}, which goes from {low} to {high}"
        for field, (name, low, high) in zip(fields, _FIELDS, strict=True)
        for item in field.split(",")
        if not _is_item(item, name, low, high)
    ]


def _is_item(item: str, name: str, low: int, high: int) -> bool:
    found = _ITEM.fullmatch(item)
    if found is None:
        return False
    ends = [_number(text, name, low) for text in found.groups()[:2] if text is not None]
    return all(low <= end <= high for end in ends) and ends == sorted(ends)


def _number(text: str, name: str, low: int) -> int:
    """Return the value of a number or name, or -1 for something else."""
    names = _NAMES.get(name, ())
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if text.isascii() and text.isdigit() else -1
