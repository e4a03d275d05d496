"""How a person's bones lie at one moment: standing, walking, leaning, arms that reach.

Own frame of a body: x forward, y to its left, z up, the origin between the feet on the floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.sim.scene import Person

Floats = NDArray[np.float64]
_SIDES = (("L", 1.0), ("R", -1.0))
_MOST_LEAN = 1.35
_STEP_IN_M = 0.3
"""How far a body shifts towards what its arm cannot reach."""
_SQUAT = 0.75
"""Radians of the thighs at a full bend."""
_HAND_TO_PALM = 0.85
"""Share of the way from the wrist to the knuckles at which the palm's middle lies."""


def turn(axis: Floats, angle: float) -> Floats:
    """[3, 3] rotation about a unit axis (Rodrigues' formula)."""
    x, y, z = axis
    c, s = math.cos(angle), math.sin(angle)
    k = 1.0 - c
    return np.array(
        [
            [c + k * x * x, k * x * y - s * z, k * x * z + s * y],
            [k * y * x + s * z, c + k * y * y, k * y * z - s * x],
            [k * z * x - s * y, k * z * y + s * x, c + k * z * z],
        ]
    )


def _cross(a: Floats, b: Floats) -> Floats:
    """[3]; numpy's own takes ten times as long for single vectors."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _length(v: Floats) -> float:
    return math.sqrt(float(v @ v))


def _frame(along: Floats, hinge: Floats) -> Floats:
    """[3, 3] orthonormal columns: a bone's direction, its hinge, their product."""
    a = along / _length(along)
    h = hinge - a * (a @ hinge)
    h = h / _length(h)
    return np.array([a, h, _cross(a, h)]).T


_X, _Y, _Z = np.eye(3)
_STILL = np.eye(3)


@dataclass(frozen=True)
class _Arm:
    """What does not change of an arm."""

    palm: Floats
    """[3] its middle at rest."""
    lengths: tuple[float, float]
    """Of the upper arm, and from the elbow to the palm."""
    frames: dict[str, Floats]
    """[3, 3] the rest frames of upper arm, forearm and hand, transposed."""
    knuckles: Floats
    """[3] the axis about which the fingers bend, unit length."""

    @classmethod
    def of(cls, at: dict[str, int], joints: Floats, side: str) -> _Arm:
        """Measure an arm of a body at rest."""
        shoulder, elbow, wrist, fingers = (
            joints[at[f"{bone}.{side}"]] for bone in ("upperarm", "forearm", "hand", "fingers")
        )
        palm = wrist + _HAND_TO_PALM * (fingers - wrist)
        hinge = _cross(elbow - shoulder, wrist - elbow)
        inwards = np.array([-0.24, -0.68 if side == "L" else 0.68, -0.69])
        axis = _cross(palm - wrist, inwards)
        return cls(
            palm,
            (_length(elbow - shoulder), _length(wrist - elbow) + _length(palm - wrist)),
            {
                "upperarm": _frame(elbow - shoulder, hinge).T,
                "forearm": _frame(wrist - elbow, hinge).T,
                "hand": _frame(palm - wrist, hinge).T,
            },
            axis / _length(axis),
        )


