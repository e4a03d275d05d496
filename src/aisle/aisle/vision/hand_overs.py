"""Things handed over from one session to another, as cameras see them.

Every pair of people near each other is looked at tick by tick (`aisle.vision.meetings`); some ticks
later it is said whether one gave the other something, and what the encoder of strips sees of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.store.types import Store
from aisle.vision.meetings import SPAN, Meeting, Meetings, pairs
from aisle.vision.shelf_sight import Encoder

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Person = tuple[str, int]
"""Session, and which of its people."""

LEAST = 0.95
"""What is less sure was not handed over: people near each other are far more common here than
where the network learnt."""
_MOST_PAIRS = 8
"""Looked at in one tick, nearest first."""
_BESIDE = 2
"""Ticks before and after one that it is compared with."""
_AROUND = 2
"""Ticks before and after a hand-over at which it is looked at what it is."""
_NOTHING = np.array([1, 0, 0], np.float32)
_ONCE_NS = SECOND
"""Two people hand over one thing at a time, and not sooner after another."""


class Witness(Protocol):
    """Sees things handed over: see `aisle.receipt_model.meeting`."""

    def see(self, meetings: Sequence[Meeting]) -> Floats:
        """Look at one tick of meetings: [B, D]."""

    def say(self, seen: Sequence[Sequence[Floats | None]]) -> Floats:
        """Judge the middle of `SPAN` ticks each; None where the two were not looked at.

        Returns:
            Probabilities [B, GIVES].
        """


@dataclass(frozen=True)
class HandOver:
    """Something that one of two sessions gave the other."""

    stamp_ns: int
    sessions: tuple[str, str]
    gives: tuple[float, float]
    """How likely each of them is the one who gave."""
    columns: Floats
    """[N, FEATURES] what the encoder sees between the two, of length one."""
    shows: Floats
    """[N] how likely each column shows a product."""
    cameras: tuple[str, ...]


@dataclass
class _Pair:
    """Two people, as long as they are near each other and a little longer."""

    sights: deque[tuple[Floats, Meeting] | None] = field(
        default_factory=lambda: deque([None] * SPAN, maxlen=SPAN)
    )
    said: deque[tuple[int, Floats]] = field(default_factory=lambda: deque(maxlen=2 * _BESIDE + 1))
    """Ticks that were judged last: stamp, probabilities."""
    last_ns: int = -_ONCE_NS
    """When something was handed over last."""

    @property
    def odds(self) -> Floats:
        """[GIVES] of the tick in the middle of those judged last and of those beside it."""
        found: Floats = np.mean([odds for _, odds in list(self.said)[_BESIDE - 1 : -1]], axis=0)
        return found

    @property
    def is_highest(self) -> bool:
        """Whether something was handed over at that tick, more surely than before and after."""
        if len(self.said) <= 2 * _BESIDE:
            return False
        sure = [1 - float(one[0]) for _, one in self.said]
        once = self.said[_BESIDE][0] - self.last_ns >= _ONCE_NS
        return once and sure.index(max(sure)) == _BESIDE and 1 - self.odds[0] >= LEAST

    @property
    def surest(self) -> float:
        """How sure it is at any of the ticks judged last."""
        return max(1 - float(odds[0]) for _, odds in self.said)


class HandOverSight:
    """Looks at the people of a store who are near each other.

    Args:
        store: Its cameras.
        witness: Sees what they do.
        encoder: Sees what it is.
    """

    def __init__(self, store: Store, witness: Witness, encoder: Encoder) -> None:
        self._meetings, self._witness, self._encoder = Meetings(store), witness, encoder
        self._pairs: dict[tuple[Person, Person], _Pair] = {}

    def look(
        self, tick_ns: int, pictures: Mapping[str, Image], people: Sequence[tuple[Person, Array]]
    ) -> list[HandOver]:
        """Look at a tick; what was handed over a little before it. Ticks come in order.

        Args:
            tick_ns: The tick.
            pictures: [height, width, 3] RGB by camera.
            people: Those who are followed, and where their heads are, [2] in `map`.
        """
        near = self._near(pictures, people)
        seen = self._witness.see(list(near.values())) if near else ()
        found = dict(zip(near, zip(seen, near.values(), strict=True), strict=True))
        for key in near:
            self._pairs.setdefault(key, _Pair())
        for key, pair in list(self._pairs.items()):
            pair.sights.append(found.get(key))
            if not any(pair.sights):
                del self._pairs[key]
        self._judge(tick_ns - SPAN // 2 * TICK_NS)
        handed = []
        for key, pair in self._pairs.items():
            if pair.is_highest and self._is_surest(key, pair):
                pair.last_ns = pair.said[_BESIDE][0]
                handed.append(self._hand_over(key, pair))
        return handed

    def forget(self) -> None:
        """Forget what was seen: ticks to come are of another time."""
        self._pairs.clear()

    def _near(
        self, pictures: Mapping[str, Image], people: Sequence[tuple[Person, Array]]
    ) -> dict[tuple[Person, Person], Meeting]:
        """People of different sessions who are near each other, where any camera shows them."""
        found: dict[tuple[Person, Person], Meeting] = {}
        heads = np.array([head for _, head in people]).reshape(-1, 2)
        for i, j in pairs(heads)[:_MOST_PAIRS] if pictures else ():
            left, right = sorted((people[i], people[j]), key=lambda one: one[0])
            if left[0][0] != right[0][0]:
                meeting = self._meetings.look(left[1], right[1], pictures)
                if meeting.cameras:
                    found[left[0], right[0]] = meeting
        return found

    def _judge(self, middle_ns: int) -> None:
        """Say what happened at the tick in the middle of what was seen."""
        known = [pair for pair in self._pairs.values() if pair.sights[SPAN // 2] is not None]
        seen = [[sight[0] if sight else None for sight in pair.sights] for pair in known]
        for pair in self._pairs.values():
            pair.said.append((middle_ns, _NOTHING))
        for pair, odds in zip(known, self._witness.say(seen) if known else (), strict=True):
            pair.said[-1] = middle_ns, odds

    def _is_surest(self, key: tuple[Person, Person], pair: _Pair) -> bool:
        """Whether neither of the two more surely handed over something with somebody else.

        An arm that is stretched out is seen by every pair that its owner belongs to.
        """
        return all(
            other.surest <= pair.surest
            for people, other in self._pairs.items()
            if other is not pair and set(people) & set(key)
        )

    def _hand_over(self, key: tuple[Person, Person], pair: _Pair) -> HandOver:
        # The tick that it was said of is no longer the one in the middle.
        at = SPAN // 2 - _BESIDE
        around = list(pair.sights)[at - _AROUND : at + _AROUND + 1]
        meetings = [sight[1] for sight in around if sight is not None]
        strips = [strip for meeting in meetings for strip in meeting.strips]
        slopes = [slope for meeting in meetings for slope in meeting.slopes]
        told = self._encoder.columns(strips, slopes)
        columns = np.concatenate([feature for feature, _ in told])
        shows = np.concatenate([1 - state[:, 0] - state[:, 1] for _, state in told])
        cameras = tuple(dict.fromkeys(name for meeting in meetings for name in meeting.cameras))
        _, left, right = pair.odds.tolist()
        sessions = key[0][0], key[1][0]
        return HandOver(pair.last_ns, sessions, (left, right), columns, shows, cameras)
