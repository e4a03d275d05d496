"""Fine-tuning of the strip encoder on real photos: a photo shall find its class's catalogue image.

    python -m aisle.learning.photo_train DIRECTORY --encoder RUN --out OUT [--seed 0] [--steps N]
    python -m aisle.learning.photos DIRECTORY --encoder OUT/encoder_catalogue.onnx [--seed 0]

The first learns, starting from a run of `aisle.learning.encode`, the second measures. Of the split
`val` and of the classes that `aisle.learning.photos` leaves out no picture is opened. It can be
stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.files import write_atomic
from aisle.learning.array_files import Library
from aisle.learning.columns import BatchConfig, dye, lit, losses, make_batch
from aisle.learning.export_encoder import export_encoder
from aisle.learning.looks import Looks
from aisle.learning.photos import (
    Encoder,
    Photos,
    PhotosError,
    Vector,
    evaluate,
    fitted,
    left_out,
    read_photos,
)
from aisle.learning.run import Run
from aisle.receipt_model.encoder import StripEncoder
from aisle.store.images import ImageError, Picture, read_image
from aisle.vision.strips import ROWS

Rng = np.random.Generator

_SEED = "photo_train.json"
"""Of a run: by which seed classes were left out."""
_STORED_PX = 2 * ROWS
"""The longer side of pictures in memory: half of it is still as much as the encoder sees."""


@dataclass(frozen=True)
class PhotoTrainConfig:
    """How to train."""

    seed: int = 0
    """Of the classes left out, and of all that is drawn."""
    steps: int = 1500
    photos: int = 64
    """In a batch."""
    check_classes: int = 8
    """Of which photos and catalogue image are only for checks, among those not left out."""
    check_share: float = 0.1
    """Of the photos of each other class, for checks only."""
    rate: float = 1e-3
    warm_up: int = 100
    decay: float = 0.02
    average: float = 0.998
    check_every: int = 300


@dataclass(frozen=True)
class Batch:
    """Photos, and the catalogue images among which each has to find its own."""

    photos: Tensor
    """[B, 3, ROWS, ROWS] RGB from 0 to 255."""
    catalogue: Tensor
    """[C, 3, ROWS, ROWS]"""
    class_: Tensor
    """[B] which of the C."""


def divide(photos: Photos, config: PhotoTrainConfig) -> Photos:
    """What may be seen of a data set: the classes that are not left out, and three new splits.

    `learn` is trained on. `known` has other photos of the same classes, and `new` all photos of
    classes that are not in `learn`; both are for checks. All are of `train`.

    Raises:
        PhotosError: There is no split `train`, or nothing remains to learn.
    """
    out = left_out(photos, config.seed)
    of_class: dict[int, list[tuple[Path, int]]] = {}
    for path, class_ in photos.splits.get("train", ()):
        if class_ not in out:
            of_class.setdefault(class_, []).append((path, class_))
    order = np.random.default_rng((config.seed, 7)).permutation(sorted(of_class)).tolist()
    new, learn = order[: config.check_classes], sorted(order[config.check_classes :])
    if len(learn) < 2:
        raise PhotosError(f"{len(of_class)} classes of `train` are not left out: too few to learn")
    # Neighbours in the list show the same heap, so the end of it is kept back and not every tenth.
    until = {c: math.ceil(len(of_class[c]) * (1 - config.check_share)) for c in learn}
    return Photos(
        tuple(one for one in photos.classes if one.id in of_class),
        {
            "learn": tuple(found for c in learn for found in of_class[c][: until[c]]),
            "known": tuple(found for c in learn for found in of_class[c][until[c] :]),
            "new": tuple(found for c in sorted(new) for found in of_class[c]),
        },
    )


class Album:
    """The pictures to learn from, in memory.

    Args:
        photos: As `divide` gives them.

    Raises:
        PhotosError: A picture cannot be read.
    """

    def __init__(self, photos: Photos) -> None:
        of_class: dict[int, list[Picture]] = {}
        for path, class_ in photos.splits["learn"]:
            of_class.setdefault(class_, []).append(_picture(path))
        iconic = {one.id: one.iconic for one in photos.classes}
        self.photos = list(of_class.values())
        self.catalogue = [_picture(iconic[class_]) for class_ in of_class]

    def batch(self, rng: Rng, count: int) -> Batch:
        """Draw `count` photos: classes as often as each other, each picture changed in its way."""
        class_ = rng.integers(len(self.photos), size=count)
        drawn = [self.photos[c][rng.integers(len(self.photos[c]))] for c in class_]
        # Other colours make other classes; so few as there are would be learnt by heart.
        colours = dye(rng)
        return Batch(
            _varied(rng, drawn, colours),
            _varied(rng, self.catalogue, colours),
            torch.from_numpy(class_),
        )


def _picture(path: Path) -> Picture:
    try:
        found = read_image(path)
    except ImageError as error:
        raise PhotosError(f"{path}: {error}") from None
    scale = _STORED_PX / max(found.shape[:2])
    size = max(1, round(found.shape[1] * scale)), max(1, round(found.shape[0] * scale))
    return np.asarray(cv2.resize(found, size, interpolation=cv2.INTER_AREA), np.uint8)


def _varied(rng: Rng, pictures: Sequence[Picture], colours: NDArray[np.float32]) -> Tensor:
    """A part of each picture, perhaps mirrored, in other colours and light: [N, 3, ROWS, ROWS]."""
    found = []
    for picture in pictures:
        whole = picture.shape[:2]
        height, width = (max(1, round(n * rng.uniform(0.6, 1))) for n in whole)
        y, x = (rng.integers(n - m + 1) for n, m in zip(whole, (height, width), strict=True))
        part = picture[y : y + height, x : x + width]
        found.append(fitted(part[:, :: rng.choice((-1, 1))], ROWS, ROWS))
    return lit(rng, np.stack(found) @ colours, 0.2, 0.06)


def start(run: Path) -> StripEncoder:
    """What a run of `aisle.learning.encode` has learnt so far.

    Raises:
        PhotosError: It is no such run.
    """
    encoder = StripEncoder()
    try:
        state = torch.load(run / "checkpoint.pt", "cpu", weights_only=True)
        encoder.load_state_dict(state["average"])
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PhotosError(f"{run} holds no run of aisle.learning.encode: {reason}") from None
    return encoder


class Trainer(Run[StripEncoder, PhotoTrainConfig]):
    """The strip encoder in training on photos."""

    def __init__(self, directory: Path, config: PhotoTrainConfig, run: Path) -> None:
        super().__init__(directory, lambda: start(run), config, (0.9, 0.999))
        # Centres are not moved: photos, catalogue images and rendered pictures would each pull
        # them their way.
        self.network.eval()

    def learn(self, batch: Batch, rendered: Tensor | float = 0.0) -> dict[str, float]:
        """One step; `rendered` is a loss of the same network that is added."""
        named = self.network.catalogue(torch.cat([batch.photos, batch.catalogue])[:, None])
        count = len(batch.photos)
        likeness = self.network.likeness(named[:count], named[count:])
        wrong = F.cross_entropy(likeness, batch.class_)
        self.descend(wrong + rendered)
        right = (likeness.argmax(1) == batch.class_).float().mean()
        return {"name": float(wrong.detach()), "top1": float(right)}


def train(
    directory: Path, run: Path, out: Path, config: PhotoTrainConfig, looks: Path | None = None,
    minutes: float = math.inf,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed; write both encoder files.

    Args:
        directory: The photos.
        run: Of `aisle.learning.encode`, from which to start.
        out: Where checkpoint, log and files go.
        config: How to train.
        looks: Of `aisle.learning.looks`: in every step the encoder also learns what it learnt in
            the first place. Without, the file for strips still fits the one for the catalogue,
            but nothing keeps it as good as it was.
        minutes: At most, in this call.

    Raises:
        PhotosError: The photos or the run cannot be used, or `out` has another run, or
            one of another seed.
        ValueError: `looks` has no pictures.
    """
    torch.set_num_threads(1)
    seen = divide(read_photos(directory), config)
    album, library = Album(seen), Library(looks, Looks, "looks") if looks else None
    if library:
        library.stores()
    _check_seed(out, config.seed)
    trainer = Trainer(out, config, run)
    write_atomic(out / _SEED, json.dumps({"seed": config.seed}).encode())

    def learn(rng: Rng) -> dict[str, float]:
        batch = album.batch(rng, config.photos)
        if not library:
            return trainer.learn(batch)
        shelves = make_batch(rng, library.stores(), BatchConfig())
        return trainer.learn(batch, losses(trainer.network, shelves)["total"])

    trainer.go(learn, lambda: {"check": check(trainer.learnt, seen)}, minutes)
    export_encoder(trainer.learnt, out)
    found = check(trainer.learnt, seen)
    trainer.log(event="finished", step=trainer.step, check=found, config=asdict(config))
    return trainer


