"""The first schema: sessions, changes, lines, revisions, slot changes, catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _session(primary_key: bool = True) -> sa.Column[str]:
    key = sa.ForeignKey("sessions.session")
    return sa.Column("session", sa.Text, key, primary_key=primary_key, nullable=False)


def _create_receipts() -> None:
    op.create_table(
        "sessions",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("first_ns", sa.BigInteger, nullable=False),
        sa.Column("opened_ns", sa.BigInteger, nullable=False),
        sa.Column("enter_ns", sa.BigInteger),
        sa.Column("exit_ns", sa.BigInteger),
        sa.Column("group_size", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("close_reason", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_state", "sessions", ["state"])
    op.create_index("sessions_seq", "sessions", ["seq"])
    op.create_table(
        "lines",
        _session(),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("unit_price_minor", sa.BigInteger),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
    )
    op.create_table(
        "gaps",
        _session(),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "revisions",
        _session(),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False, unique=True),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("stamp_ns", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
    )


def _create_changes() -> None:
    op.create_table(
        "changes",
        _session(),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version_ns", sa.BigInteger, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("stamp_ns", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Integer, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("shelf", sa.Text, nullable=False),
        sa.Column("counterpart", sa.Text, nullable=False),
        sa.Column("plates", sa.JSON, nullable=False),
        sa.Column("cameras", sa.JSON, nullable=False),
        sa.Column("evidence_start_ns", sa.BigInteger, nullable=False),
        sa.Column("evidence_end_ns", sa.BigInteger, nullable=False),
        sa.Column("foreign", sa.Boolean, nullable=False),
    )
    op.create_table(
        "held",
        _session(),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("prediction", sa.Text, nullable=False),
    )
    op.create_table(
        "slot_changes",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        _session(primary_key=False),
        sa.Column("cause", sa.Text, nullable=False, unique=True),
        sa.Column("stamp_ns", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("shelf", sa.Text, nullable=False),
        sa.Column("plates", sa.JSON, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
    )


def upgrade() -> None:
    """Create all tables."""
    _create_receipts()
    _create_changes()
    op.create_table(
        "catalogues",
        sa.Column("from_ns", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("currency", sa.Text, nullable=False),
    )
    op.create_table(
        "prices",
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("from_ns", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop all tables, the referring ones first."""
    for table in ("prices", "catalogues", "slot_changes", "held", "changes", "revisions"):
        op.drop_table(table)
    for table in ("gaps", "lines", "sessions"):
        op.drop_table(table)
