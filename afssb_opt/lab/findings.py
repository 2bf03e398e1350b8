"""What was noticed about a file, row or cell: the rule, the place, what was found, what is allowed, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from afssb_opt.domain.errors import AfssbError


class Verdict(IntEnum):
    """How grave a finding is; the gravest one decides what happens to the file, row or cell."""

    NOTE = 0
    WARNING = 1
    HELD = 2
    REJECTED = 3


# Every rule by its id; the table of docs/lab-results.md names the same ids.
RULES: Final[dict[str, str]] = {
    "file.type": "the file is of a kind that can be read",
    "file.link": "the file is a plain file, not a link",
    "file.size": "the file is within the size limits",
    "file.archive": "an archive has few members that unpack to a sane size, and no macros or external links",
    "file.damaged": "the file can be read to its end",
    "file.growing": "the file is complete: nobody writes to it now",
    "file.repeated": "the same content came in once only",
    "file.limits": "reading stays within memory and time limits",
    "text.encoding": "the text is UTF-8, UTF-16 or cp1252",
    "text.nul": "the text holds no NUL bytes",
    "text.last_line": "the last line is complete",
    "text.decimal": "numbers use one decimal sign",
    "table.fields": "each line has as many fields as the header",
    "table.header": "the header has a trial or cell column, and each name once",
    "table.column": "each column is known, or is left out knowingly",
    "table.units": "units stand in the header and are those of the column",
    "table.row": "a row is one cell, not a summary",
    "table.sheet": "it is clear which sheet holds the results",
    "table.hidden": "no row or sheet is hidden",
    "table.id": "ids are text",
    "table.formula": "formulas carry their calculated value",
    "table.number": "a value is a number, a limit such as '>500', or a missing mark such as 'n.d.'",
    "table.status": "each cell says whether it is completed, partial, running or failed",
    "table.empty": "a row has at least one outcome",
    "table.repeated": "each cell stands in one row",
    "value.range": "a value is physically possible in its unit",
    "value.plausible": "a value is plausible in its unit",
    "value.scale": "a column is in percent throughout",
    "value.censored": "only a life can be a lower limit",
    "design.as_built": "what was built is what was asked for",
    "design.possible": "what was built can exist",
    "design.space": "what was built lies in the present design space",
    "match.unknown": "the id is a trial of this campaign",
    "match.near": "the id is exact, not only similar",
    "match.none": "the file names its cell",
    "match.several": "the file names one cell",
    "match.campaign": "the trial belongs to this campaign",
    "match.state": "the trial is open",
    "match.date": "the test began after the proposal",
    "match.same_content": "one test belongs to one cell",
    "match.swapped": "two cells were not exchanged",
    "match.disagreement": "table and cycler file tell the same",
    "match.replicate": "each cell of one design is kept as a trial of its own",
    "match.shorter": "a later file of the same test is longer",
    "match.revised": "a corrected result supersedes with both kept",
    "series.format": "the format of the cycler file is known",
    "series.columns": "time, voltage and current are there",
    "series.rows": "there is at least one row of data",
    "series.missing": "rows are complete",
    "series.range": "voltage and current are physically possible",
    "series.sign": "current is positive on charge",
    "series.time": "test time only grows",
    "series.unit": "test time is in the unit that its header states",
    "series.clock": "the wall clock only grows",
    "series.crash": "the channel measured until the end",
    "series.counter": "integrated capacity equals the tester's counter",
    "series.impedance": "impedance rows are not cycling",
    "series.pulses": "short pulses are not half cycles",
    "series.overlap": "files of one cell follow each other in time",
    "series.continued": "files of one cell were joined",
    "series.area": "the electrode area is known",
    "cycles.none": "there is at least one complete cycle",
    "cycles.first": "the cell was charged first",
    "cycles.unfinished": "the last cycle is finished",
    "cycles.numbering": "cycles are counted from 1 without gaps",
    "cycles.rate": "cycles run at the current of the protocol",
    "cycles.window": "the voltages are those of the protocol",
    "cycles.capacity": "the capacity is near the one that the protocol expects",
    "cycles.efficiency": "Coulombic efficiency is at most 100.5 %",
    "cycles.soft_short": "no sign of a soft short",
    "cycles.seed": "density and price of the seed are known",
    "cycles.retention": "retention agrees with the product of efficiencies",
    "impedance.points": "a spectrum has enough complete points",
    "impedance.aborted": "the sweep ran to its end",
    "impedance.kramers_kronig": "the spectrum obeys the Kramers-Kronig relations",
    "impedance.sign": "the imaginary part is negative in the capacitive range",
    "impedance.area": "an areal resistance needs the electrode area",
    "pressure.sensor": "the pressure sensor is on and off its limits",
}


@dataclass(frozen=True)
class Finding:
    """One thing noticed.

    Attributes:
        rule: Key of `RULES`.
        where: Cell reference, line or column inside the file; empty for the whole file.
        found: What was found, in words that include the value.
        allowed: What would be accepted.
        remedy: How to mend it.
    """

    rule: str
    verdict: Verdict
    where: str
    found: str
    allowed: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"unknown rule {self.rule}")

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"[{self.rule}] {place}{self.found}{allowed}{remedy}"


class UnreadableError(AfssbError):
    """A file is refused as a whole; carries the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def refuse(rule: str, found: str, allowed: str = "", remedy: str = "", where: str = "") -> UnreadableError:
    """Return the error that refuses a whole file."""
    return UnreadableError(Finding(rule, Verdict.REJECTED, where, found, allowed, remedy))


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the gravest verdict, `NOTE` where there is no finding."""
    return max((finding.verdict for finding in findings), default=Verdict.NOTE)
