"""Where the original keeps the broadcaster."""

from .broadcasters import TransformBroadcaster

__all__ = ["TransformBroadcaster"]
