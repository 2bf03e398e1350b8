"""Why a trial was proposed: the ledger replayed to the moment of the proposal, and what came of it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from afssb_opt.campaign.prior import recorded_prior
from afssb_opt.campaign.proposing import told_optimizer
from afssb_opt.campaign_file import build_design_task
from afssb_opt.domain.errors import InputError, Problem, suggest
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import Event, TrialRecord
from afssb_opt.ledger.frames import observations_table, pending_table
from afssb_opt.ledger.replay import CAMPAIGN_KINDS, replay
from afssb_opt.strategies import Explanation

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

# What a definition says of the designs; the rest of it may name files that are gone by now.
TASK_KEYS: Final = ("space", "objectives", "combine", "constraints", "design_constraints", "seed")


@dataclass(frozen=True)
class NearCell:
    """An observed cell near the trial, as it was known then.

    Attributes:
        distance: In units of the ranges of the variables.
        differs: Variables whose values differ.
        design: As built.
        outcomes: As measured then.
    """

    trial: str
    distance: float
    differs: tuple[str, ...]
    design: Mapping[str, float | str]
    outcomes: Mapping[str, float]


@dataclass(frozen=True)
class TrialExplanation:
    """Why a trial was proposed.

    Attributes:
        trial: Label.
        reason: The line that was stored with it.
        data_version: Number of the last event that was known.
        n_observed: Cells that had told something by then.
        n_pending: Designs under test then, and those chosen before it in its batch.
        explanation: Computed anew from that state.
        is_reproduced: Whether it gives the stored reason word for word; another release of a library may not.
        reference: Label of the cell that the drivers compare with; None for the average over all cells.
        near: Nearest cells.
        measured: What came of it since.
    """

    trial: str
    round: int
    state: str
    reason: str
    data_version: int
    n_observed: int
    n_pending: int
    explanation: Explanation
    is_reproduced: bool
    reference: str | None
    near: tuple[NearCell, ...]
    measured: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("explanation", "near")}
        told = self.explanation.to_dict()
        for name in ("reason", "neighbours", "reference_row"):
            told.pop(name)
        return plain | told | {"near": [vars(cell) for cell in self.near]}


def explain_trial(campaign: Campaign, label: str) -> TrialExplanation:
    """Return why a trial was proposed, from the state of the ledger at that moment.

    Raises:
        InputError: The campaign has no such trial.
    """
    events = campaign.ledger.events(campaign.uid)
    trials = sorted(replay(events).values(), key=lambda trial: trial.number)
    trial = _trial(trials, label, campaign.spec)
    data_version = _known_until(trial, events)
    before = [event for event in events if event.seq <= data_version]
    known = sorted(replay(before).values(), key=lambda trial: trial.number)
    spec = _spec_of(before, campaign.spec)
    observations, pending = observations_table(known), pending_table(known)
    batch = [other for other in trials if _is_same_batch(other, trial)]
    designs = pd.DataFrame([other.design for other in batch], columns=list(spec.space.names))
    prior = recorded_prior(before) if spec.prior_data is not None else None
    optimizer = told_optimizer(spec, observations, pending, prior)
    place = batch.index(trial)
    result = spec.scored_result(trial.result)
    found = optimizer.explain(designs)[place]
    rows = spec.scored(observations).to_dict("records")
    near = tuple(
        NearCell(
            str(rows[cell.row]["label"]),
            cell.distance,
            cell.differs,
            {name: rows[cell.row][name] for name in spec.space.names},
            {name: float(rows[cell.row][name]) for name in spec.shown_outcomes if pd.notna(rows[cell.row].get(name))},
        )
        for cell in found.neighbours
    )
    return TrialExplanation(
        trial=trial.label,
        round=trial.round,
        state=str(trial.state),
        reason=trial.reason,
        data_version=data_version,
        n_observed=len(observations),
        n_pending=len(pending) + place,
        explanation=found,
        is_reproduced=trial.reason.startswith(found.reason),
        reference=None if found.reference_row is None else str(rows[found.reference_row]["label"]),
        near=near,
        measured={} if result is None or trial.state is TrialState.VOID else dict(result.outcomes),
    )


def _trial(trials: Sequence[TrialRecord], label: str, spec: CampaignSpec) -> TrialRecord:
    labels = {trial.label: trial for trial in trials}
    if label not in labels:
        remedy = f"{suggest(label, labels)}See `afssb trials`"
        problem = Problem(f"trial {label}", "is not a trial of this campaign", remedy)
        raise InputError([problem], source=f"campaign '{spec.name}'")
    return labels[label]


def _known_until(trial: TrialRecord, events: Sequence[Event]) -> int:
    """Return the event up to which the proposal knew the ledger; of a trial entered otherwise the one before it."""
    recorded = trial.provenance.get("data_version")
    if isinstance(recorded, int):
        return recorded
    return next(event.seq for event in events if event.trial_uid == trial.uid) - 1


def _is_same_batch(other: TrialRecord, trial: TrialRecord) -> bool:
    if other.uid == trial.uid:
        return True
    version = trial.provenance.get("data_version")
    return version is not None and (other.round, other.provenance.get("data_version")) == (trial.round, version)


def _spec_of(events: Sequence[Event], now: CampaignSpec) -> CampaignSpec:
    """Return the campaign as it was defined at the last of the events, as far as proposals depend on it."""
    recorded = [event.payload["definition"] for event in events if event.kind in CAMPAIGN_KINDS][-1]
    definition = _in_order_of(now.definition, recorded)
    task = build_design_task({name: definition[name] for name in TASK_KEYS if name in definition})
    return replace(
        now,
        space=task.space,
        objectives=task.objectives,
        constraints=task.constraints,
        desirability=task.desirability,
        seed=task.seed,
        initial_trials=definition.get("initial_trials"),
        prior_data=definition.get("prior_data"),
    )


def _in_order_of(example: Any, recorded: Any) -> Any:
    """Return recorded entries in the order of the campaign file: the ledger sorts them, and proposals depend on it."""
    if not isinstance(example, Mapping) or not isinstance(recorded, Mapping):
        return recorded
    names = [name for name in example if name in recorded] + [name for name in recorded if name not in example]
    return {name: _in_order_of(example.get(name), recorded[name]) for name in names}
