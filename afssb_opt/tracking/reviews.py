"""What reviewers decided in the MLflow UI: which of their tags the ledger has not followed yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from afssb_opt.domain.errors import suggest
from afssb_opt.ledger import TrialRecord
from afssb_opt.tracking.run_index import MirroredRun

ReviewAction = Literal["exclude", "include"]

_ACTIONS: tuple[ReviewAction, ...] = ("exclude", "include")


@dataclass(frozen=True)
class ReviewDecision:
    """One decision to be recorded in the ledger.

    Attributes:
        note: The reviewer's reason, from `afssb.review_note`.
        who: From `afssb.reviewer`; MLflow itself does not say who set a tag.
    """

    trial_uid: str
    action: ReviewAction
    note: str
    who: str


@dataclass(frozen=True)
class ReviewOutcome:
    """What follows from the tags of all runs.

    Attributes:
        decisions: To be recorded by the caller.
        tags: Per run id, tags by which the mirror shows that the ledger has followed, or moved on since.
        warnings: Tags that cannot be understood.
    """

    decisions: tuple[ReviewDecision, ...]
    tags: Mapping[str, Mapping[str, str]]
    warnings: tuple[str, ...]


def read_reviews(trials: Iterable[TrialRecord], runs: Mapping[str, MirroredRun]) -> ReviewOutcome:
    """Compare the reviewers' tags with the ledger; each decision is returned until the ledger holds it.

    `afssb.review_seen` repeats the tag once the ledger has followed it. From then on the ledger may change its mind
    (`afssb include`), and the reviewer's tag is brought in line instead of being followed a second time.
    """
    decisions: list[ReviewDecision] = []
    tags: dict[str, dict[str, str]] = {}
    warnings: list[str] = []
    for trial in trials:
        run = runs.get(trial.uid)
        if run is None or run.is_deleted or not run.review:
            continue
        wanted = next((action for action in _ACTIONS if action == run.review.strip().lower()), None)
        held: ReviewAction = "exclude" if trial.is_excluded else "include"
        if wanted is None:
            warnings.append(
                f"{trial.label}: the tag afssb.review is '{run.review[:40]}'. "
                f"{suggest(run.review, _ACTIONS)}Allowed: {', '.join(_ACTIONS)}"
            )
        elif wanted == held:
            if run.review_seen != wanted:
                tags[run.run_id] = {"afssb.review_seen": wanted}
        elif run.review_seen == wanted:
            tags[run.run_id] = {"afssb.review": held, "afssb.review_seen": held}
        else:
            who = run.reviewer or "reviewer in MLflow"
            decisions.append(ReviewDecision(trial.uid, wanted, run.review_note or "no reason was given in MLflow", who))
    return ReviewOutcome(tuple(decisions), tags, tuple(warnings))
