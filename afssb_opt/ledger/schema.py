"""Which tables the ledger has; one description for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Rises with every change of the tables and every new kind of event, which an older release could not follow;
# a store of another version is refused, never changed on opening.
SCHEMA_VERSION: Final = 2
# What `upgrade_store` runs on a store of each earlier version; the same words for SQLite and PostgreSQL.
UPGRADES: Final = {
    1: ("CREATE INDEX ledger_events_of_campaigns ON ledger_events (campaign_uid, kind) WHERE trial_uid IS NULL",)
}
# "AFSB" in ASCII, in the head of an SQLite file: tells our file from another program's.
APPLICATION_ID: Final = 0x41465342

metadata = MetaData()
# SQLite counts rows only in a column that is called INTEGER; PostgreSQL's INTEGER would end at 2 billion.
_Serial = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "ledger_meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# Numbers that only ever rise and are shared by all campaigns, such as the serial number in a trial's label.
counters = Table(
    "ledger_counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# The name and the lock of each campaign; what it wants stands in its events.
campaigns = Table(
    "ledger_campaigns",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),
)

# The record of truth. Rows are added, never changed.
events = Table(
    "ledger_events",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("campaign_uid", ForeignKey(campaigns.c.uid), nullable=False),
    Column("trial_uid", String(64)),
    Column("kind", String(64), nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("row_sha256", String(64), nullable=False),
    UniqueConstraint("trial_uid", "kind", "content_sha256"),
    Index("ledger_events_by_campaign", "campaign_uid", "seq"),
    sqlite_autoincrement=True,
)

# Opening a campaign reads its definition and its notes, which are few among the events of its trials.
Index(
    "ledger_events_of_campaigns",
    events.c.campaign_uid,
    events.c.kind,
    sqlite_where=events.c.trial_uid.is_(None),
    postgresql_where=events.c.trial_uid.is_(None),
)

# Where each trial stands: what its events add up to, written with each of them, compared by `Ledger.check`.
trials = Table(
    "ledger_trials",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("campaign_uid", ForeignKey(campaigns.c.uid), nullable=False),
    Column("number", Integer, nullable=False),
    Column("label", String(32), nullable=False, unique=True),
    Column("design_key", String(64), nullable=False),
    Column("design", Text, nullable=False),
    Column("as_built", Text),
    Column("state", String(16), nullable=False),
    Column("round", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("result", Text),
    Column("failure", Text),
    Column("is_excluded", Boolean, nullable=False),
    Column("decision_reason", Text, nullable=False),
    Column("cycling_sha256", String(64)),
    Column("proposed_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("last_seq", BigInteger, nullable=False),
    Column("n_revisions", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("restores_to", String(16)),
    UniqueConstraint("campaign_uid", "number"),
    Index("ledger_trials_by_design", "campaign_uid", "design_key"),
)

# Who may advance a campaign. The row outlives its holder, so the token never repeats.
leases = Table(
    "ledger_leases",
    metadata,
    Column("campaign_uid", ForeignKey(campaigns.c.uid), primary_key=True),
    Column("role", String(64), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", Text),
    Column("since", String(32)),
    Column("expires_at", String(32)),
)

# Who evaluates a trial now; the row goes when the claim ends.
claims = Table(
    "ledger_claims",
    metadata,
    Column("trial_uid", ForeignKey(trials.c.uid), primary_key=True),
    Column("campaign_uid", ForeignKey(campaigns.c.uid), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("since", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
)

# Cycling tables by the hash of their content.
attachments = Table(
    "ledger_attachments",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("parquet", LargeBinary, nullable=False),
)
