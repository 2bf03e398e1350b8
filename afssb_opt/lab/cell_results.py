"""From the checked series of a cell to its outcomes, each with a status, and to what has to be asked first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from afssb_opt.domain.outcomes import Outcomes, OutcomeSettings, compute_outcomes
from afssb_opt.domain.protocol import Protocol
from afssb_opt.domain.stack import has_known_seed
from afssb_opt.lab.cycles import CellCycles, cell_cycles
from afssb_opt.lab.findings import Finding, Verdict
from afssb_opt.lab.series import RawSeries
from afssb_opt.lab.soft_short import short_evidence

OutcomeStatus = Literal["ok", "partial", "censored", "invalid"]

# A cell is asked about when its capacity is outside these shares of the expected one (lab_files section 4).
LEAST_CAPACITY, MOST_CAPACITY = 0.5, 1.3
# Fade is small in the first cycles.
EARLY_CYCLES: Final = 3
# A rate that differs by more than this is another kind of cycle: formation, rate test or reference test.
SAME_RATE: Final = 0.25
# A voltage limit overrun by more than this belongs to another protocol; testers overshoot by some mV.
WINDOW_V: Final = 0.05
# No cell of interest carries more; larger values are mA read as A, or a wrong area (lab_files section 5, row 59).
MAX_CURRENT_MA_CM2: Final = 50.0
# Retention and product of efficiencies differ by more than this factor only if there is a lithium reserve.
RETENTION_FACTOR: Final = 1.5
_STILL_MOVING: Final = frozenset({"average_ce_pct", "pressure_min_mpa", "pressure_max_mpa", "short_circuit"})


@dataclass(frozen=True)
class CellResult:
    """What one cell's cycling tells.

    Attributes:
        cycling: Cycling table of the complete cycles at the rate of the protocol, formation included.
        status: Per outcome: `ok`, `partial` (moves with further cycles), `censored`; `invalid` ones have no value.
        is_final: The life has ended, or all cycles of the protocol are done.
        settings: Cycles at which the outcomes were read.
        short_signs: Evidence for a soft short.
    """

    outcomes: Outcomes
    status: Mapping[str, OutcomeStatus]
    cycling: pd.DataFrame
    cycles: CellCycles
    is_final: bool
    settings: OutcomeSettings
    short_signs: tuple[str, ...]
    findings: tuple[Finding, ...]


def cell_result(
    series: RawSeries,
    area_cm2: float,
    design: Mapping[str, object],
    protocol: Protocol,
    settings: OutcomeSettings,
) -> CellResult:
    """Compute the outcomes of one cell.

    Args:
        series: Checked, and stitched where there were several files.
        area_cm2: Electrode area of this cell.
        design: As-built value per variable.
    """
    cycles = cell_cycles(series, area_cm2, protocol.lower_voltage_v)
    table = cycles.cycling
    if table.empty:
        return CellResult(Outcomes({}), {}, table, cycles, False, settings, (), cycles.findings)
    findings = [*cycles.findings]
    at_rate, rate_findings = _at_rate(cycles, protocol)
    findings += rate_findings
    first_ageing = int(table["cycle"].to_numpy(int)[np.argmax(at_rate)]) if at_rate.any() else settings.reference_cycle
    reference = max(settings.reference_cycle, first_ageing)
    settings = replace(settings, reference_cycle=reference)
    # Formation stays: its first charge and discharge are the initial efficiency.
    counted = table[at_rate | (table["cycle"].to_numpy(int) < reference)].reset_index(drop=True)
    if counted.empty:
        counted = table
    findings += _capacity_findings(counted, cycles, protocol, area_cm2)
    outcomes = compute_outcomes(design, protocol, counted, settings)
    if not has_known_seed(design):
        what = f"seed '{design['seed_alloy']}' is not in the alloy table, so no energy density and no seed cost follow"
        remedy = "Give them in a result table where the campaign asks for them"
        findings.append(Finding("cycles.seed", Verdict.NOTE, "", what, "", remedy))
    values = dict(outcomes.values)
    status: dict[str, OutcomeStatus] = dict.fromkeys(values, "ok")
    if not cycles.starts_empty:
        for name in ("initial_ce_pct", "initial_ce_cathode_pct"):
            values.pop(name, None)
            status[name] = "invalid"
    evidence = short_evidence(series, cycles)
    if evidence.signs:
        verdict = Verdict.WARNING if evidence.is_suspected else Verdict.NOTE
        findings.append(Finding("cycles.soft_short", verdict, "", "; ".join(evidence.signs), "", "Look at the curves"))
    has_ended = "cycle_life" in values and "cycle_life" not in outcomes.censored
    is_final = has_ended or int(counted["cycle"].iloc[-1]) >= protocol.cycles
    for name in outcomes.censored:
        status[name] = "censored"
    if not is_final:
        status.update(dict.fromkeys(_STILL_MOVING & set(values), "partial"))
    findings += _consistency(counted, reference)
    return CellResult(
        Outcomes(values, outcomes.censored),
        status,
        counted,
        cycles,
        is_final,
        settings,
        evidence.signs,
        tuple(findings),
    )


def _at_rate(cycles: CellCycles, protocol: Protocol) -> tuple[np.ndarray, list[Finding]]:
    """Return which cycles ran at the protocol's discharge current."""
    measured = cycles.current_ma_cm2[:, 1]
    wanted = protocol.discharge_ma_cm2
    largest = float(np.nanmax(cycles.current_ma_cm2))
    at_rate = np.abs(measured - wanted) <= SAME_RATE * wanted
    number = cycles.cycling["cycle"].to_numpy(int)
    if largest > MAX_CURRENT_MA_CM2:
        return at_rate, [
            Finding(
                "series.range",
                Verdict.HELD,
                "current",
                f"{largest:.4g} mA/cm2",
                f"at most {MAX_CURRENT_MA_CM2:g}",
                "mA read as A, or a wrong area?",
            )
        ]
    if not at_rate.any() and len(number) > 1:
        return at_rate, [
            Finding(
                "cycles.rate",
                Verdict.HELD,
                "current",
                f"cycles run at {np.median(measured):.4g} mA/cm2",
                f"{wanted:g} mA/cm2 (the protocol)",
                "Another protocol, or a wrong area? Confirm or correct it",
            )
        ]
    later = number[~at_rate & (np.arange(len(number)) > np.argmax(at_rate))]
    if len(later):
        return at_rate, [
            Finding(
                "cycles.rate",
                Verdict.NOTE,
                "",
                f"{len(later)} cycles at another rate (first: cycle {later[0]})",
                "",
                "Left out of efficiency, retention and life",
            )
        ]
    return at_rate, []


