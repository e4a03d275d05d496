"""A camera that is read by a thread of its own and comes back by itself.

`FrameSource` is what a device, a stream, a file or a renderer looks like; `Grabber` reads it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from aisle.records import CameraFrame

QUEUE = 4
"""Frames that wait for the consumer; with more, the oldest is dropped."""
MAX_DAMAGED = 50
"""Damaged frames in a row after which a source is opened anew."""
MAX_PAUSE_S = 10.0
ENCODINGS = {"rgb8": 3, "bgr8": 3, "mono8": 2}
"""Number of dimensions of the image by encoding."""


class CameraError(Exception):
    """A source cannot be opened or was lost; the text says why, without secrets."""


class CameraEndedError(CameraError):
    """A source has given all that it has, and opening it again would be no use."""


class DamagedFrameError(CameraError):
    """One frame cannot be used; the next one may."""


class FrameSource(Protocol):
    """An open source of frames. Only one thread uses it."""

    @property
    def rate_hz(self) -> float:
        """Frames a second that it says it gives; 0 when it does not say."""

    def read(self) -> CameraFrame | None:
        """Wait for the next frame, for a second at most where that can be helped.

        Returns:
            The frame, whose image belongs to the caller, or None when nothing came.

        Raises:
            CameraError: Nothing more will come, or this frame is damaged.
        """

    def close(self) -> None:
        """Release the device."""


def check_frame(frame: CameraFrame) -> CameraFrame:
    """Return the frame.

    Raises:
        DamagedFrameError: The image's shape or type is not that of its encoding.
    """
    image = frame.image
    dimensions = ENCODINGS.get(frame.encoding)
    if dimensions is None:
        raise DamagedFrameError(f"encoding {frame.encoding!r} is none of {', '.join(ENCODINGS)}")
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != dimensions
        or (dimensions == 3 and image.shape[2] != 3)
        or not image.size
    ):
        shape, kind = getattr(image, "shape", None), getattr(image, "dtype", type(image).__name__)
        raise DamagedFrameError(f"an image of shape {shape} and type {kind} is no {frame.encoding}")
    return frame


class Grabber:
    """Reads a source in a thread, and opens it again with growing pauses after it was lost.

    What hangs inside a driver hangs only this thread: everything here returns at once, but for
    `stop`, which waits no longer than it is told.

    Args:
        opener: Opens the source; raises `CameraError` when it cannot.
        notify: Called by the thread after each frame and when `error` changes.
        reconnect_s: First pause before the source is opened again; it doubles up to 10 s.
    """

    def __init__(
        self,
        opener: Callable[[], FrameSource],
        notify: Callable[[], None] = lambda: None,
        reconnect_s: float = 0.5,
    ) -> None:
        self._opener, self._notify, self._reconnect_s = opener, notify, reconnect_s
        self._frames: deque[CameraFrame] = deque(maxlen=QUEUE)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._newest_s = time.monotonic()
        self.counters: Counter[str] = Counter(opened=0, frames=0, damaged_frames=0, dropped=0)
        self.error = ""
        """Why nothing comes any more; empty from the next frame on."""
        self.damage = ""
        """What was wrong with the last damaged frame."""
        self.open = False
        """Whether the source is open now."""
        self.ended = False
        """True once the source has given all that it has."""
        self.rate_hz = 0.0
        """What the source says, as long as it is open."""

    def start(self) -> None:
        """Begin to read."""
        self._newest_s = time.monotonic()
        self._thread.start()

    def take(self) -> list[CameraFrame]:
        """Return the frames that came since the last call, oldest first."""
        frames = []
        while self._frames:
            frames.append(self._frames.popleft())
        return frames

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame, or since the start."""
        return time.monotonic() - self._newest_s

    def stop(self, timeout_s: float = 1.0) -> bool:
        """End the thread; False when it hangs in the driver and was left behind."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = self._reconnect_s
        while not self._stopped.is_set():
            before = self.counters["frames"]
            try:
                self._read_all()
            except CameraEndedError as error:
                self.ended = True
                self._say(str(error))
                return
            except CameraError as error:
                self._say(str(error))
            except Exception as error:  # a driver's library may raise anything
                self._say(f"unexpected {type(error).__name__} of the camera's driver")
            came = self.counters["frames"] > before
            pause_s = self._reconnect_s if came else min(MAX_PAUSE_S, pause_s * 2)
            self._stopped.wait(pause_s)

    def _read_all(self) -> None:
        """Open the source and read until it is lost."""
        source = self._opener()
        damaged = 0
        try:
            self.open = True
            self.counters["opened"] += 1
            self.rate_hz = source.rate_hz
            while not self._stopped.is_set():
                try:
                    frame = source.read()
                    if frame is None:
                        continue
                    self._put(check_frame(frame))
                    damaged = 0
                except DamagedFrameError as error:
                    damaged += 1
                    self.damage = str(error)
                    self.counters["damaged_frames"] += 1
                    if damaged >= MAX_DAMAGED:
                        raise CameraError(f"{damaged} damaged frames in a row: {error}") from None
        finally:
            self.open = False
            source.close()

    def _put(self, frame: CameraFrame) -> None:
        self._newest_s = time.monotonic()
        self.counters["frames"] += 1
        self.error = ""
        # The consumer may empty the queue at any moment, so it is the deque that drops the oldest.
        if len(self._frames) == QUEUE:
            self.counters["dropped"] += 1
        self._frames.append(frame)
        self._tell()

    def _say(self, error: str) -> None:
        self.error = error
        self._tell()

    def _tell(self) -> None:
        if not self._stopped.is_set():
            self._notify()
