"""The tokenizer: one shelf's last five seconds, its products, sessions and commits as arrays.

This is the only place where the model's input is made: live, in replay and in training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.candidates import MAX_CANDIDATES, Candidate, candidates, most_plausible
from aisle.fusion.grid import BIN_NS, BINS
from aisle.fusion.memory import Commit, Session, ShelfMemory
from aisle.records import Action
from aisle.store.layout import ShelfLayout
from aisle.store.types import Slot, Store

SECOND = 1_000_000_000
WINDOW_NS = BINS * BIN_NS
MAX_QUANTITY = 4
"""Units that one change can name; more are several changes."""
CHOICES = 2 * MAX_QUANTITY
"""Take 1..4, return 1..4 of each candidate."""
MAX_COMMITS = 12
MAX_SESSIONS = 12
MARKS = BINS // 2
"""Time marks of commits: 8 a second."""

Arrays = dict[str, NDArray[np.float32]]

SHAPES: dict[str, tuple[str | int, ...]] = {
    "plate_signal": ("plates", BINS),
    "plate_valid": ("plates", BINS),
    "plate_static": ("plates", 4),
    "plate_mask": ("plates",),
    "candidate_static": ("candidates", 8),
    "candidate_weight": ("candidates",),
    "candidate_measured": ("candidates",),
    "candidate_plates": ("candidates", "plates"),
    "candidate_mask": ("candidates",),
    "commit_candidate": ("commits", "candidates"),
    "commit_static": ("commits", 6),
    "commit_marks": (2, MARKS),
    "commit_mask": ("commits",),
    "session_static": ("sessions", 5),
    "session_carries": ("sessions", "candidates"),
    "session_mask": ("sessions",),
}
"""Name and shape of each model input, without the leading batch axis; all float32."""

VIEWS = 20
"""Camera pictures in a window: one for each tick."""
FEATURES = 32
"""Numbers that describe a column of a strip, or a product's catalogue images."""
STATES = 6
"""Numbers that say how a column is: see `SIGHT_SHAPES`."""
EMPTY, BLOCKED, SEEN, ROOM, GAIN, OFF = range(STATES)
"""Their places."""
DEEPEST_M = 0.4
"""No place behind a column's front counts as deeper."""
CLEAR = 0.3
"""Of 1: a column that is seen worse, as somebody stands in or beside it, is not seen clearly."""
COLUMN_M = 0.0625
"""Width of a column of a shelf."""
TRACK = 9
"""Numbers of a session at a tick: its head along the shelf and out from its front (metres), how
surely it is seen (0 to 1); the same of its nearest hand; and the same of a hand that is seen to
reach into the fixture, which instead of out is above or below the shelf's opening."""

SIGHT_SHAPES: dict[str, tuple[str | int, ...]] = {
    "column_feature": ("columns", VIEWS, FEATURES),
    "column_state": ("columns", VIEWS, STATES),
    "column_static": ("columns", 3),
    "column_mask": ("columns",),
    "candidate_columns": ("candidates", "columns"),
    "candidate_look": ("candidates", FEATURES),
    "candidate_area": ("candidates",),
    "session_track": ("sessions", VIEWS, TRACK),
}
"""The same for inputs that only a model for cameras has. A column's state is how likely it is
empty, how likely blocked by a person, whether a camera saw it (0 or 1), how deep the shelf is free
before the first thing, how deep the goods are that came (negative: that went) since the first view,
and how far off that may be; the last three in metres. A candidate's area is what one unit stands
on, in square metres."""

ALL_SHAPES = {**SHAPES, **SIGHT_SHAPES}


@dataclass(frozen=True)
class ShelfView:
    """What cameras saw of a shelf, and of sessions before it, in a window."""

    feature: NDArray[np.float32]
    """[columns, VIEWS, FEATURES]; no columns where no camera sees the shelf."""
    state: NDArray[np.float32]
    """[columns, VIEWS, STATES]"""
    px_per_dm: NDArray[np.float32]
    """[columns] of the best camera."""
    track: NDArray[np.float32] | None
    """[sessions, VIEWS, TRACK], along the shelf from its middle; None when nobody is followed."""


