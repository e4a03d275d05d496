"""A store as triangles (Open3D): what hides what, and points on its surface.

Open3D is imported when the first geometry is made: it takes a second, and most of the library
works without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.store.solids import Solid

Array = NDArray[np.float64]

_SLACK_M = 0.003
_ROUND = 24


class Open3DMissing(ImportError):  # noqa: N818 - named for what a person has to do
    """Open3D cannot be imported."""


@cache
def open3d() -> Any:
    """The module `open3d`.

    Raises:
        Open3DMissing: It is not installed, or a system library that it needs is not.
    """
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        raise Open3DMissing(f"Open3D cannot be used (open3d-cpu): {error}") from error


def mesh_of(solid: Solid) -> Any:
    """An `open3d.t.geometry.TriangleMesh` of one solid, in `map`, in its colour."""
    library = open3d()
    make = library.t.geometry.TriangleMesh
    if solid.shape == "box":
        mesh = make.create_box(*solid.size_m).translate([-side / 2 for side in solid.size_m])
    elif solid.shape == "cylinder":
        mesh = make.create_cylinder(solid.size_m[0] / 2, solid.size_m[2], _ROUND, 1)
    else:
        mesh = make.create_sphere(solid.size_m[0] / 2, _ROUND)
    mesh.transform(library.core.Tensor(np.ascontiguousarray(solid.pose)))
    colours = np.tile(np.array(solid.colour[:3], dtype=np.float32), (len(mesh.vertex.positions), 1))
    mesh.vertex.colors = library.core.Tensor(colours)
    return mesh


class StoreGeometry:
    """The triangles of a store, to which rays are cast.

    Args:
        solids: Bodies of the store (`aisle.store.solids.solids`). What one sees through blocks no
            ray; neither do cameras.
    """

    def __init__(self, solids: Iterable[Solid] = ()) -> None:
        self.solids: tuple[Solid, ...] = ()
        self._meshes: dict[str, tuple[tuple[object, ...], Any]] = {}
        self._scene: Any = None
        self.update(solids)

    def update(self, solids: Iterable[Solid]) -> frozenset[str]:
        """Takes the store as it stands now: doors that turned, products that moved.

        Only bodies that changed are made anew.

        Returns:
            Ids of the bodies that came, went or changed.
        """
        self.solids = tuple(solids)
        kept, changed = {}, set(self._meshes)
        for solid in self.solids:
            key, mesh = self._meshes.get(solid.id, ((), None))
            if key == solid.same:
                changed.discard(solid.id)
            else:
                mesh = mesh_of(solid)
                changed.add(solid.id)
            kept[solid.id] = solid.same, mesh
        self._meshes = kept
        if changed:
            self._scene = None
        return frozenset(changed)

    @property
    def meshes(self) -> dict[str, Any]:
        """An `open3d.t.geometry.TriangleMesh` of each body, in `map`."""
        return {id_: mesh for id_, (_, mesh) in self._meshes.items()}

    def hidden(self, origin: Array, points: Array) -> NDArray[np.bool_]:
        """Whether something stands between one place and others.

        Args:
            origin: [3] in `map`.
            points: [N, 3] in `map`, on surfaces or in the air.

        Returns:
            [N]
        """
        if not len(points):
            return np.zeros(0, dtype=bool)
        ways = np.asarray(points) - origin
        lengths = np.linalg.norm(ways, axis=1)
        casts = np.concatenate([np.broadcast_to(origin, ways.shape), ways], axis=1)
        tensor = open3d().core.Tensor(np.ascontiguousarray(casts, dtype=np.float32))
        # The ways are not unit vectors, so a hit at 1 is the point itself.
        hits = self._casting().cast_rays(tensor)["t_hit"].numpy()
        return np.asarray(hits < 1.0 - _SLACK_M / np.maximum(lengths, _SLACK_M))

    def _casting(self) -> Any:
        # An Open3D scene takes no body back, and building one takes a few milliseconds.
        if self._scene is None:
            self._scene = open3d().t.geometry.RaycastingScene(nthreads=1)
            for solid in self.solids:
                if not solid.clear and solid.kind != "camera":
                    self._scene.add_triangles(self._meshes[solid.id][1])
        return self._scene

    def sample(self, per_square_metre: float, seed: int = 0) -> tuple[Array, Array, Array]:
        """Points spread evenly over all surfaces that are not seen through.

        Args:
            per_square_metre: How many; at least one for each body.
            seed: The same seed gives the same points.

        Returns:
            Points [N, 3] and unit normals [N, 3] in `map`, colours [N, 3] from 0 to 1.
        """
        rng = np.random.default_rng(seed)
        parts = [
            _spread(self._meshes[solid.id][1], per_square_metre, rng, solid)
            for solid in self.solids
            if not solid.clear
        ]
        if not parts:
            return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3))
        points, normals, colours = (np.concatenate(part) for part in zip(*parts, strict=True))
        return points, normals, colours


def _spread(
    mesh: Any, density: float, rng: np.random.Generator, solid: Solid
) -> tuple[Array, Array, Array]:
    """Random points on the triangles of a body, by area."""
    corners = mesh.vertex.positions.numpy().astype(np.float64)[mesh.triangle.indices.numpy()]
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(one, two)
    areas = np.linalg.norm(across, axis=1) / 2
    count = max(1, round(float(areas.sum()) * density))
    chosen = rng.choice(len(areas), size=count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = corners[chosen, 0] + u * one[chosen] + v * two[chosen]
    normals = across[chosen] / (2 * areas[chosen, None])
    return points, normals, np.tile(np.array(solid.colour[:3]), (count, 1))
