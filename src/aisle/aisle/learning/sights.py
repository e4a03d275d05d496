"""Training windows with what cameras saw, as shards.

    python -m aisle.learning.sights --vision run --sightings sightings --out shards

The networks that look are trained before and stay as they are. What the encoder saw is read from
sightings (`aisle.learning.sightings`); the follower follows people anew. Several processes may fill
one folder, each with some of the seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from aisle.fusion.runtime import ModelError, OnnxRuntime, Runtime, load_runtime
from aisle.learning.collect import Sample, endless_samples, samples_of
from aisle.learning.shards import Shards
from aisle.learning.sightings import (
    RecalledEyes,
    Sightings,
    fingerprint,
    looks_of,
    path_of,
    read,
    simulations,
    stores_in,
    unseen_frames,
)
from aisle.learning.when_seen import WhenSeen
from aisle.vision.networks import Vision, load_vision

_WRITING_S = 5.0
"""A model that is being written is whole by then."""
KEEP = (0.25, 0.9)
"""Share of windows kept when nothing is to say, and when something is."""


def store_samples(
    seed: int, number: int, vision: Vision, sightings: Sequence[Sightings], model: Runtime | None
) -> list[Sample]:
    """Windows of one store and its scenarios; the same arguments give the same windows.

    Args:
        seed: Of the sightings.
        number: Of the store in them.
        vision: What looked, and follows.
        sightings: What was seen in each scenario.
        model: Answers in place of the teacher when given.

    Raises:
        ValueError: The sightings are of other stores or other people: the simulator has changed.
    """
    found: list[Sample] = []
    looks = None
    for simulation, seen in zip(simulations(seed, number), sightings, strict=True):
        if seen.of_what != fingerprint(simulation):
            raise ValueError(f"store {number} of seed {seed} was another one when it was looked at")
        looks = looks or looks_of(simulation.store, vision)
        eyes = RecalledEyes(simulation.store, vision.follower, looks, seen)
        frames, when = unseen_frames(simulation), WhenSeen(simulation, seen.looked)
        found += samples_of(simulation, model, KEEP, eyes, frames, when)
    return found


def _model(path: Path | None) -> OnnxRuntime | None:
    """The model as it is so far; None as long as there is none.

    Raises:
        ModelError: It cannot be loaded, nor a little later.
    """
    try:
        return load_runtime(path) if path is not None and path.is_file() else None
    except ModelError:
        time.sleep(_WRITING_S)
        return load_runtime(path)


def main() -> None:
    """Fill a folder with shards; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--vision", type=Path, help="the trained networks that look")
    parser.add_argument("--sightings", type=Path, required=True, help="folder of the sightings")
    parser.add_argument(
        "--model", type=Path, help="answers in part of the scenes, once it is there"
    )
    parser.add_argument("--out", required=True, help="folder or fsspec URL of the shards")
    parser.add_argument("--scales", type=int, default=600, help="windows of scales for each store")
    parser.add_argument("--seeds", type=int, nargs="*", help="of the sightings; all when left out")
    args = parser.parse_args()
    vision = load_vision(args.vision)
    shards = Shards(args.out, vision.manifest["sha256"])
    done = set(shards.names())
    for seed, number in stores_in(args.sightings):
        name = f"sights-{seed}-{number:05d}.tar"
        if name in done or (args.seeds and seed not in args.seeds):
            continue
        begun = time.process_time()
        model = _model(args.model) if number % 2 else None
        sightings = read(path_of(args.sightings, seed, number), vision.look_digest)
        found = store_samples(seed, number, vision, sightings, model)
        seen = len(found)
        # Of each store's own seed: a run that goes on does not write the same windows again.
        scales = endless_samples((seed + 10_000_019) * 100_003 + number)
        found += islice(scales, args.scales)
        shards.write(name, found)
        told = {
            "seed": seed, "store": number, "windows": seen,
            "changes": sum(s.label.kind == "change" for s in found[:seen]),
            "cpu_s": round(time.process_time() - begun, 1), "model": model is not None,
        }  # fmt: skip
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
