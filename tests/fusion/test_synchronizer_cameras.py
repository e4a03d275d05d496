"""Cameras and time: scales say what time it is, and wait for pictures only for a moment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_synchronizer import START, batch

from aisle.fusion.beats import Picture, camera_stream
from aisle.fusion.config import SyncConfig
from aisle.fusion.synchronizer import SECOND, TICK_NS, Synchronizer

CONFIG = SyncConfig()
SCALES, CAMERAS = ("g1", "g2"), ("a", "b", "c", "d", "e")
FRAME_NS = SECOND // 10


def picture(camera, at_s):
    return Picture(camera, START + round(at_s * SECOND), FRAME_NS)


def scales(begin_s, end_s, names=SCALES):
    """Batches by when they arrive."""
    times = np.arange(begin_s, end_s, 0.2)
    return [(float(t) + 0.2, batch(name, float(t))) for t in times for name in names]


def pictures(camera, begin_s, end_s, clock_s=0.0, delay_s=0.0):
    times = np.arange(begin_s, end_s, 0.1)
    return [(float(t) + delay_s, picture(camera, float(t) + clock_s)) for t in times]


class Heard:
    """What a synchronizer made of beats."""

    def __init__(self, *parts, controllers=SCALES, cameras=CAMERAS):
        self.sync = Synchronizer(controllers, CONFIG, cameras)
        self.used, self.gaps, self.closed = [], [], {}
        self.newest = {}
        for arrival, beat in sorted((b for part in parts for b in part), key=lambda b: b[0]):
            if self.sync.accept(beat):
                self.used.append(beat)
                self.newest[beat.controller] = beat.end_ns
            for tick in self.sync.ready():
                self.closed[tick] = (arrival, dict(self.newest))
            self.gaps += self.sync.take_gaps()

    def used_of(self, names):
        return [(b.controller, b.stamp_ns) for b in self.used if b.controller in names]


@st.composite
def any_cameras(draw):
    """Cameras whose clocks are wrong, that are held up, stop, or say nothing at all."""
    parts = []
    for camera in CAMERAS[: draw(st.integers(1, len(CAMERAS)))]:
        begin, end = sorted(draw(st.tuples(st.floats(0, 8), st.floats(0, 8))))
        clock = draw(st.sampled_from((0.0, 0.4, -0.4, 1.4, -1.4, 30.0, -30.0, 4000.0, -4000.0)))
        after = draw(st.sampled_from((clock, 0.0, -4000.0)))
        delay = draw(st.floats(0, 3))
        parts.append(pictures(camera, 0, begin, clock, delay))
        parts.append(pictures(camera, begin, end, after, delay))
    # What comes when the scales have ended is another story.
    return [[(arrival, beat) for arrival, beat in part if arrival <= 8.0] for part in parts]


@settings(max_examples=15, deadline=None)
@given(any_cameras())
def test_whatever_cameras_say_scales_are_used_and_gaps_are_found_as_without_them(parts):
    alone = Heard(scales(0, 8))
    heard = Heard(scales(0, 8), *parts)
    assert heard.used_of(SCALES) == alone.used_of(SCALES)
    assert heard.gaps == alone.gaps == []
    assert heard.sync.epoch == 0
    assert heard.sync.newest_ns == alone.sync.newest_ns
    assert heard.sync.dead == ()


@settings(max_examples=15, deadline=None)
@given(any_cameras())
def test_ticks_are_the_same_and_late_by_no_more_than_the_wait(parts):
    alone = Heard(scales(0, 8))
    heard = Heard(scales(0, 8), *parts)
    assert list(heard.closed) == sorted(heard.closed)
    hold, wait = CONFIG.hold_s * SECOND, CONFIG.picture_wait_s * SECOND
    mark = min(heard.newest[name] for name in SCALES)
    assert {t for t in alone.closed if t + hold + wait <= mark} <= set(heard.closed)
    for tick, (arrival, newest) in heard.closed.items():
        assert min(newest[name] for name in SCALES) >= tick + hold
        # Scales move in steps of a batch, so the wait may end with the next but one.
        if tick in alone.closed:
            assert arrival <= alone.closed[tick][0] + 0.4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 0.3), min_size=3, max_size=3))
def test_no_tick_goes_without_a_picture_that_comes_in_time(delays):
    cameras = CAMERAS[:3]
    late = [pictures(c, 0, 8, 0.0, d) for c, d in zip(cameras, delays, strict=True)]
    heard = Heard(scales(0, 8), *late, cameras=cameras)
    limit = (CONFIG.hold_s + CONFIG.picture_wait_s) * SECOND
    for tick, (_, newest) in heard.closed.items():
        if min(newest[name] for name in SCALES) < tick + limit:
            assert all(newest[camera_stream(c)] >= tick for c in cameras)
    assert len(heard.closed) > 20


def test_scales_that_are_silent_are_gaps_and_cameras_move_time_in_their_place():
    heard = Heard(scales(0, 3), *(pictures(c, 0, 8) for c in CAMERAS))
    assert heard.sync.dead == SCALES
    assert max(heard.closed) > START + 7 * SECOND
    assert len(heard.gaps) == 2
    back = Heard(scales(0, 3), scales(6, 9), *(pictures(c, 0, 9) for c in CAMERAS))
    assert back.sync.dead == ()
    assert back.sync.epoch == 0


def test_cameras_wait_for_scales_that_speak_last():
    heard = Heard(scales(1, 6), *(pictures(c, 0, 6, 500.0) for c in CAMERAS))
    assert len(heard.used_of(SCALES)) == len(scales(1, 6))
    assert heard.used_of([camera_stream(c) for c in CAMERAS]) == []


@pytest.mark.parametrize("clock_s", [30.0, -30.0])
def test_without_controllers_cameras_vote(clock_s):
    good = [pictures(c, 0, 8) for c in "ab"]
    heard = Heard(*good, pictures("c", 0, 8, clock_s), controllers=(), cameras="abc")
    assert {b.camera for b in heard.used[10:]} == {"a", "b"}
    assert max(heard.closed) > START + 7.4 * SECOND
    assert heard.gaps == []


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1.4))
def test_without_controllers_cameras_wait_for_each_other_as_long(delay_s):
    heard = Heard(
        pictures("a", 0, 8), pictures("b", 0, 8, 0.0, delay_s), controllers=(), cameras="ab"
    )
    limit = CONFIG.hold_s + CONFIG.picture_wait_s
    for tick, (arrival, newest) in heard.closed.items():
        assert arrival <= (tick - START) / SECOND + limit + 0.11 or tick > START + 7.6 * SECOND
        late = newest[camera_stream("a")] >= tick + limit * SECOND
        assert late or newest[camera_stream("b")] >= tick
    assert heard.gaps == []


def test_a_hole_in_all_cameras_is_a_gap_where_nobody_else_speaks_and_in_one_is_none():
    one = Heard(
        pictures("a", 0, 8), pictures("b", 0, 2), pictures("b", 5, 8), controllers=(), cameras="ab"
    )
    assert one.gaps == []
    both = [part for c in "ab" for part in (pictures(c, 0, 2), pictures(c, 4, 6))]
    heard = Heard(*both, controllers=(), cameras="ab")
    assert heard.gaps == ["camera/*: 2.00 s missing"]
    heard.sync.note_end(START + 9 * SECOND)
    assert heard.sync.take_gaps() == ("camera/*: nothing for 3.10 s at the end",)


def test_the_same_beats_close_the_same_ticks():
    parts = [scales(0, 5), *(pictures(c, 0, 5, 0.0, i / 7) for i, c in enumerate(CAMERAS))]
    assert Heard(*parts).closed == Heard(*parts).closed
    assert set(np.diff(list(Heard(*parts).closed))) == {TICK_NS}
