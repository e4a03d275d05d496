"""Which camera sees which slot, and how well: rays from the cameras to the products' surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import pixels_per_metre
from aisle.store.geometry3d import StoreGeometry
from aisle.store.solids import product_block, solids
from aisle.store.types import Slot, Store
from aisle.store.urdf import Robot

Array = NDArray[np.float64]

ENOUGH_PX = 30.0
"""Pixels that a product of 10 cm needs: with less it is a blob of colour."""
MOST_HIDDEN = 0.7
"""A face of which more is hidden does not count as seen."""
FACES = ("front", "top")
_GRID = 6
_LIFT_M = 0.002


@dataclass(frozen=True)
class Sight:
    """How one camera sees one slot."""

    slot: str
    camera: str
    px_per_dm: float
    """A square decimetre of the best-seen face covers the square of this in the image, on average
    over what is visible of it; 0 when no face is seen."""
    visible: float
    """Share of that face which nothing hides, 0 to 1."""
    face: str
    """`front` or `top`."""


@dataclass(frozen=True)
class Coverage:
    """The table of all slots and cameras."""

    slots: tuple[str, ...]
    cameras: tuple[str, ...]
    px_per_dm: Array
    """[slots, cameras], as in `Sight`."""
    visible: Array
    """[slots, cameras], as in `Sight`."""
    face: NDArray[np.int64]
    """[slots, cameras] index into `FACES`."""
    placed: NDArray[np.bool_]
    """[slots] False where the place of the slot is unknown, so that nothing can be said."""

    @property
    def best_px(self) -> Array:
        """[slots] Pixels per decimetre in the best view; 0 where no camera sees the slot."""
        best: Array = self.px_per_dm.max(axis=1, initial=0.0)
        return best

    def best(self, slot: str) -> Sight | None:
        """The best view of a slot, or None where no camera sees it.

        Raises:
            KeyError: There is no such slot.
        """
        if slot not in self.slots:
            raise KeyError(slot)
        views = self.views(slot)
        return views[0] if views else None

    def views(self, slot: str) -> list[Sight]:
        """All cameras that see a slot, the best first."""
        i = self.slots.index(slot)
        order = np.argsort(-self.px_per_dm[i], kind="stable")
        return [self._sight(i, int(j)) for j in order if self.px_per_dm[i, j] > 0.0]

    def poor(self, threshold: float = ENOUGH_PX) -> tuple[str, ...]:
        """Slots with a known place that no camera sees with this many pixels per decimetre."""
        low = (self.best_px < threshold) & self.placed
        return tuple(slot for slot, is_low in zip(self.slots, low, strict=True) if is_low)

    def _sight(self, i: int, j: int) -> Sight:
        px, visible = float(self.px_per_dm[i, j]), float(self.visible[i, j])
        return Sight(self.slots[i], self.cameras[j], px, visible, FACES[self.face[i, j]])


def coverage(
    store: Store,
    robot: Robot | None = None,
    doors: Mapping[str, float] | None = None,
    geometry: StoreGeometry | None = None,
) -> Coverage:
    """How well each camera sees each slot.

    Front and top of each slot's products are sampled on a grid. A point counts as seen when it is
    inside the image, faces the camera, and nothing stands in between; glass does not hide. Of the
    two faces, the one with more pixels per decimetre says how well the slot is seen, as long as at
    least 30 % of it is visible.

    Args:
        store: Cameras, shelves and products.
        robot: The store's URDF, with what else stands in the store.
        doors: Opening angle of a fixture's door in radians; doors are closed where absent.
        geometry: Kept from an earlier call, so that only what changed is built again; it is
            brought up to date. All rays are cast again, which takes milliseconds.

    Raises:
        Open3DMissing: Open3D cannot be used.
    """
    bodies = solids(store, robot, doors)
    geometry = geometry or StoreGeometry()
    geometry.update(bodies)
    targets = [_faces(store, slot) for slot in store.slots.values()]
    points = np.stack([point for point, _ in targets]) if targets else np.zeros((0, 2, 1, 3))
    normals = np.stack([normal for _, normal in targets]) if targets else np.zeros((0, 2, 3))
    placed = np.asarray(np.isfinite(points).all(axis=(1, 2, 3)))
    shape = len(store.slots), len(store.cameras)
    px, visible = np.zeros(shape), np.zeros(shape)
    face = np.zeros(shape, dtype=np.int64)
    flat = points[placed].reshape(-1, 3)
    outward = np.repeat(normals[placed].reshape(-1, 3), points.shape[2], axis=0)
    for j, camera in enumerate(store.cameras.values()):
        found = pixels_per_metre(camera, flat, outward)
        inside = np.flatnonzero(found)
        hidden = geometry.hidden(camera.pose[:3, 3], flat[inside])
        found[inside[hidden]] = 0.0
        of_face = found.reshape(-1, len(FACES), points.shape[2])
        seen = (of_face > 0.0).sum(axis=2)
        share = seen / of_face.shape[2]
        fine = of_face.sum(axis=2) / np.maximum(seen, 1) * (share >= 1.0 - MOST_HIDDEN)
        best = fine.argmax(axis=1)
        rows = np.arange(len(best))
        px[placed, j], visible[placed, j] = fine[rows, best] * 0.1, share[rows, best]
        face[placed, j] = best
    return Coverage(tuple(store.slots), tuple(store.cameras), px, visible, face, placed)


def visible_px(store: Store, geometry: StoreGeometry, points: Array, normals: Array) -> Array:
    """Pixels per decimetre at patches of surface, or of air, in the best view that sees them.

    Args:
        store: Cameras.
        geometry: What may stand in between.
        points: [N, 3] in `map`.
        normals: [N, 3] unit vectors.

    Returns:
        [N]; 0 where no camera sees the point.
    """
    best = np.zeros(len(points))
    lifted = points + _LIFT_M * normals
    for camera in store.cameras.values():
        found = pixels_per_metre(camera, lifted, normals) * 0.1
        inside = np.flatnonzero(found > best)
        hidden = geometry.hidden(camera.pose[:3, 3], lifted[inside])
        found[inside[hidden]] = 0.0
        best = np.maximum(best, found)
    return best


def _faces(store: Store, slot: Slot) -> tuple[Array, Array]:
    """Points [faces, points, 3] on front and top of a slot's products, and normals [faces, 3].

    NaN where the slot's place is unknown. A slot that is empty now counts as if it were filled.
    """
    block = product_block(store, slot)
    if block is None:
        return np.full((2, _GRID**2, 3), np.nan), np.zeros((2, 3))
    pose, size = block
    steps = (np.arange(_GRID) + 0.5) / _GRID - 0.5
    along, other = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    half = np.full_like(along, 0.5)
    lift = _LIFT_M / np.array(size)
    front = np.stack([along, -half - lift[1], other], axis=1) * size
    top = np.stack([along, other, half + lift[2]], axis=1) * size
    points = np.stack([front, top]) @ pose[:3, :3].T + pose[:3, 3]
    return points, np.stack([-pose[:3, 1], pose[:3, 2]])
