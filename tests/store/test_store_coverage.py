import math
from dataclasses import replace

import numpy as np
import pytest
from store_samples import SOUND

from aisle.store.coverage import coverage, visible_px
from aisle.store.generate import StoreSpec, generate_store
from aisle.store.geometry import pose_from_rpy, translation
from aisle.store.geometry3d import StoreGeometry
from aisle.store.load import load_store, read_store_files
from aisle.store.model import with_slot_change
from aisle.store.solids import Solid, product_block, solids
from aisle.store.types import Camera, Fixture, Product, Shelf, Slot, Store
from aisle.store.write import write_store

WIDTH, DEPTH, HEIGHT = 0.1, 0.08, 0.12
BOARD_M = 0.5


def above(x: float, y: float, z: float) -> Camera:
    return Camera("cam", pose_from_rpy((x, y, z), (math.pi, 0.0, 0.0)), 640, 480, math.pi / 2)


def one_slot(
    camera: Camera, boards: tuple[float, ...] = (BOARD_M,), kind: str = "gondola"
) -> Store:
    """A product at the front of the lowest of some boards, in the middle of its metre."""
    product = Product("tea", "Tea", 0.1, (WIDTH, DEPTH, HEIGHT), 100)
    ids = [f"g1/s{i + 1}" for i in range(len(boards))]
    shelves = {
        id_: Shelf(id_, "g1", (1.0, 0.4, 0.3), translation(0.0, 0.0, z), ())
        for id_, z in zip(ids, boards, strict=True)
    }
    slot = Slot("g1/s1/tea", "tea", "g1/s1", (), (0.45, 0.0, 0.55, 0.09))
    fixture = Fixture("g1", kind, (1.0, 0.43, 1.6), np.eye(4), tuple(ids))
    return Store(
        "one", "EUR", {"tea": product}, {"g1": fixture}, shelves, {}, {slot.id: slot}, {},
        cameras={camera.id: camera},
    )  # fmt: skip


def test_a_camera_straight_above_counts_focal_length_over_distance():
    # 10 cm from the front edge, 1 cm of gap and half a product: right above its middle.
    store = one_slot(above(0.5, 0.01 + DEPTH / 2, 2.5))
    view = coverage(store).best("g1/s1/tea")
    focal, distance = 320.0, 2.5 - BOARD_M - HEIGHT
    assert view.px_per_dm == pytest.approx(0.1 * focal / distance, rel=0.01)
    assert (view.face, view.visible) == ("top", 1.0)


def test_a_camera_in_front_sees_the_front_with_its_slant():
    height, away = BOARD_M + HEIGHT / 2 + 1.0, 1.0
    pose = pose_from_rpy((0.5, 0.01 - away, height), (-math.pi * 3 / 4, 0.0, 0.0))
    store = one_slot(Camera("cam", pose, 640, 480, math.pi / 2))
    view = coverage(store).best("g1/s1/tea")
    distance = math.hypot(1.0, away)
    assert view.face in ("front", "top")
    assert view.px_per_dm == pytest.approx(
        0.1 * 320 * math.sqrt(math.cos(math.pi / 4)) / distance, rel=0.05
    )


def test_a_board_above_blocks_the_view_and_leaves_the_front_to_others():
    overhead = above(0.5, 0.05, 2.5)
    assert coverage(one_slot(overhead, (BOARD_M, 1.0))).best("g1/s1/tea") is None
    ahead = replace(overhead, pose=pose_from_rpy((0.5, -1.0, 1.3), (-math.pi * 3 / 4, 0.0, 0.0)))
    view = coverage(one_slot(ahead, (BOARD_M, 1.0))).best("g1/s1/tea")
    assert (view.face, view.visible) == ("front", 1.0)


def test_what_no_camera_sees_is_listed_and_a_lower_threshold_lists_less():
    store = one_slot(above(0.5, 0.05, 2.5))
    found = coverage(store)
    assert found.poor(15) == ()
    assert found.poor(18) == ("g1/s1/tea",)
    assert coverage(replace(store, cameras={})).poor() == ("g1/s1/tea",)
    with pytest.raises(KeyError):
        found.best("g1/s1/milk")


def test_a_slot_of_unknown_place_is_neither_seen_nor_poor():
    store = one_slot(above(0.5, 0.05, 2.5))
    lost = replace(store.shelves["g1/s1"], pose=None)
    found = coverage(replace(store, shelves={"g1/s1": lost}))
    assert not found.placed.any()
    assert found.best("g1/s1/tea") is None
    assert found.poor() == ()


def test_glass_is_clear_and_the_frame_of_a_door_hides_until_it_opens():
    level = pose_from_rpy((0.5, -1.0, 0.025), (-math.pi / 2, 0.0, 0.0))
    store = one_slot(replace(above(0.5, -1.0, 1.0), pose=level), (0.01,), kind="fridge")
    flat = replace(store.products["tea"], size_m=(WIDTH, DEPTH, 0.03))
    geometry = StoreGeometry()
    assert coverage(store, geometry=geometry).best("g1/s1/tea").visible < 1.0
    behind = replace(store, products={"tea": flat})
    assert coverage(behind, geometry=geometry).best("g1/s1/tea") is None
    opened = coverage(behind, doors={"g1": 1.5}, geometry=geometry)
    assert opened.best("g1/s1/tea").visible == 1.0
    assert coverage(behind, geometry=geometry).best("g1/s1/tea") is None


