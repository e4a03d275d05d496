"""Stand-in for the package ``cv_bridge`` of ROS 2: the part that this project uses."""

from typing import Any

from .bridge import CvBridge
from .encodings import CvBridgeError

__all__ = ["CvBridge", "CvBridgeError"]


def __getattr__(name: str) -> Any:
    if name in ("cvtColorForDisplay", "getCvType", "boost", "rectify"):
        raise NotImplementedError(f"cv_bridge.{name} is left out of this stand-in")
    raise AttributeError(f"module 'cv_bridge' has no attribute {name!r}")