def check(encoder: StripEncoder, seen: Photos) -> dict[str, float]:
    """Shares of photos found among the classes of `divide`, for its splits `known` and `new`."""
    found: dict[str, float] = {}
    for split in ("known", "new"):
        score = evaluate(seen, _encode(encoder), split).every
        found |= {f"{split}_top1": round(score.top1, 4), f"{split}_top5": round(score.top5, 4)}
    return found


def _encode(encoder: StripEncoder) -> Encoder:
    encoder.eval()

    @torch.no_grad()
    def encode(image: Picture) -> Vector:
        planes = fitted(image, ROWS, ROWS).transpose(2, 0, 1)
        vector: Vector = encoder.catalogue(torch.from_numpy(planes.copy())[None, None])[0].numpy()
        return vector

    return encode


def _check_seed(out: Path, seed: int) -> None:
    """Another seed leaves out other classes, some of which this run has already learnt from."""
    note = out / _SEED
    before = json.loads(note.read_text("utf-8")) if note.is_file() else None
    if before is None and (out / "checkpoint.pt").exists():
        raise PhotosError(f"{out} has a run of something else")
    if before not in (None, {"seed": seed}):
        raise PhotosError(f"{out} has a run of seed {before['seed']}, not {seed}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fine-tune the strip encoder on real photos; goes on where it was stopped."""
    parser = argparse.ArgumentParser(prog="aisle.learning.photo_train", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="the data set's folder")
    parser.add_argument("--encoder", type=Path, required=True, help="run of aisle.learning.encode")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the classes left out")
    parser.add_argument("--steps", type=int, default=PhotoTrainConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument("--looks", type=Path, help="what aisle.learning.looks wrote, learnt beside")
    args = parser.parse_args(arguments)
    config = PhotoTrainConfig(seed=args.seed, steps=args.steps)
    try:
        train(args.directory, args.encoder, args.out, config, args.looks, args.minutes)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
