"""Training clips for the follower: floor maps of simulated stores, and where everybody really is.

Each clip is a store of its own, with its own cameras, people and failures of cameras:

    python -m aisle.learning.walks --out walks --minutes 20 --seed 1
    python -m aisle.learning.walks --out walks --sightings sightings

The second way draws nothing: it takes the floor maps that `aisle.learning.sightings` kept, of whole
visits in crowded little stores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.files import write_atomic
from aisle.fusion.synchronizer import TICK_NS
from aisle.learning.array_files import load
from aisle.learning.sight_plans import SCENARIOS_OF_STORE
from aisle.learning.sightings import (
    Sightings,
    fingerprint,
    path_of,
    read,
    simulations,
    stores_in,
)
from aisle.learning.walk_plans import Outages, walk_scenario, walk_store
from aisle.sim.choreography.performance import SECOND, Performance
from aisle.sim.products.look import look_of
from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel
from aisle.sim.scenario import Scenario, ScenarioError
from aisle.sim.shoppers import write_script
from aisle.sim.simulation import Simulation
from aisle.store.types import Store
from aisle.vision.floor_map import CELL_M, HANDS, PLANES_M, FloorMap

Image = NDArray[np.uint8]

LONGEST_S = 45.0
"""Of a clip: many stores teach more than long visits to few."""
HELD_OUT = 1 << 40
"""Seeds from here on are never trained on."""


@dataclass(frozen=True)
class Walk:
    """One clip: T ticks, P people, S sessions.

    Lengths are metres in the floor map's own frame: x along a picture's columns, y along its rows,
    from the corner of its first cell; z is the height over the floor.
    """

    pictures: NDArray[np.uint8]
    """[T, planes, H, W, 3]"""
    seen: NDArray[np.uint8]
    """[T, planes, H, W]"""
    session: NDArray[np.int32]
    """[P] whose: an index into the sessions. People of a group are in the order in which they
    came in."""
    head: NDArray[np.float32]
    """[T, P, 3]; NaN when the person is not there."""
    hands: NDArray[np.float32]
    """[T, P, 2, 3] left and right; NaN likewise."""
    opens: NDArray[np.int32]
    """[S] first tick after the passage at the gate; negative for who came before the clip."""
    closes: NDArray[np.int32]
    """[S] first tick after the last of the session has gone out; may be T."""
    gate: NDArray[np.float32]
    """[S, 2] where the session came in."""

    @property
    def open(self) -> NDArray[np.bool_]:
        """[T, P] whether a person's session is open."""
        tick = np.arange(len(self.pictures))[:, None]
        return (self.opens[self.session] <= tick) & (tick < self.closes[self.session])

    @property
    def seat(self) -> NDArray[np.float32]:
        """[P, 2] who of the group, and how many they are, both over 4."""
        number = [int((self.session[:i] == s).sum()) for i, s in enumerate(self.session)]
        size = (self.session[:, None] == self.session).sum(1)
        return np.stack([np.array(number), size], 1).astype(np.float32) / np.float32(4)

    def save(self, path: Path) -> None:
        """Write an `.npz` file; it is there whole or not at all."""
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(file, **{f.name: getattr(self, f.name) for f in fields(self)})
        part.replace(path)

    @staticmethod
    def load(path: Path) -> Walk:
        """Read what `save` wrote.

        Raises:
            ValueError: The file is not such a clip.
        """
        try:
            walk = load(Walk, path)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: no clip of walks: {error}") from error
        if walk.pictures.shape[1] != len(PLANES_M):
            raise ValueError(f"{path}: a clip of {walk.pictures.shape[1]} planes, not of today's")
        return walk


