"""When cameras could see what had happened: whoever takes something mostly stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from aisle.fusion.eyes import Looked
from aisle.fusion.windows import COLUMN_M, WINDOW_NS, Window
from aisle.learning.labels import LATEST_NS, SOONEST_NS, Effect, Label, change_label, open_events
from aisle.sim.script import Deed, DeedKind
from aisle.sim.simulation import SECOND, Simulation, TruthEvent
from aisle.vision.shelf_sight import clear_columns

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
        deeds = {
            _key(simulation, d): d for d in simulation.script.deeds if d.kind is not DeedKind.TOUCH
        }
        self._seen_ns = {
            event: self._first_ns(event, deeds[event.stamp_ns, event.session, event.product])
            for event, _ in simulation.effects
        }
        self._shown = self._as_seen()
        shelves = simulation.store.shelves
        weighed = [effect for effect in simulation.effects if shelves[effect[0].shelf].plates]
        bare = [now for _, now in self._shown if not shelves[now[0].shelf].plates]
        self.effects = tuple(sorted([*weighed, *bare], key=lambda effect: effect[0].stamp_ns))
        """Takes and returns as of when they can be known, in order of time."""

    def _first_ns(self, event: TruthEvent, deed: Deed) -> int | None:
        """The first tick at which the place of an event is seen again; None for never."""
        begin_ns = event.stamp_ns - round(deed.duration_s * SECOND)
        places = [place.x_m for place in deed.places] or [deed.x_m]
        columns = sorted({int(x / COLUMN_M) for x in places})
        if not self._clear.any(event.shelf, columns, begin_ns):
            return None
        return self._clear.first(event.shelf, columns, event.stamp_ns, LONGEST_NS)

    def _as_seen(self) -> list[tuple[TruthEvent, Effect]]:
        """What is seen at all: each event as it happened, and its effect as of when it shows."""
        found: list[tuple[TruthEvent, Effect]] = []
        for event, gain in self._simulation.effects:
            seen_ns = self._seen_ns[event]
            if seen_ns is None:
                continue
            now = replace(event, stamp_ns=seen_ns)
            undone = next((i for i, pair in enumerate(found) if _undoes(now, pair[1][0])), None)
            if undone is not None:
                del found[undone]
            else:
                found.append((event, (now, gain)))
        return found

    def unweighed(self, window: Window, right: Label) -> Label | None:
        """The right answer to a window if its shelf had no scales.

        None where that depends on what was said before the window, since something comes to be
        seen that scales had told of before; and where a wrong commit is to be withdrawn although
        what proves it wrong may still be hidden.
        """
        if not self._simulation.store.shelves[window.shelf].plates:
            return right
        here = [pair for pair in self._shown if pair[0].shelf == window.shelf]
        oldest_ns, tick_ns = window.tick_ns - LATEST_NS, window.tick_ns
        for event, (now, _) in here:
            if event.stamp_ns <= oldest_ns and tick_ns - WINDOW_NS < now.stamp_ns <= tick_ns:
                return None
        if right.kind == "withdraw":
            return None
        missed = {effect[0] for effect in open_events(window, self._simulation.effects)[0]}
        shown = [
            now for event, now in here
            if event in missed and now[0].stamp_ns <= tick_ns - SOONEST_NS
        ]  # fmt: skip
        if not shown:
            return Label("none")
        event, gain = min(shown, key=lambda now: now[0].stamp_ns)
        # Cameras do not weigh: what plates would have shown is not asked for.
        return change_label(window, (event, np.zeros_like(gain)))


class _Clear:
    """Which columns of which shelf were seen clearly at which tick."""

    def __init__(self, looked: Mapping[int, Looked]) -> None:
        self._ticks = np.array(sorted(looked), np.int64)
        self._looked = looked

    def _columns(self, shelf: str, columns: list[int], tick_ns: int) -> bool:
        glance = self._looked[tick_ns].glances.get(shelf)
        if glance is None:
            return False
        clear = clear_columns(glance.state)
        last = len(clear) - 1
        return all(clear[min(max(column, 0), last)] for column in columns)

    def first(self, shelf: str, columns: list[int], from_ns: int, span_ns: int) -> int | None:
        """The first tick from a time on, within a span, at which all of them are clear."""
        for tick in self._ticks[(self._ticks >= from_ns) & (self._ticks <= from_ns + span_ns)]:
            if self._columns(shelf, columns, int(tick)):
                return int(tick)
        return None

    def any(self, shelf: str, columns: list[int], until_ns: int) -> bool:
        """Whether each of them was clear at some tick before a time."""
        ticks = self._ticks[self._ticks < until_ns]
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
