"""What simulated shoppers do: a script of deeds, drawn from a scenario and a seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aisle.sim.choreography.director import direct
from aisle.sim.scenario import Scenario
from aisle.sim.script import Deed, DeedKind, Script, Visit
from aisle.store.layout import ShelfLayout, shelf_layout
from aisle.store.types import Slot, Store

Rng = np.random.Generator


@dataclass
class _Shopper:
    session: str
    clock_s: float
    leave_s: float
    fixture: str
    carried: list[tuple[str, float]] = field(default_factory=list)
    last_shelf: str = ""


def write_script(store: Store, scenario: Scenario, rng: Rng) -> Script:
    """Draw a script. The same store, scenario and generator state give the same script.

    Raises:
        ScenarioError: A cue cannot be done in this store.
    """
    if scenario.walk:
        return direct(store, scenario, rng)
    return _Author(store, scenario, rng).write()


class _Author:
    def __init__(self, store: Store, scenario: Scenario, rng: Rng) -> None:
        self.store, self.scenario, self.rng = store, scenario, rng
        self.layouts: dict[str, ShelfLayout] = {
            shelf: shelf_layout(store, shelf) for shelf, s in store.shelves.items() if s.plates
        }
        self.slots = [s for s in store.slots.values() if s.plates and s.shelf in self.layouts]
        self.by_fixture: dict[str, list[Slot]] = {}
        for slot in self.slots:
            self.by_fixture.setdefault(store.shelves[slot.shelf].fixture, []).append(slot)
        self.home: dict[str, list[Slot]] = {}
        for slot in self.slots:
            self.home.setdefault(slot.product, []).append(slot)
        self.true_kg = {
            p: scenario.catalogue.true_kg(v.weight_kg, rng) for p, v in store.products.items()
        }
        self.stray: dict[str, list[tuple[str, float, float]]] = {}
        """Misplaced units by shelf: product, unit weight, x."""
        weights = self.scenario.actions.model_dump()
        self.action_names = list(weights)
        total = sum(weights.values()) or 1.0
        self.action_share = np.array([weights[name] / total for name in self.action_names])
        self.deeds: list[Deed] = []

    def write(self) -> Script:
        scenario, rng = self.scenario, self.rng
        visits: list[Visit] = []
        carried: dict[str, tuple[str, ...]] = {}
        shoppers: list[_Shopper] = []
        lanes = np.full(scenario.together, scenario.lead_s)
        if scenario.together > 1:
            lanes = lanes + rng.uniform(0, scenario.between_s[1], scenario.together)
        for number in range(scenario.shoppers if self.slots else 0):
            lane = int(lanes.argmin())
            enter = float(lanes[lane])
            stay = float(rng.uniform(*scenario.stay_s))
            low, high = scenario.group_size
            group = int(rng.integers(low, high + 1))
            session = f"shopper-{number + 1}"
            visits.append(Visit(session, enter, enter + stay, group))
            lanes[lane] = enter + stay + float(rng.uniform(*scenario.between_s))
            shopper = _Shopper(
                session, enter + float(rng.uniform(2, 4)), enter + stay - 2.5, self._any_fixture()
            )
            shopper.carried = [self._unit(p) for p in self._initial()]
            carried[session] = tuple(product for product, _ in shopper.carried)
            shoppers.append(shopper)
        active = list(shoppers)
        while active:
            shopper = min(active, key=lambda s: s.clock_s)
            if shopper.clock_s >= shopper.leave_s:
                active.remove(shopper)
                continue
            self._act(shopper)
        self.deeds.sort(key=lambda deed: deed.start_s)
        end = max([v.exit_s for v in visits], default=scenario.lead_s) + 6.0
        return Script(tuple(visits), tuple(self.deeds), end, carried)

    def _unit(self, product: str) -> tuple[str, float]:
        spread = self.scenario.catalogue.unit_spread
        return product, self.true_kg[product] * float(1 + self.rng.normal(0, spread))

    def _initial(self) -> list[str]:
        if not self.scenario.carried_at_start or not self.store.products:
            return []
        count = int(self.rng.integers(0, self.scenario.carried_at_start + 1))
        names = list(self.store.products)
        return [names[int(self.rng.integers(len(names)))] for _ in range(count)]

    def _any_fixture(self) -> str:
        names = list(self.by_fixture)
        return names[int(self.rng.integers(len(names)))]

    def _extent(self, slot: Slot) -> tuple[float, float]:
        layout = self.layouts[slot.shelf]
        index = [layout.plates.index(plate) for plate in slot.plates]
        left = layout.centre[index] - layout.width[index] / 2
        right = layout.centre[index] + layout.width[index] / 2
        return float(left.min()), float(right.max())

    def _place(self, slot: Slot, product: str) -> tuple[float, float]:
        """X and width of a unit in its slot; it may stand over the edge by the slop."""
        left, right = self._extent(slot)
        width = min(self.store.products[product].size_m[0], 1.25 * (right - left))
        slop = abs(float(self.rng.normal(0, self.scenario.slop_m)))
        half = max((right - left - width) / 2 + slop, 0.002)
        return (left + right) / 2 + float(self.rng.uniform(-half, half)), max(width, 0.02)

    def _act(self, shopper: _Shopper) -> None:
        rng, scenario = self.rng, self.scenario
        quick = bool(shopper.last_shelf) and rng.random() < scenario.overlap
        if quick:
            shopper.clock_s += float(rng.uniform(0.2, 2.0))
        else:
            gap = scenario.action_s * (0.35 + 0.65 * float(rng.exponential()))
            shopper.clock_s += gap
            if rng.random() > scenario.same_fixture:
                shopper.fixture = self._any_fixture()
        if shopper.clock_s >= shopper.leave_s:
            return
        name = self.action_names[int(rng.choice(len(self.action_names), p=self.action_share))]
        if name in ("put_back", "put_back_elsewhere") and not shopper.carried:
            name = "take"
        shelf = shopper.last_shelf if quick else ""
        getattr(self, f"_{name}")(shopper, shelf)

    def _slot(self, shopper: _Shopper, shelf: str) -> Slot:
        slots = [s for s in self.by_fixture[shopper.fixture] if not shelf or s.shelf == shelf]
        slots = slots or self.by_fixture[shopper.fixture]
        return slots[int(self.rng.integers(len(slots)))]

    def _do(self, shopper: _Shopper, deed: Deed) -> None:
        self.deeds.append(deed)
        shopper.clock_s = deed.start_s + min(deed.duration_s, 0.6)
        shopper.last_shelf = deed.shelf

    def _duration(self) -> float:
        return float(self.rng.uniform(0.25, 0.7))

    def _take(self, shopper: _Shopper, shelf: str, quantity: int = 1) -> None:
        stray = self.stray.get(shelf or self._slot(shopper, "").shelf)
        if stray and quantity == 1 and self.rng.random() < 0.25:
            self._take_stray(shopper, shelf, stray)
            return
        slot = self._slot(shopper, shelf)
        x, width = self._place(slot, slot.product)
        units = [self._unit(slot.product) for _ in range(quantity)]
        shopper.carried += units
        weight = sum(kg for _, kg in units)
        wide = width * (1 + 0.5 * (quantity - 1))
        self._do(
            shopper,
            Deed(
                shopper.clock_s, self._duration(), shopper.session, DeedKind.TAKE, slot.shelf,
                x, wide, slot.product, quantity, weight,
            ),
        )  # fmt: skip

    def _take_stray(
        self, shopper: _Shopper, shelf: str, stray: list[tuple[str, float, float]]
    ) -> None:
        product, kg, x = stray.pop()
        where = shelf or next(name for name, units in self.stray.items() if units is stray)
        shopper.carried.append((product, kg))
        width = max(self.store.products[product].size_m[0], 0.02)
        self._do(
            shopper,
            Deed(
                shopper.clock_s, self._duration(), shopper.session, DeedKind.TAKE, where,
                x, width, product, 1, kg, foreign=True,
            ),
        )  # fmt: skip

    def _take_several(self, shopper: _Shopper, shelf: str) -> None:
        self._take(shopper, shelf, int(self.rng.integers(2, self.scenario.max_several + 1)))

    def _put_back(self, shopper: _Shopper, shelf: str) -> None:
        product, _ = shopper.carried[int(self.rng.integers(len(shopper.carried)))]
        slots = self.home.get(product)
        if not slots:
            self._put_back_elsewhere(shopper, shelf)
            return
        quantity = 1
        same = [unit for unit in shopper.carried if unit[0] == product]
        if len(same) > 1 and self.rng.random() < 0.3:
            quantity = 2
        units = same[:quantity]
        for unit in units:
            shopper.carried.remove(unit)
        slot = slots[int(self.rng.integers(len(slots)))]
        shopper.fixture = self.store.shelves[slot.shelf].fixture
        x, width = self._place(slot, product)
        self._do(
            shopper,
            Deed(
                shopper.clock_s, self._duration(), shopper.session, DeedKind.RETURN, slot.shelf,
                x, width, product, quantity, sum(unit[1] for unit in units),
            ),
        )  # fmt: skip

    def _put_back_elsewhere(self, shopper: _Shopper, shelf: str) -> None:
        product, kg = shopper.carried.pop(int(self.rng.integers(len(shopper.carried))))
        where = shelf or self._slot(shopper, "").shelf
        layout = self.layouts[where]
        here = any(slot.shelf == where for slot in self.home.get(product, ()))
        width = max(self.store.products[product].size_m[0], 0.02)
        left = float((layout.centre - layout.width / 2).min())
        right = float((layout.centre + layout.width / 2).max())
        margin = min(width / 2, (right - left) / 2)
        x = float(self.rng.uniform(left + margin, right - margin))
        if not here:
            self.stray.setdefault(where, []).append((product, kg, x))
        self._do(
            shopper,
            Deed(
                shopper.clock_s, self._duration(), shopper.session, DeedKind.RETURN, where,
                x, width, product, 1, kg, foreign=not here,
            ),
        )  # fmt: skip

    def _look_and_put_back(self, shopper: _Shopper, shelf: str) -> None:
        self._take(shopper, shelf)
        taken = self.deeds[-1]
        unit = shopper.carried.pop()
        if taken.foreign:
            self.stray.setdefault(taken.shelf, []).append((*unit, taken.x_m))
        jitter = float(self.rng.normal(0, 0.015))
        held_s = float(self.rng.uniform(0.8, 4.5))
        # Nobody puts anything back once outside: the exit comes 2.5 s after the last action.
        shopper.clock_s = min(taken.end_s + held_s, max(shopper.leave_s + 1.5, taken.end_s + 0.1))
        self._do(
            shopper,
            Deed(
                shopper.clock_s, self._duration(), shopper.session, DeedKind.RETURN, taken.shelf,
                taken.x_m + jitter, taken.width_m, taken.product, 1, unit[1],
                foreign=taken.foreign,
            ),
        )  # fmt: skip

    def _touch(self, shopper: _Shopper, shelf: str) -> None:
        slot = self._slot(shopper, shelf)
        x, width = self._place(slot, slot.product)
        duration = float(self.rng.uniform(0.2, 2.2))
        weight = self.true_kg[slot.product] if self.rng.random() < 0.3 else 0.0
        self._do(
            shopper,
            Deed(
                shopper.clock_s, duration, shopper.session, DeedKind.TOUCH, slot.shelf,
                x, max(width, 0.05), slot.product, 0, weight,
            ),
        )  # fmt: skip
