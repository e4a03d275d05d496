"""Where each unit is over time: on a shelf, in a hand, in a bag."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aisle.sim.choreography.walking import Key
from aisle.store.geometry import Matrix

_BLEND_S = 0.3


@dataclass(frozen=True)
class Stay:
    """Where a unit is from a time on."""

    from_s: float
    pose: Matrix | None = None
    """On a shelf."""
    who: Key | None = None
    hands: tuple[str, ...] = ()
    """Holding it; empty where it is in the person's bag."""
    rank: int = 0
    """0 for the first unit in a hand; the others are beside it."""

    @property
    def bagged(self) -> bool:
        """Not seen."""
        return self.who is not None and not self.hands


HeldPose = Callable[[str, Stay, float], Matrix]
"""Pose of a unit of a product in somebody's hands at a time."""


class Thing:
    """One unit that moves some time."""

    def __init__(self, id_: str, product: str, pose: Matrix) -> None:
        self.id, self.product = id_, product
        self.stays = [Stay(-math.inf, pose)]
        self._times = [-math.inf]

    def add(self, stay: Stay) -> None:
        """The unit's next place; in order of time."""
        self.stays.append(stay)
        self._times.append(stay.from_s)

    def index(self, t: float) -> int:
        """Which of its stays it is in."""
        return bisect_right(self._times, t) - 1

    def stay(self, t: float) -> Stay:
        """Where it is."""
        return self.stays[self.index(t)]

    def pose(self, t: float, held: HeldPose) -> Matrix | None:
        """Its pose in `map`, softly from hand to shelf; None in a bag."""
        index = self.index(t)
        stay = self.stays[index]
        if stay.bagged:
            return None
        if stay.pose is not None:
            return stay.pose
        pose = held(self.product, stay, t)
        before = self.stays[index - 1]
        if t - stay.from_s < _BLEND_S and not before.bagged:
            old = before.pose if before.pose is not None else held(self.product, before, t)
            pose = _mixed(old, pose, (t - stay.from_s) / _BLEND_S)
        after = self.stays[index + 1] if index + 1 < len(self.stays) else None
        if after is not None and after.pose is not None and after.from_s - t < _BLEND_S:
            pose = _mixed(pose, after.pose, 1 - (after.from_s - t) / _BLEND_S)
        return pose


def upright(x: float, y: float, z: float, yaw: float) -> Matrix:
    """A pose that stands upright."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0, x], [s, c, 0.0, y], [0.0, 0.0, 1.0, z], [0.0, 0.0, 0.0, 1.0]])


def _mixed(a: Matrix, b: Matrix, w: float) -> Matrix:
    """Between two upright poses."""
    w = w * w * (3 - 2 * w)
    first, second = math.atan2(a[1, 0], a[0, 0]), math.atan2(b[1, 0], b[0, 0])
    turn = (second - first + math.pi) % (2 * math.pi) - math.pi
    x, y, z = (a[:3, 3] + w * (b[:3, 3] - a[:3, 3])).tolist()
    return upright(x, y, z, first + w * turn)
