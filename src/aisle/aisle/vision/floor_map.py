"""Floor maps: what all cameras see, laid on level planes over the floor.

A plane shows in its right place what is as high as the plane itself, from whichever camera; what
is higher or lower appears shifted away from each camera, and so is smeared in the mean. On the
plane `HEADS` of `PLANES_M` heads stay together, on `HANDS` hands do; the others are for what people
wear.

Cells are squares of `CELL_M`. A place is also given as (column, row) of the picture, where whole
numbers are the middles of cells, column 0 is at the least x of `map` and row 0 at the greatest y:
a floor map looks like a map.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import in_image, pixels_per_metre, project
from aisle.store.geometry import Matrix
from aisle.store.geometry3d import StoreGeometry
from aisle.store.solids import solids
from aisle.store.types import Camera, Store

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

CELL_M = 0.05
PLANES_M = (1.6, 1.0, 1.3, 0.7)
"""Heights above the floor: heads, hands, chests, legs."""
HEADS, HANDS = 0, 1
"""Planes that are meant by name."""
GRAIN = 16
"""Rows and columns are multiples of this, so that a network may halve them four times."""

_BEFORE_M, _BESIDE_M = 1.2, 0.6
"""Floor before and beside a fixture that belongs to the store."""
_GATE_M = 0.5
_PX_PER_CELL = 2.0
_MOST_REDUCED = 16
_OUTSIDE = -16.0
_MOST_PIXELS = 100_000_000
"""Of all planes for all cameras; each takes 7 bytes for good, and a network looks at each plane."""
_MOST_CELLS = 1_000_000
"""Of a plane: 2500 m2."""
_MOST_SIDE = 32_000
"""OpenCV counts a map's rows and columns in 16 bits."""


