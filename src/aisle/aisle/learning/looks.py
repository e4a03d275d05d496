"""Pictures of shelves for training the encoder: rendered strips, and what each column shows.

One store at a time: random furniture, cameras and assortment, people who shop, stock that has
been bought down. A store's strips are kept with the catalogue pictures of all its products, in one
file of plain arrays, so that a training run can stop and resume on any machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.learning.array_files import save
from aisle.learning.column_labels import (
    BLOCKED,
    EMPTY,
    UNSEEN,
    Ids,
    label_columns,
    room_before,
    truth_map,
)
from aisle.sim.choreography.performance import SECOND, Performance
from aisle.sim.products.look import look_of
from aisle.sim.products.pictures import catalogue_images
from aisle.sim.render.renderer import Frame, Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scenario import Scenario
from aisle.sim.scene import Scene, Unit
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Product, Store
from aisle.vision.catalogue import catalogue_picture
from aisle.vision.strips import ShelfStrips, StripView

Rng = np.random.Generator
SCENES_OF_STORE = 12
_PHOTO_PX = 96


@dataclass(frozen=True, eq=False)
class Looks:
    """One store's strips. Columns of all strips lie one after the other."""

    catalogue: NDArray[np.uint8]
    """[products, views, ROWS, ROWS, 3]"""
    products: NDArray[np.str_]
    """[products] ids."""
    strips: NDArray[np.uint8]
    """[ROWS, columns * COLUMN_PX, 3]"""
    columns: NDArray[np.int32]
    """[strips] how many columns each has."""
    label: NDArray[np.int16]
    """[columns] product, `EMPTY` or `BLOCKED`."""
    weight: NDArray[np.float32]
    """[columns] 0 (mixed, not seen) to 1."""
    px_per_dm: NDArray[np.float32]
    """[columns] as in `StripView`."""
    slope: NDArray[np.float32]
    """[columns, 2] as in `StripView`."""
    room: NDArray[np.float32]
    """[columns] metres that are free before the first thing: see `room_before`."""


def looks_spec(rng: Rng) -> StoreSpec:
    """A small store with cameras, of any make; half of them a room, half rows of gondolas."""
    wide = rng.random() < 0.6
    lens = (float(rng.uniform(-0.15, 0.0)), 0.02, 5e-4, -5e-4, 0.0)
    room = (float(rng.uniform(3.8, 4.6)), float(rng.uniform(4.8, 5.6)))
    return StoreSpec(
        name="looks",
        room_m=room if rng.random() < 0.5 else None,
        gondolas=int(rng.integers(2, 4)),
        fridges=int(rng.random() < 0.6),
        shelves=(int(rng.integers(3, 6)),),
        first_board_m=float(rng.uniform(0.25, 0.4)),
        head_room_m=(0.2, 0.36) if rng.random() < 0.5 else (0.28, 0.36),
        plates=(6,) if wide else (9, 12),
        plate_width_m=(0.2, 0.2) if wide else (0.1, 0.1),
        span=((1, 0.4), (2, 0.6)) if wide else ((1, 0.2), (2, 0.5), (3, 0.3)),
        bare_shelves=0.5,
        empty_plates=0.04,
        doubled=0.08,
        unplaced_products=int(rng.integers(5, 35)),
        assortment=int(rng.integers(150, 320)),
        cameras=int(rng.integers(3, 5)),
        camera_height_m=float(rng.uniform(2.3, 2.8)),
        camera_pixels=(800, 600) if rng.random() < 0.6 else (640, 480),
        camera_fov_rad=float(rng.uniform(0.85, 1.2)),
        camera_distortion=lens if rng.random() < 0.6 else (0.0,) * 5,
    )


def look_at_store(seed: int, number: int, scenes: int = SCENES_OF_STORE) -> Looks:
    """Render one random store.

    Args:
        seed: Of the whole collection.
        number: Of the store in it; the same pair gives the same pictures.
        scenes: Moments that all its cameras look at.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, number, 31))
    store = generate_store(rng, looks_spec(rng))
    filming = Filming(store, rng)
    try:
        shots = [shot for scene in _scenes(store, rng, scenes) for shot in filming.shoot(scene)]
    finally:
        filming.close()
    cut, label, weight, view, room = zip(*shots, strict=True)
    products = list(store.products.values())
    return Looks(
        np.stack([catalogue_of(product) for product in products]),
        np.array([product.id for product in products]),
        np.concatenate(cut, 1),
        np.array([len(part) for part in label], np.int32),
        np.concatenate(label),
        np.concatenate(weight),
        np.concatenate([v.px_per_dm for v in view]),
        np.concatenate([v.slope for v in view]),
        np.concatenate(room),
    )


def catalogue_of(product: Product) -> NDArray[np.uint8]:
    """[views, ROWS, ROWS, 3] a made-up product's pictures as the encoder takes them."""
    pictures = catalogue_images(look_of(product), _PHOTO_PX)
    return np.stack([catalogue_picture(picture, product.size_m) for picture in pictures])


