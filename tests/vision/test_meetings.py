"""What cameras show of two people: turned alike, near ones only."""

from dataclasses import replace

import numpy as np
import pytest
from vision_store import store

from aisle.store.camera import project
from aisle.store.placement import looking
from aisle.vision.meetings import (
    CLOSE,
    FURTHEST_M,
    HIGH_M,
    MOST_VIEWS,
    NEAREST_M,
    PX_PER_M,
    WIDE,
    Meetings,
    pairs,
)


@pytest.fixture
def walls():
    return store()


def painted(camera, **places):
    """A black picture with a square of a colour around each place at the height of hands."""
    picture = np.zeros((camera.height, camera.width, 3), np.uint8)
    for colour, place in places.items():
        x, y = project(camera, np.array([[*place, HIGH_M]]))[0][0]
        if np.isfinite((x, y)).all():
            column, row = int(x), int(y)
            part = picture[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5]
            part[..., ("red", "green", "blue").index(colour)] = 255
    return picture


def middle_of(picture, channel):
    rows, columns = np.nonzero(picture[..., channel] > 60)
    return rows.mean(), columns.mean()


def a_place_in_sight(walls, rng):
    """Two people 0.7 m apart whom at least one camera sees well."""
    meetings = Meetings(walls)
    while True:
        left = rng.uniform((-0.4, 0.2), (0.4, 0.8))
        angle = rng.uniform(0, 2 * np.pi)
        right = left + 0.7 * np.array([np.cos(angle), np.sin(angle)])
        if meetings.views(left, right):
            return left, right


@pytest.mark.parametrize("seed", range(8))
def test_one_person_is_on_the_left_and_the_other_on_the_right_in_every_view(walls, seed):
    left, right = a_place_in_sight(walls, np.random.default_rng(seed))
    spots = {"red": left + (right - left) * 0.3, "blue": left + (right - left) * 0.7}
    spots["green"] = (left + right) / 2
    pictures = {c.id: painted(c, **spots) for c in walls.cameras.values()}
    found = Meetings(walls).look(left, right, pictures)
    assert 1 <= len(found.cameras) <= MOST_VIEWS
    assert found.wide.shape == (len(found.cameras), *WIDE, 3)
    assert found.close.shape == (len(found.cameras), *CLOSE, 3)
    for wide, close in zip(found.wide, found.close, strict=True):
        red, green, blue = (middle_of(wide, channel) for channel in range(3))
        assert red[1] < green[1] < blue[1]
        assert green == pytest.approx((WIDE[0] / 2, WIDE[1] / 2), abs=4)
        # Level with each other: only a slanting line of sight makes them look nearer.
        assert abs(red[0] - blue[0]) < 6
        assert blue[1] - red[1] < 0.3 * 0.7 * PX_PER_M / 2 + 12
        assert middle_of(close, 1) == pytest.approx((CLOSE[0] / 2, CLOSE[1] / 2), abs=6)


def test_who_changes_sides_turns_the_picture_round(walls):
    left, right = a_place_in_sight(walls, np.random.default_rng(3))
    rng = np.random.default_rng(0)
    pictures = {
        c.id: rng.integers(0, 256, (c.height, c.width, 3), np.uint8) for c in walls.cameras.values()
    }
    one = Meetings(walls).look(left, right, pictures)
    other = Meetings(walls).look(right, left, pictures)
    assert one.cameras == other.cameras
    apart = np.abs(one.close.astype(int) - other.close[:, ::-1, ::-1]).mean()
    assert apart < 3


def test_cameras_without_a_picture_show_nothing(walls):
    left, right = a_place_in_sight(walls, np.random.default_rng(1))
    found = Meetings(walls).look(left, right, {})
    assert found.cameras == ()
    assert len(found.wide) == len(found.close) == 0


def test_a_camera_behind_one_of_two_does_not_see_what_is_between_them(walls):
    name, camera = next(iter(walls.cameras.items()))
    eye, middle = camera.pose[:2, 3], np.array([0.0, 0.7])
    low = looking(np.array([*eye, HIGH_M + 0.05]), np.array([*middle, HIGH_M]))
    meetings = Meetings(replace(walls, cameras={name: replace(camera, pose=low)}))
    way = (middle - eye) / np.hypot(*(middle - eye))
    assert meetings.views(middle - 0.35 * way, middle + 0.35 * way) == []
    across = np.array([-way[1], way[0]])
    assert meetings.views(middle - 0.35 * across, middle + 0.35 * across) == [name]


def test_only_those_near_each_other_meet_nearest_first():
    heads = np.array([[0.0, 0.0], [0.8, 0.0], [0.0, 0.5], [5.0, 5.0], [5.0, 5.0 + NEAREST_M / 2]])
    assert pairs(heads) == [(0, 2), (0, 1), (1, 2)]
    assert pairs(np.array([[0.0, 0.0], [FURTHEST_M + 0.01, 0.0]])) == []
    assert pairs(np.zeros((0, 2))) == []
    assert pairs(np.zeros((1, 2))) == []
