"""Random stores, made in memory: for training, for tests and for the shipped example.

`generate_store` reads and writes no files and takes a few milliseconds; `aisle.store.write`
turns its result into a store's files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.store.geometry import Matrix, pose_from_rpy, translation
from aisle.store.invented import Kind, ProductMaker
from aisle.store.rooms import WALL_GAP_M, along_walls
from aisle.store.spec import StoreSpec
from aisle.store.types import Camera, Controller, Fixture, Gate, Plate, Product, Shelf, Slot, Store

_CHILLED = ("Milk", "Yogurt", "Pudding", "Smoothie", "Oat Drink", "Juice", "Cola", "Lemonade")
"""What a fridge holds, as it is called in an assortment."""
_GATE_DISTANCE_M = 1.0
_GATE_WIDTH_M = 0.9

__all__ = ["StoreSpec", "generate_store"]


def generate_store(rng: np.random.Generator, spec: StoreSpec | None = None) -> Store:
    """A random store that fits `spec`; the same generator state gives the same store."""
    return _Builder(rng, spec or StoreSpec()).build()


@dataclass(frozen=True)
class _Plan:
    """One fixture before it is built."""

    kind: str
    plates: int
    """Plates on each shelf, of which the first `framed` have frames."""
    framed: int
    plate: tuple[float, float]
    rooms: list[float]
    """Height over each board, from the lowest up."""
    size: tuple[float, float, float]


class _Builder:
    def __init__(self, rng: np.random.Generator, spec: StoreSpec) -> None:
        self.rng = rng
        self.spec = spec
        self.maker = ProductMaker(rng)
        self.products: dict[str, Product] = {}
        self.fixtures: dict[str, Fixture] = {}
        self.shelves: dict[str, Shelf] = {}
        self.plates: dict[str, Plate] = {}
        self.slots: dict[str, Slot] = {}
        self.controllers: dict[str, Controller] = {}
        self._waiting = self._assortment()
        self._span_chances: dict[int, tuple[list[int], NDArray[np.float64]]] = {}

    def build(self) -> Store:
        spec = self.spec
        aisle = self._between(spec.aisle_m)
        kinds = ["gondola"] * spec.gondolas + ["fridge"] * spec.fridges
        plans = [self._plan(kind) for kind in kinds]
        sizes = [plan.size for plan in plans]
        room = spec.room_m
        poses = self._layout(sizes, aisle) if room is None else along_walls(sizes, kinds, room)
        for number, (plan, pose) in enumerate(zip(plans, poses, strict=True), start=1):
            self._fixture(f"{plan.kind[0]}{number}", plan, pose)
        if spec.slots is not None:
            self._thin_out(spec.slots)
        self._unplaced()
        store = Store(
            name=spec.name,
            currency=spec.currency,
            products=self.products,
            fixtures=self.fixtures,
            shelves=self.shelves,
            plates=self.plates,
            slots=self.slots,
            controllers=self.controllers,
            gates=self._gates(),
        )
        return (
            replace(store, cameras=self._cameras(store)) if spec.cameras + spec.overviews else store
        )

    def _cameras(self, store: Store) -> dict[str, Camera]:
        # It needs Open3D, which takes a second to import and is of no use without cameras.
        from aisle.store.placement import Lens, place_cameras

        spec = self.spec
        more = spec.camera_distortion, spec.camera_rate_hz
        near = Lens(*spec.camera_pixels, spec.camera_fov_rad, *more)
        wide = Lens(*spec.overview_pixels, spec.overview_fov_rad, *more)
        for count, lens in ((spec.cameras, near), (spec.overviews, wide)):
            cameras = place_cameras(store, count, lens, spec.camera_height_m)
            store = replace(store, cameras=cameras)
        return store.cameras

    def _assortment(self) -> list[Product]:
        if not self.spec.assortment:
            return []
        # How products look belongs to the simulator, which itself builds on stores.
        from aisle.sim.products.line import product_line

        return list(product_line(int(self.rng.integers(2**31)), self.spec.assortment))

    def _between(self, limits: tuple[float, float]) -> float:
        return round(float(self.rng.uniform(*limits)), 3)

    def _plan(self, kind: str) -> _Plan:
        """Draws one fixture: its plates, their frames and the room over each board."""
        spec, rng = self.spec, self.rng
        plates = int(rng.choice(spec.plates))
        framed = plates
        if rng.random() < spec.frameless:
            framed = max(1, plates - int(rng.integers(1, max(2, plates // 3))))
        width, depth = self._between(spec.plate_width_m), self._between(spec.plate_depth_m)
        rooms = [self._between(spec.head_room_m) for _ in range(int(rng.choice(spec.shelves)))]
        height = round(spec.first_board_m + sum(rooms) + 0.03 * len(rooms), 3)
        size = round(framed * width, 3), round(depth + 0.03, 3), height
        return _Plan(kind, plates, framed, (width, depth), rooms, size)

    def _layout(self, sizes: list[tuple[float, float, float]], aisle: float) -> list[Matrix]:
        """Rows of fixtures on both sides of aisles, turned as a whole by quarter turns."""
        turn = pose_from_rpy((0.0, 0.0, 0.0), (0.0, 0.0, math.pi / 2 * int(self.rng.integers(4))))
        pitch = round(aisle + 2 * max(depth for _, depth, _ in sizes) + 0.1, 3)
        ends: dict[int, float] = {}
        poses = []
        for i, (width, _, _) in enumerate(sizes):
            row = i // self.spec.fixtures_per_row
            x, y = ends.get(row, 0.0), pitch * (row // 2)
            ends[row] = round(x + width + 0.02, 3)
            if row % 2 == 0:
                pose = translation(x, round(y + aisle / 2, 4), 0.0)
            else:
                pose = pose_from_rpy((x + width, round(y - aisle / 2, 4), 0.0), (0, 0, math.pi))
            poses.append(turn @ pose)
        self._turn = turn
        return poses

    def _gates(self) -> dict[str, Gate]:
        """An entry and an exit, side by side before the first aisle or in a room's front wall."""
        side = _GATE_WIDTH_M / 2 + 0.1
        if self.spec.room_m is not None:
            middle = self.spec.room_m[0] / 2
            entry = pose_from_rpy((middle - side, WALL_GAP_M, 0.0), (0, 0, math.pi / 2))
            way_out = pose_from_rpy((middle + side, WALL_GAP_M, 0.0), (0, 0, -math.pi / 2))
            return {
                "entry": Gate("entry", "entry", entry),
                "exit": Gate("exit", "exit", way_out),
            }
        entry = self._turn @ translation(-_GATE_DISTANCE_M, side, 0.0)
        way_out = self._turn @ pose_from_rpy((-_GATE_DISTANCE_M, -side, 0.0), (0, 0, math.pi))
        return {
            "entry": Gate("entry", "entry", entry),
            "exit": Gate("exit", "exit", way_out),
        }

    def _fixture(self, name: str, plan: _Plan, pose: Matrix) -> None:
        board = self.spec.first_board_m
        shelves = []
        channels: list[str] = []
        for number, room in enumerate(plan.rooms, start=1):
            shelf = f"{name}/s{number}"
            shelves.append(shelf)
            shelf_pose = pose @ translation(0.0, 0.0, round(board, 3))
            bare = self.rng.random() < self.spec.bare_shelves and board >= self.spec.bare_from_m
            plates = () if bare else self._plates(shelf, name, plan, shelf_pose, len(channels))
            channels.extend(plates)
            size = (plan.size[0], plan.plate[1], room)
            self.shelves[shelf] = Shelf(shelf, name, size, shelf_pose, plates)
            self._fill(self.shelves[shelf], plates[: plan.framed], plan)
            board += room + 0.03
        self.fixtures[name] = Fixture(name, plan.kind, plan.size, pose, tuple(shelves))
        if channels:
            spec = self.spec
            self.controllers[name] = Controller(
                name, tuple(channels), spec.rate_hz, spec.samples_per_message
            )

    def _plates(
        self, shelf: str, controller: str, plan: _Plan, pose: Matrix, first: int
    ) -> tuple[str, ...]:
        width, depth = plan.plate
        ids = []
        for i in range(plan.plates):
            centre = None
            if i < plan.framed:
                centre = pose @ translation((i + 0.5) * width, depth / 2, 0.0)
            plate = Plate(f"{shelf}/p{i + 1}", shelf, controller, first + i, (width, depth), centre)
            self.plates[plate.id] = plate
            ids.append(plate.id)
        return tuple(ids)

    def _fill(self, shelf: Shelf, plates: tuple[str, ...], plan: _Plan) -> None:
        """Puts products on one shelf from left to right."""
        spec, rng = self.spec, self.rng
        width = plan.plate[0]
        places = plan.framed
        theme = math.log(spec.median_weight_kg * 1000.0) + 0.75 * spec.weight_spread * rng.normal()
        last: tuple[Kind, float] | None = None
        at = 0
        while at < places:
            span = self._span(places - at)
            if rng.random() < spec.empty_plates:
                at += span
                continue
            shared = 1
            if span == 1 and rng.random() < spec.shared_plates:
                shared = int(rng.integers(2, 4))
            for part in range(shared):
                room = (span * width / shared, shelf.size_m[1], shelf.size_m[2])
                product, last = self._product(theme, last, room, cold=plan.kind == "fridge")
                area = None
                if not plates:
                    left = at * width + part * room[0]
                    area = (round(left, 4), 0.0, round(left + room[0], 4), room[1])
                self._slot(shelf, product, plates[at : at + span], area, room[0])
            at += span

    def _span(self, free: int) -> int:
        """Plates for the next product, so that what is left over can be filled as well."""
        if free not in self._span_chances:
            fits = [(span, chance) for span, chance in self.spec.span if span <= free]
            spans = [span for span, _ in fits] or [free]
            weights = [chance * self._fillable(free - span) for span, chance in fits] or [1.0]
            self._span_chances[free] = spans, np.cumsum(weights) / sum(weights)
        spans, chances = self._span_chances[free]
        return spans[int(np.searchsorted(chances[:-1], self.rng.random(), side="right"))]

    def _fillable(self, left: int) -> float:
        if left == 0:
            return 1.0
        return max(1e-3, sum(chance for span, chance in self.spec.span if span <= left))

    def _product(
        self,
        theme: float,
        last: tuple[Kind, float] | None,
        room: tuple[float, float, float],
        *,
        cold: bool,
    ) -> tuple[Product, tuple[Kind, float] | None]:
        """A product for a place, and what its right neighbour may be made like."""
        if self.slots and self.rng.random() < self.spec.doubled:
            ids = list(self.products)
            again = self.products[ids[int(self.rng.integers(len(ids)))]]
            if all(size <= limit for size, limit in zip(again.size_m, room, strict=True)):
                return again, last
        return self._new_product(theme, last, room, cold=cold)

    def _new_product(
        self,
        theme: float,
        last: tuple[Kind, float] | None,
        room: tuple[float, float, float],
        *,
        cold: bool = False,
    ) -> tuple[Product, tuple[Kind, float] | None]:
        for product in self._waiting:
            fits = all(size <= limit for size, limit in zip(product.size_m, room, strict=True))
            if fits and cold == any(word in product.name for word in _CHILLED):
                self._waiting.remove(product)
                self.products[product.id] = product
                return product, last
        spec, rng = self.spec, self.rng
        low, high = (limit * 1000.0 for limit in spec.weight_kg)
        if last is not None and rng.random() < spec.similar_neighbours:
            kind, grams = last[0], last[1] + rng.uniform(-4.9, 4.9)
        else:
            grams = math.exp(theme + 0.66 * spec.weight_spread * rng.normal())
            kind = self.maker.kind_for(min(max(grams, low), high))
        grams = min(max(grams, low), high)
        product = self.maker.make(kind, grams, room)
        self.products[product.id] = product
        return product, (kind, grams)

    def _slot(
        self,
        shelf: Shelf,
        product: Product,
        plates: tuple[str, ...],
        area: tuple[float, float, float, float] | None,
        width: float,
    ) -> None:
        slot = f"{shelf.id}/{product.id}"
        if slot in self.slots:
            return
        most = max(1, int(width / product.size_m[0]))
        facings = most if self.spec.assortment else int(self.rng.integers(1, min(most, 12) + 1))
        self.slots[slot] = Slot(slot, product.id, shelf.id, plates, area, facings)

    def _thin_out(self, keep: int) -> None:
        ids = list(self.slots)
        for i in self.rng.permutation(len(ids))[keep:]:
            del self.slots[ids[int(i)]]
        placed = {slot.product for slot in self.slots.values()}
        self.products = {id_: p for id_, p in self.products.items() if id_ in placed}

    def _unplaced(self) -> None:
        for _ in range(self.spec.unplaced_products):
            self._new_product(math.log(self.spec.median_weight_kg * 1000.0), None, (0.3,) * 3)
