"""Collects coloured rectangles and boxes into the arrays that the device draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aisle.sim.scene import Matrix

FLOATS_PER_VERTEX = 12
"""Position 3, normal 3, colour 3, texture place 2, surface 1."""
PLAIN, TILES, SIGNS = 0.0, 1.0, 2.0

Colour = tuple[float, float, float]
Vector = tuple[float, float, float]


class Triangles:
    """Rectangles in `map`, each of two triangles."""

    def __init__(self) -> None:
        self._vertices: list[NDArray[np.float32]] = []

    def __len__(self) -> int:
        """How many rectangles there are."""
        return len(self._vertices)

    def rectangle(
        self,
        pose: Matrix,
        corners: Sequence[Vector],
        colour: Colour,
        light: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        uv: Sequence[tuple[float, float]] = ((0, 0), (1, 0), (1, 1), (0, 1)),
        surface: float = PLAIN,
    ) -> None:
        """Four lit corners in the pose's frame, counter-clockwise seen from outside."""
        points = np.asarray(corners) @ pose[:3, :3].T + pose[:3, 3]
        normal = np.cross(points[1] - points[0], points[3] - points[0])
        normal = normal / max(1e-12, float(np.linalg.norm(normal)))
        out = np.empty((4, FLOATS_PER_VERTEX), np.float32)
        out[:, :3] = points
        out[:, 3:6] = normal
        out[:, 6:9] = np.outer(light, colour)
        out[:, 9:11] = uv
        out[:, 11] = surface
        self._vertices.append(out)

    def box(
        self,
        pose: Matrix,
        low: Vector,
        high: Vector,
        colour: Colour,
        light: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    ) -> None:
        """A box between two corners.

        `light` is that of the top at front left, front right, back right, back left; the front
        is at low y.
        """
        (x0, y0, z0), (x1, y1, z1) = low, high
        a, b, c, d = light
        top = [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)]
        self.rectangle(pose, top, colour, light)
        dim = [(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)]
        self.rectangle(pose, dim, colour, (0.4, 0.4, 0.4, 0.4))
        for p, q, lp, lq in (
            ((x0, y0), (x1, y0), a, b),
            ((x1, y0), (x1, y1), b, c),
            ((x1, y1), (x0, y1), c, d),
            ((x0, y1), (x0, y0), d, a),
        ):
            side = [(*p, z0), (*q, z0), (*q, z1), (*p, z1)]
            self.rectangle(pose, side, colour, (lp, lq, lq, lp))

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """[4 N, 12] vertices and [2 N, 3] triangles."""
        count = len(self._vertices)
        first = 4 * np.arange(count, dtype=np.int32)[:, None, None]
        faces = (first + np.array([[0, 1, 2], [0, 2, 3]], np.int32)).reshape(-1, 3)
        if not count:
            return np.zeros((0, FLOATS_PER_VERTEX), np.float32), faces
        return np.concatenate(self._vertices), faces
