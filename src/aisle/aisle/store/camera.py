"""What a camera sees where: intrinsics, lens distortion, projection and rays.

Pixel coordinates are those of OpenCV and `sensor_msgs/CameraInfo`: (0, 0) is the centre of the
first pixel, so an image spans -0.5 to width - 0.5. The lens model is `plumb_bob` (Brown-Conrady):
with x, y the point over its depth in the optical frame and r^2 = x^2 + y^2,

    x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2)
    y' = y (1 + k1 r^2 + k2 r^4 + k3 r^6) + p1 (r^2 + 2 y^2) + 2 p2 x y
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aisle.store.types import Camera, Matrix

Array = NDArray[np.float64]

_ITERATIONS = 30
_EXACT = 1e-14
_CONVERGED = 1e-10


def intrinsics(camera: Camera) -> Matrix:
    """The camera matrix K, 3x3, in pixels.

    Where the camera has no measured `focal_px`, pixels are square and `horizontal_fov_rad` is the
    angle between the left and the right edge of an image without distortion; where it has no
    `centre_px`, the lens looks at the middle of the image.
    """
    if camera.focal_px is None:
        focal = camera.width / 2 / math.tan(camera.horizontal_fov_rad / 2)
        fx, fy = focal, focal
    else:
        fx, fy = camera.focal_px
    cx, cy = camera.centre_px or ((camera.width - 1) / 2, (camera.height - 1) / 2)
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def project(camera: Camera, points: Array) -> tuple[Array, Array]:
    """Where points appear in the image.

    Args:
        camera: The camera.
        points: [N, 3] in `map`.

    Returns:
        Pixels [N, 2] and depth [N] along the optical axis in metres. Pixels may lie outside the
        image (see `in_image`); they are NaN for what lies behind the camera, or so far aside that
        the lens model does not hold.
    """
    local = _in_optical_frame(camera, points)
    depth = local[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.where(depth[:, None] > 0.0, local[:, :2] / depth[:, None], np.nan)
        flat[(flat**2).sum(axis=1) >= _fold(camera) ** 2] = np.nan
    k = intrinsics(camera)
    return _distort(flat, camera.distortion) @ k[:2, :2].T + k[:2, 2], depth


def rays(camera: Camera, pixels: Array) -> tuple[Array, Array]:
    """What lies behind pixels: the inverse of `project`.

    Args:
        camera: The camera.
        pixels: [N, 2].

    Returns:
        The camera's place [3] and unit directions [N, 3], both in `map`; NaN for a pixel that the
        lens cannot make.
    """
    k = intrinsics(camera)
    flat = _undistort((np.asarray(pixels) - k[:2, 2]) / np.diag(k)[:2], camera)
    local = np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
    directions = local / np.linalg.norm(local, axis=1, keepdims=True)
    return camera.pose[:3, 3].copy(), directions @ camera.pose[:3, :3].T


def in_image(camera: Camera, pixels: Array) -> NDArray[np.bool_]:
    """[N] True for pixels [N, 2] inside the image; False for NaN."""
    x, y = np.asarray(pixels).T
    inside: NDArray[np.bool_] = (
        (x >= -0.5) & (x <= camera.width - 0.5) & (y >= -0.5) & (y <= camera.height - 0.5)
    )
    return inside


def pixels_per_metre(camera: Camera, points: Array, normals: Array) -> Array:
    """How finely a camera resolves small patches of surface, whatever stands in between.

    A patch of a square metre would cover the square of this number in pixels, so it falls with
    the distance, with the root of the cosine between normal and line of sight, and with what the
    lens does at this place of the image.

    Args:
        camera: The camera.
        points: [N, 3] in `map`.
        normals: [N, 3] unit vectors.

    Returns:
        [N]; 0 where the patch turns away from the camera, or lies behind it or outside its image.
    """
    local = _in_optical_frame(camera, points)
    x, y, z = local.T
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.stack([x / z, y / z], axis=1)
        # Rows: the derivative of (x/z, y/z) by the point in the optical frame.
        zero = np.zeros_like(z)
        by_point = np.stack(
            [
                np.stack([1 / z, zero, -x / z**2], axis=1),
                np.stack([zero, 1 / z, -y / z**2], axis=1),
            ],
            axis=1,
        )
        by_pixel = intrinsics(camera)[:2, :2] @ _distortion_slope(flat, camera.distortion)
        rows = by_pixel @ by_point
        # The area that a tangent plane takes in the image, by the area in the plane.
        turned = np.asarray(normals) @ camera.pose[:3, :3]
        area = np.einsum("ni,ni->n", np.cross(rows[:, 0], rows[:, 1]), turned)
    pixels, _ = project(camera, points)
    faces = np.einsum("ni,ni->n", local, turned) < 0.0
    return np.where(faces & in_image(camera, pixels), np.sqrt(np.abs(area)), 0.0)


def sees_its_corners(camera: Camera) -> bool:
    """Whether the lens model holds up to the corners of the image."""
    right, bottom = camera.width - 0.5, camera.height - 0.5
    corners = [(-0.5, -0.5), (right, -0.5), (-0.5, bottom), (right, bottom)]
    return bool(np.isfinite(rays(camera, np.array(corners))[1]).all())


def _in_optical_frame(camera: Camera, points: Array) -> Array:
    local: Array = (np.asarray(points) - camera.pose[:3, 3]) @ camera.pose[:3, :3]
    return local


def _distort(flat: Array, lens: tuple[float, ...]) -> Array:
    k1, k2, p1, p2, k3 = lens
    x, y = flat.T
    square = x**2 + y**2
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x**2),
            y * radial + p1 * (square + 2 * y**2) + 2 * p2 * x * y,
        ],
        axis=1,
    )


def _distortion_slope(flat: Array, lens: tuple[float, ...]) -> Array:
    """[N, 2, 2] derivative of `_distort`."""
    k1, k2, p1, p2, k3 = lens
    x, y = flat.T
    square = x**2 + y**2
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    steep = 2 * (k1 + square * (2 * k2 + square * 3 * k3))
    across = x * y * steep + 2 * p1 * x + 2 * p2 * y
    return np.stack(
        [
            np.stack([radial + x**2 * steep + 2 * p1 * y + 6 * p2 * x, across], axis=1),
            np.stack([across, radial + y**2 * steep + 6 * p1 * y + 2 * p2 * x], axis=1),
        ],
        axis=1,
    )


def _undistort(wanted: Array, camera: Camera) -> Array:
    """Newton's method from the distorted point; NaN where it does not arrive."""
    lens = camera.distortion
    flat = np.array(wanted, dtype=np.float64)
    if not any(lens):
        return flat
    with np.errstate(all="ignore"):
        for _ in range(_ITERATIONS):
            missing = wanted - _distort(flat, lens)
            if not (np.abs(missing) > _EXACT).any():
                break
            (a, b), (c, d) = np.moveaxis(_distortion_slope(flat, lens), 0, 2)
            step = np.stack(
                [d * missing[:, 0] - b * missing[:, 1], a * missing[:, 1] - c * missing[:, 0]],
                axis=1,
            )
            flat = flat + step / (a * d - b * c)[:, None]
        arrived = np.abs(wanted - _distort(flat, lens)).max(axis=1) < _CONVERGED
        arrived &= (flat**2).sum(axis=1) < _fold(camera) ** 2
    flat[~arrived] = np.nan
    return flat


def _fold(camera: Camera) -> float:
    """Distance from the optical axis (over depth) at which the lens model turns back on itself."""
    k1, k2, _, _, k3 = camera.distortion
    # d/dr of r (1 + k1 r^2 + k2 r^4 + k3 r^6) is a polynomial in r^2; taken in 1 / r^2, its first
    # coefficient is 1, whatever the lens.
    roots = np.roots([1.0, 3 * k1, 5 * k2, 7 * k3])
    ahead = [root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 1e-9]
    return 1 / math.sqrt(max(ahead)) if ahead else math.inf
