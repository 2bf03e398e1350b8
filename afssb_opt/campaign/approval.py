"""What a person decides about drafts: approve, edit or reject proposed designs before anybody builds them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd

from afssb_opt.campaign.lease import hold_lease
from afssb_opt.domain.errors import InputError, Problem, suggest
from afssb_opt.domain.space import DesignSpace
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger import NewTrial, TrialRecord

if TYPE_CHECKING:
    from afssb_opt.campaign.campaign import Campaign

Choice = Literal["approve", "reject"]


def drafts_of(campaign: Campaign) -> list[TrialRecord]:
    """Return the designs that wait for a decision, by number."""
    return campaign.ledger.trials(campaign.uid, states=[TrialState.DRAFT])


def decide_drafts(
    campaign: Campaign,
    choice: Choice,
    labels: Sequence[str],
    *,
    edits: Mapping[str, str] | None = None,
    reason: str,
    actor: str,
) -> list[dict[str, str]]:
    """Approve or reject drafts and return what was done with each; all of it is checked before anything is recorded.

    An edited draft becomes a trial of its own, and the draft is kept as rejected with where it went: a design that
    was proposed never changes in the record.

    Args:
        campaign: The campaign.
        choice: What is decided.
        labels: Which drafts; none for all of them.
        edits: New value per variable, for each of these drafts.
        reason: Why; kept in the ledger.
        actor: Who decides.

    Raises:
        InputError: A label is no draft, a value is not allowed, or a rejection has no reason.
        CampaignBusyError: Another process is advancing the campaign, and an edited design needs a new trial.
    """
    waiting = drafts_of(campaign)
    problems: list[Problem] = []
    chosen = _chosen(waiting, labels, problems)
    if choice == "reject" and edits:
        problems.append(Problem("edits", "go with approval only", "Approve the edited design, or reject it unedited"))
    if choice == "reject" and not reason:
        problems.append(Problem("reason", "is missing", "Say why the designs are rejected"))
    designs = _edited(campaign.spec.space, waiting, chosen, edits or {}, problems)
    if problems:
        raise InputError(problems, source=f"drafts of '{campaign.spec.name}'")
    done = []
    for trial in chosen:
        if choice == "reject":
            campaign.ledger.mark(trial.uid, "abandon", reason=reason, actor=actor)
            done.append({"trial": trial.label, "what": "rejected"})
        elif designs[trial.uid] != trial.design:
            successor = _replace(campaign, trial, designs[trial.uid], reason, actor)
            done.append({"trial": trial.label, "what": f"edited, now {successor.label}"})
        else:
            campaign.ledger.mark(trial.uid, "approve", reason=reason or "approved", actor=actor)
            done.append({"trial": trial.label, "what": "approved"})
    return done


def _chosen(waiting: list[TrialRecord], labels: Sequence[str], problems: list[Problem]) -> list[TrialRecord]:
    if not waiting:
        problems.append(Problem("drafts", "none waits for a decision", "Propose cells first"))
    if not labels:
        return waiting
    by_label = {trial.label: trial for trial in waiting}
    for label in labels:
        if label not in by_label and waiting:
            remedy = f"{suggest(label, by_label)}Drafts: {', '.join(by_label)}"
            problems.append(Problem(f"trial {label}", "is no draft that waits for a decision", remedy))
    return [by_label[label] for label in dict.fromkeys(labels) if label in by_label]


def _edited(
    space: DesignSpace,
    waiting: list[TrialRecord],
    chosen: list[TrialRecord],
    edits: Mapping[str, str],
    problems: list[Problem],
) -> dict[str, dict[str, float | str]]:
    """Return each chosen draft's design with the edits, noting values, rules and shared settings that forbid them."""
    values: dict[str, float | str] = {}
    numeric = {variable.name for variable in space.numeric}
    for name, text in edits.items():
        if name not in space.names:
            problems.append(
                Problem(name, "is no variable", f"{suggest(name, space.names)}Allowed: {', '.join(space.names)}")
            )
            continue
        values[name] = _number(name, text, problems) if name in numeric else text
        rounds = {trial.round for trial in chosen}
        batch = [trial for trial in waiting if trial.round in rounds]
        if name in space.shared_names and len(batch) > len(chosen):
            remedy = f"Edit all of {', '.join(trial.label for trial in batch)} at once, or decide about the others"
            problems.append(Problem(name, "is shared by all cells of a batch", remedy))
    if problems:
        return {}
    designs = {trial.uid: {**trial.design, **values} for trial in chosen}
    if values:
        table = pd.DataFrame(list(designs.values()), columns=list(space.names))
        problems += [
            Problem(f"{chosen[row].label}, {problem.where.partition(', ')[2] or 'rule'}", problem.what, problem.remedy)
            for row in range(len(table))
            for problem in space.problems(table.iloc[[row]])
        ]
    return designs


def _number(name: str, text: str, problems: list[Problem]) -> float:
    try:
        return float(text)
    except ValueError:
        problems.append(Problem(name, f"is '{text}'", "Give a number"))
        return 0.0


def _replace(
    campaign: Campaign, draft: TrialRecord, design: dict[str, float | str], reason: str, actor: str
) -> TrialRecord:
    """Register the edited design and shelve the draft; a repetition finds the trial it made."""
    changes = {name: value for name, value in design.items() if value != draft.design[name]}
    said = ", ".join(f"{name} {draft.design[name]} -> {value}" for name, value in changes.items())
    new = NewTrial(
        design,
        draft.round,
        f"{draft.reason}; edited by {actor}: {said}" + (f" ({reason})" if reason else ""),
        {**draft.provenance, "method": "edited by a person", "edited_from": draft.label},
        uid=uuid.uuid5(uuid.UUID(draft.uid), json.dumps(changes, sort_keys=True)).hex,
    )
    with hold_lease(campaign.ledger, campaign.uid) as lease:
        (successor,) = campaign.ledger.add_trials(lease, [new])
    campaign.ledger.mark(draft.uid, "abandon", reason=f"edited, see {successor.label}", actor=actor)
    return successor
