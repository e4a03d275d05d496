"""Two people near each other, as cameras see what is between them: where things are handed over.

A meeting's picture is turned so that one person is on its left and the other on its right, whatever
camera it comes from, and drawn twice: wide, with both people, and close, with what is in the hands
between them. The network that looks at meetings is behind `Witness`; it knows no store and no
person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.store.camera import in_image, intrinsics, project
from aisle.store.types import Camera, Store
from aisle.vision.cuts import Cut
from aisle.vision.strips import COLUMN_PX, MOST_SLOPE, ROWS
from aisle.vision.strips import PX_PER_M as STRIPS_PX_PER_M

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

HIGH_M = 1.15
"""Hands meet about so high over the floor."""
NEAREST_M, FURTHEST_M = 0.35, 1.15
"""Heads of people who can hand something over are so far apart."""
MOST_VIEWS = 3
"""Cameras that look at one meeting."""
WIDE = 64, 96
"""Rows and columns of a wide picture, at half the scale of a close one."""
CLOSE = 72, 72
PX_PER_M = 144
SPAN = 9
"""Ticks of a meeting that are judged together; what is said is of the one in the middle."""
GIVES = 3
"""Answers: nothing is handed over, the one on the left gives, the one on the right gives."""
STRIP_PX, STRIP_HIGH_M = 112, 0.3
"""Width and height of what is shown of the things between two people."""
_NODE_PX = 8
"""So far apart are the places at which a lens is followed exactly."""
_SQUARE = 0.3
"""Sine of the angle between the line of sight and that between two people, below which one of them
hides what is between them."""
_SPREAD = np.array([(0, 0, 0), (0.35, 0, 0), (-0.35, 0, 0), (0, 0.35, 0), (0, -0.35, 0)])
"""Places around the middle that a good view shows too."""
_OUTSIDE = -16.0


@dataclass(frozen=True, eq=False)
class Meeting:
    """What cameras show of two people at one tick."""

    wide: Image
    """[views, *WIDE, 3] RGB; the first person is on the left."""
    close: Image
    """[views, *CLOSE, 3]"""
    cameras: tuple[str, ...]
    """[views]"""
    strips: Image
    """[views, ROWS, STRIP_PX, 3] what is between the two as a shelf there would show it, upright
    and towards the camera: what the encoder of strips takes."""
    slopes: Floats
    """[views, STRIP_PX / COLUMN_PX, 2] as in `aisle.vision.strips.StripView`."""


class Meetings:
    """Cuts what is between two people out of pictures.

    Args:
        store: Its cameras.
    """

    def __init__(self, store: Store) -> None:
        self._cameras = store.cameras

    def views(self, left: Array, right: Array) -> list[str]:
        """Cameras that see best what is between two heads [2] in `map`, best first."""
        between = np.array([*(left + right) / 2, HIGH_M])
        way = _unit(np.array([*(right - left), 0.0]))
        worth = {}
        for name, camera in self._cameras.items():
            sight = between - camera.pose[:3, 3]
            far = float(np.linalg.norm(sight))
            square = float(np.linalg.norm(np.cross(sight / max(far, 1e-6), way)))
            inside = in_image(camera, project(camera, between + _SPREAD)[0])
            if square > _SQUARE and inside[0]:
                share = float(inside.mean()) ** 2
                worth[name] = share * square * float(intrinsics(camera)[0, 0]) / far
        return sorted(worth, key=lambda name: (-worth[name], name))[:MOST_VIEWS]

    def look(self, left: Array, right: Array, pictures: Mapping[str, Image]) -> Meeting:
        """Look at two people whose heads are at places [2] in `map`.

        Args:
            left: Who shall be on the left.
            right: Likewise.
            pictures: [height, width, 3] RGB by camera; those that are left out show nothing.
        """
        shown = [name for name in self.views(left, right) if name in pictures]
        cuts = [_cut(self._cameras[name], pictures[name], left, right) for name in shown]
        rows, columns = WIDE
        top, side = rows - CLOSE[0] // 2, columns - CLOSE[1] // 2
        wide = [cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA) for cut in cuts]
        close = [cut[top : top + CLOSE[0], side : side + CLOSE[1]] for cut in cuts]
        middle = np.array([*(left + right) / 2, HIGH_M])
        upright = [_strip(self._cameras[name], pictures[name], middle) for name in shown]
        return Meeting(
            np.array(wide, np.uint8).reshape(-1, *WIDE, 3),
            np.array(close, np.uint8).reshape(-1, *CLOSE, 3),
            tuple(shown),
            np.array([strip for strip, _ in upright], np.uint8).reshape(-1, ROWS, STRIP_PX, 3),
            np.array([slope for _, slope in upright], np.float32).reshape(
                -1, STRIP_PX // COLUMN_PX, 2
            ),
        )


def pairs(heads: Array) -> list[tuple[int, int]]:
    """Who of people [N, 2] in `map` stand so that one can hand something to the other.

    Nearest first.
    """
    apart = np.hypot(*(heads[:, None] - heads[None]).transpose(2, 0, 1))
    rows, columns = np.nonzero(np.triu((apart > NEAREST_M) & (apart < FURTHEST_M), 1))
    order = np.argsort(apart[rows, columns], kind="stable")
    return [(int(rows[k]), int(columns[k])) for k in order]


def _cut(camera: Camera, picture: Image, left: Array, right: Array) -> Image:
    """[2 * WIDE, 3] around the middle of two people, as seen along the line of sight."""
    middle = np.array([*(left + right) / 2, HIGH_M])
    sight = _unit(middle - camera.pose[:3, 3])
    way = np.array([*(right - left), 0.0])
    along = _unit(way - (way @ sight) * sight)
    down = np.cross(sight, along)
    rows, columns = 2 * WIDE[0], 2 * WIDE[1]
    # One node beyond each edge: in between the lens is followed in a straight line.
    x = ((np.arange(-1, columns // _NODE_PX + 1) + 0.5) * _NODE_PX - columns / 2) / PX_PER_M
    y = ((np.arange(-1, rows // _NODE_PX + 1) + 0.5) * _NODE_PX - rows / 2) / PX_PER_M
    places = middle + y[:, None, None] * down + x[None, :, None] * along
    pixels, _ = project(camera, places.reshape(-1, 3))
    nodes = np.where(np.isfinite(pixels), pixels, _OUTSIDE).astype(np.float32)
    size = len(x) * _NODE_PX, len(y) * _NODE_PX
    where = cv2.resize(nodes.reshape(len(y), len(x), 2), size, interpolation=cv2.INTER_LINEAR)
    inner = where[_NODE_PX:-_NODE_PX, _NODE_PX:-_NODE_PX]
    both = cv2.remap(picture, inner[..., 0], inner[..., 1], cv2.INTER_LINEAR)
    return np.asarray(both, np.uint8)


def _strip(camera: Camera, picture: Image, middle: Array) -> tuple[Image, Floats]:
    """The upright plane through a place [3] in `map` that faces a camera; and its slopes."""
    way = middle - camera.pose[:3, 3]
    away = max(float(np.hypot(way[0], way[1])), 1e-3)
    right = np.array([way[1], -way[0], 0.0]) / away
    x = (np.arange(STRIP_PX) + 0.5) / STRIPS_PX_PER_M - STRIP_PX / STRIPS_PX_PER_M / 2
    z = (0.5 - (np.arange(ROWS) + 0.5) / ROWS) * STRIP_HIGH_M
    up = np.array([0.0, 0.0, 1.0])
    places = middle + x[None, :, None] * right + z[:, None, None] * up
    columns = STRIP_PX // COLUMN_PX
    slope = np.zeros((columns, 2), np.float32)
    slope[:, 0] = x.reshape(columns, -1).mean(1) / away
    slope[:, 1] = way[2] / away
    return Cut.of(camera, places).cut(picture), np.clip(slope, -MOST_SLOPE, MOST_SLOPE)


def _unit(way: Array) -> Array:
    return np.asarray(way / max(float(np.linalg.norm(way)), 1e-6), np.float64)
