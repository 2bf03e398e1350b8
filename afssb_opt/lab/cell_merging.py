"""Putting together what table, cycler file and spectra say about one cell, and how that cell ended."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from afssb_opt.domain.trials import TrialFailure, TrialResult
from afssb_opt.lab.cell_results import CellResult
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.impedance import spectrum_result
from afssb_opt.lab.plan import ArrivedFile
from afssb_opt.lab.spectrum import Spectrum
from afssb_opt.lab.table_row import TableRow

# Table and cycler file agree about an outcome up to rounding.
SAME_VALUE: Final = 0.01


@dataclass(frozen=True)
class CellInput:
    """Everything that came in about one cell."""

    trial: str
    cell_id: str = ""
    files: tuple[ArrivedFile, ...] = ()
    rows: tuple[tuple[ArrivedFile, TableRow], ...] = ()
    table_findings: tuple[Finding, ...] = field(default_factory=tuple)
    replicate_of: str = ""


def spectra_of(cell: CellInput, area_cm2: float) -> tuple[tuple[Spectrum, ...], dict[str, str | float], list[Finding]]:
    """Return the spectra, what was fitted to the last sound one, and what is to be said about them."""
    spectra = tuple(file.content.spectrum for file in cell.files if file.content.spectrum is not None)
    values: dict[str, str | float] = {}
    findings: list[Finding] = []
    for spectrum in spectra:
        fit = spectrum_result(spectrum)
        findings += fit.findings
        if not math.isfinite(fit.total_ohm):
            continue
        values |= {
            "eis_residual": fit.residual,
            "eis_high_frequency_ohm": fit.intercept_ohm,
            "eis_total_ohm": fit.total_ohm,
        }
        values["eis_conditions"] = json.dumps(spectrum.conditions, sort_keys=True)
        if not math.isfinite(area_cm2):
            findings.append(
                Finding(
                    "impedance.area",
                    Verdict.WARNING,
                    "",
                    "no electrode area",
                    "column cell_area_cm2",
                    "Resistances are kept in ohm",
                )
            )
        elif fit.is_reliable:
            values["eis_areal_resistance_ohm_cm2"] = fit.total_ohm * area_cm2
            values["eis_high_frequency_ohm_cm2"] = fit.intercept_ohm * area_cm2
    return spectra, values, findings


def merged_of(
    cell: CellInput,
    outcome: CellResult | None,
    spectrum: Mapping[str, str | float],
    attributes: Mapping[str, str | float | int],
) -> tuple[TrialResult | None, list[Finding]]:
    """Put table and cycler file together; the file wins, and a disagreement is asked about."""
    values: dict[str, float] = {}
    sem: dict[str, float] = {}
    censored: frozenset[str] = frozenset()
    for _, row in cell.rows:
        values |= row.outcomes
        sem |= row.sem
        censored |= row.censored
    findings = []
    if outcome is not None:
        for name, value in outcome.outcomes.values.items():
            told = values.get(name)
            if told is not None and abs(told - value) > SAME_VALUE * max(abs(told), abs(value)):
                findings.append(
                    Finding(
                        "match.disagreement",
                        Verdict.HELD,
                        "",
                        f"the table says {name} {told:.5g}, the cycler file {value:.5g}",
                        "the same",
                        "Correct the table, or empty the cell",
                    )
                )
        values |= outcome.outcomes.values
        censored = (censored - set(outcome.outcomes.values)) | outcome.outcomes.censored
        sem = {name: value for name, value in sem.items() if name not in outcome.outcomes.values}
    areal = spectrum.get("eis_areal_resistance_ohm_cm2")
    if "areal_resistance_ohm_cm2" not in values and isinstance(areal, float):
        values["areal_resistance_ohm_cm2"] = areal
    if not values:
        return None, findings
    names = sorted({file.name for file in cell.files} | {file.name for file, _ in cell.rows})
    return TrialResult(values, sem, censored, "lab", {**attributes, "files": ", ".join(names)}), findings


def ending_of(
    cell: CellInput, status: str, result: TrialResult | None, outcome: CellResult | None
) -> tuple[TrialFailure | None, TrialResult | None, bool]:
    """Return failure, result and whether the cell has ended."""
    if status == "failed":
        row = next(row for _, row in reversed(cell.rows) if row.status == "failed")
        if result is not None and result.outcomes.get("cycle_life", 0) > 0 and row.failure_kind != "equipment":
            # A cell that died after cycling tells its life: the end was seen, so it is no lower limit.
            return None, replace(result, censored=result.censored - {"cycle_life"}), True
        reason = row.reason or "reported as failed"
        return TrialFailure("equipment" if row.failure_kind == "equipment" else "cell", reason), None, True
    if status:
        # A cell whose life has ended is final, whatever an older sheet says.
        return None, result, status == "completed" or (outcome is not None and outcome.is_final)
    if outcome is not None:
        return None, result, outcome.is_final
    is_life_open = result is not None and "cycle_life" in result.censored
    return None, result, not is_life_open