def _capacity_findings(table: pd.DataFrame, cycles: CellCycles, protocol: Protocol, area_cm2: float) -> list[Finding]:
    findings = []
    expected = protocol.areal_capacity_mah_cm2
    # Li3N adds to the first charge and fade takes from later ones, so each limit is read where neither matters.
    first_charge = float(table["charge_capacity_mah_cm2"].iloc[0])
    largest_discharge = float(table["discharge_capacity_mah_cm2"].iloc[:EARLY_CYCLES].max())
    is_small = first_charge < LEAST_CAPACITY * expected
    if is_small or largest_discharge > MOST_CAPACITY * expected:
        capacity = first_charge if is_small else largest_discharge
        hints = {
            "a factor of 1000 (mAh and Ah)": capacity / 1000,
            "a factor of 1000 (Ah and mAh)": capacity * 1000,
            f"the area of {area_cm2:g} cm2": capacity * area_cm2,
            "an area of 1 cm2 more": capacity * area_cm2 / (area_cm2 + 1),
        }
        near = [text for text, value in hints.items() if LEAST_CAPACITY <= value / expected <= MOST_CAPACITY]
        findings.append(
            Finding(
                "cycles.capacity",
                Verdict.HELD,
                "capacity",
                f"{capacity:.4g} mAh/cm2 where {expected:g} is expected",
                f"{LEAST_CAPACITY * expected:g} to {MOST_CAPACITY * expected:g}",
                f"Explained by {near[0]}? Check it" if near else "Another cell, area or protocol? Check it",
            )
        )
    low, high = float(np.median(cycles.voltage_v[:, 0])), float(np.median(cycles.voltage_v[:, 1]))
    if high > protocol.upper_voltage_v + WINDOW_V or low < protocol.lower_voltage_v - WINDOW_V:
        findings.append(
            Finding(
                "cycles.window",
                Verdict.HELD,
                "voltage",
                f"cycles run from {low:.3f} to {high:.3f} V",
                f"{protocol.lower_voltage_v:g} to {protocol.upper_voltage_v:g} V (the protocol)",
                "Another protocol or another cell? Confirm or correct it",
            )
        )
    return findings


def _consistency(table: pd.DataFrame, reference: int) -> list[Finding]:
    """Without a lithium reserve, capacity falls as the product of efficiencies."""
    after = table[table["cycle"] >= reference]
    if len(after) < 10:
        return []
    efficiency = np.clip(after["coulombic_efficiency_pct"].to_numpy(float) / 100.0, 1e-6, None)
    product = float(np.prod(efficiency[1:]))
    capacity = after["discharge_capacity_mah_cm2"].to_numpy(float)
    retention = float(capacity[-1] / capacity[0]) if capacity[0] > 0 else 0.0
    if retention > 0 and not 1 / RETENTION_FACTOR < product / retention < RETENTION_FACTOR:
        return [
            Finding(
                "cycles.retention",
                Verdict.WARNING,
                "",
                f"retention {100 * retention:.1f} %, product of efficiencies {100 * product:.1f} %",
                "nearly equal",
                "A lithium reserve, or cycles at another rate?",
            )
        ]
    return []
