"""What one message does to the ledger, inside one transaction."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, select

from aisle.receipts import rows
from aisle.receipts.catalogue import Catalogue, Pricing
from aisle.receipts.catalogue_rows import load_catalogue, save_pricing
from aisle.receipts.checks import accept_change, clean_text
from aisle.receipts.config import LedgerConfig
from aisle.receipts.held_rows import hold, release
from aisle.receipts.session import Session, Verdict, judge
from aisle.receipts.slots import slot_changes
from aisle.receipts.tables import sessions
from aisle.receipts.work import Tracker
from aisle.records import Change, GateEvent, GateKind, Prediction, Receipt, ReceiptState

Message = GateEvent | Prediction | Pricing
_COUNTER = {
    Verdict.REPEATED: "repeated_changes",
    Verdict.STALE: "stale_changes",
    Verdict.CONFLICT: "conflicting_changes",
}


class Writer:
    """Applies messages to the database and keeps the open sessions in memory.

    After a transaction that failed, `forget` must be called: memory is then ahead of the database.
    The counts of a transaction are in `counts` until it is over.
    """

    def __init__(self, config: LedgerConfig) -> None:
        self._config = config
        self.counts: Counter[str] = Counter()
        self._ahead: dict[tuple[str, int], int] = {}
        """Sessions with the stamp from which their limit would count were it not so far ahead, and
        when that was found."""
        self.forget()

    def forget(self) -> None:
        """Drop all that was read or made since the last commit; `load` reads it again."""
        self.loaded = False
        self.counts.clear()
        self._catalogue = Catalogue()
        self._open: dict[str, Session] = {}
        self._revision_seq = self._slot_seq = 0

    def load(self, connection: Connection) -> None:
        """Read what every message needs."""
        self._catalogue = load_catalogue(connection)
        self._revision_seq, self._slot_seq = rows.last_seqs(connection)
        self.loaded = True

    @property
    def last_place(self) -> int:
        """Place of the last revision among all sessions' revisions; 0 before the first."""
        return self._revision_seq

    @property
    def waits_for_catalogue(self) -> bool:
        """True when it is known that there is none."""
        return self.loaded and self._catalogue.empty

    def store(self, message: Message, connection: Connection) -> list[Receipt]:
        """Apply one message; returns the new revisions."""
        if isinstance(message, Pricing):
            return self._price(connection, message)
        session = self._session(connection, message)
        if isinstance(message, GateEvent):
            return self._pass_gate(connection, session, message)
        if session.state != ReceiptState.OPEN:
            self._keep_late(connection, session, message)
            return []
        if not session.revision:
            if not hold(connection, message):
                self.counts["repeated_predictions"] += 1
            return []
        tracker = Tracker(session)
        self._apply(session, message, tracker)
        return self._save(connection, tracker)

    def expire(self, now_ns: int, since_ns: int, connection: Connection) -> list[Receipt]:
        """Open or close what has waited too long.

        Args:
            now_ns: Now, by the clock that stamps the messages.
            since_ns: When this ledger began to listen: what came before may still be on its way.
            connection: An open transaction.
        """
        query = select(sessions).where(sessions.c.state == int(ReceiptState.OPEN))
        receipts: list[Receipt] = []
        ahead: dict[tuple[str, int], int] = {}
        for row in connection.execute(query.order_by(sessions.c.first_ns, sessions.c.session)):
            if not row.revision:
                start_ns, limit_s = row.first_ns, self._config.enter_limit_s
            elif row.exit_ns is not None:
                start_ns, limit_s = row.exit_ns, self._config.final_limit_s
            else:
                start_ns, limit_s = row.opened_ns, self._config.max_open_s
            if start_ns > now_ns + int(limit_s * 1e9):
                # Stamped by a clock that was far ahead: it counts from when this was found.
                stamp = row.session, start_ns
                start_ns = ahead[stamp] = min(self._ahead.get(stamp, now_ns), now_ns)
            grace_s = min(limit_s, self._config.final_limit_s)
            due_ns = start_ns + int(limit_s * 1e9)
            if now_ns >= max(due_ns, since_ns + int(grace_s * 1e9)):
                receipts += self._expire_one(connection, row.session, due_ns)
        self._ahead = ahead
        return receipts

    def _expire_one(self, connection: Connection, session_id: str, due_ns: int) -> list[Receipt]:
        session = self._find(connection, session_id)
        if session is None or (not session.revision and self._catalogue.empty):
            return []
        tracker = Tracker(session)
        if not session.revision:
            self.counts["unknown_sessions"] += 1
            self._open_receipt(connection, session, session.first_ns, tracker)
        elif session.exit_ns is not None:
            limit_s = self._config.final_limit_s
            reason = f"no final prediction within {limit_s:g} s of the exit"
            self._close(session, reason, "exit", due_ns, tracker)
        else:
            reason = f"open for longer than {self._config.max_open_s:g} s"
            self._close(session, reason, "gap", due_ns, tracker)
        return self._save(connection, tracker)

    def _find(self, connection: Connection, session_id: str) -> Session | None:
        session = self._open.get(session_id) or rows.load_session(connection, session_id)
        if session is not None and session.state == ReceiptState.OPEN:
            self._open[session_id] = session
        return session

    def _session(self, connection: Connection, message: GateEvent | Prediction) -> Session:
        session = self._find(connection, message.session)
        if session is None:
            session = Session(message.session, message.stamp_ns)
            rows.add_session(connection, session)
            self._open[session.id] = session
        return session

    def _price(self, connection: Connection, pricing: Pricing) -> list[Receipt]:
        first = self._catalogue.empty
        news = self._catalogue.news(pricing)
        if (
            not first
            and not news.tags
            and pricing.currency == self._catalogue.currency(pricing.from_ns)
        ):
            return []
        save_pricing(connection, news)
        self._catalogue.add(news)
        if not first:
            return []
        waiting = select(sessions.c.session, sessions.c.enter_ns).where(
            sessions.c.revision == 0, sessions.c.enter_ns.is_not(None)
        )
        receipts = []
        for row in connection.execute(waiting.order_by(sessions.c.enter_ns, sessions.c.session)):
            session = self._find(connection, row.session)
            if session is not None:
                tracker = Tracker(session)
                self._open_receipt(connection, session, row.enter_ns, tracker)
                receipts += self._save(connection, tracker)
        return receipts

    def _pass_gate(
        self, connection: Connection, session: Session, event: GateEvent
    ) -> list[Receipt]:
        enters = event.kind == GateKind.ENTER
        seen_ns = session.enter_ns if enters else session.exit_ns
        if seen_ns is not None:
            other = "duplicate_enters" if enters else "duplicate_exits"
            self.counts["repeated_gate_events" if seen_ns == event.stamp_ns else other] += 1
            return []
        tracker = Tracker(session)
        if not enters:
            session.exit_ns = event.stamp_ns
        else:
            session.enter_ns, session.group_size = event.stamp_ns, event.group_size
            if session.state != ReceiptState.OPEN:
                self.counts["late_enters"] += 1
            elif session.revision:
                self._revise(session, "enter", event.stamp_ns, tracker)
            elif not self._catalogue.empty:
                self._open_receipt(connection, session, event.stamp_ns, tracker)
        return self._save(connection, tracker)

    def _open_receipt(
        self, connection: Connection, session: Session, stamp_ns: int, tracker: Tracker
    ) -> None:
        session.opened_ns = stamp_ns
        session.currency = self._catalogue.currency(stamp_ns)
        self._revise(session, "enter", stamp_ns, tracker)
        for prediction in release(connection, session.id):
            if session.state == ReceiptState.OPEN:
                self._apply(session, prediction, tracker)
            else:
                hold(connection, prediction)
                self.counts["late_predictions"] += 1

    def _apply(self, session: Session, prediction: Prediction, tracker: Tracker) -> None:
        for change in prediction.changes:
            accepted = accept_change(change, session.id)
            if isinstance(accepted, Change):
                self._apply_change(session, accepted, prediction.stamp_ns, tracker)
            else:
                self.counts["malformed_changes"] += 1
                self._add_gap(session, f"malformed change {change.id[:80]!a}: {accepted}", tracker)
        for gap in prediction.gaps:
            self._add_gap(session, gap, tracker)
        if tracker.new_gaps:
            self._revise(session, "gap", prediction.stamp_ns, tracker)
        if prediction.final:
            self._close(session, "", "final", prediction.stamp_ns, tracker)

    def _apply_change(
        self, session: Session, change: Change, version_ns: int, tracker: Tracker
    ) -> None:
        held = session.entries.get(change.id)
        verdict = session.put(change, version_ns, self._catalogue)
        if verdict in _COUNTER:
            self.counts[_COUNTER[verdict]] += 1
            return
        tracker.touch(change, held.change if held else None)
        entry = session.entries[change.id]
        made = slot_changes(held.change if held else None, change, entry.slots, version_ns)
        entry.slots += len(made)
        for slot in made:
            self._slot_seq += 1
            tracker.slots.append((self._slot_seq, slot))
        item = session.items.get(change.product)
        if item is not None and item.tag is None:
            self.counts["unknown_products"] += 1
        self._revise(session, change.id, version_ns, tracker)

    def _add_gap(self, session: Session, text: str, tracker: Tracker) -> None:
        cleaned = clean_text(text)
        if cleaned in session.gaps:
            return
        if len(session.gaps) >= self._config.max_gaps:
            self.counts["gaps_left_out"] += 1
            return
        session.gaps.append(cleaned)
        tracker.new_gaps += 1

    def _close(
        self, session: Session, reason: str, cause: str, stamp_ns: int, tracker: Tracker
    ) -> None:
        session.close(reason, self._config.review_threshold)
        self._revise(session, cause, stamp_ns, tracker)

    def _revise(self, session: Session, cause: str, stamp_ns: int, tracker: Tracker) -> None:
        receipt = session.revise(cause, stamp_ns, self._config.review_threshold)
        if receipt is not None:
            self._revision_seq += 1
            tracker.receipts.append((self._revision_seq, receipt))

    def _save(self, connection: Connection, tracker: Tracker) -> list[Receipt]:
        session = tracker.session
        rows.save_session(connection, tracker)
        if session.state != ReceiptState.OPEN:
            self._open.pop(session.id, None)
        return [receipt for _, receipt in tracker.receipts]

    def _keep_late(self, connection: Connection, session: Session, prediction: Prediction) -> None:
        known = rows.load_entries(
            connection, session.id, [change.id for change in prediction.changes]
        )
        news = False
        for change in prediction.changes:
            accepted = accept_change(change, session.id)
            if isinstance(accepted, str):
                continue
            verdict = judge(known.get(change.id), accepted, prediction.stamp_ns)
            if verdict in _COUNTER:
                self.counts[_COUNTER[verdict]] += 1
            else:
                news = True
                self.counts["late_changes"] += 1
        gaps = {clean_text(gap) for gap in prediction.gaps}
        if news or not gaps <= set(session.gaps):
            kept = hold(connection, prediction)
            self.counts["late_predictions" if kept else "repeated_predictions"] += 1
        else:
            self.counts["repeated_predictions"] += 1
