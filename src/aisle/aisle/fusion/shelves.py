"""The store in use, seen by its scales: which shelves changed, and what their plates show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.config import FusionConfig
from aisle.fusion.eyes import Eyes
from aisle.fusion.grid import BIN_NS, BINS, SignalGrid
from aisle.fusion.windows import ShelfTokenizer
from aisle.records import WeightBatch
from aisle.store.layout import shelf_layout
from aisle.store.types import Store

Signal = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Kilograms [BINS, plates] and which bins had samples, as `SignalGrid.window` gives them."""

QUIET_KG = (0.001, 0.004)
"""Whatever the products weigh, a quiet plate has changed when its range exceeds the second of
these, and has not when it stays below the first."""


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


@dataclass(frozen=True)
class _Wired:
    """The plates of one controller, in the order of its messages."""

    shelves: tuple[str, ...]
    lightest_kg: NDArray[np.float64]
    """[plates] weight of the lightest product that stands on the plate's shelf, or infinite."""


class Shelves:
    """Grids of all controllers, and the shelves that they read.

    Args:
        store: The store at the start.
        config: Says when a plate has changed.
        counters: Where what is refused is counted.
        eyes: The store's cameras; None for a model without sight.
    """

    def __init__(
        self, store: Store, config: FusionConfig, counters: Counter[str], eyes: Eyes | None = None
    ) -> None:
        self._config, self._counters, self._eyes = config, counters, eyes
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
        lightest_kg = {
            name: min((store.products[slot.product].weight_kg for slot in slots), default=np.inf)
            for name, slots in store.slots_of_shelf.items()
        }
        shelf_of = {
            name: tuple(store.plates[plate].shelf for plate in controller.plates)
            for name, controller in store.controllers.items()
        }
        self._wired = {
            name: _Wired(shelves, np.array([lightest_kg[shelf] for shelf in shelves]))
            for name, shelves in shelf_of.items()
        }
        column = {
            plate: (controller.id, i)
            for controller in store.controllers.values()
            for i, plate in enumerate(controller.plates)
        }
        self._shelves: dict[str, _Shelf] = {}
        weighed = [store.plates[plate].shelf for plate in column]
        seen = [] if self._eyes is None else sorted(self._eyes.shelves)
        looks = None if self._eyes is None else self._eyes.looks
        for name in dict.fromkeys([*weighed, *seen]):
            layout = shelf_layout(store, name)
            tokenizer = ShelfTokenizer(store, name, layout, looks)
            self._shelves[name] = _Shelf(tokenizer, _parts(layout.plates, column))

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

    def changed(self, tick_ns: int, loose: Collection[str]) -> dict[str, Signal]:
        """Signals of the shelves that changed in the window that ends at a tick.

        A shelf has changed when it looks different, or when one of its plates has changed: when the
        plate's range exceeds a share of the lightest thing that can have come or gone there, within
        `QUIET_KG`. A noisy plate must exceed its own noise too; but noise never asks for more than
        that share, so that no product can hide in it.

        Args:
            tick_ns: End of the window.
            loose: Products that may come to or go from any shelf: carried, or misplaced.
        """
        signals = {name: grid.window(tick_ns // BIN_NS) for name, grid in self._grids.items()}
        products, share = self.store.products, self._config.changed_share
        loose_kg = min((products[p].weight_kg for p in loose if p in products), default=np.inf)
        found = set() if self._eyes is None else set(self._eyes.changed(tick_ns))
        for name, wired in self._wired.items():
            smooth = signals[name][0].reshape(BINS // 4, 4, len(wired.shelves)).mean(axis=1)
            swing = smooth.max(axis=0) - smooth.min(axis=0)
            least = share * np.minimum(wired.lightest_kg, loose_kg)
            over = np.flatnonzero(swing > np.clip(least, *QUIET_KG))
            noise = np.minimum(self._config.changed_noise * _noise(smooth[:, over]), least[over])
            found.update(wired.shelves[i] for i in over[swing[over] > noise].tolist())
        return {
            name: _joined(shelf, signals) for name, shelf in self._shelves.items() if name in found
        }


def _noise(smooth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Noise of each plate, [plates] kilograms, from means over a quarter of a second.

    The median difference between means a second apart: a step is in few of these differences, a
    plate's wobble and drift in all.
    """
    noise: NDArray[np.float32] = np.median(np.abs(smooth[4:] - smooth[:-4]), axis=0)
    return noise


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
    if shelf.parts and len(shelf.parts[0].places) == count:
        first = shelf.parts[0]
        signal, valid = signals[first.controller]
        return signal[:, first.columns], valid[:, first.columns]
    kilograms, seen = np.zeros((BINS, count), np.float32), np.zeros((BINS, count), np.bool_)
    for part in shelf.parts:
        signal, valid = signals[part.controller]
        kilograms[:, part.places] = signal[:, part.columns]
        seen[:, part.places] = valid[:, part.columns]
    return kilograms, seen
