"""What the encoder saw of rendered stores, kept: drawing and looking are the dear part.

    python -m aisle.learning.sightings --vision run --out sightings --stores 100 --seed 1

Stores, people and pictures are of every make. What is kept of each tick is what the encoder said of
every shelf, the hands that reach in, and the floor map; so a new follower, receipt model or way of
telling what happened makes other training windows of them (`aisle.learning.sights`) without a
picture being drawn again.
Several processes with different seeds may fill one folder.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.files import write_atomic
from aisle.fusion.eyes import Eyes, Looked, Looker
from aisle.fusion.windows import FEATURES, STATES
from aisle.learning.array_files import read_arrays
from aisle.learning.collect import samples_of
from aisle.learning.looks import catalogue_of
from aisle.learning.sight_plans import SCENARIOS_OF_STORE, sight_scenario, sight_spec
from aisle.records import CameraFrame, Frame
from aisle.sim.cameras import FrameArrival, Shot, SimulatedCameras, shots
from aisle.sim.scenario import ScenarioError
from aisle.sim.simulation import Simulation, simulate
from aisle.store.generate import generate_store
from aisle.store.types import Store
from aisle.vision.floor_map import FloorMap
from aisle.vision.hand_overs import Witness
from aisle.vision.networks import Vision, load_vision
from aisle.vision.reaching import HAND
from aisle.vision.shelf_sight import Glance
from aisle.vision.tracks import Follower
from aisle.vision.views import tick_of

Floats = NDArray[np.float32]

_NAME = re.compile(r"sightings-(\d+)-(\d+)\.npz")


@dataclass(frozen=True)
class Sightings:
    """What was seen in one scenario, by tick."""

    looked: Mapping[int, Looked]
    of_what: str
    """Digest of the simulation: see `fingerprint`."""
    seconds: float = 0.0
    """What it took to look, on the machine that did."""

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """For a file: features and states at half precision, shelves side by side."""
        ticks = sorted(self.looked)
        columns: dict[str, int] = {}
        for looked in self.looked.values():
            for shelf, glance in looked.glances.items():
                columns[shelf] = len(glance.state)
        names = sorted(columns)
        ends = np.cumsum([0, *(columns[name] for name in names)])
        feature = np.zeros((len(ticks), ends[-1], FEATURES), np.float16)
        state = np.zeros((len(ticks), ends[-1], STATES), np.float16)
        shown = np.zeros((len(ticks), len(names)), bool)
        for row, tick in enumerate(ticks):
            for i, name in enumerate(names):
                if name in self.looked[tick].glances:
                    glance = self.looked[tick].glances[name]
                    shown[row, i] = True
                    feature[row, ends[i] : ends[i + 1]] = glance.feature
                    state[row, ends[i] : ends[i + 1]] = glance.state
        there = [looked.floor for looked in self.looked.values() if looked.floor is not None]
        cells = there[0][1].shape if there else (0, 0, 0)
        picture = np.zeros((len(ticks), *cells, 3), np.uint8)
        seen = np.zeros((len(ticks), *cells), np.uint8)
        mapped = np.zeros(len(ticks), bool)
        for row, tick in enumerate(ticks):
            floor = self.looked[tick].floor
            if floor is not None:
                picture[row], seen[row], mapped[row] = *floor, True
        of = [
            (row, fixture, hand)
            for row, tick in enumerate(ticks)
            for fixture, hands in self.looked[tick].hands.items()
            for hand in hands
        ]
        return {
            "hand": np.array([hand for *_, hand in of], np.float32).reshape(-1, HAND),
            "hand_fixture": np.array([fixture for _, fixture, _ in of], np.str_),
            "hand_tick": np.array([row for row, *_ in of], np.int32),
            "tick": np.array(ticks, np.int64), "shelf": np.array(names, np.str_), "end": ends,
            "feature": feature, "state": state, "shown": shown,
            "picture": picture, "seen": seen, "mapped": mapped, "of_what": np.array(self.of_what),
            "seconds": np.array(self.seconds),
        }  # fmt: skip

    @staticmethod
    def of(arrays: Mapping[str, NDArray[np.generic]]) -> Sightings:
        """From `arrays`.

        Raises:
            KeyError: One is missing.
        """
        names, ends = arrays["shelf"].tolist(), arrays["end"].tolist()
        feature, state = (arrays[name].astype(np.float32) for name in ("feature", "state"))
        picture, seen = arrays["picture"].astype(np.uint8), arrays["seen"].astype(np.uint8)
        shown, mapped = arrays["shown"].tolist(), arrays["mapped"].tolist()
        fixtures = arrays["hand_fixture"].tolist()
        hands: list[dict[str, list[Floats]]] = [{} for _ in range(len(arrays["tick"]))]
        for row, fixture, hand in zip(
            arrays["hand_tick"].tolist(), fixtures, arrays["hand"].astype(np.float32), strict=True
        ):
            hands[row].setdefault(fixture, []).append(hand)
        found = {}
        for row, tick in enumerate(arrays["tick"].tolist()):
            spans = {
                name: slice(ends[i], ends[i + 1]) for i, name in enumerate(names) if shown[row][i]
            }
            glances = {n: Glance(tick, feature[row, s], state[row, s]) for n, s in spans.items()}
            floor = (picture[row], seen[row]) if mapped[row] else None
            reach = {fixture: np.stack(some) for fixture, some in hands[row].items()}
            found[tick] = Looked(glances, floor, reach)
        seconds = float(arrays.get("seconds", np.zeros(())))
        return Sightings(found, str(arrays["of_what"]), seconds)


class KeepingEyes(Eyes):
    """Eyes that keep what they see, and see no more than what is kept of it.

    Args:
        store: See `Eyes`.
        encoder: Likewise.
        follower: Likewise; the floor is mapped without one, too: who looks again may have one.
        looks: Likewise.
        witness: Likewise.
    """

    def __init__(
        self, store: Store, encoder: Looker, follower: Follower | None,
        looks: Mapping[str, Floats], witness: Witness | None = None,
    ) -> None:  # fmt: skip
        super().__init__(store, encoder, follower, looks, witness)
        if follower is None:
            self._floor = FloorMap(store)
        self.kept: dict[int, Looked] = {}
        self.seconds = 0.0

    def looked(self, tick_ns: int) -> Looked:
        """See `Eyes.looked`."""
        begun = time.perf_counter()
        found = super().looked(tick_ns)
        self.seconds += time.perf_counter() - begun
        glances = {
            name: replace(g, feature=_halved(g.feature), state=_halved(g.state))
            for name, g in found.glances.items()
        }
        self.kept[tick_ns] = Looked(glances, found.floor, found.hands)
        return replace(self.kept[tick_ns], pictures=found.pictures)

    def sightings(self, simulation: Simulation) -> Sightings:
        """All that was kept of a simulation."""
        return Sightings(self.kept, fingerprint(simulation), self.seconds)


def _halved(numbers: Floats) -> Floats:
    """Numbers at half precision, as files keep them."""
    return numbers.astype(np.float16).astype(np.float32)


class _Blind:
    """An encoder that is never shown anything."""

    def columns(self, strips: object, slopes: object) -> list[tuple[Floats, Floats]]:
        """See `Encoder.columns`."""
        return []

    def changes(self, before: object, after: object, slopes: object) -> list[Floats]:
        """See `Encoder.changes`."""
        return []

    def hands(self, now: object, empty: object) -> list[Floats]:
        """See `Reacher.hands`."""
        return []


class RecalledEyes(Eyes):
    """Eyes that see again what was seen before; frames that come are not looked at.

    Args:
        store: As then.
        follower: May be another one than then.
        looks: See `Eyes`.
        sightings: What was seen.
        vision: Sees things handed over, in pictures that are drawn again; nobody does for None.
        cameras: Draw them.
    """

    def __init__(
        self, store: Store, follower: Follower, looks: Mapping[str, Floats], sightings: Sightings,
        vision: Vision | None = None, cameras: SimulatedCameras | None = None,
    ) -> None:  # fmt: skip
        encoder: Looker = _Blind() if vision is None else vision.encoder
        super().__init__(store, encoder, follower, looks, vision.witness if vision else None)
        self._sightings, self._cameras = sightings, cameras
        found = cameras.shots() if cameras is not None else ()
        self._shots = {(shot.camera, shot.stamp_ns): shot for shot in found}
        self._counted: dict[int, dict[str, Shot]] = {}
        """By tick and camera."""
        self.drawing_s = 0.0
        """What it took to draw pictures again."""

    def add(self, frame: Frame) -> None:
        """Only that its camera is well: what it showed is known."""
        if self._buffer.trust(frame) and self._shots:
            at = self._counted.setdefault(tick_of(frame), {})
            at[frame.camera] = self._shots[frame.camera, frame.stamp_ns]

    def looked(self, tick_ns: int) -> Looked:
        """See `Eyes.looked`; a tick at which nobody looked then is an error."""
        looked = self._sightings.looked[tick_ns]
        shots = self._counted.pop(tick_ns, {})
        if self._cameras is None:
            return looked
        return replace(looked, pictures=_DrawnAgain(self._draw, shots))

    def _draw(self, shot: Shot) -> NDArray[np.uint8]:
        assert self._cameras is not None
        begun = time.perf_counter()
        picture = self._cameras.deliver(shot, self._cameras.draw(shot)).rgb
        self.drawing_s += time.perf_counter() - begun
        return picture


class _DrawnAgain(Mapping[str, NDArray[np.uint8]]):
    """Pictures of a tick, by camera: those that anybody asks for are drawn."""

    def __init__(
        self, draw: Callable[[Shot], NDArray[np.uint8]], shots: Mapping[str, Shot]
    ) -> None:
        self._draw, self._shots = draw, shots
        self._drawn: dict[str, NDArray[np.uint8]] = {}

    def __getitem__(self, camera: str) -> NDArray[np.uint8]:
        if camera not in self._drawn:
            self._drawn[camera] = self._draw(self._shots[camera])
        return self._drawn[camera]

    def __contains__(self, camera: object) -> bool:
        return camera in self._shots

    def __iter__(self) -> Iterator[str]:
        return iter(self._shots)

    def __len__(self) -> int:
        return len(self._shots)


def unseen_frames(simulation: Simulation) -> list[FrameArrival]:
    """When frames arrive, without their pictures."""
    nothing = np.zeros((0, 0, 3), np.uint8)
    found = [
        FrameArrival(shot.arrival_ns, CameraFrame(shot.camera, shot.stamp_ns, nothing))
        for shot in shots(simulation)
    ]
    return sorted(found, key=lambda arrival: arrival.arrival_ns)


def simulations(seed: int, number: int) -> Iterator[Simulation]:
    """The scenarios of one store of a collection; the same numbers give the same ones.

    Args:
        seed: Of the whole collection, below 2**40.
        number: Of the store in it.
    """
    rng = np.random.default_rng((seed, number, 41))
    store = generate_store(rng, sight_spec(rng))
    for _ in range(SCENARIOS_OF_STORE):
        try:
            yield simulate(store, sight_scenario(rng, store), int(rng.integers(1 << 30)))
        except ScenarioError:  # Its aisles are blocked: a store that nobody can shop in.
            return


def fingerprint(simulation: Simulation) -> str:
    """What cameras saw belongs to this and to no other simulation: a digest of what happens."""
    slots = sorted((s.id, s.product, s.shelf, s.area) for s in simulation.store.slots.values())
    events = [event for event, _ in simulation.effects]
    told = repr((slots, events, simulation.gate_events, simulation.scenario.cameras))
    return hashlib.sha256(told.encode()).hexdigest()


def looks_of(store: Store, vision: Vision) -> dict[str, Floats]:
    """What the encoder makes of each product's catalogue pictures."""
    return vision.looks_of({p.id: list(catalogue_of(p)) for p in store.products.values()})


