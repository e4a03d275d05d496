"""Where one can walk, and the way from one place to another around fixtures and people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from shapely import box, contains_xy, union_all
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from aisle.store.geometry import Matrix
from aisle.store.types import Fixture, Store

Array = NDArray[np.float64]
Place = tuple[float, float]

CELL_M = 0.1
CLEARANCE_M = 0.27
"""From the middle of a body to a fixture."""
PERSON_M = 0.52
"""Between the middles of two bodies."""
_BEFORE_M, _BESIDE_M = 1.2, 0.6
"""Room before and beside a fixture that belongs to the store; behind it there may be a wall."""
_GATE_M = 1.0
_ROOM_M = 0.6
_STEPS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, math.sqrt(2)), (1, -1, math.sqrt(2)))


class Floor:
    """A grid over the store. Places are (x, y) in `map`, metres."""

    def __init__(self, store: Store) -> None:
        """Set up the grid: before, beside and between fixtures, and through the gates."""
        footprints = [_footprint(fixture) for fixture in store.fixtures.values()]
        fronts = [_in_map(fixture.pose, _front(fixture)) for fixture in store.fixtures.values()]
        passages = [
            _in_map(gate.pose, box(-_GATE_M, -0.4, _GATE_M, 0.4)) for gate in store.gates.values()
        ]
        inside = union_all([*fronts, *passages]).convex_hull
        self.origin = np.array(inside.bounds[:2])
        self.shape = tuple(int(n) for n in np.ceil((inside.bounds[2:] - self.origin) / CELL_M) + 1)
        ix, iy = np.meshgrid(*(np.arange(n) for n in self.shape), indexing="ij")
        self.centres = np.stack([ix, iy], axis=-1) * CELL_M + self.origin
        grown = union_all(footprints).buffer(CLEARANCE_M)
        x, y = self.centres[..., 0], self.centres[..., 1]
        self.free: NDArray[np.bool_] = contains_xy(inside.difference(grown), x, y)
        room = np.asarray(distance_transform_edt(self.free)) * CELL_M
        self._cost = 1.0 + 1.5 * np.clip(1.0 - room / _ROOM_M, 0.0, None)
        self._edges()

    def _edges(self) -> None:
        number = np.arange(self.free.size).reshape(self.shape)
        starts, ends, weights = [], [], []
        for dx, dy, length in _STEPS:
            here = (slice(0, self.shape[0] - dx), slice(max(-dy, 0), self.shape[1] - max(dy, 0)))
            there = (slice(dx, None), slice(max(dy, 0), self.shape[1] + min(dy, 0)))
            both = self.free[here] & self.free[there]
            starts.append(number[here][both])
            ends.append(number[there][both])
            mean = (self._cost[here][both] + self._cost[there][both]) / 2
            weights.append(length * CELL_M * mean)
        self._from, self._to = np.concatenate(starts), np.concatenate(ends)
        self._weight = np.concatenate(weights)

    def is_free(self, place: Place) -> bool:
        """Whether one can stand there."""
        i, j = self._cell(place)
        inside = 0 <= i < self.shape[0] and 0 <= j < self.shape[1]
        return bool(inside and self.free[i, j])

    @property
    def corner(self) -> Place:
        """The free place nearest to the grid's first corner."""
        cells = np.argwhere(self.free)
        i, j = cells[cells.sum(axis=1).argmin()]
        return float(self.centres[i, j, 0]), float(self.centres[i, j, 1])

    def way(self, start: Place, goal: Place, standing: Sequence[Place] = ()) -> Array | None:
        """The way from a place to another, or None where there is none.

        Args:
            start: Where it begins; free, or next to a free cell.
            goal: Where it ends.
            standing: People who stand about and are walked around.

        Returns:
            [points, 2], a few centimetres apart, both ends included.
        """
        free = self.free.copy()
        for person in standing:
            apart = np.hypot(self.centres[..., 0] - person[0], self.centres[..., 1] - person[1])
            free &= apart >= PERSON_M
        first, last = self._nearest(start, free), self._nearest(goal, free)
        if first is None or last is None:
            return None
        flat = free.ravel()
        keep = flat[self._from] & flat[self._to]
        graph = csr_matrix(
            (self._weight[keep], (self._from[keep], self._to[keep])), shape=(flat.size,) * 2
        )
        _, before = dijkstra(graph, directed=False, indices=last, return_predecessors=True)
        cells = [first]
        while cells[-1] != last:
            following = int(before[cells[-1]])
            if following < 0:
                return None
            cells.append(following)
        points = self.centres.reshape(-1, 2)[cells]
        points = np.concatenate([[start], points[1:-1], [goal]])
        return self._smooth(self._pull(points, free), free)

    def _cell(self, place: Place) -> tuple[int, int]:
        i, j = np.round((np.asarray(place) - self.origin) / CELL_M).astype(int)
        return int(i), int(j)

    def _nearest(self, place: Place, free: NDArray[np.bool_]) -> int | None:
        """Number of the nearest free cell at most two cells away."""
        i, j = self._cell(place)
        around = [(abs(di) + abs(dj), i + di, j + dj) for di in range(-2, 3) for dj in range(-2, 3)]
        for _, a, b in sorted(around):
            if 0 <= a < self.shape[0] and 0 <= b < self.shape[1] and free[a, b]:
                return a * self.shape[1] + b
        return None

    def _sees(self, a: Array, b: Array, free: NDArray[np.bool_]) -> bool:
        count = max(2, int(np.hypot(*(b - a)) / (CELL_M / 2)))
        line = a + np.linspace(0, 1, count)[:, None] * (b - a)
        cells = np.round((line - self.origin) / CELL_M).astype(int)
        cells = np.clip(cells, 0, np.array(self.shape) - 1)
        return bool(free[cells[1:-1, 0], cells[1:-1, 1]].all())

    def _pull(self, points: Array, free: NDArray[np.bool_]) -> Array:
        """Leave out corners that one need not walk; at most 1.5 m at once keeps the middle."""
        kept, at = [points[0]], 0
        while at < len(points) - 1:
            ahead = min(at + 15, len(points) - 1)
            while ahead > at + 1 and not self._sees(points[at], points[ahead], free):
                ahead -= 1
            kept.append(points[ahead])
            at = ahead
        return np.array(kept)

    def _smooth(self, corners: Array, free: NDArray[np.bool_]) -> Array:
        points = resampled(corners, 0.04)
        for width in (4.0, 2.0, 1.0):
            round_ = gaussian_filter1d(points, width, axis=0, mode="nearest")
            round_[0], round_[-1] = points[0], points[-1]
            cells = np.round((round_ - self.origin) / CELL_M).astype(int)
            cells = np.clip(cells, 0, np.array(self.shape) - 1)
            if free[cells[3:-3, 0], cells[3:-3, 1]].all():
                return np.asarray(round_)
        return points


def resampled(corners: Array, step: float, parts: int = 1) -> Array:
    """Points along a line of corners: evenly spaced steps of about `step` metres, at least one.

    Each step is cut into `parts`.
    """
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(1, round(along[-1] / step)) * parts + 1
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, corners[:, k]) for k in range(2)], axis=1)


def _footprint(fixture: Fixture) -> BaseGeometry:
    width, depth, _ = fixture.size_m
    return _in_map(fixture.pose, box(0, 0, width, depth))


def _front(fixture: Fixture) -> BaseGeometry:
    return box(-_BESIDE_M, -_BEFORE_M, fixture.size_m[0] + _BESIDE_M, 0)


def _in_map(pose: Matrix, shape: BaseGeometry) -> BaseGeometry:
    m = pose
    turned: BaseGeometry = affine_transform(
        shape, [m[0, 0], m[0, 1], m[1, 0], m[1, 1], m[0, 3], m[1, 3]]
    )
    return turned