class Skeleton:
    """One body's joints; `pose` says where its bones are.

    Args:
        names: Bones, parents before children.
        parents: Index of each bone's parent, -1 for the first.
        joints: [bones, 3] where each bone begins at rest, in the body's own frame.
    """

    def __init__(self, names: list[str], parents: list[int], joints: Floats) -> None:
        self._parents = parents
        self._joints = joints
        self._at = {name: i for i, name in enumerate(names)}
        thigh, shin, foot = (joints[self._at[f"{b}.L"], 2] for b in ("thigh", "shin", "foot"))
        self._leg = float(thigh - shin), float(shin - foot)
        self._arms = {side: _Arm.of(self._at, joints, side) for side, _ in _SIDES}

    def pose(self, person: Person, to_body: Floats) -> Floats:
        """[bones, 3, 4] from rest to posed, both in the body's own frame.

        Args:
            person: Hands in `map`.
            to_body: [4, 4] from `map` to the body's own frame.
        """
        targets = {
            side: None if hand is None else to_body[:3, :3] @ hand + to_body[:3, 3]
            for (side, _), hand in zip(_SIDES, (person.left_hand, person.right_hand), strict=True)
        }
        lean, shift, yaw = 1.05 * person.bend, np.zeros(3), self._yaw(targets)
        bones = self._trunk(person, lean, yaw, shift)
        for _ in range(2):
            missing = self._missing(bones, targets)
            if missing is None:
                break
            lean = min(_MOST_LEAN, lean + 1.2 * _length(missing))
            flat = shift + np.array([missing[0], missing[1], 0.0]) * 0.6
            shift = flat * min(1.0, _STEP_IN_M / max(1e-9, _length(flat)))
            bones = self._trunk(person, lean, yaw, shift)
        self._set(bones, "neck", turn(_Y, 0.1))
        self._set(bones, "head", turn(_Z, 0.5 * yaw) @ turn(_Y, 0.18 - 0.2 * lean))
        self._legs(bones, person, lean)
        for side, sign in _SIDES:
            self._arm(bones, side, sign, targets[side], person)
        return bones

    def palm(self, bones: Floats, side: str) -> Floats:
        """[3] the middle of a palm in a pose, in the body's own frame."""
        hand = self._at[f"hand.{side}"]
        return np.asarray(bones[hand, :, :3] @ self._arms[side].palm + bones[hand, :, 3])

    def _set(self, bones: Floats, name: str, rotation: Floats, stretch: float = 1.0) -> None:
        """Turn a bone about its joint, after its parent; `rotation` is in the parent's frame."""
        bone = self._at[name]
        joint = self._joints[bone]
        parent = bones[self._parents[bone]]
        bones[bone, :, :3] = parent[:, :3] @ rotation * stretch
        bones[bone, :, 3] = parent[:, :3] @ joint + parent[:, 3] - bones[bone, :, :3] @ joint

    def _trunk(self, person: Person, lean: float, yaw: float, shift: Floats) -> Floats:
        """[bones, 3, 4] with hips, spine and collarbones set, the rest zero."""
        bones = np.zeros((len(self._joints), 3, 4))
        walk = min(1.0, person.pace / 1.2)
        thigh, shin = self._leg
        drop = (thigh + shin) * (1 - math.cos(_SQUAT * person.bend)) + 0.02 * walk
        hips = turn(_Y, 0.35 * lean)
        root = self._joints[0] + shift - np.array([0.14 * lean, 0.0, drop])
        bones[0, :, :3] = hips
        bones[0, :, 3] = root - hips @ self._joints[0]
        spine = turn(_Z, yaw / 3 + 0.06 * walk * math.sin(person.stride)) @ turn(_Y, 0.22 * lean)
        for name in ("waist", "ribs", "chest"):
            self._set(bones, name, spine)
        for side, _ in _SIDES:
            self._set(bones, f"clavicle.{side}", _STILL)
        return bones

    def _legs(self, bones: Floats, person: Person, lean: float) -> None:
        """Stride, squat, and feet that stay where they are when the hips go back."""
        walk = min(1.0, person.pace / 1.2)
        squat = _SQUAT * person.bend
        upright = bones[0, :, :3].T
        back = 0.14 * lean / max(0.3, sum(self._leg))
        for side, sign in _SIDES:
            swing = 0.42 * walk * math.sin(person.stride) * sign
            knee = max(0.0, 0.9 * walk * math.cos(person.stride) * sign)
            forward = back + swing + squat + 0.5 * knee
            self._set(bones, f"thigh.{side}", upright @ turn(_Y, -forward) @ turn(_X, -0.14 * sign))
            self._set(bones, f"shin.{side}", turn(_Y, 2 * squat + knee))
            self._set(bones, f"foot.{side}", turn(_Y, swing - squat - 0.5 * knee))

    def _yaw(self, targets: dict[str, Floats | None]) -> float:
        """How far the trunk turns towards what the hands do."""
        bearings = [math.atan2(t[1], t[0] + 0.25) for t in targets.values() if t is not None]
        return max(-0.7, min(0.7, 0.6 * sum(bearings) / len(bearings))) if bearings else 0.0

    def _shoulder(self, bones: Floats, side: str) -> Floats:
        joint = self._joints[self._at[f"upperarm.{side}"]]
        clavicle = bones[self._at[f"clavicle.{side}"]]
        return np.asarray(clavicle[:, :3] @ joint + clavicle[:, 3])

    def _missing(self, bones: Floats, targets: dict[str, Floats | None]) -> Floats | None:
        """[3] from the reach of the arm that falls shortest to its target; None if all reach."""
        worst: Floats | None = None
        for side, target in targets.items():
            if target is None:
                continue
            way = target - self._shoulder(bones, side)
            distance = _length(way)
            excess = distance - 0.98 * sum(self._arms[side].lengths)
            if excess > 0.005 and (worst is None or excess > _length(worst)):
                worst = way / distance * excess
        return worst

    def _arm(
        self, bones: Floats, side: str, sign: float, target: Floats | None, person: Person
    ) -> None:
        """Two bones and a straight wrist to the target; what is out of reach stretches the arm."""
        shoulder = self._shoulder(bones, side)
        upper, lower = self._arms[side].lengths
        curl = 0.25
        if target is None:
            walk = min(1.0, person.pace / 1.2)
            swing = -0.45 * walk * math.sin(person.stride) * sign + 0.1
            down = turn(_Y, -swing) @ np.array([0.0, 0.16 * sign, -1.0])
            target = shoulder + down / _length(down) * 0.96 * (upper + lower)
            curl = 0.6
        way = target - shoulder
        distance = max(1e-6, _length(way))
        ahead = way / distance
        stretch = max(1.0, distance / (0.999 * (upper + lower)))
        upper, lower = upper * stretch, lower * stretch
        near = max(distance, 1.05 * abs(upper - lower) + 1e-3)
        cosine = (upper**2 + near**2 - lower**2) / (2 * upper * near)
        angle = math.acos(max(-1.0, min(1.0, cosine)))
        pole = np.array([-0.45, 0.7 * sign, -0.6])
        hinge = _cross(pole, ahead)
        hinge = hinge / _length(hinge)
        first = turn(hinge, -angle) @ ahead
        elbow = shoulder + first * upper
        second = target - elbow
        self._aim(bones, side, (first, second, hinge), stretch, curl)

    def _aim(
        self,
        bones: Floats,
        side: str,
        aims: tuple[Floats, Floats, Floats],
        stretch: float,
        curl: float,
    ) -> None:
        """Point the bones of an arm; `aims`: upper arm, forearm and hinge in the body's frame."""
        first, second, hinge = aims
        arm = self._arms[side]
        upper, lower = _frame(first, hinge), _frame(second, hinge)
        rotations = {
            name: (upper if name == "upperarm" else lower) @ rest
            for name, rest in arm.frames.items()
        }
        for name, rotation in rotations.items():
            bone = self._at[f"{name}.{side}"]
            parent = self._parents[bone]
            joint = self._joints[bone]
            begins = bones[parent, :, :3] @ joint + bones[parent, :, 3]
            bones[bone, :, :3] = rotation * stretch
            bones[bone, :, 3] = begins - bones[bone, :, :3] @ joint
        self._set(bones, f"fingers.{side}", turn(arm.knuckles, curl))
