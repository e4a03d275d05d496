"""Pairs of pictures of shelves before and after: rendered strips, and what came or went.

    python -m aisle.learning.changes --out changes --pairs 240 --seed 1

Furniture, cameras, assortment, stock and people are those of `aisle.learning.looks`. Between the
two pictures of a pair people have moved on, and from some places units were taken or put back.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.learning.array_files import save
from aisle.learning.column_labels import BLOCKED
from aisle.learning.looks import Filming, bought_down, looks_spec
from aisle.sim.choreography.performance import SECOND, Performance
from aisle.sim.scenario import Scenario
from aisle.sim.scene import Scene, Unit
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store
from aisle.store.types import Product, Shelf, Store
from aisle.vision.strips import COLUMN_PX, PX_PER_M, strip_width

Rng = np.random.Generator
PAIRS_OF_STORE = 8
_CHANGED = 0.3
"""Share of the places of products at which something comes or goes."""


@dataclass(frozen=True, eq=False)
class Changes:
    """One store's pairs of strips. Columns of all strips lie one after the other."""

    before: NDArray[np.uint8]
    """[ROWS, columns * COLUMN_PX, 3]"""
    after: NDArray[np.uint8]
    """The same."""
    columns: NDArray[np.int32]
    """[strips] how many columns each has."""
    gain: NDArray[np.float32]
    """[columns] metres of goods, front to back, that are there after and were not before."""
    clear: NDArray[np.float32]
    """[columns] 1 where nobody stands before the column in either picture, and a camera sees it."""
    slope: NDArray[np.float32]
    """[columns, 2] as in `StripView`."""


def goods_in(
    shelf: Shelf, units: Sequence[Unit], products: Mapping[str, Product]
) -> NDArray[np.float32]:
    """How deep the goods are in each column of a shelf, [columns] metres.

    The depths of all units, those behind and above each other added up, as a mean over the column's
    width. A column's width times what it loses is the ground that was stood on. Turns of units are
    left out.
    """
    width = strip_width(shelf)
    pixels = (np.arange(width) + 0.5) / PX_PER_M
    deep = np.zeros(width)
    for unit, place in _standing(shelf, units):
        wide, depth, _ = products[unit.product].size_m
        deep[np.abs(pixels - place[0]) < wide / 2] += depth
    found: NDArray[np.float32] = deep.reshape(-1, COLUMN_PX).mean(1).astype(np.float32)
    return found


def _standing(shelf: Shelf, units: Sequence[Unit]) -> Iterator[tuple[Unit, NDArray[np.float64]]]:
    """Units on a shelf, and their places in its frame."""
    assert shelf.pose is not None
    width, depth, height = shelf.size_m
    free = [unit for unit in units if not unit.holder]
    if not free:
        return
    places = np.array([unit.pose[:3, 3] for unit in free])
    local = (places - shelf.pose[:3, 3]) @ shelf.pose[:3, :3]
    x, y, z = local.T
    here = (x > 0) & (x < width) & (y > -0.05) & (y < depth) & (z > -0.02) & (z < height - 0.02)
    for i in np.flatnonzero(here):
        yield free[i], local[i]


