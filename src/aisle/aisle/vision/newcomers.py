"""Who comes in at the gates: where each session's people are when they begin to be followed.

A passage counts late, and the people of a group come in one after the other, with others between
them. So whoever comes through a gate is kept in sight here, until either the passage counts that is
his own, or none has in so long that he must be one of a group who is still to come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND
from aisle.store.geometry import Matrix

Array = NDArray[np.float64]

_APART_M = 0.5
"""Two heads are not nearer to each other."""
_GATE_M, _INSIDE_M = 0.7, 0.15
"""Somebody comes in who is first seen so near to a gate; and is in, so far through it."""
_STEP_M, _UNSEEN_S = 0.6, 0.5
"""As far as that people move from tick to tick; and for so long they may not be seen."""
_LATE_S = 0.75
"""A passage is at most so far in time from when somebody was in."""
_OWN_S, _NAMELESS_S = 1.0, 5.0
"""So long after somebody was in, no passage of his own will count any more; and for so long he is
kept in sight, whoever he is."""
_WALKED_M, _SEEN = 0.4, 3
"""One of a group has walked so far and was seen so often: things are sometimes taken for heads."""
_SURE = 0.5
"""And so likely it was on average that somebody is there: of such things it is mostly less."""
_BESIDE_M = 1.0
"""So near to one of a group somebody is beside him."""
_AWAITED_S = 30.0
"""For so long the others of a group are waited for."""
_WALKS, _OFF_M = 1.2, 0.7
"""People walk in so fast, metres a second; and are so far from where that takes them at most."""


@dataclass(frozen=True)
class Seat:
    """Who of which session."""

    session: str
    number: int
    """0 is the first."""
    of: int
    gate: str
    entered_ns: int
    """Passage of the first."""


@dataclass(frozen=True, eq=False)
class _Newcomer:
    """Somebody who comes in and is not followed yet."""

    gate: str
    place: Array
    """[2] in `map`"""
    pace: Array
    """[2] metres a second"""
    seen_ns: int
    first: Array
    """[2] where he was seen first."""
    sure: float
    """How likely it was each time that somebody is there, added up."""
    seen: int = 1
    """How often."""
    in_ns: int | None = None
    """When he was first seen inside."""
    session: str = ""
    """Whose he can only be, as he was seen first beside one of its people; empty for the rest."""


class Newcomers:
    """Finds the people of sessions that begin.

    Args:
        gates: Poses of those that people come in by; their x axis is the way through.
        blind: Those of them that no camera sees: a whole group is followed from there at once.
    """

    def __init__(self, gates: Mapping[str, Matrix], blind: Collection[str] = ()) -> None:
        self._gates, self._blind = gates, blind
        self._here: list[_Newcomer] = []
        self._awaited: list[Seat] = []
        """In the order in which they are to come."""

    def begin(self, entered_ns: int, session: str, gate: str, people: int) -> None:
        """So many people of a session come in; the first of them did at `entered_ns`."""
        self._awaited += [Seat(session, n, people, gate, entered_ns) for n in range(people)]

    def keep(self, sessions: Mapping[str, object]) -> None:
        """Wait for nobody who is in none of these sessions."""
        self._awaited = [seat for seat in self._awaited if seat.session in sessions]

    def forget(self) -> None:
        """Ticks to come are of another time."""
        self._here.clear()
        self._awaited.clear()

    def see(
        self, tick_ns: int, heads: Array, sure: NDArray[np.floating], followed: Array,
        sessions: Sequence[str],
    ) -> list[tuple[Seat, Array, Array]]:  # fmt: skip
        """Take the heads of a tick.

        Args:
            tick_ns: The tick.
            heads: [N, 2] in `map` of places where somebody may be; some are of the same person.
            sure: [N] how likely it is.
            followed: [M, 2] of those who are followed.
            sessions: [M] of these.

        Returns:
            Whom to follow from now on, where he is, [2] in `map`, and how fast he goes, [2]
            metres a second.
        """
        free, likely = _surest(heads, sure, followed)
        left, sure_left = self._move(tick_ns, free, likely)
        self._beside(tick_ns, left, sure_left, followed, sessions)
        found = []
        for seat in [seat for seat in self._awaited if seat.number == 0]:
            waited_s = (tick_ns - seat.entered_ns) / SECOND
            self._awaited.remove(seat)
            who = self._own(seat, waited_s)
            if who is None:
                found.append(self._unseen(seat, waited_s, free))
            else:
                found.append(self._take(seat, who))
        for who in list(self._here):
            others = self._others(who, tick_ns)
            if others is not None:
                self._awaited.remove(others)
                found.append(self._take(others, who))
        for seat in list(self._awaited):
            waited_s = (tick_ns - seat.entered_ns) / SECOND
            if seat.gate in self._blind:
                found.append(self._unseen(seat, waited_s, free))
            if seat.gate in self._blind or waited_s >= _AWAITED_S:
                self._awaited.remove(seat)
        return found

    def _take(self, seat: Seat, who: _Newcomer) -> tuple[Seat, Array, Array]:
        """Somebody who came in is the one of a seat."""
        self._here.remove(who)
        fast = float(np.hypot(*who.pace))
        return seat, who.place, who.pace * min(1.0, _WALKS / max(fast, 1e-6))

    def _unseen(self, seat: Seat, waited_s: float, free: Array) -> tuple[Seat, Array, Array]:
        """Nobody was seen to come in who could be the one of a seat."""
        ahead = self._gates[seat.gate][:2, 0]
        return seat, self._expected(seat, waited_s, free), _WALKS * ahead

    def _move(self, tick_ns: int, free: Array, likely: Array) -> tuple[list[Array], list[float]]:
        """Keep everybody in sight, and whoever comes to a gate; who is left, and how sure."""
        left, sure = list(free), likely.tolist()
        here = []
        for one in self._here:
            gone_s = (tick_ns - one.seen_ns) / SECOND
            ahead = one.place + gone_s * one.pace
            away = [float(np.hypot(*(place - ahead))) for place in left]
            nearest = int(np.argmin(away)) if away else -1
            if away and away[nearest] < _STEP_M:
                place = left.pop(nearest)
                one = replace(
                    one, place=place, pace=(place - one.place) / max(gone_s, 0.1),
                    seen_ns=tick_ns, seen=one.seen + 1, sure=one.sure + sure.pop(nearest),
                )  # fmt: skip
            elif gone_s > _UNSEEN_S:
                continue
            if one.in_ns is None and self._through(one.gate, one.place)[0] > _INSIDE_M:
                one = replace(one, in_ns=tick_ns)
            if one.in_ns is None or tick_ns - one.in_ns < _NAMELESS_S * SECOND:
                here.append(one)
        self._here = here
        rest: list[int] = []
        for i, (place, likelihood) in enumerate(zip(left, sure, strict=True)):
            for gate in self._gates:
                x, y = self._through(gate, place)
                if np.hypot(x, y) < _GATE_M:
                    one = _Newcomer(gate, place, np.zeros(2), tick_ns, place, likelihood)
                    if x > _INSIDE_M:
                        one = replace(one, in_ns=tick_ns)
                    self._here.append(one)
                    break
            else:
                rest.append(i)
        return [left[i] for i in rest], [sure[i] for i in rest]

    def _beside(
        self, tick_ns: int, left: list[Array], sure: list[float], followed: Array,
        sessions: Sequence[str],
    ) -> None:  # fmt: skip
        """Keep in sight who is beside one of a group that others are awaited of.

        Where a gate is seen badly, a track may go over from the first to the one behind him.
        """
        groups = {seat.session: seat.gate for seat in self._awaited if seat.number > 0}
        near = [i for i, session in enumerate(sessions) if session in groups]
        for place, likelihood in zip(left, sure, strict=True) if near else ():
            away = np.linalg.norm(followed[near] - place, axis=-1)
            if away.min() < _BESIDE_M:
                session = sessions[near[int(away.argmin())]]
                self._here.append(
                    _Newcomer(
                        groups[session], place, np.zeros(2), tick_ns, place, likelihood,
                        in_ns=tick_ns, session=session,
                    )
                )  # fmt: skip

    def _own(self, seat: Seat, waited_s: float) -> _Newcomer | None:
        """Who was in when the passage was, and is now where he should have got to."""
        off = {}
        for i, one in enumerate(self._here):
            if one.gate == seat.gate and one.in_ns is not None and not one.session:
                late = abs(one.in_ns - seat.entered_ns) / SECOND / _LATE_S
                x, y = self._through(seat.gate, one.place)
                far = abs(float(np.hypot(x, y)) - _WALKS * waited_s) / _OFF_M
                if late <= 1 and far <= 1 and x > _INSIDE_M:
                    off[i] = late + far
        return self._here[min(off, key=lambda i: off[i])] if off else None

    def _others(self, one: _Newcomer, tick_ns: int) -> Seat | None:
        """Whose group somebody is of who has come in without a passage of his own.

        A group comes in together: it is the one whose first came in last before him.
        """
        if one.in_ns is None or one.seen < _SEEN or one.sure < _SURE * one.seen:
            return None
        walked = float(np.hypot(*(one.place - one.first)))
        if tick_ns - one.in_ns < _OWN_S * SECOND or walked < _WALKED_M:
            return None
        latest = one.in_ns + _LATE_S * SECOND
        fit = [s for s in self._awaited if s.gate == one.gate and s.entered_ns <= latest]
        if one.session:
            fit = [seat for seat in fit if seat.session == one.session]
        newest = max((seat.entered_ns for seat in fit), default=0)
        return next((seat for seat in fit if seat.entered_ns == newest), None)

    def _expected(self, seat: Seat, waited_s: float, free: Array) -> Array:
        """Where the first of a session should have got to, if he was not seen to come in."""
        far = _WALKS * waited_s
        off = [
            abs(float(np.hypot(x, y)) - far) if x > 0 else np.inf
            for x, y in (self._through(seat.gate, place) for place in free)
        ]
        if off and min(off) < _OFF_M:
            return np.asarray(free[int(np.argmin(off))])
        return np.asarray((self._gates[seat.gate] @ (far, 0.0, 0.0, 1.0))[:2])

    def _through(self, gate: str, place: Array) -> tuple[float, float]:
        """How far through a gate a place is, and how far to the side of it."""
        pose = self._gates[gate]
        x, y = ((place - pose[:2, 3]) @ pose[:2, :2]).tolist()
        return x, y


def _surest(
    heads: Array, sure: NDArray[np.floating], followed: Array
) -> tuple[Array, NDArray[np.float64]]:
    """[n, 2] the surest place of each who is not followed, and [n] how sure it is."""
    free = (np.linalg.norm(heads[:, None] - followed[None], axis=-1) >= _APART_M).all(1)
    order = np.argsort(-sure[free], kind="stable")
    heads, sure = heads[free][order], sure[free][order].astype(np.float64)
    found, likely = [], []
    while len(heads):
        found.append(heads[0])
        likely.append(sure[0])
        apart = np.linalg.norm(heads - heads[0], axis=-1) >= _APART_M
        heads, sure = heads[apart], sure[apart]
    return np.array(found).reshape(-1, 2), np.array(likely)
