"""Fronts of fixtures as cameras see them, and whose hands reach into them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from vision_store import WIDTH_M, dotted, middle, plain, store

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.store.camera import project
from aisle.store.geometry import pose_from_rpy, translation
from aisle.vision.floor_map import HEADS, PLANES_M
from aisle.vision.fronts import (
    BESIDE_M,
    GRAIN,
    HIGH_M,
    PX_PER_M,
    ROWS,
    EmptyFront,
    Fronts,
    is_before,
)
from aisle.vision.reaching import HAND, LEAST, MOST_HANDS, FrontSight, peaks, whose
from aisle.vision.strips import ShelfStrips

START = 1_000_000 * TICK_NS
ABOUT = pose_from_rpy((0.0, 0.0, 0.0), (0.0, 0.0, math.pi))


@pytest.fixture(scope="module")
def walls():
    return store(yaw=0.4)


@pytest.fixture(scope="module")
def fronts(walls):
    return Fronts(walls, ShelfStrips(walls))


def in_map(walls, x, y, z):
    return (walls.fixtures["g1"].pose @ (x, y, z, 1.0))[:3]


def test_a_front_shows_a_point_of_its_plane_in_its_place(walls, fronts):
    assert {view.camera for view in fronts.views} == {"left", "right"}
    for view in fronts.views:
        camera = walls.cameras[view.camera]
        for x, z in ((0.1, 0.6), (0.9, 1.3)):
            pixel = project(camera, in_map(walls, x, 0.0, z)[None])[0][0]
            front = fronts.front(view, dotted(camera, pixel, 8))
            assert front.shape == (ROWS, view.width_px, 3)
            assert view.width_px % GRAIN == 0
            expected = (x + BESIDE_M) * PX_PER_M - 0.5, (HIGH_M - z) * PX_PER_M - 0.5
            np.testing.assert_allclose(middle(front), expected, atol=0.5)


def test_a_fixture_as_wide_as_a_street_has_no_front(walls):
    wide = replace(walls.fixtures["g1"], size_m=(1000.0, 0.4, 1.9))
    street = replace(walls, fixtures={"g1": wide})
    assert Fronts(street, ShelfStrips(walls)).views == []


def test_cameras_behind_a_fixture_or_no_higher_than_heads_show_no_front():
    for place in ((0.0, 3.0, 2.4), (0.0, -0.6, 1.7)):
        walls = store(cameras={"left": place, "right": (0.7, -0.3, 2.4)})
        turned = replace(
            walls,
            shelves={
                name: replace(shelf, pose=shelf.pose @ translation(WIDTH_M, 0.4, 0.0) @ ABOUT)
                for name, shelf in walls.shelves.items()
            },
        )
        for some in (walls, turned):
            views = Fronts(some, ShelfStrips(some)).views
            assert "left" not in {view.camera for view in views}


def test_a_fixture_that_hangs_on_a_wall_has_its_heads_over_the_floor(walls):
    up = translation(0.0, 0.0, 0.5)
    moved = replace(walls.fixtures["g1"], pose=up @ walls.fixtures["g1"].pose)
    hung = replace(walls, fixtures={"g1": moved})
    fronts = Fronts(hung, ShelfStrips(walls))
    head = np.array([0.4, -0.5, PLANES_M[HEADS] - 0.5])
    for view in fronts.views:
        along, up_m = fronts.on_plane(view, head)
        said = np.array([[0.9, 1.0, 1.1, along + BESIDE_M, up_m, 0.2]])
        (found,) = fronts.placed(view, said)
        np.testing.assert_allclose(found[4:6], (moved.pose @ (*head, 1.0))[:2], atol=1e-6)


def test_a_picture_of_another_size_is_refused(fronts):
    with pytest.raises(ValueError, match="not 800 x 600 RGB"):
        fronts.front(fronts.views[0], np.zeros((10, 10, 3), np.uint8))


@given(x=st.floats(-0.4, 1.5), out=st.floats(0.1, 0.8))
def test_a_head_on_the_plane_leads_back_to_where_it_is(walls, fronts, x, out):
    head = np.array([x, -out, PLANES_M[HEADS]])
    for view in fronts.views:
        along, up = fronts.on_plane(view, head)
        said = np.array([[0.9, 0.3 + BESIDE_M, 1.1, along + BESIDE_M, up, 0.2]])
        (found,) = fronts.placed(view, said)
        assert len(found) == HAND
        np.testing.assert_allclose(found[1:4], in_map(walls, 0.3, 0.0, 1.1), atol=1e-9)
        np.testing.assert_allclose(found[4:6], in_map(walls, *head)[:2], atol=1e-6)
        way = in_map(walls, *head)[:2] - walls.cameras[view.camera].pose[:2, 3]
        np.testing.assert_allclose(found[6:8], way / np.hypot(*way), atol=1e-6)
        high = walls.cameras[view.camera].pose[2, 3] - PLANES_M[HEADS]
        assert found[8] == pytest.approx(high / np.hypot(*way))


def test_what_is_beside_the_camera_is_not_on_the_plane(fronts):
    assert all(math.isnan(n) for n in fronts.on_plane(fronts.views[0], np.array([0.5, -3.0, 1.6])))


def test_who_stands_before_a_front_for_a_while_does_not_become_part_of_it():
    wall, person = np.full((ROWS, 80, 3), 90, np.uint8), np.full((ROWS, 80, 3), 200, np.uint8)
    memory = EmptyFront()
    for second in range(60):
        shown = person if 24 <= second < 40 else wall
        empty = memory.see(START + second * SECOND, shown)
        assert is_before(shown, empty) == (24 <= second < 40)
    for second in range(60, 130):  # What stays is part of it.
        empty = memory.see(START + second * SECOND, person)
    assert not is_before(person, empty)


@given(arrays(np.uint8, st.tuples(st.integers(3, 15), st.just(4)), elements=st.integers(0, 255)))
def test_a_front_without_people_is_the_median_of_what_was_seen(levels):
    memory = EmptyFront()
    for i, row in enumerate(levels):
        empty = memory.see(START + 4 * i * SECOND, row.reshape(1, 4, 1))
    np.testing.assert_array_equal(empty.ravel(), np.sort(levels, 0)[len(levels) // 2])


def test_after_a_long_gap_a_front_is_learnt_anew():
    wall, other = np.full((ROWS, 80, 3), 90, np.uint8), np.full((ROWS, 80, 3), 200, np.uint8)
    memory = EmptyFront()
    for second in range(60):
        memory.see(START + second * SECOND, wall)
    assert (memory.see(START + 200 * SECOND, other) == other).all()


def test_the_first_picture_is_taken_for_empty_until_there_are_several():
    wall, person = np.full((ROWS, 80, 3), 90, np.uint8), np.full((ROWS, 80, 3), 200, np.uint8)
    memory = EmptyFront()
    memory.see(START, wall)
    assert (memory.see(START + 4 * SECOND, person) == wall).all()


class Points:
    """Says that a hand is in the middle of each front."""

    def __init__(self):
        self.asked = 0

    def hands(self, now, empty):
        self.asked += len(now)
        return [np.float32([[0.9, 1.0, 1.0, 1.0, 1.4, 0.1], [np.nan] * 6])] * len(now)


def test_a_fixture_is_looked_at_when_somebody_is_before_it(walls):
    points = Points()
    sight = FrontSight(walls, ShelfStrips(walls), points)
    grey = {name: plain(camera, 90) for name, camera in walls.cameras.items()}
    light = {name: plain(camera, 200) for name, camera in walls.cameras.items()}
    assert sight.look(START, grey) == {}
    assert points.asked == 0
    found = sight.look(START + TICK_NS, light)
    assert found["g1"].shape == (2, HAND)  # One by each camera; what is no number is left out.
    np.testing.assert_allclose(found["g1"][:, 1:4], [in_map(walls, 0.4, 0, 1)] * 2, atol=1e-5)
    one = sight.look(START + 2 * TICK_NS, {"left": light["left"]})
    assert one["g1"].shape == (1, HAND)
    sight.forget()
    assert sight.look(START + 3 * TICK_NS, light) == {}


def test_peaks_are_the_surest_places_and_few():
    heat = np.full((20, 24), -9, np.float32)
    heat[5, 5], heat[5, 6], heat[10, 20] = 2, 1, 0
    hand = np.moveaxis(np.mgrid[:20, :24].astype(np.float32), 0, -1)
    found = peaks(heat, hand, np.zeros((20, 24, 3), np.float32))
    np.testing.assert_allclose(found[:, 0], [1 / (1 + np.exp(-2)), 0.5], rtol=1e-5)
    np.testing.assert_allclose(found[:, 1:3], [[5, 5], [10, 20]])
    crowded = np.where(np.indices((20, 24)).sum(0) % 4 == 0, 1, -9).astype(np.float32)
    assert len(peaks(crowded, hand, np.zeros((20, 24, 3), np.float32))) == MOST_HANDS
    nothing = np.full((20, 24), np.log(LEAST) - 1, np.float32)
    assert peaks(nothing, hand, np.zeros((20, 24, 3), np.float32)).shape == (0, 6)


@given(
    hands=arrays(np.float32, (3, HAND), elements=st.floats(-20, 20, width=32)),
    heads=arrays(np.float64, (4, 2), elements=st.floats(-20, 20)),
)
def test_shares_of_a_hand_add_up_to_one_at_most(hands, heads):
    hands[:, 9] = np.abs(hands[:, 9])
    likely = whose(hands, heads)
    assert likely.shape == (3, 4)
    assert (likely >= 0).all()
    assert (likely.sum(1) <= 1).all()


def test_across_the_line_of_sight_heads_are_told_apart_and_along_it_hardly():
    hand = np.float32([[0.9, 0, 0, 1, 0.0, 0.0, 1.0, 0.0, 0.4, 0.05]])
    beside = whose(hand, np.array([[0.0, 0.0], [0.0, 0.4]]))[0]
    behind = whose(hand, np.array([[0.0, 0.0], [0.4, 0.0]]))[0]
    steep = whose(hand, np.array([[0.0, 0.0], [2.0, 0.0]]))[0]
    assert beside[0] > 0.9
    assert behind[0] < 0.6
    assert steep[0] > 0.9  # There the line is lower than any head.
    assert whose(hand, np.zeros((0, 2))).shape == (1, 0)
