"""How one person moves on his feet: place, heading, pace and bend over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from aisle.sim.choreography.body import Point, Stance, bend_for
from aisle.sim.choreography.contact import facing
from aisle.sim.script import Track

Array = NDArray[np.float64]

_RATE_HZ = 20.0
_STRIDE_M = 1.4
"""Two steps."""
_TURN_RAD_S = 4.5
_WALKING_M_S = 0.12
_SIDE_STEP_M = 0.6
"""Who walks no further does not turn round for it."""
_BEND_S = 0.6


@dataclass(frozen=True)
class Look:
    """The body is turned to a target, and bent as far as its hands need."""

    from_s: float
    until_s: float
    target: Point
    palms: tuple[tuple[str, Point], ...] = ()
    """Hand and where it has to reach."""


class Motion:
    """One person's feet and trunk, sampled; in between, straight lines."""

    def __init__(self, track: Track, looks: Sequence[Look]) -> None:
        points = np.array(track.points)
        self.from_s, self.until_s = float(points[0, 0]), float(points[-1, 0])
        count = max(2, math.ceil((self.until_s - self.from_s) * _RATE_HZ) + 1)
        t = self.from_s + np.arange(count) / _RATE_HZ
        feet = np.stack([np.interp(t, points[:, 0], points[:, k]) for k in (1, 2)], axis=1)
        velocity = gaussian_filter1d(np.gradient(feet, 1 / _RATE_HZ, axis=0), 2.0, axis=0)
        pace = np.hypot(velocity[:, 0], velocity[:, 1])
        steps = np.hypot(*np.diff(feet, axis=0).T)
        stride = np.concatenate([[0.0], np.cumsum(steps)]) * 2 * math.pi / _STRIDE_M
        heading = _heading(t, feet, velocity, pace, looks)
        bend = _bend(t, feet, heading, looks)
        self._rows: list[list[float]] = np.column_stack(
            [feet, heading, bend, stride, pace]
        ).tolist()

    def here(self, t: float) -> bool:
        """Whether the person is in sight."""
        return self.from_s <= t <= self.until_s

    def at(self, t: float) -> tuple[Stance, float, float]:
        """Stance, phase of the stride, metres a second."""
        place = (t - self.from_s) * _RATE_HZ
        index = min(max(int(place), 0), len(self._rows) - 2)
        w = min(max(place - index, 0.0), 1.0)
        a, b = self._rows[index], self._rows[index + 1]
        x, y, heading, bend, stride, pace = (p + w * (q - p) for p, q in zip(a, b, strict=True))
        return (x, y, heading, bend), stride, pace


def _heading(t: Array, feet: Array, velocity: Array, pace: Array, looks: Sequence[Look]) -> Array:
    """Along the way while walking, else to what is looked at, before long or just now."""
    wanted = np.full(len(t), np.nan)
    walking = pace > _WALKING_M_S
    edges = np.flatnonzero(np.diff(np.concatenate([[0], walking.astype(int), [0]])))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if np.hypot(*(feet[end - 1] - feet[first])) > _SIDE_STEP_M:
            part = slice(first, end)
            wanted[part] = np.arctan2(velocity[part, 1], velocity[part, 0])
    looking = np.zeros(len(t), dtype=bool)
    for look in looks:
        part = slice(*np.searchsorted(t, [look.from_s, look.until_s]))
        for index in range(part.start, part.stop):
            wanted[index] = facing((feet[index, 0], feet[index, 1]), look.target)
            looking[index] = True
    _fill(wanted, looking)
    wanted = np.unwrap(wanted)
    heading = np.empty_like(wanted)
    now, most = float(wanted[0]), _TURN_RAD_S / _RATE_HZ
    for index, goal in enumerate(wanted):
        turn = (goal - now + math.pi) % (2 * math.pi) - math.pi
        now += min(max(turn, -most), most)
        heading[index] = now
    return np.asarray(gaussian_filter1d(heading, 1.5, mode="nearest"))


def _fill(wanted: Array, looking: NDArray[np.bool_]) -> None:
    """While standing: turn to what is looked at next, if one does not walk before; else stay."""
    missing = np.isnan(wanted)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        before = wanted[first - 1] if first else np.nan
        after = wanted[end] if end < len(wanted) else np.nan
        turns = np.isnan(before) or (end < len(wanted) and looking[end])
        wanted[first:end] = after if turns and not np.isnan(after) else before
    wanted[np.isnan(wanted)] = 0.0


def _bend(t: Array, feet: Array, heading: Array, looks: Sequence[Look]) -> Array:
    bend = np.zeros(len(t))
    for look in looks:
        if not look.palms:
            continue
        at = min(int(np.searchsorted(t, (look.from_s + look.until_s) / 2)), len(t) - 1)
        need: Callable[[str, Point], float] = partial(
            bend_for, float(feet[at, 0]), float(feet[at, 1]), float(heading[at])
        )
        most = max(need(hand, palm) for hand, palm in look.palms)
        first, end = np.searchsorted(t, [look.from_s - _BEND_S, look.until_s + 2 * _BEND_S])
        part = slice(first, end)
        up = np.clip((t[part] - look.from_s + _BEND_S / 2) / _BEND_S, 0, 1)
        down = np.clip((look.until_s + _BEND_S - t[part]) / _BEND_S, 0, 1)
        shape = np.minimum(up, down)
        bend[part] = np.maximum(bend[part], most * shape * shape * (3 - 2 * shape))
    return bend
