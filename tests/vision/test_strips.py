"""Strips: each pixel shows its place on the shelf, and the best cameras stand for a shelf."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vision_store import WIDTH_M, dotted, middle, store

from aisle.store.camera import project
from aisle.store.load import load_store
from aisle.store.types import Fixture
from aisle.vision.strips import COLUMN_M, COLUMN_PX, PX_PER_M, ROWS, ShelfStrips, opening_m

CORNER = Path(__file__).parents[2] / "config" / "stores" / "corner"


@cache
def strips_of(yaw):
    walls = store(yaw)
    return walls, ShelfStrips(walls)


@settings(max_examples=20)
@given(
    yaw=st.sampled_from((0.0, 1.0, math.pi / 2, math.pi, -2.2)),
    shelf=st.sampled_from(("g1/s0", "g1/s1")),
    along=st.floats(0.08, 0.92),
    up=st.floats(0.15, 0.85),
)
def test_a_place_on_the_opening_lands_in_its_column_and_row(yaw, shelf, along, up):
    walls, strips = strips_of(yaw)
    pose, height = walls.shelves[shelf].pose, opening_m(walls.shelves[shelf])[1]
    x = along * WIDTH_M
    place = (pose @ (x, 0.0, up * height, 1.0))[None, :3]
    views = strips.views(shelf)
    assert {view.camera for view in views} == {"left", "right"}
    for view in views:
        pixel = project(walls.cameras[view.camera], place)[0][0]
        strip = strips.strip(view, dotted(walls.cameras[view.camera], pixel))
        wanted = x * PX_PER_M - 0.5, (1 - up) * ROWS - 0.5
        # A dot on the picture is no dot on the plane: its far half is longer.
        assert middle(strip) == pytest.approx(wanted, abs=0.7)
        assert int(middle(strip)[0] // COLUMN_PX) in {
            int((x + off) // COLUMN_M) for off in (-0.003, 0.003)
        }


def test_left_is_where_a_shopper_before_the_shelf_has_it():
    walls = store(yaw=2.0)
    strips = ShelfStrips(walls)
    view = next(view for view in strips.views("g1/s0") if view.camera == "left")
    # The camera that hangs to the left sees the left columns best.
    assert view.px_per_dm[0] > view.px_per_dm[-1]


def test_sizes_are_whole_columns():
    for view in ShelfStrips(store()).views("g1/s1"):
        assert view.width_px == 18 * COLUMN_PX
        assert view.px_per_dm.shape == (18,)
        assert view.px_per_dm.dtype == np.float32


def test_the_camera_with_more_pixels_comes_first_and_two_are_enough():
    walls = store(cameras={"far": (0.3, -2.5, 2.4), "near": (0, -0.2, 2.0), "mid": (-0.4, -1, 2.4)})
    assert [view.camera for view in ShelfStrips(walls).views("g1/s0")] == ["near", "mid"]


def test_cameras_left_out_have_no_views():
    walls = store()
    assert [v.camera for v in ShelfStrips(walls, {"right"}).views("g1/s0")] == ["right"]
    assert ShelfStrips(walls, ()).views("g1/s0") == ()


def test_shelves_without_a_pose_have_no_views():
    assert ShelfStrips(store(posed=False)).views("g1/s0") == ()


def test_a_camera_behind_the_shelf_does_not_see_it():
    walls = store(cameras={"behind": (0.0, 4.0, 2.4)})
    assert ShelfStrips(walls).views("g1/s1") == ()


def test_columns_behind_furniture_are_not_seen():
    walls = store(cameras={"left": (-0.7, -0.6, 2.4)})
    free = ShelfStrips(walls).views("g1/s0")[0].px_per_dm
    pose = walls.fixtures["g1"].pose.copy()
    pose[:3, 3] = -0.55, 0.8, 0.0
    wall = Fixture("w", "gondola", (0.5, 0.1, 2.3), pose, ())
    hidden = ShelfStrips(replace(walls, fixtures={**walls.fixtures, "w": wall})).views("g1/s0")
    assert (free > 0).all()
    assert (hidden[0].px_per_dm == 0).any()
    assert (hidden[0].px_per_dm[hidden[0].px_per_dm > 0] > 0).any()


def test_turned_channels_give_the_same_strip():
    walls = store()
    strips = ShelfStrips(walls)
    view = strips.views("g1/s0")[0]
    picture = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    turned = np.ascontiguousarray(picture[..., ::-1])[..., ::-1]
    assert (strips.strip(view, picture) == strips.strip(view, turned)).all()


@pytest.mark.parametrize(
    ("shape", "kind"), [((300, 400, 3), "u1"), ((600, 800), "u1"), ((600, 800, 3), "f4")]
)
def test_a_picture_of_another_kind_is_refused(shape, kind):
    strips = ShelfStrips(store())
    with pytest.raises(ValueError, match="not 800 x 600"):
        strips.strip(strips.views("g1/s0")[0], np.zeros(shape, kind))


def test_every_shelf_of_corner_is_seen_in_every_column():
    corner, _ = load_store(CORNER)
    strips = ShelfStrips(corner)
    for shelf in corner.shelves:
        best = strips.views(shelf)[0]
        assert best.px_per_dm.min() > 20
