"""Watches over a camera's pictures: frozen, dark or covered, too slow, frames left out."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from aisle.records import CameraFrame, CodedFrame, Frame

RATE_WINDOW_NS = 5_000_000_000
SLOW = 0.8
"""Share of the expected rate below which a camera is too slow."""
LOOK_NS = 500_000_000
"""How often brightness is measured."""
DARK_AFTER_NS = 2_000_000_000
PLAIN = 2.0
"""Standard deviation of grey levels below which a picture shows nothing at all."""
SAMPLE = 16
MIN_FROZEN = 3
"""A picture must have come this often to be called frozen."""


class FrozenPicture:
    """Finds a camera that gives the same picture, bit by bit, again and again.

    The noise of a living sensor never repeats. A few rows are compared first, and they differ
    almost always, so that a live camera costs next to nothing.

    Args:
        limit_s: How long, by stamps, the same picture is tolerated; 0 for ever.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_ns = limit_s * 1e9 or math.inf
        self._last: Frame | None = None
        self._since_ns = 0
        self._repeats = 0
        self.frozen_s = 0.0
        """For how long the picture has been the same, once that is too long; otherwise 0."""

    def add(self, frame: Frame) -> None:
        """Look at a frame."""
        last, self._last = self._last, frame
        if last is None or not _same(_content(last), _content(frame)):
            self._since_ns, self._repeats, self.frozen_s = frame.stamp_ns, 0, 0.0
            return
        self._repeats += 1
        same_ns = frame.stamp_ns - self._since_ns
        if same_ns >= self._limit_ns and self._repeats >= MIN_FROZEN:
            self.frozen_s = same_ns / 1e9


def _content(frame: Frame) -> np.ndarray:
    """What is compared; of an encoder that writes the time into its files none is the same."""
    return np.frombuffer(frame.data, np.uint8) if isinstance(frame, CodedFrame) else frame.image


def _same(one: np.ndarray, two: np.ndarray) -> bool:
    return (
        one.shape == two.shape
        and np.array_equal(one[::SAMPLE], two[::SAMPLE])
        and np.array_equal(one, two)
    )


class DarkPicture:
    """Finds a camera that sees nothing: too dark, or its lens is covered.

    Args:
        below: Mean grey level (0 to 255) of a picture that is too dark; 0 for never.
    """

    def __init__(self, below: float) -> None:
        self._below = below
        self._looked_ns = -LOOK_NS
        self._good_ns: int | None = None
        self.brightness = math.nan
        """Mean grey level of late."""
        self.problem = ""
        """What is wrong for two seconds now; empty when all is well."""

    def add(self, frame: CameraFrame) -> None:
        """Look at a frame, or not, when another was looked at a moment ago."""
        if self._good_ns is None:
            self._good_ns = frame.stamp_ns
        if abs(frame.stamp_ns - self._looked_ns) < LOOK_NS:
            return
        self._looked_ns = frame.stamp_ns
        few = frame.image[::SAMPLE, ::SAMPLE].astype(np.float32)
        self.brightness = float(few.mean())
        dark, plain = self.brightness < self._below, float(few.std()) < PLAIN
        if self._below <= 0.0 or not (dark or plain):
            self._good_ns, self.problem = frame.stamp_ns, ""
        elif frame.stamp_ns - self._good_ns >= DARK_AFTER_NS:
            what = "almost black" if dark else "one plain colour"
            self.problem = f"the picture is {what}"


class RateWatch:
    """Measures a camera's rate and the frames that it left out, from stamps."""

    def __init__(self) -> None:
        self._stamps: deque[int] = deque()
        self.missed = 0
        """Frames that are missing between stamps."""
        self.backwards = 0
        """Frames whose stamp was not later than the one before."""

    def add(self, stamp_ns: int, expected_hz: float) -> None:
        """Note a frame; `expected_hz` is 0 where nothing is expected."""
        if self._stamps:
            step_ns = stamp_ns - self._stamps[-1]
            if step_ns <= 0:
                self.backwards += 1
                self._stamps.clear()
            elif expected_hz and step_ns < RATE_WINDOW_NS:
                self.missed += max(0, round(step_ns * expected_hz / 1e9) - 1)
        self._stamps.append(stamp_ns)
        while stamp_ns - self._stamps[0] > RATE_WINDOW_NS:
            self._stamps.popleft()

    def restart(self) -> None:
        """Begin to measure anew, after the camera was lost."""
        self._stamps.clear()

    @property
    def rate_hz(self) -> float:
        """Frames a second over the last five seconds; NaN before there were enough."""
        span_ns = self._stamps[-1] - self._stamps[0] if self._stamps else 0
        if span_ns < RATE_WINDOW_NS // 2:
            return math.nan
        return (len(self._stamps) - 1) * 1e9 / span_ns

    def problem(self, expected_hz: float) -> str:
        """Return why the rate is not right, or an empty text."""
        rate = self.rate_hz
        if not expected_hz or not rate < SLOW * expected_hz:
            return ""
        return (
            f"{rate:.0f} frames a second instead of {expected_hz:.0f}: "
            "too little light, bandwidth or processor time"
        )
