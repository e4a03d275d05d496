"""Records that are played when the clock reaches them: a simulation or a recording."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_AT_ONCE = 50
"""Records returned in one call, so that a consumer's queue is not overrun after a pause."""


class Playback(Generic[T]):
    """Plays records in order, each when the clock reaches its due time.

    What was due before the first reading of the clock was missed and is not given: a player that
    starts late, or again after a crash, goes on with the present.

    Args:
        opener: Called at the first reading with the clock, in nanoseconds; returns pairs of due
            time and record in order of due time. It may leave out what was due before.
    """

    def __init__(self, opener: Callable[[int], Iterator[tuple[int, T]]]) -> None:
        self._opener = opener
        self._records: Iterator[tuple[int, T]] | None = None
        self._next: tuple[int, T] | None = None

    def read(self, now_ns: int) -> list[T]:
        """Return what is due at `now_ns`, oldest first, at most `MAX_AT_ONCE` records."""
        if self._records is None:
            self._records = iter(self._opener(now_ns))
            self._next = next(self._records, None)
            while self._next is not None and self._next[0] < now_ns:
                self._next = next(self._records, None)
        due: list[T] = []
        while self._next is not None and self._next[0] <= now_ns and len(due) < MAX_AT_ONCE:
            due.append(self._next[1])
            self._next = next(self._records, None)
        return due

    @property
    def finished(self) -> bool:
        """True once nothing is left."""
        return self._records is not None and self._next is None


def prefetched(records: Iterator[T], ahead: int) -> Iterator[T]:
    """Yield records that a thread makes in advance, so that slow ones hold nobody up.

    An error in the thread is raised here, in its place.

    Args:
        records: Only the thread uses it from now on.
        ahead: Records that may wait.
    """
    queue: Queue[tuple[T | None, Exception | None]] = Queue(ahead)
    stopped = threading.Event()

    def put(record: T | None, error: Exception | None = None) -> bool:
        while not stopped.is_set():
            try:
                queue.put((record, error), timeout=0.5)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            if all(put(record) for record in records):
                put(None)
        except Exception as error:  # handed over to the reader
            put(None, error)

    threading.Thread(target=work, name="prefetch", daemon=True).start()
    try:
        while True:
            record, error = queue.get()
            if error is not None:
                raise error
            if record is None:
                return
            yield record
    finally:
        stopped.set()
