"""What the synchronizer takes: beats of streams, which are controllers and cameras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Beat(Protocol):
    """What the synchronizer needs of a message: a `WeightBatch` has it, and a `Picture`."""

    @property
    def controller(self) -> str:
        """The stream."""

    @property
    def stamp_ns(self) -> int:
        """Of the first sample."""

    @property
    def end_ns(self) -> int:
        """Of the last sample."""

    @property
    def period_ns(self) -> int:
        """Between samples."""


@dataclass(frozen=True)
class Picture:
    """A camera's frame, as a beat of its stream."""

    camera: str
    stamp_ns: int
    period_ns: int

    @property
    def controller(self) -> str:
        """The stream."""
        return camera_stream(self.camera)

    @property
    def end_ns(self) -> int:
        """A picture is one sample."""
        return self.stamp_ns


def camera_stream(camera: str) -> str:
    """The name of a camera's stream; that of a controller's is the controller's own."""
    return f"camera/{camera}"


ALL_CAMERAS = camera_stream("*")


def stream_topic(stream: str) -> str:
    """A stream as people know it."""
    return stream if "/" in stream else f"weights/{stream}"
