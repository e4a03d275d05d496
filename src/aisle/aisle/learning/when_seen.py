"""When cameras could see what had happened: whoever takes something mostly stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.eyes import Looked
from aisle.fusion.windows import COLUMN_M, WINDOW_NS, Window
from aisle.learning.labels import LATEST_NS, SOONEST_NS, Effect, Label, change_label, open_events
from aisle.sim.script import Deed
from aisle.sim.simulation import SECOND, Simulation, TruthEvent
from aisle.vision.shelf_sight import clear_views

LONGEST_NS = 20 * SECOND
"""What is still hidden so long after it happened is not told any more."""


class WhenSeen:
    """Takes and returns of one simulation, and from when on they are to be seen.

    On a shelf without plates nothing can be known before it is seen, so there an event counts as of
    then, and one that is never seen, or undone before, as none at all.

    Args:
        simulation: What happened.
        looked: What was seen, by tick.
    """

    def __init__(self, simulation: Simulation, looked: Mapping[int, Looked]) -> None:
        self._simulation = simulation
        self._clear = _Clear(looked)
        deeds = {_key(simulation, d): d for d in simulation.script.deeds}
        self._seen_ns = {
            event: self._first_ns(event, deeds[event.stamp_ns, event.session, event.product])
            for event, _ in simulation.effects
        }
        self.effects = self._told()

    def _first_ns(self, event: TruthEvent, deed: Deed) -> int | None:
        """The first tick at which the place of an event is seen again; None for never."""
        begin_ns = event.stamp_ns - round(deed.duration_s * SECOND)
        places = [place.x_m for place in deed.places] or [deed.x_m]
        columns = sorted({int(x / COLUMN_M) for x in places})
        if not self._clear.any(event.shelf, columns, 0, begin_ns):
            return None
        return self._clear.first(event.shelf, columns, event.stamp_ns, LONGEST_NS)

    def _told(self) -> tuple[Effect, ...]:
        """All effects as of when they can be known, in order of time."""
        found: list[Effect] = []
        for event, gain in self._simulation.effects:
            if self._simulation.store.shelves[event.shelf].plates:
                found.append((event, gain))
                continue
            seen_ns = self._seen_ns[event]
            if seen_ns is None:
                continue
            now = replace(event, stamp_ns=seen_ns)
            undone = next((e for e in found if _undoes(now, e[0])), None)
            if undone is not None:
                found.remove(undone)
            else:
                found.append((now, gain))
        return tuple(sorted(found, key=lambda effect: effect[0].stamp_ns))

    def unweighed(self, window: Window, right: Label) -> Label | None:
        """The right answer to a window if its shelf had no scales.

        None where that depends on what was said before the window: something comes to be seen
        that scales had told of before.
        """
        if not self._simulation.store.shelves[window.shelf].plates:
            return right
        oldest_ns, tick_ns = window.tick_ns - LATEST_NS, window.tick_ns
        for event, _ in self._simulation.effects:
            seen_ns = self._seen_ns[event]
            late = seen_ns is not None and tick_ns - WINDOW_NS < seen_ns <= tick_ns
            if event.shelf == window.shelf and event.stamp_ns <= oldest_ns and late:
                return None
        if right.kind != "change":
            return right
        for effect in open_events(window, self._simulation.effects)[0]:
            seen_ns = self._seen_ns[effect[0]]
            if seen_ns is not None and seen_ns <= tick_ns - SOONEST_NS:
                return change_label(window, effect)
        return Label("none")


class _Clear:
    """Which columns of which shelf were seen clearly at which tick."""

    def __init__(self, looked: Mapping[int, Looked]) -> None:
        self._ticks = np.array(sorted(looked), np.int64)
        self._looked = looked

    def _columns(self, shelf: str, columns: list[int], tick_ns: int) -> bool:
        glance = self._looked[tick_ns].glances.get(shelf)
        if glance is None:
            return False
        clear: NDArray[np.float32] = clear_views(glance.state[:, None])[:, 0]
        last = len(clear) - 1
        return all(clear[min(max(column, 0), last)] > 0 for column in columns)

    def first(self, shelf: str, columns: list[int], from_ns: int, span_ns: int) -> int | None:
        """The first tick from a time on, within a span, at which all of them are clear."""
        for tick in self._ticks[(self._ticks >= from_ns) & (self._ticks <= from_ns + span_ns)]:
            if self._columns(shelf, columns, int(tick)):
                return int(tick)
        return None

    def any(self, shelf: str, columns: list[int], from_ns: int, until_ns: int) -> bool:
        """Whether each of them was clear at some tick before a time."""
        ticks = self._ticks[(self._ticks >= from_ns) & (self._ticks < until_ns)]
        return all(
            any(self._columns(shelf, [column], int(tick)) for tick in ticks) for column in columns
        )


def _key(simulation: Simulation, deed: Deed) -> tuple[int, str, str]:
    return simulation.start_ns + round(deed.end_s * SECOND), deed.session, deed.product


def _undoes(now: TruthEvent, before: TruthEvent) -> bool:
    """Whether two events come to be seen together and leave everything as it was."""
    same = ("stamp_ns", "session", "product", "shelf", "quantity")
    return now.action is not before.action and all(
        getattr(now, name) == getattr(before, name) for name in same
    )
