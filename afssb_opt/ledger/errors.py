"""Which errors only the ledger raises, beside those of the domain."""

from __future__ import annotations

from afssb_opt.domain.errors import StoreError


class LedgerFaultError(StoreError):
    """The database itself failed, for instance on a full or read-only disk; nothing of the call was written."""


class UnknownTrialError(StoreError):
    """No trial of this ledger has the given uid or label."""


class UnknownCampaignError(StoreError):
    """No campaign of this ledger has the given uid."""


class MoveError(StoreError):
    """A trial cannot pass from its state to the wanted one."""
