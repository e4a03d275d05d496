"""What shoppers do in a script with bodies. Each act says whether it could be done."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aisle.sim.choreography.agents import Agent, Item
from aisle.sim.choreography.floor import Place as Spot
from aisle.sim.choreography.stage import Stage
from aisle.sim.choreography.stock import Standing, extent, pose_of
from aisle.sim.scenario import Scenario
from aisle.sim.script import Deed, DeedKind, Place
from aisle.store.types import Slot, Store

Rng = np.random.Generator

_APART_M = 0.72
"""Between two who hand something over."""
_BESIDE_M = (0.28, 0.34, 0.22)
"""How far two at one slot stand beside its middle."""
_STRAY_CHANCE = 0.25
_NO_BAG_ITEMS = 2


class Acts:
    """The acts of one script, drawn with its generator."""

    def __init__(self, store: Store, scenario: Scenario, rng: Rng) -> None:
        self.store, self.scenario, self.rng = store, scenario, rng
        self.stage = Stage(store, scenario, rng)
        self.slots = [slot for slot in store.slots.values() if extent(store, slot) is not None]
        self.by_fixture: dict[str, list[Slot]] = {}
        for slot in self.slots:
            self.by_fixture.setdefault(store.shelves[slot.shelf].fixture, []).append(slot)
        self._true_kg = {
            p: scenario.catalogue.true_kg(v.weight_kg, rng) for p, v in store.products.items()
        }
        self._unit_kg: dict[str, float] = {}

    def kg(self, unit: Standing) -> float:
        """The true weight of one unit; the same each time."""
        if unit.id not in self._unit_kg:
            spread = float(self.rng.normal(0, self.scenario.catalogue.unit_spread))
            self._unit_kg[unit.id] = self._true_kg[unit.product] * (1 + spread)
        return self._unit_kg[unit.id]

    def fixture_of(self, slot: Slot) -> str:
        """The fixture in which a slot is."""
        return self.store.shelves[slot.shelf].fixture

    def any_slot(self, agent: Agent) -> Slot:
        """A slot of the person's fixture or, by the scenario's chance, of any other."""
        here = self.by_fixture.get(agent.fixture)
        if here is None or self.rng.random() > self.scenario.same_fixture:
            names = list(self.by_fixture)
            here = self.by_fixture[names[int(self.rng.integers(len(names)))]]
        return here[int(self.rng.integers(len(here)))]

    def stroll(self, agent: Agent) -> bool:
        """Go before any slot and do nothing there."""
        slot = self.any_slot(agent)
        units = [unit for unit in self.stage.stock.on[slot.shelf] if unit.slot == slot.id][:1]
        return bool(units) and self._to(agent, units, ["right"])

    def take(self, agent: Agent, slot: Slot, quantity: int = 1, keep: bool | None = None) -> bool:
        """Take units of one slot, then look at them, and bag them unless they are kept."""
        if not self._free(agent, 1 if quantity == 1 else 2):
            return False
        strays = self.stage.stock.strays(slot.shelf, agent.clock_s)
        if strays and quantity == 1 and keep is None and self.rng.random() < _STRAY_CHANCE:
            units = [strays[int(self.rng.integers(len(strays)))]]
        else:
            units = self._front(agent, slot, quantity)
        return bool(units) and self._take_units(agent, units, self._hands(agent, units), keep)

    def two_hands(self, agent: Agent, slot: Slot, keep: bool | None = None) -> bool:
        """Take two units, one with each hand; or a single one with both."""
        if not self._free(agent, 2):
            return False
        units = self._front(agent, slot, 2) or self._front(agent, slot, 1)
        hands = ("right", "left") if len(units) == 2 else ("both",)
        return bool(units) and self._take_units(agent, units, hands, keep)

    def look_and_put_back(self, agent: Agent, slot: Slot) -> bool:
        """Take one, look at it, and put it back where it stood."""
        if not self._free(agent, 1):
            return False
        units = self._front(agent, slot, 1)
        if not units or not self._take_units(agent, units, (agent.free_hands[0],), True):
            return False
        hand = "right" if agent.held["right"] else "left"
        item = agent.held[hand][-1]
        agent.clock_s += float(self.rng.uniform(0.4, 2.5))
        old = units[0].place
        shift = float(np.clip(self.rng.normal(0, 0.006), -0.01, 0.01))
        place = Place(old.x_m + shift, old.y_m, old.z_m, old.yaw)
        self._put(agent, item, slot.shelf, slot.id, place, "")
        return True

    def touch(self, agent: Agent, slot: Slot) -> bool:
        """Touch a unit, or lift it a little."""
        if not self._free(agent, 1):
            return False
        units = self._front(agent, slot, 1)
        if not units or not self._to(agent, units, agent.free_hands[:1]):
            return False
        kg = self.kg(units[0]) if self.rng.random() < 0.3 else 0.0
        duration = float(self.rng.uniform(0.4, 2.2))
        hands = agent.free_hands[:1]
        self.stage.do(agent, DeedKind.TOUCH, units, hands, kg, duration_s=duration)
        return True

    def put_back(self, agent: Agent, item: Item) -> bool:
        """Put something back where it belongs."""
        slots = [slot for slot in self.slots if slot.product == item.product]
        for index in self.rng.permutation(len(slots)):
            slot = slots[int(index)]
            place = self.stage.stock.home_place(slot, agent.clock_s)
            if place is not None and self._carry_to(agent, item, slot.shelf, slot.id, place, ""):
                return True
        return False

    def put_back_elsewhere(self, agent: Agent, item: Item, shelf: str) -> bool:
        """Put something on any shelf."""
        found = self.stage.stock.spot(shelf, item.product, agent.clock_s, self.rng)
        if found is None:
            return False
        return self._carry_to(agent, item, shelf, "", *found)

    def hand_over(self, giver: Agent, taker: Agent, item: Item) -> bool:
        """Walk up to somebody and give him something."""
        if taker.outside or not self._free(taker, 1) or not self._in_hand(giver, item):
            return False
        before, spot = self.stage.spot(giver), self.stage.spot(taker)
        beside = [
            (spot[0] + _APART_M * math.cos(angle), spot[1] + _APART_M * math.sin(angle))
            for angle in np.arange(12) * math.pi / 6
        ]
        floor, walks = self.stage.walks.floor, self.stage.walks
        beside.sort(key=lambda place: math.dist(place, before))
        for place in beside:
            middle = ((place[0] + spot[0]) / 2, (place[1] + spot[1]) / 2)
            if not floor.is_free(middle) or not walks.clear(place, [giver.key]):
                continue
            if not self.stage.walk(giver, place):
                return False
            self.stage.hand_over(giver, taker, item)
            if taker.bag and self.rng.random() < 0.6:
                self.stage.bag(taker, taker.hand_of(item))
            return True
        return False

    def swap_places(self, one: Agent, other: Agent) -> bool:
        """Two who stand near each other change places."""
        if one.outside or other.outside:
            return False
        first, second = self.stage.spot(one), self.stage.spot(other)
        aside = self._aside(other, first, second)
        if aside is None or not self.stage.walk(other, aside):
            return False
        if not self.stage.walk(one, second):
            return False
        return self.stage.walk(other, first)

    def together(self, pairs: Sequence[tuple[Agent, Slot]], everybody: bool = False) -> int:
        """Several people take at the same time; returns how many of them did.

        Args:
            pairs: Who takes from which slot.
            everybody: All do or none does.
        """
        ready: list[tuple[Agent, list[Standing]]] = []
        chosen: list[Standing] = []
        side = 1.0 if self.rng.random() < 0.5 else -1.0
        for number, (agent, slot) in enumerate(pairs):
            if not self._free(agent, 1):
                continue
            units = self._front(agent, slot, 1, chosen)
            # The first two leave room for each other.
            beside = tuple(side * x for x in _BESIDE_M) if number < 2 else None
            if units and self._to(agent, units, agent.free_hands[:1], beside):
                ready.append((agent, units))
                chosen += units
            side = -side
        if everybody and len(ready) < len(pairs):
            return 0
        start = max((agent.clock_s for agent, _ in ready), default=0.0) + 0.7
        for agent, units in ready:
            later = float(self.rng.uniform(0, 0.8))
            self._taken(agent, units, agent.free_hands[:1], None, start + later)
        return len(ready)

    def near(self, fixture: str, spot: Spot) -> list[Slot]:
        """Slots of a fixture less than half a metre along from where somebody stands."""
        found = []
        for slot in self.by_fixture.get(fixture, []):
            room = extent(self.store, slot)
            if room is None:
                continue
            middle = Place((room[0] + room[2]) / 2, 0.0, 0.0, 0.0)
            pose = pose_of(self.store, slot.shelf, middle)
            if math.hypot(pose[0, 3] - spot[0], pose[1, 3] - spot[1]) < 0.7:
                found.append(slot)
        return found

    def _aside(self, agent: Agent, first: Spot, second: Spot) -> Spot | None:
        """A place to step to while the other one comes to the second place."""
        walks = self.stage.walks
        spots = [
            (second[0] + far * math.cos(angle), second[1] + far * math.sin(angle))
            for far in (0.6, 0.8, 1.0)
            for angle in np.arange(12) * math.pi / 6
        ]
        for spot in spots:
            on_the_way = _beside(spot, first, second) < 0.5
            if not on_the_way and walks.clear(spot, [agent.key]):
                return spot
        return None

    def _free(self, agent: Agent, count: int) -> bool:
        """Free hands by bagging what they hold; False when that is not possible."""
        if agent.outside:
            return True
        if not agent.bag:
            return len(agent.free_hands) >= count and len(agent.items) < _NO_BAG_ITEMS
        for hand in ("left", "right"):
            if len(agent.free_hands) < count and agent.held[hand]:
                self.stage.bag(agent, hand)
        return True

    def _in_hand(self, agent: Agent, item: Item) -> bool:
        if agent.hand_of(item):
            return True
        if not agent.free_hands:
            self.stage.bag(agent, "right")
        self.stage.unbag(agent, item)
        return True

    def _front(
        self, agent: Agent, slot: Slot, count: int, without: Sequence[Standing] = ()
    ) -> list[Standing]:
        """Units to take: one at random and those nearest to it; empty when there are too few."""
        fixture = self.fixture_of(slot)
        units = [
            unit
            for unit in self.stage.stock.front(slot, agent.clock_s)
            if unit not in without
            and self.stage.can_reach(fixture, self.stage.palms([unit], ["right"])[0])
        ]
        if len(units) < count:
            return []
        first = units[int(self.rng.integers(len(units)))]
        units.sort(key=lambda unit: abs(unit.place.x_m - first.place.x_m))
        return units[:count]

    def _hands(self, agent: Agent, units: Sequence[Standing]) -> tuple[str, ...]:
        free = agent.free_hands or ["right", "left"]
        return tuple(free[i % len(free)] for i in range(len(units)))

    def _to(
        self, agent: Agent, units: Sequence[Standing], hands: Sequence[str],
        beside: Sequence[float] | None = None,
    ) -> bool:  # fmt: skip
        targets = self.stage.palms(units, hands)
        fixture = self.store.shelves[units[0].shelf].fixture
        return self.stage.approach(agent, fixture, targets, beside)

    def _take_units(
        self, agent: Agent, units: Sequence[Standing], hands: Sequence[str], keep: bool | None
    ) -> bool:
        if not self._to(agent, units, hands):
            return False
        self._taken(agent, units, hands, keep, 0.0)
        return True

    def _taken(
        self, agent: Agent, units: Sequence[Standing], hands: Sequence[str],
        keep: bool | None, start_s: float,
    ) -> Deed:  # fmt: skip
        kg = sum(self.kg(unit) for unit in units)
        foreign = not units[0].slot
        deed = self.stage.do(agent, DeedKind.TAKE, units, hands, kg, foreign, start_s)
        for unit, hand in zip(units, hands, strict=True):
            self.stage.stock.take(unit, deed.end_s)
            item = Item(unit.id, unit.product, self.kg(unit))
            agent.held["right" if hand == "both" else hand].append(item)
        agent.clock_s += float(self.rng.uniform(0.3, 1.5))
        if keep is None:
            keep = not agent.bag or self.rng.random() < 0.2
        if not keep and agent.bag:
            for hand in ("right", "left"):
                self.stage.bag(agent, hand)
        return deed

    def _carry_to(
        self, agent: Agent, item: Item, shelf: str, slot: str, place: Place, below: str
    ) -> bool:
        in_bag = not agent.hand_of(item)
        hand = agent.hand_of(item) or (agent.free_hands or ["right"])[0]
        unit = Standing(item.unit, item.product, shelf, slot, place)
        palm = self.stage.palms([unit], [hand])[0]
        if not self.stage.can_reach(self.store.shelves[shelf].fixture, palm):
            return False
        if in_bag:
            self._in_hand(agent, item)
        if not self._to(agent, [unit], [agent.hand_of(item)]):
            return False
        self._put(agent, item, shelf, slot, place, below)
        return True

    def _put(
        self, agent: Agent, item: Item, shelf: str, slot: str, place: Place, below: str
    ) -> None:
        here = any(s.shelf == shelf and s.product == item.product for s in self.slots)
        home = slot or next(
            (s.id for s in self.slots if s.shelf == shelf and s.product == item.product), ""
        )
        unit = Standing(item.unit, item.product, shelf, home, place, below=below)
        hand = agent.hand_of(item)
        deed = self.stage.do(agent, DeedKind.RETURN, [unit], [hand], item.kg, not here)
        agent.drop(item)
        self.stage.stock.put(
            Standing(item.unit, item.product, shelf, home, place, deed.end_s, below)
        )


def _beside(point: Spot, a: Spot, b: Spot) -> float:
    """Distance of a point from the stretch between two others."""
    ax, ay, bx, by = a[0], a[1], b[0], b[1]
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / max(length, 1e-9)
    t = min(max(t, 0.0), 1.0)
    return math.hypot(point[0] - ax - t * (bx - ax), point[1] - ay - t * (by - ay))
