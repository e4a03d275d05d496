"""What there is to see at one moment: people, single units of products, doors.

The choreography says it, the renderer draws it. Metres, radians, poses in `map`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""[3]"""
Matrix = NDArray[np.float64]
"""[4, 4], from an object's own frame to `map`."""


@dataclass(frozen=True)
class Mesh:
    """Triangles with one texture."""

    vertices: NDArray[np.float32]
    """[V, 3] metres."""
    normals: NDArray[np.float32]
    """[V, 3] unit length."""
    uv: NDArray[np.float32]
    """[V, 2] in 0..1, (0, 0) is the texture's first pixel."""
    faces: NDArray[np.int32]
    """[F, 3] counter-clockwise seen from outside."""


@dataclass(frozen=True)
class Look:
    """What one product looks like.

    x is its width, y its depth (the front is at -y), z its height; the origin is the middle of its
    base.
    """

    mesh: Mesh
    texture: NDArray[np.uint8]
    """[H, W, 3] RGB."""


@dataclass(frozen=True)
class Unit:
    """One single thing that can be taken. The same `id` is the same thing all day."""

    id: str
    """`<product>#<number>`"""
    product: str
    pose: Matrix
    holder: str = ""
    """Session whose hand holds it; empty while it stands on a shelf."""


@dataclass(frozen=True)
class Person:
    """One person's body at one moment."""

    session: str
    """Several people of a group share a session."""
    number: int
    """0 for the first of the group."""
    seed: int
    """Of the body's shape, its clothes and its hair."""
    position: tuple[float, float]
    """Where the feet are."""
    heading: float
    """Where the body faces, about z; 0 is along x."""
    stride: float
    """Phase of walking, radians; grows with the way walked."""
    pace: float
    """Metres per second."""
    left_hand: Point | None
    """Where the palm is; None hangs."""
    right_hand: Point | None
    bend: float = 0.0
    """0 upright to 1 bent down to a low shelf."""
    bag: str = ""
    """`basket`, `tote` or nothing."""


@dataclass(frozen=True)
class Scene:
    """Everything at one moment."""

    stamp_ns: int
    people: tuple[Person, ...]
    units: tuple[Unit, ...]
    """On shelves and in hands; what has been bagged is not seen any more."""
    doors: dict[str, float] = field(default_factory=dict)
    """Opening angle by fixture; 0 is shut."""
