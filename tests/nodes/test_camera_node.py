"""camera_node with videos and with sources that the test plays, over DDS in one process."""

import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from aisle.bags.convert_images import (
    camera_info_from_message,
    compressed_from_message,
    image_from_message,
)
from aisle.records import CameraFrame
from aisle.sensing.camera import CameraEndedError, CameraError, DamagedFrameError
from aisle.store.load import load_store
from aisle.store.types import Camera
from aisle.store.write import write_store
from aisle_nodes import camera_node
from aisle_nodes.camera_node import CameraNode, Sources
from aisle_nodes.interfaces import CAMERA_QOS, camera_topic

SECOND = 1_000_000_000
NOISE = np.random.default_rng(1).integers(0, 255, (200, 120, 160, 3), dtype=np.uint8)
NODE = "camera_node"
OK, WARN, ERROR = 0, 1, 2
RAW = camera_topic("c1", "image_raw")
COMPRESSED = camera_topic("c1", "image_raw/compressed")
INFO = camera_topic("c1", "camera_info")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Two seconds at 20 frames a second; the frame's number is its grey level by four."""
    path = tmp_path_factory.mktemp("video") / "numbers.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (160, 120))
    for number in range(40):
        image = np.full((120, 160, 3), 40 + 4 * number, np.uint8)
        image[:, 80:] //= 2
        writer.write(image)
    writer.release()
    return path


@pytest.fixture(scope="module")
def rig(store_dir, tmp_path_factory):
    """The folder of a store with the cameras c1, of the video's size, and c2, a larger one."""
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pose[2, 3] = 2.5
    c1 = Camera("c1", pose, 160, 120, 1.2, distortion=(0.05, 0.0, 0.0, 0.0, 0.0))
    store = replace(
        load_store(store_dir)[0],
        cameras={"c1": c1, "c2": replace(c1, id="c2", width=640, height=480)},
    )
    return write_store(store, tmp_path_factory.mktemp("rig") / "rig")


class Hand:
    """A source that gives what the test puts into it, opened as often as the node likes."""

    rate_hz = 0.0

    def __init__(self):
        self.steps, self.absent, self.opened = queue.Queue(), "", 0
        self.stamp_ns = 100 * SECOND

    def make(self, params, clock, rigs):
        return Sources(dict.fromkeys(rigs, self.open))

    def open(self):
        if self.absent:
            raise CameraError(self.absent)
        self.opened += 1
        return self

    def give(self, *images, rate=10.0):
        for image in images:
            self.stamp_ns += round(SECOND / rate)
            self.steps.put(CameraFrame("c1", self.stamp_ns, image))

    def read(self):
        try:
            step = self.steps.get(timeout=0.01)
        except queue.Empty:
            return None
        if isinstance(step, threading.Event):
            step.wait()
            return None
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        pass


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def start(graph, hand):
    """Start a node that the hand plays the camera for."""
    make = partial(CameraNode, sources={"device": hand.make})
    return partial(graph.start, make, cameras=["c1"], reconnect_s=0.1, silent_after_s=600.0)


def says(graph, level, *texts):
    """Whether the newest diagnostics are of this level and hold these texts."""

    def look():
        found = graph.diagnostics.get(NODE, (None, "", {}))
        return found[0] == level and all(text in found[1] for text in texts)

    return look


def stamps(messages):
    return [m.header.stamp.sec * SECOND + m.header.stamp.nanosec for m in messages]


