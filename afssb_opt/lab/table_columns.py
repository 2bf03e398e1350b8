"""What the columns of a result table mean: the trial, the cell, what was built, what came out, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from afssb_opt.domain.errors import suggest
from afssb_opt.domain.outcomes import OUTCOMES
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.standard_variables import STANDARD_VARIABLES
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.grid import Grid, GridRow
from afssb_opt.lab.units import plain_label

AS_BUILT: Final = "as_built_"
# Header as written (plain label) -> role that a column plays beside variables and outcomes.
ROLES: Final[dict[str, str]] = {
    "trial": "trial", "trial id": "trial", "trial label": "trial", "trial no": "trial", "label": "trial",
    "cell id": "cell_id", "cell": "cell_id", "cellid": "cell_id", "barcode": "cell_id", "cell ids": "cell_id",
    "status": "status", "state": "status", "failure": "failure_kind", "failure kind": "failure_kind",
    "reason": "reason", "failure reason": "reason", "comment": "note", "comments": "note", "note": "note",
    "notes": "note", "remark": "note", "remarks": "note", "operator": "note", "why": "note", "protocol": "note",
    "cell area": "cell_area_cm2", "cell area cm2": "cell_area_cm2", "area": "cell_area_cm2",
    "electrode area": "cell_area_cm2", "electrode area cm2": "cell_area_cm2", "built on": "note",
    "built at": "note", "test start": "test_date", "start date": "test_date", "date": "test_date",
    "finished at": "note", "temperature c": "temperature_c", "temperature": "temperature_c",
    "round": "note", "batch": "note", "campaign": "campaign",
}  # fmt: skip
# Units in brackets that a header may state, as factor to the unit in the column's name; None needs a person.
_UNIT_FACTORS: Final[dict[str, dict[str, float | None]]] = {
    "mpa": {"mpa": 1.0, "kpa": 1e-3, "bar": 0.1, "psi": 1 / 145.038, "gpa": 1e3, "t": None, "n": None, "kn": None},
    "um": {"um": 1.0, "µm": 1.0, "nm": 1e-3, "mm": 1e3},
    "wt_pct": {"wt%": 1.0, "wt pct": 1.0, "%": 1.0, "wt": None, "vol%": None},
    "pct": {"%": 1.0, "percent": 1.0, "-": 100.0, "1": 100.0, "fraction": 100.0},
    "ohm_cm2": {"ohm cm2": 1.0, "ohm cm^2": 1.0, "ohm*cm2": 1.0, "ohm·cm2": 1.0, "ohm": None, "mohm cm2": 1e-3},
    "cm2": {"cm2": 1.0, "cm^2": 1.0, "cm²": 1.0, "mm2": 1e-2, "mm^2": 1e-2, "mm²": 1e-2, "mm": None, "cm": None},
    "c": {"c": 1.0, "°c": 1.0, "degc": 1.0, "k": None},
}
_BRACKETS: Final = re.compile(r"^(.*?)\s*[\[(]([^\])]+)[\])]\s*$")


@dataclass(frozen=True)
class Column:
    """One column whose meaning is known.

    Attributes:
        role: A value of `ROLES`, `variable`, `as_built`, `outcome`, `sem` or `censored`.
        name: Variable or outcome; empty for the other roles.
        factor: What leads from the header's unit to the unit in the name.
        states_unit: The header states a unit, so that fractions and percent cannot be confused.
    """

    place: int
    role: str
    name: str = ""
    factor: float = 1.0
    states_unit: bool = False


@dataclass(frozen=True)
class Columns:
    """The header of a table.

    Attributes:
        header_row: Its line number.
        left_out: Headers that mean nothing here.
    """

    header_row: int
    known: tuple[Column, ...]
    left_out: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def of_role(self, role: str) -> Column | None:
        """Return the first column with this role."""
        return next((column for column in self.known if column.role == role), None)


def find_columns(grid: Grid, spec: CampaignSpec) -> Columns | None:
    """Return the meaning of the columns, or None where no line names a trial or a cell."""
    for row in grid.rows[:30]:
        labels = [plain_label(cell.text) for cell in row.cells]
        if any(ROLES.get(label) in {"trial", "cell_id"} for label in labels) and sum(map(bool, labels)) > 1:
            return _columns(grid, row, spec)
    return None


def _columns(grid: Grid, row: GridRow, spec: CampaignSpec) -> Columns:
    known: list[Column] = []
    left_out: list[str] = []
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    names = _names(spec)
    for place, cell in enumerate(row.cells):
        if not cell.text:
            continue
        where = grid.where(row.number, place)
        label = plain_label(cell.text)
        if label in seen:
            findings.append(
                Finding(
                    "table.header",
                    Verdict.REJECTED,
                    where,
                    f"'{cell.text}' stands twice (also {seen[label]})",
                    "each name once",
                    "Rename or delete one of them",
                )
            )
            continue
        seen[label] = where
        column, problem = _column(place, cell.text, where, names)
        if problem is not None:
            findings.append(problem)
        if column is not None:
            known.append(column)
        elif problem is None:
            left_out.append(cell.text)
            near = suggest(cell.text, [*names, *spec.outcome_names])
            verdict = Verdict.HELD if near else Verdict.NOTE
            findings.append(
                Finding(
                    "table.column", verdict, where, f"column '{cell.text}' is not known", "", near or "It is left out"
                )
            )
    return Columns(row.number, tuple(known), tuple(left_out), tuple(findings))


def _names(spec: CampaignSpec) -> Mapping[str, tuple[str, str]]:
    """Return plain header -> (role, name) for every variable and outcome of the campaign and of the project."""
    found: dict[str, tuple[str, str]] = {}
    for name, definition in OUTCOMES.items():
        found[plain_label(definition.label)] = ("outcome", name)
    for name in (*OUTCOMES, *spec.outcome_names):
        found[plain_label(name)] = ("outcome", name)
        found[plain_label(f"{name}_sem")] = ("sem", name)
        found[plain_label(f"{name}_censored")] = ("censored", name)
    for name, standard in STANDARD_VARIABLES.items():
        if name in spec.space.names:
            found[plain_label(standard.label)] = ("variable", name)
    for name in spec.space.names:
        found[plain_label(name)] = ("variable", name)
        found[plain_label(AS_BUILT + name)] = ("as_built", name)
    return found


def _column(
    place: int, text: str, where: str, names: Mapping[str, tuple[str, str]]
) -> tuple[Column | None, Finding | None]:
    match = _BRACKETS.match(text.strip())
    label, unit = (
        (plain_label(match[1]), match[2].strip().lower().replace("ω", "ohm")) if match else (plain_label(text), "")
    )
    role, name = names.get(label, (ROLES.get(label, ""), ""))
    if not role:
        return None, None
    measured = name or role
    factor: float | None = 1.0
    if unit and role in {"variable", "as_built", "outcome", "sem", "cell_area_cm2", "temperature_c"}:
        suffix = next((key for key in _UNIT_FACTORS if measured.endswith(f"_{key}")), "")
        factor = _UNIT_FACTORS.get(suffix, {}).get(unit, 1.0 if unit == "cycles" or not suffix else None)
        if factor is None:
            allowed = ", ".join(_allowed_units(suffix))
            return Column(place, role, name, 1.0, True), Finding(
                "table.units",
                Verdict.HELD,
                where,
                f"{measured} is given in '{unit}'",
                allowed,
                "Convert the values; this unit cannot be converted without more knowledge",
            )
    note = None
    if factor != 1.0:
        note = Finding(
            "table.units", Verdict.NOTE, where, f"{measured} is given in '{unit}'", "", f"Multiplied by {factor:.6g}"
        )
    return Column(place, role, name, factor or 1.0, bool(unit)), note


def _allowed_units(suffix: str) -> Iterable[str]:
    return (unit for unit, factor in _UNIT_FACTORS.get(suffix, {}).items() if factor is not None)
