"""Fronts: a whole fixture as cameras see it, straightened, now and without people.

The plane of a front is y = 0 of the fixture's frame, from the floor up to `HIGH_M`, and
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
MOST_CAMERAS = 2
"""Of one front."""
WIDEST_M = 20.0
"""Nobody is seen to reach into a fixture that is wider: a store model is not to be trusted."""

EVERY_NS, _SHOWN = 4 * SECOND, 15
"""How often a front is looked at to tell how it is without people, and of how many times."""
_LEAST_AWAY_M = 0.2
"""So far before a front, and above heads, a camera must be, and whatever it sees before itself."""
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

    The cameras that stand for most of a fixture's shelves stand for its front, if they hang before
    it and above heads. Fixtures that are wider than `WIDEST_M` have no front.

    Args:
        store: Geometry and cameras.
        strips: Of the store: which cameras stand for which shelves.
    """

    def __init__(self, store: Store, strips: ShelfStrips) -> None:
        self.views: list[FrontView] = []
        self._store = store
        self._cuts: dict[tuple[str, str], Cut] = {}
        self._eyes: dict[tuple[str, str], Array] = {}
        """Where each view's camera is, [3] in the fixture's frame."""
        worth: dict[str, dict[str, float]] = {fixture: {} for fixture in store.fixtures}
        for shelf in store.shelves.values():
            of = worth.get(shelf.fixture, {})
            for view in strips.views(shelf.id):
                seen = float(np.minimum(view.px_per_dm, FULL_PX).mean())
                of[view.camera] = of.get(view.camera, 0.0) + seen
        for fixture in store.fixtures.values():
            if fixture.size_m[0] > WIDEST_M:
                continue
            turn = np.linalg.inv(fixture.pose)
            eyes = {name: (turn @ store.cameras[name].pose)[:3, 3] for name in worth[fixture.id]}
            good = [
                name
                for name, eye in eyes.items()
                if eye[1] <= -_LEAST_AWAY_M
                and store.cameras[name].pose[2, 3] >= PLANES_M[HEADS] + _LEAST_AWAY_M
            ]
            order = sorted(good, key=lambda name: (-worth[fixture.id][name], name))
            for camera in order[:MOST_CAMERAS]:
                self.views.append(FrontView(fixture.id, camera, front_width(fixture)))
                self._eyes[fixture.id, camera] = np.asarray(eyes[camera], np.float64)

    def front(self, view: FrontView, image: Image) -> Image:
        """What a view shows of its camera's picture, [ROWS, view.width_px, 3].

        Raises:
            ValueError: The picture has not the camera's size.
        """
        key = view.fixture, view.camera
        if key not in self._cuts:
            places = _places(self._store.fixtures[view.fixture])
            self._cuts[key] = Cut.of(self._store.cameras[view.camera], places)
        return self._cuts[key].cut(image)

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
        pose = self._store.fixtures[view.fixture].pose
        eye = self._store.cameras[view.camera].pose[:3, 3]
        on_plane = (
            np.column_stack([along - BESIDE_M, np.zeros(len(said)), up])
            for along, up in ((said[:, 1], said[:, 2]), (said[:, 3], said[:, 4]))
        )
        hand, head = (at @ pose[:3, :3].T + pose[:3, 3] for at in on_plane)
        below = np.maximum(eye[2] - head[:, 2], _LEAST_AWAY_M)
        # Nobody's head is further away than the fixture.
        share = np.minimum((eye[2] - PLANES_M[HEADS]) / below, 1.0)
        head = eye + (head - eye) * share[:, None]
        way = head[:, :2] - eye[:2]
        length = np.hypot(*way.T)
        way = way / np.maximum(length, 1e-6)[:, None]
        falls = (eye[2] - head[:, 2]) / np.maximum(length, _LEAST_AWAY_M)
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
        if tick_ns - self._last_ns > _SHOWN * EVERY_NS:
            self._shown.clear()
        if not self._shown or tick_ns - self._last_ns >= EVERY_NS:
            self._shown.append(front)
            self._last_ns = tick_ns
            # Of two none is in the middle, and the store was emptier before.
            several = len(self._shown) > 2
            self.picture = _median(list(self._shown)) if several else self._shown[0]
        assert self.picture is not None
        return self.picture


def _median(pictures: list[Image]) -> Image:
    """Pixel by pixel; of an even number, the greater of the two in the middle.

    Odd-even exchange: with so few pictures that is ten times as fast as a partition of each pixel.
    """
    for start in range(len(pictures)):
        for i in range(start % 2, len(pictures) - 1, 2):
            one, other = pictures[i], pictures[i + 1]
            pictures[i], pictures[i + 1] = np.minimum(one, other), np.maximum(one, other)
    return pictures[len(pictures) // 2]


def is_before(front: Image, empty: Image) -> bool:
    """Whether anything stands before a front."""
    rows, columns = front.shape[:2]
    size = columns // _BLOCK, rows // _BLOCK
    apart = cv2.resize(cv2.absdiff(front, empty), size, interpolation=cv2.INTER_AREA)
    return bool(apart.max() >= _LEVELS)
