"""Training of the receipt transformer with cameras, on shards of `aisle.learning.sights`.

    python -m aisle.learning.sight_train --scales run --shards shards --held-out unseen --out run2

It begins with the weights of a run of `aisle train`, which knows scales. Parts of what a window
has are taken away while learning, so that the model does with what there is.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from aisle.fusion.windows import FEATURES, SIGHT_SHAPES, Arrays
from aisle.learning.calibrate import Choice, fit_temperature
from aisle.learning.collect import Sample
from aisle.learning.export import export
from aisle.learning.loss import Batch, all_logits, losses, make_batch
from aisle.learning.run import Run
from aisle.learning.shards import Shards
from aisle.receipt_model.network import NetworkConfig, ReceiptTransformer
from aisle.vision.networks import MANIFEST

Rng = np.random.Generator
OWN = "own.onnx"
"""The model so far, for the simulations."""
_AT_ONCE = 4
_CHECKED = 1500
"""Windows of the check, about."""
_ALONG = {
    "plate_signal": 0, "plate_valid": 0, "plate_static": 0, "plate_mask": 0, "candidate_plates": 1,
    "column_feature": 0, "column_state": 0, "column_static": 0, "column_mask": 0,
    "candidate_columns": 1,
}  # fmt: skip
"""Axes that run along the shelf."""
_SIGNED = {"plate_static": [0], "column_static": [0], "session_track": [0, 3]}
"""Numbers that are places along the shelf, from its middle."""


@dataclass(frozen=True)
class SightConfig:
    """How to train; written into the manifest."""

    seed: int = 1
    steps: int = 5000
    batch: int = 96
    rate: float = 1e-3
    warm_up: int = 200
    decay: float = 0.01
    average: float = 0.998
    check_every: int = 500
    own_every: int = 500
    no_cameras: float = 0.1
    """Shares of windows from which something is taken away."""
    no_tracks: float = 0.05
    camera_lost: float = 0.05
    no_scales: float = 0.1
    no_plates: float = 0.1
    no_looks: float = 0.05
    some_looks: float = 0.1
    turned: float = 0.7
    """Share of windows whose products are others."""
    track_m: float = 0.08
    """How far tracks are moved, standard deviation."""


def new_network() -> ReceiptTransformer:
    """A receipt transformer that takes what cameras see."""
    return ReceiptTransformer(NetworkConfig(sight=True))


def without_cameras(arrays: Arrays) -> Arrays:
    """Nothing is seen, as in a store without cameras."""
    return {name: a for name, a in arrays.items() if name not in SIGHT_SHAPES}


def without_scales(arrays: Arrays) -> Arrays:
    """The shelf's scales say nothing, as when their controller is dead."""
    gone = {"plate_signal", "plate_valid"}
    # How rough a signal is tells of steps in it; a dead controller's is as smooth as can be.
    static = arrays["plate_static"].copy()
    static[:, 3] = -1.0
    found = {name: np.zeros_like(a) if name in gone else a for name, a in arrays.items()}
    return found | {"plate_static": static}


def without_plates(arrays: Arrays) -> Arrays:
    """The shelf has no plates."""
    gone = {"plate_signal", "plate_valid", "plate_static", "plate_mask", "candidate_plates"}
    return {name: np.zeros_like(a) if name in gone else a for name, a in arrays.items()}


def weakened(sample: Sample, config: SightConfig, rng: Rng) -> Sample:
    """A sample from which parts may be missing; what is right stays."""
    arrays, right = sample.arrays, sample.label
    if "column_mask" not in arrays:
        return sample
    draw = rng.random(4)
    if draw[0] < config.no_cameras:
        return replace(sample, arrays=without_cameras(arrays))
    if draw[0] > 1 - config.no_scales - config.no_plates:
        take = without_scales if draw[0] > 1 - config.no_scales else without_plates
        arrays = take(arrays)
        if right.delta is not None:
            right = replace(right, delta=np.zeros_like(right.delta))
    if draw[1] < config.no_tracks:
        arrays = arrays | {"session_track": np.zeros_like(arrays["session_track"])}
    if draw[2] < config.camera_lost:
        arrays = _half_seen(arrays, rng)
    look = arrays["candidate_look"]
    if draw[3] < config.no_looks:
        arrays = arrays | {"candidate_look": np.zeros_like(look)}
    elif draw[3] < config.no_looks + config.some_looks:
        arrays = arrays | {"candidate_look": look * (rng.random((len(look), 1)) < 0.7)}
    return Sample(arrays, right)


def mirrored(sample: Sample) -> Sample:
    """The same in a store that is seen in a mirror: left is right."""
    arrays, right = dict(sample.arrays), sample.label
    for name, axis in _ALONG.items():
        if name in arrays:
            arrays[name] = np.flip(arrays[name], axis)
    for name, numbers in _SIGNED.items():
        if name in arrays:
            arrays[name] = arrays[name].copy()
            arrays[name][..., numbers] *= -1
    if right.delta is not None:
        right = replace(right, delta=right.delta[::-1].copy())
    return Sample(arrays, right)


