"""Where a palm touches a unit, and where one stands to reach it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aisle.sim.choreography.body import Point
from aisle.sim.choreography.floor import Place as Spot
from aisle.store.geometry import Matrix
from aisle.store.types import Fixture, Product

STAND_M = 0.43
"""From the front of a fixture to the middle of the feet."""


def grip(product: Product, hand: str, both: bool) -> Point:
    """The palm in the unit's own frame: before its front, or at a side where both hands hold it."""
    width, depth, height = product.size_m
    up = min(0.55 * height, 0.16)
    if both:
        side = width / 2 + 0.01
        return np.array([-side if hand == "left" else side, 0.0, up])
    return np.array([0.0, -depth / 2 - 0.01, up])


def palm_on(pose: Matrix, product: Product, hand: str, both: bool) -> Point:
    """The palm in `map` on a unit at a pose."""
    point: Point = pose[:3, :3] @ grip(product, hand, both) + pose[:3, 3]
    return point


def facing(spot: Spot, target: Point) -> float:
    """Heading from where one stands to a target."""
    return math.atan2(target[1] - spot[1], target[0] - spot[0])


def stands(fixture: Fixture, target: Point, offsets: Sequence[float]) -> list[Spot]:
    """Places before a fixture from which to reach a target, `offsets` metres beside it."""
    local = np.linalg.inv(fixture.pose) @ [*target, 1.0]
    return [_in_map(fixture, local[0] + offset, -STAND_M) for offset in offsets]


def door_stand(fixture: Fixture) -> Spot:
    """Where one stands to open a fridge: beside the handle, clear of the door."""
    return _in_map(fixture, fixture.size_m[0] + 0.08, -STAND_M - 0.1)


def handle(fixture: Fixture, angle: float) -> Point:
    """The door's handle in `map` at an opening angle."""
    far = fixture.size_m[0] - 0.06
    local = [far * math.cos(angle), -0.05 - far * math.sin(angle), 1.05, 1.0]
    point: Point = (fixture.pose @ local)[:3]
    return point


def in_sweep(fixture: Fixture, x: float, y: float, margin: float = 0.22) -> bool:
    """Whether somebody there would be hit by the door."""
    local = np.linalg.inv(fixture.pose) @ [x, y, 0.0, 1.0]
    return math.hypot(local[0], local[1]) < fixture.size_m[0] + margin


def in_open_door(fixture: Fixture, spot: Spot) -> bool:
    """Whether somebody who stands before a fridge there is where its open door is."""
    local = np.linalg.inv(fixture.pose) @ [*spot, 0.0, 1.0]
    return bool(local[0] < 0.18)


def _in_map(fixture: Fixture, x: float, y: float) -> Spot:
    point = fixture.pose @ [x, y, 0.0, 1.0]
    return float(point[0]), float(point[1])