class Filming:
    """A store's cameras, and where the pixels of its strips lie in their pictures."""

    def __init__(self, store: Store, rng: Rng) -> None:
        self._strips = ShelfStrips(store)
        self._views = [view for shelf in store.shelves for view in self._strips.views(shelf)]
        # All cameras of a store have one lens, and to trace it takes longer than all the rest:
        # one model stands for all of them, with another noise for each picture.
        first = next(iter(store.cameras.values()))
        self._model = CameraModel(first, seed=int(rng.integers(1 << 31)))
        ideal = self._model.ideal
        self._ideal = {
            name: replace(ideal, id=name, pose=c.pose) for name, c in store.cameras.items()
        }
        self._truth = {
            (view.shelf, view.camera): truth_map(
                self._ideal[view.camera], store.shelves[view.shelf]
            )
            for view in self._views
        }
        self._renderer = Renderer(store, look_of, self._ideal, seed=int(rng.integers(1 << 31)))
        self._index = {product: i for i, product in enumerate(store.products)}
        self._number = 0
        self._store = store

    def close(self) -> None:
        """Free what draws."""
        self._renderer.close()

    def shoot(
        self, scene: Scene
    ) -> Iterator[
        tuple[NDArray[np.uint8], Ids, NDArray[np.float32], StripView, NDArray[np.float32]]
    ]:
        """All strips of one moment: picture, labels, weights, view, free room."""
        rooms = {
            name: room_before(self._store.shelves[name], scene.units, self._store.products)
            for name in {view.shelf for view in self._views}
        }
        for name in self._ideal:
            frame = self._renderer.render(name, scene, truth=True)
            self._number += 1
            rgb = self._model.apply(frame.rgb, self._number)
            codes = _codes(frame, self._index)
            for view in self._views:
                if view.camera == name:
                    where = self._truth[view.shelf, name]
                    shown = np.where(where < 0, np.int16(UNSEEN), codes.ravel()[where])
                    label, weight = label_columns(shown, len(self._index))
                    weight[view.px_per_dm == 0] = 0
                    strip = self._strips.strip(view, rgb)
                    yield strip, label, weight, view, rooms[view.shelf]


def _codes(frame: Frame, index: dict[str, int]) -> Ids:
    """[H, W] product, `EMPTY` or `BLOCKED`."""
    assert frame.ids is not None
    table = np.full(1 << 16, EMPTY, np.int16)
    for number, name in frame.names.items():
        table[number] = index.get(name.rpartition("#")[0], BLOCKED)
    return np.asarray(table[frame.ids])


def _scenes(store: Store, rng: Rng, count: int) -> Iterator[Scene]:
    """Moments of a performance, each with other stock."""
    people = int(rng.integers(2, 5))
    scenario = Scenario(
        shoppers=people, together=people, walk=True, action_s=3.0, stay_s=(25.0, 40.0)
    )
    script = write_script(store, scenario, rng)
    performance = Performance(store, script, int(rng.integers(1 << 31)))
    for at in np.sort(rng.uniform(5.0, script.duration_s - 2.0, count)):
        scene = performance.scene(performance.start_ns + round(at * SECOND))
        yield replace(scene, units=tuple(bought_down(scene.units, rng)))


def bought_down(units: tuple[Unit, ...], rng: Rng) -> Iterator[Unit]:
    """Of some products all is gone, of others the front rows or single units."""
    standing: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.holder:
            yield unit
        else:
            standing.setdefault(unit.product, []).append(unit)
    for same in standing.values():
        fate = rng.choice(["full", "gone", "front", "single"], p=[0.5, 0.12, 0.2, 0.18])
        if fate == "full":
            yield from same
        elif fate == "front":
            deep = np.array([unit.pose[:3, 1] @ unit.pose[:3, 3] for unit in same])
            limit = rng.uniform(deep.min(), deep.max() + 1e-3)
            yield from (unit for unit, at in zip(same, deep, strict=True) if at >= limit)
        elif fate == "single":
            yield from (unit for unit in same if rng.random() < 0.6)


def main() -> None:
    """Render stores until there are as many scenes as wanted; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    stores = -(-args.scenes // SCENES_OF_STORE)
    for number in range(stores):
        path = args.out / f"looks-{args.seed}-{number:05d}.npz"
        if path.is_file():
            continue
        begun = time.process_time()
        looks = look_at_store(args.seed, number)
        save(looks, path)
        print(
            f"{number + 1}/{stores} stores: {len(looks.products)} products,"
            f" {len(looks.columns)} strips, {(looks.weight > 0).sum()} labelled columns,"
            f" {time.process_time() - begun:.1f} s of CPU",
            flush=True,
        )


if __name__ == "__main__":
    main()
