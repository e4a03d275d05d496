"""Upright planes of a store as a camera sees them, straightened."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import project
from aisle.store.types import Camera

Image = NDArray[np.uint8]

_OUTSIDE = -16.0


@dataclass(frozen=True)
class Cut:
    """Where each pixel of a straightened picture lies in a camera's, within a rectangle of it."""

    camera: Camera
    rows: slice
    columns: slice
    where: NDArray[np.int16]
    fraction: NDArray[np.uint16]

    @staticmethod
    def of(camera: Camera, places: NDArray[np.float64]) -> Cut:
        """Of the places that pixels shall show, [rows, columns, 3] in `map`."""
        shape = places.shape[:2]
        pixels, _ = project(camera, places.reshape(-1, 3))
        # NaN compares as False: such a place is not in the picture either.
        inside = np.all((pixels > -1.0) & (pixels < (camera.width, camera.height)), axis=1)
        kept = pixels[inside] if inside.any() else np.zeros((1, 2))
        x0, y0 = np.maximum(np.floor(kept.min(axis=0)), 0).astype(int)
        x1, y1 = np.ceil(kept.max(axis=0)).astype(int) + 1
        local = np.where(inside[:, None], pixels - (x0, y0), _OUTSIDE).astype(np.float32)
        both = local.reshape(*shape, 2)
        where, fraction = cv2.convertMaps(both[..., 0], both[..., 1], cv2.CV_16SC2)
        fixed = np.asarray(where, np.int16), np.asarray(fraction, np.uint16)
        return Cut(camera, slice(y0, y1), slice(x0, x1), *fixed)

    def cut(self, image: Image) -> Image:
        """The straightened picture, [rows, columns, 3]; black where the camera's ends.

        Args:
            image: [height, width, 3] of the camera, as it came: not undistorted.

        Raises:
            ValueError: The picture has not the camera's size.
        """
        camera = self.camera
        if image.shape != (camera.height, camera.width, 3) or image.dtype != np.uint8:
            wanted = f"{camera.width} x {camera.height}"
            raise ValueError(f"{camera.id}: picture {image.dtype} {image.shape}, not {wanted} RGB")
        # The rectangle alone is copied when the picture's channels are turned or repeated.
        part = np.ascontiguousarray(image[self.rows, self.columns])
        straight = cv2.remap(part, self.where, self.fraction, cv2.INTER_LINEAR)
        return np.asarray(straight, dtype=np.uint8)
