"""What each column of a strip really shows, from the rendered picture of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.windows import DEEPEST_M
from aisle.sim.scene import Unit
from aisle.store.camera import project
from aisle.store.types import Camera, Product, Shelf
from aisle.vision.strips import COLUMN_PX, PX_PER_M, ROWS, opening_m, strip_width

Ids = NDArray[np.int16]

EMPTY, BLOCKED, UNSEEN = -1, -2, -3
"""What a column shows that no product is in; products count from 0."""
LEAST_SHARE = 0.08
"""Of a column must show goods or people, or it is empty."""
CLEAR_SHARE = 0.25
"""With so much of one thing a column counts fully."""
PURE = 0.6
"""Share of what is not furniture that must be one thing."""


def truth_map(ideal: Camera, shelf: Shelf) -> NDArray[np.int64]:
    """[ROWS, width] which pixel of a rendered picture, counted by rows, a strip's pixel shows.

    The nearest one, since names of things have no means; -1 outside. For `CameraModel.ideal`, as
    `aisle.vision.strips` does it for the camera as it is.
    """
    assert shelf.pose is not None
    width, height = strip_width(shelf), opening_m(shelf)[1]
    x = (np.arange(width) + 0.5) / PX_PER_M
    z = (1.0 - (np.arange(ROWS) + 0.5) / ROWS) * height
    along, up = np.meshgrid(x, z)
    local = np.stack([along, np.zeros_like(along), up], -1).reshape(-1, 3)
    pixels, _ = project(ideal, local @ shelf.pose[:3, :3].T + shelf.pose[:3, 3])
    near = np.round(np.nan_to_num(pixels, nan=-1.0)).astype(np.int64)
    inside = (near >= 0).all(1) & (near < (ideal.width, ideal.height)).all(1)
    flat = np.where(inside, near[:, 1] * ideal.width + near[:, 0], -1)
    return np.asarray(flat.reshape(ROWS, width))


def label_columns(shown: Ids, products: int) -> tuple[Ids, NDArray[np.float32]]:
    """What each column shows most of, and how much that counts.

    Args:
        shown: [ROWS, W] by pixel: product, `EMPTY`, `BLOCKED` or `UNSEEN`.
        products: How many there are.

    Returns:
        Labels [W / COLUMN_PX], and weights from 0 (mixed, or not seen) to 1.
    """
    columns = shown.shape[1] // COLUMN_PX
    kinds = products + 3
    column = np.arange(shown.shape[1]) // COLUMN_PX
    flat = (column[None] * kinds + shown + 3).ravel()
    counts = np.bincount(flat, minlength=columns * kinds).reshape(columns, kinds)
    shares = counts / (ROWS * COLUMN_PX)
    unseen, things = shares[:, UNSEEN + 3], np.delete(shares, [UNSEEN + 3, EMPTY + 3], axis=1)
    best, most, total = things.argmax(1), things.max(1), things.sum(1)
    # BLOCKED comes first among the things, then products.
    label = np.where(best == 0, BLOCKED, best - 1)
    weight = np.minimum(most / CLEAR_SHARE, 1.0) * (most >= PURE * total)
    weight[total < LEAST_SHARE] = 0.0
    clear = total < LEAST_SHARE / 4
    label[clear], weight[clear] = EMPTY, 1.0
    weight[unseen > 0.3] = 0.0
    return label.astype(np.int16), weight.astype(np.float32)


def room_before(
    shelf: Shelf, units: Sequence[Unit], products: Mapping[str, Product]
) -> NDArray[np.float32]:
    """How deep each column of a shelf is free before the first thing in it, [columns] metres.

    A mean over the column's width; `DEEPEST_M` or the shelf's depth where nothing stands. Turns of
    units are left out.
    """
    assert shelf.pose is not None
    width, depth, height = shelf.size_m
    pixels = (np.arange(strip_width(shelf)) + 0.5) / PX_PER_M
    free = np.full(len(pixels), min(depth, DEEPEST_M))
    standing = [unit for unit in units if not unit.holder]
    if standing:
        places = np.array([unit.pose[:3, 3] for unit in standing])
        local = (places - shelf.pose[:3, 3]) @ shelf.pose[:3, :3]
        x, y, z = local.T
        here = (x > 0) & (x < width) & (y > -0.05) & (y < depth) & (z > -0.02) & (z < height - 0.02)
        for i in np.flatnonzero(here):
            wide, deep, _ = products[standing[i].product].size_m
            covered = np.abs(pixels - x[i]) < wide / 2
            free[covered] = np.minimum(free[covered], max(y[i] - deep / 2, 0.0))
    found: NDArray[np.float32] = free.reshape(-1, COLUMN_PX).mean(1).astype(np.float32)
    return found
