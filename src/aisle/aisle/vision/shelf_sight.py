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
from aisle.vision.strips import COLUMN_PX, ROWS, ShelfStrips, StripView

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

EMPTY, BLOCKED, SEEN, ROOM, GAIN, OFF = range(STATES)
"""Places in a column's state."""
CHANGED = 0.35
"""Squared distance between features (0 to 4) from which on a column has changed."""
REMEMBERED = VIEWS - 2
"""A sight so many ticks old counts as remembered: what is said of a change that shows while it is
newer is still in the window when the change is no longer."""
MOVED_M = 0.03
"""So much that came or went is a change, too, if it may not be as far off as that."""
UNKNOWN_M = 0.1
"""How far off the gain of a column may be that has nothing to be compared with."""
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

    def changes(
        self, before: Sequence[Image], after: Sequence[Image], slopes: Sequence[Floats]
    ) -> list[Floats]:
        """What came to each column between two strips of one view, and how far off that may be.

        For each pair [W / COLUMN_PX, 2] metres of goods, front to back.
        """


@dataclass(frozen=True, eq=False)
class Glance:
    """One shelf at one tick."""

    tick_ns: int
    feature: Floats
    """[columns, FEATURES], 0 where nothing is seen."""
    state: Floats
    """[columns, STATES]"""


