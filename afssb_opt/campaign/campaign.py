"""One campaign opened on its ledger: what a notebook, a flow and the command line all work with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pandas as pd

from afssb_opt.campaign.budget import n_to_propose, rule_reason, stop_reason
from afssb_opt.campaign.lease import hold_lease
from afssb_opt.campaign.results import record_table
from afssb_opt.campaign.stores import Stores
from afssb_opt.campaign_file import Amendment, compare_definitions, load_spec
from afssb_opt.domain.errors import AmendmentError, InputError, Problem, StoreError
from afssb_opt.domain.objectives import pareto_rows
from afssb_opt.domain.spec import CampaignSpec
from afssb_opt.ledger import CampaignRecord, Ledger, Standing, TrialRecord

if TYPE_CHECKING:
    from afssb_opt.campaign.explaining import TrialExplanation


class Campaign:
    """A campaign file and its ledger.

    Attributes:
        spec: The campaign as the file states it now.
        record: What the ledger knows about it.
        changes: Entries of the file that differ from the ledger (applied already, unless opened for reading).
    """

    def __init__(
        self,
        spec: CampaignSpec,
        stores: Stores,
        ledger: Ledger,
        record: CampaignRecord,
        changes: tuple[Amendment, ...] = (),
    ) -> None:
        self.spec = spec
        self.stores = stores
        self.ledger = ledger
        self.record_of_campaign = record
        self.changes = changes

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any], *, read_only: bool = False) -> Campaign:
        """Open a campaign, creating its ledger on first use; results that wait in its outbox are recorded then.

        Args:
            source: Path of a campaign file, or a dictionary in the same words.
            read_only: Create and change nothing; the campaign must exist.

        Raises:
            CampaignFileError: The file is wrong; all problems are listed.
            AmendmentError: The file was changed in a way its recorded trials cannot follow.
            StoreError: The store cannot be used, or does not exist yet and `read_only` is set.
        """
        spec = load_spec(source)
        stores = Stores.beside(source)
        if read_only:
            ledger = _open_existing(stores, spec)
        else:
            stores.create_folder()
            ledger = Ledger.create_or_open(stores.ledger_url, outbox=stores.outbox)
        try:
            if not read_only:
                ledger.deliver()
            record, changes = _register(spec, ledger, read_only=read_only)
        except BaseException:
            ledger.close()
            raise
        return cls(spec, stores, ledger, record, changes)

    def __enter__(self) -> Campaign:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    @property
    def uid(self) -> str:
        """Identity of the campaign in the ledger."""
        return self.record_of_campaign.uid

    def trials(self) -> list[TrialRecord]:
        """Return all trials by number."""
        return self.ledger.trials(self.uid)

    def standing(self) -> Standing:
        """Return how many trials there are in each state, without reading all of them."""
        return self.ledger.standing(self.uid)

    def observations(self) -> pd.DataFrame:
        """Return what the surrogate learns from: one row per finished, partial or failed cell."""
        return self.spec.scored(self.ledger.observations(self.uid))

    def stop_reason(self) -> str | None:
        """Return why nothing more is to be proposed, or None while the campaign goes on."""
        standing = self.standing()
        spent = stop_reason(self.spec.budget, standing, self.record_of_campaign.created_at, datetime.now(UTC))
        return spent or rule_reason(self.spec, self.ledger, self.uid, standing)

    def n_to_propose(self, limit: int | None = None) -> int:
        """Return how many designs fit into batch, budget, channels and `limit` now."""
        return n_to_propose(self.spec, self.standing(), limit)

    def propose(
        self,
        n: int | None = None,
        *,
        fixed: Mapping[str, object] | None = None,
        candidates: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Register the next designs (a batch, unless `n` is given) and return them with label and reason.

        Args:
            n: How many.
            fixed: Variables to hold at one value, such as `{"seed_alloy": "Ag"}`.
            candidates: A list of designs to choose from, best first.

        Raises:
            CampaignBusyError: Another process is advancing the campaign.
            StrategyError: No further distinct design exists.
            InputError: A fixed value or a candidate is not of this space, or the stop rule ends the campaign.
        """
        # torch takes seconds to import, which status and record need not pay.
        from afssb_opt.campaign.proposing import Narrowing, propose_trials

        with hold_lease(self.ledger, self.uid) as lease:
            records = propose_trials(self, lease, n or self.spec.batch_size, Narrowing(fixed or {}, candidates))
        if not records:
            remedy = "Change or remove stop_when to go on all the same"
            problem = Problem("propose", self.stop_reason() or "was stopped by a rule", remedy)
            raise InputError([problem], source=f"campaign '{self.spec.name}'")
        return pd.DataFrame([{"trial": r.label, **r.design, "reason": r.reason} for r in records])

    def explain(self, trial: str) -> TrialExplanation:
        """Say why a trial was proposed, from nothing but what was known then.

        Raises:
            InputError: There is no such trial.
        """
        from afssb_opt.campaign.explaining import explain_trial

        return explain_trial(self, trial)

    def record(self, results: pd.DataFrame) -> pd.DataFrame:
        """Record results given by hand: a `trial` column with labels, one column per outcome.

        Optional columns: `<outcome>_sem`, `<outcome>_censored`, `status` (completed, partial, failed), `reason`,
        and variables as built. Returns what was done per row.

        Raises:
            InputError: Nothing was recorded; all problems are listed.
        """
        return record_table(self.spec, self.ledger, self.uid, results)

    def best(self) -> pd.DataFrame:
        """Return the Pareto set: finished cells that meet all constraints and that no other such cell beats.

        Where the objectives are combined it is the most desirable cell, or several if they are equal.
        """
        observations = self.observations()
        finished = observations[observations["status"] != "failed"] if len(observations) else observations
        keep = pareto_rows(self.spec.wanted, self.spec.constraints, finished)
        best = finished[keep]
        first = self.spec.wanted[0]
        if first.outcome in best and len(best):
            order = first.maximised(best[first.outcome].to_numpy(float)).argsort()[::-1]
            best = best.iloc[order]
        return best.reset_index(drop=True)


def _open_existing(stores: Stores, spec: CampaignSpec) -> Ledger:
    path = stores.ledger_url.removeprefix("sqlite:///")
    if stores.ledger_url.startswith("sqlite:///") and not Path(path).exists():
        raise StoreError(
            f"campaign '{spec.name}' has no records yet ({path} does not exist). Start it with `afssb run`"
        )
    return Ledger.open(stores.ledger_url, outbox=stores.outbox)


def _register(spec: CampaignSpec, ledger: Ledger, *, read_only: bool) -> tuple[CampaignRecord, tuple[Amendment, ...]]:
    record = ledger.campaign(spec.name)
    if record is None:
        if read_only:
            raise StoreError(f"campaign '{spec.name}' has no records yet in {ledger.place}. Start it with `afssb run`")
        return ledger.register_campaign(spec.name, dict(spec.definition), spec.sha256), ()
    if record.config_sha256 == spec.sha256:
        return record, ()
    changes = tuple(compare_definitions(record.definition, spec.definition))
    if read_only:
        return record, changes
    refused = [change for change in changes if not change.is_allowed]
    if refused and ledger.standing(record.uid).n_trials:
        raise AmendmentError(
            [
                Problem(
                    c.path,
                    f"was changed after trials were made: {c}",
                    "Undo the change, or give the campaign a new name",
                )
                for c in refused
            ],
            source=f"campaign '{spec.name}'",
        )
    amended = ledger.amend_campaign(record.uid, dict(spec.definition), spec.sha256, [str(change) for change in changes])
    return amended, changes
