"""Simulated cameras read like devices: in time, the present first, and an end with a reason."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from aisle.records import CameraFrame
from aisle.sensing.camera import CameraEndedError, CameraError
from aisle.sensing.camera_simulated import BEHIND_NS, SimulatedFeed
from aisle.store.types import Camera

SECOND = 1_000_000_000
START_NS = 1000 * SECOND
CAMERAS = {name: Camera(name, np.eye(4), 4, 4, 1.0) for name in ("a", "b")}


@dataclass(frozen=True)
class Shot:
    camera: str
    number: int
    taken_ns: int

    @property
    def arrival_ns(self):
        return self.taken_ns + 30_000_000


class Slides:
    """Cameras that draw at once, and note who asked for what."""

    def __init__(self, count=100, fail_at=None):
        self.count, self.fail_at = count, fail_at
        self.threads, self.drawn, self.closed = set(), [], False

    def shots(self, from_s=0.0):
        first = int(np.ceil(from_s * 10))
        for number in range(first, self.count):
            for camera in CAMERAS:
                yield Shot(camera, number, START_NS + number * SECOND // 10)

    def draw(self, shot):
        self.threads.add(threading.current_thread().name)
        if shot.number == self.fail_at:
            raise RuntimeError("the device is gone")
        self.drawn.append(shot)
        return np.full((4, 4, 3), shot.number, np.uint8)

    def deliver(self, shot, ideal):
        return CameraFrame(shot.camera, shot.taken_ns, ideal)

    def close(self):
        self.closed = True


class Time:
    """A clock that the test sets, or that goes on a little whenever somebody looks."""

    now_ns, step_ns = START_NS, 0

    def __call__(self):
        self.now_ns += self.step_ns
        return self.now_ns


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def feed_of(clock):
    feeds = []

    def make(slides):
        feed = SimulatedFeed(lambda: slides, CAMERAS, START_NS, clock)
        feeds.append(feed)
        feed.start()
        return feed

    yield make
    for feed in feeds:
        feed.stop()


def next_of(source, seconds=20.0):
    """The next frame, whatever the machine is busy with."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        frame = source.read()
        if frame is not None:
            return frame
    raise AssertionError("waited in vain")


def read_for_ever(source):
    while True:
        source.read()


def test_each_camera_gives_its_own_frames_drawn_by_one_thread(feed_of, clock):
    slides = Slides()
    feed = feed_of(slides)
    clock.now_ns += SECOND // 5
    for name in CAMERAS:
        source = feed.source(name)
        assert source.rate_hz == 10.0
        frames = [next_of(source) for _ in range(2)]
        assert [f.camera for f in frames] == [name, name]
        assert [f.stamp_ns - START_NS for f in frames] == [0, SECOND // 10]
        assert [f.image[0, 0, 0] for f in frames] == [0, 1]
    assert slides.threads == {"renderer"}


def test_a_frame_does_not_come_before_its_time(feed_of, clock):
    source = feed_of(Slides()).source("a")
    got = []
    reader = threading.Thread(target=lambda: got.append(next_of(source)), daemon=True)
    reader.start()
    reader.join(0.3)
    assert not got, "exposed now, it arrives 30 ms later, and the clock stands still"
    clock.now_ns += 30_000_000
    reader.join(20.0)
    assert got[0].stamp_ns == START_NS


def test_what_would_be_late_is_left_out_and_the_present_goes_on(feed_of, clock):
    slides = Slides()
    source = feed_of(slides).source("b")
    next_ns = START_NS + 5 * SECOND
    clock.now_ns, clock.step_ns = next_ns, SECOND // 1000
    frame = next_of(source)
    assert frame.stamp_ns >= next_ns - BEHIND_NS
    late = [s for s in slides.drawn if s.number and s.taken_ns < next_ns - BEHIND_NS]
    assert all(s.taken_ns <= START_NS + SECOND // 2 for s in late), "drawn before time jumped"


def test_the_end_of_the_scenario_is_the_end(feed_of, clock):
    slides = Slides(count=2)
    feed = feed_of(slides)
    clock.now_ns += SECOND // 4
    source = feed.source("a")
    assert [next_of(source).stamp_ns for _ in range(2)] == [START_NS, START_NS + SECOND // 10]
    with pytest.raises(CameraEndedError, match="the scenario is over"):
        next_of(source)
    feed.stop()
    assert slides.closed


def test_a_device_that_fails_is_an_error_of_every_camera(feed_of, clock):
    feed = feed_of(Slides(fail_at=5))
    clock.step_ns = SECOND // 1000
    for source in map(feed.source, CAMERAS):
        with pytest.raises(CameraError, match="pictures cannot be drawn: the device is gone"):
            read_for_ever(source)


def test_what_cannot_be_opened_says_why_at_once(feed_of):
    with pytest.raises(CameraError, match="pictures cannot be drawn: the device is gone"):
        feed_of(Slides(fail_at=0))
