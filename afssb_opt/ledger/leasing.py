"""Who may advance a campaign and who evaluates a trial: leases and claims with fencing tokens."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping, Update, bindparam, select

from afssb_opt.domain.errors import CampaignBusyError, StaleLeaseError
from afssb_opt.domain.trials import TrialState
from afssb_opt.ledger.canonical import canonical_json, time_from_text, time_text
from afssb_opt.ledger.errors import MoveError
from afssb_opt.ledger.records import Claim, Holder, Lease, TrialRecord
from afssb_opt.ledger.rows import Draft, change_trial, load_trial, lock_campaign
from afssb_opt.ledger.schema import campaigns, claims, leases

_ENTER_CLAIM: Final = claims.insert()
_LEASE: Final = select(leases).where(
    (leases.c.campaign_uid == bindparam("campaign")) & (leases.c.role == bindparam("wanted_role"))
)


def acquire_lease(
    connection: Connection, now: datetime, campaign_uid: str, role: str, duration_s: float, holder: Holder
) -> Lease:
    """Take the lease if it is free, expired, or held by a process of this machine that is gone.

    Raises:
        CampaignBusyError: Another process holds it.
    """
    lock_campaign(connection, campaign_uid)
    row = _lease_row(connection, campaign_uid, role)
    if row is not None and row["holder"] is not None:
        held_by = Holder(**json.loads(row["holder"]))
        expires_at = time_from_text(row["expires_at"])
        if expires_at > now and not held_by.is_dead():
            name = connection.execute(select(campaigns.c.name).where(campaigns.c.uid == campaign_uid)).scalar_one()
            raise CampaignBusyError(
                f"campaign '{name}' is in use ({role}) by {held_by} since {row['since']}, until "
                f"{row['expires_at']} unless renewed. Wait for it, or stop that process: its place is then free "
                "at once on the same machine, elsewhere when that time has passed"
            )
    lease = Lease(campaign_uid, role, 1 if row is None else row["token"] + 1, holder, now + _seconds(duration_s))
    values = {
        "token": lease.token,
        "holder": canonical_json(asdict(holder)),
        "since": time_text(now),
        "expires_at": time_text(lease.expires_at),
    }
    if row is None:
        connection.execute(leases.insert().values(campaign_uid=campaign_uid, role=role, **values))
    else:
        connection.execute(_where_lease(campaign_uid, role).values(**values))
    return lease


def renew_lease(connection: Connection, now: datetime, lease: Lease, duration_s: float) -> Lease:
    """Move the expiry of a lease that is still ours.

    Raises:
        StaleLeaseError: Another process has taken it.
    """
    require_lease(connection, lease)
    renewed = replace(lease, expires_at=now + _seconds(duration_s))
    moved = _where_lease(lease.campaign_uid, lease.role).values(expires_at=time_text(renewed.expires_at))
    connection.execute(moved)
    return renewed


def release_lease(connection: Connection, lease: Lease) -> None:
    """Give a lease back; one that was lost meanwhile is left to its new holder."""
    freed = _where_lease(lease.campaign_uid, lease.role).where(leases.c.token == lease.token)
    connection.execute(freed.values(holder=None, since=None, expires_at=None))


def require_lease(connection: Connection, lease: Lease) -> None:
    """Lock the campaign and compare the fencing token.

    Raises:
        StaleLeaseError: The lease was given back, or another process has taken it.
    """
    if connection.dialect.name != "sqlite":
        lock_campaign(connection, lease.campaign_uid)
    row = _lease_row(connection, lease.campaign_uid, lease.role)
    if row is None or row["holder"] is None or row["token"] != lease.token:
        now_held = "nobody" if row is None or row["holder"] is None else str(Holder(**json.loads(row["holder"])))
        raise StaleLeaseError(
            f"the lease '{lease.role}' number {lease.token} of {lease.holder} is over; it is now held by {now_held}. "
            "This write was refused and changed nothing; acquire the lease again and start from the recorded state"
        )


def claim_trial(connection: Connection, now: datetime, lease: Lease, trial_uid: str, duration_s: float) -> Claim:
    """Hand a proposed trial to the holder of the lease for evaluation.

    Raises:
        StaleLeaseError: The lease was lost.
        MoveError: The trial is not waiting.
    """
    require_lease(connection, lease)
    trial = load_trial(connection, trial_uid)
    if trial.campaign_uid != lease.campaign_uid:
        raise MoveError(f"trial {trial.label} belongs to another campaign than the lease. Claim trials of one's own")
    if trial.state is TrialState.CLAIMED:
        row = connection.execute(select(claims).where(claims.c.trial_uid == trial.uid)).mappings().one()
        raise MoveError(
            f"trial {trial.label} is claimed by {Holder(**json.loads(row['holder']))} since {row['since']}. "
            "Take another trial, or release orphaned claims if that process is gone"
        )
    attempt = trial.attempts + 1
    words = {"attempt": attempt, "holder": asdict(lease.holder)}
    claimed = change_trial(connection, trial, Draft(trial.campaign_uid, trial.uid, "claimed", words), now)
    claim = {
        "trial_uid": trial.uid,
        "campaign_uid": trial.campaign_uid,
        "token": claimed.last_seq,
        "holder": canonical_json(asdict(lease.holder)),
        "duration_s": duration_s,
        "since": time_text(now),
        "expires_at": time_text(now + _seconds(duration_s)),
    }
    connection.execute(_ENTER_CLAIM, claim)
    return Claim(trial.uid, claimed.last_seq, attempt)


def heartbeat(connection: Connection, now: datetime, claim: Claim) -> None:
    """Move the expiry of a claim by its duration.

    Raises:
        StaleLeaseError: The trial is no longer in this claim's hands.
    """
    ours = (claims.c.trial_uid == claim.trial_uid) & (claims.c.token == claim.token)
    duration_s = connection.execute(select(claims.c.duration_s).where(ours).with_for_update()).scalar()
    if duration_s is None:
        raise StaleLeaseError(
            f"claim {claim.token} (attempt {claim.attempt}) on trial {claim.trial_uid} is over: the trial was "
            "released, ended or shelved meanwhile. Stop the evaluation; a result it already has may be handed in"
        )
    connection.execute(claims.update().where(ours).values(expires_at=time_text(now + _seconds(duration_s))))


def require_newest_claim(trial: TrialRecord, claim: Claim) -> None:
    """Refuse the result of an attempt that was given up and replaced by a later one.

    Raises:
        StaleLeaseError: The trial was claimed again since.
    """
    if claim.trial_uid != trial.uid or claim.attempt != trial.attempts:
        raise StaleLeaseError(
            f"attempt {claim.attempt} on trial {trial.label} was given up, and attempt {trial.attempts} has begun. "
            "Nothing was written. If this is a measurement that shall count, hand it in again without the claim"
        )


def release_orphaned_claims(connection: Connection, now: datetime, lease: Lease) -> list[str]:
    """Send trials back to `proposed` whose holder is gone or has not been heard of in time; return their uids.

    Raises:
        StaleLeaseError: The lease was lost.
    """
    require_lease(connection, lease)
    released = []
    rows = connection.execute(select(claims).where(claims.c.campaign_uid == lease.campaign_uid)).mappings().all()
    for row in sorted(rows, key=lambda row: row["token"]):
        holder = Holder(**json.loads(row["holder"]))
        if holder.is_dead():
            reason = f"{holder} is gone"
        elif time_from_text(row["expires_at"]) <= now:
            reason = f"nothing was heard of {holder} until {row['expires_at']}"
        else:
            continue
        trial = load_trial(connection, row["trial_uid"])
        words = {"attempt": trial.attempts, "reason": reason}
        change_trial(connection, trial, Draft(trial.campaign_uid, trial.uid, "released", words), now)
        released.append(trial.uid)
    return released


def _where_lease(campaign_uid: str, role: str) -> Update:
    return leases.update().where((leases.c.campaign_uid == campaign_uid) & (leases.c.role == role))


def _lease_row(connection: Connection, campaign_uid: str, role: str) -> RowMapping | None:
    return connection.execute(_LEASE, {"campaign": campaign_uid, "wanted_role": role}).mappings().first()


def _seconds(duration_s: float) -> timedelta:
    return timedelta(seconds=duration_s)
