"""A simple body: where shoulders, head, bag and idle hands are. Metres, in `map`.

A renderer may draw other people; hands are promised to be within `ARM_M` of these shoulders.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]

ARM_M = 0.75
"""Shoulder to palm with the arm stretched."""
EASY_M = 0.62
"""Nobody bends for what is nearer than this."""
_SHOULDER_HALF_M = 0.19
_HIP_M = 0.95
_TORSO_M = 0.47
_HEAD_M = 0.22
_LEAN = 0.87
_CROUCH_M = 0.42
_BACK_M = 0.12

Stance = tuple[float, float, float, float]
"""x, y, heading, bend"""


def from_body(stance: Stance, forward: float, left: float, up: float) -> Point:
    """A point given from the feet: metres ahead, to the left, over the floor."""
    x, y, heading, _ = stance
    c, s = math.cos(heading), math.sin(heading)
    return np.array([x + forward * c - left * s, y + forward * s + left * c, up])


def _torso(bend: float, along: float) -> tuple[float, float]:
    """Forward and up of a point of the spine, `along` metres over the hip."""
    lean = _LEAN * bend
    forward = along * math.sin(lean) - _BACK_M * bend
    return forward, _HIP_M - _CROUCH_M * bend + along * math.cos(lean)


def shoulder(stance: Stance, hand: str) -> Point:
    """The shoulder of the `left` or `right` hand."""
    forward, up = _torso(stance[3], _TORSO_M)
    return from_body(stance, forward, _side(hand) * _SHOULDER_HALF_M, up)


def head(stance: Stance) -> Point:
    """The middle of the head."""
    forward, up = _torso(stance[3], _TORSO_M + _HEAD_M)
    return from_body(stance, forward + 0.04, 0.0, up)


def rest_hand(stance: Stance, hand: str) -> Point:
    """A hand that hangs."""
    return from_body(stance, 0.06 + 0.2 * stance[3], _side(hand) * 0.26, 0.8 - 0.3 * stance[3])


def look_hand(stance: Stance, hand: str) -> Point:
    """A hand that holds something before the chest."""
    forward, up = _torso(stance[3], 0.28)
    return from_body(stance, forward + 0.34, _side(hand) * 0.10, up)


def carry_hand(stance: Stance, hand: str) -> Point:
    """A hand that carries something at the side."""
    return from_body(stance, 0.24, _side(hand) * 0.24, 1.0 - 0.3 * stance[3])


def bag_hand(stance: Stance) -> Point:
    """Where a hand lets go of something over the basket or tote, which hangs on the left."""
    return from_body(stance, 0.16 + 0.1 * stance[3], 0.26, 0.86 - 0.3 * stance[3])


def bend_for(x: float, y: float, heading: float, hand: str, target: Point) -> float:
    """How far to bend, 0 to 1, to reach a target with ease; or to come nearest to it."""
    best, least = 0.0, math.inf
    for step in range(11):
        bend = step / 10
        far = float(np.linalg.norm(shoulder((x, y, heading, bend), hand) - target))
        if far <= EASY_M:
            return bend
        if far < least - 1e-6:
            best, least = bend, far
    return best


def reach(x: float, y: float, heading: float, hand: str, target: Point) -> float:
    """Metres from the shoulder to a target when bent for it."""
    bend = bend_for(x, y, heading, hand, target)
    return float(np.linalg.norm(shoulder((x, y, heading, bend), hand) - target))


def _side(hand: str) -> float:
    return 1.0 if hand == "left" else -1.0