def test_a_video_is_published_with_its_calibration(graph, video, rig):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    small = graph.listen(CompressedImage, COMPRESSED, CAMERA_QOS)
    info = graph.listen(CameraInfo, INFO, CAMERA_QOS)
    node = graph.start(
        CameraNode, cameras=["c1"], source="file", file=str(video), loop=True, store=str(rig)
    )
    graph.until(lambda: min(len(raw), len(small), len(info)) >= 20)
    assert {m.header.frame_id for m in [*raw, *small, *info]} == {"c1_optical_frame"}
    together = set(stamps(raw)) & set(stamps(small)) & set(stamps(info))
    assert len(together) > 10
    steps = np.diff(stamps(raw))
    assert (steps > 0).all()
    assert (steps % (SECOND // 20) == 0).all()
    assert abs(node.now_ns() - stamps(raw)[-1]) < 5 * SECOND
    frames = {frame.stamp_ns: frame for frame in map(image_from_message, raw)}
    for message in small:
        decoded = compressed_from_message(message)
        if decoded.stamp_ns in frames:
            frame = frames[decoded.stamp_ns]
            assert frame.encoding == "bgr8"
            assert np.abs(frame.rgb.astype(int) - decoded.image).mean() < 3.0
    calibration = camera_info_from_message(info[0])
    assert (calibration.width, calibration.height) == (160, 120)
    assert calibration.k[0, 0] == pytest.approx(80 / np.tan(0.6))
    assert calibration.distortion[0] == 0.05
    graph.until(says(graph, OK, "ok"))
    assert graph.counter(NODE, f"{RAW}/rate_hz") > 0


def test_only_what_somebody_wants_is_made(graph, start, hand, monkeypatch):
    made = []
    whole = camera_node.compressed_to_message
    monkeypatch.setattr(
        camera_node, "compressed_to_message", lambda *args: made.append(1) or whole(*args)
    )
    node = start()
    monkeypatch.setattr(node._bridge, "cv2_to_imgmsg", lambda *_: pytest.fail("nobody listens"))
    hand.give(*NOISE[:3])
    graph.until(lambda: graph.counter(NODE, "c1/frames") == 3)
    assert not made
    got = graph.listen(CompressedImage, COMPRESSED, CAMERA_QOS)
    graph.until(lambda: node.count_subscribers(COMPRESSED))
    hand.give(*NOISE[3:5])
    graph.until(lambda: len(got) == 2)
    assert len(made) == 2


def test_a_camera_without_calibration_gives_pictures_and_says_so(graph, start, hand):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    info = graph.listen(CameraInfo, INFO, CAMERA_QOS)
    node = start()
    graph.until(lambda: node.count_subscribers(RAW) and node.count_subscribers(INFO))
    hand.give(*NOISE[:3])
    graph.until(lambda: len(raw) == 3)
    np.testing.assert_array_equal(image_from_message(raw[0]).image, NOISE[0])
    graph.until(says(graph, WARN, "c1: no store and so no calibration: no camera_info"))
    assert not info


def test_a_picture_of_another_size_than_the_rigs_is_an_error(graph, start, hand, rig):
    raw = graph.listen(Image, camera_topic("c2", "image_raw"), CAMERA_QOS)
    info = graph.listen(CameraInfo, camera_topic("c2", "camera_info"), CAMERA_QOS)
    node = start(cameras=["c2"], store=str(rig))
    graph.until(lambda: node.count_subscribers(camera_topic("c2", "camera_info")))
    hand.give(*NOISE[:3])
    graph.until(lambda: len(raw) == 3)
    graph.until(says(graph, ERROR, "c2: gives 160x120, the store's rig says 640x480"))
    assert not info


def test_a_frozen_camera_is_an_error_and_its_picture_is_held_back(graph, start, hand):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    node = start(frozen_after_s=1.0)
    graph.until(lambda: node.count_subscribers(RAW))
    for _ in range(30):
        hand.give(NOISE[0])
        graph.executor.spin_once(timeout_sec=0.01)
    graph.until(says(graph, ERROR, "c1: frozen", "restart the camera"))
    graph.until(lambda: graph.counter(NODE, "c1/held_back") > 5)
    before = len(raw)
    assert before <= 11
    hand.give(NOISE[1])
    graph.until(lambda: len(raw) == before + 1)
    graph.until(says(graph, WARN, "no calibration"))
    assert "frozen" not in graph.diagnostics[NODE][1]


def test_a_dark_picture_is_a_warning(graph, start, hand):
    start()
    for image in NOISE[:30]:
        hand.give(image // 40)
        graph.executor.spin_once(timeout_sec=0.01)
    graph.until(says(graph, WARN, "c1: the picture is almost black; look at light and lens"))


def test_a_slow_camera_is_a_warning(graph, start, hand):
    start(rate_hz=30.0)
    for image in NOISE[:60]:
        hand.give(image, rate=10.0)
        graph.executor.spin_once(timeout_sec=0.01)
    graph.until(says(graph, WARN, "c1: 10 frames a second instead of 30"))
    graph.until(lambda: graph.counter(NODE, "c1/missed_frames") > 50)


def test_a_lost_camera_is_told_at_once_and_comes_back_by_itself(graph, start, hand):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    node = start()
    graph.until(lambda: node.count_subscribers(RAW))
    hand.give(NOISE[0])
    graph.until(lambda: raw)
    hand.absent = "/dev/v4l/by-id/x is not there: is the camera plugged in?"
    lost_s = time.monotonic()
    hand.steps.put(CameraError("/dev/v4l/by-id/x was lost"))
    graph.until(says(graph, ERROR, "/dev/v4l/by-id/x"))
    assert time.monotonic() - lost_s < 2.0
    graph.until(says(graph, ERROR, "is the camera plugged in?"))
    hand.absent = ""
    hand.give(NOISE[1])
    graph.until(lambda: len(raw) == 2)
    graph.until(says(graph, WARN, "no calibration"))
    assert "/dev/" not in graph.diagnostics[NODE][1]
    graph.until(lambda: graph.counter(NODE, "c1/opened") == 2)


def test_a_driver_that_hangs_is_told_and_holds_nothing_up(graph, start, hand):
    hang = threading.Event()
    node = start(silent_after_s=0.3)
    hand.give(NOISE[0])
    hand.steps.put(hang)
    began = time.monotonic()
    graph.until(says(graph, ERROR, "c1: no picture for more than 0.3 s, its driver hangs"))
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    graph.stop(node)
    assert time.monotonic() - began < 2.0
    hang.set()


def test_a_file_that_has_ended_is_a_warning(graph, video):
    graph.start(CameraNode, cameras=["c1"], source="file", file=str(video), rate_hz=200.0)
    graph.until(says(graph, WARN, "numbers.avi has ended"))
    assert graph.counter(NODE, "c1/frames") == 40


def test_damaged_frames_are_counted_and_told(graph, start, hand):
    start()
    hand.give(NOISE[0])
    hand.steps.put(DamagedFrameError("c1: a frame cannot be decoded"))
    hand.give(NOISE[1].astype(np.uint16))
    hand.give(NOISE[2])
    graph.until(says(graph, WARN, "type uint16 is no rgb8"))
    assert graph.counter(NODE, "c1/damaged_frames") == 2
    graph.until(lambda: graph.counter(NODE, "c1/frames") == 2)


def test_nothing_is_published_while_inactive_but_the_camera_is_watched(graph, start, hand):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    node = start()
    graph.until(lambda: node.count_subscribers(RAW))
    node.trigger_deactivate()
    hand.give(NOISE[0])
    graph.until(lambda: graph.counter(NODE, "c1/frames") == 1)
    node.trigger_activate()
    hand.give(NOISE[1])
    graph.until(lambda: raw)
    np.testing.assert_array_equal(image_from_message(raw[0]).image, NOISE[1])
    assert len(raw) == 1


def test_a_node_can_be_configured_again(graph, start, hand):
    raw = graph.listen(Image, RAW, CAMERA_QOS)
    node = start()
    hand.steps.put(CameraEndedError("the end"))
    graph.until(says(graph, WARN, "the end"))
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.start()
    graph.until(lambda: node.count_subscribers(RAW))
    hand.give(NOISE[0])
    graph.until(lambda: raw)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "source device needs the path or URL of the camera in 'device'"),
        ({"cameras": ["C 1"]}, "'cameras' must be lower-case letters, digits"),
        ({"cameras": ["c1", "c2"]}, "source device is one camera: name it in 'cameras'"),
        ({"source": "simulator", "store": True, "start_ns": 1}, "a 'scenario' with bodies"),
        ({"cameras": ["c9"], "store": True}, "cameras of the store (c1, c2), has 'c9'"),
        ({"source": "file"}, "'file' must be a video, is ''"),
        ({"source": "file", "file": "/no/such.avi"}, "is '/no/such.avi'"),
        ({"device": "rtsp://cam/", "credentials_file": "/no/such"}, "'credentials_file'"),
    ],
)
def test_start_that_cannot_be_says_why(graph, rig, values, text):
    if "store" in values:
        values = {**values, "store": str(rig)}
    with pytest.raises(AssertionError, match="did not start"):
        graph.start(CameraNode, **{"cameras": ["c1"], **values})
    graph.until(lambda: NODE in graph.diagnostics)
    assert text in graph.diagnostics[NODE][1]