def turned(sample: Sample, rng: Rng) -> Sample:
    """Other products that are as like and unlike each other: all features turned alike."""
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0].astype(np.float32)
    arrays = sample.arrays
    names = ("column_feature", "candidate_look")
    return replace(sample, arrays=arrays | {name: arrays[name] @ turn for name in names})


def varied(sample: Sample, config: SightConfig, rng: Rng) -> Sample:
    """A sample that might as well be: seen in a mirror, of other products, with rougher tracks."""
    if "column_mask" not in sample.arrays:
        return sample
    if rng.random() < 0.5:
        sample = mirrored(sample)
    if rng.random() < config.turned:
        sample = turned(sample, rng)
    track = sample.arrays["session_track"]
    off = rng.normal(0, config.track_m, (len(track), 1, 2)) + rng.normal(
        0, config.track_m / 2, (*track.shape[:2], 2)
    )
    off = np.tile(off, 2)
    moved = track.copy()
    seen = track[..., [2]] > 0
    moved[..., [0, 1, 3, 4]] += (off * seen).astype(np.float32)
    return replace(sample, arrays=sample.arrays | {"session_track": moved})


def _half_seen(arrays: Arrays, rng: Rng) -> Arrays:
    """One side of the shelf is in no camera's sight."""
    count = len(arrays["column_mask"])
    seen = np.arange(count) < rng.integers(count + 1)
    seen = seen if rng.random() < 0.5 else ~seen
    wide = seen[:, None, None]
    static = arrays["column_static"].copy()
    static[~seen, 1] = 0
    return arrays | {
        "column_feature": arrays["column_feature"] * wide,
        "column_state": arrays["column_state"] * wide,
        "column_static": static,
    }


class Library:
    """The samples of a folder of shards, the newest too; each shard is read once."""

    def __init__(self, url: str) -> None:
        self._shards, self._read = Shards(url), set[str]()
        self.samples: list[Sample] = []

    def refresh(self) -> int:
        """Read what is new; how many samples there are.

        Raises:
            ValueError: There is none.
        """
        for name in self._shards.names():
            if name not in self._read:
                self._read.add(name)
                self.samples.extend(self._shards.read(name))
        if not self.samples:
            raise ValueError("no shards; `aisle.learning.sights` makes them")
        return len(self.samples)


class SightTrainer(Run[ReceiptTransformer, SightConfig]):
    """The receipt transformer with cameras in training."""

    def __init__(self, directory: Path, config: SightConfig, scales: Path | None) -> None:
        """Resume what the directory holds; else begin with the weights of a run with scales."""
        super().__init__(directory, new_network, config)
        if self.step == 0 and scales is not None:
            state = torch.load(scales / "checkpoint.pt", weights_only=True)["average"]
            self.network.load_state_dict(state, strict=False)
            self.average.load_state_dict(state, strict=False)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        self.network.train()
        parts = losses(self.network(**batch.inputs), batch)
        self.descend(parts["total"])
        return {name: float(value.detach()) for name, value in parts.items()}


@torch.no_grad()
def check(network: ReceiptTransformer, batches: list[Batch]) -> dict[str, float]:
    """How well a network does: loss, answers right, changes right, whose among several right."""
    network.eval()
    total, right, change, change_right, several, whose, loss = 0, 0, 0, 0, 0, 0, 0.0
    for batch in batches:
        outputs = network(**batch.inputs)
        best = all_logits(outputs).argmax(1, keepdim=True)
        hit = batch.target.gather(1, best)[:, 0]
        total += len(hit)
        right += int(hit.sum())
        change += int(batch.is_change.sum())
        change_right += int((hit & batch.is_change).sum())
        loss += float(losses(outputs, batch)["answer"]) * len(hit)
        rows = (batch.is_change & (batch.inputs["session_mask"].sum(1) > 1)).nonzero()[:, 0]
        said = outputs[3][rows, batch.candidate[rows]].argmax(1)
        several += len(rows)
        whose += int((said == batch.session[rows]).sum())
    return {
        "loss": round(loss / total, 4), "right": round(right / total, 4),
        "change_right": round(change_right / max(change, 1), 4), "changes": change,
        "whose": round(whose / max(several, 1), 4), "several": several,
    }  # fmt: skip


@torch.no_grad()
def session_temperature(network: ReceiptTransformer, batches: list[Batch]) -> tuple[float, int]:
    """What divides the logits of whose a change is, fitted; and on how many changes."""
    network.eval()
    choices: list[Choice] = []
    for batch in batches:
        session = network(**batch.inputs)[3]
        count = batch.inputs["session_mask"].sum(1).long()
        for row in (batch.is_change & (count > 1)).nonzero()[:, 0].tolist():
            logits = session[row, batch.candidate[row], : count[row]]
            choices.append((logits.tolist(), int(batch.session[row])))
    return fit_temperature(choices), len(choices)