def look_twice(seed: int, number: int, pairs: int = PAIRS_OF_STORE) -> Changes:
    """Render one random store before and after some changes.

    Args:
        seed: Of the whole collection.
        number: Of the store in it; the same pair gives the same pictures.
        pairs: Moments before, each with one after.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, number, 53))
    store = generate_store(rng, looks_spec(rng))
    filming = Filming(store, rng)
    parts = []
    try:
        for scenes in _scenes(store, rng, pairs):
            shots = [list(filming.shoot(scene)) for scene in scenes]
            deep = [
                {name: goods_in(shelf, scene.units, store.products)
                 for name, shelf in store.shelves.items()}
                for scene in scenes
            ]  # fmt: skip
            for one, other in zip(*shots, strict=True):
                view, hidden = one[3], (one[1] == BLOCKED) | (other[1] == BLOCKED)
                clear = ((view.px_per_dm > 0) & ~hidden).astype(np.float32)
                gain = deep[1][view.shelf] - deep[0][view.shelf]
                parts.append((one[0], other[0], gain, clear, view.slope))
    finally:
        filming.close()
    before, after, gains, clears, slopes = zip(*parts, strict=True)
    return Changes(
        np.concatenate(before, 1), np.concatenate(after, 1),
        np.array([len(gain) for gain in gains], np.int32), np.concatenate(gains),
        np.concatenate(clears), np.concatenate(slopes),
    )  # fmt: skip


def _scenes(store: Store, rng: Rng, count: int) -> Iterator[tuple[Scene, Scene]]:
    """Moments of a performance, each with other stock and with a later moment."""
    people = int(rng.integers(1, 5))
    scenario = Scenario(
        shoppers=people, together=people, walk=True, action_s=3.0, stay_s=(25.0, 40.0)
    )
    script = write_script(store, scenario, rng)
    performance = Performance(store, script, int(rng.integers(1 << 31)))
    for _ in range(count):
        first, second = (
            performance.scene(performance.start_ns + round(at * SECOND))
            for at in np.sort(rng.uniform(5.0, script.duration_s - 1.0, 2))
        )
        stock = [unit for unit in bought_down(first.units, rng) if not unit.holder]
        gone, came = _moved(store, stock, rng)
        before = [unit for unit in stock if unit.id not in came]
        after = [unit for unit in stock if unit.id not in gone]
        yield _with_stock(first, before), _with_stock(second, after)


def _with_stock(scene: Scene, stock: Sequence[Unit]) -> Scene:
    """The same people, with what they hold, before other shelves."""
    return replace(scene, units=(*stock, *(unit for unit in scene.units if unit.holder)))


def _moved(store: Store, stock: list[Unit], rng: Rng) -> tuple[set[str], set[str]]:
    """Ids of units that go between two moments, and of units that come."""
    gone: set[str] = set()
    came: set[str] = set()
    for shelf in store.shelves.values():
        same: dict[str, list[tuple[Unit, NDArray[np.float64]]]] = {}
        for unit, place in _standing(shelf, stock):
            same.setdefault(unit.product, []).append((unit, place))
        for units in same.values():
            if rng.random() >= _CHANGED:
                continue
            moves = gone if rng.random() < 0.6 else came
            for _ in range(int(rng.choice([1, 2, 3], p=[0.75, 0.18, 0.07]))):
                left = [pair for pair in units if pair[0].id not in moves]
                if left:
                    moves.add(_foremost(left, store.products, rng).id)
    return gone, came


def _foremost(
    units: list[tuple[Unit, NDArray[np.float64]]], products: Mapping[str, Product], rng: Rng
) -> Unit:
    """What a hand gets hold of first in one of the rows of a product: in front, and on top."""
    at = units[int(rng.integers(len(units)))][1]
    wide = products[units[0][0].product].size_m[0]
    row = [pair for pair in units if abs(pair[1][0] - at[0]) < wide / 2]
    return min(row, key=lambda pair: (round(float(pair[1][1]), 2), -float(pair[1][2])))[0]


def main() -> None:
    """Render stores until there are as many pairs as wanted; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(-(-args.pairs // PAIRS_OF_STORE)):
        path = args.out / f"changes-{args.seed}-{number:05d}.npz"
        if path.is_file():
            continue
        begun = time.process_time()
        found = look_twice(args.seed, number)
        save(found, path)
        changed = int(((np.abs(found.gain) > 0.01) & (found.clear > 0)).sum())
        told = {
            "store": number, "strips": len(found.columns), "columns": len(found.gain),
            "changed": changed, "cpu_s": round(time.process_time() - begun, 1),
        }  # fmt: skip
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