def record(simulation: Simulation, vision: Vision) -> Sightings:
    """Draw a scenario and look at it.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    cameras = SimulatedCameras(simulation)
    try:
        eyes = KeepingEyes(simulation.store, vision.encoder, None, {})
        deque(samples_of(simulation, None, (0.0, 0.0), eyes, cameras.frames()), maxlen=0)
    finally:
        cameras.close()
    return eyes.sightings(simulation)


def write(path: Path, digest: str, scenarios: list[Sightings]) -> None:
    """Write all scenarios of a store, whole or not at all.

    Args:
        path: Of the file.
        digest: See `Vision.look_digest`.
        scenarios: What was seen.
    """
    arrays = {
        f"{i}/{name}": array
        for i, sightings in enumerate(scenarios)
        for name, array in sightings.arrays().items()
    }
    data = io.BytesIO()
    np.savez_compressed(data, **arrays, encoder=np.array(digest))  # type: ignore[arg-type]
    write_atomic(path, data.getvalue())


def read(path: Path, digest: str | None) -> list[Sightings]:
    """All scenarios of a store's file.

    Args:
        path: Of the file.
        digest: See `Vision.look_digest`; None takes any, for what no encoder is asked about.

    Raises:
        ValueError: It is none, or `digest` is another one.
    """
    arrays = read_arrays(path)
    if str(arrays.pop("encoder", "")) != digest and digest is not None:
        raise ValueError(f"{path}: other networks looked at these stores, or on other planes")
    parts: dict[str, dict[str, NDArray[np.generic]]] = {}
    for key, array in arrays.items():
        number, _, name = key.partition("/")
        parts.setdefault(number, {})[name] = array
    try:
        return [Sightings.of(parts[number]) for number in sorted(parts, key=int)]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: not sightings: {error!r}") from error


def path_of(folder: Path, seed: int, number: int) -> Path:
    """Of one store's file."""
    return folder / f"sightings-{seed}-{number:05d}.npz"


def stores_in(folder: Path) -> list[tuple[int, int]]:
    """Seed and number of each store whose sightings are in a folder, sorted."""
    names = (_NAME.fullmatch(path.name) for path in folder.glob("sightings-*.npz"))
    return sorted((int(found[1]), int(found[2])) for found in names if found)


def main() -> None:
    """Draw stores and look at them; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--vision", type=Path, help="the trained networks that look")
    parser.add_argument("--out", type=Path, required=True, help="folder of the sightings")
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    vision = load_vision(args.vision)
    args.out.mkdir(parents=True, exist_ok=True)
    done = set(stores_in(args.out))
    for number in range(args.stores):
        if (args.seed, number) in done:
            continue
        begun, seconds, found = time.process_time(), 0.0, []
        for simulation in simulations(args.seed, number):
            found.append(record(simulation, vision))
            seconds += simulation.duration_s
        write(path_of(args.out, args.seed, number), vision.look_digest, found)
        cost = round(time.process_time() - begun, 1)
        print(json.dumps({"store": number, "seconds": round(seconds), "cpu_s": cost}), flush=True)


if __name__ == "__main__":
    main()
