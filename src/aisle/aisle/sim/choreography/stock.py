"""Single units on the shelves: how they stand in the beginning, and what comes and goes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aisle.sim.script import Place
from aisle.store.geometry import Matrix, pose_from_rpy
from aisle.store.layout import shelf_layout
from aisle.store.types import Product, Slot, Store

Rng = np.random.Generator
Rect = tuple[float, float, float, float]
"""x0, y0, x1, y1 in the shelf's frame."""

_FRONT_GAP_M = 0.012
_ROW_GAP_M = 0.006
_MOST_ROWS = 8
_TIGHT_M = 0.004
"""Units may stand this much into each other: packages give way."""


@dataclass(frozen=True)
class Standing:
    """One unit on a shelf."""

    id: str
    product: str
    shelf: str
    slot: str
    """Empty for a unit that stands where its product does not belong."""
    place: Place
    from_s: float = -math.inf
    """When it came to stand there."""
    below: str = ""
    """The unit that it stands on."""


def extent(store: Store, slot: Slot) -> Rect | None:
    """The part of its shelf that a slot takes; None where the store model has no place for it."""
    shelf = store.shelves[slot.shelf]
    if shelf.pose is None:
        return None
    if slot.area is not None:
        return slot.area
    if not slot.plates:
        return None
    layout = shelf_layout(store, slot.shelf)
    index = [layout.plates.index(plate) for plate in slot.plates]
    if not layout.has_pose[index].all():
        return None
    left = (layout.centre[index] - layout.width[index] / 2).min()
    right = (layout.centre[index] + layout.width[index] / 2).max()
    depth = min(store.plates[plate].size_m[1] for plate in slot.plates)
    pose = store.plates[slot.plates[0]].pose
    assert pose is not None
    middle = float((np.linalg.inv(shelf.pose) @ pose)[1, 3])
    return float(left), middle - depth / 2, float(right), middle + depth / 2


def columns_of(slot: Slot, product: Product, room: Rect) -> tuple[int, int]:
    """How many units stand side by side in a slot, and how many behind each other."""
    width, depth, _ = product.size_m
    columns = max(1, min(slot.facings, int((room[2] - room[0] + 1e-6) / width)))
    rows = int((room[3] - room[1] - _FRONT_GAP_M + 1e-6) / (depth + _ROW_GAP_M))
    return columns, max(1, min(rows, _MOST_ROWS))


def initial_stock(store: Store, seed: int) -> list[Standing]:
    """Every slot filled, in the order of the store's slots; the front rows come first.

    The same store and seed give the same units at the same places.
    """
    rng = np.random.default_rng((seed, 17))
    numbers: dict[str, int] = {}
    found = []
    for slot in store.slots.values():
        room = extent(store, slot)
        product = store.products.get(slot.product)
        if room is None or product is None:
            continue
        columns, rows = columns_of(slot, product, room)
        pitch = (room[2] - room[0]) / columns
        side = max(min((pitch - product.size_m[0]) / 2, 0.004), 0.0)
        count = columns * rows if slot.count is None else min(slot.count, columns * rows)
        for index in range(count):
            row, column = divmod(index, columns)
            x = room[0] + (column + 0.5) * pitch + float(rng.uniform(-side, side))
            y = room[1] + _FRONT_GAP_M + product.size_m[1] / 2
            y += row * (product.size_m[1] + _ROW_GAP_M) + float(rng.uniform(-0.002, 0.002))
            number = numbers[slot.product] = numbers.get(slot.product, 0) + 1
            place = Place(round(x, 4), round(y, 4), 0.0, round(float(rng.normal(0, 0.05)), 4))
            own = "" if slot.misplaced else slot.id
            found.append(Standing(f"{slot.product}#{number}", slot.product, slot.shelf, own, place))
    return found


def pose_of(store: Store, shelf: str, place: Place) -> Matrix:
    """Pose in `map` of a unit that stands at a place."""
    base = store.shelves[shelf].pose
    if base is None:
        raise ValueError(f"shelf {shelf} has no pose")
    pose: Matrix = base @ pose_from_rpy((place.x_m, place.y_m, place.z_m), (0.0, 0.0, place.yaw))
    return pose


