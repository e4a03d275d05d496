"""Positions of doors (`sensor_msgs/JointState`) to messages and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from aisle.bags.convert import finite, header_message, items, stamp, texts, untrusted
from aisle.bags.messages import MessageError, MessageTypes

JOINT_STATE = "sensor_msgs/msg/JointState"
MAX_JOINTS = 1000


def joints_to_message(positions: Mapping[str, float], stamp_ns: int, types: MessageTypes) -> Any:
    """Return a `JointState` with the positions of joints by name, in radians or metres."""
    nothing = np.zeros(0)
    return types.make(
        JOINT_STATE,
        header=header_message(stamp_ns, "", types),
        name=list(positions),
        position=np.array(list(positions.values()), np.float64),
        velocity=nothing,
        effort=nothing,
    )


@untrusted
def joints_from_message(message: Any) -> tuple[int, dict[str, float]]:
    """Return the stamp and the positions by name.

    Raises:
        MessageError: There is not one finite position for each name.
    """
    names = texts(message.name, "name", MAX_JOINTS)
    positions = [finite(v, "position") for v in items(message.position, "position", MAX_JOINTS)]
    if len(names) != len(positions):
        raise MessageError(f"{len(names)} joints have {len(positions)} positions")
    return stamp(message.header.stamp), dict(zip(names, positions, strict=True))
