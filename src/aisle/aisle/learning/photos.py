"""How well an encoder of pictures finds the catalogue entry of real photos of groceries.

The catalogue has one image of each class, which is what a web shop shows; the queries are photos
taken in shops. An encoder turns any picture into a vector; the class is right whose catalogue
vector points the most nearly the same way.

>>> python -m aisle.learning.photos DIRECTORY --encoder encoder.onnx   # doctest: +SKIP

The directory is that of the Grocery Store Dataset (Klasson et al., WACV 2019): `classes.csv`,
`train.txt`, `val.txt` and the pictures that they name.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.bags.metrics import wilson
from aisle.fusion.runtime import ModelError, open_session
from aisle.store.images import ImageError, Picture, read_image

Vector = NDArray[np.float32]
Encoder = Callable[[Picture], Vector]
"""[height, width, 3] RGB to any number of features, for all pictures the same number."""

LEFT_OUT = 20
_CLASS, _ID, _ICONIC = "Class Name (str)", "Class ID (int)", "Iconic Image Path (str)"
_CHOSEN_FROM = ("train", "val")
_BINS = (12, 6, 6)
_SIDE_PX = 64


class PhotosError(ValueError):
    """A data set or an encoder that cannot be used; the text says why."""


@dataclass(frozen=True)
class PhotoClass:
    """One kind of grocery and its image in the catalogue."""

    id: int
    name: str
    iconic: Path


@dataclass(frozen=True)
class Photos:
    """The classes, and photos with their class by split."""

    classes: tuple[PhotoClass, ...]
    splits: dict[str, tuple[tuple[Path, int], ...]]


@dataclass(frozen=True)
class Score:
    """What was found of some photos, among all classes."""

    classes: int
    """To which these photos belong."""
    photos: int
    top1: float
    top1_interval: tuple[float, float]
    """95 %, Wilson."""
    top5: float
    top5_interval: tuple[float, float]


@dataclass(frozen=True)
class Scores:
    """The figures of one encoder; shares are 0 and intervals (0, 1) where there are no photos."""

    every: Score
    left_out: Score
    others: Score
    unreadable: int
    """Photos that are not counted."""


def read_photos(directory: Path) -> Photos:
    """The data set in a folder, or in its folder `dataset`; the pictures are not opened.

    Raises:
        PhotosError: A list is missing or malformed, or names what lies outside the folder.
    """
    root = directory / "dataset" if (directory / "dataset").is_dir() else directory
    try:
        with (root / "classes.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        lists = {path.stem: path.read_text("utf-8") for path in sorted(root.glob("*.txt"))}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PhotosError(f"{root} holds no photos: {error}") from None
    try:
        classes = tuple(
            PhotoClass(int(row[_ID]), row[_CLASS], _inside(root, row[_ICONIC])) for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PhotosError(f"{root / 'classes.csv'}: {error!r}") from None
    known = {one.id for one in classes}
    if len(known) != len(classes) or not classes:
        raise PhotosError(f"{root / 'classes.csv'}: no classes, or one of them twice")
    splits = {name: _split(root, name, text, known) for name, text in lists.items()}
    return Photos(classes, splits)


def _split(root: Path, name: str, text: str, known: set[int]) -> tuple[tuple[Path, int], ...]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.split(",")]
        try:
            path, class_ = _inside(root, cells[0]), int(cells[1])
        except (IndexError, ValueError) as error:
            raise PhotosError(f"{root / name}.txt:{number}: {error}") from None
        if class_ not in known:
            raise PhotosError(f"{root / name}.txt:{number}: there is no class {class_}")
        found.append((path, class_))
    return tuple(found)


def _inside(root: Path, text: str) -> Path:
    path = (root / text.lstrip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"'{text}' lies outside the folder")
    return path


def left_out(photos: Photos, seed: int, count: int = LEFT_OUT) -> frozenset[int]:
    """Classes of which no photo may be trained on, drawn from those in both `train` and `val`.

    Other splits have no say, so the choice is the same where they are absent.
    """
    of_split = [{class_ for _, class_ in photos.splits.get(s, ())} for s in _CHOSEN_FROM]
    eligible = sorted(set.intersection(*of_split))
    drawn = np.random.default_rng(seed).permutation(len(eligible))[:count]
    return frozenset(eligible[i] for i in drawn)


def evaluate(
    photos: Photos,
    encode: Encoder,
    split: str = "val",
    seed: int = 0,
    catalogue: Encoder | None = None,
) -> Scores:
    """Look for the class of every photo of a split among the catalogue images of all classes.

    Args:
        photos: The data set.
        encode: Gives the vectors of photos.
        split: Which photos.
        seed: Of the classes left out.
        catalogue: Gives the vectors of catalogue images; `encode` when None.

    Raises:
        PhotosError: There is no such split, a catalogue image cannot be read, or vectors are not
            finite or of different lengths.
    """
    if split not in photos.splits:
        raise PhotosError(f"there is no split '{split}', only {', '.join(photos.splits)}")
    try:
        entries = [_vector(catalogue or encode, one.iconic) for one in photos.classes]
    except ImageError as error:
        raise PhotosError(f"a catalogue image: {error}") from None
    if len({entry.shape for entry in entries}) != 1:
        raise PhotosError("the encoder gives vectors of different lengths")
    table = np.stack(entries)
    rank, owner, unreadable = _ranks(photos, encode, split, table)
    out = left_out(photos, seed)
    chosen = np.array([class_ in out for class_ in owner], bool)
    return Scores(
        _score(rank, owner),
        _score(rank[chosen], owner[chosen]),
        _score(rank[~chosen], owner[~chosen]),
        unreadable,
    )


def _ranks(
    photos: Photos, encode: Encoder, split: str, table: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """How many classes are taken for likelier than the right one, for each photo that can be read.

    Also the photos' classes, and how many cannot be read.
    """
    ids = [one.id for one in photos.classes]
    ranks, classes, unreadable = [], [], 0
    for path, class_ in photos.splits[split]:
        try:
            query = _vector(encode, path)
        except ImageError:
            unreadable += 1
            continue
        if query.shape != table[0].shape:
            raise PhotosError(f"{len(query)} features of a photo, not {table.shape[1]}")
        likeness = table @ query
        # Of classes that look just as alike, the right one counts as the last.
        ranks.append(int((likeness >= likeness[ids.index(class_)]).sum()) - 1)
        classes.append(class_)
    return np.array(ranks, np.int64), np.array(classes, np.int64), unreadable


def _vector(encode: Encoder, path: Path) -> NDArray[np.float64]:
    found = np.asarray(encode(read_image(path)), np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise PhotosError("the encoder gives no vector of finite numbers")
    length = float(np.linalg.norm(found))
    return found / length if length > 0 else found


def _score(rank: NDArray[np.int64], classes: NDArray[np.int64]) -> Score:
    hits = [int((rank < most).sum()) for most in (1, 5)]
    total = len(rank)
    return Score(
        len(np.unique(classes)),
        total,
        hits[0] / max(total, 1),
        wilson(hits[0], total),
        hits[1] / max(total, 1),
        wilson(hits[1], total),
    )


def colour_histogram(image: Picture) -> Vector:
    """The yardstick: how much of the picture has which hue, saturation and brightness.

    White, the ground of catalogue images, does not count. Roots of the shares are compared
    (Bhattacharyya's coefficient), so that a few strong colours do not drown the rest.
    """
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    shown = np.asarray(~(image > 240).all(axis=2), np.uint8)
    counts = cv2.calcHist([hsv], [0, 1, 2], shown, list(_BINS), [0, 180, 0, 256, 0, 256])
    root: Vector = np.sqrt(counts / max(float(counts.sum()), 1.0)).astype(np.float32).ravel()
    return root


def onnx_encoder(path: Path) -> Encoder:
    """An encoder from a file, run by ONNX Runtime.

    Its first input is [1, 3, H, W] or [1, images, 3, H, W], uint8 or float32 from 0 to 255; the
    picture is brought to H x W (64 x 64 where the file leaves them open) on white. Of its first
    output [1, ..., F], the mean over all but the last axis is the vector.

    Raises:
        PhotosError: The file is no such model.
    """
    try:
        session = open_session(path)
    except ModelError as error:
        raise PhotosError(str(error)) from None
    entry = session.get_inputs()[0]
    dtype = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}.get(entry.type)
    if dtype is None or len(entry.shape) not in (4, 5) or entry.shape[-3] != 3:
        raise PhotosError(f"{path} takes {entry.type} {entry.shape}, not pictures")
    height, width = (size if isinstance(size, int) else _SIDE_PX for size in entry.shape[-2:])
    leading = (1,) * (len(entry.shape) - 3)

    def encode(image: Picture) -> Vector:
        planes = fitted(image, height, width).transpose(2, 0, 1).astype(dtype)
        try:
            found = session.run(None, {entry.name: planes.reshape(*leading, *planes.shape)})[0]
        except Exception as error:  # the library raises its own kinds
            raise PhotosError(f"{path} cannot be run: {error}") from None
        vector: Vector = found.reshape(-1, found.shape[-1]).mean(axis=0)
        return vector

    return encode


def fitted(image: Picture, height: int, width: int) -> Picture:
    """A picture as large as it fits, in the middle of white."""
    scale = min(height / image.shape[0], width / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    ground = np.full((height, width, 3), 255, np.uint8)
    y, x = (height - size[1]) // 2, (width - size[0]) // 2
    ground[y : y + size[1], x : x + size[0]] = small
    return ground


def _line(name: str, score: Score) -> str:
    def share(value: float, interval: tuple[float, float]) -> str:
        return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"

    return (
        f"{name:12} {score.classes:3} classes, {score.photos:4} photos: "
        f"top-1 {share(score.top1, score.top1_interval)}, "
        f"top-5 {share(score.top5, score.top5_interval)}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the catalogue entries of real photos; without an encoder, by colour alone."""
    parser = argparse.ArgumentParser(prog="aisle.learning.photos", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="the data set's folder")
    parser.add_argument("--encoder", type=Path, help="ONNX file; a colour histogram if left out")
    parser.add_argument("--catalogue", type=Path, help="ONNX file for catalogue images, if another")
    parser.add_argument("--split", default="val")
    parser.add_argument("--seed", type=int, default=0, help="of the classes left out")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    try:
        photos = read_photos(args.directory)
        encode = onnx_encoder(args.encoder) if args.encoder else colour_histogram
        catalogue = onnx_encoder(args.catalogue) if args.catalogue else None
        scores = evaluate(photos, encode, args.split, args.seed, catalogue)
    except PhotosError as error:
        parser.error(str(error))
    if args.json:
        print(json.dumps({"split": args.split, "seed": args.seed, **asdict(scores)}, indent=1))
        return
    print(_line("all", scores.every))
    print(_line("left out", scores.left_out))
    print(_line("the others", scores.others))
    if scores.unreadable:
        print(f"{scores.unreadable} photos cannot be read")


if __name__ == "__main__":
    main()
