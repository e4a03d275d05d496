"""What names and transforms must be like, and the words when they are not."""

from __future__ import annotations

import math

from .exceptions import ConnectivityException, InvalidArgumentException
from .rigid import Rigid

# How far the squared length of a quaternion may be from one.
_QUATERNION_TOLERANCE = 10e-3


def fault(parent: str, child: str, rigid: Rigid) -> str | None:
    """Return why a transform cannot be taken, or ``None``."""
    if child == parent:
        return f"TF_SELF_TRANSFORM: frame_id and child_frame_id are the same: {child!r}"
    if not child:
        return "TF_NO_CHILD_FRAME_ID: child_frame_id not set"
    if not parent:
        return f"TF_NO_FRAME_ID: frame_id not set for child_frame_id {child!r}"
    if any(math.isnan(value) for value in (*rigid.translation, *rigid.rotation)):
        return f"TF_NAN_INPUT: a value is not a number for child_frame_id {child!r}"
    if abs(sum(value * value for value in rigid.rotation) - 1.0) > _QUATERNION_TOLERANCE:
        return f"TF_DENORMALIZED_QUATERNION: not of length one for child_frame_id {child!r}"
    return None


def check_name(role: str, frame: str) -> None:
    """Check a frame's name.

    Raises:
        InvalidArgumentException: It is empty or begins with ``/``.
    """
    if not frame:
        raise InvalidArgumentException(
            f"Invalid argument passed to {role} in tf2 frame_ids cannot be empty"
        )
    if frame.startswith("/"):
        raise InvalidArgumentException(
            f'Invalid argument "{frame}" passed to {role} in tf2 frame_ids cannot start with a '
            "'/' like: "
        )


def not_connected(target: str, source: str) -> ConnectivityException:
    """Make the error for two frames that are not in the same tree."""
    return ConnectivityException(
        f"Could not find a connection between '{target}' and '{source}' because they are not "
        "part of the same tree.Tf has two or more unconnected trees."
    )
