"""Batches of strips and catalogue pictures, what the encoder shall make of them, and checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.learning.column_labels import BLOCKED, EMPTY
from aisle.learning.compute import Compute
from aisle.learning.looks import Looks
from aisle.receipt_model.encoder import Shows, StripEncoder
from aisle.vision.strips import COLUMN_PX, ROWS

Rng = np.random.Generator

SURE = 0.5
"""Columns with at least this weight count in a check."""


@dataclass(frozen=True)
class BatchConfig:
    """How batches are drawn."""

    stores: int = 2
    crops: int = 16
    """Pieces of strips of each store."""
    columns: int = 8
    """Of a piece."""
    products: int = 24
    """Of each store's catalogue: those in sight first, then others."""
    views: int = 1
    """Catalogue pictures of each product, drawn anew each time."""


@dataclass(frozen=True)
class Batch:
    """Pieces of strips, and the products among which their columns choose."""

    strips: Tensor
    """[B, 3, ROWS, columns * COLUMN_PX] RGB from 0 to 255."""
    pictures: Tensor
    """[P, views, 3, ROWS, ROWS]"""
    product: Tensor
    """[B, columns] which of the P; meaningless where nothing is to name."""
    shows: Tensor
    """[B, columns] `Shows`."""
    weight: Tensor
    """[B, columns]"""
    slope: Tensor
    """[B, columns, 2] as in `Looks`."""
    room: Tensor
    """[B, columns] metres, as in `Looks`."""
    clear: Tensor
    """[B, columns] how much `room` counts: 0 where it cannot be seen."""


def shows_of(label: NDArray[np.int16]) -> NDArray[np.int64]:
    """Labels of `Looks` as `Shows`."""
    return np.select(
        [label == EMPTY, label == BLOCKED], [Shows.EMPTY, Shows.BLOCKED], Shows.PRODUCT
    )


def make_batch(rng: Rng, library: list[Looks], config: BatchConfig) -> Batch:
    """Draw a batch: products as often as each other, however much of a store they fill."""
    count = min(config.stores, len(library))
    parts = [_of_store(rng, library[i], config) for i in rng.permutation(len(library))[:count]]
    strips, pictures, label, weight, slope, room, clear = zip(*parts, strict=True)
    dyes = [dye(rng) for _ in parts]
    strips = tuple(part @ dye for part, dye in zip(strips, dyes, strict=True))
    pictures = tuple(part @ dye for part, dye in zip(pictures, dyes, strict=True))
    first = np.cumsum([0, *(len(p) for p in pictures)])
    product = [np.maximum(part, 0) + at for part, at in zip(label, first, strict=False)]
    return Batch(
        lit(rng, np.concatenate(strips), 0.15, 0.06),
        lit(rng, np.concatenate(pictures), 0.15, 0.02),
        torch.from_numpy(np.concatenate(product).astype(np.int64)),
        torch.from_numpy(shows_of(np.concatenate(label))),
        *(torch.from_numpy(np.concatenate(part)) for part in (weight, slope, room, clear)),
    )


def _of_store(
    rng: Rng, looks: Looks, config: BatchConfig
) -> tuple[
    NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int16], NDArray[np.float32],
    NDArray[np.float32], NDArray[np.float32], NDArray[np.float32],
]:  # fmt: skip
    """One store's strips, catalogue pictures, labels in the order of those pictures, weights.

    And slopes, free rooms, and how much these count.
    """
    strips = np.zeros((config.crops, ROWS, config.columns * COLUMN_PX, 3), np.uint8)
    label = np.full((config.crops, config.columns), EMPTY, np.int16)
    weight = np.zeros((config.crops, config.columns), np.float32)
    slope = np.zeros((config.crops, config.columns, 2), np.float32)
    room, clear = np.zeros_like(weight), np.zeros_like(weight)
    ends = np.cumsum(looks.columns)
    for row, column in enumerate(_middles(rng, looks, config.crops)):
        strip = int(np.searchsorted(ends, column, side="right"))
        end = int(ends[strip])
        begin = end - int(looks.columns[strip])
        start = max(begin, min(column - int(rng.integers(config.columns)), end - config.columns))
        size = min(config.columns, end - start)
        piece = looks.strips[:, start * COLUMN_PX : (start + size) * COLUMN_PX]
        strips[row, :, : piece.shape[1]] = piece
        label[row, :size] = looks.label[start : start + size]
        weight[row, :size] = looks.weight[start : start + size]
        slope[row, :size] = looks.slope[start : start + size]
        room[row, :size] = looks.room[start : start + size]
        clear[row, :size] = clear_columns(looks)[start : start + size]
    seen = np.unique(label[(label >= 0) & (weight > 0)])
    rest = np.setdiff1d(rng.permutation(len(looks.products)), seen)
    others = rng.permutation(rest)[: max(0, config.products - len(seen))]
    chosen = np.concatenate([seen, others])
    order = np.zeros(len(looks.products), np.int16)
    order[chosen] = np.arange(len(chosen))
    views = [rng.permutation(looks.catalogue.shape[1])[: config.views] for _ in chosen]
    pictures = looks.catalogue[chosen[:, None], np.array(views)]
    named = np.where(label >= 0, order[label], label).astype(np.int16)
    return strips, pictures, named, weight, slope, room, clear


def clear_columns(looks: Looks) -> NDArray[np.float32]:
    """[columns] 1 where a camera sees how much room is free, 0 where somebody is in front."""
    return np.asarray((looks.px_per_dm > 0) & (looks.label != BLOCKED), np.float32)