def record(store: Store, scenario: Scenario, seed: int) -> Walk:
    """Perform a scenario before a store's cameras.

    Raises:
        ScenarioError: Nobody can walk in this store.
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, 3))
    script = write_script(store, scenario, rng)
    performance = Performance(store, script, seed)
    ticks = int(min(script.duration_s, LONGEST_S) * SECOND // TICK_NS)
    skipped = max(script.duration_s - LONGEST_S, 0.0) * float(rng.choice([0.0, rng.random()]))
    start_ns = performance.start_ns + int(skipped * SECOND)
    floor = FloorMap(store)
    models = {
        name: CameraModel(camera, seed=seed + i)
        for i, (name, camera) in enumerate(store.cameras.items())
    }
    ideal = {name: model.ideal for name, model in models.items()}
    renderer = Renderer(store, look_of, ideal, seed=seed, texture_px=64)
    outages = Outages(tuple(models), ticks, rng)
    late_ns = int(rng.uniform(0, 0.1) * SECOND)
    pictures, seen = [], []
    last: dict[str, Image] = {}
    for tick in range(ticks):
        scene = performance.scene(start_ns + tick * TICK_NS - late_ns)
        fresh = {n: m.apply(renderer.render(n, scene).rgb, tick) for n, m in models.items()}
        picture, where = floor.picture(outages.views(tick, fresh, last))
        pictures.append(picture)
        seen.append(where)
        last = fresh
    renderer.close()
    return Walk(np.stack(pictures), np.stack(seen), **_truth(performance, floor, start_ns, ticks))


def _truth(
    performance: Performance, floor: FloorMap, start_ns: int, ticks: int
) -> dict[str, NDArray[Any]]:
    """The fields of a clip beside its pictures."""

    def tick_of(seconds: float) -> int:
        return -int((start_ns - performance.start_ns - seconds * SECOND) // TICK_NS)

    visits = [
        v for v in performance.script.visits if tick_of(v.enter_s) < ticks and tick_of(v.exit_s) > 0
    ]
    number = {visit.session: i for i, visit in enumerate(visits)}
    tracks = [track for track in performance.script.tracks if track.session in number]
    tracks.sort(key=lambda track: (number[track.session], track.points[0][0]))
    person = {(track.session, track.number): i for i, track in enumerate(tracks)}
    head = np.full((ticks, len(person), 3), np.nan, np.float32)
    hands = np.full((ticks, len(person), 2, 3), np.nan, np.float32)
    for tick in range(ticks):
        for one in performance.truth(start_ns + tick * TICK_NS).people:
            at = person.get((one.session, one.number))
            if at is None:
                continue
            head[tick, at] = _in_floor(floor, one.head)
            hands[tick, at, 0] = _in_floor(floor, one.left_hand)
            hands[tick, at, 1] = _in_floor(floor, one.right_hand)
    entry = next(gate for gate in performance.store.gates.values() if gate.kind != "exit")
    return {
        "session": np.array([number[track.session] for track in tracks], np.int32),
        "head": head,
        "hands": hands,
        "opens": np.array([tick_of(v.enter_s) for v in visits], np.int32),
        "closes": np.array([min(tick_of(v.exit_s), ticks) for v in visits], np.int32),
        "gate": np.repeat(_in_floor(floor, entry.pose[:3, 3])[None, :2], len(visits), 0),
    }


def _in_floor(floor: FloorMap, point: NDArray[np.float64]) -> NDArray[np.float32]:
    """A point [3] of `map` in the floor map's frame: see `Walk`."""
    column, row = floor.cells(point[None, :2])[0]
    return np.array([(column + 0.5) * CELL_M, (row + 0.5) * CELL_M, point[2]], np.float32)


def drawing(walk: Walk, tick: int, zoom: int = 6) -> Image:
    """All planes side by side, the highest first, RGB, with the truth in it: for people to look at.

    Heads are circles in a colour for each session; hands are dots, on their own plane.
    """
    sheet = []
    for plane in sorted(range(len(PLANES_M)), key=PLANES_M.__getitem__, reverse=True):
        is_hands = plane == HANDS
        picture = cv2.resize(
            walk.pictures[tick, plane], None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST
        )
        for person, session in enumerate(walk.session):
            if np.isnan(walk.head[tick, person, 0]):
                continue
            colour = _colour(int(session))
            points = walk.hands[tick, person] if is_hands else walk.head[tick, person][None]
            for x, y in points[:, :2] / CELL_M * zoom:
                cv2.circle(
                    picture, (round(float(x)), round(float(y))), 10 - 5 * is_hands, colour, 2
                )
        sheet.append(picture)
    return np.concatenate(sheet, 1)


