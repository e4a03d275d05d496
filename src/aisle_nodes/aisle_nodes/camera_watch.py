"""One camera of a camera_node: the thread that reads it, and what is wrong with its pictures."""

from __future__ import annotations

import time

from aisle.records import CameraCalibration, CameraFrame
from aisle.sensing.camera import Grabber
from aisle.sensing.camera_calibration import calibration_of
from aisle.sensing.camera_health import DarkPicture, FrozenPicture, RateWatch
from aisle.store.types import Camera
from aisle_nodes.diagnostics import Level
from aisle_nodes.schemas import CameraParameters


class WatchedCamera:
    """Passes on the frames of one camera and looks at them on the way.

    Args:
        camera: Its id.
        rig: What the store says of it; None without a store.
        grabber: Reads it.
        params: Limits.
    """

    def __init__(
        self, camera: str, rig: Camera | None, grabber: Grabber, params: CameraParameters
    ) -> None:
        self.grabber, self._camera, self._rig, self._params = grabber, camera, rig, params
        self.calibration = calibration_of(rig) if rig else None
        self._frozen = FrozenPicture(params.frozen_after_s)
        self._dark = DarkPicture(params.dark_below)
        self._rate = RateWatch()
        self._wrong_size, self._held_back, self._damaged = "", 0, 0
        self._begun_s = time.monotonic()

    def calibration_for(self, frame: CameraFrame) -> CameraCalibration | None:
        """Return the calibration where it is one of such pictures."""
        right, (height, width) = self.calibration, frame.image.shape[:2]
        return right if right and (width, height) == (right.width, right.height) else None

    def take(self) -> list[CameraFrame]:
        """Return the frames that came since the last call, but for those of a frozen camera."""
        taken = []
        for frame in self.grabber.take():
            self._frozen.add(frame)
            self._dark.add(frame)
            self._rate.add(frame.stamp_ns, self._expected_hz)
            self._wrong_size = ""
            if self.calibration and self.calibration_for(frame) is None:
                height, width = frame.image.shape[:2]
                self._wrong_size = f"{width}x{height}"
            if self._frozen.frozen_s:
                self._held_back += 1
            else:
                taken.append(frame)
        return taken

    @property
    def _expected_hz(self) -> float:
        rig_hz = self._rig.rate_hz if self._rig else 0.0
        return self._params.rate_hz or rig_hz or self.grabber.rate_hz

    def problems(self, now_ns: int) -> dict[str, tuple[Level, str]]:
        """Return all that may be wrong, by name; an empty text where it is not.

        Args:
            now_ns: The node's clock; while it is 0, time has not begun and nothing can come.
        """
        grabber, right = self.grabber, self.calibration
        silent, frozen, size = "", "", ""
        patience = max(self._params.silent_after_s, 3.0 / (self._expected_hz or 1000.0))
        if not now_ns:
            self._begun_s = time.monotonic()
        if grabber.error:
            self._rate.restart()
        elif min(grabber.silent_s, time.monotonic() - self._begun_s) > patience:
            doing = "its driver hangs" if grabber.open else "it is being opened"
            silent = f"no picture for more than {patience:.1f} s, {doing}"
        if self._frozen.frozen_s:
            frozen = "frozen, always the same picture, held back; restart the camera"
        if self._wrong_size and right is not None:
            size = (
                f"gives {self._wrong_size}, the store's rig says {right.width}x{right.height}: "
                "no camera_info"
            )
        nothing = "" if right else "no store and so no calibration: no camera_info"
        dark = self._dark.problem and f"{self._dark.problem}; look at light and lens"
        rate = "" if grabber.error or silent else self._rate.problem(self._expected_hz)
        found = {
            "source": (Level.WARN if grabber.ended else Level.ERROR, grabber.error),
            "silent": (Level.ERROR, silent),
            "frozen": (Level.ERROR, frozen),
            "size": (Level.ERROR, size),
            "calibration": (Level.WARN, nothing),
            "dark": (Level.WARN, dark),
            "rate": (Level.WARN, rate),
        }
        return {
            f"{self._camera}/{name}": (level, text and f"{self._camera}: {text}")
            for name, (level, text) in found.items()
        }

    def fresh_damage(self) -> str:
        """Return what was wrong with the last damaged frame since the last call, or nothing."""
        damaged = self.grabber.counters["damaged_frames"]
        fresh, self._damaged = damaged > self._damaged, damaged
        return f"{self._camera}: {self.grabber.damage}" if fresh else ""

    def values(self) -> dict[str, object]:
        """Return counters and measurements by name."""
        found: dict[str, object] = {
            **self.grabber.counters,
            "missed_frames": self._rate.missed,
            "stamps_backwards": self._rate.backwards,
            "held_back": self._held_back,
            "expected_hz": f"{self._expected_hz:.2f}",
            "camera_hz": f"{self._rate.rate_hz:.2f}",
            "brightness": f"{self._dark.brightness:.0f}",
        }
        return {f"{self._camera}/{name}": value for name, value in found.items()}