class Stock:
    """What stands where, as far as the script is written."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.on: dict[str, list[Standing]] = {shelf: [] for shelf in store.shelves}
        for unit in initial_stock(store, seed):
            self.on[unit.shelf].append(unit)
        self._leaving: dict[str, list[tuple[Standing, float]]] = {s: [] for s in store.shelves}

    def rect(self, product: str, x: float, y: float) -> Rect:
        """The footprint of a unit."""
        width, depth, _ = self.store.products[product].size_m
        return x - width / 2, y - depth / 2, x + width / 2, y + depth / 2

    def front(self, slot: Slot, now_s: float) -> list[Standing]:
        """Units of a slot that a hand can take: nothing stands before or on them."""
        here = self._present(slot.shelf, now_s)
        return [
            unit
            for unit in self.on[slot.shelf]
            if unit.slot == slot.id and unit.from_s <= now_s and self._open(unit, here)
        ]

    def strays(self, shelf: str, now_s: float) -> list[Standing]:
        """Units on a shelf where they do not belong, within reach of a hand."""
        here = self._present(shelf, now_s)
        return [
            unit
            for unit in self.on[shelf]
            if not unit.slot and unit.from_s <= now_s and self._open(unit, here)
        ]

    def take(self, unit: Standing, until_s: float) -> None:
        """A unit will be gone from a time on."""
        self.on[unit.shelf].remove(unit)
        self._leaving[unit.shelf].append((unit, until_s))

    def put(self, unit: Standing) -> None:
        """A unit will stand there from its `from_s` on."""
        self.on[unit.shelf].append(unit)

    def home_place(self, slot: Slot, now_s: float) -> Place | None:
        """The hindmost free place of a slot that can be reached from the front, or None."""
        room, product = extent(self.store, slot), self.store.products[slot.product]
        if room is None:
            return None
        columns, rows = columns_of(slot, product, room)
        pitch = (room[2] - room[0]) / columns
        here = self._present(slot.shelf, now_s)
        best: Place | None = None
        for column in range(columns):
            x = room[0] + (column + 0.5) * pitch
            for row in range(rows):
                y = room[1] + _FRONT_GAP_M + product.size_m[1] / 2
                y += row * (product.size_m[1] + _ROW_GAP_M)
                if self._hits(self.rect(slot.product, x, y), here):
                    break
                if best is None or y > best.y_m:
                    best = Place(round(x, 4), round(y, 4), 0.0, 0.0)
        return best

    def spot(self, shelf: str, product: str, now_s: float, rng: Rng) -> tuple[Place, str] | None:
        """A place anywhere on a shelf's front half, or on top of a unit, and that unit's id."""
        size = self.store.products[product].size_m
        width, depth, height = self.store.shelves[shelf].size_m
        here = self._present(shelf, now_s)
        low_y, high_y = size[1] / 2 + 0.01, max(0.5 * depth, size[1] / 2 + 0.011)
        if size[0] < width and size[2] < height and high_y + size[1] / 2 <= depth:
            for _ in range(40):
                x = float(rng.uniform(size[0] / 2, width - size[0] / 2))
                y = float(rng.uniform(low_y, high_y))
                before = self.rect(product, x, y)
                if not self._hits((before[0], 0.0, before[2], before[3]), here):
                    return Place(round(x, 4), round(y, 4), 0.0, self._turn(rng)), ""
        bases = [u for u in self.on[shelf] if u.from_s <= now_s and self._open(u, here)]
        for index in rng.permutation(len(bases)):
            base = bases[int(index)]
            top = base.place.z_m + self.store.products[base.product].size_m[2]
            under = self.store.products[base.product].size_m
            if top + size[2] > height - 0.02 or min(under[:2]) < 0.5 * max(size[:2]):
                continue
            turned = self._turn(rng)
            return Place(base.place.x_m, base.place.y_m, round(top, 4), turned), base.id
        return None

    def _turn(self, rng: Rng) -> float:
        return round(float(rng.normal(0, 0.3)), 4)

    def _present(self, shelf: str, now_s: float) -> list[Standing]:
        """All that stands there now or will: what leaves later is still in the way."""
        leaving = [pair for pair in self._leaving[shelf] if pair[1] > now_s]
        self._leaving[shelf] = leaving
        return [*self.on[shelf], *(unit for unit, _ in leaving)]

    def _hits(self, rect: Rect, here: Sequence[Standing]) -> bool:
        for unit in here:
            if unit.below:
                continue
            x0, y0, x1, y1 = self.rect(unit.product, unit.place.x_m, unit.place.y_m)
            if (
                min(x1, rect[2]) - max(x0, rect[0]) > _TIGHT_M
                and min(y1, rect[3]) - max(y0, rect[1]) > _TIGHT_M
            ):
                return True
        return False

    def _open(self, unit: Standing, here: Sequence[Standing]) -> bool:
        x0, y0, x1, _ = self.rect(unit.product, unit.place.x_m, unit.place.y_m)
        for other in here:
            if other.below == unit.id:
                return False
            if other.id == unit.id or unit.below or other.below:
                continue
            a0, b0, a1, _ = self.rect(other.product, other.place.x_m, other.place.y_m)
            if min(x1, a1) - max(x0, a0) > 0.3 * (x1 - x0) and b0 < y0 - 1e-3:
                return False
        return True
