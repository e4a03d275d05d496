"""Fronts: a whole fixture as cameras see it, straightened, now and without people.

The plane of a front is that of its shelves' front edges, from the floor up to `HIGH_M`, and
`BESIDE_M` further to both sides, `PX_PER_M` pixels a metre. What stands before it appears where the
line of sight crosses it, so that an arm leads from the body to where the hand goes in.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND
from aisle.store.types import Fixture, Store
from aisle.vision.cuts import Cut
from aisle.vision.floor_map import HEADS, PLANES_M
from aisle.vision.strips import FULL_PX, ShelfStrips

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

PX_PER_M = 40
HIGH_M = 2.0
BESIDE_M = 0.6
ROWS = round(HIGH_M * PX_PER_M)
GRAIN = 8
"""Widths are multiples of this."""
MOST_VIEWS = 2

_EVERY_NS, _SHOWN = 4 * SECOND, 15
"""How often a front is looked at to tell how it is without people, and of how many times."""
_FEW = 2
_LEAST_AWAY_M = 0.2
_BLOCK, _LEVELS = 8, 16.0
"""Where no block of so many pixels differs by so many levels, nobody stands before a front."""


@dataclass(frozen=True, eq=False)
class FrontView:
    """One camera's view of one fixture."""

    fixture: str
    camera: str
    width_px: int


def front_width(fixture: Fixture) -> int:
    """Width of a fixture's front in pixels."""
    return GRAIN * math.ceil((fixture.size_m[0] + 2 * BESIDE_M) * PX_PER_M / GRAIN - 1e-6)


class Fronts:
    """Cuts fronts out of pictures.

    The cameras that stand for most of a fixture's shelves stand for its front.

    Args:
        store: Geometry and cameras.
        strips: Of the store: which cameras stand for which shelves.
    """

    def __init__(self, store: Store, strips: ShelfStrips) -> None:
        self.views: list[FrontView] = []
        self._cuts: dict[tuple[str, str], Cut] = {}
        self._eyes: dict[tuple[str, str], Array] = {}
        """Where each view's camera is, [3] in the fixture's frame."""
        self._poses = {fixture.id: fixture.pose for fixture in store.fixtures.values()}
        for fixture in store.fixtures.values():
            worth: dict[str, float] = {}
            for shelf in (s for s in store.shelves.values() if s.fixture == fixture.id):
                for view in strips.views(shelf.id):
                    seen = float(np.minimum(view.px_per_dm, FULL_PX).mean())
                    worth[view.camera] = worth.get(view.camera, 0.0) + seen
            for camera in sorted(worth, key=lambda name: (-worth[name], name))[:MOST_VIEWS]:
                self.views.append(FrontView(fixture.id, camera, front_width(fixture)))
                places, key = _places(fixture), (fixture.id, camera)
                self._cuts[key] = Cut.of(store.cameras[camera], places)
                seen_from = np.linalg.inv(fixture.pose) @ store.cameras[camera].pose
                self._eyes[key] = np.asarray(seen_from[:3, 3], np.float64)

    def front(self, view: FrontView, image: Image) -> Image:
        """What a view shows of its camera's picture, [ROWS, view.width_px, 3].

        Raises:
            ValueError: The picture has not the camera's size.
        """
        return self._cuts[view.fixture, view.camera].cut(image)

    def on_plane(self, view: FrontView, point: Array) -> tuple[float, float]:
        """Where a view shows a point [3] of the fixture's frame: along the front, and how high.

        NaN for what is not before the camera.
        """
        eye = self._eyes[view.fixture, view.camera]
        way = point - eye
        if way[1] < _LEAST_AWAY_M:
            return math.nan, math.nan
        x, _, z = (eye - way * eye[1] / way[1]).tolist()
        return x, z

    def placed(self, view: FrontView, said: Array) -> Array:
        """Hands in `map`, [n, HAND] as `aisle.vision.reaching` has them.

        Args:
            view: One of `views`.
            said: [n, 6] as `aisle.vision.reaching.peaks` has them.
        """
        pose = self._poses[view.fixture]
        eye = self._eyes[view.fixture, view.camera]
        hand, head = (
            np.column_stack([along - BESIDE_M, np.zeros(len(said)), up])
            for along, up in ((said[:, 1], said[:, 2]), (said[:, 3], said[:, 4]))
        )
        below = np.maximum(eye[2] - head[:, 2], _LEAST_AWAY_M)
        share = np.clip((eye[2] - PLANES_M[HEADS]) / below, 0.0, 1.0)
        head = eye + (head - eye) * share[:, None]
        hand, head, seen_from = (at @ pose[:3, :3].T + pose[:3, 3] for at in (hand, head, eye))
        way = head[:, :2] - seen_from[:2]
        length = np.hypot(*way.T)
        way = way / np.maximum(length, 1e-6)[:, None]
        falls = (seen_from[2] - head[:, 2]) / np.maximum(length, _LEAST_AWAY_M)
        return np.column_stack([said[:, 0], hand, head[:, :2], way, falls, said[:, 5] * share])


def _places(fixture: Fixture) -> NDArray[np.float64]:
    """[rows, columns, 3] in `map`."""
    x = (np.arange(front_width(fixture)) + 0.5) / PX_PER_M - BESIDE_M
    z = HIGH_M - (np.arange(ROWS) + 0.5) / PX_PER_M
    along, up = np.meshgrid(x, z)
    local = np.stack([along, np.zeros_like(along), up], -1)
    return np.asarray(local @ fixture.pose[:3, :3].T + fixture.pose[:3, 3], np.float64)


class EmptyFront:
    """How a front looks without people: the median of how it looked in the last minute."""

    def __init__(self) -> None:
        self._shown: deque[Image] = deque(maxlen=_SHOWN)
        self._last_ns = 0
        self.picture: Image | None = None
        """None before the first."""

    def see(self, tick_ns: int, front: Image) -> Image:
        """Take how a front looks now; returns how it looks without people."""
        if not self._shown or tick_ns - self._last_ns >= _EVERY_NS:
            self._shown.append(front)
            self._last_ns = tick_ns
            if len(self._shown) > _FEW:
                half = len(self._shown) // 2
                self.picture = np.partition(np.stack(self._shown), half, axis=0)[half].copy()
            else:
                # Of two none is in the middle, and the store was emptier before.
                self.picture = self._shown[0]
        assert self.picture is not None
        return self.picture


def is_before(front: Image, empty: Image) -> bool:
    """Whether anything stands before a front."""
    rows, columns = front.shape[:2]
    size = columns // _BLOCK, rows // _BLOCK
    apart = cv2.resize(cv2.absdiff(front, empty), size, interpolation=cv2.INTER_AREA)
    return bool(apart.max() >= _LEVELS)
