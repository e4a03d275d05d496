"""Which picture of each camera counts at which tick, and which cameras cannot be relied on.

A tick's view is the newest frame that was taken after the tick before and not after the tick
itself, so a frame counts for one tick only. All is judged by stamps in order of arrival, so that a
replay decides the same; nothing here raises, whatever a camera sends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.records import CameraFrame
from aisle.sensing.camera_health import FrozenPicture
from aisle.store.types import Camera, Store

_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1}


@dataclass(frozen=True)
class ViewConfig:
    """Limits, seconds of stamps."""

    keep_s: float = 3.0
    """How long frames are kept; older ones are behind the time."""
    ahead_s: float = 2.0
    """A stamp further ahead of all others is not believed, unless nothing contradicts it for as
    long as this."""
    silent_s: float = 1.0
    """A camera that gives nothing usable for longer is bad."""
    frozen_s: float = 2.0
    """So is one that gives the same picture, byte for byte, for longer; 0 allows it for ever."""


@dataclass(frozen=True)
class CameraChange:
    """A camera has become bad, or good again."""

    camera: str
    reason: str
    """"silent", "frozen picture", "clock ahead", "clock behind", "stamps go back", or what is wrong
    with its pictures; what it was, for one that is good again."""
    since_ns: int
    """Time when it was last good."""
    stamp_ns: int
    """Time when it was found."""
    good: bool = False

    @property
    def text(self) -> str:
        """For people: "cam1: silent for 1.2 s"."""
        return f"{self.camera}: {self.reason} for {(self.stamp_ns - self.since_ns) / SECOND:.1f} s"


@dataclass
class _State:
    frozen: FrozenPicture
    frames: dict[int, CameraFrame]
    """By tick."""
    last_ns: int | None = None
    """Stamp of the last usable frame."""
    good_ns: int | None = None
    """Time when the last usable frame came; before that, when time began."""
    trouble: tuple[int, str] | None = None
    """When a frame came that was not usable, and why."""


class ViewBuffer:
    """Takes frames in order of arrival, and gives each tick's.

    Time is the newest stamp that is believed: of frames, and of what `note_time` is told of other
    streams, which counts for more.

    Args:
        store: Its cameras are the ones that there are.
        config: Limits.
    """

    def __init__(self, store: Store, config: ViewConfig | None = None) -> None:
        self.config = config or ViewConfig()
        self.counters: Counter[str] = Counter()
        """Frames that were refused, by reason, and cameras that became bad and good again."""
        self.bad: dict[str, CameraChange] = {}
        """Cameras that are bad now, with the change that said so."""
        self.newest_ns: int | None = None
        """How far time has come."""
        self._cameras: dict[str, Camera] = dict(store.cameras)
        self._states = {name: self._new_state() for name in self._cameras}
        self._told_ns: int | None = None
        self._doubt_ns: tuple[int, int] | None = None
        """First and last stamp of frames out of line, when nothing else came in between."""

    def add(self, frame: CameraFrame) -> tuple[CameraChange, ...]:
        """Take a frame; what has become of the cameras with it."""
        state = self._states.get(frame.camera)
        if state is None:
            self.counters["unknown_camera"] += 1
            return ()
        counter, trouble = self._trouble(frame, state)
        if counter:
            self.counters[counter] += 1
            state.trouble = self.newest_ns or 0, trouble
            return self._look_around()
        self._doubt_ns = None
        self._move_on(frame.stamp_ns)
        state.last_ns = frame.stamp_ns
        state.frozen.add(frame)
        if state.frozen.frozen_s:
            self.counters["frozen_frames"] += 1
            since_ns = frame.stamp_ns - round(state.frozen.frozen_s * SECOND)
            found = self._lost(frame.camera, "frozen picture", since_ns)
            return (*found, *self._look_around())
        state.good_ns, state.trouble = self.newest_ns, None
        self._keep(frame, state)
        return (*self._healed(frame.camera), *self._look_around())

    def note_time(self, stamp_ns: int) -> tuple[CameraChange, ...]:
        """Say how far time has come by other streams; what has become of the cameras with it.

        When that goes back, or differs from the cameras' time when it is said first, by more than
        `ahead_s`, time begins anew and frames are forgotten.
        """
        told, self._told_ns = self._told_ns, stamp_ns
        lead = 0 if self.newest_ns is None else stamp_ns - self.newest_ns
        limit = self._ns(self.config.ahead_s)
        if (told is None and abs(lead) > limit) or (told is not None and stamp_ns < told - limit):
            self._begin_anew(stamp_ns)
        elif told != stamp_ns:
            self._doubt_ns = None
            self._move_on(stamp_ns)
        return self._look_around()

    def at(self, tick_ns: int) -> dict[str, CameraFrame]:
        """Each camera's frame of a tick (a multiple of `TICK_NS`), in the store's order.

        Cameras that have none are left out.
        """
        found = {name: state.frames.get(tick_ns) for name, state in self._states.items()}
        return {name: frame for name, frame in found.items() if frame is not None}

    def pictures(self, tick_ns: int) -> dict[str, NDArray[np.uint8]]:
        """`at`, as [height, width, 3] RGB in a row in memory: what strips and floor maps take."""
        return {name: _rgb(frame) for name, frame in self.at(tick_ns).items()}

    def _trouble(self, frame: CameraFrame, state: _State) -> tuple[str, str]:
        """Why a frame cannot be used: a counter's name, and words; empty when it can."""
        camera, image = self._cameras[frame.camera], frame.image
        if frame.encoding not in _CHANNELS:
            return "wrong_encoding", f"encoding {frame.encoding[:20]!r} is not known"
        colours = () if frame.encoding == "mono8" else (3,)
        if image.shape != (camera.height, camera.width, *colours) or image.dtype != np.uint8:
            size = " x ".join(str(n) for n in image.shape[1::-1])
            return "wrong_size", f"pictures of {size}, not {camera.width} x {camera.height},"
        lead = 0 if self.newest_ns is None else frame.stamp_ns - self.newest_ns
        ahead = lead > self._ns(self.config.ahead_s)
        if ahead or lead < -self._ns(self.config.keep_s):
            if not self._believed(frame.stamp_ns):
                where = "ahead" if ahead else "behind"
                return f"clock_{where}", f"clock {where}"
            self.counters["time_jumps"] += 1
            self._begin_anew(frame.stamp_ns)
        elif state.last_ns is not None and frame.stamp_ns <= state.last_ns:
            return "stamps_back", "stamps go back"
        return "", ""

    def _believed(self, stamp_ns: int) -> bool:
        """Whether a stamp out of line is the time: only such have come for long, one by one."""
        limit = self._ns(self.config.ahead_s)
        first, last = self._doubt_ns or (stamp_ns, stamp_ns)
        if abs(stamp_ns - last) > limit:
            first = stamp_ns
        self._doubt_ns = first, stamp_ns
        return stamp_ns - first >= limit

    def _begin_anew(self, stamp_ns: int) -> None:
        """Time jumps, so what was kept is of no use."""
        passed = {
            name: 0 if self.newest_ns is None or state.good_ns is None
            else self.newest_ns - state.good_ns
            for name, state in self._states.items()
        }  # fmt: skip
        for name in self._states:
            self._states[name] = self._new_state()
            self._states[name].good_ns = stamp_ns - passed[name]
        self.newest_ns, self._doubt_ns = stamp_ns, None

    def _move_on(self, stamp_ns: int) -> None:
        if self.newest_ns is None:
            for state in self._states.values():
                state.good_ns = stamp_ns
        self.newest_ns = max(stamp_ns, self.newest_ns or stamp_ns)

    def _keep(self, frame: CameraFrame, state: _State) -> None:
        assert self.newest_ns is not None
        state.frames[-(-frame.stamp_ns // TICK_NS) * TICK_NS] = frame
        oldest = self.newest_ns - self._ns(self.config.keep_s)
        for tick in [tick for tick in state.frames if tick < oldest]:
            del state.frames[tick]

    def _look_around(self) -> tuple[CameraChange, ...]:
        """Cameras that are found to have given nothing usable for too long."""
        found: list[CameraChange] = []
        for name, state in self._states.items():
            if state.good_ns is None or self.newest_ns is None:
                continue
            limit = self._ns(self.config.silent_s)
            if self.newest_ns - state.good_ns > limit:
                at_ns, trouble = state.trouble or (0, "")
                spoke = trouble and self.newest_ns - at_ns <= limit
                found += self._lost(name, trouble if spoke else "silent", state.good_ns)
        return tuple(found)

    def _lost(self, name: str, reason: str, since_ns: int) -> tuple[CameraChange, ...]:
        if name in self.bad or self.newest_ns is None:
            return ()
        self.bad[name] = CameraChange(name, reason, since_ns, self.newest_ns)
        self.counters["cameras_bad"] += 1
        return (self.bad[name],)

    def _healed(self, name: str) -> tuple[CameraChange, ...]:
        before = self.bad.pop(name, None)
        if before is None or self.newest_ns is None:
            return ()
        self.counters["cameras_good_again"] += 1
        return (CameraChange(name, before.reason, before.since_ns, self.newest_ns, good=True),)

    def _new_state(self) -> _State:
        return _State(FrozenPicture(self.config.frozen_s), {})

    @staticmethod
    def _ns(seconds: float) -> int:
        return round(seconds * SECOND)


def _rgb(frame: CameraFrame) -> NDArray[np.uint8]:
    """Turned by OpenCV, since to copy a turned view costs ten times as much."""
    if frame.encoding == "rgb8":
        return np.ascontiguousarray(frame.image)
    code = cv2.COLOR_BGR2RGB if frame.encoding == "bgr8" else cv2.COLOR_GRAY2RGB
    return np.asarray(cv2.cvtColor(frame.image, code), dtype=np.uint8)
