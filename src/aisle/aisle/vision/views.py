"""Which picture of each camera counts at which tick, and which cameras cannot be relied on.

A tick's view is the newest frame that was taken after the tick before and not after the tick
itself, so a frame counts for one tick only. All is judged by stamps in order of arrival, so that a
replay decides the same; nothing here raises, whatever a camera sends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.records import CameraFrame, CodedFrame, Frame
from aisle.sensing.camera_codec import DecodeError, decode
from aisle.sensing.camera_health import FrozenPicture
from aisle.store.types import Camera, Store

_PROVE_NS = SECOND
"""So often a picture is decoded though nobody looks at it, to know that it can be."""
_HEADER_BYTES, _MOST_BYTES = 1 << 16, 8
"""A picture that takes more bytes than so many, and so many a pixel, is not kept."""
_LATE = "too late"
_ENCODINGS = frozenset({"rgb8", "bgr8", "mono8"})


@dataclass(frozen=True)
class ViewConfig:
    """Limits, seconds of stamps."""

    silent_s: float = 1.0
    """A camera that gives nothing usable for longer is bad."""
    frozen_s: float = 2.0
    """So is one that gives the same picture, byte for byte, for longer; 0 allows it for ever."""
    most_ticks: int = 8
    """Frames that are kept of a camera, one a tick: so far ahead of the last tick a camera can be
    that is in line, while the scales are held up."""


@dataclass(frozen=True)
class CameraChange:
    """A camera has become bad."""

    camera: str
    reason: str
    """"silent", "frozen picture", "too late", or why its pictures are refused."""
    since_ns: int
    """Stamp of its last usable frame."""
    stamp_ns: int
    """Time when it was found."""

    @property
    def text(self) -> str:
        """For people: "cam1: silent for 1.2 s"."""
        return f"{self.camera}: {self.reason} for {(self.stamp_ns - self.since_ns) / SECOND:.1f} s"


@dataclass
class _State:
    frozen: FrozenPicture
    frames: dict[int, Frame] = field(default_factory=dict)
    """By tick."""
    good_ns: int | None = None
    """Stamp of the last usable frame; before that, time when time began."""
    trouble: tuple[int, str] | None = None
    """When a frame came that was not usable, and why."""
    damaged: bool = False
    """The last one that was decoded could not be: none is believed before it is decoded."""
    decoded_ns: int = 0
    """Stamp of the last one that was."""


class ViewBuffer:
    """Takes frames in order of arrival, and gives each tick's.

    Whether a stamp is believed is for the synchronizer to say; what it refuses is told here, so
    that people learn why a camera is of no use.

    Args:
        store: Its cameras are the ones that there are.
        config: Limits.
    """

    def __init__(self, store: Store, config: ViewConfig | None = None) -> None:
        self.config = config or ViewConfig()
        self.counters: Counter[str] = Counter()
        """Frames of no use, by reason, and cameras that became bad and good again."""
        self.bad: dict[str, CameraChange] = {}
        """Cameras that are bad now, with the change that said so."""
        self._cameras: dict[str, Camera] = dict(store.cameras)
        self._states = {name: _State(FrozenPicture(self.config.frozen_s)) for name in self._cameras}
        self._newest_ns: int | None = None
        self._tick_ns: int | None = None

    def add(self, frame: Frame) -> None:
        """Take a frame whose stamp is in line and newer than its camera's last one."""
        state = self._states.get(frame.camera)
        if state is None:
            self.counters["unknown_camera"] += 1
            return
        counter, trouble = self._trouble(frame)
        if counter:
            self.counters[counter] += 1
            self.refuse(frame.camera, trouble)
            return
        state.frozen.add(frame)
        if state.frozen.frozen_s:
            self.counters["frozen_frames"] += 1
            since_ns = frame.stamp_ns - round(state.frozen.frozen_s * SECOND)
            self._lose(frame.camera, "frozen picture", since_ns, frame.stamp_ns)
            return
        if state.damaged or frame.stamp_ns - state.decoded_ns >= _PROVE_NS:
            self._decoded(frame)
            if state.damaged:
                return
        self.trust(frame)
        state.frames[tick_of(frame)] = frame
        if len(state.frames) > self.config.most_ticks:
            del state.frames[min(state.frames)]

    def trust(self, frame: Frame) -> bool:
        """A frame has come that proves its camera well, whatever it shows, unless it is late.

        Returns:
            Whether it is not.
        """
        if self._late(frame):
            self.refuse(frame.camera, _LATE)
            return False
        state = self._states[frame.camera]
        state.good_ns, state.trouble = frame.stamp_ns, None
        if self.bad.pop(frame.camera, None):
            self.counters["cameras_good_again"] += 1
        return True

    def refuse(self, camera: str, reason: str) -> None:
        """A frame has come that cannot be used."""
        if camera in self._states:
            self._states[camera].trouble = self._newest_ns or 0, reason

    def note_time(self, newest_ns: int, tick_ns: int) -> None:
        """Say how far time has come, and which tick is next: frames of those before are dropped."""
        self._newest_ns = max(newest_ns, self._newest_ns or newest_ns)
        self._tick_ns = tick_ns
        limit = round(self.config.silent_s * SECOND)
        for name, state in self._states.items():
            for tick in [tick for tick in state.frames if tick < tick_ns]:
                del state.frames[tick]
            if state.good_ns is None:
                state.good_ns = self._newest_ns
            if self._newest_ns - state.good_ns > limit:
                at_ns, trouble = state.trouble or (0, "silent")
                spoke = self._newest_ns - at_ns <= limit
                self._lose(name, trouble if spoke else "silent", state.good_ns, self._newest_ns)

    def at(self, tick_ns: int) -> dict[str, Frame]:
        """Each camera's frame of a tick (a multiple of `TICK_NS`), in the store's order.

        Cameras that have none are left out.
        """
        found = {name: state.frames.get(tick_ns) for name, state in self._states.items()}
        return {name: frame for name, frame in found.items() if frame is not None}

    def pictures(self, tick_ns: int) -> dict[str, NDArray[np.uint8]]:
        """`at`, as [height, width, 3] RGB in a row in memory: what strips and floor maps take."""
        found = {name: self._decoded(frame) for name, frame in self.at(tick_ns).items()}
        return {name: picture for name, picture in found.items() if picture is not None}

    def _decoded(self, frame: Frame) -> NDArray[np.uint8] | None:
        """None for what cannot be decoded."""
        state = self._states[frame.camera]
        if isinstance(frame, CodedFrame):
            try:
                picture = decode(frame.data)
            except DecodeError:
                state.damaged = True
                self.counters["damaged_pictures"] += 1
                self.refuse(frame.camera, "damaged pictures")
                return None
            encoding = "mono8" if picture.ndim == 2 else "rgb8"
            frame = CameraFrame(frame.camera, frame.stamp_ns, picture, encoding)
        state.damaged, state.decoded_ns = False, frame.stamp_ns
        return _rgb(frame)

    def _trouble(self, frame: Frame) -> tuple[str, str]:
        """Why a frame cannot be used: a counter's name, and words; empty when it can."""
        camera = self._cameras[frame.camera]
        if isinstance(frame, CodedFrame):
            shape, colours = frame.shape, frame.shape[2:]
            if len(frame.data) > _HEADER_BYTES + _MOST_BYTES * camera.height * camera.width:
                return "wrong_size", f"pictures of {len(frame.data)} bytes"
        elif frame.encoding not in _ENCODINGS:
            return "wrong_encoding", f"encoding {frame.encoding[:20]!r} is not known"
        else:
            shape, colours = frame.image.shape, () if frame.encoding == "mono8" else (3,)
            if frame.image.dtype != np.uint8:
                return "wrong_encoding", f"pictures of {frame.image.dtype}"
        if shape != (camera.height, camera.width, *colours):
            size = " x ".join(str(n) for n in shape[1::-1])
            return "wrong_size", f"pictures of {size}, not {camera.width} x {camera.height},"
        if self._late(frame):
            return "late_frames", _LATE
        return "", ""

    def _late(self, frame: Frame) -> bool:
        return self._tick_ns is not None and tick_of(frame) <= self._tick_ns

    def _lose(self, name: str, reason: str, since_ns: int, now_ns: int) -> None:
        if name not in self.bad:
            self.bad[name] = CameraChange(name, reason, since_ns, now_ns)
            self.counters["cameras_bad"] += 1


def tick_of(frame: Frame) -> int:
    """The tick at which a frame may count."""
    return -(-frame.stamp_ns // TICK_NS) * TICK_NS


def _rgb(frame: CameraFrame) -> NDArray[np.uint8]:
    """Turned by OpenCV, since to copy a turned view costs ten times as much."""
    if frame.encoding == "rgb8":
        return np.ascontiguousarray(frame.image)
    code = cv2.COLOR_BGR2RGB if frame.encoding == "bgr8" else cv2.COLOR_GRAY2RGB
    return np.asarray(cv2.cvtColor(frame.image, code), dtype=np.uint8)
