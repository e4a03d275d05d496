"""Strips: a shelf's opening as cameras see it, straightened, always at the same scale.

The opening is the upright plane at a shelf's front edge, from the board's surface up to the next
board. A strip shows it as a shopper who stands before it would see it: its left end is the shelf's
left end, from which plates count, its top is the top of the opening. Along the shelf the scale is
`PX_PER_M`; the height is `ROWS` pixels, whatever it is in metres. What lies behind the plane
appears where the line of sight crosses it; what is before it (hands, people) too.

A column is `COLUMN_PX` pixels or `COLUMN_M` wide: column c shows x from c to c + 1 times `COLUMN_M`
in the shelf's frame. The last one may reach beyond the shelf's end.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.windows import COLUMN_M as COLUMN_M
from aisle.store.camera import pixels_per_metre
from aisle.store.geometry3d import StoreGeometry
from aisle.store.solids import solids
from aisle.store.types import Camera, Shelf, Store
from aisle.vision.cuts import Cut

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

ROWS = 64
COLUMN_PX = 16
PX_PER_M = round(COLUMN_PX / COLUMN_M)
MOST_HEIGHT_M = 0.40
"""Of an opening without a board close above it, so much is shown."""
MOST_VIEWS = 2
LEAST_PX = 6.0
"""With fewer pixels per decimetre a camera does not see a column."""
LEAST_VISIBLE = 0.5
"""Share of a column's height that must be in sight for it to count as seen."""
FULL_PX = PX_PER_M / 10
"""More pixels per decimetre than a strip has make no view better."""
SECOND = 0.4
"""What a column is worth that both cameras see, for the second one."""

MOST_SLOPE = 3.0

_HEIGHTS = 4
_LIFT_M = 0.002


@dataclass(frozen=True, eq=False)
class StripView:
    """One camera's view of one shelf."""

    shelf: str
    camera: str
    width_px: int
    """A multiple of `COLUMN_PX`."""
    px_per_dm: NDArray[np.float32]
    """[columns] pixels of the camera for a decimetre of the opening, 0 where it is not seen."""
    slope: NDArray[np.float32]
    """[columns, 2] how far the line of sight through the middle of a column goes to the right, and
    up, for each metre that it goes into the shelf; at most `MOST_SLOPE` either way."""


class ShelfStrips:
    """Cuts strips out of pictures.

    A camera that sees a shelf well enough stands for it: the best one first, then the one that
    adds most to it. Furniture hides (fixtures and boards; doors are glass and turn, products
    move). Shelves whose pose is unknown have no views.

    Args:
        store: Geometry and cameras; no pose may change without a new object.
        cameras: Ids of those that there are; None takes all of the store's.

    Raises:
        Open3DMissing: Open3D cannot be used.
    """

    def __init__(self, store: Store, cameras: Collection[str] | None = None) -> None:
        self._store = store
        chosen = [c for c in store.cameras.values() if cameras is None or c.id in cameras]
        self._views: dict[str, tuple[StripView, ...]] = dict.fromkeys(store.shelves, ())
        self._maps: dict[tuple[str, str], Cut] = {}
        placed = [shelf for shelf in store.shelves.values() if shelf.pose is not None]
        if not chosen or not placed:
            return
        geometry = StoreGeometry(s for s in solids(store) if s.kind in ("fixture", "board"))
        sharpness = np.stack([_sharpness(camera, placed, geometry) for camera in chosen])
        start = 0
        for shelf in placed:
            width = strip_width(shelf)
            end = start + width // COLUMN_PX
            of_shelf = sharpness[:, start:end]
            self._views[shelf.id] = tuple(
                StripView(
                    shelf.id,
                    chosen[i].id,
                    width,
                    of_shelf[i].astype(np.float32),
                    _slope(chosen[i], shelf),
                )
                for i in _best(of_shelf)
            )
            start = end

    def views(self, shelf: str) -> tuple[StripView, ...]:
        """The views of a shelf, the best first, two at most.

        Raises:
            KeyError: The store has no such shelf.
        """
        return self._views[shelf]

    def strip(self, view: StripView, image: Image) -> Image:
        """What a view shows of a picture.

        Args:
            view: One of `views`.
            image: [height, width, 3] of the view's camera, as it came: not undistorted.

        Returns:
            [ROWS, view.width_px, 3], channels as in `image`; black where the picture ends.

        Raises:
            ValueError: The picture has not the camera's size.
        """
        key = view.shelf, view.camera
        if key not in self._maps:
            camera = self._store.cameras[view.camera]
            self._maps[key] = _map(camera, self._store.shelves[view.shelf])
        return self._maps[key].cut(image)


