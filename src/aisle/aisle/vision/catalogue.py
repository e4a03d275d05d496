"""Catalogue pictures at the scale of strips, so that the encoder meets a product at one size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.vision.strips import PX_PER_M, ROWS

Image = NDArray[np.uint8]

_GROUND = 245
"""What has all channels brighter than this is the white around a product."""
_MOST_PX = ROWS - 2


def catalogue_picture(photo: Image, size_m: tuple[float, float, float]) -> Image:
    """A product in the middle of white, at `PX_PER_M`, or smaller where it would not fit.

    A photo does not say from where it was taken: of front, side, top and the two slanting views
    that are usual, that one is assumed whose proportions fit what is not white. When it was
    another one, the scale is wrong by a little.

    Args:
        photo: [height, width, 3] RGB; the product on white.
        size_m: Width, depth and height of the product.

    Returns:
        [ROWS, ROWS, 3] RGB.
    """
    ys, xs = np.nonzero((photo < _GROUND).any(axis=2))
    if not len(ys):
        return np.full((ROWS, ROWS, 3), 255, np.uint8)
    part = photo[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    height, width = part.shape[:2]
    views = _extents(size_m)
    fit = np.abs(np.log(views[:, 0] / views[:, 1]) - np.log(width / height)).argmin()
    scale = PX_PER_M * np.sqrt(views[fit].prod() / (width * height))
    scale = min(scale, _MOST_PX / width, _MOST_PX / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    picture = np.full((ROWS, ROWS, 3), 255, np.uint8)
    y, x = (ROWS - size[1]) // 2, (ROWS - size[0]) // 2
    picture[y : y + size[1], x : x + size[0]] = small
    return picture


def _extents(size_m: tuple[float, float, float]) -> NDArray[np.float64]:
    """[views, 2] width and height of a box.

    From the front, the side, the top, from half above, and from half above its corner.
    """
    w, d, h = size_m
    slant = np.sqrt(0.5)
    corner = (w + d) * slant
    views = [(w, h), (d, h), (w, d), (w, (d + h) * slant), (corner, (corner + h) * slant)]
    return np.array(views)
