"""Video files, devices and streams through OpenCV."""

import socket
import subprocess
import sys
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.sensing import camera_sources
from aisle.sensing.camera import CameraEndedError, CameraError, DamagedFrameError
from aisle.sensing.camera_sources import (
    DeviceSource,
    FileSource,
    StreamSource,
    Wish,
    open_device,
    redacted,
    with_credentials,
)

SECOND = 1_000_000_000
SECRET = "s3cr3t"
NOBODY = "127.0.0.1:1"
NO_WISH = Wish()


class Clock:
    """A clock that a test moves."""

    def __init__(self, now_ns=1000 * SECOND):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Five frames at 10 a second, each brighter than the one before."""
    path = tmp_path_factory.mktemp("video") / "five.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for level in range(40, 240, 40):
        writer.write(np.full((48, 64, 3), (level, 0, 0), np.uint8))
    writer.release()
    return path


def levels(frames):
    return [round(float(frame.image[:, :, 0].mean()) / 40) for frame in frames]


def test_a_file_is_played_at_its_rate_as_if_it_were_now(video):
    clock = Clock()
    source = FileSource("c1", video, clock)
    frames = []
    for _ in range(5):
        while (frame := source.read()) is None:
            clock.now_ns += SECOND // 100
        frames.append(frame)
    assert source.rate_hz == 10.0
    assert levels(frames) == [1, 2, 3, 4, 5]
    assert [frame.encoding for frame in frames] == ["bgr8"] * 5
    assert [frame.stamp_ns - 1000 * SECOND for frame in frames] == [
        n * SECOND // 10 for n in range(5)
    ]
    clock.now_ns += SECOND // 10
    with pytest.raises(CameraEndedError, match=r"five.avi has ended"):
        source.read()
    source.close()


def test_a_frame_does_not_come_before_its_time(video):
    clock = Clock()
    source = FileSource("c1", video, clock)
    assert source.read() is not None
    assert source.read() is None
    clock.now_ns += SECOND // 10
    assert source.read() is not None


def test_a_file_is_played_as_fast_as_asked(video):
    clock = Clock()
    source = FileSource("c1", video, clock, rate_hz=500.0)
    clock.now_ns += SECOND // 100
    stamps = [source.read().stamp_ns for _ in range(5)]
    assert np.diff(stamps).tolist() == [SECOND // 500] * 4


def test_a_loop_goes_on_without_a_pause(video):
    clock = Clock()
    source = FileSource("c1", video, clock, rate_hz=1000.0, loop=True)
    clock.now_ns += SECOND // 50
    frames = [source.read() for _ in range(12)]
    assert levels(frames) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]
    assert set(np.diff([frame.stamp_ns for frame in frames])) == {SECOND // 1000}


@pytest.mark.parametrize("step_s", [60, -60])
def test_after_a_pause_or_a_clock_that_was_set_the_file_goes_on_with_the_present(video, step_s):
    clock = Clock()
    source = FileSource("c1", video, clock)
    source.read()
    clock.now_ns += step_s * SECOND
    assert source.read().stamp_ns == clock.now_ns


@pytest.mark.parametrize("content", [None, b"", b"no video" * 1000])
def test_what_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / "bad.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=r"bad\.avi (cannot be opened|is not there)"):
        FileSource("c1", path, Clock())


def test_a_video_that_was_cut_off_is_played_up_to_there(video, tmp_path):
    path = tmp_path / "cut.avi"
    whole = video.read_bytes()
    begin, end = whole.index(b"movi"), whole.index(b"idx1")
    path.write_bytes(whole[: begin + (end - begin) * 7 // 10])
    clock = Clock()
    source = FileSource("c1", path, clock, rate_hz=1000.0)
    clock.now_ns += SECOND // 50
    played = []
    with suppress(CameraEndedError):
        while len(played) < 5:
            played.append(source.read())
    assert levels(played) in ([1, 2], [1, 2, 3], [1, 2, 3, 4])


class Capture:
    """OpenCV's capture of a device, with a driver that the test plays."""

    def __init__(self):
        self.asked, self.stamps_ms, self.image = [], [], np.zeros((48, 64, 3), np.uint8)

    def isOpened(self):  # noqa: N802 (OpenCV's name)
        return True

    def set(self, name, value):
        self.asked.append((name, value))

    def get(self, name):
        return self.stamps_ms[0] if name == cv2.CAP_PROP_POS_MSEC else 30.0

    def grab(self):
        return bool(self.stamps_ms)

    def retrieve(self):
        self.stamps_ms.pop(0)
        return self.image is not None, self.image

    def release(self):
        self.asked.append("released")


@pytest.fixture
def capture(monkeypatch):
    made = Capture()
    monkeypatch.setattr(camera_sources.cv2, "VideoCapture", lambda *_: made)
    return made


@pytest.fixture
def device(capture, tmp_path):
    path = tmp_path / "usb-Maker_Camera_0001-video-index0"
    path.touch()
    return lambda clock, wish=NO_WISH: DeviceSource("c1", str(path), clock, wish)


def test_a_device_is_stamped_by_its_driver(capture, device, monkeypatch):
    monkeypatch.setattr(camera_sources.time, "monotonic_ns", lambda: 500 * SECOND)
    capture.stamps_ms += [499_960.0, 300_000.0, 0.0, 501_000.0]
    source = device(Clock())
    ages = [(1000 * SECOND - source.read().stamp_ns) / 1e9 for _ in range(4)]
    # Taken 40 ms ago; older than a second, none, or from the future: no stamp of this clock.
    assert ages == pytest.approx([0.04, 0.0, 0.0, 0.0])


