"""Where each session's people are, tick by tick: the follower's state and what it said.

A session has as many tracks as its group has people, each born at the gate. Whoever asks where a
session was, seen from a shelf, is told of the one who was nearest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import TICK_NS
from aisle.fusion.windows import TRACK, VIEWS
from aisle.store.types import Shelf
from aisle.vision.floor_map import CELL_M, PLANES_M, FloorMap
from aisle.vision.reaching import whose

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

MOST_PEOPLE = 8
"""Of a group; more are followed as so many."""
_REACH = slice(6, 9)
"""Where a window has the hand that reaches in."""
_LEAST = 0.05
"""Who reaches in less surely does not."""
_HIGHER_M = 0.15
"""How far outside the opening a hand may be to be told of rather than a less sure one in it."""
_BESIDE_M = 0.3
"""Beside the shelf by this much still counts as before it."""


class Follower(Protocol):
    """Moves tracks on by one tick: see `aisle.receipt_model.follower`."""

    memory: int
    look: int
    appearance: int

    def step(self, inputs: dict[str, NDArray[np.generic]]) -> dict[str, Floats]:
        """Outputs by name for inputs by name, with a batch axis of 1."""


@dataclass(frozen=True)
class Seen:
    """One person at one tick, in `map`."""

    head: tuple[float, float]
    hands: tuple[tuple[float, float, float], tuple[float, float, float]]
    sure: float


@dataclass(frozen=True)
class Reach:
    """A hand that reaches into a fixture at one tick, and whose it may be."""

    fixture: str
    place: tuple[float, float, float]
    """In `map`."""
    session: str
    sure: float


@dataclass(frozen=True)
class _Said:
    """What was said at a tick."""

    tick_ns: int
    people: Mapping[str, list[Seen]]
    """By session."""
    reaches: list[Reach]


class Tracks:
    """Follows the sessions of a store.

    Args:
        floor: Of the store.
        follower: The network.
    """

    def __init__(self, floor: FloorMap, follower: Follower) -> None:
        self._floor, self._follower = floor, follower
        self._people: list[tuple[str, int, int]] = []
        """Session, who of the group, how many: in the order of the state's rows."""
        rows, columns = floor.shape
        self._ground = np.zeros((1, 3 * len(PLANES_M), rows, columns), np.float32)
        self._known = np.zeros((1, len(PLANES_M), rows, columns), np.float32)
        self._rows: dict[str, Floats] = {
            "memory": np.zeros((1, 0, follower.memory), np.float32),
            "look": np.zeros((1, 0, follower.look), np.float32),
            "appearance": np.zeros((1, 0, follower.appearance), np.float32),
            "place": np.zeros((1, 0, 2), np.float32),
            "pace": np.zeros((1, 0, 2), np.float32),
        }
        self._said: deque[_Said] = deque(maxlen=VIEWS)

    def begin(self, session: str, gate: tuple[float, float], people: int) -> None:
        """Somebody has come in at a gate, x and y in `map`."""
        count = min(max(people, 1), MOST_PEOPLE)
        place = (self._floor.cells(np.array([gate]))[0] + 0.5) * CELL_M
        for number in range(count):
            self._people.append((session, number, count))
        for name, rows in self._rows.items():
            new = np.zeros((1, count, rows.shape[2]), np.float32)
            if name == "place":
                new[:] = place
            self._rows[name] = np.concatenate([rows, new], 1)

    def keep(self, sessions: Mapping[str, object]) -> None:
        """Forget everybody who is in none of these sessions."""
        kept = [i for i, (session, _, _) in enumerate(self._people) if session in sessions]
        if len(kept) < len(self._people):
            self._people = [self._people[i] for i in kept]
            self._rows = {name: rows[:, kept] for name, rows in self._rows.items()}

    def forget(self) -> None:
        """Forget what was said: ticks to come are of another time. People stay where they are."""
        self._said.clear()

    def look(
        self, tick_ns: int, picture: Image, seen: Image,
        reaching: Mapping[str, Floats] | None = None,
    ) -> None:  # fmt: skip
        """Take the floor map of a tick; nobody is looked for in an empty store.

        Args:
            tick_ns: The tick.
            picture: [planes, H, W, 3] as `FloorMap.picture` gives it.
            seen: [planes, H, W] how many cameras see each cell.
            reaching: Hands that reach into fixtures, [n, HAND] by fixture.
        """
        if not self._people:
            return
        seat = [[number / 4, count / 4] for _, number, count in self._people]
        found = self._follower.step(
            {
                "picture": picture[None],
                "seen": seen[None],
                "open": np.ones((1, len(self._people)), np.float32),
                "seat": np.array([seat], np.float32),
                "ground": self._ground,
                "known": self._known,
                **self._rows,
            }
        )
        self._ground, self._known = found["next_ground"], found["next_known"]
        self._rows = {name: found[f"next_{name}"] for name in self._rows}
        heads = self._in_map(found["head"][0])
        hands = self._in_map(found["hands"][0, :, :, :2].reshape(-1, 2)).reshape(-1, 2, 2)
        at: dict[str, list[Seen]] = {}
        for i, (session, _, _) in enumerate(self._people):
            left, right = (
                (float(x), float(y), float(found["hands"][0, i, j, 2]))
                for j, (x, y) in enumerate(hands[i])
            )
            head = float(heads[i, 0]), float(heads[i, 1])
            at.setdefault(session, []).append(Seen(head, (left, right), float(found["sure"][0, i])))
        self._said.append(_Said(tick_ns, at, self._reaches(heads, reaching or {})))

    def _reaches(self, heads: NDArray[np.float64], reaching: Mapping[str, Floats]) -> list[Reach]:
        """Whose each hand may be, by where everybody's head is, [people, 2] in `map`."""
        found = []
        for fixture, some in reaching.items():
            for (sure, *place), shares in zip(
                some[:, :4].tolist(), whose(some, heads).tolist(), strict=True
            ):
                of: Counter[str] = Counter()
                for (session, _, _), share in zip(self._people, shares, strict=True):
                    of[session] += share
                found += [
                    Reach(fixture, (place[0], place[1], place[2]), session, sure * share)
                    for session, share in of.items()
                    if sure * share > _LEAST
                ]
        return found

    def window(self, sessions: Sequence[str], shelf: Shelf, tick_ns: int) -> Floats:
        """[sessions, VIEWS, TRACK] as `aisle.fusion.windows.TRACK` says, as seen from a shelf."""
        found = np.zeros((len(sessions), VIEWS, TRACK), np.float32)
        if shelf.pose is None:
            return found
        rows = {session: row for row, session in enumerate(sessions)}
        at: list[tuple[int, int]] = []
        people: list[Seen] = []
        inverse = np.asarray(np.linalg.inv(shelf.pose), dtype=np.float64)
        for said in self._said:
            place = VIEWS - 1 - (tick_ns - said.tick_ns) // TICK_NS
            if 0 <= place < VIEWS:
                for session, group in said.people.items():
                    if session in rows:
                        at += [(rows[session], place)] * len(group)
                        people += group
                for reach in said.reaches:
                    if reach.fixture == shelf.fixture and reach.session in rows:
                        numbers = _reach_from_shelf(reach, inverse, shelf)
                        cell = found[rows[reach.session], place, _REACH]
                        if _worth(numbers) > _worth(cell):
                            cell[:] = numbers
        if people:
            seen_from = _from_shelf(people, inverse, shelf.size_m[0])
            # Of a group, whoever is nearest is written last.
            for i in np.argsort(-seen_from[1], kind="stable").tolist():
                found[at[i]][: _REACH.start] = seen_from[0][i]
        return found

    def _in_map(self, places: Floats) -> NDArray[np.float64]:
        """From the floor map's own frame."""
        return self._floor.metres(places.astype(np.float64) / CELL_M - 0.5)


