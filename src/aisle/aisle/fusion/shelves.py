"""The store in use, seen by its scales: which shelves changed, and what their plates show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.grid import BIN_NS, BINS, SignalGrid
from aisle.fusion.windows import ShelfTokenizer
from aisle.records import WeightBatch
from aisle.store.layout import shelf_layout
from aisle.store.types import Store

Signal = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Kilograms [BINS, plates] and which bins had samples, as `SignalGrid.window` gives them."""


@dataclass(frozen=True)
class StoreAt:
    """A store model and when it was published."""

    stamp_ns: int
    store: Store


@dataclass(frozen=True)
class _Part:
    """The plates of a shelf that one controller reads."""

    controller: str
    columns: NDArray[np.int64]
    """Their places in the controller's messages."""
    places: NDArray[np.int64]
    """Their places on the shelf."""


@dataclass(frozen=True)
class _Shelf:
    tokenizer: ShelfTokenizer
    parts: tuple[_Part, ...]
    threshold_kg: float


class Shelves:
    """Grids of all controllers, and the shelves that they read.

    Args:
        store: The store at the start.
        changed_share: See `FusionConfig`.
        counters: Where what is refused is counted.
    """

    def __init__(self, store: Store, changed_share: float, counters: Counter[str]) -> None:
        self._changed_share, self._counters = changed_share, counters
        self._grids: dict[str, SignalGrid] = {}
        self.store = store
        self.use(store)

    def use(self, store: Store) -> None:
        """Take a store model into use; grids of unchanged controllers go on."""
        before, self.store = self.store.controllers, store
        self._grids = {
            name: self._grids[name]
            if name in self._grids and before[name].plates == controller.plates
            else SignalGrid(len(controller.plates))
            for name, controller in store.controllers.items()
        }
        lightest = min((p.weight_kg for p in store.products.values()), default=0.02)
        threshold = float(np.clip(self._changed_share * lightest, 0.001, 0.004))
        column = {
            plate: (controller.id, i)
            for controller in store.controllers.values()
            for i, plate in enumerate(controller.plates)
        }
        self._shelves: dict[str, _Shelf] = {}
        for name in dict.fromkeys(store.plates[plate].shelf for plate in column):
            layout = shelf_layout(store, name)
            tokenizer = ShelfTokenizer(store, name, layout)
            self._shelves[name] = _Shelf(tokenizer, _parts(layout.plates, column), threshold)

    def knows(self, batch: WeightBatch) -> bool:
        """Whether a batch is of this store; counted when it is not."""
        controller = self.store.controllers.get(batch.controller)
        if controller is None:
            self._counters["unknown_stream"] += 1
        elif batch.plates != controller.plates:
            self._counters["unknown_plates"] += 1
        else:
            return True
        return False

    def add(self, batch: WeightBatch, heaviest_kg: float) -> WeightBatch:
        """Take the readings of a batch; the batch without those that are no weights."""
        usable = np.abs(batch.kilograms) < heaviest_kg
        if not usable.all():
            self._counters["batches_with_missed_samples"] += 1
            batch = replace(batch, kilograms=np.where(usable, batch.kilograms, np.nan))
        self._grids[batch.controller].add(batch)
        return batch

    def forget(self) -> None:
        """Forget all readings: those to come are of another time."""
        for name, controller in self.store.controllers.items():
            self._grids[name] = SignalGrid(len(controller.plates))

    def tokenizer(self, shelf: str) -> ShelfTokenizer:
        """Makes the windows of a shelf."""
        return self._shelves[shelf].tokenizer

    def changed(self, tick_ns: int) -> dict[str, Signal]:
        """Signals of the shelves on which a plate changed in the window that ends at a tick."""
        signals = {name: grid.window(tick_ns // BIN_NS) for name, grid in self._grids.items()}
        ranges = {}
        for name, (signal, _) in signals.items():
            smooth = signal.reshape(-1, 4, signal.shape[1]).mean(axis=1)
            ranges[name] = smooth.max(axis=0) - smooth.min(axis=0)
        return {
            name: _joined(shelf, signals)
            for name, shelf in self._shelves.items()
            if any(
                (ranges[part.controller][part.columns] > shelf.threshold_kg).any()
                for part in shelf.parts
            )
        }


def _parts(plates: tuple[str, ...], column: dict[str, tuple[str, int]]) -> tuple[_Part, ...]:
    """The plates of a shelf by controller; one that no controller reads is in none."""
    found: dict[str, list[tuple[int, int]]] = {}
    for place, plate in enumerate(plates):
        if plate in column:
            controller, index = column[plate]
            found.setdefault(controller, []).append((index, place))
    return tuple(
        _Part(name, np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]))
        for name, pairs in found.items()
    )


def _joined(shelf: _Shelf, signals: dict[str, Signal]) -> Signal:
    """The plates of a shelf from the windows of its controllers; one without is never valid."""
    count = len(shelf.tokenizer.layout.plates)
    first = shelf.parts[0]
    if len(first.places) == count:
        signal, valid = signals[first.controller]
        return signal[:, first.columns], valid[:, first.columns]
    kilograms, seen = np.zeros((BINS, count), np.float32), np.zeros((BINS, count), np.bool_)
    for part in shelf.parts:
        signal, valid = signals[part.controller]
        kilograms[:, part.places] = signal[:, part.columns]
        seen[:, part.places] = valid[:, part.columns]
    return kilograms, seen
