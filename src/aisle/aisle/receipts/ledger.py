"""The durable ledger: every change of every receipt exactly once.

The way of a message: checked, queued in memory, applied in one transaction, and only then taken
from the queue and its new receipts returned. So nothing is returned that could still be lost, and
whatever arrives while the database cannot be written waits for the next call.

One process writes a ledger; any number may read it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from aisle.receipts.catalogue import Pricing
from aisle.receipts.checks import MalformedMessageError, check_message
from aisle.receipts.config import LedgerConfig, LedgerError, LedgerStatus
from aisle.receipts.database import ledger_url, migrate, open_engine
from aisle.receipts.reader import LedgerReader
from aisle.receipts.writer import Message, Writer
from aisle.records import GateEvent, Prediction, Receipt
from aisle.store.types import Store

_LOG = logging.getLogger(__name__)
_COUNTERS = (
    "conflicting_changes",
    "dropped_messages",
    "duplicate_enters",
    "duplicate_exits",
    "gaps_left_out",
    "late_changes",
    "late_enters",
    "late_predictions",
    "malformed_changes",
    "malformed_messages",
    "rejected_messages",
    "repeated_changes",
    "repeated_gate_events",
    "repeated_predictions",
    "stale_changes",
    "unknown_products",
    "unknown_sessions",
    "write_failures",
)
_LOST = "the ledger could not be written and its memory was full: messages are missing"
_REJECTED = "the database refused a message of this session"


class _UnavailableError(Exception):
    """The database cannot be written now."""


class _RefusedError(Exception):
    """The database will never take this."""


class Ledger(LedgerReader):
    """Receipts of all sessions, in a database.

    Safe to use from several threads. A message may come twice, late or after a restart; the
    receipts of a session depend only on the order of its own predictions, not on how they
    interleave with gate events or other sessions, and on no clock. `tick` alone uses one.

    Nothing is shown before the first catalogue, and nothing of a session before its gate event:
    what comes earlier is kept in the database.
    """

    def __init__(self, url: str, *, config: LedgerConfig | None = None) -> None:
        """Open or create a ledger and bring its schema up to date.

        Args:
            url: SQLAlchemy URL (`sqlite:///file`, `postgresql://...`), or a path to an SQLite file.
            config: Limits; the defaults when None.

        Raises:
            LedgerError: when that fails.
        """
        self._config = config or LedgerConfig()
        super().__init__(open_engine(ledger_url(url), synchronous=self._config.synchronous))
        migrate(self.engine)
        self._lock = threading.RLock()
        self._writer = Writer(self._config)
        self._queue: deque[Message] = deque()
        self._lost: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._failure = ""
        self._returned: int | None = None
        self._since_ns: int | None = None
        self._now_ns = 0

    @property
    def counters(self) -> dict[str, int]:
        """What was counted since this ledger was opened; every counter is there from the start."""
        with self._lock:
            return {name: self._counts[name] for name in _COUNTERS}

    def status(self) -> LedgerStatus:
        """Say how the ledger is, for diagnostics."""
        with self._lock:
            message = "ok"
            if self._failure:
                message = (
                    f"LedgerUnavailable: {self._failure}; {len(self._queue)} messages wait in"
                    " memory and are written as soon as the database takes them"
                )
            elif self._writer.waits_for_catalogue:
                message = "no receipt is shown before the first catalogue"
            return LedgerStatus(not self._failure, message, len(self._queue), self.counters)

    def close(self) -> None:
        """Try once more to write what waits, then give the connections back."""
        with self._lock:
            self._drain()
            if self._queue:
                _LOG.error("%d messages were never written to the ledger", len(self._queue))
        super().close()

    def set_catalogue(self, store: Store, from_ns: int = 0) -> list[Receipt]:
        """Take names, prices and currency of a store; a repeat does nothing.

        A line keeps the price that was in force at the stamp of its first change.

        Args:
            store: Only `products` and `currency` are used.
            from_ns: Stamp from which they hold; the first catalogue holds for all time before too.

        Returns:
            With the first catalogue: the receipts of the sessions that waited for it.
        """
        return self._submit(Pricing.of(store, from_ns))

    def gate(self, event: GateEvent) -> list[Receipt]:
        """Take a gate event.

        The first entry opens the session's receipt (revision 1) and shows what waited for it; the
        first exit starts the limit for the final prediction and shows nothing new.

        Returns:
            The new revisions, committed.
        """
        return self._check_and_submit(event)

    def apply(self, prediction: Prediction) -> list[Receipt]:
        """Take a prediction: all of it in one transaction.

        Returns:
            The new revisions, committed; a repeat gives none. Empty too while the database cannot
            be written: then a later call returns them.
        """
        return self._check_and_submit(prediction)

    def tick(self, now_ns: int) -> list[Receipt]:
        """Retry what waits, then open and close what has waited too long.

        Args:
            now_ns: Now, by the clock that stamps the messages (sim time in a simulation or replay).
                Time during which this ledger was not open does not count. 0, as a ROS clock
                shows before its first message, opens and closes nothing.

        Returns:
            The new revisions, committed.
        """
        with self._lock:
            receipts = self._drain()
            if now_ns <= 0 or self._queue:
                return receipts
            if self._since_ns is None or now_ns < self._now_ns:
                self._since_ns = now_ns
            self._now_ns = now_ns
            with suppress(_UnavailableError, _RefusedError):
                receipts += self._attempt(partial(self._writer.expire, now_ns, self._since_ns))
            return receipts

    def _check_and_submit(self, message: GateEvent | Prediction) -> list[Receipt]:
        try:
            check_message(message)
        except MalformedMessageError as error:
            _LOG.warning("message refused: %s", error)
            with self._lock:
                self._counts["malformed_messages"] += 1
                return self._drain()
        return self._submit(message)

    def _submit(self, message: Message) -> list[Receipt]:
        with self._lock:
            receipts = self._drain() if len(self._queue) >= self._config.queue_limit else []
            if len(self._queue) < self._config.queue_limit:
                self._queue.append(message)
            else:
                self._counts["dropped_messages"] += 1
                self._mark(message, _LOST)
            return receipts + self._drain()

    def _mark(self, message: Message, reason: str) -> None:
        """Send a session of which a message is lost into review, once, past the queue's limit."""
        if not isinstance(message, Pricing) and message.session not in self._lost:
            self._lost.add(message.session)
            mark = Prediction(message.stamp_ns, message.session, (), gaps=(reason,))
            self._queue.append(mark)

    def _drain(self) -> list[Receipt]:
        receipts: list[Receipt] = []
        while self._queue:
            message = self._queue[0]
            try:
                receipts += self._attempt(partial(self._writer.store, message))
            except _UnavailableError:
                return receipts
            except _RefusedError:
                self._counts["rejected_messages"] += 1
                self._mark(message, _REJECTED)
            self._queue.popleft()
        self._lost.clear()
        return receipts

    def _attempt(self, action: Callable[[Connection], list[Receipt]]) -> list[Receipt]:
        """Run one transaction and return the new revisions, with those that an error kept back.

        Raises:
            _UnavailableError: nothing was written; the same may work later.
            _RefusedError: nothing was written, and never will be.
        """
        fresh = not self._writer.loaded
        try:
            # A commit that failed may have reached the database all the same.
            kept_back = [] if self._returned is None or not fresh else self.updates(self._returned)
            with self.engine.begin() as connection:
                if fresh:
                    self._writer.load(connection)
                receipts = action(connection)
        except Exception as error:
            self._writer.forget()
            if isinstance(error, IntegrityError) and not fresh:
                return self._attempt(action)
            self._raise_kind(error)
        self._returned = self._writer.last_place
        self._counts.update(self._writer.counts)
        self._writer.counts.clear()
        if self._failure:
            _LOG.warning("the ledger can be written again")
            self._failure = ""
        return [receipt for _, receipt in kept_back] + receipts

    def _raise_kind(self, error: Exception) -> NoReturn:
        unfit = (DataError, IntegrityError)
        if isinstance(error, LedgerError | DBAPIError) and not isinstance(error, unfit):
            self._counts["write_failures"] += 1
            if not self._failure:
                _LOG.error("the ledger cannot be written, messages are kept in memory: %s", error)
            self._failure = str(getattr(error, "orig", error))
            raise _UnavailableError from error
        _LOG.error("the database refused a message", exc_info=error)
        raise _RefusedError from error
