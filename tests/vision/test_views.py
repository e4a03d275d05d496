"""Views: one frame for each camera and tick, and bad cameras are named, from stamps alone."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.records import CameraFrame
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
    """All cameras at 10 Hz; what the buffer said."""
    said = []
    for i in range(round(seconds * 10)):
        for camera in cameras:
            said += buffer.add(frame(camera, start + i / 10))
    return said


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


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 200)), max_size=60))
def test_every_view_is_the_newest_in_time_whatever_the_order(arrivals):
    buffer = ViewBuffer(STORE, ViewConfig(keep_s=100.0, ahead_s=100.0))
    taken = []
    newest = dict.fromkeys(NAMES, -1)
    for camera, hundredths in arrivals:
        if hundredths > newest[camera]:
            newest[camera] = hundredths
            taken.append((camera, START + hundredths * SECOND // 100))
        buffer.add(frame(camera, hundredths / 100))
    for tick in range(START, START + 3 * SECOND, TICK_NS):
        wanted = {}
        for camera, stamp in taken:
            if tick - TICK_NS < stamp <= tick:
                wanted[camera] = stamp
        assert {name: found.stamp_ns for name, found in buffer.at(tick).items()} == wanted


def test_memory_is_bounded_however_long_it_runs():
    buffer = ViewBuffer(STORE, ViewConfig(keep_s=1.0))
    play(buffer, 20.0)
    held = [t for t in range(START, START + 21 * SECOND, TICK_NS) if buffer.at(t)]
    assert held[0] >= START + 18.5 * SECOND
    assert len(held) <= 6


def test_what_cannot_be_used_is_counted_and_named():
    buffer = ViewBuffer(STORE)
    play(buffer, 0.5)
    assert buffer.add(frame("d", 0.5)) == ()
    small = np.zeros((3, 4, 3), np.uint8)
    bad = [("a", {"image": small}), ("b", {"encoding": "bayer_rggb8"})]
    said = []
    for i in range(20):
        for camera, how in bad:
            said += buffer.add(frame(camera, 0.5 + i / 10, **how))
        said += buffer.add(frame("c", 0.5 + i / 10))
    assert buffer.counters["unknown_camera"] == 1
    assert buffer.counters["wrong_size"] == buffer.counters["wrong_encoding"] == 20
    assert buffer.bad["a"].text == "a: pictures of 4 x 3, not 8 x 6, for 1.1 s"
    assert "bayer_rggb8" in buffer.bad["b"].reason
    assert [change.camera for change in said] == ["a", "b"]
    healed = buffer.add(frame("a", 2.5))
    assert [(change.camera, change.good) for change in healed] == [("a", True)]
    assert set(buffer.bad) == {"b"}


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


def test_a_silent_camera_is_named_within_two_seconds_and_once():
    buffer = ViewBuffer(STORE)
    play(buffer, 1.0)
    said = play(buffer, 3.0, ("b", "c"), start=1.0)
    assert [(c.camera, c.reason, c.good) for c in said] == [("a", "silent", False)]
    assert said[0].stamp_ns < START + 2.2 * SECOND
    said = play(buffer, 0.2, start=4.0)
    assert [(c.camera, c.good) for c in said] == [("a", True)]


def test_time_of_other_streams_tells_that_all_cameras_are_silent():
    buffer = ViewBuffer(STORE)
    buffer.note_time(START)
    said = buffer.note_time(START + round(1.2 * SECOND))
    assert [c.camera for c in said] == list(NAMES)


def test_a_frozen_camera_is_named_and_its_frames_are_left_out():
    buffer = ViewBuffer(STORE)
    still = frame("a", 0.0).image
    said = []
    for i in range(40):
        said += buffer.add(frame("a", i / 10, still.copy()))
        said += buffer.add(frame("b", i / 10))
        said += buffer.add(frame("c", i / 10))
    assert [(c.camera, c.reason) for c in said] == [("a", "frozen picture")]
    assert said[0].stamp_ns - START <= 2.2 * SECOND
    assert set(buffer.at(START + 3 * SECOND)) == {"b", "c"}
    assert [c.good for c in buffer.add(frame("a", 4.0))] == [True]


def test_stamps_that_go_back_or_far_ahead_are_refused():
    buffer = ViewBuffer(STORE)
    play(buffer, 1.0)
    buffer.add(frame("a", 0.85))
    assert buffer.counters["stamps_back"] == 1
    said = []
    for i in range(20):
        for camera, off in (("a", 3600.0), ("b", -60.0), ("c", 0.0)):
            said += buffer.add(frame(camera, 1.0 + i / 10 + off))
    assert {c.camera: c.reason for c in said} == {"a": "clock ahead", "b": "clock behind"}
    assert buffer.newest_ns == frame("c", 2.9).stamp_ns
    assert set(buffer.at(START + 2 * SECOND)) == {"c"}


def test_a_hole_in_all_cameras_or_clocks_set_back_begin_a_new_time():
    for start in (500.0, -500.0):
        buffer = ViewBuffer(STORE)
        play(buffer, 1.0)
        play(buffer, 4.0, start=start)
        assert buffer.counters["time_jumps"] == 1
        assert set(buffer.at(START + round((start + 3.5) * SECOND))) == set(NAMES)
        assert not buffer.bad


def test_other_streams_outvote_cameras_with_one_wrong_clock():
    buffer = ViewBuffer(STORE)
    play(buffer, 0.5, start=3600.0)
    said = []
    for i in range(30):
        said += buffer.note_time(START + i * STEP)
        for camera in NAMES:
            said += buffer.add(frame(camera, 3600.5 + i / 10))
    assert {c.camera: c.reason for c in said} == dict.fromkeys(NAMES, "clock ahead")
    assert buffer.newest_ns == START + 29 * STEP


def test_scales_held_up_cost_no_frames():
    buffer = ViewBuffer(STORE)
    buffer.note_time(START)
    play(buffer, 5.0)
    buffer.note_time(START + SECOND)
    assert set(buffer.at(START + 4 * SECOND)) == set(NAMES)


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
        image = np.zeros(shape, np.uint8)
        for change in buffer.add(CameraFrame(camera, stamp, image, encoding)):
            assert change.text.startswith(change.camera)
        buffer.at(stamp // TICK_NS * TICK_NS)
    assert set(buffer.bad) <= set(NAMES)


def test_the_same_frames_give_the_same_changes():
    frames = [frame(c, t / 10) for t in range(40) for c in NAMES if not (c == "b" and t > 12)]
    first, second = ViewBuffer(STORE), ViewBuffer(replace(STORE, revision=2))
    assert [first.add(f) for f in frames] == [second.add(f) for f in frames]
    assert first.counters == second.counters