class _Remembered:
    """How one view last showed each column clearly, `REMEMBERED` ticks ago or before."""

    def __init__(self, width_px: int) -> None:
        self.strip: Image = np.zeros((ROWS, width_px, 3), np.uint8)
        self.known = np.zeros(width_px // COLUMN_PX, bool)
        self._newer: deque[tuple[int, Image, NDArray[np.bool_]]] = deque()

    def settle(self, tick_ns: int) -> None:
        """Take over what has become old enough by a tick."""
        while self._newer and tick_ns - self._newer[0][0] >= REMEMBERED * TICK_NS:
            _, strip, clear = self._newer.popleft()
            pixels = np.repeat(clear, COLUMN_PX)
            self.strip[:, pixels] = strip[:, pixels]
            self.known |= clear

    def add(self, tick_ns: int, strip: Image, clear: NDArray[np.bool_]) -> None:
        """What is seen now, and which columns clearly."""
        self._newer.append((tick_ns, strip, clear))


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
        self._glances: dict[str, deque[Glance]] = {shelf: deque() for shelf in self._views}
        self._before: dict[tuple[str, str], _Remembered] = {}
        """By shelf and camera."""
        self._remembered: dict[str, tuple[Floats, Floats]] = {}
        """By shelf, what each column looked like when it was last seen clearly, before the glances
        that are kept."""

    def look(self, tick_ns: int, pictures: Mapping[str, Image]) -> dict[str, Glance]:
        """What the pictures of a tick, [height, width, 3] RGB by camera, show of each shelf.

        Ticks come in order.
        """
        shown = [
            view for views in self._views.values() for view in views if view.camera in pictures
        ]
        strips = [self._strips.strip(view, pictures[view.camera]) for view in shown]
        found = self._encoder.columns(strips, [view.slope for view in shown])
        changes = self._compared(tick_ns, shown, strips)
        parts: dict[str, list[_Part]] = {}
        for view, strip, (feature, state), change in zip(
            shown, strips, found, changes, strict=True
        ):
            part = _Part(view, feature, state, change)
            self._before[view.shelf, view.camera].add(tick_ns, strip, part.clear)
            parts.setdefault(view.shelf, []).append(part)
        return {shelf: _merged(tick_ns, some) for shelf, some in parts.items()}

    def _compared(
        self, tick_ns: int, shown: Sequence[StripView], strips: Sequence[Image]
    ) -> list[Floats]:
        """Gain and how far off it may be, [columns, 2], for each view."""
        olds = []
        for view in shown:
            old = self._before.setdefault((view.shelf, view.camera), _Remembered(view.width_px))
            old.settle(tick_ns)
            olds.append(old)
        some = [i for i, old in enumerate(olds) if old.known.any()]
        said = self._encoder.changes(
            [olds[i].strip for i in some], [strips[i] for i in some], [shown[i].slope for i in some]
        )
        nothing = np.array([[0, UNKNOWN_M]], np.float32)
        found = [nothing.repeat(len(old.known), 0) for old in olds]
        for i, change in zip(some, said, strict=True):
            found[i][olds[i].known] = change[olds[i].known]
        return found

    def keep(self, glances: Mapping[str, Glance]) -> None:
        """Remember what was seen of some shelves at a tick, for the windows to come."""
        for shelf, glance in glances.items():
            kept = self._glances[shelf]
            kept.append(glance)
            while glance.tick_ns - kept[0].tick_ns >= VIEWS * TICK_NS:
                self._remembered[shelf] = self._overlaid(shelf, [kept.popleft()])

    def _overlaid(self, shelf: str, glances: Sequence[Glance]) -> tuple[Floats, Floats]:
        """What is remembered of a shelf, with older and then newer glances over it."""
        count = self._views[shelf][0].width_px // COLUMN_PX
        nothing = np.zeros((count, FEATURES), np.float32), np.zeros((count, STATES), np.float32)
        feature, state = self._remembered.get(shelf, nothing)
        for glance in glances:
            clear = clear_views(glance.state[:, None]) > 0
            feature = np.where(clear, glance.feature, feature)
            state = np.where(clear, glance.state, state)
        return feature, state

    def forget(self) -> None:
        """Forget all that was seen: what comes is of another time."""
        self._remembered.clear()
        self._before.clear()
        for glances in self._glances.values():
            glances.clear()

    def window(self, shelf: str, tick_ns: int) -> tuple[Floats, Floats] | None:
        """Features [columns, VIEWS, FEATURES] and states [columns, VIEWS, STATES] up to a tick.

        None for a shelf that no camera sees. What was not seen is 0. The first view is not of one
        tick: it has each column as it was when last seen clearly, `REMEMBERED` ticks ago or before.
        Somebody who stands before a shelf for long hides what he does until he goes.
        """
        if shelf not in self._views:
            return None
        count = self._views[shelf][0].width_px // COLUMN_PX
        feature = np.zeros((count, VIEWS, FEATURES), np.float32)
        state = np.zeros((count, VIEWS, STATES), np.float32)
        age = {g: (tick_ns - g.tick_ns) // TICK_NS for g in self._glances[shelf]}
        old = [glance for glance in age if age[glance] >= REMEMBERED]
        feature[:, 0], state[:, 0] = self._overlaid(shelf, old)
        for glance, ticks in age.items():
            if 0 <= ticks < VIEWS - 1:
                place = VIEWS - 1 - ticks
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
            clear = clear_views(state)
            # The earliest and the latest clear sight count most, wherever somebody stood between.
            before, known = _mean(feature, clear * _FADING)
            after, still = _mean(feature, clear * _FADING[::-1])
            away = np.square(after - before).sum(-1)[known & still]
            moved, _ = _mean(state[..., GAIN:], clear * _FADING[::-1])
            came = np.abs(moved[:, 0]) > np.maximum(moved[:, 1], MOVED_M)
            if (away > CHANGED).any() or came[still].any():
                found.append(shelf)
        return found


def clear_views(state: Floats) -> Floats:
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


@dataclass(frozen=True, eq=False)
class _Part:
    """What one camera shows of one shelf."""

    view: StripView
    feature: Floats
    """[columns, FEATURES]"""
    state: Floats
    """[columns, 3]: empty, blocked, free metres."""
    change: Floats
    """[columns, 2]: gain, and how far off it may be."""

    @property
    def clear(self) -> NDArray[np.bool_]:
        """[columns] whether nobody stands before or beside them."""
        state = np.zeros((len(self.state), 1, STATES), np.float32)
        state[:, 0, BLOCKED] = self.state[:, BLOCKED]
        state[:, 0, SEEN] = self.view.px_per_dm > 0
        found: NDArray[np.bool_] = clear_views(state)[:, 0] > 0
        return found


def _merged(tick_ns: int, parts: Sequence[_Part]) -> Glance:
    """Several cameras' views of one shelf: of each column, whoever sees it well and unblocked."""
    sharp = np.stack([part.view.px_per_dm for part in parts])
    feature = np.stack([part.feature for part in parts])
    state = np.stack([part.state for part in parts])
    gain, off = np.moveaxis(np.stack([part.change for part in parts]), -1, 0)
    weight = sharp * (1 - state[..., BLOCKED] + 0.01)
    total = weight.sum(0)
    weight = weight / np.maximum(total, 1e-6)
    mixed = (feature * weight[..., None]).sum(0)
    length = np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
    said = (state * weight[..., None]).sum(0)
    # Whoever is sure of what came or went counts for more of it.
    sure = weight / np.square(off)
    known = np.maximum(sure.sum(0), 1e-6)
    both = np.stack([(gain * sure).sum(0) / known, 1 / np.sqrt(known)], -1)
    seen = (total > 0)[:, None]
    merged = np.concatenate([said[:, :SEEN], np.ones_like(seen), said[:, SEEN:], both], -1) * seen
    return Glance(tick_ns, (mixed / length * seen).astype(np.float32), merged.astype(np.float32))
