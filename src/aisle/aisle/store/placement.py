"""Where to hang cameras: the places from which a number of them see a store's slots best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import in_image, project
from aisle.store.coverage import ENOUGH_PX, coverage
from aisle.store.geometry3d import StoreGeometry
from aisle.store.types import Camera, Matrix, Store

Array = NDArray[np.float64]

_BESIDE = (0.1, 0.5, 0.9)
"""Places along a fixture, as shares of its width."""
_AWAY_M = (0.5, 0.9, 1.3, 1.7)
"""Distances before a fixture."""
_AIM_M = (0.6, 0.8, 1.0, 1.2)
"""Heights on a fixture's front at which a camera may look."""
_HAND_M = 1.0
_STEP_M = 0.25
_GRID_M = 0.5
"""Distance of the places from which a camera may look straight down."""
_NO_PLATE = 4.0
"""Weight of a slot without plates, where nothing but cameras can tell what happens."""
_SECOND = 0.4
"""Weight of a second view of a slot: the first one may be hidden by a shopper."""
_FLOOR = 0.5
"""Weight of the share of the floor over which hands are seen."""


@dataclass(frozen=True)
class Lens:
    """What all cameras to be placed have in common."""

    width: int = 640
    height: int = 480
    horizontal_fov_rad: float = 1.3
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    rate_hz: float = 10.0


def place_cameras(
    store: Store, count: int, lens: Lens, height_m: float, enough_px: float = ENOUGH_PX
) -> dict[str, Camera]:
    """A store's cameras and `count` more below the ceiling, chosen one after the other.

    Each next one is what helps most: slots seen with enough pixels (those without plates first), a
    second view of each slot, and the floor over which hands move. Then each camera is tried again
    at all other places until nothing improves.

    Args:
        store: Its own cameras stay where they are, and what they see counts.
        count: How many more.
        lens: Image and lens.
        height_m: Of the ceiling.
        enough_px: More pixels per decimetre than this count for nothing.

    Returns:
        All cameras by id; the new ones are `cam<n>`, counted on.

    Raises:
        ValueError: The store has no fixture to look at.
    """
    candidates = _candidates(store, lens, height_m)
    if not candidates:
        raise ValueError("a store without fixtures needs no cameras")
    there = len(store.cameras)
    views = _Views(replace(store, cameras={**store.cameras, **candidates}), enough_px)
    chosen = list(range(there))
    for _ in range(count):
        chosen.append(views.best_beside(chosen))
    improved = True
    while improved:
        improved = False
        for place in range(there, there + count):
            others = chosen[:place] + chosen[place + 1 :]
            better = views.best_beside(others)
            if views.score([*others, better]) > views.score(chosen) + 1e-9:
                chosen[place], improved = better, True
    found = [list(candidates.values())[index - there] for index in chosen[there:]]
    new = {f"cam{i}": replace(camera, id=f"cam{i}") for i, camera in enumerate(found, there + 1)}
    return {**store.cameras, **new}


def looking(place: Array, target: Array) -> Matrix:
    """Optical frame of a camera at a place [3] that looks at a target [3], its image upright.

    A camera that looks straight down has the top of its image towards y of `map`.
    """
    forward = (target - place) / np.linalg.norm(target - place)
    upright = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
    right = np.cross(forward, upright)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = place
    return pose


class _Views:
    """How well every candidate sees slots and floor."""

    def __init__(self, store: Store, enough_px: float) -> None:
        geometry = StoreGeometry()
        found = coverage(store, geometry=geometry)
        # A slot that reaches out of the image is worth less, however large it is there.
        self._slots = np.minimum(found.px_per_dm / enough_px, 1.0) * found.visible
        bare = np.array([not slot.plates for slot in store.slots.values()], dtype=bool)
        weights = np.where(bare, _NO_PLATE, 1.0) * found.placed
        self._weights = weights / max(weights.sum(), 1.0)
        floor = _floor(store)
        self._floor = np.zeros((len(floor), len(store.cameras)), dtype=bool)
        for j, camera in enumerate(store.cameras.values()):
            inside = in_image(camera, project(camera, floor)[0])
            hidden = geometry.hidden(camera.pose[:3, 3], floor[inside])
            self._floor[np.flatnonzero(inside)[~hidden], j] = True

    def score(self, cameras: list[int]) -> float:
        """How good some cameras are together."""
        seen = np.sort(self._slots[:, cameras], axis=1)
        value = seen[:, -1] + (_SECOND * seen[:, -2] if len(cameras) > 1 else 0.0)
        floor = self._floor[:, cameras].any(axis=1).mean() if len(self._floor) else 0.0
        return float(self._weights @ value + _FLOOR * floor)

    def best_beside(self, cameras: list[int]) -> int:
        """The candidate that helps most beside others."""
        scores = [self.score([*cameras, i]) for i in range(self._slots.shape[1])]
        return int(np.argmax(scores))


def _candidates(store: Store, lens: Lens, height_m: float) -> dict[str, Camera]:
    """Cameras that look at the fronts of fixtures, or straight down; inside the store."""
    low, high = _extent(store)
    views: list[tuple[Array, Array]] = []
    for fixture in store.fixtures.values():
        width = fixture.size_m[0]
        for beside in _BESIDE:
            for away in _AWAY_M:
                place = (fixture.pose @ [beside * width, -away, 0.0, 1.0])[:3]
                place[2] = height_m
                if ((place[:2] >= low) & (place[:2] <= high)).all():
                    aims = [fixture.pose @ [width / 2, 0.0, aim, 1.0] for aim in _AIM_M]
                    views += [(place, aim[:3]) for aim in aims]
    if store.fixtures:
        for x in np.arange(low[0] + _GRID_M, high[0], _GRID_M):
            for y in np.arange(low[1] + _GRID_M, high[1], _GRID_M):
                views.append((np.array([x, y, height_m]), np.array([x, y, 0.0])))
    found = {}
    for i, (place, aim) in enumerate(views):
        pose = np.round(looking(np.round(place, 3), np.round(aim, 3)), 12)
        found[f"c{i}"] = Camera(
            f"c{i}", pose, lens.width, lens.height, lens.horizontal_fov_rad,
            distortion=lens.distortion, rate_hz=lens.rate_hz,
        )  # fmt: skip
    return found


def _extent(store: Store) -> tuple[Array, Array]:
    """[2] lowest and [2] highest x and y of all that stands in a store."""
    corners = [gate.pose[:2, 3] for gate in store.gates.values()]
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        for x, y in ((0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth)):
            corners.append((fixture.pose @ [x, y, 0.0, 1.0])[:2])
    return np.min(corners, axis=0), np.max(corners, axis=0)


def _floor(store: Store) -> Array:
    """[N, 3] places at the height of hands, where no fixture stands."""
    low, high = _extent(store)
    steps = [np.arange(low[i] + _STEP_M / 2, high[i], _STEP_M) for i in (0, 1)]
    x, y = (grid.ravel() for grid in np.meshgrid(*steps))
    points = np.stack([x, y, np.full_like(x, _HAND_M)], axis=1)
    free = np.ones(len(points), dtype=bool)
    for fixture in store.fixtures.values():
        local = (points - fixture.pose[:3, 3]) @ fixture.pose[:3, :3]
        width, depth, _ = fixture.size_m
        free &= ~((local[:, 0] > 0) & (local[:, 0] < width) & (local[:, 1] > 0)
                  & (local[:, 1] < depth))  # fmt: skip
    return points[free]
