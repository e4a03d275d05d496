"""The ideal camera: where a point of `map` lies in a picture without distortion.

Intrinsics and pixel coordinates are those of `aisle.store.camera`; a camera's distortion is not
looked at here.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import intrinsics
from aisle.store.types import Camera

_Real = TypeVar("_Real", np.float32, np.float64)

NEAR_M, FAR_M = 0.1, 60.0


def project(camera: Camera, points: NDArray[_Real]) -> NDArray[_Real]:
    """[..., 3] pixel x, y and depth in metres of points of `map`.

    x and y mean nothing where the depth is not positive.
    """
    pose = camera.pose.astype(points.dtype)
    seen = (points - pose[:3, 3]) @ pose[:3, :3]
    k = intrinsics(camera)
    depth = seen[..., 2]
    safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
    x = seen[..., 0] / safe * k[0, 0] + k[0, 2]
    y = seen[..., 1] / safe * k[1, 1] + k[1, 2]
    return np.stack([x, y, depth], axis=-1)


def to_clip(camera: Camera) -> NDArray[np.float32]:
    """[4, 4] from `map` to OpenGL's clip space, the picture's first row at -1."""
    (fx, _, cx), (_, fy, cy), _ = intrinsics(camera)
    near, far = NEAR_M, FAR_M
    projection = np.array(
        [
            [2 * fx / camera.width, 0.0, (2 * cx + 1) / camera.width - 1, 0.0],
            [0.0, 2 * fy / camera.height, (2 * cy + 1) / camera.height - 1, 0.0],
            [0.0, 0.0, (far + near) / (far - near), -2 * far * near / (far - near)],
            [0.0, 0.0, 1.0, 0.0],
        ]
    )
    return np.asarray(projection @ np.linalg.inv(camera.pose), np.float32)


Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are outside."""


def rectangles(camera: Camera, corners: NDArray[_Real], margin: int = 2) -> NDArray[np.int64]:
    """[N, 4] the rectangles that hold [N, K, 3] points each, cut to the picture.

    Empty (x1 <= x0) where all points lie behind the camera or outside. Points beside others that
    lie behind the camera count as the whole picture.
    """
    image = project(camera, corners)
    depth = image[..., 2]
    low = np.floor(image[..., :2].min(1)) - margin
    high = np.ceil(image[..., :2].max(1)) + margin + 1
    size = np.array([camera.width, camera.height])
    crossing = (depth.min(1) < NEAR_M) & (depth.max(1) >= NEAR_M)
    low[crossing], high[crossing] = 0, size
    out = np.hstack([np.clip(low, 0, size), np.clip(high, 0, size)]).astype(np.int64)
    out[depth.max(1) < NEAR_M] = 0
    out[(out[:, 2] <= out[:, 0]) | (out[:, 3] <= out[:, 1])] = 0
    return out
