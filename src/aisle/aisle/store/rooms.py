"""Where the fixtures of a generated store stand along the walls of a room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aisle.store.geometry import Matrix, Vector3, pose_from_rpy, translation

WALL_GAP_M = 0.03
_BETWEEN_M = 0.06
_CORNER_M = 0.6
"""Room to stand in a corner between fixtures of two walls."""
_GATE_ROOM_M = 0.8


def along_walls(
    sizes: Sequence[Vector3], kinds: Sequence[str], room_m: tuple[float, float]
) -> list[Matrix]:
    """Fixtures along three walls of a room, with their fronts to its middle; fridges at the back.

    Args:
        sizes: Width, depth, height of each fixture.
        kinds: `gondola` or `fridge`.
        room_m: Width (x) and depth (y); the corner is the origin, the gates are in the wall y = 0.

    Returns:
        The pose of each fixture.

    Raises:
        ValueError: They do not fit.
    """
    width, depth = room_m
    corner = max(size[1] for size in sizes) + WALL_GAP_M + _CORNER_M
    ends = {"left": _GATE_ROOM_M, "right": _GATE_ROOM_M, "back": corner}
    limits = {"left": depth - 0.05, "right": depth - 0.05, "back": width - corner}
    poses: dict[int, Matrix] = {}
    for i in sorted(range(len(sizes)), key=lambda i: kinds[i] != "fridge"):
        wall = _wall(ends, limits, sizes[i][0] + _BETWEEN_M, back=kinds[i] == "fridge")
        if wall is None:
            raise ValueError(f"{len(sizes)} fixtures do not fit along the walls of {room_m} m")
        at, away = round(ends[wall] + _BETWEEN_M / 2, 3), round(sizes[i][1] + WALL_GAP_M, 3)
        ends[wall] += sizes[i][0] + _BETWEEN_M
        if wall == "left":
            poses[i] = pose_from_rpy((away, at, 0.0), (0.0, 0.0, math.pi / 2))
        elif wall == "right":
            place = round(width - away, 3), round(at + sizes[i][0], 3), 0.0
            poses[i] = pose_from_rpy(place, (0.0, 0.0, -math.pi / 2))
        else:
            poses[i] = translation(at, round(depth - away, 3), 0.0)
    return [poses[i] for i in range(len(sizes))]


def _wall(
    ends: dict[str, float], limits: dict[str, float], long: float, *, back: bool
) -> str | None:
    """The wall for the next fixture: of those with room, the wanted kind, then the emptiest."""
    fitting = [wall for wall, end in ends.items() if end + long <= limits[wall]]
    wanted = [wall for wall in fitting if (wall == "back") == back] or fitting
    return min(wanted, key=lambda wall: ends[wall], default=None)
