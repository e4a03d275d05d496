"""Plates that give nothing to rely on, although their controller speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.records import PlateStatus, WeightBatch

_REASONS: dict[int, str] = {
    PlateStatus.OVERLOAD: "overload",
    PlateStatus.UNDERLOAD: "underload",
    PlateStatus.FAULT: "fault",
}


@dataclass(frozen=True)
class PlateChange:
    """A plate has become bad, or good again."""

    plate: str
    reason: str
    """"overload", "underload", "fault" or "no reading"; what it was, for one that is good again."""
    since_ns: int
    """Stamp of the first bad batch."""
    stamp_ns: int
    """Stamp at which it was found."""
    good: bool = False

    @property
    def text(self) -> str:
        """For people: "g1/s2/p3: overload for 2.2 s"."""
        return f"{self.plate}: {self.reason} for {(self.stamp_ns - self.since_ns) / 1e9:.1f} s"


@dataclass
class _Controller:
    plates: tuple[str, ...]
    since_ns: NDArray[np.int64]
    """[plates] stamp of the first bad batch, -1 while good."""
    told: NDArray[np.bool_]
    """[plates] whether the plate has been called bad."""


class PlateHealth:
    """Finds plates that have been bad for longer than a limit of stamps.

    A plate is bad in a batch when its status is not OK, or when none of its readings is a number.

    Args:
        limit_s: What is shorter is a push or a lost sample, and not told.
    """

    def __init__(self, limit_s: float = 2.0) -> None:
        self._limit_ns = round(limit_s * 1e9)
        self._controllers: dict[str, _Controller] = {}
        self.counters: Counter[str] = Counter()
        self.bad: dict[str, PlateChange] = {}
        """Plates that are bad now, with the change that said so."""

    def add(self, batch: WeightBatch) -> tuple[PlateChange, ...]:
        """Look at a batch that was accepted; what has changed with it."""
        state = self._state(batch)
        finite = np.isfinite(batch.kilograms)
        if not batch.status.any() and finite.all() and (state.since_ns < 0).all():
            return ()
        bad = (batch.status != PlateStatus.OK) | ~finite.any(axis=0)
        begins = bad & ((state.since_ns < 0) | (state.since_ns > batch.stamp_ns))
        state.since_ns[begins] = batch.stamp_ns
        state.since_ns[~bad] = -1
        over = bad & ~state.told & (batch.end_ns - state.since_ns > self._limit_ns)
        healed = state.told & ~bad
        state.told = (state.told | over) & bad
        found = [self._lost(batch, column, state) for column in np.flatnonzero(over).tolist()]
        found += [self._healed(batch, column) for column in np.flatnonzero(healed).tolist()]
        return tuple(found)

    def keep(self, wired: Mapping[str, tuple[str, ...]]) -> None:
        """Forget all controllers but these, and those of them that have other plates now."""
        for name, state in list(self._controllers.items()):
            if wired.get(name) != state.plates:
                self._forget(name)

    def _forget(self, controller: str) -> None:
        state = self._controllers.pop(controller, None)
        for plate in state.plates if state else ():
            self.bad.pop(plate, None)

    def _state(self, batch: WeightBatch) -> _Controller:
        """The controller's state, made anew when its plates are others."""
        state = self._controllers.get(batch.controller)
        if state is None or state.plates != batch.plates:
            self._forget(batch.controller)
            size = len(batch.plates)
            state = _Controller(batch.plates, np.full(size, -1, np.int64), np.zeros(size, bool))
            self._controllers[batch.controller] = state
        return state

    def _lost(self, batch: WeightBatch, column: int, state: _Controller) -> PlateChange:
        plate = batch.plates[column]
        reason = _REASONS.get(int(batch.status[column]), "no reading")
        change = PlateChange(plate, reason, int(state.since_ns[column]), batch.end_ns)
        self.bad[plate] = change
        self.counters["plates_bad"] += 1
        return change

    def _healed(self, batch: WeightBatch, column: int) -> PlateChange:
        before = self.bad.pop(batch.plates[column])
        self.counters["plates_good_again"] += 1
        return PlateChange(before.plate, before.reason, before.since_ns, batch.stamp_ns, good=True)
