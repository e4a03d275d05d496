"""Where each session's people are, tick by tick: the follower's state and what it said.

A session has as many tracks as its group has people, each born where `aisle.vision.newcomers` finds
him. Whoever asks where a session was, seen from a shelf, is told of the one who was nearest.
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
from aisle.store.geometry import Matrix
from aisle.store.types import Shelf
from aisle.vision.floor_map import CELL_M, PLANES_M, FloorMap
from aisle.vision.newcomers import Newcomers, Seat
from aisle.vision.reaching import whose

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

MOST_PEOPLE = 8
"""Of a group; more are followed as so many."""
_INSIDE_M = 0.7
"""A gate is seen if heads are, so far through it."""
_LIKELY = 0.3
"""Somebody may be where a head is as likely as that."""
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
        gates: Those that people come in by; their x axis is the way through.
    """

    def __init__(self, floor: FloorMap, follower: Follower, gates: Mapping[str, Matrix]) -> None:
        self._floor, self._follower = floor, follower
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
        self._seats: list[Seat] = []
        """In the order of the state's rows."""
        inside = {
            name: (pose @ (_INSIDE_M, 0.0, 0.0, 1.0))[None, :2] for name, pose in gates.items()
        }
        blind = [name for name, place in inside.items() if not floor.sees(place).any()]
        self._newcomers = Newcomers(gates, blind)
        self._said: deque[_Said] = deque(maxlen=VIEWS)
        self.people: list[tuple[tuple[str, int], NDArray[np.float64]]] = []
        """Those who are followed, by session and number, and where their heads were, [2]."""

    def begin(self, entered_ns: int, session: str, gate: str, people: int) -> None:
        """The first of a session came in at one of the gates at `entered_ns`."""
        self._newcomers.begin(entered_ns, session, gate, min(max(people, 1), MOST_PEOPLE))

    def keep(self, sessions: Mapping[str, object]) -> None:
        """Forget everybody who is in none of these sessions."""
        self._newcomers.keep(sessions)
        kept = [i for i, seat in enumerate(self._seats) if seat.session in sessions]
        if len(kept) < len(self._seats):
            self._seats = [self._seats[i] for i in kept]
            self._rows = {name: rows[:, kept] for name, rows in self._rows.items()}

    def forget(self) -> None:
        """Forget what was said: ticks to come are of another time. People stay where they are."""
        self._said.clear()
        self._newcomers.forget()

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
        found = self._step(picture, seen)
        heads = self._in_map(found["head"][0, : len(self._seats)])
        self.people = [
            ((seat.session, seat.number), head)
            for seat, head in zip(self._seats, heads, strict=True)
        ]
        hands = self._in_map(found["hands"][0, :, :, :2].reshape(-1, 2)).reshape(-1, 2, 2)
        at: dict[str, list[Seen]] = {}
        for i, seat in enumerate(self._seats):
            left, right = (
                (float(x), float(y), float(found["hands"][0, i, j, 2]))
                for j, (x, y) in enumerate(hands[i])
            )
            head = float(heads[i, 0]), float(heads[i, 1])
            one = Seen(head, (left, right), float(found["sure"][0, i]))
            at.setdefault(seat.session, []).append(one)
        self._said.append(_Said(tick_ns, at, self._reaches(heads, reaching or {})))
        likely = found["person"][0] > _LIKELY
        places, sure = self._in_map(found["points"][0][likely]), found["person"][0][likely]
        of = [seat.session for seat in self._seats]
        for seat, place, pace in self._newcomers.see(tick_ns, places, sure, heads, of):
            self._follow(seat, place, pace)

    def _step(self, picture: Image, seen: Image) -> dict[str, Floats]:
        """Move everybody on."""
        # It takes no empty batch: whoever looks for the first has a track that is not open.
        seats = [(seat.number, seat.of) for seat in self._seats] or [(0, 0)]
        rows = self._rows
        if not self._seats:
            rows = {name: np.zeros((1, 1, old.shape[2]), np.float32) for name, old in rows.items()}
        found = self._follower.step(
            {
                "picture": picture[None],
                "seen": seen[None],
                "open": np.full((1, len(seats)), bool(self._seats), np.float32),
                "seat": np.array([seats], np.float32) / np.float32(4),
                "ground": self._ground,
                "known": self._known,
                **rows,
            }
        )
        self._ground, self._known = found["next_ground"], found["next_known"]
        self._rows = {name: found[f"next_{name}"][:, : len(self._seats)] for name in rows}
        return found

    def _follow(self, seat: Seat, place: NDArray[np.float64], pace: NDArray[np.float64]) -> None:
        """Follow one more, who is at a place [2] in `map` and goes so fast [2], metres a second."""
        self._seats.append(seat)
        for name, rows in self._rows.items():
            new = np.zeros((1, 1, rows.shape[2]), np.float32)
            if name == "place":
                new[0, 0] = (self._floor.cells(place[None])[0] + 0.5) * CELL_M
            if name == "pace":
                # Rows of the floor map go down where y goes up.
                new[0, 0] = pace * (1.0, -1.0)
            self._rows[name] = np.concatenate([rows, new], 1)

    def _reaches(self, heads: NDArray[np.float64], reaching: Mapping[str, Floats]) -> list[Reach]:
        """Whose each hand may be, by where everybody's head is, [people, 2] in `map`."""
        found = []
        for fixture, some in reaching.items():
            for (sure, *place), shares in zip(
                some[:, :4].tolist(), whose(some, heads).tolist(), strict=True
            ):
                of: Counter[str] = Counter()
                for seat, share in zip(self._seats, shares, strict=True):
                    of[seat.session] += share
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
