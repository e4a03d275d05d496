"""Pictures of fixtures' fronts for training the network that finds hands which reach in.

    python -m aisle.learning.reaches --out reaches --stores 120 --seed 1

Stores, people and cameras are those of `aisle.learning.sightings`; people act more often. How a
front looks without people is made as the stack makes it, from the same pictures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.learning.array_files import save
from aisle.learning.sight_plans import sight_scenario, sight_spec
from aisle.sim.choreography.performance import Performance, PersonTruth
from aisle.sim.products.look import look_of
from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scenario import ScenarioError
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store
from aisle.store.types import Fixture, Store
from aisle.vision.fronts import EVERY_NS, HIGH_M, EmptyFront, Fronts, is_before
from aisle.vision.strips import ShelfStrips

Image = NDArray[np.uint8]

BEFORE_M = 0.1
"""A hand reaches in from so far before a front on, and so far beside it."""
_LOWEST_M, _HIGHEST_M = 0.1, HIGH_M - 0.1
"""Of hands that a front shows."""
_LONGEST_S, _ACTION_S = 50.0, 3.0
_LEARNT_EVERY = EVERY_NS // TICK_NS
"""Ticks from one picture that `EmptyFront` learns from to the next: these are always drawn."""
_AT_HANDS, _ELSE = 0.5, 0.06
"""Share of ticks that are drawn, when a hand reaches in anywhere and otherwise."""


@dataclass(frozen=True, eq=False)
class Reaches:
    """One store's fronts, those before which anything stands. They lie side by side."""

    now: NDArray[np.uint8]
    """[ROWS, all widths, 3]"""
    empty: NDArray[np.uint8]
    """The same without people: see `EmptyFront`."""
    width: NDArray[np.int32]
    """[fronts] of each, pixels."""
    of: NDArray[np.int32]
    """[hands] which front."""
    hand: NDArray[np.float32]
    """[hands, 2] along the fixture from its left end, and height over the floor, metres."""
    head: NDArray[np.float32]
    """[hands, 2] of the same person, likewise, where the camera sees it on the front's plane; NaN
    where it does not, as the person is beside or behind the camera."""


def reaching(
    fixture: Fixture, people: Sequence[PersonTruth]
) -> Iterator[tuple[tuple[float, float], list[float]]]:
    """Hands that reach into a fixture, as `Reaches` has them, and their heads, in its frame."""
    turn, origin = fixture.pose[:3, :3], fixture.pose[:3, 3]
    width, depth, _ = fixture.size_m
    for person in people:
        points = np.array([person.head, person.left_hand, person.right_hand])
        head, *hands = ((points - origin) @ turn).tolist()
        for x, y, z in hands:
            within = -BEFORE_M < x < width + BEFORE_M and _LOWEST_M < z < _HIGHEST_M
            if within and -BEFORE_M < y < depth:
                yield (x, z), head


def look_at_reaches(seed: int, number: int) -> Reaches | None:
    """Render one random store; None where nobody can shop in it, or no hand reaches in.

    Args:
        seed: Of the whole collection.
        number: Of the store in it; the same pair gives the same pictures.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, number, 67))
    store = generate_store(rng, sight_spec(rng))
    scenario = sight_scenario(rng, store).model_copy(update={"action_s": _ACTION_S})
    try:
        script = write_script(store, scenario, rng)
    except ScenarioError:
        return None
    performance = Performance(store, script, int(rng.integers(1 << 31)))
    return _shot(store, performance, min(script.duration_s, _LONGEST_S), rng)


def _shot(
    store: Store, performance: Performance, seconds: float, rng: np.random.Generator
) -> Reaches | None:
    seed = int(rng.integers(1 << 31))
    models = {n: CameraModel(c, seed=seed + i) for i, (n, c) in enumerate(store.cameras.items())}
    ideal = {name: model.ideal for name, model in models.items()}
    renderer = Renderer(store, look_of, ideal, seed=seed, texture_px=64)
    fronts = Fronts(store, ShelfStrips(store))
    empty = {view: EmptyFront() for view in fronts.views}
    found: list[tuple[Image, Image]] = []
    of, at, heads = [], [], []
    try:
        for tick in range(int(seconds * SECOND // TICK_NS)):
            stamp_ns = performance.start_ns + tick * TICK_NS
            people = performance.truth(stamp_ns).people
            hands = {name: list(reaching(f, people)) for name, f in store.fixtures.items()}
            drawn = rng.random() < (_AT_HANDS if any(hands.values()) else _ELSE)
            if not drawn and tick % _LEARNT_EVERY:
                continue
            scene = performance.scene(stamp_ns)
            shown = {n: m.apply(renderer.render(n, scene).rgb, tick) for n, m in models.items()}
            for view in fronts.views:
                front = fronts.front(view, shown[view.camera])
                without = empty[view].see(stamp_ns, front)
                if not is_before(front, without):
                    continue
                for hand, head in hands[view.fixture]:
                    of.append(len(found))
                    at.append(hand)
                    heads.append(fronts.on_plane(view, np.array(head)))
                found.append((front, without))
    finally:
        renderer.close()
    if not of:
        return None
    now, before = (np.concatenate(side, 1) for side in zip(*found, strict=True))
    return Reaches(
        now, before, np.array([pair[0].shape[1] for pair in found], np.int32),
        np.array(of, np.int32), np.array(at, np.float32), np.array(heads, np.float32),
    )  # fmt: skip


def main() -> None:
    """Render stores; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stores", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.stores):
        path = args.out / f"reaches-{args.seed}-{number:05d}.npz"
        if path.is_file():
            continue
        begun = time.process_time()
        found = look_at_reaches(args.seed, number)
        if found is not None:
            save(found, path)
            told = {
                "store": number, "fronts": len(found.width), "hands": len(found.of),
                "cpu_s": round(time.process_time() - begun, 1),
            }  # fmt: skip
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
