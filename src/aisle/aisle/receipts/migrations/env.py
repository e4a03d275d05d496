"""Alembic's entry: runs the migrations on the connection that `aisle.receipts.database` opened."""

from __future__ import annotations

from alembic import context

from aisle.receipts.tables import metadata

# SQLite's DDL is transactional once BEGIN is sent, which Alembic does not assume: without this a
# process killed half-way would leave a schema that no later start could complete.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
