"""Alembic's entry: runs the migrations on the connection that `aisle.receipts.database` opened."""

from __future__ import annotations

from alembic import context

from aisle.receipts.tables import metadata

# The transaction is the caller's: a migration that dies half-way leaves nothing behind.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