def test_only_bodies_that_changed_are_built_again():
    store, _ = load_store(SOUND)
    geometry = StoreGeometry(solids(store))
    before = geometry.meshes
    moved = with_slot_change(store, "lemonade", "g1/s1", ("g1/s1/p2",), 1)
    assert geometry.update(solids(moved)) == {"g1/s1/lemonade/misplaced"}
    assert all(geometry.meshes[id_] is mesh for id_, mesh in before.items())
    doors = geometry.update(solids(moved, doors={"f1": 1.0}))
    assert doors == {"f1_door", "f1_door#2", "f1_door#3", "f1_door#4", "f1_door#5"}
    assert geometry.update(solids(store)) == doors | {"g1/s1/lemonade/misplaced"}
    assert geometry.update(solids(store)) == frozenset()


def test_what_was_updated_hides_as_what_was_built_anew():
    store, _ = load_store(SOUND)
    geometry = StoreGeometry(solids(store))
    coverage(store, geometry=geometry)
    moved = with_slot_change(store, "crisps-small", "f1/s1", ("f1/s1/p1",), 1)
    updated = coverage(moved, doors={"f1": 0.7}, geometry=geometry)
    fresh = coverage(moved, doors={"f1": 0.7})
    np.testing.assert_array_equal(updated.px_per_dm, fresh.px_per_dm)
    np.testing.assert_array_equal(updated.visible, fresh.visible)


def test_furniture_without_urdf_is_what_the_macros_draw(tmp_path):
    spec = StoreSpec(gondolas=1, fridges=1, shelves=(2,), plates=(3,), bare_shelves=0.5)
    store = generate_store(np.random.default_rng(2), spec)
    files = read_store_files(write_store(store, tmp_path))
    drawn = {s.id: s for s in solids(files.store, files.robot, {"f1": 0.8})}
    made = {s.id: s for s in solids(store, doors={"f1": 0.8})}
    assert made.keys() == drawn.keys()
    for id_, solid in made.items():
        other = drawn[id_]
        assert (solid.kind, solid.shape, solid.colour) == (other.kind, other.shape, other.colour)
        np.testing.assert_allclose(solid.size_m, other.size_m, atol=3e-6)
        np.testing.assert_allclose(solid.pose, other.pose, atol=3e-6)


def test_own_links_of_a_urdf_hide_too(tmp_path):
    store = one_slot(above(0.5, 0.05, 2.5))
    shop = write_store(store, tmp_path)
    urdf = shop / "store.urdf.xacro"
    lamp = """<link name="lamp">
      <visual><geometry><mesh filename="lamp.stl"/></geometry></visual>
      <visual><geometry><cylinder radius="0.3" length="0.1"/></geometry></visual>
    </link>
    <joint name="lamp_joint" type="fixed">
      <origin xyz="0.5 0 2"/><parent link="map"/><child link="lamp"/>
    </joint></robot>"""
    files = read_store_files(shop)
    assert coverage(files.store, files.robot).best("g1/s1/tea") is not None
    urdf.write_text(urdf.read_text().replace("</robot>", lamp))
    files = read_store_files(shop)
    (found,) = [s for s in solids(files.store, files.robot) if s.kind == "other"]
    assert (found.shape, found.size_m) == ("cylinder", (0.6, 0.6, 0.1))
    assert coverage(files.store, files.robot).best("g1/s1/tea") is None


def test_a_block_is_as_large_as_its_units():
    store = one_slot(above(0.5, 0.05, 2.5))
    slot = Slot("g1/s1/tea", "tea", "g1/s1", (), (0.2, 0.0, 0.6, 0.4), facings=3)
    pose, size = product_block(store, slot)
    assert size == pytest.approx((3 * WIDTH, 4 * DEPTH, HEIGHT))
    front = 0.01 + 2 * DEPTH
    np.testing.assert_allclose(pose[:3, 3], [0.4, front, BOARD_M + HEIGHT / 2], atol=1e-9)
    few = product_block(store, replace(slot, count=2))[1]
    assert few == pytest.approx((2 * WIDTH, DEPTH, HEIGHT))
    sold_out = replace(store, slots={slot.id: replace(slot, count=0)})
    assert [s for s in solids(sold_out) if s.kind == "product"] == []


def test_points_of_the_surface_lie_on_it_and_know_how_they_are_seen():
    store = one_slot(above(0.5, 0.01 + DEPTH / 2, 2.5))
    box = Solid("box", "other", "box", (0.2, 0.2, 0.2), translation(0.5, -0.5, 1.0))
    geometry = StoreGeometry([box])
    points, normals, _ = geometry.sample(5000)
    assert len(points) == pytest.approx(5000 * 6 * 0.04, abs=1)
    np.testing.assert_allclose(np.abs(points - [0.5, -0.5, 1.0]).max(axis=1), 0.1, atol=1e-6)
    px = visible_px(store, geometry, points, normals)
    up = normals[:, 2] > 0.9
    assert (px[up] > 15).all()
    assert (px[normals[:, 2] < -0.9] == 0).all()
    assert (px[normals[:, 1] < -0.9] == 0).all(), "the side away from the camera"