class FloorMap:
    """Lays pictures on the floor of a store.

    It reaches over all fixtures, the floor before and beside them, and the gates. Furniture hides:
    a camera does not see a cell that fixtures or boards stand before, or that it would see inside
    a fixture's back.

    Args:
        store: Geometry and cameras; no pose may change without a new object.

    Raises:
        ValueError: The store has neither fixtures nor gates, or its floor is too large.
        Open3DMissing: Open3D cannot be used.
    """

    def __init__(self, store: Store) -> None:
        low, high = _bounds(store)
        cells = np.ceil((high - low) / CELL_M - 1e-6)
        columns, rows = (GRAIN * math.ceil(n / GRAIN) for n in cells.tolist())
        # What is more than needed to fill whole grains lies on all sides alike.
        spare = np.array([columns, rows]) * CELL_M - (high - low)
        self._corner = np.array([low[0] - spare[0] / 2, high[1] + spare[1] / 2])
        self.shape = rows, columns
        """Rows and columns."""
        pixels = len(PLANES_M) * rows * columns * len(store.cameras)
        long = max(len(PLANES_M) * rows, columns) > _MOST_SIDE
        if long or rows * columns > _MOST_CELLS or pixels > _MOST_PIXELS:
            area = f"{rows * columns * CELL_M**2:.0f} m2"
            raise ValueError(f"a floor of {area} is too large for {len(store.cameras)} cameras")
        geometry = StoreGeometry(s for s in solids(store) if s.kind in ("fixture", "board"))
        points = self._points()
        self._cameras = {
            camera.id: _Warp.of(camera, points, geometry, self.shape)
            for camera in store.cameras.values()
        }

    def picture(self, images: Mapping[str, Image]) -> tuple[Image, Image]:
        """All pictures on all planes.

        Args:
            images: [height, width, 3] by camera; cameras that are left out add nothing.

        Returns:
            The mean over the cameras that see a cell, [planes, H, W, 3], black where none does,
            and how many cameras do, [planes, H, W].

        Raises:
            KeyError: The store has no such camera.
            ValueError: A picture has not its camera's size.
        """
        rows, columns = self.shape
        total = np.zeros((len(PLANES_M) * rows, columns, 3), np.uint16)
        seen = np.zeros(total.shape[:2], np.uint8)
        for name, image in images.items():
            warp = self._cameras[name]
            total += warp.lay(image)
            seen += warp.sees
        count = np.maximum(seen, 1)[..., None]
        mean = ((total + count // 2) // count).astype(np.uint8)
        shape = len(PLANES_M), rows, columns
        return mean.reshape(*shape, 3), seen.reshape(shape)

    def sees(self, metres: Array) -> NDArray[np.bool_]:
        """[N] whether any camera sees heads at places [N, 2] in `map`."""
        rows, columns = self.shape
        column, row = np.round(self.cells(metres)).astype(np.int64).T
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        at = HEADS * rows + row.clip(0, rows - 1), column.clip(0, columns - 1)
        found: NDArray[np.bool_] = np.zeros(len(metres), bool)
        for warp in self._cameras.values():
            found |= warp.sees[at] > 0
        found &= inside
        return found

    def metres(self, cells: Array) -> Array:
        """[N, 2] x and y in `map` of places [N, 2] given as column and row."""
        x, y = np.asarray(cells, dtype=np.float64).T
        left, top = self._corner
        return np.stack([left + (x + 0.5) * CELL_M, top - (y + 0.5) * CELL_M], axis=1)

    def cells(self, metres: Array) -> Array:
        """[N, 2] column and row of places [N, 2] in `map`; they may lie outside the floor map."""
        x, y = np.asarray(metres, dtype=np.float64).T
        left, top = self._corner
        return np.stack([(x - left) / CELL_M - 0.5, (top - y) / CELL_M - 0.5], axis=1)

    def _points(self) -> Array:
        """[planes, H, W, 3] middles of all cells, in a row."""
        rows, columns = self.shape
        row, column = np.mgrid[:rows, :columns]
        flat = self.metres(np.stack([column.ravel(), row.ravel()], axis=1))
        planes = [np.column_stack([flat, np.full(len(flat), z)]) for z in PLANES_M]
        return np.concatenate(planes)


@dataclass(frozen=True)
class _Warp:
    """How one camera's picture lies on the planes, one above the other."""

    camera: Camera
    reduce: int
    """By how much pictures are made smaller first, so that a cell is the mean of its pixels."""
    where: NDArray[np.int16]
    fraction: NDArray[np.uint16]
    sees: Image
    """[planes * H, W] 1 where the camera sees the cell."""

    @staticmethod
    def of(camera: Camera, points: Array, geometry: StoreGeometry, shape: tuple[int, int]) -> _Warp:
        up = np.broadcast_to(np.array([0.0, 0.0, 1.0]), points.shape)
        pixels, _ = project(camera, points)
        sees = in_image(camera, pixels)
        inside = np.flatnonzero(sees)
        hidden = geometry.hidden(camera.pose[:3, 3], points[inside])
        sees[inside[hidden]] = False
        reduce = 1
        if sees.any():
            per_cell = float(np.median(pixels_per_metre(camera, points, up)[sees])) * CELL_M
            while reduce < _MOST_REDUCED and per_cell / (2 * reduce) >= _PX_PER_CELL:
                reduce *= 2
        size = np.array([camera.width // reduce, camera.height // reduce])
        # A pixel of the smaller picture is as wide as several, and their middle is its own.
        small = np.clip((pixels + 0.5) / reduce - 0.5, 0, size - 1)
        small[~sees] = _OUTSIDE
        both = small.astype(np.float32).reshape(-1, shape[1], 2)
        where, fraction = cv2.convertMaps(both[..., 0], both[..., 1], cv2.CV_16SC2)
        fixed = np.asarray(where, np.int16), np.asarray(fraction, np.uint16)
        return _Warp(camera, reduce, *fixed, sees.reshape(-1, shape[1]).astype(np.uint8))

    def lay(self, image: Image) -> Image:
        """[planes * H, W, 3]; black where the camera does not see."""
        camera = self.camera
        if image.shape != (camera.height, camera.width, 3) or image.dtype != np.uint8:
            wanted = f"{camera.width} x {camera.height}"
            raise ValueError(f"{camera.id}: picture {image.dtype} {image.shape}, not {wanted} RGB")
        width, height = camera.width // self.reduce, camera.height // self.reduce
        part = np.ascontiguousarray(image[: height * self.reduce, : width * self.reduce])
        small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        laid = cv2.remap(small, self.where, self.fraction, cv2.INTER_LINEAR)
        return np.asarray(laid, dtype=np.uint8)


def _bounds(store: Store) -> tuple[Array, Array]:
    """Least and greatest x and y of the floor that belongs to a store."""
    corners = []
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        corners += _in_map(fixture.pose, (-_BESIDE_M, width + _BESIDE_M), (-_BEFORE_M, depth))
    for gate in store.gates.values():
        corners += _in_map(gate.pose, (-_GATE_M, _GATE_M), (-_GATE_M, _GATE_M))
    if not corners:
        raise ValueError(f"store {store.name} has neither fixtures nor gates: it has no floor")
    found = np.array(corners)
    return found.min(axis=0), found.max(axis=0)


def _in_map(pose: Matrix, x: tuple[float, float], y: tuple[float, float]) -> list[Array]:
    """The corners of a rectangle of the floor, [2] each."""
    return [(pose @ (along, across, 0.0, 1.0))[:2] for along in x for across in y]
