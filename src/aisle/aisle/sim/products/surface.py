"""Building blocks of low-polygon packages: strips around an axis, lids, quads, with their UVs.

Each part takes its picture from a region of the look's one texture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aisle.sim.scene import Mesh

TEXTURE_SIZE = 256
"""Pixels of a look's square texture."""
SEGMENTS = 16
"""Corners of a round section: a multiple of four, so that its width and depth are exact."""
_INSET = 1.0 / TEXTURE_SIZE

Corner = tuple[float, float, float]
Array = NDArray[np.float64]


class Region(NamedTuple):
    """A rectangle of the texture, 0..1; v grows downwards as pixel rows do."""

    u0: float
    v0: float
    u1: float
    v1: float

    def at(self, u: Array, v: Array) -> Array:
        """Texture coordinates of points inside the region, kept a pixel away from its edge."""
        inside = np.stack(np.broadcast_arrays(u, v), axis=-1)
        low = np.array([self.u0, self.v0]) + _INSET
        high = np.array([self.u1, self.v1]) - _INSET
        return low + inside * (high - low)

    def part(self, u0: float, u1: float, v0: float = 0.0, v1: float = 1.0) -> Region:
        """The sub-rectangle at these shares of the region."""
        width, height = self.u1 - self.u0, self.v1 - self.v0
        return Region(
            self.u0 + u0 * width,
            self.v0 + v0 * height,
            self.u0 + u1 * width,
            self.v0 + v1 * height,
        )


class Ring(NamedTuple):
    """A closed section: a superellipse |x/rx|^n + |y/ry|^n = 1 at one height."""

    rx: float
    ry: float
    z: float
    n: float = 2.0
    cx: float = 0.0
    cy: float = 0.0

    def points(self) -> Array:
        """[SEGMENTS + 1, 3], counter-clockwise from above; begins and ends on the left."""
        angle = np.pi + np.linspace(0.0, 2 * np.pi, SEGMENTS + 1)
        c, s = np.round(np.cos(angle), 12), np.round(np.sin(angle), 12)
        x = self.cx + self.rx * np.sign(c) * np.abs(c) ** (2 / self.n)
        y = self.cy + self.ry * np.sign(s) * np.abs(s) ** (2 / self.n)
        return np.stack([x, y, np.full_like(x, self.z)], axis=1)


class Surface:
    """Collects parts into one mesh."""

    def __init__(self) -> None:
        self._vertices: list[Array] = []
        self._normals: list[Array] = []
        self._uv: list[Array] = []
        self._faces: list[NDArray[np.int32]] = []
        self._count = 0

    def mesh(self) -> Mesh:
        """All parts together."""
        return Mesh(
            np.concatenate(self._vertices).astype(np.float32),
            np.concatenate(self._normals).astype(np.float32),
            np.concatenate(self._uv).astype(np.float32),
            np.concatenate(self._faces).astype(np.int32),
        )

    def strip(self, region: Region, rings: Sequence[Ring]) -> None:
        """A smooth wall through rings, from the lowest up (or inwards, over a rim).

        The region's left edge lies on the left (-x), a quarter of it is the middle of the front.
        """
        points = np.stack([ring.points() for ring in rings])
        normals = _grid_normals(points)
        widest = int(np.argmax([ring.rx + ring.ry for ring in rings]))
        u = _shares(points[widest])
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
        way = np.concatenate([[0.0], np.cumsum(lengths)])
        v = 1.0 - way / way[-1]
        self._grid(points, normals, region.at(u[None, :], v[:, None]))

    def lid(self, region: Region, ring: Ring, up: bool = True) -> None:
        """A flat disk; on top, the region's lower edge lies towards the front."""
        rim = ring.points()[:-1]
        points = np.concatenate([[[ring.cx, ring.cy, ring.z]], rim])
        sign = 1.0 if up else -1.0
        u = 0.5 + 0.5 * (points[:, 0] - ring.cx) / ring.rx
        v = 0.5 - 0.5 * sign * (points[:, 1] - ring.cy) / ring.ry
        around = 1 + np.arange(SEGMENTS)
        after = np.roll(around, -1)
        order = (around, after) if up else (after, around)
        faces = np.stack([np.zeros(SEGMENTS, int), *order], axis=1)
        normals = np.tile([0.0, 0.0, sign], (len(points), 1))
        self._add(points, normals, region.at(u, v), faces)

    def quad(self, region: Region, corners: Sequence[Corner]) -> None:
        """A flat face.

        Args:
            region: Its picture.
            corners: Where the region's lower left, lower right, upper right and upper left go:
                counter-clockwise from outside. Three corners make a triangle.
        """
        points = np.asarray(corners, dtype=float)
        u, v = np.array([0.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0])
        if len(points) == 3:
            u, v = np.array([0.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.0])
        normal = np.cross(points[1] - points[0], points[-1] - points[0])
        normals = np.tile(normal / np.linalg.norm(normal), (len(points), 1))
        faces = np.array([[0, 1, 2], [0, 2, 3]][: len(points) - 2])
        self._add(points, normals, region.at(u, v), faces)

    def sheet(self, region: Region, points: Array) -> None:
        """A smooth open surface.

        Args:
            region: Its picture, spread evenly over the grid.
            points: [rows, columns, 3]; rows from the picture's bottom to its top, columns from its
                left to its right, seen from outside.
        """
        rows, columns = points.shape[:2]
        u = np.linspace(0.0, 1.0, columns)[None, :]
        v = np.linspace(1.0, 0.0, rows)[:, None]
        along = np.gradient(points, axis=1)
        normals = _unit(np.cross(along, np.gradient(points, axis=0)))
        self._grid(points, normals, region.at(u, v))

    def _grid(self, points: Array, normals: Array, uv: Array) -> None:
        rows, columns = points.shape[:2]
        corner = np.arange(rows * columns).reshape(rows, columns)
        a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
        c, d = corner[1:, 1:].ravel(), corner[1:, :-1].ravel()
        faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
        self._add(points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), faces)

    def _add(self, points: Array, normals: Array, uv: Array, faces: NDArray[np.int_]) -> None:
        self._vertices.append(points)
        self._normals.append(normals)
        self._uv.append(uv)
        self._faces.append((faces + self._count).astype(np.int32))
        self._count += len(points)


def _shares(ring: Array) -> Array:
    """Way around a ring at each of its points, 0..1."""
    steps = np.linalg.norm(np.diff(ring, axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    shares: Array = way / way[-1]
    return shares


def _grid_normals(points: Array) -> Array:
    """Normals of a strip [rings, SEGMENTS + 1, 3] that is closed around."""
    ring = points[:, :-1]
    around = np.roll(ring, -1, axis=1) - np.roll(ring, 1, axis=1)
    along = np.gradient(ring, axis=0)
    normals = _unit(np.cross(around, along))
    closed: Array = np.concatenate([normals, normals[:, :1]], axis=1)
    return closed


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Array = vectors / np.maximum(length, 1e-12)
    return unit
