"""Tables of the ledger. The migrations create them; a test holds the two equal."""

from __future__ import annotations

from typing import Any

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
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def _filled(name: str, kind: type[TypeEngine[Any]], *, unique: bool | None = None) -> Column[Any]:
    return Column(name, kind, nullable=False, unique=unique)


def _session(*, primary_key: bool = True) -> Column[str]:
    key = ForeignKey("sessions.session")
    return Column("session", Text, key, primary_key=primary_key, nullable=False)


sessions = Table(
    "sessions",
    metadata,
    Column("session", Text, primary_key=True),
    _filled("state", Integer),
    # 0: waits for the gate event or the first catalogue; its predictions lie in `held`.
    _filled("revision", Integer),
    _filled("first_ns", BigInteger),
    _filled("opened_ns", BigInteger),
    Column("enter_ns", BigInteger),
    Column("exit_ns", BigInteger),
    _filled("group_size", Integer),
    _filled("currency", Text),
    _filled("close_reason", Text),
    # The newest receipt as canonical JSON, and its place among all receipts' revisions.
    Column("receipt", Text),
    _filled("seq", BigInteger),
    Index("sessions_state", "state"),
    Index("sessions_seq", "seq"),
)

changes = Table(
    "changes",
    metadata,
    _session(),
    Column("id", Text, primary_key=True),
    # Stamp of the prediction that brought this version.
    _filled("version_ns", BigInteger),
    # How many slot changes this change has caused.
    _filled("slots", Integer),
    _filled("state", Integer),
    _filled("stamp_ns", BigInteger),
    _filled("action", Integer),
    _filled("product", Text),
    _filled("quantity", Integer),
    _filled("probability", Double),
    _filled("shelf", Text),
    _filled("counterpart", Text),
    _filled("plates", JSON),
    _filled("cameras", JSON),
    _filled("evidence_start_ns", BigInteger),
    _filled("evidence_end_ns", BigInteger),
    _filled("foreign", Boolean),
)

lines = Table(
    "lines",
    metadata,
    _session(),
    Column("product", Text, primary_key=True),
    _filled("position", Integer),
    # Both NULL for a product that is not in the catalogue.
    Column("name", Text),
    Column("unit_price_minor", BigInteger),
    _filled("quantity", Integer),
    _filled("confidence", Double),
)

gaps = Table(
    "gaps",
    metadata,
    _session(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _filled("text", Text),
)

revisions = Table(
    "revisions",
    metadata,
    _session(),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _filled("seq", BigInteger, unique=True),
    _filled("cause", Text),
    _filled("stamp_ns", BigInteger),
    _filled("state", Integer),
    _filled("total_minor", BigInteger),
)

# Predictions of sessions that wait to be opened, and what came for closed ones.
held = Table(
    "held",
    metadata,
    _session(),
    Column("digest", Text, primary_key=True),
    _filled("position", Integer),
    _filled("prediction", Text),
)

slot_changes = Table(
    "slot_changes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _session(primary_key=False),
    _filled("cause", Text, unique=True),
    _filled("stamp_ns", BigInteger),
    _filled("product", Text),
    _filled("shelf", Text),
    _filled("plates", JSON),
    _filled("quantity", Integer),
    _filled("confidence", Double),
)

catalogues = Table(
    "catalogues",
    metadata,
    Column("from_ns", BigInteger, primary_key=True, autoincrement=False),
    _filled("currency", Text),
)

prices = Table(
    "prices",
    metadata,
    Column("product", Text, primary_key=True),
    Column("from_ns", BigInteger, primary_key=True, autoincrement=False),
    _filled("name", Text),
    _filled("unit_price_minor", BigInteger),
)
