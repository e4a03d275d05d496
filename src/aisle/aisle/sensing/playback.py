"""Records that are played when the clock reaches them: a simulation or a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
