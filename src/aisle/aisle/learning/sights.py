"""Training windows with what cameras saw, as shards: stores, people and pictures of every make.

    python -m aisle.learning.sights --vision run --out shards --stores 100 --seed 1

The networks that look are trained before and stay as they are; what they say of rendered pictures
is kept instead of the pictures. Several processes with different seeds may fill one folder.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import islice
from pathlib import Path

import numpy as np

from aisle.fusion.runtime import OnnxRuntime, Runtime, load_runtime
from aisle.learning.collect import Sample, endless_samples, samples_of
from aisle.learning.looks import catalogue_of
from aisle.learning.shards import Shards
from aisle.sim.cameras import SimulatedCameras
from aisle.sim.scenario import Actions, Cameras, Catalogue, Scales, Scenario, ScenarioError
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Store
from aisle.vision.networks import Vision, load_vision

Rng = np.random.Generator

RATE_HZ = 4.0
"""Pictures are drawn once a tick: of faster cameras the fusion takes no more."""
SCENARIOS_OF_STORE = 3
KEEP = (0.25, 0.9)
"""Share of windows kept when nothing is to say, and when something is."""
_PICTURE_WIDTHS = ((800, 600), (640, 480))


def sight_spec(rng: Rng) -> StoreSpec:
    """A small store with cameras; its shelves have plates or not."""
    wide = bool(rng.random() < 0.7)
    lens = (float(rng.uniform(-0.16, 0.0)), 0.02, 5e-4, -5e-4, 0.0)
    room = float(rng.uniform(3.8, 4.8)), float(rng.uniform(4.6, 5.8))
    return StoreSpec(
        name="sights",
        room_m=room if rng.random() < 0.8 else None,
        gondolas=int(rng.integers(2, 4)),
        fridges=int(rng.random() < 0.6),
        shelves=(int(rng.integers(3, 5)),),
        first_board_m=float(rng.uniform(0.25, 0.4)),
        head_room_m=(0.28, 0.36),
        plates=(6,) if wide else (9, 12),
        plate_width_m=(0.2, 0.2) if wide else (0.1, 0.1),
        span=((1, 0.4), (2, 0.6)) if wide else ((1, 0.2), (2, 0.5), (3, 0.3)),
        bare_shelves=float(rng.choice([0.0, 0.4, 0.7])),
        empty_plates=0.02,
        doubled=float(rng.choice([0.0, 0.08])),
        assortment=int(rng.integers(120, 320)),
        cameras=int(rng.integers(3, 5)),
        camera_height_m=float(rng.uniform(2.3, 2.8)),
        camera_pixels=_PICTURE_WIDTHS[int(rng.random() < 0.5)],
        camera_fov_rad=float(rng.uniform(0.85, 1.2)),
        camera_distortion=lens if rng.random() < 0.6 else (0.0,) * 5,
        camera_rate_hz=RATE_HZ,
        overviews=1,
        overview_fov_rad=float(rng.uniform(1.8, 2.2)),
    )


def sight_scenario(rng: Rng, store: Store) -> Scenario:
    """One to six people with bodies, alone, in pairs, and in each other's way."""
    together = int(rng.choice([1, 2, 3, 4, 6], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    meet = together > 1
    return Scenario(
        name="sights",
        walk=True,
        shoppers=together,
        together=together,
        stay_s=(35.0, 60.0),
        between_s=(0.5, 4.0),
        lead_s=float(rng.uniform(1.0, 4.0)),
        action_s=float(rng.uniform(3.0, 6.0)),
        overlap=float(rng.choice([0.05, 0.15])),
        same_fixture=float(rng.uniform(0.3, 0.8)),
        slop_m=float(rng.uniform(0.0, 0.02)),
        group_size=(1, 2) if meet and rng.random() < 0.3 else (1, 1),
        actions=Actions(
            take=0.45, take_several=0.08, put_back=0.12,
            put_back_elsewhere=float(rng.uniform(0.05, 0.2)),
            look_and_put_back=float(rng.uniform(0.05, 0.15)),
            touch=0.08,
            two_hands=0.03,
            hand_over=0.04 * meet, swap_places=0.05 * meet, two_at_slot=0.08 * meet,
            crowd=0.03 * meet,
        ),
        scales=Scales(
            noise=float(np.exp(rng.normal(0, 0.35))),
            bursts_per_minute=float(rng.choice([0, 2, 8])),
            sways_per_minute=float(rng.choice([0, 1, 4])),
            stuck_plates=float(rng.choice([0, 0.03])),
            dead_plates=float(rng.choice([0, 0.03])),
            dropped_messages=float(rng.choice([0, 0.003])),
        ),
        catalogue=Catalogue(
            relative_error=float(rng.uniform(0.003, 0.02)),
            tail_share=float(rng.uniform(0.02, 0.2)),
        ),
        cameras=Cameras(
            dropped_frames=float(rng.choice([0.0, 0.02, 0.1])), silent=_lost(rng, store)
        ),
    )  # fmt: skip


def _lost(rng: Rng, store: Store) -> tuple[tuple[str, float, float], ...]:
    """Now and then a camera gives nothing for a while, or for good."""
    found = []
    for name in store.cameras:
        if rng.random() < 0.08:
            begin = float(rng.uniform(-20, 60))
            found.append((name, begin, begin + float(rng.choice([5.0, 15.0, 1000.0]))))
    return tuple(found)


def store_samples(seed: int, number: int, vision: Vision, model: Runtime | None) -> list[Sample]:
    """Windows of one store and some scenarios; the same numbers give the same windows.

    Args:
        seed: Of the whole collection, below 2**40.
        number: Of the store in it.
        vision: What looks.
        model: Answers in place of the teacher when given.

    Raises:
        RenderingError: Nothing can be drawn on this machine.
    """
    rng = np.random.default_rng((seed, number, 41))
    store = generate_store(rng, sight_spec(rng))
    looks = vision.looks_of({p.id: list(catalogue_of(p)) for p in store.products.values()})
    found: list[Sample] = []
    for _ in range(SCENARIOS_OF_STORE):
        try:
            simulation = simulate(store, sight_scenario(rng, store), int(rng.integers(1 << 30)))
        except ScenarioError:  # Its aisles are blocked: a store that nobody can shop in.
            break
        cameras = SimulatedCameras(simulation)
        try:
            eyes = vision.eyes(store, looks)
            found += samples_of(simulation, model, KEEP, eyes, cameras.frames())
        finally:
            cameras.close()
    return found


def main() -> None:
    """Fill a folder with shards; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--vision", type=Path, help="the trained networks that look")
    parser.add_argument(
        "--model", type=Path, help="answers in part of the scenes, once it is there"
    )
    parser.add_argument("--out", required=True, help="folder or fsspec URL of the shards")
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--scales", type=int, default=600, help="windows of scales for each store")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    shards, vision = Shards(args.out), load_vision(args.vision)
    done = set(shards.names())
    for number in range(args.stores):
        name = f"sights-{args.seed}-{number:05d}.tar"
        if name in done:
            continue
        begun = time.process_time()
        model: OnnxRuntime | None = None
        if args.model is not None and args.model.is_file() and number % 2:
            model = load_runtime(args.model)
        found = store_samples(args.seed, number, vision, model)
        seen = len(found)
        # Of each store's own seed: a run that goes on does not write the same windows again.
        scales = endless_samples((args.seed + 10_000_019) * 100_003 + number)
        found += islice(scales, args.scales)
        shards.write(name, found)
        told = {
            "store": number, "windows": seen,
            "changes": sum(s.label.kind == "change" for s in found[:seen]),
            "cpu_s": round(time.process_time() - begun, 1), "model": model is not None,
        }  # fmt: skip
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
