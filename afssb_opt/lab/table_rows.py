"""From one line of a result table to one reading: every value, and every doubt with its cell and remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from afssb_opt.domain.errors import suggest
from afssb_opt.domain.outcomes import OUTCOMES
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.variables import Categorical, Fixed
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.grid import Grid, GridRow
from afssb_opt.lab.moments import is_ambiguous_date, moment_seconds
from afssb_opt.lab.plausible import value_finding
from afssb_opt.lab.table_columns import Column, Columns
from afssb_opt.lab.table_row import TableRow
from afssb_opt.lab.table_values import read_value

STATUSES: Final[dict[str, str]] = {
    "completed": "completed", "complete": "completed", "done": "completed", "finished": "completed",
    "partial": "partial", "running": "partial", "in test": "partial", "cycling": "partial", "failed": "failed",
    "dead": "failed", "shorted": "failed", "not built": "not built", "proposed": "", "in_test": "", "": "",
}  # fmt: skip
SUMMARY_WORDS: Final = frozenset(
    {
        "total",
        "sum",
        "mean",
        "average",
        "avg",
        "median",
        "std",
        "stdev",
        "min",
        "max",
        "mittelwert",
        "summe",
        "durchschnitt",
    }
)
# Outcomes that are exactly zero only for a cell that failed; zero without a status is a failure stored as a number.
_ZERO_MEANS_FAILED: Final = frozenset({"cycle_life", "retention_pct", "initial_ce_pct", "average_ce_pct"})


class RowReader:
    """Reads one row, collecting every problem of it."""

    def __init__(
        self, grid: Grid, columns: Columns, spec: CampaignSpec, decimals: Mapping[int, str], row: GridRow
    ) -> None:
        self._grid, self._columns, self._spec, self._decimals, self._row = grid, columns, spec, decimals, row
        self._findings: list[Finding] = []

    def read(self) -> TableRow:
        """Return the reading with all its findings."""
        trial, cell_id = self._id("trial"), self._id("cell_id")
        self._check_row(trial, cell_id)
        status = self._status()
        outcomes, sem, censored = self._outcomes()
        text = self._text("test_date")
        started = moment_seconds(text, "iso") if text else math.nan
        if text and is_ambiguous_date(text):
            self._note("match.date", Verdict.HELD, "test_date", f"'{text}' could be two dates", "2026-11-05")
        if not status and any(outcomes.get(name) == 0 for name in _ZERO_MEANS_FAILED):
            self._findings.append(
                Finding(
                    "table.status",
                    Verdict.HELD,
                    self._where(),
                    "an outcome is 0 and there is no status",
                    "status 'failed' for a dead cell",
                    "Add a column 'status', and 'reason' for failed cells",
                )
            )
        if not outcomes and status in {"completed", "partial"}:
            self._findings.append(
                Finding(
                    "table.empty",
                    Verdict.WARNING,
                    self._where(),
                    f"status '{status}' without any outcome",
                    "at least one outcome, or a cycler file",
                    "Fill in an outcome, or send the cycler file",
                )
            )
        return TableRow(
            self._where(),
            trial,
            cell_id,
            status,
            self._text("reason"),
            self._text("failure_kind").lower(),
            self._design("variable"),
            self._design("as_built"),
            outcomes,
            sem,
            censored,
            self._number_of_role("cell_area_cm2"),
            self._number_of_role("temperature_c"),
            started,
            tuple(self._findings),
        )

    def _where(self) -> str:
        prefix = f"{self._grid.sheet}!" if self._grid.sheet else ""
        return f"{prefix}row {self._row.number}"

    def _text(self, role: str) -> str:
        column = self._columns.of_role(role)
        return self._row.cell(column.place).text.strip() if column else ""

    def _note(self, rule: str, verdict: Verdict, role: str, found: str, allowed: str, remedy: str = "") -> None:
        column = self._columns.of_role(role)
        where = self._grid.where(self._row.number, column.place) if column else self._where()
        self._findings.append(Finding(rule, verdict, where, found, allowed, remedy))

    def _check_row(self, trial: str, cell_id: str) -> None:
        if self._row.is_hidden:
            self._findings.append(
                Finding(
                    "table.hidden",
                    Verdict.WARNING,
                    self._where(),
                    "a hidden row",
                    "visible rows",
                    "It is read all the same",
                )
            )
        if self._row.is_cut:
            self._findings.append(
                Finding(
                    "text.last_line",
                    Verdict.HELD,
                    self._where(),
                    "the file ends inside this line",
                    "a line end",
                    "Its last number may be cut; save the file again with a line end",
                )
            )
        first = next((cell.text for cell in self._row.cells if cell.text), "").strip(": ").lower()
        if first in SUMMARY_WORDS or trial.lower().strip(": ") in SUMMARY_WORDS:
            self._findings.append(
                Finding(
                    "table.row",
                    Verdict.REJECTED,
                    self._where(),
                    f"a summary row ('{first}')",
                    "one row per cell",
                    "Delete it",
                )
            )
        elif not trial and not cell_id:
            self._findings.append(
                Finding(
                    "match.none",
                    Verdict.HELD,
                    self._where(),
                    "no trial and no cell id",
                    "a trial label",
                    "Write the id in every row; nothing is filled down",
                )
            )

    def _id(self, role: str) -> str:
        column = self._columns.of_role(role)
        if column is None:
            return ""
        cell = self._row.cell(column.place)
        if cell.kind == "date":
            self._note(
                "table.id",
                Verdict.REJECTED,
                role,
                f"the id became the date {cell.text[:10]}",
                "text",
                "Format the column as text and type the id again",
            )
            return ""
        if cell.kind == "merged":
            self._note("table.id", Verdict.HELD, role, "merged cells", "an id in every row", "Unmerge and fill in")
        if cell.kind == "number":
            self._note(
                "table.id",
                Verdict.HELD,
                role,
                f"the id is the number {cell.text}",
                "text",
                "Format the column as text; leading zeros and letters may be lost",
            )
        if cell.kind == "formula":
            self._uncalculated(role)
        return cell.text

    def _uncalculated(self, role: str, place: int | None = None) -> None:
        column = self._columns.of_role(role)
        at = place if place is not None else column.place if column else 0
        self._findings.append(
            Finding(
                "table.formula",
                Verdict.REJECTED,
                self._grid.where(self._row.number, at),
                "a formula that was never calculated",
                "values",
                "Open the file in a spreadsheet program and save it, or paste the values",
            )
        )

    def _status(self) -> str:
        text = self._text("status").lower()
        if text not in STATUSES:
            known = ["completed", "partial", "running", "failed", "not built"]
            self._note(
                "table.status", Verdict.HELD, "status", f"status '{text}'", ", ".join(known), suggest(text, known)
            )
            return ""
        return STATUSES[text]

    def _number(self, column: Column, *, allows_limit: bool) -> tuple[float, float, str]:
        """Return value, uncertainty and limit of a cell; NaN where it holds none."""
        cell = self._row.cell(column.place)
        where = self._grid.where(self._row.number, column.place)
        name = column.name or column.role
        if cell.kind == "formula":
            self._uncalculated(column.role, column.place)
            return math.nan, math.nan, ""
        if cell.kind in {"date", "bool", "error"}:
            self._findings.append(
                Finding(
                    "table.number",
                    Verdict.REJECTED,
                    where,
                    f"{name} is a {cell.kind}: {cell.text}",
                    "a number",
                    "Type the number again",
                )
            )
            return math.nan, math.nan, ""
        value = read_value(cell.text, "," if cell.kind == "text" and self._decimals[column.place] == "," else ".")
        if value.kind == "words" or (value.limit == "<" and allows_limit) or (value.limit and not allows_limit):
            verdict = Verdict.HELD if self._decimals[column.place] == "mixed" else Verdict.REJECTED
            self._findings.append(
                Finding(
                    "table.number",
                    verdict,
                    where,
                    f"{name} is '{cell.text}'",
                    "a number, '99.2+-0.3', '>500' for a life, or empty",
                    "Mend or empty the cell",
                )
            )
            return math.nan, math.nan, ""
        factor = column.factor
        if cell.is_percent or (value.has_percent and factor == 100.0):
            factor = 100.0 if cell.is_percent and name.endswith("_pct") else 1.0
        return value.number * factor, value.sem * factor, value.limit or ("running" if value.kind == "running" else "")

    def _number_of_role(self, role: str) -> float:
        column = self._columns.of_role(role)
        if column is None:
            return math.nan
        number, _, _ = self._number(column, allows_limit=False)
        self._check(role, number, column)
        return number

    def _check(self, name: str, number: float, column: Column) -> None:
        if math.isfinite(number):
            finding = value_finding(name, number, self._grid.where(self._row.number, column.place))
            if finding is not None:
                self._findings.append(finding)

    def _outcomes(self) -> tuple[dict[str, float], dict[str, float], frozenset[str]]:
        outcomes: dict[str, float] = {}
        sem: dict[str, float] = {}
        censored: set[str] = set()
        for column in self._columns.known:
            if column.role == "outcome":
                number, uncertainty, limit = self._number(column, allows_limit=True)
                if not math.isfinite(number):
                    continue
                if limit == ">" and not self._may_be_censored(column.name):
                    where = self._grid.where(self._row.number, column.place)
                    self._findings.append(
                        Finding(
                            "value.censored",
                            Verdict.HELD,
                            where,
                            f"{column.name} is a lower limit",
                            "a life",
                            "Give the value, or leave it empty",
                        )
                    )
                if not (number == 0 and column.name in _ZERO_MEANS_FAILED):
                    self._check(column.name, number, column)
                outcomes[column.name] = number
                if math.isfinite(uncertainty):
                    sem[column.name] = uncertainty
                if limit == ">":
                    censored.add(column.name)
            elif column.role == "censored":
                if self._row.cell(column.place).text.lower() in {"true", "1", "yes", "x", "ja", "wahr"}:
                    censored.add(column.name)
            elif column.role == "sem":
                number, _, _ = self._number(column, allows_limit=False)
                if math.isfinite(number):
                    sem[column.name] = number
        return outcomes, {n: s for n, s in sem.items() if n in outcomes}, frozenset(censored & set(outcomes))

    def _may_be_censored(self, name: str) -> bool:
        return name == "cycle_life" or name not in OUTCOMES

    def _design(self, role: str) -> dict[str, float | str]:
        values: dict[str, float | str] = {}
        for column in self._columns.known:
            if column.role != role:
                continue
            variable = self._spec.space[column.name]
            text = self._row.cell(column.place).text
            is_word = isinstance(variable, Categorical) or (
                isinstance(variable, Fixed) and isinstance(variable.value, str)
            )
            if is_word:
                if text:
                    values[column.name] = text
                continue
            number, _, _ = self._number(column, allows_limit=False)
            if math.isfinite(number):
                self._check(column.name, number, column)
                values[column.name] = number
        return values
