"""Where the original keeps the static broadcaster."""

from .broadcasters import StaticTransformBroadcaster

__all__ = ["StaticTransformBroadcaster"]
