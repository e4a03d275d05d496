"""A small furnished store with cameras, and scenes in it, for tests of the renderer."""

from __future__ import annotations

import math

import numpy as np

from aisle.sim.scene import Look, Mesh, Person, Scene, Unit
from aisle.store.geometry import pose_from_rpy, translation
from aisle.store.types import Camera, Fixture, Product, Shelf, Slot, Store

WIDTH, HEIGHT = 320, 240


def camera(name: str, eye: tuple[float, ...], target: tuple[float, ...], fov: float = 75) -> Camera:
    ahead = np.subtract(target, eye)
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right = right / np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(ahead, right), ahead])
    pose[:3, 3] = eye
    return Camera(name, pose, WIDTH, HEIGHT, math.radians(fov))


def store() -> Store:
    products = {
        f"p{i}": Product(f"p{i}", f"Box {i}", 0.2, (0.1, 0.08, 0.16), 199) for i in range(6)
    }
    fixtures, shelves, slots = {}, {}, {}
    for name, kind, x in (("g1", "gondola", 0.0), ("f1", "fridge", 1.1)):
        pose = translation(x, 1.0, 0.0)
        boards = []
        for i, z in enumerate((0.4, 0.9, 1.4)):
            id_ = f"{name}/s{i}"
            boards.append(id_)
            shelves[id_] = Shelf(id_, name, (1.0, 0.4, 0.4), pose @ translation(0, 0, z), ())
            slot = Slot(f"{id_}/a", f"p{i}", id_, (), (0.0, 0.0, 0.5, 0.4))
            slots[slot.id] = slot
        fixtures[name] = Fixture(name, kind, (1.0, 0.43, 1.8), pose, tuple(boards))
    cameras = {
        "a": camera("a", (0.5, -0.3, 2.6), (0.5, 1.0, 0.9)),
        "b": camera("b", (1.8, -0.2, 2.6), (0.9, 0.9, 0.8)),
    }
    return Store("small", "EUR", products, fixtures, shelves, {}, slots, {}, {}, cameras)


def look(product: Product) -> Look:
    """A box with a checked label, of another colour for each product."""
    w, d, h = product.size_m
    corners = np.array(
        [[x, y, z] for z in (0, h) for y in (-d / 2, d / 2) for x in (-w / 2, w / 2)]
    )
    sides = ((0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6), (4, 5, 7, 6), (2, 3, 1, 0))
    vertices = corners[np.array(sides).ravel()].astype(np.float32)
    faces = np.array(
        [[4 * i + k for k in part] for i in range(6) for part in ((0, 1, 2), (0, 2, 3))]
    )
    normals = []
    for a, b, c, _ in sides:
        flat = np.cross(corners[b] - corners[a], corners[c] - corners[b])
        normals += [flat / np.linalg.norm(flat)] * 4
    uv = np.tile([[0, 1], [1, 1], [1, 0], [0, 0]], (6, 1)).astype(np.float32)
    colour = np.random.default_rng(int(product.id[1:])).integers(40, 255, 3)
    texture = np.full((32, 32, 3), colour, np.uint8)
    texture[::8] //= 2
    return Look(Mesh(vertices, np.array(normals, np.float32), uv, faces.astype(np.int32)), texture)


def units() -> list[Unit]:
    out = []
    for shelf in store().shelves.values():
        for i in range(6):
            product = f"p{(i + int(shelf.id[-1])) % 6}"
            pose = shelf.pose @ translation(0.1 + 0.15 * i, 0.1, 0.0)
            out.append(Unit(f"{product}#{shelf.id}{i}", product, pose))
    return out


def person(number: int = 1, **changes: object) -> Person:
    values = {
        "session": f"s{number}",
        "number": 0,
        "seed": number,
        "position": (0.5, 0.45),
        "heading": math.pi / 2,
        "stride": 0.3,
        "pace": 0.0,
        "left_hand": None,
        "right_hand": None,
    }
    return Person(**{**values, **changes})


def scene(*people: Person, moved: tuple[Unit, ...] = (), **doors: float) -> Scene:
    """The full shelves, but for the units that `moved` replaces."""
    names = {unit.id for unit in moved}
    standing = [unit for unit in units() if unit.id not in names]
    return Scene(0, people, (*standing, *moved), doors)


def at(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    return pose_from_rpy((x, y, z), (0.0, 0.0, yaw))
