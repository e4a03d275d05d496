"""When people walk: along their ways, with room between them.

People are planned one after the other. Who is planned earlier goes first; who comes later waits
where he stands, slows down or goes round. Everybody keeps his place until he is planned again,
so waiting is always safe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aisle.sim.choreography.floor import PERSON_M, Array, Floor, Place, resampled

Key = tuple[str, int]
"""Session and number in the group."""

TICK_S = 0.2
KEEP_M = 0.5
"""Between the middles of two who walk."""
PASS_M = 0.44
"""Between somebody who walks and somebody who stands."""
_LEVELS = 5
"""Speeds from standing to the fastest; one level more or less in a tick."""
_GATE_ROOM_M = 0.75
_PATIENCE_TICKS = 200


@dataclass
class _Feet:
    """Half-tick positions from `first` on; the last one stays unless the person has `gone`."""

    first: int
    places: list[Place] = field(default_factory=list)
    gone: bool = False


@dataclass(frozen=True)
class Walk:
    """A planned walk."""

    start_s: float
    arrive_s: float


class Walks:
    """All ways of all people so far."""

    def __init__(self, floor: Floor, gates: Sequence[Place] = ()) -> None:
        """Set up.

        Args:
            floor: Where one can walk.
            gates: Nobody stands about in these.
        """
        self.floor, self._gates = floor, gates
        self._feet: dict[Key, _Feet] = {}

    def place(self, who: Key) -> Place | None:
        """Where a person will stand after all that is planned; None outside."""
        feet = self._feet.get(who)
        return None if feet is None or feet.gone else feet.places[-1]

    def points(self, who: Key) -> tuple[tuple[float, float, float], ...]:
        """Time, x, y of a person so far; empty before the first walk."""
        feet = self._feet.get(who)
        if feet is None:
            return ()
        places = feet.places
        kept = []
        for i, place in enumerate(places):
            inner = 0 < i < len(places) - 1
            if inner and place == places[i - 1] and place == places[i + 1]:
                continue
            kept.append(((feet.first + i) * TICK_S / 2, place[0], place[1]))
        return tuple(kept)

    def standing(self, without: Sequence[Key]) -> list[Place]:
        """Where the others will stand in the end."""
        return [
            feet.places[-1]
            for who, feet in self._feet.items()
            if who not in without and not feet.gone
        ]

    def clear(self, place: Place, without: Sequence[Key]) -> bool:
        """Whether one can stand there beside those who stand about."""
        return (
            self.floor.is_free(place)
            and all(math.dist(place, other) > PERSON_M for other in self.standing(without))
            and all(math.dist(place, gate) >= _GATE_ROOM_M for gate in self._gates)
        )

    def go(
        self,
        who: Key,
        at_s: float,
        goal: Place,
        speed: float,
        before: Sequence[Place] = (),
        after: Sequence[Place] = (),
    ) -> Walk | None:
        """Plan a walk; None when there is no way for now.

        Args:
            who: Who walks. With no place yet, he appears at the first of `before`.
            at_s: Not before this.
            goal: Where he stands then.
            speed: Metres a second at most.
            before: Points to walk first, in straight lines: through a gate.
            after: Points to walk in the end; he is gone after the last one.
        """
        here = self.place(who)
        start = before[-1] if before else here
        if start is None:
            return None
        way = self.floor.way(start, goal, self.standing([who]))
        if way is None:
            return None
        line = np.concatenate([np.array(before[:-1]).reshape(-1, 2), way])
        line = np.concatenate([line, np.array(after).reshape(-1, 2)])
        return self._time(who, at_s, line, speed, appears=here is None, leaves=bool(after))

    def _time(
        self, who: Key, at_s: float, line: Array, speed: float, appears: bool, leaves: bool
    ) -> Walk | None:
        unit = TICK_S * speed / (_LEVELS - 1) / 2
        # Speeds that begin and end at 0 add up to an even number of units.
        points = resampled(line, 2 * unit, parts=2)
        first = math.ceil(at_s / TICK_S)
        feet = self._feet.get(who)
        if feet is not None:
            first = max(first, math.ceil((feet.first + len(feet.places) - 1) / 2))
        others = self._others(who, 2 * first, 2 * _PATIENCE_TICKS + 2)
        plan = _plan(points, others, appears, leaves)
        if plan is None:
            return None
        depart, steps = plan
        if feet is None:
            feet = self._feet[who] = _Feet(2 * (first + depart), [_pair(points[0])])
        while feet.first + len(feet.places) - 1 < 2 * (first + depart):
            feet.places.append(feet.places[-1])
        for a, b in pairwise(steps):
            middle = (points[(a + b) // 2] + points[(a + b + 1) // 2]) / 2
            feet.places += [_pair(middle), _pair(points[b])]
        feet.gone = leaves
        start = (first + depart) * TICK_S
        return Walk(start, start + (len(steps) - 1) * TICK_S)

    def _others(self, who: Key, first: int, count: int) -> Array:
        """[half ticks, people, 2]; far away where somebody is not there."""
        tracks = []
        for name, feet in self._feet.items():
            if name == who:
                continue
            index = np.arange(first, first + count) - feet.first
            places = np.array(feet.places)
            track = places[np.clip(index, 0, len(places) - 1)]
            track[index < 0] = 1e6
            if feet.gone:
                track[index >= len(places)] = 1e6
            tracks.append(track)
        return np.stack(tracks, axis=1) if tracks else np.zeros((count, 0, 2))


def _pair(point: Array) -> Place:
    return round(float(point[0]), 4), round(float(point[1]), 4)


def _plan(
    points: Array, others: Array, appears: bool, leaves: bool
) -> tuple[int, list[int]] | None:
    """Soonest arrival along points: ticks to wait, then an index into points for each tick.

    A breadth-first search over (place on the way, speed level), tick by tick.
    """
    last = len(points) - 1
    blocked = _blocked(points, others)
    ends = np.flatnonzero(blocked[:, last])
    settled = 0 if leaves or not len(ends) else int(ends[-1]) + 1
    reached = [np.zeros((_LEVELS, last + 1), dtype=bool)]
    reached[0][0, 0] = not (appears and blocked[0, 0])
    for tick in range(1, len(blocked)):
        before, now = reached[-1], np.zeros((_LEVELS, last + 1), dtype=bool)
        for a in range(_LEVELS):
            if not before[a].any():
                continue
            for b in range(max(a - 1, 0), min(a + 2, _LEVELS)):
                step = a + b
                if step <= last:
                    now[b, step:] |= before[a, : last + 1 - step]
        now &= ~blocked[tick]
        # Whoever has not left yet stands where all others leave room; who appears needs some.
        now[0, 0] = not (appears and blocked[tick, 0])
        reached.append(now)
        done = now[:, last].any() if leaves else now[0, last] and tick >= settled
        if done:
            return _trace(reached, last, leaves)
    return None


def _trace(reached: list[NDArray[np.bool_]], last: int, leaves: bool) -> tuple[int, list[int]]:
    """Back from the arrival to the latest departure that leads there."""
    level = int(np.flatnonzero(reached[-1][:, last])[0]) if leaves else 0
    at, steps, tick = last, [last], len(reached) - 1
    while at > 0 or level > 0:
        tick -= 1
        before = reached[tick]
        choices = [
            (level + a, a)
            for a in range(max(level - 1, 0), min(level + 2, _LEVELS))
            if at - level - a >= 0 and before[a, at - level - a]
        ]
        step, level = max(choices)
        at -= step
        steps.append(at)
    return tick, steps[::-1]


def _blocked(points: Array, others: Array) -> NDArray[np.bool_]:
    """[ticks, points] True where a point is too near to somebody around that tick."""
    ticks = (len(others) - 1) // 2
    half = np.zeros((2 * ticks + 1, len(points)), dtype=bool)
    for person in range(others.shape[1]):
        track = others[: 2 * ticks + 1, person]
        moves = np.any(np.diff(track, axis=0, append=track[-1:]) != 0, axis=1)
        if not moves.any():
            half |= _meets(points, track[:1], PASS_M)
            continue
        meets = _meets(points, track, np.where(moves, KEEP_M, PASS_M)[:, None])
        # At half ticks one may be half a step further.
        for ahead in (_LEVELS // 2, _LEVELS - 1):
            meets[1::2, :-ahead] |= meets[1::2, ahead:] & moves[1::2, None]
        half |= meets
    near: NDArray[np.bool_] = half[0:-1:2] | half[1::2]
    near[1:] |= half[1:-2:2]
    return near


def _meets(points: Array, track: Array, apart: Array | float) -> NDArray[np.bool_]:
    """[times, points] whether a point is nearer to a place of a track than `apart`."""
    dx = track[:, None, 0] - points[None, :, 0]
    dy = track[:, None, 1] - points[None, :, 1]
    return np.asarray(dx * dx + dy * dy < apart * apart)