@dataclass(frozen=True)
class Window:
    """One shelf at one tick: the arrays, and what the model's answer will point at."""

    shelf: str
    tick_ns: int
    arrays: Arrays
    """By the names in `SHAPES`, without a batch axis."""
    candidates: tuple[str, ...]
    """Product ids; the first is empty: a product that cannot be named."""
    commits: tuple[Commit, ...]
    sessions: tuple[str, ...]
    plates: tuple[str, ...]
    cut: int = 0
    """Candidates for which there was no room."""

    @property
    def weighed(self) -> bool:
        """Whether any scale of the shelf said anything."""
        return bool(self.arrays["plate_valid"].any())


def possible(arrays: Arrays) -> NDArray[np.bool_]:
    """What can have happened, [candidates, CHOICES]: the network answers nothing else.

    Taken is what stands on the shelf or was left there, returned is what somebody carries. What
    cannot be named can be both. Who once mistook one product for another then mistakes it back,
    and the receipt is right again.
    """
    stands, held, unnamed = arrays["candidate_static"][:, [2, 5, 7]].T > 0
    return np.repeat(np.stack([stands | unnamed, held | unnamed], 1), MAX_QUANTITY, axis=1)


class ShelfTokenizer:
    """Makes the windows of one shelf; what does not change with time is computed once."""

    def __init__(
        self, store: Store, shelf: str, layout: ShelfLayout,
        looks: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:  # fmt: skip
        self.store, self.shelf, self.layout = store, shelf, layout
        self._looks = looks or {}
        half = store.shelves[shelf].size_m[0] / 2
        middle = float(layout.centre.mean()) if layout.plates else half
        self._shift = half - middle
        """From places relative to the shelf's middle to those relative to its plates'."""
        self._static = np.zeros((len(layout.plates), 4), dtype=np.float32)
        self._static[:, 0] = layout.centre - middle
        self._static[:, 1] = layout.width * 5
        self._static[:, 2] = layout.has_pose
        self._column = {plate: i for i, plate in enumerate(layout.plates)}
        standing: dict[str, list[str]] = {}
        for slot in store.slots_of_shelf[shelf]:
            standing.setdefault(slot.product, []).extend(slot.plates)
        self._standing = [
            Candidate(p, tuple(dict.fromkeys(v)), True, False) for p, v in standing.items()
        ]
        self._extents: dict[str, list[tuple[float, float]]] = {}
        for slot in store.slots_of_shelf[shelf]:
            self._extents.setdefault(slot.product, []).extend(self._extent(slot))

    def window(
        self,
        tick_ns: int,
        signal: NDArray[np.float32],
        valid: NDArray[np.bool_],
        memory: ShelfMemory,
        sessions: list[Session],
        view: ShelfView | None = None,
    ) -> Window:
        """Arrays for the window that ends at `tick_ns`.

        Args:
            tick_ns: End of the window.
            signal: [BINS, plates of this shelf] kilograms from `SignalGrid.window`.
            valid: [BINS, plates of this shelf].
            memory: What has been said of this shelf.
            sessions: Open sessions, at least one and at most those of `latest`.
            view: What cameras saw of the shelf and of these sessions, for a model with sight.
        """
        every = candidates(self._standing, memory, sessions, self.store.products)
        found = every
        if len(every) > MAX_CANDIDATES:
            found = most_plausible(every, self._moved(signal), memory, sessions)
        commits = [c for c in memory.commits if c.stamp_ns > tick_ns - WINDOW_NS][-MAX_COMMITS:]
        arrays: Arrays = {
            "plate_signal": np.ascontiguousarray(signal.T),
            "plate_valid": np.ascontiguousarray(valid.T, dtype=np.float32),
            "plate_static": self._plate_static(signal, valid),
            "plate_mask": np.ones(len(self.layout.plates), dtype=np.float32),
            **self._candidate_arrays(found, sessions),
            **_commit_arrays(tick_ns, commits, found),
            **self._session_arrays(tick_ns, sessions, found),
        }
        if view is not None:
            arrays |= self._sight_arrays(view, found, len(sessions))
        return Window(
            self.shelf, tick_ns, arrays, tuple(c.product for c in found), tuple(commits),
            tuple(s.id for s in sessions), self.layout.plates, len(every) - len(found),
        )  # fmt: skip

    def _moved(self, signal: NDArray[np.float32]) -> dict[str, float]:
        """By how many kilograms each plate has changed, its noise left out."""
        smooth = signal.reshape(BINS // 4, 4, signal.shape[1]).mean(axis=1)
        change = smooth.max(axis=0) - smooth.min(axis=0)
        return dict(zip(self.layout.plates, change.tolist(), strict=True))

    def _plate_static(
        self, signal: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        static = self._static.copy()
        rough = np.abs(np.diff(signal, axis=0)).mean(axis=0)
        static[:, 3] = np.log10(rough + 1e-5) + 4
        return static

    def _extent(self, slot: Slot) -> list[tuple[float, float]]:
        """From where to where a slot reaches along the shelf, metres from its left end."""
        if slot.area is not None:
            return [(slot.area[0], slot.area[2])]
        reach = []
        for plate in slot.plates:
            i = self._column.get(plate)
            if i is not None:
                half = self.layout.width[i] / 2
                reach.append((self.layout.centre[i] - half, self.layout.centre[i] + half))
        return reach

    def _sight_arrays(self, view: ShelfView, found: list[Candidate], sessions: int) -> Arrays:
        count = len(view.px_per_dm)
        left = np.arange(count) * COLUMN_M
        on = np.zeros((len(found), count), dtype=np.float32)
        look = np.zeros((len(found), FEATURES), dtype=np.float32)
        for i, candidate in enumerate(found):
            for low, high in self._extents.get(candidate.product, ()):
                shared = np.minimum(left + COLUMN_M, high) - np.maximum(left, low)
                on[i] = np.maximum(on[i], np.clip(shared / COLUMN_M, 0, 1))
            if candidate.product in self._looks:
                look[i] = self._looks[candidate.product]
        static = np.zeros((count, 3), dtype=np.float32)
        half = self.store.shelves[self.shelf].size_m[0] / 2
        static[:, 0] = left + COLUMN_M / 2 - half + self._shift
        static[:, 1] = view.px_per_dm / 50
        static[:, 2] = 1.0
        track = np.zeros((sessions, VIEWS, TRACK), dtype=np.float32)
        if view.track is not None:
            track = view.track.copy()
            track[..., 0::3] += self._shift * (track[..., 2::3] > 0)
        return {
            "column_feature": view.feature,
            "column_state": view.state,
            "column_static": static,
            "column_mask": np.ones(count, dtype=np.float32),
            "candidate_columns": on,
            "candidate_look": look,
            "candidate_area": self._areas(found),
            "session_track": track,
        }

    def _areas(self, found: list[Candidate]) -> NDArray[np.float32]:
        sizes = [self.store.products[c.product].size_m if c.product else (0.1, 0.1) for c in found]
        return np.array([max(size[0] * size[1], 1e-4) for size in sizes], np.float32)

    def _candidate_arrays(self, found: list[Candidate], sessions: list[Session]) -> Arrays:
        count = len(found)
        static = np.zeros((count, 8), dtype=np.float32)
        weight = np.full(count, 0.15, dtype=np.float32)
        measured = np.full(count, 0.15, dtype=np.float32)
        on = np.zeros((count, len(self.layout.plates)), dtype=np.float32)
        for i, candidate in enumerate(found):
            for plate in candidate.plates:
                if plate in self._column:
                    on[i, self._column[plate]] = 1.0
            if not candidate.product:
                static[i, 7] = 1.0
                continue
            product = self.store.products[candidate.product]
            held = [
                s.carried[candidate.product] for s in sessions if candidate.product in s.carried
            ]
            unit = next((c.unit_kg for c in held if c.unit_kg > 0), 0.0)
            weight[i] = max(product.weight_kg, 0.002)
            measured[i] = unit if unit > 0.002 else weight[i]
            static[i] = (
                math.log(weight[i] / 0.2), product.size_m[0] * 5, candidate.stands,
                candidate.stray, min(sum(c.quantity for c in held), 4) / 2, bool(held),
                unit > 0.002, 0.0,
            )  # fmt: skip
        return {
            "candidate_static": static,
            "candidate_weight": weight,
            "candidate_measured": measured,
            "candidate_plates": on,
            "candidate_mask": np.ones(count, dtype=np.float32),
        }

    def _session_arrays(
        self, tick_ns: int, sessions: list[Session], found: list[Candidate]
    ) -> Arrays:
        fixture = self.store.shelves[self.shelf].fixture
        static = np.zeros((len(sessions), 5), dtype=np.float32)
        carries = np.zeros((len(sessions), len(found)), dtype=np.float32)
        for i, session in enumerate(sessions):
            here = session.touched.get(fixture)
            else_where = max((t for f, t in session.touched.items() if f != fixture), default=None)
            static[i] = (
                _recency(tick_ns, here), _recency(tick_ns, else_where),
                _recency(tick_ns, session.enter_ns), session.exit_ns is not None,
                math.log(max(session.group_size, 1)),
            )  # fmt: skip
            for j, candidate in enumerate(found):
                held = session.carried.get(candidate.product)
                carries[i, j] = min(held.quantity, 4) / 2 if held else 0.0
        return {
            "session_static": static,
            "session_carries": carries,
            "session_mask": np.ones(len(sessions), dtype=np.float32),
        }


def latest(sessions: list[Session]) -> list[Session]:
    """The sessions that acted or entered last, in their order; more do not fit into a window."""
    if len(sessions) <= MAX_SESSIONS:
        return sessions
    active = sorted(sessions, key=lambda s: max([s.enter_ns, *s.touched.values()]), reverse=True)
    kept = {session.id for session in active[:MAX_SESSIONS]}
    return [session for session in sessions if session.id in kept]


def _recency(tick_ns: int, stamp_ns: int | None) -> float:
    """1 for now, falling to 0 over a minute or so; 0 for never."""
    return 0.0 if stamp_ns is None else math.exp(-max(tick_ns - stamp_ns, 0) / (20 * SECOND))


def _commit_arrays(tick_ns: int, commits: list[Commit], found: list[Candidate]) -> Arrays:
    index = {candidate.product: i for i, candidate in enumerate(found)}
    pointer = np.zeros((len(commits), len(found)), dtype=np.float32)
    static = np.zeros((len(commits), 6), dtype=np.float32)
    marks = np.zeros((2, MARKS), dtype=np.float32)
    for i, commit in enumerate(commits):
        pointer[i, index.get(commit.product, 0)] = 1.0
        age = (tick_ns - commit.stamp_ns) / WINDOW_NS
        take = commit.action is Action.TAKE
        static[i] = (
            take, not take, commit.quantity / 2, age, commit.probability,
            min((tick_ns - commit.committed_ns) / WINDOW_NS, 1.0),
        )  # fmt: skip
        at = min(max(int((1 - age) * MARKS), 0), MARKS - 1)
        marks[0 if take else 1, at] += commit.quantity / 2
    return {
        "commit_candidate": pointer,
        "commit_static": static,
        "commit_marks": marks,
        "commit_mask": np.ones(len(commits), dtype=np.float32),
    }


def collate(windows: list[Arrays], *, sight: bool = False) -> Arrays:
    """Pad and stack the arrays of several windows: a leading batch axis, zeros elsewhere.

    Axes that would be empty get length 1, all masked, since no runtime likes empty axes. With
    `sight` a window that was made without cameras is one in which nothing was seen; without, what
    cameras saw is left out.
    """
    size: dict[str, int] = {}
    shapes = ALL_SHAPES if sight else SHAPES
    for name, shape in shapes.items():
        for axis, label in enumerate(shape):
            if isinstance(label, str):
                lengths = [w[name].shape[axis] for w in windows if name in w]
                size[label] = max([size.get(label, 1), *lengths])
    batch: Arrays = {}
    for name, shape in shapes.items():
        full = [size[label] if isinstance(label, str) else label for label in shape]
        out = np.zeros((len(windows), *full), dtype=np.float32)
        for row, window in zip(out, windows, strict=True):
            if name in window:
                array = window[name]
                row[tuple(slice(n) for n in array.shape)] = array
        batch[name] = out
    for name in ("candidate_weight", "candidate_measured", "candidate_area"):
        if name in batch:
            batch[name][batch[name] == 0] = 1.0
    return batch
