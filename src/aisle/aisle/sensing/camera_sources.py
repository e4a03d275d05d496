"""Sources of frames that OpenCV reads: video files, V4L2 devices, streams over the network."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import cv2

from aisle.records import CameraFrame
from aisle.sensing.batching import StampEstimator
from aisle.sensing.camera import CameraEndedError, CameraError, DamagedFrameError

OPEN_TIMEOUT_MS = 5000
READ_TIMEOUT_MS = 3000
DEFAULT_RATE_HZ = 10.0
MAX_RATE_HZ = 1000.0
WAIT_S = 0.05
OLD_NS = 1_000_000_000
"""A driver's stamp that is older than this on arrival is none of the monotonic clock."""
DRIFT = 1e-3

Clock = Callable[[], int]
"""The clock that stamps are of, in nanoseconds."""


@dataclass(frozen=True)
class Wish:
    """What to ask a device for; 0 and empty leave it as it is."""

    width: int = 0
    height: int = 0
    rate_hz: float = 0.0
    fourcc: str = ""
    """Pixel format, such as `MJPG`."""


def redacted(source: str) -> str:
    """Return a path, or of a URL only scheme, host and port: the rest may hold secrets."""
    scheme, mark, _ = source.partition("://")
    if not mark:
        return source
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{scheme}://..."
    unclear = "@" in f"{parts.path}{parts.query}{parts.fragment}"
    if unclear or not re.fullmatch(r"[A-Za-z0-9.-]+", host):
        return f"{scheme}://..."
    return f"{scheme}://{host}" + (f":{port}" if port else "") + "/..."


def with_credentials(url: str, credentials: str) -> str:
    """Return the URL with `user:password` put in.

    Raises:
        ValueError: The credentials have no colon, or the URL has some already.
    """
    user, colon, password = credentials.strip().partition(":")
    scheme, mark, rest = url.partition("://")
    if not colon or not mark or "@" in rest:
        raise ValueError("credentials are user:password for a URL that has none")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def _open(source: str, backend: int, options: list[int], name: str) -> Any:
    capture = cv2.VideoCapture(source, backend, options)
    if not capture.isOpened():
        raise CameraError(f"{name} cannot be opened")
    return capture


class _Captured:
    """What all sources of OpenCV share."""

    def __init__(self, capture: Any, camera: str, name: str) -> None:
        self._capture, self._camera, self._name = capture, camera, name

    @property
    def rate_hz(self) -> float:
        """Frames a second that the source announces, or 0."""
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        return rate if 0.0 < rate <= MAX_RATE_HZ else 0.0

    def close(self) -> None:
        """Release the device."""
        self._capture.release()

    def _retrieve(self, stamp_ns: int) -> CameraFrame:
        done, image = self._capture.retrieve()
        if not done or image is None:
            raise DamagedFrameError(f"{self._name}: a frame cannot be decoded")
        encoding = "mono8" if image.ndim == 2 else "bgr8"
        return CameraFrame(self._camera, stamp_ns, image, encoding)


class DeviceSource(_Captured):
    """A V4L2 device. Stamps are the driver's where it uses the monotonic clock (most do)."""

    def __init__(self, camera: str, path: str, clock: Clock, wish: Wish) -> None:
        """Open the device.

        Raises:
            CameraError: It is not there, may not be used, or gives no pictures.
        """
        if not Path(path).exists():
            raise CameraError(f"{path} is not there: is the camera plugged in?")
        if not os.access(path, os.R_OK | os.W_OK):
            raise CameraError(f"{path} may not be used: put this user into the group video")
        super().__init__(_open(path, cv2.CAP_V4L2, [], path), camera, path)
        self._clock = clock
        self._ask(wish)

    def _ask(self, wish: Wish) -> None:
        # The format comes first: it decides which sizes and rates there are.
        if wish.fourcc:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wish.fourcc))
        for name, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, wish.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, wish.height),
            (cv2.CAP_PROP_FPS, wish.rate_hz),
        ):
            if value:
                self._capture.set(name, value)

    def read(self) -> CameraFrame:
        """Wait for the next frame.

        Raises:
            CameraError: The device is gone.
        """
        if not self._capture.grab():
            raise CameraError(f"{self._name} was lost: unplugged, or its bus is too busy")
        now_ns = self._clock()
        age_ns = time.monotonic_ns() - round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return self._retrieve(now_ns - age_ns if 0 <= age_ns < OLD_NS else now_ns)