_KINDS: dict[str, Callable[[Arrays], Arrays]] = {
    "all": dict,
    "no_cameras": without_cameras,
    "no_scales": without_scales,
}


def _checks(held_out: Library, size: int) -> dict[str, list[Batch]]:
    """Held-out windows with cameras: whole, and with a modality taken away."""
    seen = [s for s in held_out.samples if "column_mask" in s.arrays]
    seen = seen[:: max(1, len(seen) // _CHECKED)]
    found = {}
    for kind, take in _KINDS.items():
        some = [(take(s.arrays), s.label) for s in seen]
        found[kind] = [
            make_batch(some[i : i + size], sight=True) for i in range(0, len(some), size)
        ]
    return found


def _batches(rng: Rng, samples: list[Sample], config: SightConfig) -> list[Batch]:
    """Batches of windows of about the same size, so that padding is small."""
    chosen = [samples[i] for i in rng.integers(0, len(samples), _AT_ONCE * config.batch)]
    chosen.sort(
        key=lambda s: len(s.arrays.get("column_mask", ())) * 100 + len(s.arrays["plate_mask"])
    )
    weak = [weakened(varied(sample, config, rng), config, rng) for sample in chosen]
    pairs = [(sample.arrays, sample.label) for sample in weak]
    parts = [pairs[i : i + config.batch] for i in range(0, len(pairs), config.batch)]
    return [make_batch(parts[i], sight=True) for i in rng.permutation(len(parts))]


def _size(arrays: Arrays) -> tuple[int, int]:
    return len(arrays.get("column_mask", ())), len(arrays["plate_mask"])


def train(
    directory: Path, shards: str, held_out: str, config: SightConfig, scales: Path | None,
    minutes: float = math.inf,
) -> SightTrainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run; again to go on.

    Args:
        directory: Of checkpoint, log and model.
        shards: Folder or URL to learn from; it may still be growing.
        held_out: Folder or URL to check on, of other seeds.
        config: How to train.
        scales: Run of `aisle train` to begin with.
        minutes: At most.

    Raises:
        ValueError: A folder has no shards.
    """
    torch.set_num_threads(1)
    trainer = SightTrainer(directory, config, scales)
    library, others = Library(shards), Library(held_out)
    library.refresh()
    others.refresh()
    checks = _checks(others, config.batch)
    rng = np.random.default_rng((config.seed, trainer.step))
    begun, before, saved = time.monotonic(), trainer.seconds, time.monotonic()
    mean: dict[str, float] = {}
    while trainer.step < config.steps and time.monotonic() - begun < 60 * minutes:
        if trainer.step % 50 < _AT_ONCE:
            library.refresh()
        for batch in _batches(rng, library.samples, config):
            for name, value in trainer.learn(batch).items():
                mean[name] = 0.98 * mean.get(name, value) + 0.02 * value
        trainer.seconds = before + time.monotonic() - begun
        if trainer.step % config.check_every < _AT_ONCE:
            found = {kind: check(trainer.average, batches) for kind, batches in checks.items()}
            trainer.log(
                step=trainer.step, seconds=round(trainer.seconds), samples=len(library.samples),
                train={k: round(v, 4) for k, v in mean.items()}, check=found,
            )  # fmt: skip
        if trainer.step % config.own_every < _AT_ONCE:
            export(trainer.average, directory / OWN, {})
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    return trainer


def main() -> None:
    """Train the receipt transformer with cameras; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scales", type=Path, help="run of `aisle train` to begin with")
    parser.add_argument(
        "--vision", type=Path, required=True, help="the networks with which shards were made"
    )
    parser.add_argument("--shards", required=True, help="folder or URL of shards to learn from")
    parser.add_argument("--held-out", required=True, help="folder or URL of shards for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=SightConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    args = parser.parse_args()
    config = SightConfig(steps=args.steps)
    trainer = train(args.out, args.shards, args.held_out, config, args.scales, args.minutes)
    held_out = Library(args.held_out)
    held_out.refresh()
    checks = _checks(held_out, config.batch)
    temperature, choices = session_temperature(trainer.average, checks["all"])
    vision = json.loads((args.vision / MANIFEST).read_text())
    for name in (MANIFEST, *vision["sha256"]):
        shutil.copy(args.vision / name, args.out / name)
    manifest = {
        "vision": vision["sha256"],
        "session_temperature_seen": temperature, "session_choices_seen": choices,
        "check": {kind: check(trainer.average, batches) for kind, batches in checks.items()},
        "network": asdict(trainer.network.config), "training": asdict(config),
        "steps": trainer.step, "seconds": round(trainer.seconds),
        "data": "aisle.learning.sights: rendered stores, no recordings",
    }  # fmt: skip
    export(trainer.average, args.out / "receipt_transformer.onnx", manifest)


if __name__ == "__main__":
    main()
