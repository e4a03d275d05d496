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
from aisle.fusion.windows import BLOCKED, CLEAR, FEATURES, GAIN, SEEN, STATES, VIEWS
from aisle.vision.last_look import LastLook
from aisle.vision.strips import COLUMN_PX, ROWS, ShelfStrips, StripView

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

CHANGED = 0.35
"""Squared distance between features (0 to 4) from which on a column has changed."""
REMEMBERED = VIEWS - 2
"""A sight so many ticks old counts as remembered: what is said of a change that shows while it is
newer is still in the window when the change is no longer."""
MOVED_M = 0.03
"""So much that came or went is a change, too, if it may not be as far off as that."""
UNKNOWN_M = 0.1
"""How far off the gain of a column may be that has nothing to be compared with."""
STEADY_M = 0.01
"""What goods rise or fall by less than this is not added up."""
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


class _Before:
    """How one view last showed each column clearly, `REMEMBERED` ticks ago or before.

    A column that was never clear is compared with its first clear sight.
    """

    def __init__(self, width_px: int) -> None:
        columns = width_px // COLUMN_PX
        self.strip: Image = np.zeros((ROWS, width_px, 3), np.uint8)
        self.known = np.zeros(columns, bool)
        self.base = np.zeros(columns, np.float32)
        """[columns] metres of goods that there were then, more than when all began."""
        self._newer: deque[tuple[int, _Part, Bools]] = deque()

    def settle(self, tick_ns: int) -> None:
        """Take over what has become old enough by a tick."""
        while self._newer and tick_ns - self._newer[0][0] >= REMEMBERED * TICK_NS:
            _, part, clear = self._newer.popleft()
            change = part.change
            self._show(part.strip, clear)
            least = np.maximum(change[:, 1], STEADY_M)
            moved = clear & (np.abs(change[:, 0] - self.base) > least)
            if moved.any():
                # What most looks since do not say, too, is an error, and would stay for good.
                since = [(c, one.change) for _, one, c in self._newer if one.fresh]
                since.append((clear, change))
                levels = np.stack([np.where(c, one[:, 0], np.nan) for c, one in since])
                stays = np.nanmedian(levels[:, moved], 0) - self.base[moved]
                moved[moved] = np.abs(stays) > least[moved]
                self.base = np.where(moved, change[:, 0], self.base)

    def add(self, tick_ns: int, part: _Part, level: Floats) -> None:
        """What is shown now, and the level [columns] that all views together give."""
        fresh = part.clear & ~self.known
        self._show(part.strip, fresh)
        self.base = np.where(fresh, level, self.base)
        self._newer.append((tick_ns, part, part.clear & self.known))
        self.known = self.known | fresh

    def _show(self, strip: Image, columns: Bools) -> None:
        for first, last in _runs(columns):
            self.strip[:, first * COLUMN_PX : last * COLUMN_PX] = strip[
                :, first * COLUMN_PX : last * COLUMN_PX
            ]


