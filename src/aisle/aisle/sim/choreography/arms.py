"""Where one hand is: poses at certain times, and soft moves between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from aisle.sim.choreography.body import (
    Point,
    Stance,
    bag_hand,
    carry_hand,
    look_hand,
    rest_hand,
)

_STRETCH_S = 0.5
"""From hanging to the goods."""
_LOOK_S = 1.2
"""After this long before the chest, what is kept is carried at the side."""

_POSES: dict[str, Callable[[Stance, str], Point]] = {
    "rest": rest_hand,
    "look": look_hand,
    "carry": carry_hand,
    "bag": lambda stance, _: bag_hand(stance),
}


@dataclass(frozen=True)
class _Key:
    at_s: float
    pose: str
    """A pose of the body, or `point`."""
    point: Point | None = None


class Arm:
    """One hand of one person. Build it with calls in order of time."""

    def __init__(self, hand: str) -> None:
        self.hand = hand
        self._keys: list[_Key] = []
        self._times: list[float] = []
        self._holds = 0

    def reach(self, points: list[tuple[float, Point]]) -> None:
        """Stretch out from where the hand is and pass through points of `map` at their times."""
        self._begin(points[0][0] - _STRETCH_S)
        for at_s, point in points:
            self._add(at_s, "point", point)

    def pose(self, begin_s: float, poses: list[tuple[float, str]]) -> None:
        """Go through poses of the body, having begun at `begin_s`."""
        self._begin(begin_s)
        for at_s, pose in poses:
            self._add(at_s, pose)

    def back(self, at_s: float, change: int = 0) -> None:
        """Draw the hand back until `at_s`, holding `change` units more or fewer."""
        self._holds += change
        self._add(at_s, "look" if self._holds else "rest")

    def at(self, t: float, stance: Stance) -> Point | None:
        """The palm in `map`; None while it hangs."""
        index = bisect_right(self._times, t)
        before = self._keys[index - 1] if index else None
        after = self._keys[index] if index < len(self._keys) else None
        a, b = before.pose if before else "rest", after.pose if after else ""
        if after is None or before is None:
            b = b if before is None and after and after.at_s == t else a
        if a == "rest" and b == "rest":
            return None
        start = self._evaluate(before, a, stance)
        if after is None or before is None or a == b != "point":
            return start
        s = (t - before.at_s) / max(after.at_s - before.at_s, 1e-6)
        w = s * s * (3 - 2 * s)
        return start + w * (self._evaluate(after, b, stance) - start)

    def _evaluate(self, key: _Key | None, pose: str, stance: Stance) -> Point:
        if key is not None and key.point is not None:
            return key.point
        return _POSES[pose](stance, self.hand)

    def _begin(self, at_s: float) -> None:
        """Stay in the present pose until a movement begins."""
        last = self._keys[-1] if self._keys else _Key(at_s - 1.0, "rest")
        if last.pose == "look" and at_s - last.at_s > _LOOK_S + 0.6:
            self._add(last.at_s + _LOOK_S, "look")
            self._add(last.at_s + _LOOK_S + 0.6, "carry")
            last = self._keys[-1]
        if at_s > last.at_s:
            self._add(at_s, last.pose, last.point)

    def _add(self, at_s: float, pose: str, point: Point | None = None) -> None:
        if self._times and at_s <= self._times[-1]:
            at_s = self._times[-1] + 1e-3
        self._keys.append(_Key(at_s, pose, point))
        self._times.append(at_s)

    def finish(self) -> None:
        """No more calls: what is still held is carried."""
        if self._keys and self._keys[-1].pose == "look":
            self._begin(self._keys[-1].at_s + _LOOK_S + 1.0)
