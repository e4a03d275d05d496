"""Views: one frame for each camera and tick, and bad cameras are named, from stamps alone."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.records import CameraFrame, CodedFrame
from aisle.sensing.camera_codec import decode, encode_jpeg, header
from aisle.store.geometry import translation
from aisle.store.types import Camera, Store
from aisle.vision.views import ViewBuffer, ViewConfig

START = 1_000 * SECOND
STEP = SECOND // 10
NAMES = ("a", "b", "c")
CAMERAS = {name: Camera(name, translation(0, 0, 2), 8, 6, 1.2) for name in NAMES}
STORE = Store("views", "EUR", {}, {}, {}, {}, {}, {}, {}, CAMERAS)


def frame(camera, seconds, image=None, encoding="rgb8"):
    stamp = START + round(seconds * SECOND)
    if image is None:
        rng = np.random.default_rng((abs(stamp), NAMES.index(camera) if camera in NAMES else 9))
        image = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return CameraFrame(camera, stamp, image, encoding)


def play(buffer, seconds, cameras=NAMES, start=0.0):
    """All cameras at 10 Hz, and time and ticks with them."""
    for i in range(round(seconds * 10)):
        at_s = start + i / 10
        for camera in cameras:
            buffer.add(frame(camera, at_s))
        stamp = START + round(at_s * SECOND)
        buffer.note_time(stamp, stamp // TICK_NS * TICK_NS)


def test_a_tick_gets_the_newest_frame_after_the_tick_before():
    buffer = ViewBuffer(STORE)
    for seconds in (0.0, 0.1, 0.24, 0.25, 0.26):
        buffer.add(frame("a", seconds))
    buffer.add(frame("b", 0.4))
    assert buffer.at(START)["a"].stamp_ns == START
    assert buffer.at(START + TICK_NS)["a"].stamp_ns == START + TICK_NS
    assert {n: f.stamp_ns - START for n, f in buffer.at(START + 2 * TICK_NS).items()} == {
        "a": round(0.26 * SECOND),
        "b": round(0.4 * SECOND),
    }
    assert buffer.at(START + 3 * TICK_NS) == {}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 200)), max_size=60))
def test_every_view_is_the_newest_in_time_whatever_the_order_of_cameras(arrivals):
    buffer = ViewBuffer(STORE, ViewConfig(most_ticks=100))
    taken = []
    for camera, hundredths in sorted(set(arrivals), key=lambda arrival: arrival[1]):
        taken.append((camera, START + hundredths * SECOND // 100))
        buffer.add(frame(camera, hundredths / 100))
    for tick in range(START, START + 3 * SECOND, TICK_NS):
        wanted = {c: stamp for c, stamp in taken if tick - TICK_NS < stamp <= tick}
        assert {name: found.stamp_ns for name, found in buffer.at(tick).items()} == wanted


def held(buffer):
    """Frames kept, by camera."""
    ticks = range(START - 10 * SECOND, START + 30 * SECOND, TICK_NS)
    return {name: sum(name in buffer.at(tick) for tick in ticks) for name in NAMES}


def test_frames_of_ticks_past_are_dropped():
    buffer = ViewBuffer(STORE)
    play(buffer, 20.0)
    assert max(held(buffer).values()) <= 2


def test_of_each_camera_only_so_many_frames_are_kept_while_ticks_stand():
    buffer = ViewBuffer(STORE)
    for i in range(200):
        buffer.add(frame("a", i / 10))
    assert held(buffer) == {"a": ViewConfig().most_ticks, "b": 0, "c": 0}
    assert buffer.at(START + 20 * SECOND)


def test_a_camera_whose_pictures_always_come_too_late_is_named():
    buffer = ViewBuffer(STORE)
    for i in range(20):
        stamp = START + i * STEP
        buffer.note_time(stamp, stamp // TICK_NS * TICK_NS)
        buffer.add(frame("a", i / 10 - 0.5))
        for camera in "bc":
            buffer.add(frame(camera, i / 10 + 0.01))
    assert buffer.counters["late_frames"] == 20
    assert {name: bad.reason for name, bad in buffer.bad.items()} == {"a": "too late"}
    assert held(buffer)["a"] == 0


def test_what_cannot_be_used_is_counted_and_named():
    buffer = ViewBuffer(STORE)
    play(buffer, 0.5)
    buffer.add(frame("d", 0.5))
    small = np.zeros((3, 4, 3), np.uint8)
    for i in range(20):
        buffer.add(frame("a", 0.5 + i / 10, small))
        buffer.add(frame("b", 0.5 + i / 10, encoding="bayer_rggb8"))
        play(buffer, 0.1, ("c",), start=0.5 + i / 10)
    assert buffer.counters["unknown_camera"] == 1
    assert buffer.counters["wrong_size"] == buffer.counters["wrong_encoding"] == 20
    assert buffer.bad["a"].text == "a: pictures of 4 x 3, not 8 x 6, for 1.1 s"
    assert "bayer_rggb8" in buffer.bad["b"].reason
    assert list(buffer.bad) == ["a", "b"]
    buffer.add(frame("a", 2.5))
    assert set(buffer.bad) == {"b"}
    assert buffer.counters["cameras_good_again"] == 1


def test_mono_pictures_fit_and_all_pictures_come_as_rgb_in_a_row():
    buffer = ViewBuffer(STORE)
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    blue = np.zeros((6, 8, 3), np.uint8)
    blue[..., 0] = 200
    buffer.add(frame("a", 0.0, grey, "mono8"))
    buffer.add(frame("b", 0.0, blue, "bgr8"))
    pictures = buffer.pictures(START)
    assert (pictures["a"] == grey[..., None]).all()
    assert (pictures["b"][0, 0] == (0, 0, 200)).all()
    assert all(picture.flags.c_contiguous for picture in pictures.values())


def test_a_silent_camera_is_named_within_two_seconds():
    buffer = ViewBuffer(STORE)
    play(buffer, 1.0)
    play(buffer, 3.0, ("b", "c"), start=1.0)
    assert {name: bad.reason for name, bad in buffer.bad.items()} == {"a": "silent"}
    assert buffer.bad["a"].stamp_ns < START + 2.2 * SECOND
    play(buffer, 0.2, start=4.0)
    assert buffer.bad == {}
    assert buffer.counters["cameras_bad"] == buffer.counters["cameras_good_again"] == 1


def test_cameras_that_never_speak_are_silent():
    buffer = ViewBuffer(STORE)
    buffer.note_time(START, START)
    assert buffer.bad == {}
    buffer.note_time(START + round(1.2 * SECOND), START + SECOND)
    assert list(buffer.bad) == list(NAMES)


def test_a_frozen_camera_is_named_and_its_frames_are_left_out():
    buffer = ViewBuffer(STORE)
    still = frame("a", 0.0).image
    for i in range(30):
        buffer.add(frame("a", i / 10, still.copy()))
        buffer.add(frame("b", i / 10))
    assert buffer.bad["a"].reason == "frozen picture"
    assert buffer.bad["a"].stamp_ns - START <= 2.2 * SECOND
    assert set(buffer.at(START + 11 * TICK_NS)) == {"b"}
    buffer.add(frame("a", 4.0))
    assert buffer.bad == {}


def test_why_a_camera_is_refused_is_said():
    buffer = ViewBuffer(STORE)
    play(buffer, 0.5)
    for i in range(20):
        buffer.refuse("a", "clock ahead")
        buffer.refuse("nobody", "clock ahead")
        play(buffer, 0.1, ("b", "c"), start=0.5 + i / 10)
    assert {name: bad.reason for name, bad in buffer.bad.items()} == {"a": "clock ahead"}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((*NAMES, "x")),
            st.integers(-(10**13), 10**13),
            st.sampled_from(("rgb8", "bgr8", "mono8", "", "jpeg")),
            st.sampled_from(((6, 8, 3), (6, 8), (0, 0, 3), (8, 6, 3), (6, 8, 4))),
        ),
        max_size=30,
    )
)
def test_nothing_that_comes_raises_and_bad_cameras_are_the_stores(arrivals):
    buffer = ViewBuffer(STORE)
    for camera, stamp, encoding, shape in arrivals:
        buffer.add(CameraFrame(camera, stamp, np.zeros(shape, np.uint8), encoding))
        buffer.note_time(stamp, stamp // TICK_NS * TICK_NS)
        buffer.pictures(stamp // TICK_NS * TICK_NS)
    assert set(buffer.bad) <= set(NAMES)
    assert all(bad.text.startswith(name) for name, bad in buffer.bad.items())


def coded(camera, seconds, damaged=False):
    taken = frame(camera, seconds)
    data = encode_jpeg(taken.image, "rgb8", 90)
    if damaged:
        # All that a header tells is there: its end, too.
        cut = data.index(b"\xff\xda") + 16
        data = data[:cut] + data[-2:]
    return CodedFrame(camera, taken.stamp_ns, data, header(data))


def test_a_camera_of_damaged_pictures_is_named_though_nobody_looks():
    buffer = ViewBuffer(STORE)
    for i in range(40):
        buffer.add(coded("a", i / 10, damaged=i >= 10))
        for name in NAMES[1:]:
            buffer.add(coded(name, i / 10))
        buffer.note_time(START + i * STEP, (START + i * STEP) // TICK_NS * TICK_NS)
    assert {name: change.reason for name, change in buffer.bad.items()} == {"a": "damaged pictures"}


def test_pictures_of_far_too_many_bytes_are_not_kept():
    buffer, small = ViewBuffer(STORE), coded("a", 0.05)
    buffer.add(replace(small, data=small.data + bytes(1 << 17)))
    assert buffer.counters["wrong_size"] == 1


def test_only_pictures_that_are_looked_at_are_decoded(monkeypatch):
    opened = []
    monkeypatch.setattr(
        "aisle.vision.views.decode", lambda data: (opened.append(data), decode(data))[1]
    )
    buffer = ViewBuffer(STORE)
    frames = [coded("a", seconds) for seconds in (0.05, 0.15, 0.25)]
    for one in frames:
        buffer.add(one)
    found = buffer.pictures(START + TICK_NS)
    # The first one shows that the camera's pictures can be decoded.
    assert opened == [frames[0].data, frames[-1].data]
    np.testing.assert_array_equal(found["a"], decode(frames[-1].data))


def test_a_camera_of_damaged_pictures_is_named_and_believed_again_once_one_is_whole():
    buffer, bad = ViewBuffer(STORE), {}
    for i in range(80):
        at_s = i / 10
        for name in NAMES:
            buffer.add(coded(name, at_s, damaged=name == "a" and 20 <= i < 50))
        stamp = START + round(at_s * SECOND)
        tick = stamp // TICK_NS * TICK_NS
        buffer.note_time(stamp, tick)
        if tick == stamp:
            hurt = 20 <= i < 50 or (i >= 50 and "a" in buffer.bad)
            assert set(buffer.pictures(tick)) == set(NAMES) - ({"a"} if hurt else set())
        if "a" in buffer.bad:
            bad[i] = buffer.bad["a"].reason
    assert set(bad.values()) == {"damaged pictures"}
    assert 30 <= min(bad) <= 40
    assert 48 <= max(bad) <= 51
    assert set(buffer.bad) == set()
    assert buffer.counters["damaged_pictures"] > 5