def opening_m(shelf: Shelf) -> tuple[float, float]:
    """Width and height of the part of a shelf's opening that strips show."""
    return shelf.size_m[0], min(shelf.size_m[2], MOST_HEIGHT_M)


def strip_width(shelf: Shelf) -> int:
    """Width of a shelf's strips in pixels, a multiple of `COLUMN_PX`."""
    return COLUMN_PX * max(1, math.ceil(opening_m(shelf)[0] / COLUMN_M - 1e-6))


def _map(camera: Camera, shelf: Shelf) -> Cut:
    x = (np.arange(strip_width(shelf)) + 0.5) / PX_PER_M
    z = (1.0 - (np.arange(ROWS) + 0.5) / ROWS) * opening_m(shelf)[1]
    return Cut.of(camera, _places(shelf, x, z))


def _slope(camera: Camera, shelf: Shelf) -> NDArray[np.float32]:
    """See `StripView.slope`."""
    assert shelf.pose is not None
    width, height = opening_m(shelf)
    x, y, z = (np.linalg.inv(shelf.pose) @ camera.pose)[:3, 3]
    away = max(-float(y), 1e-3)
    middles = (np.arange(strip_width(shelf) // COLUMN_PX) + 0.5) * COLUMN_M
    right = (np.minimum(middles, width) - x) / away
    up = np.full_like(right, (height / 2 - z) / away)
    found: NDArray[np.float32] = np.clip(np.stack([right, up], 1), -MOST_SLOPE, MOST_SLOPE)
    return found.astype(np.float32)


def _places(shelf: Shelf, x: Array, z: Array, y: float = 0.0) -> Array:
    """[z, x, 3] places in `map` from x along a shelf and z above it; y goes into it."""
    assert shelf.pose is not None
    along, up = np.meshgrid(x, z)
    local = np.stack([along, np.full_like(along, y), up], axis=-1)
    places: Array = local @ shelf.pose[:3, :3].T + shelf.pose[:3, 3]
    return places


def _sharpness(camera: Camera, shelves: list[Shelf], geometry: StoreGeometry) -> Array:
    """[columns of all shelves] pixels per decimetre, 0 where a camera does not see a column."""
    points, normals = [], []
    for shelf in shelves:
        assert shelf.pose is not None
        width, height = opening_m(shelf)
        x = (np.arange(strip_width(shelf) // COLUMN_PX) + 0.5) * COLUMN_M
        z = (np.arange(_HEIGHTS) + 0.5) / _HEIGHTS * height
        places = _places(shelf, np.minimum(x, width), z, -_LIFT_M).swapaxes(0, 1).reshape(-1, 3)
        points.append(places)
        normals.append(np.broadcast_to(-shelf.pose[:3, 1], places.shape))
    flat = np.concatenate(points)
    px = pixels_per_metre(camera, flat, np.concatenate(normals)) * 0.1
    inside = np.flatnonzero(px)
    hidden = geometry.hidden(camera.pose[:3, 3], flat[inside])
    px[inside[hidden]] = 0.0
    of_column = px.reshape(-1, _HEIGHTS)
    seen = (of_column > 0.0).sum(axis=1)
    mean: Array = of_column.sum(axis=1) / np.maximum(seen, 1)
    mean[(seen < LEAST_VISIBLE * _HEIGHTS) | (mean < LEAST_PX)] = 0.0
    return mean


def _best(px: Array) -> list[int]:
    """Cameras that stand for a shelf, the best first, from [cameras, columns]."""
    worth = np.minimum(px, FULL_PX)
    # Equally good ones: the one with more pixels.
    order = np.lexsort((px.mean(axis=1), worth.mean(axis=1)))[::-1]
    seeing = [int(i) for i in order if px[i].any()]
    chosen, rest = seeing[:1], seeing[1:]
    while rest and len(chosen) < MOST_VIEWS:
        have = worth[chosen].max(axis=0)
        gain = np.maximum(worth[rest] - have, 0.0) + SECOND * np.minimum(worth[rest], have)
        chosen.append(rest.pop(int(gain.mean(axis=1).argmax())))
    return chosen
