"""Fusion and ledger joined as the nodes join them, in one process."""

from __future__ import annotations

from pathlib import Path

from aisle.fusion.intake import Intake
from aisle.fusion.maker import FusionMaker
from aisle.receipts import Ledger, LedgerConfig
from aisle.records import GateEvent, Prediction, Receipt, Record
from aisle.store.types import Store

Outcome = tuple[list[Prediction], list[Receipt]]


class StoreCheckout:
    """Turns store models, weights, pictures and gate events into predictions and receipts.

    Put-backs in the wrong place change no store model here: the fusion keeps its own account of
    them, and leaves out those of the models that it gets.
    """

    def __init__(self, folder: Path, maker: FusionMaker) -> None:
        """Open a ledger in `folder`.

        Args:
            folder: Empty; the ledger's file is made there.
            maker: Makes the fusion.
        """
        self._ledger = Ledger(
            f"sqlite:///{folder / 'ledger.db'}", config=LedgerConfig(synchronous="NORMAL")
        )
        self._maker = maker
        self._intake = Intake(maker.make)

    def store(self, stamp_ns: int, store: Store) -> Outcome:
        """Take in a store model that holds from `stamp_ns` on."""
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
        return predictions, [r for p in predictions for r in self._ledger.apply(p)]

    @property
    def sight(self) -> bool:
        """Whether pictures are of any use."""
        return self._maker.sight

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps the fusion from seeing, and cameras that were bad at the end."""
        fusion = self._intake.fusion
        if fusion is None or fusion.eyes is None:
            return self._maker.warnings
        eyes = fusion.eyes
        trouble = (eyes.trouble,) if eyes.trouble else ()
        bad = (f"camera {change.text}" for change in eyes.bad_cameras.values())
        return (*self._maker.warnings, *trouble, *bad)

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the fusion and of the ledger that are not zero."""
        found = {f"ledger/{name}": count for name, count in self._ledger.counters.items()}
        if self._intake.fusion is not None:
            counters = {**self._intake.fusion.counters, **self._maker.counters}
            found.update({f"fusion/{name}": count for name, count in counters.items()})
        found.update(self._intake.counters)
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Release the ledger's file."""
        self._ledger.close()
