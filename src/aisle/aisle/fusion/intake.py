"""From the first store model on: what the nodes and a replay do alike with what comes earlier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from aisle.fusion.shelves import StoreAt
from aisle.records import Frame, GateEvent, Prediction, Record, SlotChange, WeightBatch
from aisle.store.types import Store

MAX_WAITING = 1000
"""Records kept until there is a store model."""


class TakesRecords(Protocol):
    """A `Fusion`, or what stands around one."""

    def push(self, record: Record | StoreAt, /) -> list[Prediction]:
        """Take one record, in order of arrival."""


F = TypeVar("F", bound=TakesRecords)


class Intake(Generic[F]):
    """Begins a fusion with the first store model; only readings do not wait for it.

    Args:
        begin: Makes the fusion.
    """

    def __init__(self, begin: Callable[[Store], F]) -> None:
        self._begin = begin
        self._waiting: list[GateEvent | SlotChange] = []
        self.fusion: F | None = None
        self.counters: Counter[str] = Counter()

    def store(self, stamp_ns: int, store: Store) -> list[Prediction]:
        """Take a store model that was published at `stamp_ns`."""
        if self.fusion is not None:
            return self.fusion.push(StoreAt(stamp_ns, store))
        self.fusion = self._begin(store)
        waiting, self._waiting = self._waiting, []
        return [prediction for event in waiting for prediction in self.fusion.push(event)]

    def push(self, record: Record) -> list[Prediction]:
        """Take a record, in order of arrival; slot changes only where a person said so.

        What put-backs change is known to the fusion already.
        """
        if isinstance(record, SlotChange) and not record.by_operator:
            return []
        if self.fusion is not None:
            return self.fusion.push(record)
        if not isinstance(record, WeightBatch | Frame) and len(self._waiting) < MAX_WAITING:
            self._waiting.append(record)
        else:
            self.counters["before_the_store_model"] += 1
        return []
