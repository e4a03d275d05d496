"""Frozen, dark and slow cameras."""

import numpy as np
import pytest

from aisle.records import CameraFrame
from aisle.sensing.camera_health import DarkPicture, FrozenPicture, RateWatch

SECOND = 1_000_000_000
LIVE = np.random.default_rng(1).integers(0, 255, (20, 48, 64, 3), dtype=np.uint8)


def frames(images, rate=10.0):
    return [CameraFrame("c", round(n * SECOND / rate), image) for n, image in enumerate(images)]


def test_the_same_picture_again_and_again_is_frozen_until_it_changes():
    watch = FrozenPicture(1.0)
    for frame in frames([LIVE[0]] * 11):
        assert not watch.frozen_s
        watch.add(frame)
    assert watch.frozen_s == pytest.approx(1.0)
    watch.add(CameraFrame("c", 2 * SECOND, LIVE[1]))
    assert not watch.frozen_s


def test_one_bit_of_difference_is_life():
    watch = FrozenPicture(0.5)
    other = LIVE[0].copy()
    other[47, 63, 2] ^= 1
    for frame in frames([LIVE[0], other] * 10):
        watch.add(frame)
    assert not watch.frozen_s


def test_a_slow_camera_is_not_frozen_at_the_second_picture():
    watch = FrozenPicture(1.0)
    for frame in frames([LIVE[0]] * 3, rate=0.5):
        watch.add(frame)
    assert not watch.frozen_s


def test_zero_means_never_frozen():
    watch = FrozenPicture(0.0)
    for frame in frames([LIVE[0]] * 50):
        watch.add(frame)
    assert not watch.frozen_s


def test_another_size_is_another_picture():
    watch = FrozenPicture(0.1)
    for frame in frames([LIVE[0], LIVE[0][:24], LIVE[0][:, :32]] * 5):
        watch.add(frame)
    assert not watch.frozen_s


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.full((48, 64, 3), 200, np.uint8), "one plain colour"),
        (LIVE[0] // 40, "almost black"),
        (LIVE[0], ""),
    ],
)
def test_darkness_and_covered_lenses_are_found_after_two_seconds(image, says):
    watch = DarkPicture(8.0)
    for frame in frames([image] * 20):
        watch.add(frame)
    assert not watch.problem
    for frame in frames([image] * 31)[20:]:
        watch.add(frame)
    assert says in watch.problem
    assert bool(watch.problem) == bool(says)
    watch.add(CameraFrame("c", 9 * SECOND, LIVE[0]))
    assert not watch.problem


def test_rate_and_missing_frames_come_from_stamps():
    watch = RateWatch()
    for number in range(100):
        if number % 10:  # every tenth is missing
            watch.add(number * SECOND // 10, 10.0)
    assert watch.rate_hz == pytest.approx(9.0, abs=0.2)
    assert watch.missed == 9
    assert not watch.problem(10.0)
    assert "9 frames a second instead of 20" in watch.problem(20.0)
    assert not watch.problem(0.0)
    watch.restart()
    assert not watch.problem(20.0)


def test_stamps_that_go_back_are_counted():
    watch = RateWatch()
    for stamp in (0, 1, 2, 1, 2, 2):
        watch.add(stamp * SECOND, 1.0)
    assert watch.backwards == 2
    assert watch.missed == 0