def _middles(rng: Rng, looks: Looks, count: int) -> list[int]:
    """Columns to look at: three in four show a product, drawn evenly."""
    sure = looks.weight > 0
    goods = np.flatnonzero(sure & (looks.label >= 0))
    others = [np.flatnonzero(sure & (looks.label == what)) for what in (EMPTY, BLOCKED)]
    kinds = np.unique(looks.label[goods])
    found: list[int] = []
    while len(found) < count:
        pool = others[int(rng.integers(2))]
        if rng.random() < 0.75:
            pool = goods[looks.label[goods] == rng.choice(kinds)]
        if len(pool):
            found.append(int(rng.choice(pool)))
    return found


def dye(rng: Rng) -> NDArray[np.float32]:
    """[3, 3] for one store's strips and catalogue alike: other colours make other products.

    Half of the time nothing changes, since people have the colours that they have. White and grey
    always stay what they are.
    """
    share = rng.uniform(0, 1) if rng.random() < 0.5 else 0.0
    return np.asarray((1 - share) * np.eye(3) + share * rng.permutation(np.eye(3)), np.float32)


def lit(rng: Rng, pictures: NDArray[np.generic], brightness: float, cast: float) -> Tensor:
    """Pictures [..., H, W, 3], each in another light, as [..., 3, H, W].

    Args:
        rng: Draws.
        pictures: RGB from 0 to 255.
        brightness: Standard deviation of its logarithm.
        cast: The same for each colour by itself.
    """
    light = np.exp(
        rng.normal(0, brightness, (len(pictures), 1)) + rng.normal(0, cast, (len(pictures), 3))
    )
    shape = (len(pictures), *(1,) * (pictures.ndim - 2), 3)
    found = np.clip(pictures * light.reshape(shape).astype(np.float32), 0, 255)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(found, -1, -3)))


def losses(
    encoder: StripEncoder, batch: Batch, compute: Compute | None = None
) -> dict[str, Tensor]:
    """The parts of the loss; `total` is their sum. Only the network itself is in half precision."""
    with (compute or Compute()).cast():
        columns, shows, room = encoder(batch.strips, batch.slope)
        products = encoder.catalogue(batch.pictures)
    shows, room = shows.float(), room.float()
    likeness = encoder.likeness(columns.float(), products.float()).flatten(0, 1)
    weight = batch.weight.flatten()
    named = weight * (batch.shows.flatten() == Shows.PRODUCT)
    wrong = F.cross_entropy(likeness, batch.product.flatten(), reduction="none")
    unseen = F.cross_entropy(shows.flatten(0, 1), batch.shows.flatten(), reduction="none")
    parts = {
        "name": (wrong * named).sum() / named.sum().clamp(min=1),
        "shows": (unseen * weight).sum() / weight.sum().clamp(min=1),
    }
    off = F.smooth_l1_loss(room, batch.room, reduction="none", beta=0.02) * batch.clear
    parts["room"] = off.sum() / batch.clear.sum().clamp(min=1)
    parts["total"] = parts["name"] + parts["shows"] + 10 * parts["room"]
    return parts


@torch.no_grad()
def check(encoder: StripEncoder, library: Iterable[Looks], strips: int | None) -> dict[str, float]:
    """How often columns are named right, each over the whole catalogue of its store.

    Args:
        encoder: What to check.
        library: Stores that it was not trained on.
        strips: Of each store, evenly spread; None takes all.

    Returns:
        `top1` and `top5` of `named` columns with one product; how many of the `empty` and
        `blocked` columns, and of those with a product, are told for what they are
        (`empty_right`, ...); how far off the free room is (`room_mean_m`, and the share
        `room_within_3cm`); `chance` of naming a column right by guessing.
    """
    encoder.eval()
    ranks: list[NDArray[np.int64]] = []
    chances: list[float] = []
    told = np.zeros((len(Shows), len(Shows)), np.int64)
    off: list[NDArray[np.float32]] = []
    for looks in library:
        goods = encoder.catalogue(_tensor(looks.catalogue))
        ends = np.cumsum(looks.columns)
        count = len(ends)
        some = range(count) if strips is None else np.linspace(0, count - 1, min(strips, count))
        for i in map(int, some):
            part = slice(int(ends[i] - looks.columns[i]), int(ends[i]))
            image = looks.strips[None, :, part.start * COLUMN_PX : part.stop * COLUMN_PX]
            columns, shows, room = encoder(
                _tensor(image), torch.from_numpy(looks.slope[None, part])
            )
            clear = clear_columns(looks)[part] > 0
            off.append(np.abs(room[0].numpy() - looks.room[part])[clear])
            sure = looks.weight[part] >= SURE
            right, best = shows_of(looks.label[part]), shows[0].argmax(-1).numpy()
            np.add.at(told, (right[sure], best[sure]), 1)
            named = sure & (right == Shows.PRODUCT)
            like = (columns[0] @ goods.T).numpy()[named]
            own = like[np.arange(len(like)), looks.label[part][named]]
            ranks.append((like > own[:, None]).sum(1))
            chances.extend([1 / len(goods)] * int(named.sum()))
    rank, counts = np.concatenate(ranks), told.sum(1)
    result = {
        "top1": float((rank < 1).mean()), "top5": float((rank < 5).mean()), "named": len(rank),
        "chance": float(np.mean(chances)),
    }  # fmt: skip
    every = np.concatenate(off)
    result |= {"room_mean_m": float(every.mean()), "room_within_3cm": float((every < 0.03).mean())}
    for what in Shows:
        result[what.name.lower()] = int(counts[what])
        result[what.name.lower() + "_right"] = float(told[what, what] / max(counts[what], 1))
    return result


def _tensor(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pictures, -1, -3)))
