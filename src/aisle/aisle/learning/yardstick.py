"""The classical way, to be measured against: detect steps, name by nearest weight and place.

It takes the same records as the fusion and gives the same predictions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.grid import BIN_NS, BINS, SignalGrid
from aisle.fusion.memory import Memory, Session
from aisle.fusion.synchronizer import SECOND, Synchronizer
from aisle.records import (
    Action,
    CameraFrame,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    WeightBatch,
)
from aisle.store.layout import shelf_layout
from aisle.store.types import Store

_BEFORE = slice(BINS - 34, BINS - 26)
_AFTER = slice(BINS - 8, BINS)
_GAP_S = 0.9
"""From the middle of a step to the middle of the window after it."""


def _look(signal: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Steps that stand out from the noise, and whether the signal has settled, [plates]."""
    before, after = signal[_BEFORE], signal[_AFTER]
    step = np.median(after, axis=0) - np.median(before, axis=0)
    noise = np.maximum(before.std(axis=0), 0.0005)
    settled = after.std(axis=0) < np.maximum(3 * noise, 0.08 * np.abs(step) + 0.001)
    return np.where(np.abs(step) > np.maximum(4 * noise, 0.003), step, 0.0), settled


@dataclass
class _Shelf:
    plates: tuple[str, ...]
    columns: list[tuple[str, int]]
    """Controller and channel of each plate."""
    best: float = 0.0
    quiet_until_ns: int = 0
    pending: tuple[int, NDArray[np.float64]] | None = None


class Yardstick:
    """Step detector for each shelf; see the module's text."""

    def __init__(self, store: Store) -> None:
        self.store, self.sync, self.memory = store, Synchronizer(store.controllers), Memory()
        self.grids = {c.id: SignalGrid(len(c.plates)) for c in store.controllers.values()}
        self.counters: Counter[str] = Counter()
        self.shelves: dict[str, _Shelf] = {}
        self._gates: list[GateEvent] = []
        column = {
            plate: (c.id, i) for c in store.controllers.values() for i, plate in enumerate(c.plates)
        }
        for shelf in dict.fromkeys(store.plates[plate].shelf for plate in column):
            plates = shelf_layout(store, shelf).plates
            self.shelves[shelf] = _Shelf(plates, [column[plate] for plate in plates])

    def push(self, record: WeightBatch | GateEvent | CameraFrame) -> list[Prediction]:
        """As `Fusion.push`; pictures are of no use to it."""
        if isinstance(record, GateEvent):
            self._gates.append(record)
            self.sync.note_gate(record)
        elif isinstance(record, WeightBatch) and self.sync.accept(record):
            self.grids[record.controller].add(record)
        return [p for tick in self.sync.ready() for p in self.step(tick)]

    def finish(self) -> list[Prediction]:
        """As `Fusion.finish`."""
        return [p for tick in self.sync.finish() for p in self.step(tick)]

    def step(self, tick_ns: int) -> list[Prediction]:
        """Enter, look at each shelf, leave."""
        found: list[Prediction] = []
        for event in [e for e in self._gates if e.stamp_ns <= tick_ns]:
            self._gates.remove(event)
            if event.kind is GateKind.ENTER:
                self.memory.sessions[event.session] = Session(event.session, event.stamp_ns)
            elif event.session in self.memory.sessions:
                self.memory.sessions[event.session].exit_ns = event.stamp_ns
        looks = {
            name: _look(grid.window(tick_ns // BIN_NS)[0]) for name, grid in self.grids.items()
        }
        for name, shelf in self.shelves.items():
            change, settled = (
                np.array([looks[name][part][i] for name, i in shelf.columns]) for part in (0, 1)
            )
            step = self._step(shelf, name, change, settled, tick_ns)
            if step is not None and self.memory.sessions:
                found.append(self._name(name, shelf, *step))
        for session in list(self.memory.sessions.values()):
            if session.exit_ns is not None and session.exit_ns + 3 * SECOND <= tick_ns:
                del self.memory.sessions[session.id]
                found.append(Prediction(tick_ns, session.id, (), True))
        return found

    def _step(
        self, shelf: _Shelf, name: str, step: NDArray[np.float32], settled: NDArray[np.bool_],
        tick_ns: int,
    ) -> tuple[int, NDArray[np.float64]] | None:  # fmt: skip
        """The step that has just passed its largest size, once, or None."""
        size = abs(float(step.sum()))
        slots = self.store.slots_of_shelf[name]
        lightest = min((self.store.products[s.product].weight_kg for s in slots), default=0.03)
        ok = size > max(0.4 * lightest, 0.006) and bool(settled[step != 0].all())
        if ok and tick_ns >= shelf.quiet_until_ns and size > shelf.best:
            shelf.best, shelf.pending = size, (tick_ns, step.astype(np.float64))
            return None
        if shelf.pending is not None:
            found, shelf.pending, shelf.best = shelf.pending, None, 0.0
            shelf.quiet_until_ns = tick_ns + round(1.8 * SECOND)
            return found
        return None

    def _name(
        self, name: str, shelf: _Shelf, tick_ns: int, step: NDArray[np.float64]
    ) -> Prediction:
        """Nearest weight and place among what stands here (takes) or is carried (returns)."""
        session = list(self.memory.sessions.values())[-1]
        total, size = float(step.sum()), np.abs(step)
        action = Action.TAKE if total < 0 else Action.RETURN
        placed: dict[str, tuple[str, ...]] = {}
        for slot in self.store.slots_of_shelf[name]:
            placed[slot.product] = placed.get(slot.product, ()) + slot.plates
        names = list(placed) if action is Action.TAKE else list(session.carried)
        best, chosen, quantity = np.inf, "", 1
        for product in names:
            weight = self.store.products[product].weight_kg
            here = np.array([plate in placed.get(product, ()) for plate in shelf.plates])
            inside = float(size[here].sum() / size.sum()) if here.any() else 0.0
            held = session.carried.get(product)
            most = 3 if action is Action.TAKE or held is None else min(held.quantity, 3)
            for count in range(1, most + 1):
                off = abs(abs(total) - count * weight) / (0.006 + 0.04 * count * weight)
                cost = off + (6.0 if action is Action.TAKE else 1.0) * (1 - inside) + 0.7 * count
                if cost < best:
                    best, chosen, quantity = cost, product, count
        probability = float(1 / (1 + np.exp(0.4 * (best - 6)))) if names else 0.1
        change = Change(
            session.next_id(), ChangeState.CONFIRMED, tick_ns - round(_GAP_S * SECOND), action,
            chosen, quantity, probability, name,
        )  # fmt: skip
        session.changes[change.id] = change
        session.apply(action, chosen, quantity, 0.0)
        return Prediction(tick_ns, session.id, (change,))
