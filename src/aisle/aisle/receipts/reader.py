"""Reads a ledger, also while another process writes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, select
from sqlalchemy.exc import SQLAlchemyError

from aisle.receipts.codec import receipt_from_json
from aisle.receipts.config import LedgerError
from aisle.receipts.database import check_schema, ledger_url, open_engine, plain, shown
from aisle.receipts.rows import entry_of
from aisle.receipts.tables import changes, sessions, slot_changes
from aisle.records import Change, Receipt, ReceiptState, SlotChange

_CLOSED = (ReceiptState.CLOSED, ReceiptState.REVIEW)


class LedgerReader:
    """Receipts as they are in the database. Every method raises `LedgerError` when that fails."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> LedgerReader:
        """Open a ledger that exists, without the right to write.

        Raises:
            LedgerError: when there is none, or none of this version.
        """
        engine = open_engine(ledger_url(url), read_only=True)
        check_schema(engine)
        return cls(engine)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def receipt(self, session: str) -> Receipt | None:
        """Return the newest revision of a session, None for one that has no receipt."""
        found = self._receipts(sessions.c.session == session)
        return found[0][1] if found else None

    def receipts(self, states: Collection[ReceiptState] = tuple(ReceiptState)) -> list[Receipt]:
        """Return the newest revisions of all receipts in these states, the oldest first."""
        wanted = sessions.c.state.in_([int(state) for state in states])
        return [receipt for _, receipt in self._receipts(wanted)]

    def open_sessions(self) -> list[Receipt]:
        """Return the receipts of all open sessions."""
        return self.receipts((ReceiptState.OPEN,))

    def updates(self, since: int = 0) -> list[tuple[int, Receipt]]:
        """Return the newest receipt of each session that changed after place `since`.

        Each comes with its place; the last place is the next `since`.
        """
        return self._receipts(sessions.c.seq > since)

    def republish(self, closed: int = 100) -> list[Receipt]:
        """Return what to publish after a restart, in the order in which it was made.

        All open receipts, and the last `closed` closed ones: their last revision may have been
        committed without being published.
        """
        states = [int(state) for state in _CLOSED]
        last = select(sessions.c.session).where(sessions.c.state.in_(states))
        last = last.order_by(sessions.c.seq.desc()).limit(closed)
        is_open = sessions.c.state == int(ReceiptState.OPEN)
        return [receipt for _, receipt in self._receipts(is_open | sessions.c.session.in_(last))]

    def changes(self, session: str) -> list[Change]:
        """Return the changes behind a receipt by time, withdrawn ones too."""
        query = select(changes).where(changes.c.session == session)
        query = query.order_by(changes.c.stamp_ns, changes.c.id)
        return [entry_of(row).change for row in self._rows(query)]

    def slot_changes(self, since: int = 0) -> list[tuple[int, SlotChange]]:
        """Return what changed on the shelves after place `since`, each with its place."""
        query = select(slot_changes).where(slot_changes.c.seq > since)
        found = self._rows(query.order_by(slot_changes.c.seq))
        return [
            (
                row.seq,
                SlotChange(
                    stamp_ns=row.stamp_ns,
                    cause=row.cause,
                    product=row.product,
                    shelf=row.shelf,
                    plates=tuple(row.plates),
                    quantity=row.quantity,
                    confidence=row.confidence,
                ),
            )
            for row in found
        ]

    def _receipts(self, condition: ColumnElement[bool]) -> list[tuple[int, Receipt]]:
        query = select(sessions.c.seq, sessions.c.receipt).where(condition, sessions.c.revision > 0)
        found = self._rows(query.order_by(sessions.c.seq))
        return [(row.seq, receipt_from_json(row.receipt)) for row in found]

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise LedgerError(
                f"cannot read the ledger {shown(self.engine.url)!r}: {plain(error)}"
            ) from error