def test_a_device_is_asked_for_format_size_and_rate(capture, device):
    device(Clock(), Wish(1280, 720, 15.0, "MJPG"))
    assert capture.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15.0),
    ]


def test_a_device_that_stops_is_lost_and_a_frame_that_cannot_be_decoded_is_damaged(capture, device):
    source = device(Clock())
    capture.stamps_ms += [0.0]
    capture.image = None
    with pytest.raises(DamagedFrameError, match="cannot be decoded"):
        source.read()
    with pytest.raises(CameraError, match="Maker_Camera_0001-video-index0 was lost"):
        source.read()
    source.close()
    assert capture.asked == ["released"]


def test_an_absent_device_says_so(tmp_path):
    with pytest.raises(CameraError, match="is not there: is the camera plugged in"):
        open_device("c1", str(tmp_path / "gone"), Clock(), Wish())


def test_what_is_no_camera_cannot_be_opened():
    with pytest.raises(CameraError, match="/dev/null cannot be opened"):
        open_device("c1", "/dev/null", Clock(), Wish())


def test_jitter_of_the_network_does_not_reach_the_stamps(capture):
    clock = Clock()
    source = StreamSource("c1", f"rtsp://{NOBODY}/", clock)
    random = np.random.default_rng(1)
    stamps = []
    for number in range(200):
        capture.stamps_ms = [number * 100.0]
        taken_ns = 1000 * SECOND + number * SECOND // 10
        clock.now_ns = taken_ns + 5_000_000 + int(random.integers(0, 80_000_000))
        stamps.append(source.read().stamp_ns - taken_ns)
    late = np.array(stamps[50:]) / 1e6
    assert late.min() > 4.9
    assert late.max() < 16.0
    assert np.diff(stamps).min() > -SECOND // 10  # in order


def test_a_stream_that_begins_anew_or_tells_no_time_is_stamped_on_arrival(capture):
    clock = Clock()
    source = StreamSource("c1", f"rtsp://{NOBODY}/", clock)
    for stream_ms in (5000.0, 5100.0, 0.0, 0.0):
        capture.stamps_ms = [stream_ms]
        clock.now_ns += 150_000_000
        stamp_ns = source.read().stamp_ns
    assert stamp_ns == clock.now_ns


def test_a_stream_that_jumps_is_stamped_on_arrival(capture):
    clock = Clock()
    source = StreamSource("c1", f"rtsp://{NOBODY}/", clock)
    for stream_ms, passed_ns in ((0.0, 0), (100.0, SECOND // 10), (150.0, 60 * SECOND)):
        capture.stamps_ms = [stream_ms]
        clock.now_ns += passed_ns
        stamp_ns = source.read().stamp_ns
    assert stamp_ns == clock.now_ns


def test_a_stream_that_answers_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(camera_sources, "OPEN_TIMEOUT_MS", 200)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CameraError, match=rf"rtsp://127.0.0.1:{port}/\.\.\. cannot be opened"):
            open_device("c1", f"rtsp://u:{SECRET}@127.0.0.1:{port}/live", Clock(), Wish())


def test_credentials_reach_no_output():
    program = (
        "from aisle.sensing.camera_sources import *\n"
        "from aisle.sensing.camera import CameraError\n"
        f"url = with_credentials('rtsp://{NOBODY}/live?token={SECRET}', 'u:{SECRET}')\n"
        "assert url.count('s3cr3t') == 2\n"
        "try: open_device('c1', url, lambda: 0, Wish())\n"
        "except CameraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"rtsp://{NOBODY}/... cannot be opened" in done.stdout
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/dev/v4l/by-id/usb-x", "/dev/v4l/by-id/usb-x"),
        (f"rtsp://u:{SECRET}@cam.local:554/{SECRET}?{SECRET}", "rtsp://cam.local:554/..."),
        (f"rtsp://u:{SECRET[:3]}/{SECRET[3:]}@cam/live", "rtsp://..."),
        (f"rtsp://u:12/{SECRET}@cam/live", "rtsp://..."),
        (f"rtsp://cam/live?user=a@b&password={SECRET}", "rtsp://..."),
        (f"rtsp://[{SECRET}", "rtsp://..."),
    ],
)
def test_of_a_url_only_the_host_is_shown(source, shown):
    assert redacted(source) == shown


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_password_is_ever_shown(user, password):
    url = f"rtsp://{user}:<{password}>@cam/live"
    assert f"<{password}>" not in redacted(url)


@given(st.text().filter(lambda text: ":" not in text), st.text())
def test_any_password_can_be_put_into_a_url(user, password):
    url = with_credentials("rtsp://cam:554/live", f"{user}:{password}\n")
    assert redacted(url) == "rtsp://cam:554/..."


@pytest.mark.parametrize(
    ("url", "credentials"), [("rtsp://cam", "nocolon"), ("rtsp://u:p@cam", "u:p"), ("cam", "u:p")]
)
def test_credentials_that_do_not_fit_are_refused(url, credentials):
    with pytest.raises(ValueError, match="user:password"):
        with_credentials(url, credentials)


def test_open_device_tells_paths_from_urls(capture, tmp_path):
    path = tmp_path / "camera"
    path.touch()
    assert isinstance(open_device("c1", str(path), Clock(), Wish()), DeviceSource)
    assert isinstance(open_device("c1", f"http://{NOBODY}/", Clock(), Wish()), StreamSource)