@pytest.mark.parametrize("device", ["/dev/video0", "0"])
def test_a_path_that_another_camera_may_get_is_refused(graph, device):
    with pytest.raises(ValueError, match=r"/dev/v4l/by-id/\.\.\., not /dev/video0"):
        graph.start(CameraNode, cameras=["c1"], device=device)


def test_credentials_reach_neither_diagnostics_nor_log(graph, tmp_path, capfd):
    secret = tmp_path / "secret"
    secret.write_text("admin:pa/ss@word\n")
    graph.start(
        CameraNode, cameras=["c1"], device="rtsp://127.0.0.1:1/live", credentials_file=str(secret)
    )
    graph.until(says(graph, ERROR, "rtsp://127.0.0.1:1/... cannot be opened"))
    out, err = capfd.readouterr()
    assert "cannot be opened" in out + err
    for part in ("admin", "pa/ss", "pa%2Fss", "word"):
        assert part not in out + err + str(graph.diagnostics)


HANGING = """
import threading
from aisle_nodes.camera_node import CameraNode, Sources
from aisle_nodes.node import run
class Hanging:
    rate_hz = 10.0
    def read(self): threading.Event().wait()
    def close(self): pass
raise SystemExit(run(lambda: CameraNode(sources={"device": lambda *_: Sources({"c1": Hanging})})))
"""


def test_a_signal_ends_the_node_while_its_driver_hangs(graph, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(graph.context.get_domain_id()))
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, "--ros-args", "-p", "cameras:=[c1]"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        graph.until(says(graph, ERROR, "its driver hangs"), seconds=60)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, output
