"""Tables of the ledger. The migrations create them; a test holds the two equal."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()


def _session() -> Column[str]:
    return Column("session", Text, ForeignKey("sessions.session"), primary_key=True)


sessions = Table(
    "sessions",
    metadata,
    Column("session", Text, primary_key=True),
    Column("state", Integer, nullable=False),
    # 0: waits for the gate event or the first catalogue; its predictions lie in `held`.
    Column("revision", Integer, nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("enter_ns", BigInteger),
    Column("exit_ns", BigInteger),
    Column("group_size", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("close_reason", Text, nullable=False),
    # The newest receipt as canonical JSON, and its place among all receipts' revisions.
    Column("receipt", Text),
    Column("seq", BigInteger, nullable=False),
    Index("sessions_state", "state"),
    Index("sessions_seq", "seq"),
)

changes = Table(
    "changes",
    metadata,
    _session(),
    Column("id", Text, primary_key=True),
    # Stamp of the prediction that brought this version.
    Column("version_ns", BigInteger, nullable=False),
    # How many slot changes this change has caused.
    Column("slots", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("stamp_ns", BigInteger, nullable=False),
    Column("action", Integer, nullable=False),
    Column("product", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("probability", Double, nullable=False),
    Column("shelf", Text, nullable=False),
    Column("counterpart", Text, nullable=False),
    Column("plates", JSON, nullable=False),
    Column("cameras", JSON, nullable=False),
    Column("evidence_start_ns", BigInteger, nullable=False),
    Column("evidence_end_ns", BigInteger, nullable=False),
    Column("foreign", Boolean, nullable=False),
)

lines = Table(
    "lines",
    metadata,
    _session(),
    Column("product", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    # Both NULL for a product that is not in the catalogue.
    Column("name", Text),
    Column("unit_price_minor", BigInteger),
    Column("quantity", Integer, nullable=False),
    Column("confidence", Double, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    _session(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    _session(),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("cause", Text, nullable=False),
    Column("stamp_ns", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
)

# Predictions of sessions that wait to be opened, and what came for closed ones.
held = Table(
    "held",
    metadata,
    _session(),
    Column("digest", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("prediction", Text, nullable=False),
)

slot_changes = Table(
    "slot_changes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("session", Text, ForeignKey("sessions.session"), nullable=False),
    Column("cause", Text, nullable=False, unique=True),
    Column("stamp_ns", BigInteger, nullable=False),
    Column("product", Text, nullable=False),
    Column("shelf", Text, nullable=False),
    Column("plates", JSON, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("confidence", Double, nullable=False),
)

catalogues = Table(
    "catalogues",
    metadata,
    Column("from_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("currency", Text, nullable=False),
)

prices = Table(
    "prices",
    metadata,
    Column("product", Text, primary_key=True),
    Column("from_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
)
