"""Fusion and ledger joined as the nodes join them, in one process."""

from __future__ import annotations

from pathlib import Path

from aisle.fusion.fusion import Fusion, StoreAt
from aisle.fusion.runtime import load_runtime
from aisle.receipts import Ledger, LedgerConfig
from aisle.records import GateEvent, Prediction, Receipt, WeightBatch
from aisle.store.types import Store

Outcome = tuple[list[Prediction], list[Receipt]]


class StoreCheckout:
    """Turns store models, weights and gate events into predictions and receipts."""

    def __init__(self, folder: Path, model: Path | None = None) -> None:
        """Open a ledger in `folder` and the model, the shipped one when None."""
        self._runtime = load_runtime(model)
        self._ledger = Ledger(
            f"sqlite:///{folder / 'ledger.db'}", config=LedgerConfig(synchronous="NORMAL")
        )
        self._fusion: Fusion | None = None

    def store(self, stamp_ns: int, store: Store) -> Outcome:
        """Take in a store model that holds from `stamp_ns` on."""
        receipts = self._ledger.set_catalogue(store, stamp_ns)
        if self._fusion is None:
            self._fusion = Fusion(store, self._runtime)
            return [], receipts
        predictions, more = self._bill(self._fusion.push(StoreAt(stamp_ns, store)))
        return predictions, receipts + more

    def push(self, record: WeightBatch | GateEvent) -> Outcome:
        """Take in a record; there must have been a store model."""
        assert self._fusion is not None
        receipts = self._ledger.gate(record) if isinstance(record, GateEvent) else []
        predictions, more = self._bill(self._fusion.push(record))
        return predictions, receipts + more

    def finish(self) -> Outcome:
        """Close the remaining ticks: nothing more will come."""
        return self._bill(self._fusion.finish()) if self._fusion is not None else ([], [])

    def _bill(self, predictions: list[Prediction]) -> Outcome:
        return predictions, [
            receipt for prediction in predictions for receipt in self._ledger.apply(prediction)
        ]

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the fusion and of the ledger that are not zero."""
        found = {f"ledger/{name}": count for name, count in self._ledger.counters.items()}
        if self._fusion is not None:
            found.update({f"fusion/{n}": count for n, count in self._fusion.counters.items()})
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Release the ledger's file."""
        self._ledger.close()