class _Shelf:
    """What is remembered of one shelf."""

    def __init__(self, columns: int) -> None:
        self._kept: deque[Glance] = deque()
        self._feature = np.zeros((columns, FEATURES), np.float32)
        self._state = np.zeros((columns, STATES), np.float32)

    def keep(self, glance: Glance) -> None:
        """Add what is seen at a tick."""
        self._kept.append(glance)
        while glance.tick_ns - self._kept[0].tick_ns >= VIEWS * TICK_NS:
            gone = self._kept.popleft()
            self._feature, self._state = _overlaid(self._feature, self._state, [gone])

    def window(self, tick_ns: int) -> tuple[Floats, Floats]:
        """See `ShelfSight.window`."""
        feature = np.zeros((len(self._state), VIEWS, FEATURES), np.float32)
        state = np.zeros((len(self._state), VIEWS, STATES), np.float32)
        age = [(glance, (tick_ns - glance.tick_ns) // TICK_NS) for glance in self._kept]
        old = [glance for glance, ticks in age if ticks >= REMEMBERED]
        feature[:, 0], state[:, 0] = _overlaid(self._feature, self._state, old)
        for glance, ticks in age:
            if 0 <= ticks < VIEWS - 1:
                place = VIEWS - 1 - ticks
                feature[:, place], state[:, place] = glance.feature, glance.state
        clear = clear_views(state) > 0
        first = np.take_along_axis(state[..., GAIN], clear.argmax(1)[:, None], 1)
        state[..., GAIN] = (state[..., GAIN] - first) * clear.any(1, keepdims=True)
        state[..., GAIN] *= state[..., SEEN]
        return feature, state


def _overlaid(
    feature: Floats, state: Floats, glances: Sequence[Glance]
) -> tuple[Floats, Floats]:  # fmt: skip
    """What is remembered, with older and then newer glances over it where they are clear."""
    for glance in glances:
        clear = clear_columns(glance.state)[:, None]
        feature = np.where(clear, glance.feature, feature)
        state = np.where(clear, glance.state, state)
    return feature, state


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
        self._shelves = {name: self._nothing(name) for name in self._views}
        self._before: dict[tuple[str, str], _Before] = {}
        self._looked: dict[tuple[str, str], LastLook] = {}
        """Both by shelf and camera."""
        self._level: dict[str, Floats] = {}
        """Of each shelf's columns when last looked at: see `_Before.base`."""

    def _nothing(self, shelf: str) -> _Shelf:
        return _Shelf(self._views[shelf][0].width_px // COLUMN_PX)

    def look(self, tick_ns: int, pictures: Mapping[str, Image]) -> dict[str, Glance]:
        """What the pictures of a tick, [height, width, 3] RGB by camera, show of each shelf.

        Ticks come in order.
        """
        shown = [
            view for views in self._views.values() for view in views if view.camera in pictures
        ]
        strips = [self._strips.strip(view, pictures[view.camera]) for view in shown]
        looked = [self._looked.setdefault((v.shelf, v.camera), LastLook()) for v in shown]
        olds = [self._old(tick_ns, view) for view in shown]
        due = [i for i, strip in enumerate(strips) if looked[i].due(tick_ns, strip)]
        fresh = [strips[i] for i in due]
        found = self._encoder.columns(fresh, [shown[i].slope for i in due])
        changes = self._compared([shown[i] for i in due], fresh, [olds[i] for i in due])
        for i, columns, change in zip(due, found, changes, strict=True):
            looked[i].columns, looked[i].level = columns, change
        parts: dict[str, list[_Part]] = {}
        for i, (view, strip, said) in enumerate(zip(shown, strips, looked, strict=True)):
            part = _Part(view, strip, *said.columns, said.level, i in due)
            parts.setdefault(view.shelf, []).append(part)
        glances = {}
        for shelf, some in parts.items():
            level = self._level.get(shelf, np.zeros(len(some[0].change), np.float32))
            glances[shelf] = glance = _merged(tick_ns, some, level)
            self._level[shelf] = level = glance.state[:, GAIN]
            for part in some:
                self._before[shelf, part.view.camera].add(tick_ns, part, level)
        return glances

    def _old(self, tick_ns: int, view: StripView) -> _Before:
        """How a view showed its columns before."""
        old = self._before.setdefault((view.shelf, view.camera), _Before(view.width_px))
        old.settle(tick_ns)
        return old

    def _compared(
        self, shown: Sequence[StripView], strips: Sequence[Image], olds: Sequence[_Before]
    ) -> list[Floats]:
        """Level of the goods and how far off it may be, [columns, 2], for each view."""
        some = [i for i, old in enumerate(olds) if old.known.any()]
        said = self._encoder.changes(
            [olds[i].strip for i in some], [strips[i] for i in some], [shown[i].slope for i in some]
        )
        found = [np.stack([o.base, np.full_like(o.base, UNKNOWN_M)], -1) for o in olds]
        for i, change in zip(some, said, strict=True):
            good = olds[i].known & np.isfinite(change).all(-1)
            found[i][good, 0] += change[good, 0]
            found[i][good, 1] = change[good, 1]
        return found

    def keep(self, glances: Mapping[str, Glance]) -> None:
        """Remember what was seen of some shelves at a tick, for the windows to come."""
        for shelf, glance in glances.items():
            self._shelves[shelf].keep(glance)

    def forget(self) -> None:
        """Forget all that was seen: what comes is of another time."""
        self._before.clear()
        self._looked.clear()
        self._level.clear()
        self._shelves = {name: self._nothing(name) for name in self._views}

    def window(self, shelf: str, tick_ns: int) -> tuple[Floats, Floats] | None:
        """Features [columns, VIEWS, FEATURES] and states [columns, VIEWS, STATES] up to a tick.

        None for a shelf that no camera sees. What was not seen is 0. The first view is not of one
        tick: it has each column as it was when last seen clearly, `REMEMBERED` ticks ago or before.
        Somebody who stands before a shelf for long hides what he does until he goes. What came or
        went in a view is against the first one in which the column is clear.
        """
        return self._shelves[shelf].window(tick_ns) if shelf in self._shelves else None

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
    blocked = state[..., BLOCKED]
    worst = blocked.copy()
    np.maximum(worst[1:], blocked[:-1], out=worst[1:])
    np.maximum(worst[:-1], blocked[1:], out=worst[:-1])
    found: Floats = state[..., SEEN] * (1 - worst) ** 4
    return np.where(found < CLEAR, np.float32(0), found)


def clear_columns(state: Floats) -> Bools:
    """[columns] which columns are clear, of states [columns, STATES] at one tick."""
    found: Bools = clear_views(state[:, None])[:, 0] > 0
    return found


def _runs(columns: Bools) -> list[tuple[int, int]]:
    """From where to where columns are True, without gaps; slices copy faster than masks."""
    edges = np.flatnonzero(np.diff(columns, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _mean(feature: Floats, clear: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """[columns, n] weighted mean over views, and which columns had any."""
    weight = clear.sum(1)
    mean = (feature * clear[..., None]).sum(1) / np.maximum(weight, 1e-12)[:, None]
    return mean, weight > 0


@dataclass(frozen=True, eq=False)
class _Part:
    """What one camera shows of one shelf."""

    view: StripView
    strip: Image
    feature: Floats
    """[columns, FEATURES]"""
    state: Floats
    """[columns, 3]: empty, blocked, free metres."""
    change: Floats
    """[columns, 2]: level of the goods, and how far off it may be."""
    fresh: bool
    """Whether this strip was looked at, and not one before that shows the same."""

    @property
    def clear(self) -> Bools:
        """[columns] whether nobody stands before or beside them."""
        state = np.zeros((len(self.state), STATES), np.float32)
        state[:, BLOCKED] = self.state[:, BLOCKED]
        state[:, SEEN] = self.view.px_per_dm > 0
        return clear_columns(state)


def _merged(tick_ns: int, parts: Sequence[_Part], level: Floats) -> Glance:
    """Several cameras' views of one shelf: of each column, whoever sees it well and unblocked.

    Args:
        tick_ns: The tick.
        parts: What cameras show.
        level: [columns] of the goods so far; it stays where no camera sees a column clearly.
    """
    sharp = np.stack([part.view.px_per_dm for part in parts])
    feature = np.stack([part.feature for part in parts])
    state = np.stack([part.state for part in parts])
    levels, off = np.moveaxis(np.stack([part.change for part in parts]), -1, 0)
    weight = sharp * (1 - state[..., BLOCKED] + 0.01)
    total = weight.sum(0)
    weight = weight / np.maximum(total, 1e-6)
    mixed = (feature * weight[..., None]).sum(0)
    length = np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
    said = (state * weight[..., None]).sum(0)
    # Whoever is sure of what came or went counts for more of it, but only of what he sees clearly.
    clear = sharp * np.stack([part.clear for part in parts])
    share = clear / np.maximum(clear.sum(0), 1e-6)
    sure = share / np.square(off)
    known = clear.sum(0) > 0
    sum_ = np.maximum(sure.sum(0), 1e-6)
    now = np.where(known, (levels * sure).sum(0) / sum_, level)
    both = np.stack([now, np.where(known, 1 / np.sqrt(sum_), UNKNOWN_M)], -1)
    seen = (total > 0)[:, None]
    merged = np.concatenate([said[:, :SEEN], np.ones_like(seen), said[:, SEEN:]], -1) * seen
    merged = np.concatenate([merged, both], -1)
    return Glance(tick_ns, (mixed / length * seen).astype(np.float32), merged.astype(np.float32))
