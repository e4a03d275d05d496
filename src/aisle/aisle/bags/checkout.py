"""Fusion and ledger joined as the nodes join them, in one process."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from aisle.fusion.fusion import Fusion
from aisle.fusion.intake import Intake
from aisle.fusion.runtime import Runtime
from aisle.receipts import Ledger, LedgerConfig
from aisle.records import GateEvent, Prediction, Receipt, Record
from aisle.store.model import ChangeError, with_slot_change
from aisle.store.types import Store

Outcome = tuple[list[Prediction], list[Receipt]]


class StoreCheckout:
    """Turns store models, weights and gate events into predictions and receipts."""

    def __init__(self, folder: Path, runtime: Runtime, *, follow: bool = True) -> None:
        """Open a ledger in `folder`.

        Args:
            folder: Empty; the ledger's file is made there.
            runtime: The model.
            follow: Whether put-backs in the wrong place change the store model here, as the store
                model's node does it; False where the changed models come from the bag.
        """
        self._follow = follow
        self._ledger = Ledger(
            f"sqlite:///{folder / 'ledger.db'}", config=LedgerConfig(synchronous="NORMAL")
        )
        self._intake = Intake(lambda store: Fusion(store, runtime))
        self._store: Store | None = None
        self._slots_seen = 0
        self._refused: Counter[str] = Counter()

    def store(self, stamp_ns: int, store: Store) -> Outcome:
        """Take in a store model that holds from `stamp_ns` on."""
        self._store = store
        receipts = self._ledger.set_catalogue(store, stamp_ns)
        predictions, more = self._bill(self._intake.store(stamp_ns, store))
        return predictions, receipts + more

    def push(self, record: Record) -> Outcome:
        """Take in a record; before the first store model, passages wait and readings are lost."""
        receipts = self._ledger.gate(record) if isinstance(record, GateEvent) else []
        predictions, more = self._bill(self._intake.push(record))
        return predictions, receipts + more

    def finish(self) -> Outcome:
        """Close the remaining ticks: nothing more will come."""
        fusion = self._intake.fusion
        return self._bill(fusion.finish()) if fusion is not None else ([], [])

    def _bill(self, predictions: list[Prediction]) -> Outcome:
        receipts, done = [], list(predictions)
        while predictions:
            for prediction in predictions:
                receipts += self._ledger.apply(prediction)
            predictions = self._moved() if self._follow else []
            done += predictions
        return done, receipts

    def _moved(self) -> list[Prediction]:
        """Give the fusion a store model for each product that was put back elsewhere."""
        assert self._store is not None
        found = []
        for place, change in self._ledger.slot_changes(self._slots_seen):
            self._slots_seen = place
            try:
                self._store = with_slot_change(
                    self._store,
                    change.product,
                    change.shelf,
                    change.plates,
                    change.quantity,
                    change.confidence,
                )
            except ChangeError:
                self._refused["slot_changes_refused"] += 1
                continue
            found += self._intake.store(change.stamp_ns, self._store)
        return found

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the fusion and of the ledger that are not zero."""
        found = {f"ledger/{name}": count for name, count in self._ledger.counters.items()}
        if self._intake.fusion is not None:
            counters = self._intake.fusion.counters
            found.update({f"fusion/{name}": count for name, count in counters.items()})
        found.update(self._intake.counters)
        found.update(self._refused)
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Release the ledger's file."""
        self._ledger.close()