def _from_shelf(
    people: Sequence[Seen], inverse: NDArray[np.float64], width: float
) -> tuple[Floats, NDArray[np.float64]]:
    """Heads and nearest hands of people [N, 6], and how far they are from the shelf [N]."""
    points = np.array([[person.head, *(hand[:2] for hand in person.hands)] for person in people])
    local = points @ inverse[:2, :2].T + inverse[:2, 3]
    local = np.stack([local[..., 0] - width / 2, -local[..., 1]], -1)
    beside = np.maximum(np.abs(local[..., 0]) - width / 2 - _BESIDE_M, 0.0)
    away = np.hypot(beside, local[..., 1])
    every = np.arange(len(people))
    hand = local[every, 1 + away[:, 1:].argmin(1)]
    sure = np.array([person.sure for person in people])
    numbers = np.column_stack([local[:, 0], sure, hand, sure])
    return numbers.astype(np.float32), away[:, 0]


def _reach_from_shelf(reach: Reach, inverse: NDArray[np.float64], shelf: Shelf) -> Floats:
    """[3] along the shelf from its middle, above or below its opening, and how sure."""
    width, _, height = shelf.size_m
    x, _, z = (inverse[:3, :3] @ reach.place + inverse[:3, 3]).tolist()
    outside = max(-z, z - height, 0.0)
    return np.array([x - width / 2, outside, reach.sure], np.float32)


def _worth(numbers: Floats) -> float:
    """Which of a session's reaches is told: a sure one at the shelf itself."""
    return float(numbers[2] * np.exp(-((numbers[1] / _HIGHER_M) ** 2)))
