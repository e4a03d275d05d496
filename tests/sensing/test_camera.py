"""The thread that reads a camera: it comes back by itself and hangs nobody up."""

import threading
import time
from collections import deque

import numpy as np
import pytest

from aisle.records import CameraFrame
from aisle.sensing.camera import (
    MAX_DAMAGED,
    QUEUE,
    CameraEndedError,
    CameraError,
    DamagedFrameError,
    Grabber,
    check_frame,
)

IMAGE = np.zeros((4, 6, 3), np.uint8)
FRAME = CameraFrame("c", 1, IMAGE)
LIMIT_S = 10.0


class Script:
    """A source that gives what a list says: frames, None, errors, or an event to wait for."""

    rate_hz = 10.0

    def __init__(self, *steps):
        self.steps, self.closed = list(steps), 0

    def read(self):
        step = self.steps.pop(0) if self.steps else CameraEndedError("the end")
        if isinstance(step, threading.Event):
            step.wait()
            return None
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        self.closed += 1


class Opener:
    """Opens sources one after the other; an error among them cannot be opened."""

    def __init__(self, *sources):
        self.sources = list(sources)

    def __call__(self):
        source = self.sources.pop(0)
        if isinstance(source, Exception):
            raise source
        return source


def run_to_end(*sources, reconnect_s=0.001):
    told = []
    grabber = Grabber(Opener(*sources), lambda: told.append(grabber.error), reconnect_s)
    grabber.start()
    until(lambda: grabber.ended)
    assert grabber.stop()
    return grabber, told


def until(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_frames_come_in_order_and_the_source_is_closed():
    frames = [CameraFrame("c", n, IMAGE) for n in range(3)]
    source = Script(frames[0], None, *frames[1:])
    grabber, told = run_to_end(source)
    assert grabber.take() == frames
    assert grabber.take() == []
    assert source.closed == 1
    assert told == ["", "", "", "the end"]
    assert grabber.error == "the end"


def test_a_lost_camera_is_opened_again_until_it_is_back():
    lost = Script(FRAME, CameraError("unplugged"))
    absent = CameraError("not there")
    grabber, told = run_to_end(lost, absent, absent, Script(FRAME))
    assert [text for text in told if text] == ["unplugged", "not there", "not there", "the end"]
    assert told[-2] == ""
    assert grabber.counters["opened"] == 2
    assert grabber.counters["frames"] == 2
    assert lost.closed == 1


def test_pauses_grow_while_nothing_comes_and_begin_anew_after_a_frame():
    absent = [CameraError("not there") for _ in range(4)]
    grabber = Grabber(Opener(*absent, Script(FRAME, CameraError("lost")), Script()), reconnect_s=1)
    pauses = []
    grabber._stopped.wait = pauses.append
    grabber.start()
    until(lambda: grabber.ended)
    assert pauses == [2, 4, 8, 10.0, 1]


def test_a_slow_consumer_gets_the_newest_frames():
    frames = [CameraFrame("c", n, IMAGE) for n in range(QUEUE + 3)]
    grabber, _ = run_to_end(Script(*frames))
    assert grabber.take() == frames[3:]
    assert grabber.counters["dropped"] == 3


def test_a_queue_that_is_emptied_while_a_frame_comes_loses_nothing():
    class TakenAfterALook(deque):
        def __len__(self):
            seen = super().__len__()
            self.clear()
            return seen

    source = Script(FRAME)
    grabber = Grabber(Opener(source))
    grabber._frames = TakenAfterALook([FRAME] * QUEUE, maxlen=QUEUE)
    grabber.start()
    until(lambda: grabber.ended)
    assert grabber.counters["opened"] == 1
    assert grabber.error == "the end"
    assert grabber._frames.popleft() is FRAME


def test_damaged_frames_are_counted_and_passed_over():
    grabber, _ = run_to_end(Script(FRAME, DamagedFrameError("half a JPEG"), FRAME))
    assert grabber.counters["damaged_frames"] == 1
    assert grabber.damage == "half a JPEG"
    assert len(grabber.take()) == 2
    assert grabber.counters["opened"] == 1


def test_nothing_but_damage_opens_the_camera_anew():
    broken = Script(*[DamagedFrameError("noise")] * MAX_DAMAGED, FRAME)
    grabber, told = run_to_end(broken, Script(FRAME))
    assert f"{MAX_DAMAGED} damaged frames in a row: noise" in told
    assert grabber.counters["opened"] == 2


def test_an_unexpected_error_names_its_kind_but_not_its_text():
    grabber, told = run_to_end(RuntimeError("rtsp://user:secret@host"), Script(FRAME))
    assert "RuntimeError" in told[0]
    assert "secret" not in told[0]
    assert grabber.counters["frames"] == 1


def test_a_source_that_hangs_hangs_nobody_else():
    never = threading.Event()
    grabber = Grabber(Opener(Script(FRAME, never)))
    grabber.start()
    until(lambda: grabber.counters["frames"])
    began = time.monotonic()
    assert grabber.take() == [FRAME]
    assert grabber.silent_s >= 0.0
    assert not grabber.stop(timeout_s=0.05)
    assert time.monotonic() - began < 2.0
    never.set()


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (CameraFrame("c", 1, IMAGE, "yuv422"), "encoding 'yuv422' is none of"),
        (CameraFrame("c", 1, IMAGE, "mono8"), r"shape \(4, 6, 3\) .* is no mono8"),
        (CameraFrame("c", 1, IMAGE[:, :, 0], "rgb8"), r"shape \(4, 6\)"),
        (CameraFrame("c", 1, IMAGE[:, :, :2], "bgr8"), r"\(4, 6, 2\)"),
        (CameraFrame("c", 1, IMAGE.astype(np.uint16)), "type uint16"),
        (CameraFrame("c", 1, IMAGE[:0]), r"\(0, 6, 3\)"),
        (CameraFrame("c", 1, None), "NoneType"),
    ],
)
def test_what_is_no_image_of_its_encoding_is_damaged(frame, says):
    with pytest.raises(DamagedFrameError, match=says):
        check_frame(frame)
    grabber, _ = run_to_end(Script(frame, FRAME))
    assert grabber.counters["damaged_frames"] == 1
    assert grabber.take() == [FRAME]


def test_a_frame_shows_red_first_without_a_copy():
    image = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    assert np.shares_memory(CameraFrame("c", 1, image, "bgr8").rgb, image)
    np.testing.assert_array_equal(CameraFrame("c", 1, image, "bgr8").rgb, image[:, :, ::-1])
    grey = CameraFrame("c", 1, image[:, :, 0], "mono8").rgb
    np.testing.assert_array_equal(grey, image[:, :, [0, 0, 0]])
