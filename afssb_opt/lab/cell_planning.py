"""What one cell's rows and files amount to: its result or failure, what was built, and every doubt about it."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Final

import numpy as np

from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.lab.as_built import as_built_values
from afssb_opt.lab.cell_merging import CellInput, ending_of, merged_of, spectra_of
from afssb_opt.lab.cell_results import CellResult, cell_result
from afssb_opt.lab.findings import Finding, UnreadableError, Verdict
from afssb_opt.lab.matching import KnownTrial
from afssb_opt.lab.plan import CellPlan
from afssb_opt.lab.pressure import pressure_summary, with_pressure
from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.stitching import stitched

# Clocks of testers are local and the ledger's is UTC; more than a day earlier is another cell.
CLOCK_SLACK_S: Final = 86_400.0
# Changes when the same files would give other outcomes, so that they are worked out anew.
READER_VERSION: Final = 1


def plan_cell(cell: CellInput, trial: KnownTrial, spec: CampaignSpec, area_cm2: float) -> CellPlan:
    """Work out one cell; nothing is written."""
    findings = [*cell.table_findings, *(finding for file in cell.files for finding in file.content.findings)]
    built, status, row_findings = _from_rows(cell, trial, spec)
    findings += row_findings
    if trial.state in {"void", "abandoned"}:
        findings.append(
            Finding(
                "match.state",
                Verdict.HELD,
                "",
                f"trial {trial.label} is {trial.state}",
                "an open trial",
                "Accept it to keep the result unclaimed, or `afssb restore` the trial first",
            )
        )
    as_built = {**trial.design, **trial.as_built, **built} if built or trial.as_built else None
    series, series_findings = _joined_series(cell, trial, area_cm2)
    findings += series_findings
    outcome: CellResult | None = None
    attributes: dict[str, str | float | int] = {}
    if series is not None and math.isfinite(area_cm2):
        outcome = cell_result(series, area_cm2, as_built or trial.design, spec.protocol, spec.outcome_settings)
        findings += outcome.findings
        attributes = _attributes(series, outcome, area_cm2)
    spectra, spectrum_outcomes, spectrum_findings = spectra_of(cell, area_cm2)
    findings += spectrum_findings
    attributes |= spectrum_outcomes
    result, conflicts = merged_of(cell, outcome, spectrum_outcomes, attributes)
    if result is not None:
        result = spec.with_recipe_outcomes(as_built or trial.design, result)
    findings += conflicts
    failure, result, is_final = ending_of(cell, status, result, outcome)
    if result is not None:
        findings = [finding for finding in findings if finding.rule != "table.empty"]
    fresh = tuple(file for file in cell.files if not file.is_stored)
    has_stored = len(fresh) < len(cell.files)
    is_same_source = has_stored or any(file.name in trial.sources for file, _ in cell.rows)
    is_correction = trial.state == "completed" and is_same_source and not cell.replicate_of
    if is_correction:
        findings.append(
            Finding(
                "match.revised",
                Verdict.NOTE,
                "",
                f"{trial.label} has a result from the same source",
                "",
                "A changed result supersedes it; both are kept",
            )
        )
    if cell.replicate_of:
        findings.append(
            Finding(
                "match.replicate",
                Verdict.NOTE,
                "",
                f"cell {cell.cell_id} is another cell of {cell.replicate_of}",
                "",
                "It becomes a trial of its own with the same design",
            )
        )
    return CellPlan(
        trial=trial.label,
        cell_id=cell.cell_id,
        files=fresh,
        rows=tuple(f"{f.name} {r.where}" for f, r in cell.rows),
        tables=tuple({f.path: f for f, _ in cell.rows}.values()),
        result=result,
        failure=failure,
        as_built=as_built,
        cycling=outcome.cycling if outcome is not None and len(outcome.cycling) else None,
        is_final=is_final,
        content_keys=_content_keys(cell),
        findings=tuple(findings),
        area_cm2=area_cm2,
        is_correction=is_correction,
        replicate_of=cell.replicate_of,
        series=series,
        cycle_rows=_cycle_rows(outcome),
        spectra=spectra,
        status=outcome.status if outcome else {},
    )


def _from_rows(
    cell: CellInput, trial: KnownTrial, spec: CampaignSpec
) -> tuple[dict[str, float | str], str, list[Finding]]:
    built: dict[str, float | str] = {}
    status = ""
    findings: list[Finding] = []
    contents = {
        json.dumps([dict(r.outcomes), dict(r.as_built), r.status, r.reason], sort_keys=True) for _, r in cell.rows
    }
    if len(contents) > 1:
        places = ", ".join(f"{file.name} {row.where}" for file, row in cell.rows)
        findings.append(
            Finding(
                "table.repeated",
                Verdict.REJECTED,
                places,
                f"{trial.label} stands in {len(cell.rows)} rows with different values",
                "one row per cell",
                "Delete the wrong row",
            )
        )
    for _, row in cell.rows:
        values, about = as_built_values(row, trial, spec)
        built |= values
        findings += [*row.findings, *about]
        status = row.status or status
        if math.isfinite(row.test_started_at) and row.test_started_at < trial.proposed_at - CLOCK_SLACK_S:
            findings.append(_too_early(row.where, row.test_started_at, trial))
        if row.status == "not built":
            findings.append(
                Finding(
                    "table.status",
                    Verdict.HELD,
                    row.where,
                    f"{trial.label} was not built",
                    "a built cell",
                    f"Say `afssb abandon` {trial.label} to give it up",
                )
            )
        if row.failure_kind not in {"", "cell", "equipment"}:
            findings.append(
                Finding(
                    "table.status",
                    Verdict.HELD,
                    row.where,
                    f"failure kind '{row.failure_kind}'",
                    "cell (the model learns from it) or equipment (tried again)",
                    "Choose one",
                )
            )
    return built, status, findings


def _too_early(where: str, started_at: float, trial: KnownTrial) -> Finding:
    days = (trial.proposed_at - started_at) / 86_400.0
    return Finding(
        "match.date",
        Verdict.HELD,
        where,
        f"the test began {days:.0f} days before {trial.label} was proposed",
        "a later start",
        "Another cell? A wrong clock? Check the id",
    )


def _joined_series(cell: CellInput, trial: KnownTrial, area_cm2: float) -> tuple[RawSeries | None, list[Finding]]:
    parts = [file.content.series for file in cell.files if file.content.series is not None]
    if not parts:
        return None, []
    findings: list[Finding] = []
    if not math.isfinite(area_cm2):
        findings.append(
            Finding(
                "series.area",
                Verdict.HELD,
                "",
                "the electrode area of the cell is not known",
                "column cell_area_cm2 of the build sheet, or --area-cm2",
                "Capacities per area need it; areas in files are never used",
            )
        )
    try:
        series = stitched(parts)
    except UnreadableError as error:
        return None, [*findings, error.finding]
    findings += [finding for finding in series.findings if finding not in findings]
    if series.started_at < trial.proposed_at - CLOCK_SLACK_S:
        findings.append(_too_early("", series.started_at, trial))
    for file in cell.files:
        if file.content.pressure is not None:
            joined = with_pressure(series, file.content.pressure)
            findings += joined.findings[len(series.findings) :]
            series = joined
    return series, findings


def _attributes(series: RawSeries, outcome: CellResult, area_cm2: float) -> dict[str, str | float | int]:
    about: dict[str, str | float | int] = {
        "test_uid": series.test_uid, "n_cycles": len(outcome.cycling), "cell_area_cm2": area_cm2,
        "reference_cycle": outcome.settings.reference_cycle, "reader_version": READER_VERSION,
    }  # fmt: skip
    later = outcome.cycling[outcome.cycling["cycle"] >= outcome.settings.reference_cycle]
    efficiency = later["coulombic_efficiency_pct"].to_numpy(float)
    if len(efficiency) and (efficiency > 0).all():
        about["average_ce_geometric_pct"] = float(np.exp(np.mean(np.log(efficiency))))
    if outcome.short_signs:
        about["soft_short_signs"] = "; ".join(outcome.short_signs)
    if outcome.status:
        about["outcome_status"] = ", ".join(f"{name} {status}" for name, status in sorted(outcome.status.items()))
    return about | pressure_summary(outcome.cycling)


def _cycle_rows(outcome: CellResult | None) -> tuple[tuple[int, int, int, int, int], ...]:
    if outcome is None:
        return ()
    numbers = outcome.cycles.cycling["cycle"].to_numpy(int)
    return tuple(
        (int(n), int(a), int(b), int(c), int(d)) for n, (a, b, c, d) in zip(numbers, outcome.cycles.rows, strict=True)
    )


def file_key(sha256: str) -> str:
    """Return the key of a file's content; it carries the version of the reader."""
    return f"{READER_VERSION}:{sha256}"


def _content_keys(cell: CellInput) -> frozenset[str]:
    """Return one hash per file and per row: all known means that nothing new came in."""
    files = {file_key(file.sha256) for file in cell.files if not file.is_stored}
    rows = {
        json.dumps([READER_VERSION, dict(r.outcomes), dict(r.sem), sorted(r.censored), dict(r.as_built), dict(r.design),
                    r.status, r.reason, r.failure_kind, None if math.isnan(r.area_cm2) else r.area_cm2],
                   sort_keys=True)
        for _, r in cell.rows
    }  # fmt: skip
    return frozenset(files | {hashlib.sha256(row.encode()).hexdigest() for row in rows})
