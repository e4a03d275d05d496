"""Hands that reach into fixtures, as cameras show them, and whose they may be.

The network that finds them is behind `Reacher`; here is only what it is shown, and what becomes of
what it says. It knows no people: a hand comes with the place of the head that its arm leads to, and
goes to whoever is followed there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.store.types import Store
from aisle.vision.floor_map import HEADS, PLANES_M
from aisle.vision.fronts import EmptyFront, Fronts, FrontView, is_before
from aisle.vision.strips import ShelfStrips

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Array = NDArray[np.float64]

HAND = 10
"""Numbers of a hand: how sure it is (0 to 1); where it is in `map` (x, y, z); where its head is if
it is as high as those who stand upright have theirs (x, y); the way there from the camera (x, y, of
length 1), along which the head may also be, and how far this line falls for each metre of it; and
how far to the side of it the head may be, metres."""
MOST_HANDS = 4
"""Of one view of a front."""
LEAST = 0.1
"""A hand that is less sure is none."""
_LOWEST_M, _HIGHEST_M, _BEYOND_M = 1.0, 1.75, 0.2
"""Heads are as high as that; and how much lower or higher they may seem, standard deviation."""
_ALONG_M = 1.0
"""How far along the line of sight a head may be from where an upright one would be, likewise."""
_ASIDE_M = 0.1
"""How far it may be beside the line, likewise, besides what the network itself says of it."""
_NOBODY = 0.02
"""What it counts against all heads that a hand is of somebody who is not followed."""


class Reacher(Protocol):
    """Finds hands that reach into fixtures."""

    def hands(self, now: Sequence[Image], empty: Sequence[Image]) -> list[Floats]:
        """Hands in fronts [ROWS, W, 3], which look like `empty` without people.

        For each [n, 6] as `peaks` gives them.
        """


def peaks(heat: Floats, hand: Floats, head: Floats) -> Floats:
    """The surest hands of a front, [n, 6], `MOST_HANDS` at most.

    How sure (0 to 1); where the hand is and where the head is on the front's plane, along from the
    picture's left edge and up from the floor; how far off the head may be. All metres.

    Args:
        heat: [h, w] as `aisle.receipt_model.reach.FrontReach` gives it, like the rest.
        hand: [h, w, 2]
        head: [h, w, 3]
    """
    highest = cv2.dilate(heat, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((heat >= highest) & (heat > np.log(LEAST / (1 - LEAST))))
    order = np.argsort(-heat[rows, columns], kind="stable")[:MOST_HANDS]
    row, column = rows[order], columns[order]
    sure = 1 / (1 + np.exp(-heat[row, column]))
    found: Floats = np.column_stack([sure, hand[row, column], head[row, column]])
    return found.astype(np.float32)


class FrontSight:
    """Finds the hands that reach into a store's fixtures.

    Args:
        store: Geometry and cameras.
        strips: Of the store.
        reacher: Looks at fronts.
    """

    def __init__(self, store: Store, strips: ShelfStrips, reacher: Reacher) -> None:
        self._fronts, self._reacher = Fronts(store, strips), reacher
        self._empty: dict[FrontView, EmptyFront] = {}

    def look(self, tick_ns: int, pictures: Mapping[str, Image]) -> dict[str, Floats]:
        """Hands in the pictures of a tick, [n, HAND] by fixture; none where nobody reaches in.

        Ticks come in order.
        """
        views, now, without = [], [], []
        for view in self._fronts.views:
            if view.camera in pictures:
                front = self._fronts.front(view, pictures[view.camera])
                empty = self._empty.setdefault(view, EmptyFront()).see(tick_ns, front)
                if is_before(front, empty):
                    views.append(view)
                    now.append(front)
                    without.append(empty)
        found: dict[str, list[Floats]] = {}
        for view, said in zip(views, self._reacher.hands(now, without), strict=True):
            good = said[np.isfinite(said).all(1)]
            if len(good):
                placed = self._fronts.placed(view, good.astype(np.float64))
                found.setdefault(view.fixture, []).append(placed.astype(np.float32))
        return {fixture: np.concatenate(some) for fixture, some in found.items()}

    def forget(self) -> None:
        """Forget how fronts looked."""
        self._empty.clear()


def whose(hands: Floats, heads: Array) -> Array:
    """How likely each hand [N, HAND] is that of each head [P, 2] in `map`: [N, P].

    A row adds up to less than 1: it may be nobody's of these. How sure the hand is does not count.
    """
    away = heads[None] - hands[:, None, 4:6].astype(np.float64)
    way = hands[:, None, 6:8].astype(np.float64)
    along = (away * way).sum(-1)
    high = PLANES_M[HEADS] - hands[:, 8, None] * along
    beyond = np.maximum(np.maximum(_LOWEST_M - high, high - _HIGHEST_M), 0.0) / _BEYOND_M
    aside = (away[..., 0] * way[..., 1] - away[..., 1] * way[..., 0]) / (
        _ASIDE_M + hands[:, 9, None]
    )
    near = np.exp(-0.5 * (beyond**2 + (along / _ALONG_M) ** 2 + aside**2))
    likely: Array = near / (near.sum(1, keepdims=True) + _NOBODY)
    return likely
