"""Recordings in the form of the AutoCheckout contest (CPS-IoT Week 2020): store and weights.

A folder holds `gondolas.json`, `shelves.json`, `plates.json` (translation and rotation vector of
each in its parent's frame), `planogram.csv` (name, gondola, shelf, plate), `products.csv` (name,
weight_g, price in dollars) and `weights.csv.gz` (timestamp, reading in grams, gondola, shelf,
plate). Each gondola is one controller at 60 Hz, twelve samples a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.bags.autocheckout_files import (
    MAX_INDEX,
    Coordinates,
    Geometry,
    PlaceId,
    read_geometry,
    read_places,
    read_products,
)
from aisle.bags.autocheckout_rows import FILE as WEIGHTS
from aisle.bags.autocheckout_rows import Rows, read_rows, read_samples
from aisle.bags.batches import Batcher
from aisle.records import WeightBatch
from aisle.store.geometry import Matrix, translation
from aisle.store.planogram import slot_id
from aisle.store.problems import Problem, Report, StoreError
from aisle.store.textfile import shorten
from aisle.store.types import Controller, Fixture, Plate, Product, Shelf, Slot, Store

RATE_HZ = 60.0
SAMPLES_PER_MESSAGE = 12
_UNKNOWN_PLATE_M = (0.1016, 0.4064)
_UNKNOWN_ROOM_M = 0.3
_OFTEN = 0.01


def read_store(directory: Path) -> tuple[Store, list[Problem]]:
    """The store of a recording, and what was left out or guessed.

    Plates are those with readings or with a product; one of them without a pose has pose None.
    Plates with a pose only are left out. Sizes of products are guessed from their weights, and
    there are no gates.

    Raises:
        StoreError: When files are missing or broken.
    """
    report = Report()
    geometry = read_geometry(directory, report)
    products = read_products(directory, report)
    places = read_places(directory, report)
    if geometry is None or report.failed:
        raise StoreError(report.problems)
    builder = _Builder(geometry, _wired(directory, geometry, places), report)
    builder.build()
    store = Store(
        name=directory.resolve().name,
        currency="USD",
        products={product.id: product for product in products.values()},
        fixtures=builder.fixtures,
        shelves=builder.shelves,
        plates=builder.plates,
        slots=builder.slots(products, places),
        controllers=builder.controllers,
    )
    return store, report.problems


def read_weights(directory: Path, counts: Counter[str] | None = None) -> Iterator[WeightBatch]:
    """The weights of a recording as batches of the store's controllers, by their end in time.

    Args:
        directory: The whole recording: `read_store` says which plates there are.
        counts: Gets, as far as the iterator has come, `rows` (all), `malformed`, `out of order`
            (older than what has been given out), `unknown plate` (rows that were left out),
            `repeated` (a plate twice in one sample: the last reading counts) and `truncated` (1
            when the file ends in the middle).

    Raises:
        StoreError: As `read_store`.
        FileNotFoundError: When there is no weight file.
    """
    counts = Counter() if counts is None else counts
    store, _ = read_store(directory)
    batchers = [
        Batcher(one.id, one.plates, RATE_HZ, SAMPLES_PER_MESSAGE)
        for one in store.controllers.values()
    ]
    number = {id_: i for i, id_ in enumerate(store.controllers)}
    owner_of = np.full((MAX_INDEX + 1,) * 3, -1)
    channel_of = np.zeros_like(owner_of)
    for plate in store.plates.values():
        place = tuple(int(part[1:]) for part in plate.id.split("/"))
        owner_of[place] = number[plate.controller]
        channel_of[place] = plate.channel
    for rows in read_samples(directory, counts):
        known = owner_of[tuple(rows.places.T)] >= 0
        counts["unknown plate"] += int((~known).sum())
        chosen = rows.select(known)
        at = tuple(chosen.places.T)
        yield from _batches(chosen, owner_of[at], channel_of[at], batchers, counts)
    for batcher in batchers:
        yield from batcher.finish()


def _batches(
    rows: Rows,
    owners: NDArray[np.int64],
    channels: NDArray[np.int64],
    batchers: list[Batcher],
    counts: Counter[str],
) -> Iterator[WeightBatch]:
    """Feeds whole samples to their controllers in order of time."""
    order = np.lexsort((channels, owners, rows.seconds))
    seconds, owners = rows.seconds[order], owners[order]
    channels, grams = channels[order], rows.grams[order]
    new_sample = (np.diff(seconds) != 0) | (np.diff(owners) != 0)
    counts["repeated"] += int((~new_sample & (np.diff(channels) == 0)).sum())
    edges = [0, *(np.flatnonzero(new_sample) + 1).tolist(), len(seconds)]
    for start, end in pairwise(edges):
        if start == end:
            continue
        batcher = batchers[owners[start]]
        if seconds[start] <= batcher.last_s:
            counts["out of order"] += end - start
            continue
        yield from batcher.push(float(seconds[start]), channels[start:end], grams[start:end])


def _wired(
    directory: Path, geometry: Geometry, places: dict[tuple[str, int, int], list[PlaceId]]
) -> list[PlaceId]:
    """Plates that speak or hold a product, in order.

    A plate that nothing else knows of counts only when it speaks often: a broken row must not
    make a plate.
    """
    times = np.zeros((MAX_INDEX + 1,) * 3, dtype=np.int64)
    if (directory / WEIGHTS).is_file():
        for rows in read_rows(directory, Counter()):
            codes = np.ravel_multi_index(tuple(rows.places.T), times.shape)
            times += np.bincount(codes, minlength=times.size).reshape(times.shape)
        found = np.argwhere(times).tolist()
        spoken = {(gondola, shelf, plate) for gondola, shelf, plate in found}
    else:
        spoken = set(geometry.plates)
    often = _OFTEN * int(times.max())
    held = {place for plates in places.values() for place in plates}
    return sorted(
        place
        for place in spoken | held
        if place[0] in geometry.gondolas
        and (place in held or place in geometry.plates or times[place] >= often)
    )


def shelf_name(gondola: int, shelf: int) -> str:
    """Id of a shelf, for example `g1/s2`."""
    return f"g{gondola}/s{shelf}"


def plate_name(place: PlaceId) -> str:
    """Id of a plate, for example `g1/s2/p3`."""
    return f"{shelf_name(*place[:2])}/p{place[2]}"


class _Builder:
    """Puts the records of a store together."""

    def __init__(self, geometry: Geometry, wired: list[PlaceId], report: Report) -> None:
        self._geometry = geometry
        self._wired = wired
        self._report = report
        self.fixtures: dict[str, Fixture] = {}
        self.shelves: dict[str, Shelf] = {}
        self.plates: dict[str, Plate] = {}
        self.controllers: dict[str, Controller] = {}

    def build(self) -> None:
        boards = sorted(self._geometry.shelves.keys() | {place[:2] for place in self._wired})
        for number, gondola in sorted(self._geometry.gondolas.items()):
            shelves = [shelf for owner, shelf in boards if owner == number]
            self._fixture(number, gondola, shelves)
            channels = [place for place in self._wired if place[0] == number]
            for shelf in shelves:
                self._shelf(number, shelf, gondola, channels)
            if channels:
                names = tuple(plate_name(place) for place in channels)
                id_ = f"g{number}"
                self.controllers[id_] = Controller(id_, names, RATE_HZ, SAMPLES_PER_MESSAGE)

    def _fixture(self, number: int, gondola: Coordinates, shelves: list[int]) -> None:
        # The gondola's own frame is at its back; boards reach forward from there.
        fronts = [
            float(self._geometry.shelves[number, shelf].pose[1, 3])
            for shelf in shelves
            if (number, shelf) in self._geometry.shelves
        ]
        front = min(0.0, *fronts) if fronts else 0.0
        size = (gondola.dim_x, gondola.dim_y - front, gondola.dim_z)
        pose = gondola.pose @ translation(0.0, front, 0.0)
        names = tuple(shelf_name(number, shelf) for shelf in shelves)
        self.fixtures[f"g{number}"] = Fixture(f"g{number}", "gondola", size, pose, names)

    def _shelf(
        self, number: int, shelf: int, gondola: Coordinates, channels: list[PlaceId]
    ) -> None:
        id_ = shelf_name(number, shelf)
        board = self._geometry.shelves.get((number, shelf))
        pose = None if board is None else gondola.pose @ board.pose
        places = [place for place in channels if place[1] == shelf]
        lefts = {
            place: self._geometry.plates[place].pose[0, 3] if self._posed(place) else np.inf
            for place in places
        }
        places.sort(key=lambda place: lefts[place])
        size = board.size if board else (gondola.dim_x, _UNKNOWN_PLATE_M[1], _UNKNOWN_ROOM_M)
        names = tuple(plate_name(place) for place in places)
        self.shelves[id_] = Shelf(id_, f"g{number}", size, pose, names)
        for place in places:
            self._plate(place, pose, channels.index(place))
        self._tell(number, shelf, places)

    def _posed(self, place: PlaceId) -> bool:
        return place in self._geometry.plates and place[:2] in self._geometry.shelves

    def _plate(self, place: PlaceId, shelf: Matrix | None, channel: int) -> None:
        id_ = plate_name(place)
        found = self._geometry.plates.get(place)
        size = _UNKNOWN_PLATE_M if found is None else found.size[:2]
        pose = None
        if found is not None and shelf is not None:
            # The file's origin is the front left corner of the plate.
            pose = shelf @ found.pose @ translation(size[0] / 2, size[1] / 2, 0.0)
        controller = f"g{place[0]}"
        self.plates[id_] = Plate(id_, id_.rpartition("/")[0], controller, channel, size, pose)

    def _tell(self, number: int, shelf: int, places: list[PlaceId]) -> None:
        id_ = shelf_name(number, shelf)
        frameless = [plate_name(place) for place in places if not self._posed(place)]
        if frameless:
            message = f"no pose for {', '.join(frameless)}: their place is unknown"
            self._report.warn("plates.json", 0, "plate-without-frame", message)
        mute = sum(
            place[:2] == (number, shelf) and place not in places for place in self._geometry.plates
        )
        if mute:
            message = f"{mute} plates of shelf {id_} have neither readings nor products: left out"
            self._report.warn("plates.json", 0, "plate-without-controller", message)

    def slots(
        self, products: dict[str, Product], places: dict[tuple[str, int, int], list[PlaceId]]
    ) -> dict[str, Slot]:
        """Slots of all products that the catalogue has, each on neighbouring plates."""
        slots: dict[str, Slot] = {}
        for (name, gondola, shelf), plates in places.items():
            product = products.get(name)
            id_ = shelf_name(gondola, shelf)
            if product is None or id_ not in self.shelves:
                what, rule = f"'{shorten(name)}' is not in products.csv", "unknown-product"
                if product is not None:
                    what, rule = f"there is no gondola {gondola}", "unknown-shelf"
                self._report.warn("planogram.csv", 0, rule, f"row left out: {what}")
                continue
            order = self.shelves[id_].plates
            run = _longest_run(sorted(order.index(plate_name(place)) for place in plates))
            if len(run) < len(plates):
                message = f"the plates of '{shorten(name)}' on {id_} are not neighbours"
                advice = f"only the first {len(run)} that are were kept"
                self._report.warn(
                    "planogram.csv", 0, "plates-not-contiguous", f"{message}: {advice}"
                )
            slot = slot_id(id_, product.id)
            slots[slot] = Slot(slot, product.id, id_, tuple(order[i] for i in run))
        return slots


def _longest_run(numbers: list[int]) -> list[int]:
    """The first of the longest runs of consecutive numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return max(runs, key=len)
