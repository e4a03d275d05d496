"""From a script to continuous motion: what there is to see, and the truth of it, at any moment.

>>> performance = Performance(store, script, seed=1)   # doctest: +SKIP
>>> performance.scene(stamp_ns)                        # doctest: +SKIP
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from aisle.sim.choreography.body import Point, Stance, head, rest_hand
from aisle.sim.choreography.contact import grip
from aisle.sim.choreography.player import (
    INTO_BAG,
    JOINS_SHELF,
    LEAVES_SHELF,
    LIFTED,
    OUT_OF_BAG,
    Action,
    Player,
    door_angle,
    hands_of,
)
from aisle.sim.choreography.stock import initial_stock, pose_of
from aisle.sim.choreography.things import Stay, Thing, upright
from aisle.sim.choreography.walking import Key
from aisle.sim.scene import Matrix, Person, Scene, Unit
from aisle.sim.script import Deed, DeedKind, DoorMove, Gesture, GestureKind, Script
from aisle.store.types import Store

SECOND = 1_000_000_000
_REMEMBERED = 32
_BOTH_S = 0.3
"""How long after a take two hands hold one unit."""


@dataclass(frozen=True)
class PersonTruth:
    """The truth of one person at one moment; points in `map`."""

    session: str
    number: int
    head: Point
    left_hand: Point
    right_hand: Point
    action: str
    """Kind of deed or gesture, or `walk` or `stand`."""
    held: tuple[tuple[str, str], ...]
    """Unit and hand."""
    bagged: tuple[str, ...]
    """Units in the basket or tote."""


@dataclass(frozen=True)
class Truth:
    """What really is at one moment."""

    stamp_ns: int
    people: tuple[PersonTruth, ...]


class Performance:
    """A script as it is performed. Any moment costs the same, in any order."""

    def __init__(
        self, store: Store, script: Script, seed: int, start_ns: int = 1_700_000_000 * SECOND
    ) -> None:
        """Prepare all moves.

        Args:
            store: The store for which the script was written.
            script: A script with tracks.
            seed: Of what people look like.
            start_ns: Stamp of the script's second 0.

        Raises:
            ValueError: The script was written without `walk`.
        """
        if script.visits and not script.tracks:
            raise ValueError("the script has no tracks: its scenario needs walk: true")
        self.store, self.script, self.seed, self.start_ns = store, script, seed, start_ns
        self._bags = {v.session: v.bags for v in script.visits}
        self._doors: dict[str, list[DoorMove]] = {
            f.id: [] for f in store.fixtures.values() if f.kind == "fridge"
        }
        for move in script.doors:
            self._doors[move.fixture].append(move)
        tracks = {(track.session, track.number): track for track in script.tracks}
        actions: dict[Key, list[Action]] = {key: [] for key in tracks}
        everything: list[Action] = [*script.deeds, *script.gestures]
        for action in everything:
            actions[action.session, action.number].append(action)
            if isinstance(action, Gesture) and action.kind is GestureKind.HAND_OVER:
                actions[action.counterpart, action.counterpart_number].append(action)
        self._players = {
            key: Player(store, track, actions[key], tracks, self._doors)
            for key, track in tracks.items()
        }
        self._place_things()

    def scene(self, stamp_ns: int) -> Scene:
        """What there is to see. Units that stand are the same objects from call to call."""
        t = self._seconds(stamp_ns)
        people = []
        for player in self._players.values():
            if not player.motion.here(t):
                continue
            stance, stride, pace = player.motion.at(t)
            session, number = player.key
            people.append(
                Person(
                    session, number, crc32(f"{self.seed}/{session}/{number}".encode()),
                    (stance[0], stance[1]), stance[2], stride, pace,
                    player.palm(t, "left", stance), player.palm(t, "right", stance),
                    stance[3], self._bags[session][number],
                )
            )  # fmt: skip
        standing, moving = self._now(t)
        units = []
        for thing in moving:
            who = thing.stay(t).who
            pose = thing.pose(t, self._held)
            if who is not None and pose is not None and self._players[who].motion.here(t):
                units.append(Unit(thing.id, thing.product, pose, who[0]))
        doors = {name: door_angle(moves, t) for name, moves in self._doors.items()}
        return Scene(stamp_ns, tuple(people), (*self._static, *standing, *units), doors)

    def truth(self, stamp_ns: int) -> Truth:
        """Heads, hands, and who has what."""
        t = self._seconds(stamp_ns)
        held: dict[Key, list[tuple[str, str]]] = {key: [] for key in self._players}
        bagged: dict[Key, list[str]] = {key: [] for key in self._players}
        for thing in self._things.values():
            stay = thing.stay(t)
            if stay.who is not None:
                for hand in stay.hands:
                    held[stay.who].append((thing.id, hand))
                if stay.bagged:
                    bagged[stay.who].append(thing.id)
        people = []
        for key, player in self._players.items():
            if player.motion.here(t):
                stance, _, pace = player.motion.at(t)
                left, right = (self.palm(player, t, hand, stance) for hand in ("left", "right"))
                people.append(
                    PersonTruth(
                        *key, head(stance), left, right, player.doing(t, pace),
                        tuple(held[key]), tuple(bagged[key]),
                    )
                )  # fmt: skip
        return Truth(stamp_ns, tuple(people))

    def hand_path(self, action: Action, rate_hz: float = 20.0) -> NDArray[np.float64]:
        """The way of the hand that does something, half a second before and after it included.

        Returns:
            [samples, 4]: seconds from the start, x, y, z of the palm in `map`.
        """
        player = self._players[action.session, action.number]
        hand = hands_of(action.hands[0])[0] if isinstance(action, Deed) else action.hand
        count = math.ceil((action.duration_s + 1.0) * rate_hz) + 1
        rows = []
        for t in np.linspace(action.start_s - 0.5, action.end_s + 0.5, count).tolist():
            stance, _, _ = player.motion.at(t)
            rows.append([t, *self.palm(player, t, hand, stance)])
        return np.array(rows)

    def palm(self, player: Player, t: float, hand: str, stance: Stance) -> Point:
        """A palm in `map`, also while it hangs."""
        palm = player.palm(t, hand, stance)
        return rest_hand(stance, hand) if palm is None else palm

    def _seconds(self, stamp_ns: int) -> float:
        return (stamp_ns - self.start_ns) / SECOND

    def _place_things(self) -> None:
        moved: set[str] = set()
        for deed in self.script.deeds:
            if deed.kind is not DeedKind.TOUCH or deed.weight_kg > 0:
                moved.update(deed.units)
        self._things: dict[str, Thing] = {}
        static = []
        for unit in initial_stock(self.store, self.script.stock_seed):
            pose = pose_of(self.store, unit.shelf, unit.place)
            if unit.id in moved:
                self._things[unit.id] = Thing(unit.id, unit.product, pose)
            else:
                static.append(Unit(unit.id, unit.product, pose))
        self._static = tuple(static)
        actions: list[Action] = [*self.script.deeds, *self.script.gestures]
        for action in sorted(actions, key=lambda a: a.start_s):
            if isinstance(action, Deed):
                self._move(action)
            else:
                self._pass_on(action)
        self._changes = sorted({s.from_s for thing in self._things.values() for s in thing.stays})
        self._standing: dict[tuple[str, int], Unit] = {}
        self._cache: OrderedDict[int, tuple[tuple[Unit, ...], tuple[Thing, ...]]] = OrderedDict()

    def _move(self, deed: Deed) -> None:
        """What a deed does to its units."""
        who: Key = (deed.session, deed.number)
        ranks = {"left": 0, "right": 0}
        for unit, place, hand in zip(deed.units, deed.places, deed.hands, strict=True):
            thing = self._things.get(unit)
            if thing is None:
                continue
            hands = hands_of(hand)
            on_shelf = pose_of(self.store, deed.shelf, place)
            share = {DeedKind.TAKE: (LEAVES_SHELF, None), DeedKind.RETURN: (None, JOINS_SHELF),
                     DeedKind.TOUCH: LIFTED}[deed.kind]  # fmt: skip
            if share[0] is not None:
                begin = deed.start_s + share[0] * deed.duration_s
                thing.add(Stay(begin, who=who, hands=hands, rank=ranks[hands[0]]))
                ranks[hands[0]] += 1
            if share[1] is not None:
                thing.add(Stay(deed.start_s + share[1] * deed.duration_s, on_shelf))
            elif len(hands) == 2:
                thing.add(Stay(deed.end_s + _BOTH_S, who=who, hands=hands[:1]))

    def _pass_on(self, gesture: Gesture) -> None:
        """What a gesture does to its units."""
        who: Key = (gesture.session, gesture.number)
        start, d = gesture.start_s, gesture.duration_s
        for unit in gesture.units:
            thing = self._things[unit]
            if gesture.kind is GestureKind.BAG:
                thing.add(Stay(start + INTO_BAG * d, who=who))
            elif gesture.kind is GestureKind.UNBAG:
                thing.add(Stay(start + OUT_OF_BAG * d, who=who, hands=(gesture.hand,)))
            elif gesture.kind is GestureKind.HAND_OVER:
                taker = (gesture.counterpart, gesture.counterpart_number)
                hands = (gesture.counterpart_hand,)
                thing.add(Stay(start + 0.5 * d, who=taker, hands=hands))

    def _now(self, t: float) -> tuple[tuple[Unit, ...], tuple[Thing, ...]]:
        """Of the units that ever move: those that stand, and those in hands."""
        index = bisect_right(self._changes, t)
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        standing, moving = [], []
        for thing in self._things.values():
            name = (thing.id, thing.index(t))
            stay = thing.stays[name[1]]
            if stay.pose is not None:
                if name not in self._standing:
                    self._standing[name] = Unit(thing.id, thing.product, stay.pose)
                standing.append(self._standing[name])
            elif not stay.bagged:
                moving.append(thing)
        self._cache[index] = tuple(standing), tuple(moving)
        if len(self._cache) > _REMEMBERED:
            self._cache.popitem(last=False)
        return self._cache[index]

    def _held(self, product: str, stay: Stay, t: float) -> Matrix:
        """Pose of a unit in hands: upright, its front to the person."""
        assert stay.who is not None
        what = self.store.products[product]
        player = self._players[stay.who]
        stance, _, _ = player.motion.at(t)
        yaw = stance[2] - math.pi / 2
        both = len(stay.hands) == 2
        pose = upright(0.0, 0.0, 0.0, yaw)
        corners = []
        for hand in stay.hands:
            hold = grip(what, hand, both)
            if stay.rank:
                side = 1.0 if hand == "right" else -1.0
                hold[0] -= side * stay.rank * (what.size_m[0] + 0.004)
            corners.append(self.palm(player, t, hand, stance) - pose[:3, :3] @ hold)
        pose[:3, 3] = np.mean(corners, axis=0)
        return pose
