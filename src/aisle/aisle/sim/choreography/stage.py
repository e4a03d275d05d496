"""What a person can do in a script with bodies: go somewhere, reach, bag, hand over."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aisle.sim.choreography.agents import Agent, Item
from aisle.sim.choreography.body import Point, reach
from aisle.sim.choreography.contact import (
    door_stand,
    facing,
    in_open_door,
    in_sweep,
    palm_on,
    stands,
)
from aisle.sim.choreography.floor import Floor
from aisle.sim.choreography.floor import Place as Spot
from aisle.sim.choreography.stock import Standing, Stock, pose_of
from aisle.sim.choreography.walking import Walk, Walks
from aisle.sim.scenario import Scenario
from aisle.sim.script import Deed, DeedKind, DoorMove, Gesture, GestureKind
from aisle.store.types import Fixture, Gate, Store

Rng = np.random.Generator

SETTLE_S = 0.7
"""From standing still to a palm on the goods: turn, stretch out the arm."""
BACK_S = 0.45
"""From the end of a deed to the hand before the chest."""
NEAR_M = 0.70
"""Nobody reaches further than this."""
OPEN_RAD = 1.75
_OFFSETS = (0.0, 0.12, -0.12, 0.24, -0.24, 0.36, -0.36)
_BAG_S = 0.8
_DOOR_S = 1.0
_OUTSIDE_M = 0.9
_INSIDE_M = 0.2


class Stage:
    """The store while a script is being written. Times in seconds."""

    def __init__(self, store: Store, scenario: Scenario, rng: Rng) -> None:
        self.store, self.scenario, self.rng = store, scenario, rng
        self.stock_seed = int(rng.integers(2**31))
        self.stock = Stock(store, self.stock_seed)
        self.deeds: list[Deed] = []
        self.gestures: list[Gesture] = []
        self.doors: list[DoorMove] = []
        self._at_door: dict[str, set[tuple[str, int]]] = {}
        self._door_clear_s: dict[str, float] = {}
        gates = list(store.gates.values())
        self.walks = Walks(Floor(store), [self._in_gate(gate, 0.0) for gate in gates])
        self._entry = next((gate for gate in gates if gate.kind != "exit"), None)
        self._exit = next((gate for gate in gates if gate.kind != "entry"), None)

    def spot(self, agent: Agent) -> Spot:
        """Where a person stands after all that is planned."""
        place = self.walks.place(agent.key)
        if place is None:
            raise ValueError(f"{agent.key} is not in the store")
        return place

    def walk(self, agent: Agent, goal: Spot) -> bool:
        """Send a person somewhere; from outside, through the entry. False when nothing leads there.

        Moves the person's clock to the arrival.
        """
        before: list[Spot] = []
        if agent.outside:
            before = self._through(self._entry)
        walk = self.walks.go(agent.key, agent.clock_s, goal, agent.speed, before)
        if walk is None:
            return False
        if agent.outside:
            agent.outside = False
            agent.entered_s = self._crossing(agent, before[1], walk)
        self._left_door(agent, goal, walk)
        agent.clock_s = walk.arrive_s
        return True

    def come_in(self, agent: Agent) -> bool:
        """Bring a person from outside to just behind the entry."""
        return self.walk(agent, self._through(self._entry)[-1])

    def leave(self, agent: Agent) -> bool:
        """Send a person out through the exit; False when the way is blocked for now."""
        way = self._through(self._exit)[::-1]
        walk = self.walks.go(agent.key, agent.clock_s, way[0], agent.speed, after=way[1:])
        if walk is None:
            return False
        self._left_door(agent, None, walk)
        agent.left_s = self._crossing(agent, way[1], walk)
        agent.clock_s = walk.arrive_s
        return True

    def approach(
        self, agent: Agent, fixture: str, targets: Sequence[Point],
        beside: Sequence[float] | None = None,
    ) -> bool:  # fmt: skip
        """Bring a person before a fixture so that all targets are in reach. Opens its door.

        Args:
            agent: Who goes; he stays where he is when that is near enough.
            fixture: Before which fixture.
            targets: Points in `map`.
            beside: Where to stand instead, metres beside the targets.
        """
        place = self.store.fixtures[fixture]
        middle = np.mean(np.asarray(targets), axis=0)
        if place.kind == "fridge" and not self._open(agent, place):
            return False
        same = agent.fixture == fixture and not agent.outside and beside is None
        if same and self._reaches(self.spot(agent), targets):
            return True
        offsets = beside or [float(o) for o in self.rng.permutation(_OFFSETS)]
        tries = 0
        for spot in stands(place, middle, offsets):
            fits = self._reaches(spot, targets) and self.walks.clear(spot, [agent.key])
            fits = fits and not (place.kind == "fridge" and in_open_door(place, spot))
            if not fits:
                continue
            tries += 1
            if self.walk(agent, spot):
                agent.fixture = fixture
                return True
            if tries == 2:
                break
        return False

    def can_reach(self, fixture: str, target: Point) -> bool:
        """Whether anybody standing right before a fixture could reach a target."""
        spot = stands(self.store.fixtures[fixture], target, [0.0])[0]
        return self._reaches(spot, [target])

    def _reaches(self, spot: Spot, targets: Sequence[Point]) -> bool:
        heading = facing(spot, np.mean(np.asarray(targets), axis=0))
        return all(
            reach(spot[0], spot[1], heading, hand, target) <= NEAR_M
            for target in targets
            for hand in ("left", "right")
        )

    def palms(self, units: Sequence[Standing], hands: Sequence[str]) -> list[Point]:
        """Where palms touch units on their shelf."""
        found = []
        for unit, hand in zip(units, hands, strict=True):
            pose, product = pose_of(self.store, unit.shelf, unit.place), self.store.products
            sides = ("left", "right") if hand == "both" else (hand,)
            for side in sides:
                found.append(palm_on(pose, product[unit.product], side, hand == "both"))
        return found

    def do(
        self, agent: Agent, kind: DeedKind, units: Sequence[Standing], hands: Sequence[str],
        kg: float, foreign: bool = False, start_s: float = 0.0, duration_s: float = 0.0,
    ) -> Deed:  # fmt: skip
        """A deed at the shelf before which the person stands, at once or at `start_s`."""
        start = max(agent.clock_s + SETTLE_S, start_s, agent.not_before_s)
        duration = duration_s or float(self.rng.uniform(0.5, 0.9))
        first = units[0]
        width = self.store.products[first.product].size_m[0]
        xs = [unit.place.x_m for unit in units]
        deed = Deed(
            start, duration, agent.session, kind, first.shelf, float(np.mean(xs)),
            max(width + max(xs) - min(xs), 0.02), first.product,
            0 if kind is DeedKind.TOUCH else len(units), kg, foreign, agent.key[1],
            tuple(unit.id for unit in units), tuple(unit.place for unit in units), tuple(hands),
        )  # fmt: skip
        self.deeds.append(deed)
        agent.clock_s = deed.end_s + BACK_S
        return deed

    def bag(self, agent: Agent, hand: str) -> None:
        """Put what a hand holds into the basket or tote."""
        for item in agent.held[hand]:
            self._gesture(agent, GestureKind.BAG, _BAG_S, item, hand)
            agent.bagged.append(item)
        agent.held[hand] = []

    def unbag(self, agent: Agent, item: Item) -> None:
        """Take something out of the basket or tote into a free hand."""
        hand = agent.free_hands[0]
        self._gesture(agent, GestureKind.UNBAG, _BAG_S, item, hand)
        agent.bagged.remove(item)
        agent.held[hand].append(item)

    def hand_over(self, giver: Agent, taker: Agent, item: Item) -> Gesture:
        """Both stand before each other, the item is in the giver's hand, the taker has one free."""
        duration = float(self.rng.uniform(0.9, 1.4))
        hand, free = giver.hand_of(item), taker.free_hands[0]
        gesture = Gesture(
            max(giver.clock_s, taker.clock_s) + SETTLE_S, duration, giver.session, giver.key[1],
            GestureKind.HAND_OVER, (item.unit,), item.product, item.kg, hand,
            taker.session, taker.key[1], free,
        )  # fmt: skip
        self.gestures.append(gesture)
        giver.drop(item)
        taker.held[free].append(item)
        giver.clock_s = taker.clock_s = gesture.end_s + BACK_S
        return gesture

    def _gesture(
        self, agent: Agent, kind: GestureKind, duration: float, item: Item, hand: str
    ) -> None:
        self.gestures.append(
            Gesture(
                agent.clock_s, duration, agent.session, agent.key[1], kind, (item.unit,),
                item.product, item.kg, hand,
            )
        )  # fmt: skip
        agent.clock_s += duration

    def _open(self, agent: Agent, fixture: Fixture) -> bool:
        """Open a fridge's door unless somebody before it holds it open."""
        users = self._at_door.setdefault(fixture.id, set())
        if not users:
            spot = door_stand(fixture)
            others = self.walks.standing([agent.key])
            blocked = any(in_sweep(fixture, *other, margin=0.0) for other in others)
            if blocked or not self.walks.clear(spot, [agent.key]) or not agent.free_hands:
                return False
            if not self.walk(agent, spot):
                return False
            agent.fixture = fixture.id
            last = max((d.start_s + d.duration_s for d in self.doors if d.fixture == fixture.id),
                       default=0.0)  # fmt: skip
            start = max(agent.clock_s + SETTLE_S, last + 0.1)
            self.gestures.append(
                Gesture(
                    start, _DOOR_S, agent.session, agent.key[1], GestureKind.OPEN_DOOR,
                    hand=agent.free_hands[-1], fixture=fixture.id,
                )
            )  # fmt: skip
            self.doors.append(DoorMove(start, _DOOR_S, fixture.id, OPEN_RAD))
            agent.clock_s = start + _DOOR_S + 0.2
        users.add(agent.key)
        # Somebody else may open it later than this person comes.
        opened = max(d.start_s + d.duration_s for d in self.doors if d.fixture == fixture.id)
        agent.not_before_s = max(agent.not_before_s, opened + 0.1)
        return True

    def _left_door(self, agent: Agent, goal: Spot | None, walk: Walk) -> None:
        """Doors shut by themselves when the last person has gone from before them."""
        for name, users in self._at_door.items():
            fixture = self.store.fixtures[name]
            if agent.key not in users or (goal is not None and in_sweep(fixture, *goal)):
                continue
            users.discard(agent.key)
            clear = [
                t
                for t, x, y in self.walks.points(agent.key)
                if t >= walk.start_s and not in_sweep(fixture, x, y)
            ]
            # Who was planned first may leave last.
            gone = max(min(clear, default=walk.arrive_s), self._door_clear_s.get(name, 0.0))
            self._door_clear_s[name] = gone
            if not users:
                self.doors.append(DoorMove(gone + 0.3, 1.2, name, 0.0))

    def _through(self, gate: Gate | None) -> list[Spot]:
        """Outside, in the gate, inside; a store without gates is entered at a corner."""
        if gate is None:
            return [self.walks.floor.corner] * 3
        step = _INSIDE_M if gate is self._entry else -_INSIDE_M
        away = -_OUTSIDE_M if gate is self._entry else _OUTSIDE_M
        return [self._in_gate(gate, away), self._in_gate(gate, 0.0), self._in_gate(gate, step)]

    def _in_gate(self, gate: Gate, along: float) -> Spot:
        point = gate.pose @ [along, 0.0, 0.0, 1.0]
        return float(point[0]), float(point[1])

    def _crossing(self, agent: Agent, gate: Spot, walk: Walk) -> float:
        points = [p for p in self.walks.points(agent.key) if p[0] >= walk.start_s]
        return min(points, key=lambda p: math.hypot(p[1] - gate[0], p[2] - gate[1]))[0]
