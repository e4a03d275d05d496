"""Poses, sizes and numbers inside messages that describe a store."""

from __future__ import annotations

from typing import Any

import numpy as np

from aisle.bags.convert import MessageError, finite
from aisle.bags.fields import within
from aisle.bags.messages import MessageTypes
from aisle.store.geometry import quaternion_from_pose
from aisle.store.types import Matrix

MAX_PLACE_M = 1000.0
"""How far from the origin of `map` anything of a store may be, along each axis."""
MAX_SIZE_M = 100.0
"""Of a thing in a store."""


def single(value: Any, name: str) -> float:
    """Return a 32-bit field as the shortest decimal that gives it: 0.53, not 0.5299999713."""
    return float(str(np.float32(finite(value, name))))


def pose_to_message(pose: Matrix | None, types: MessageTypes) -> Any:
    """Return a `geometry_msgs/Pose`; the identity for None."""
    matrix = np.eye(4) if pose is None else pose
    x, y, z, w = quaternion_from_pose(matrix)
    px, py, pz = (float(value) for value in matrix[:3, 3])
    return types.make(
        "geometry_msgs/msg/Pose",
        position=types.make("geometry_msgs/msg/Point", x=px, y=py, z=pz),
        orientation=types.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
    )


def place_fields(pose: Matrix | None, types: MessageTypes) -> dict[str, Any]:
    """The fields of a thing whose place may be unknown."""
    return {"has_pose": pose is not None, "pose": pose_to_message(pose, types)}


def pose_from_message(message: Any, name: str) -> Matrix:
    """Return a 4x4 matrix.

    Raises:
        MessageError: A number is not finite, the quaternion has no direction, or the place is too
            far away.
    """
    p, q = message.position, message.orientation
    x, y, z, w = (finite(value, f"{name} orientation") for value in (q.x, q.y, q.z, q.w))
    norm = float(np.hypot(np.hypot(x, y), np.hypot(z, w)))
    if not 1e-3 < norm < 1e3:
        raise MessageError(f"{name} has a quaternion of length {norm:g}")
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = [within(value, f"{name} position", MAX_PLACE_M) for value in (p.x, p.y, p.z)]
    return matrix


def place(message: Any, name: str) -> Matrix | None:
    """The inverse of `place_fields`."""
    return pose_from_message(message.pose, name) if message.has_pose else None


def size_message(size: tuple[float, ...], types: MessageTypes) -> Any:
    """Return a `geometry_msgs/Vector3`; what is left out is 0."""
    x, y, z = (*size, 0.0)[:3]
    return types.make("geometry_msgs/msg/Vector3", x=float(x), y=float(y), z=float(z))


def size_from_message(message: Any, name: str) -> tuple[float, float, float]:
    """Return x, y, z.

    Raises:
        MessageError: A number is not finite, negative, or too large.
    """
    x, y, z = (
        within(value, f"{name} size", MAX_SIZE_M) for value in (message.x, message.y, message.z)
    )
    if min(x, y, z) < 0:
        raise MessageError(f"{name} has a negative size")
    return x, y, z
