"""One person of a performance: feet, trunk and two arms, from what the script says of him."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from aisle.sim.choreography.arms import Arm
from aisle.sim.choreography.body import Point, Stance
from aisle.sim.choreography.contact import handle, palm_on
from aisle.sim.choreography.motion import Look, Motion
from aisle.sim.choreography.stock import pose_of
from aisle.sim.choreography.walking import Key
from aisle.sim.script import Deed, DeedKind, DoorMove, Gesture, GestureKind, Track
from aisle.store.types import Store

LEAVES_SHELF = 0.5
"""Share of a take after which the unit moves."""
JOINS_SHELF = 0.7
"""Share of a return after which the unit stands."""
LIFTED = (0.3, 0.7)
"""Share of a touch in which the unit is lifted."""
INTO_BAG = 0.55
OUT_OF_BAG = 0.45
MEETING_M = 1.15
_TURN_S = 0.7
_AFTER_S = 0.45

Action = Deed | Gesture


def hands_of(hand: str) -> tuple[str, ...]:
    """`both` as two hands."""
    return ("right", "left") if hand == "both" else (hand,)


def door_angle(moves: Sequence[DoorMove], t: float) -> float:
    """Opening angle at a time, from all moves of one door in order of time."""
    angle = 0.0
    for move in moves:
        if t <= move.start_s:
            break
        s = min((t - move.start_s) / move.duration_s, 1.0)
        angle += (move.angle - angle) * s * s * (3 - 2 * s)
    return angle


class Player:
    """One person of a performance."""

    def __init__(
        self, store: Store, track: Track, actions: Sequence[Action], others: dict[Key, Track],
        doors: dict[str, list[DoorMove]],
    ) -> None:  # fmt: skip
        """Prepare all moves.

        Args:
            store: Where.
            track: Where the feet go.
            actions: What the person does or takes part in.
            others: Tracks of everybody, to face who takes part.
            doors: Moves of each fixture's door in order of time.
        """
        self.key: Key = (track.session, track.number)
        self._store, self._others, self._doors = store, others, doors
        self.actions = sorted(actions, key=lambda action: action.start_s)
        self._starts = [action.start_s for action in self.actions]
        self.motion = Motion(track, [look for a in self.actions if (look := self._look(a))])
        self.arms = {hand: Arm(hand) for hand in ("left", "right")}
        for action in self.actions:
            if isinstance(action, Deed):
                self._deed(action)
            else:
                self._gesture(action)
        for arm in self.arms.values():
            arm.finish()

    def palm(self, t: float, hand: str, stance: Stance) -> Point | None:
        """A palm in `map`; None while it hangs."""
        return self.arms[hand].at(t, stance)

    def doing(self, t: float, pace: float) -> str:
        """The kind of what the person does: a deed's, a gesture's, `walk` or `stand`."""
        index = bisect_right(self._starts, t) - 1
        if index >= 0 and t <= self.actions[index].end_s:
            return str(self.actions[index].kind.value)
        return "walk" if pace > 0.2 else "stand"

    def contacts(self, deed: Deed) -> list[tuple[str, Point]]:
        """Where each hand of a deed touches: on the first unit that it has to do with."""
        found: dict[str, Point] = {}
        product = self._store.products[deed.product]
        for place, hand in zip(deed.places, deed.hands, strict=True):
            for side in hands_of(hand):
                pose = pose_of(self._store, deed.shelf, place)
                found.setdefault(side, palm_on(pose, product, side, hand == "both"))
        return list(found.items())

    def _place(self, who: Key, t: float) -> Point:
        points = np.array(self._others[who].points)
        x, y = (float(np.interp(t, points[:, 0], points[:, k])) for k in (1, 2))
        return np.array([x, y, MEETING_M])

    def _partner(self, gesture: Gesture) -> Key:
        taker = (gesture.counterpart, gesture.counterpart_number)
        return taker if self.key == (gesture.session, gesture.number) else (
            gesture.session, gesture.number
        )  # fmt: skip

    def _look(self, action: Action) -> Look | None:
        from_s, until_s = action.start_s - _TURN_S, action.end_s + 0.3
        if isinstance(action, Deed):
            palms = self.contacts(action)
            middle: Point = np.mean([palm for _, palm in palms], axis=0)
            return Look(from_s, until_s, middle, tuple(palms))
        if action.kind is GestureKind.HAND_OVER:
            return Look(from_s, until_s, self._place(self._partner(action), action.start_s))
        if action.kind is GestureKind.OPEN_DOOR:
            fixture = self._store.fixtures[action.fixture]
            return Look(from_s, action.start_s + 0.4, handle(fixture, 0.0))
        return None

    def _deed(self, deed: Deed) -> None:
        start, d, end = deed.start_s, deed.duration_s, deed.end_s
        base = self._store.shelves[deed.shelf].pose
        assert base is not None
        away = -base[:3, 1]
        up = np.array([0.0, 0.0, 1.0])
        for hand, palm in self.contacts(deed):
            arm = self.arms[hand]
            # What two hands took stays in the right one.
            mine = sum(h == hand or (h == "both" and hand == "right") for h in deed.hands)
            if deed.kind is DeedKind.TAKE:
                clear = palm + 0.08 * away + 0.03 * up
                arm.reach([(start, palm), (start + LEAVES_SHELF * d, palm), (end, clear)])
                arm.back(end + _AFTER_S, mine)
            elif deed.kind is DeedKind.RETURN:
                clear = palm + 0.08 * away + 0.03 * up
                off = palm + 0.04 * away
                arm.reach([(start, clear), (start + JOINS_SHELF * d, palm), (end, off)])
                arm.back(end + _AFTER_S, -mine)
            else:
                high = palm + 0.03 * up * (deed.weight_kg > 0)
                arm.reach([(start, palm), (start + 0.5 * d, high), (end, palm)])
                arm.back(end + _AFTER_S)

    def _gesture(self, gesture: Gesture) -> None:
        start, d, end = gesture.start_s, gesture.duration_s, gesture.end_s
        arm = self.arms[gesture.hand]
        if gesture.kind is GestureKind.BAG:
            arm.pose(start, [(start + INTO_BAG * d, "bag")])
            arm.back(end, -1)
        elif gesture.kind is GestureKind.UNBAG:
            arm.pose(start, [(start + OUT_OF_BAG * d, "bag")])
            arm.back(end, 1)
        elif gesture.kind is GestureKind.OPEN_DOOR:
            fixture, moves = self._store.fixtures[gesture.fixture], self._doors[gesture.fixture]
            times = [start, start + 0.2 * d, start + 0.35 * d]
            arm.reach([(t, handle(fixture, door_angle(moves, t))) for t in times])
            arm.back(end)
        else:
            self._hand_over(gesture)

    def _hand_over(self, gesture: Gesture) -> None:
        start, d, end = gesture.start_s, gesture.duration_s, gesture.end_s
        mine, other = self._place(self.key, start), self._place(self._partner(gesture), start)
        half = self._store.products[gesture.product].size_m[1] / 2 + 0.01
        toward = (mine - other) / max(float(np.linalg.norm(mine - other)), 1e-6)
        point = (mine + other) / 2 + min(half, 0.08) * toward
        if self.key == (gesture.session, gesture.number):
            arm = self.arms[gesture.hand]
            arm.reach([(start, point), (start + 0.75 * d, point)])
            arm.back(end + 0.3, -1)
        else:
            arm = self.arms[gesture.counterpart_hand]
            arm.reach([(start + 0.3 * d, point), (start + 0.7 * d, point)])
            arm.back(end + 0.3, 1)
