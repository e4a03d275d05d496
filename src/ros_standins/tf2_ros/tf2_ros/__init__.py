"""Stand-in for the package ``tf2_ros`` of ROS 2: the part that this project uses."""

from typing import Any

from tf2_py import (
    BufferCore,
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TimeoutException,
    TransformException,
)

from .broadcasters import StaticTransformBroadcaster, TransformBroadcaster
from .buffer import Buffer
from .transform_listener import TransformListener

__all__ = [
    "Buffer",
    "BufferCore",
    "ConnectivityException",
    "ExtrapolationException",
    "InvalidArgumentException",
    "LookupException",
    "StaticTransformBroadcaster",
    "TimeoutException",
    "TransformBroadcaster",
    "TransformException",
    "TransformListener",
]

_LEFT_OUT = frozenset(
    {
        "BufferClient",
        "BufferInterface",
        "NotImplementedException",
        "Stamped",
        "TransformRegistration",
        "TypeException",
        "convert",
    }
)


def __getattr__(name: str) -> Any:
    if name in _LEFT_OUT:
        raise NotImplementedError(f"tf2_ros.{name} is left out of this stand-in")
    raise AttributeError(f"module 'tf2_ros' has no attribute {name!r}")