class StreamSource(_Captured):
    """A stream over the network, such as RTSP.

    The stream's own times tell how far frames are apart; the frame that came quickest of late
    tells where they lie on the clock. So jitter of the network does not reach the stamps, a
    constant delay does.
    """

    def __init__(self, camera: str, url: str, clock: Clock) -> None:
        """Connect.

        Raises:
            CameraError: There is no connection, or no pictures in it.
        """
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS]
        options += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
        name = redacted(url)
        super().__init__(_open(url, cv2.CAP_FFMPEG, options, name), camera, name)
        self._clock = clock
        self._estimator = StampEstimator(1, DRIFT)
        self._last_ns = -1

    def read(self) -> CameraFrame:
        """Wait for the next frame.

        Raises:
            CameraError: The connection is lost.
        """
        if not self._capture.grab():
            raise CameraError(f"{self._name} was lost: no more frames from the network")
        arrival_ns = self._clock()
        return self._retrieve(self._stamp(arrival_ns))

    def _stamp(self, arrival_ns: int) -> int:
        stream_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if stream_ns <= self._last_ns:
            # A stream that does not tell its time, or began anew.
            self._estimator = StampEstimator(1, DRIFT)
        self._last_ns = stream_ns
        stamp_ns = self._estimator.stamp(stream_ns, arrival_ns)
        if arrival_ns - stamp_ns >= OLD_NS:
            self._estimator = StampEstimator(1, DRIFT)
            stamp_ns = self._estimator.stamp(stream_ns, arrival_ns)
        return stamp_ns


class FileSource(_Captured):
    """A video file, played as if a camera took its pictures now.

    Args:
        camera: Id of the camera that it plays.
        path: The file.
        clock: Its frames come and are stamped when this clock reaches them.
        rate_hz: Frames a second; 0 for the file's own rate.
        loop: Begin again at the end, without a pause.
    """

    def __init__(
        self, camera: str, path: Path, clock: Clock, *, rate_hz: float = 0.0, loop: bool = False
    ) -> None:
        """Open the file.

        Raises:
            CameraError: It is no video file.
        """
        if not path.is_file():
            raise CameraError(f"{path} is not there")
        super().__init__(_open(str(path), cv2.CAP_FFMPEG, [], str(path)), camera, str(path))
        self._path, self._clock, self._loop = path, clock, loop
        self._rate_hz = rate_hz or super().rate_hz or DEFAULT_RATE_HZ
        self._period_ns = round(1e9 / self._rate_hz)
        self._due_ns = clock()
        self._frames = 0

    @property
    def rate_hz(self) -> float:
        """Frames a second at which the file is played."""
        return self._rate_hz

    def read(self) -> CameraFrame | None:
        """Wait for the next frame's time; None while it is far away or simulated time stands.

        Raises:
            CameraEndedError: The file has ended and does not loop.
            CameraError: No frame can be read.
        """
        wait_ns = self._due_ns - self._clock()
        if not -OLD_NS <= wait_ns <= self._period_ns + OLD_NS:
            self._due_ns, wait_ns = self._clock(), 0  # after a pause, or when the clock was set
        if wait_ns > 0:
            time.sleep(min(WAIT_S, wait_ns / 1e9))
            if self._clock() < self._due_ns:
                return None
        if not self._capture.grab():
            self._turn()
        stamp_ns, self._due_ns = self._due_ns, self._due_ns + self._period_ns
        self._frames += 1
        return self._retrieve(stamp_ns)

    def _turn(self) -> None:
        """Go back to the beginning, or end."""
        if not self._frames:
            raise CameraError(f"{self._name} holds no frame that can be read")
        if not self._loop:
            raise CameraEndedError(f"{self._name} has ended")
        self._frames = 0
        self._capture.release()
        self._capture = _open(str(self._path), cv2.CAP_FFMPEG, [], self._name)
        if not self._capture.grab():
            raise CameraError(f"{self._name} cannot be read again")


def open_device(camera: str, device: str, clock: Clock, wish: Wish) -> DeviceSource | StreamSource:
    """Open a V4L2 device (a path) or a stream (a URL).

    Raises:
        CameraError: It cannot be opened.
    """
    if "://" in device:
        return StreamSource(camera, device, clock)
    return DeviceSource(camera, device, clock, wish)
