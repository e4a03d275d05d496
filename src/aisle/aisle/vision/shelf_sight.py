"""What cameras see of each shelf, tick by tick: a feature and a state for each of its columns.

The network that looks is behind `Encoder`; here is only what it is shown, and what is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import TICK_NS
from aisle.fusion.windows import CLEAR, FEATURES, STATES, VIEWS
from aisle.vision.strips import COLUMN_PX, ShelfStrips, StripView

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

EMPTY, BLOCKED, SEEN, ROOM = range(STATES)
"""Places in a column's state."""
CHANGED = 0.35
"""Squared distance between features (0 to 4) from which on a column has changed."""
MOVED_M = 0.03
"""So much more or less free room is a change, too."""
_FADING = (0.5 ** np.arange(VIEWS)).astype(np.float32)
"""What the sights of a window count for its beginning, and turned round for its end."""


class Encoder(Protocol):
    """Names columns of strips."""

    def columns(
        self, strips: Sequence[Image], slopes: Sequence[Floats]
    ) -> list[tuple[Floats, Floats]]:
        """Features and states of strips [ROWS, W, 3], seen along slopes (`StripView.slope`).

        For each [W / COLUMN_PX, FEATURES] of length one, and [W / COLUMN_PX, 3], the probabilities
        that a column is empty or blocked, and the metres that are free before the first thing.
        """


@dataclass(frozen=True)
class Glance:
    """One shelf at one tick."""

    tick_ns: int
    feature: Floats
    """[columns, FEATURES], 0 where nothing is seen."""
    state: Floats
    """[columns, STATES]: empty, blocked, seen, free metres."""


class ShelfSight:
    """The last window of each shelf that cameras see.

    Args:
        strips: Of the store.
        shelves: Its shelves.
        encoder: Looks at strips.
    """

    def __init__(self, strips: ShelfStrips, shelves: Sequence[str], encoder: Encoder) -> None:
        self._strips, self._encoder = strips, encoder
        self._views = {shelf: strips.views(shelf) for shelf in shelves if strips.views(shelf)}
        self._glances: dict[str, deque[Glance]] = {
            shelf: deque(maxlen=VIEWS) for shelf in self._views
        }

    def look(self, tick_ns: int, pictures: Mapping[str, Image]) -> None:
        """Take the pictures of a tick, [height, width, 3] RGB by camera."""
        shown = [
            view for views in self._views.values() for view in views if view.camera in pictures
        ]
        found = self._encoder.columns(
            [self._strips.strip(view, pictures[view.camera]) for view in shown],
            [view.slope for view in shown],
        )
        said = {(v.shelf, v.camera): both for v, both in zip(shown, found, strict=True)}
        for shelf, views in self._views.items():
            parts = [
                (view, *said[shelf, view.camera]) for view in views if (shelf, view.camera) in said
            ]
            if parts:
                self._glances[shelf].append(_merged(tick_ns, parts))

    def forget(self) -> None:
        """Forget all that was seen: what comes is of another time."""
        for glances in self._glances.values():
            glances.clear()

    def window(self, shelf: str, tick_ns: int) -> tuple[Floats, Floats] | None:
        """Features [columns, VIEWS, FEATURES] and states [columns, VIEWS, STATES] up to a tick.

        None for a shelf that no camera sees. What was not seen is 0.
        """
        if shelf not in self._views:
            return None
        count = self._views[shelf][0].width_px // COLUMN_PX
        feature = np.zeros((count, VIEWS, FEATURES), np.float32)
        state = np.zeros((count, VIEWS, STATES), np.float32)
        for glance in self._glances[shelf]:
            place = VIEWS - 1 - (tick_ns - glance.tick_ns) // TICK_NS
            if 0 <= place < VIEWS:
                feature[:, place], state[:, place] = glance.feature, glance.state
        return feature, state

    def changed(self, tick_ns: int) -> list[str]:
        """Shelves on which something looks different from how it looked at the window's beginning.

        Columns that are blocked at an end of the window say nothing about it.
        """
        found = []
        for shelf in self._views:
            both = self.window(shelf, tick_ns)
            assert both is not None
            feature, state = both
            clear = _clear(state)
            # The earliest and the latest clear sight count most, wherever somebody stood between.
            looks = np.concatenate([feature, state[..., ROOM:]], -1)
            before, known = _mean(looks, clear * _FADING)
            after, still = _mean(looks, clear * _FADING[::-1])
            away = np.square(after - before)[known & still]
            if (away[:, :-1].sum(-1) > CHANGED).any() or (away[:, -1] > MOVED_M**2).any():
                found.append(shelf)
        return found


def _clear(state: Floats) -> Floats:
    """[columns, VIEWS] how well a column is seen, 0 to 1.

    Beside a person a column is only partly seen, and its free room is wrong.
    """
    blocked = np.pad(state[..., BLOCKED], ((1, 1), (0, 0)))
    worst = np.maximum(blocked[1:-1], np.maximum(blocked[:-2], blocked[2:]))
    found: Floats = state[..., SEEN] * (1 - worst) ** 4
    return np.where(found < CLEAR, np.float32(0), found)


def _mean(feature: Floats, clear: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """[columns, n] weighted mean over views, and which columns had any."""
    weight = clear.sum(1)
    mean = (feature * clear[..., None]).sum(1) / np.maximum(weight, 1e-12)[:, None]
    return mean, weight > 0


def _merged(tick_ns: int, parts: Sequence[tuple[StripView, Floats, Floats]]) -> Glance:
    """Several cameras' views of one shelf: of each column, whoever sees it well and unblocked."""
    sharp = np.stack([view.px_per_dm for view, _, _ in parts])
    feature = np.stack([feature for _, feature, _ in parts])
    state = np.stack([state for _, _, state in parts])
    weight = sharp * (1 - state[..., 1] + 0.01)
    total = weight.sum(0)
    weight = (weight / np.maximum(total, 1e-6)).astype(np.float32)[..., None]
    mixed = (feature * weight).sum(0)
    length = np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
    seen = (total > 0).astype(np.float32)[:, None]
    said = (state * weight).sum(0) * seen
    merged = np.concatenate([said[:, :SEEN], seen, said[:, SEEN:]], -1)
    return Glance(tick_ns, (mixed / length * seen).astype(np.float32), merged.astype(np.float32))
