"""Puts what moves over the finished picture of what stands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.lens import Rectangle

_SOFT_PX = 0.5


def lay_over(picture: NDArray[np.uint8], over: NDArray[np.uint8], area: Rectangle) -> None:
    """Lay premultiplied [h, w, 4] over a rectangle of a [H, W, 3] picture, in place.

    Its edges are softened by half a pixel: the standing picture was painted at twice the
    resolution, what moves was not.
    """
    soft = cv2.GaussianBlur(over, (3, 3), _SOFT_PX)
    x0, y0, x1, y1 = area
    part = picture[y0:y1, x0:x1]
    opacity = cv2.cvtColor(soft[..., 3], cv2.COLOR_GRAY2RGB)
    behind = cv2.multiply(part, cv2.bitwise_not(opacity), scale=1 / 255)
    part[:] = cv2.add(behind, cv2.cvtColor(soft, cv2.COLOR_RGBA2RGB))


def merged(boxes: NDArray[np.int64]) -> list[Rectangle]:
    """[N, 4] rectangles as few that do not overlap; empty ones are left out."""
    out: list[list[int]] = []
    for box in boxes[boxes[:, 2] > boxes[:, 0]].tolist():
        again = True
        while again:
            again = False
            for other in out:
                if (
                    box[0] < other[2] and other[0] < box[2]
                    and box[1] < other[3] and other[1] < box[3]
                ):  # fmt: skip
                    out.remove(other)
                    box = [
                        min(box[0], other[0]), min(box[1], other[1]),
                        max(box[2], other[2]), max(box[3], other[3]),
                    ]  # fmt: skip
                    again = True
                    break
        out.append(box)
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in out]
