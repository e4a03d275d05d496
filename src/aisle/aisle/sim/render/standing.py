"""What stands on shelves, and which parts of the pictures a change of it makes stale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.furniture import door_pose, is_open_above
from aisle.sim.render.stock import ROW, instance
from aisle.sim.scene import Matrix, Scene, Unit
from aisle.store.types import Store

_FOOT = 0.62
"""Light at the foot of a unit, where it stands on its board."""
HELD_LIGHT = 1.03


class Standing:
    """Units on shelves as instances, doors that are shut, and a log of what changed where.

    Attributes:
        rows: [N, 16] instances; only those with `alive` are there.
        kinds: [N] mesh numbers.
        corners: [N, 8, 3] of each instance's box, in `map`.
        alive: [N].
        stale: [8, 3] boxes in `map` that changed and that some picture does not show yet.
        shut: Fridges whose door is shut.
    """

    def __init__(self, store: Store, kinds: dict[str, int], boxes: NDArray[np.float64]) -> None:
        self._store = store
        self._kind_of = kinds
        self._boxes = boxes
        self._row_of: dict[str, int] = {}
        self._units: dict[str, Unit] = {}
        self._free: list[int] = []
        self._scene: Scene | None = None
        self.names: list[str] = []
        self._allocate(512)
        self.stale: list[NDArray[np.float64]] = []
        self.shut = {f.id for f in store.fixtures.values() if f.kind == "fridge"}
        shelves = [s for s in store.shelves.values() if s.pose is not None]
        self._into = np.array([np.linalg.inv(s.pose) for s in shelves if s.pose is not None])
        self._sizes = np.array([s.size_m for s in shelves])
        self._open = np.array([is_open_above(store, s) for s in shelves], bool)

    def _allocate(self, count: int) -> None:
        self.rows = np.zeros((count, ROW), np.float32)
        self.kinds = np.zeros(count, np.int64)
        self.corners = np.zeros((count, 8, 3))
        self.alive = np.zeros(count, bool)
        self._free = list(range(count - 1, -1, -1))

    def _grow(self) -> None:
        old = len(self.rows)
        for name in ("rows", "kinds", "corners", "alive"):
            part = getattr(self, name)
            setattr(self, name, np.concatenate([part, np.zeros_like(part)]))
        self._free = list(range(2 * old - 1, old - 1, -1))

    def update(self, scene: Scene) -> None:
        """Take over what stands in a scene; cheap where it is the same scene as before."""
        if scene is self._scene:
            return
        self._scene = scene
        now = {unit.id: unit for unit in scene.units if not unit.holder}
        gone = [name for name in self._units if name not in now]
        for name in gone:
            self._remove(name)
        for name, unit in now.items():
            before = self._units.get(name)
            if before is unit:
                continue
            if before is not None and (
                before.pose is unit.pose or np.array_equal(before.pose, unit.pose)
            ):
                self._units[name] = unit
                continue
            if before is not None:
                self._remove(name)
            self._add(unit)
        self._doors(scene)

    def number(self, unit: str) -> int:
        """The number of a standing unit in the picture of ids."""
        return self._row_of[unit] + 1

    def _add(self, unit: Unit) -> None:
        if not self._free:
            self._grow()
        row = self._free.pop()
        kind = self._kind_of[unit.product]
        self.rows[row] = instance(unit.pose, kind, self._light(unit.pose), _FOOT, row + 1)
        self.kinds[row] = kind
        self.corners[row] = self._boxes[kind] @ unit.pose[:3, :3].T + unit.pose[:3, 3]
        self.alive[row] = True
        while len(self.names) <= row + 1:
            self.names.append("")
        self.names[row + 1] = unit.id
        self._row_of[unit.id] = row
        self._units[unit.id] = unit
        self.stale.append(self.corners[row].copy())

    def _remove(self, name: str) -> None:
        row = self._row_of.pop(name)
        del self._units[name]
        self.alive[row] = False
        self._free.append(row)
        self.stale.append(self.corners[row].copy())

    def _doors(self, scene: Scene) -> None:
        for fixture in self._store.fixtures.values():
            if fixture.kind != "fridge":
                continue
            shut = scene.doors.get(fixture.id, 0.0) == 0.0
            if shut == (fixture.id in self.shut):
                continue
            self.shut ^= {fixture.id}
            self.stale.append(door_box(store_size=fixture.size_m, pose=door_pose(fixture, 0.0)))

    def _light(self, pose: Matrix) -> float:
        """How bright it is where a unit stands: darker the further it is below another board."""
        if not len(self._into):
            return 1.0
        local = np.einsum("sij,j->si", self._into[:, :3, :3], pose[:3, 3]) + self._into[:, :3, 3]
        low = np.array([-0.05, -0.1, -0.05])
        inside = ((local > low) & (local < self._sizes + 0.02)).all(1)
        if not inside.any():
            return 1.0
        shelf = int(np.flatnonzero(inside)[0])
        if self._open[shelf]:
            return 1.0
        deep = float(np.clip(local[shelf, 1] / self._sizes[shelf, 1], 0.0, 1.0))
        return 0.97 - 0.45 * float(deep**0.8)


def door_box(store_size: tuple[float, float, float], pose: Matrix) -> NDArray[np.float64]:
    """[8, 3] corners of a door leaf in `map`."""
    width, _, height = store_size
    corners = [(x, y, z) for x in (0, width) for y in (-0.07, 0.02) for z in (0.1, height)]
    return np.asarray(np.array(corners) @ pose[:3, :3].T + pose[:3, 3])
