"""Floor maps: a place at a plane's height lands in its cell, from every camera."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vision_store import camera, dotted, store

from aisle.store.camera import project
from aisle.store.geometry import translation
from aisle.store.types import Gate
from aisle.vision.floor_map import CELL_M, GRAIN, PLANES_M, FloorMap

HUNG = {"left": (-0.7, -0.6, 2.4), "right": (0.7, -0.3, 2.4), "wide": (0.1, -1.4, 2.6)}


@cache
def floor_of(yaw):
    walls = store(yaw, HUNG)
    return walls, FloorMap(walls)


@settings(max_examples=20)
@given(
    yaw=st.sampled_from((0.0, 0.7, math.pi / 2, math.pi)),
    plane=st.sampled_from(range(len(PLANES_M))),
    x=st.floats(-0.3, 0.3),
    y=st.floats(0.4, 0.8),
)
def test_a_place_lands_in_its_cell_from_every_camera_that_sees_it(yaw, plane, x, y):
    walls, floor = floor_of(yaw)
    across, along = math.cos(yaw), math.sin(yaw)
    place = np.array([[x * across - y * along, x * along + y * across, PLANES_M[plane]]])
    column, row = floor.cells(place[:, :2])[0]
    found = 0
    for name, one in walls.cameras.items():
        pixel = project(one, place)[0][0]
        picture, seen = floor.picture({name: dotted(one, pixel, radius=12)})
        if not seen[plane, round(row), round(column)]:
            continue
        found += 1
        red = picture[plane, ..., 0].astype(float)
        rows, columns = np.mgrid[: red.shape[0], : red.shape[1]]
        middle = (red * columns).sum() / red.sum(), (red * rows).sum() / red.sum()
        assert middle == pytest.approx((column, row), abs=0.8)
    assert found


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_cells_and_metres_are_inverse(x, y):
    _, floor = floor_of(0.0)
    assert floor.metres(floor.cells(np.array([[x, y]])))[0] == pytest.approx((x, y), abs=1e-9)


def test_it_looks_like_a_map():
    floor = FloorMap(store(cameras={}))
    east, north = floor.cells(np.array([[1.0, 0.0], [0.0, 1.0]])) - floor.cells(np.zeros((1, 2)))
    assert east == pytest.approx((1 / CELL_M, 0.0))
    assert north == pytest.approx((0.0, -1 / CELL_M))


@pytest.mark.parametrize("yaw", [0.0, 0.4, math.pi / 2])
def test_it_reaches_over_fixtures_and_gates_in_whole_grains(yaw):
    walls = store(yaw)
    floor = FloorMap(walls)
    rows, columns = floor.shape
    assert rows % GRAIN == columns % GRAIN == 0
    places = [thing.pose[:2, 3] for thing in (*walls.fixtures.values(), *walls.gates.values())]
    at = floor.cells(np.array(places))
    assert (at > 0).all()
    assert (at < (columns, rows)).all()


def test_the_mean_is_over_the_cameras_that_see_a_cell():
    walls = store(cameras=HUNG)
    floor = FloorMap(walls)
    grey = {name: np.full((600, 800, 3), 60 * i, np.uint8) for i, name in enumerate(HUNG, 1)}
    picture, seen = floor.picture(grey)
    alone = {name: floor.picture({name: grey[name]})[1] for name in HUNG}
    assert (seen == sum(alone.values())).all()
    assert (picture[seen == 0] == 0).all()
    one, two, three = (alone[name][..., None].astype(int) for name in HUNG)
    wanted = (60 * one + 120 * two + 180 * three) / np.maximum(one + two + three, 1)
    assert np.abs(picture - wanted).max() <= 0.5
    assert len(np.unique(seen)) == 4


def test_no_pictures_give_an_empty_map():
    picture, seen = FloorMap(store()).picture({})
    assert not picture.any()
    assert not seen.any()


def test_furniture_hides_what_is_behind_it():
    walls = store(cameras={"left": (-0.2, 0.9, 2.4)})
    floor = FloorMap(walls)
    _, seen = floor.picture({"left": np.full((600, 800, 3), 255, np.uint8)})
    # Ten centimetres behind the back of the gondola, at the height of hands.
    column, row = np.round(floor.cells(np.array([[-0.3, 1.62]]))[0]).astype(int)
    assert seen[1, row, column] == 0


def test_wrong_sizes_and_unknown_cameras_are_refused():
    floor = FloorMap(store())
    with pytest.raises(ValueError, match="left: picture"):
        floor.picture({"left": np.zeros((5, 5, 3), np.uint8)})
    with pytest.raises(KeyError):
        floor.picture({"nobody": np.zeros((600, 800, 3), np.uint8)})


def test_sizes_that_do_not_divide_evenly_keep_their_places():
    walls = store()
    odd = camera("odd", (0.0, -0.6, 2.4), (0.0, 1.0, 0.9), size=(803, 607))
    walls = replace(walls, cameras={"odd": odd})
    floor = FloorMap(walls)
    place = np.array([[0.1, 0.6, 1.0]])
    picture, _ = floor.picture({"odd": dotted(odd, project(odd, place)[0][0], radius=10)})
    row, column = np.unravel_index(picture[1, ..., 0].argmax(), picture.shape[1:3])
    assert floor.cells(place[:, :2])[0] == pytest.approx((column, row), abs=1.0)


def test_a_store_without_anything_has_no_floor():
    with pytest.raises(ValueError, match="no floor"):
        FloorMap(replace(store(), fixtures={}, shelves={}, gates={}))


def test_a_floor_that_would_fill_memory_is_refused():
    far = Gate("far", "exit", translation(600.0, 900.0, 0.0))
    wide = store()
    with pytest.raises(ValueError, match="too large for 2 cameras"):
        FloorMap(replace(wide, gates={**wide.gates, "far": far}))
    one = wide.cameras["left"]
    many = {f"c{i}": replace(one, id=f"c{i}") for i in range(256)}
    large = replace(wide, gates={"far": Gate("far", "exit", translation(20.0, 40.0, 0.0))})
    with pytest.raises(ValueError, match="too large for 256 cameras"):
        FloorMap(replace(large, cameras=many))
