"""The record of truth of every campaign: what was proposed, evaluated, found and decided, and by whom."""

from afssb_opt.ledger.deciding import Action
from afssb_opt.ledger.errors import LedgerFaultError, MoveError, UnknownCampaignError, UnknownTrialError
from afssb_opt.ledger.ledger import Ledger
from afssb_opt.ledger.outbox import Delivery, Outbox
from afssb_opt.ledger.records import (
    Amendment,
    CampaignRecord,
    Claim,
    Event,
    Holder,
    Lease,
    NewTrial,
    Recorded,
    Standing,
    TrialRecord,
)
from afssb_opt.ledger.upgrading import Upgraded, upgrade_store

__all__ = [
    "Action",
    "Amendment",
    "CampaignRecord",
    "Claim",
    "Delivery",
    "Event",
    "Holder",
    "Lease",
    "Ledger",
    "LedgerFaultError",
    "MoveError",
    "NewTrial",
    "Outbox",
    "Recorded",
    "Standing",
    "TrialRecord",
    "UnknownCampaignError",
    "UnknownTrialError",
    "Upgraded",
    "upgrade_store",
]
