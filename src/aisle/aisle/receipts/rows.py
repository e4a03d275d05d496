"""Sessions as rows of the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, Table, Update, bindparam, func, insert, select, update

from aisle.receipts import tables
from aisle.receipts.catalogue import Tag
from aisle.receipts.codec import receipt_json
from aisle.receipts.session import Entry, Item, Session
from aisle.receipts.work import Tracker
from aisle.records import Action, Change, ChangeState, ReceiptState

_T = tables


def _update(table: Table, *keys: str) -> Update:
    """The row whose columns `keys` have the values of the parameters `of_<key>`."""
    return update(table).where(*(table.c[key] == bindparam(f"of_{key}") for key in keys))


_UPDATE_CHANGE = _update(_T.changes, "session", "id")
_UPDATE_LINE = _update(_T.lines, "session", "product")
_UPDATE_SESSION = _update(_T.sessions, "session")
_IDS_IN_A_QUERY = 500
"""SQLite and PostgreSQL bound the parameters of one statement."""


def _session_values(session: Session) -> dict[str, Any]:
    return {
        "state": int(session.state),
        "revision": session.revision,
        "opened_ns": session.opened_ns,
        "enter_ns": session.enter_ns,
        "exit_ns": session.exit_ns,
        "group_size": session.group_size,
        "currency": session.currency,
        "close_reason": session.close_reason,
    }


def _change_values(entry: Entry) -> dict[str, Any]:
    change = entry.change
    return {
        "version_ns": entry.version_ns,
        "slots": entry.slots,
        "state": int(change.state),
        "stamp_ns": change.stamp_ns,
        "action": int(change.action),
        "product": change.product,
        "quantity": change.quantity,
        "probability": change.probability,
        "shelf": change.shelf,
        "counterpart": change.counterpart,
        "plates": list(change.plates),
        "cameras": list(change.cameras),
        "evidence_start_ns": change.evidence_ns[0],
        "evidence_end_ns": change.evidence_ns[1],
        "foreign": change.foreign,
    }


def entry_of(row: Row[Any]) -> Entry:
    """Make an entry of a row of `changes`."""
    change = Change(
        id=row.id,
        state=ChangeState(row.state),
        stamp_ns=row.stamp_ns,
        action=Action(row.action),
        product=row.product,
        quantity=row.quantity,
        probability=row.probability,
        shelf=row.shelf,
        counterpart=row.counterpart,
        plates=tuple(row.plates),
        cameras=tuple(row.cameras),
        evidence_ns=(row.evidence_start_ns, row.evidence_end_ns),
        foreign=row.foreign,
    )
    return Entry(change, row.version_ns, row.slots)


def _line_values(item: Item) -> dict[str, Any]:
    return {
        "name": item.tag.name if item.tag else None,
        "unit_price_minor": item.tag.price_minor if item.tag else None,
        "quantity": max(item.net, 0),
        "confidence": item.confidence,
    }


def add_session(connection: Connection, session: Session) -> None:
    """Write a session that has nothing yet."""
    values = {"session": session.id, "first_ns": session.first_ns, "seq": 0}
    connection.execute(insert(_T.sessions), values | _session_values(session))


def load_session(connection: Connection, session_id: str) -> Session | None:
    """Read a session; changes, lines and gaps only of one that is open."""
    query = select(_T.sessions).where(_T.sessions.c.session == session_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    session = Session(
        id=session_id,
        first_ns=row.first_ns,
        state=ReceiptState(row.state),
        revision=row.revision,
        opened_ns=row.opened_ns,
        enter_ns=row.enter_ns,
        exit_ns=row.exit_ns,
        group_size=row.group_size,
        currency=row.currency,
        close_reason=row.close_reason,
        gaps=load_gaps(connection, session_id),
    )
    if session.state == ReceiptState.OPEN and session.revision:
        _load_bill(connection, session)
    return session


def _load_bill(connection: Connection, session: Session) -> None:
    lines = select(_T.lines).where(_T.lines.c.session == session.id).order_by(_T.lines.c.position)
    for row in connection.execute(lines):
        tag = None if row.name is None else Tag(row.name, row.unit_price_minor)
        session.items[row.product] = Item(row.product, tag)
    for row in connection.execute(select(_T.changes).where(_T.changes.c.session == session.id)):
        session.restore(entry_of(row))
    session.mark_shown()


def load_gaps(connection: Connection, session_id: str) -> list[str]:
    """Read why a session was not fully seen."""
    query = select(_T.gaps.c.text).where(_T.gaps.c.session == session_id)
    return list(connection.scalars(query.order_by(_T.gaps.c.position)))


def load_entries(connection: Connection, session_id: str, ids: Collection[str]) -> dict[str, Entry]:
    """Read some changes of a session, those that exist."""
    wanted, found = list(ids), {}
    for start in range(0, len(wanted), _IDS_IN_A_QUERY):
        query = select(_T.changes).where(
            _T.changes.c.session == session_id,
            _T.changes.c.id.in_(wanted[start : start + _IDS_IN_A_QUERY]),
        )
        found.update({row.id: entry_of(row) for row in connection.execute(query)})
    return found


def save_session(connection: Connection, work: Tracker) -> None:
    """Write what changed in a session that is in the database."""
    session = work.session
    values = _session_values(session) | {"of_session": session.id}
    if work.receipts:
        seq, receipt = work.receipts[-1]
        values |= {"seq": seq, "receipt": receipt_json(receipt).decode()}
    connection.execute(_UPDATE_SESSION, values)
    _save_changes(connection, work)
    _save_lines(connection, work)
    _save_history(connection, work)


def _save_changes(connection: Connection, work: Tracker) -> None:
    entries = work.session.entries
    if work.new_ids:
        key = {"session": work.session.id}
        new = [key | {"id": id_} | _change_values(entries[id_]) for id_ in work.new_ids]
        connection.execute(insert(_T.changes), new)
    if work.changed_ids:
        old = {"of_session": work.session.id}
        changed = [old | {"of_id": id_} | _change_values(entries[id_]) for id_ in work.changed_ids]
        connection.execute(_UPDATE_CHANGE, changed)


def _save_lines(connection: Connection, work: Tracker) -> None:
    items = work.session.items
    fresh = list(items)[work.old_products :]
    if fresh:
        key = {"session": work.session.id}
        new = [
            key | {"product": product, "position": position} | _line_values(items[product])
            for position, product in enumerate(fresh, work.old_products)
        ]
        connection.execute(insert(_T.lines), new)
    old = {"of_session": work.session.id}
    changed = [
        old | {"of_product": product} | _line_values(items[product])
        for product in work.changed_products
        if product not in fresh
    ]
    if changed:
        connection.execute(_UPDATE_LINE, changed)


def _save_history(connection: Connection, work: Tracker) -> None:
    key = {"session": work.session.id}
    if work.new_gaps:
        first = len(work.session.gaps) - work.new_gaps
        gaps = [
            key | {"position": position, "text": text}
            for position, text in enumerate(work.session.gaps[first:], first)
        ]
        connection.execute(insert(_T.gaps), gaps)
    if work.receipts:
        revisions = [
            {
                "session": receipt.session,
                "revision": receipt.revision,
                "seq": seq,
                "cause": receipt.cause,
                "stamp_ns": receipt.stamp_ns,
                "state": int(receipt.state),
                "total_minor": receipt.total_minor,
            }
            for seq, receipt in work.receipts
        ]
        connection.execute(insert(_T.revisions), revisions)
    if work.slots:
        slots = [
            key | {"seq": seq} | vars(slot) | {"plates": list(slot.plates)}
            for seq, slot in work.slots
        ]
        connection.execute(insert(_T.slot_changes), slots)


def last_seqs(connection: Connection) -> tuple[int, int]:
    """Return the last places given to a revision and to a slot change; 0 for none."""
    revision = connection.scalar(select(func.max(_T.revisions.c.seq)))
    slot = connection.scalar(select(func.max(_T.slot_changes.c.seq)))
    return revision or 0, slot or 0