def _colour(session: int) -> tuple[int, int, int]:
    hue = np.array([[[session * 47 % 180, 255, 255]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def write_walks(directory: Path, minutes: float, seed: int) -> Iterator[tuple[Path, Walk]]:
    """Write clips until there are so many minutes; call again to go on where it ended.

    A clip's number and the seed decide all that is in it. Clips that are there count.

    Yields:
        File and clip of each one that was written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    number, done_s = 0, 0.0
    while done_s < 60 * minutes:
        path = directory / f"walk-{number:06d}.npz"
        if path.is_file():
            done_s += len(Walk.load(path).pictures) * TICK_NS / SECOND
        else:
            rng = np.random.default_rng((seed, number))
            try:
                walk = record(walk_store(rng), walk_scenario(rng), int(rng.integers(1 << 30)))
            except ScenarioError:  # Its aisles are blocked: a store that nobody can shop in.
                walk = None
            if walk is not None:
                walk.save(path)
                done_s += len(walk.pictures) * TICK_NS / SECOND
                yield path, walk
        number += 1


def kept_walks(directory: Path, folder: Path) -> Iterator[tuple[Path, Walk]]:
    """Write a clip of each scenario of some sightings; call again to go on where it ended.

    Yields:
        File and clip of each one that was written.

    Raises:
        ValueError: A file of the folder is damaged, or the simulator was another one then.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for seed, store in stores_in(folder):
        paths = [directory / f"walk-s{seed}-{store:05d}-{i}.npz" for i in range(SCENARIOS_OF_STORE)]
        if all(path.is_file() for path in paths):
            continue
        kept = read(path_of(folder, seed, store), None)
        for i, (simulation, seen) in enumerate(zip(simulations(seed, store), kept, strict=True)):
            if not paths[i].is_file():
                walk = kept_walk(simulation, seen)
                if walk is not None:
                    walk.save(paths[i])
                    yield paths[i], walk


def kept_walk(simulation: Simulation, seen: Sightings) -> Walk | None:
    """The clip of a scenario that was looked at; None when nobody or no floor was seen.

    While the store is empty nobody looks: the last map is shown again.

    Raises:
        ValueError: Another simulation was looked at, or on other planes.
    """
    if seen.of_what != fingerprint(simulation):
        raise ValueError("these sightings are of another simulation")
    maps = {tick: looked.floor for tick, looked in seen.looked.items() if looked.floor is not None}
    if not maps or not simulation.scenario.walk:
        return None
    first, last = min(maps), max(maps)
    if len(maps[first][1]) != len(PLANES_M):
        raise ValueError(f"these sightings are of {len(maps[first][1])} planes, not of today's")
    dark = np.zeros_like(maps[first][0]), np.zeros_like(maps[first][1])
    ticks = range(first, last + 1, TICK_NS)
    shown: list[tuple[Image, Image]] = []
    for tick in ticks:
        # What was looked at and shows nothing is dark; what nobody looked at is as before.
        unseen = dark if tick in seen.looked else shown[-1]
        shown.append(maps.get(tick, unseen))
    pictures, cells = zip(*shown, strict=True)
    performance = Performance(
        simulation.store, simulation.script, simulation.seed, simulation.start_ns
    )
    floor = FloorMap(simulation.store)
    truth = _truth(performance, floor, first, len(ticks))
    return Walk(np.stack(pictures), np.stack(cells), **truth)


def main() -> None:
    """Write clips and say how far it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the clips")
    parser.add_argument("--minutes", type=float, default=0.0, help="simulated time to draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sightings", type=Path, help="folder to take floor maps from, too")
    parser.add_argument("--draw", action="store_true", help="a picture beside each clip")
    options = parser.parse_args()
    if not options.minutes and options.sightings is None:
        parser.error("say --minutes or --sightings")
    seconds, begun = 0.0, time.process_time()
    kept = kept_walks(options.out, options.sightings) if options.sightings else ()
    drawn = write_walks(options.out, options.minutes, options.seed)
    for path, walk in chain(drawn, kept):
        seconds += len(walk.pictures) * TICK_NS / SECOND
        cost = (time.process_time() - begun) / seconds
        print(json.dumps({"clip": path.stem, "seconds": seconds, "cpu_s_per_s": round(cost, 3)}),
              flush=True)  # fmt: skip
        if options.draw:
            bgr = cv2.cvtColor(drawing(walk, len(walk.pictures) // 2), cv2.COLOR_RGB2BGR)
            write_atomic(path.with_suffix(".png"), cv2.imencode(".png", bgr)[1].tobytes())


if __name__ == "__main__":
    main()
