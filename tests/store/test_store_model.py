import math
from dataclasses import replace

import numpy as np
import pytest
from store_samples import SOUND

from aisle.store.geometry import (
    pose_from_rotation_vector,
    pose_from_rpy,
    quaternion_from_pose,
    rpy_from_pose,
)
from aisle.store.load import load_store, read_store_files
from aisle.store.model import (
    ChangeError,
    joint_transforms,
    set_slot,
    slot_box,
    static_transforms,
    with_slot_change,
)

BAR, CRISPS, WATER, LEMONADE = "4006381333931", "crisps-small", "96385074", "lemonade"


@pytest.fixture(scope="module")
def files():
    return read_store_files(SOUND)


@pytest.fixture(scope="module")
def store(files):
    return files.store


def misplaced(store):
    return [slot for slot in store.slots.values() if slot.misplaced]


def test_a_foreign_put_back_makes_a_slot_and_the_last_take_removes_it(store):
    one = with_slot_change(store, WATER, "g1/s1", ("g1/s1/p2",), 1, 0.8)
    (slot,) = misplaced(one)
    assert (slot.product, slot.shelf, slot.plates) == (WATER, "g1/s1", ("g1/s1/p2",))
    assert (slot.count, slot.confidence) == (1, 0.8)
    two = with_slot_change(one, WATER, "g1/s1", ("g1/s1/p1",), 2)
    (slot,) = misplaced(two)
    assert slot.count == 3
    assert set(slot.plates) == {"g1/s1/p1", "g1/s1/p2"} or slot.plates == ("g1/s1/p1",)
    left = with_slot_change(two, WATER, "g1/s1", (), -2)
    assert misplaced(left)[0].count == 1
    gone = with_slot_change(left, WATER, "g1/s1", ("g1/s1/p2",), -1)
    assert gone.slots == store.slots
    assert [s.revision for s in (store, one, two, left, gone)] == [1, 2, 3, 4, 5]


def test_a_put_back_on_the_wrong_plates_of_the_right_shelf_is_misplaced(store):
    changed = with_slot_change(store, BAR, "g1/s1", ("g1/s1/p3",), 1)
    (slot,) = misplaced(changed)
    assert slot.plates == ("g1/s1/p3",)
    back = with_slot_change(changed, BAR, "g1/s1", ("g1/s1/p3",), -1)
    assert back.slots == store.slots


def test_where_a_product_belongs_only_a_known_count_changes(store):
    assert with_slot_change(store, BAR, "g1/s1", ("g1/s1/p1",), 1) is store
    home = f"g1/s1/{BAR}"
    counted = replace(store, slots={**store.slots, home: replace(store.slots[home], count=2)})
    assert with_slot_change(counted, BAR, "g1/s1", (), -1).slots[home].count == 1
    assert with_slot_change(counted, BAR, "g1/s1", (), -5).slots[home].count == 0


def test_taking_what_is_not_known_to_be_there_changes_nothing(store):
    assert with_slot_change(store, WATER, "g1/s1", ("g1/s1/p2",), -1) is store


@pytest.mark.parametrize(
    "change",
    [
        ("tea", "g1/s1", ("g1/s1/p1",)),
        ("", "g1/s1", ("g1/s1/p1",)),
        (BAR, "g7/s1", ()),
        (BAR, "g1/s1", ("f1/s1/p1",)),
    ],
)
def test_a_change_of_the_unknown_is_refused(store, change):
    with pytest.raises(ChangeError):
        with_slot_change(store, *change, 1)


def test_the_planogram_can_be_changed(store):
    changed = set_slot(store, "g1/s1", WATER, ("g1/s1/p3",), facings=2)
    assert changed.revision == store.revision + 1
    assert changed.slots[f"g1/s1/{WATER}"].plates == ("g1/s1/p3",)
    assert changed.slots[f"g1/s1/{CRISPS}"].plates == ("g1/s1/p2",)
    moved = set_slot(changed, "g1/s1", WATER, ("g1/s1/p2", "g1/s1/p1"))
    assert moved.slots[f"g1/s1/{WATER}"].plates == ("g1/s1/p1", "g1/s1/p2")
    assert f"g1/s1/{CRISPS}" not in moved.slots
    assert f"g1/s1/{BAR}" not in moved.slots


def test_a_place_can_be_cleared(store):
    cleared = set_slot(store, "g1/s1", "", ("g1/s1/p2", "g1/s1/p3"))
    assert f"g1/s1/{CRISPS}" not in cleared.slots
    assert f"g1/s1/{BAR}" in cleared.slots
    bare = set_slot(store, "g1/s2", "", (), (0.0, 0.0, 0.3, 0.4))
    assert f"g1/s2/{LEMONADE}" not in bare.slots
    assert f"g1/s2/{CRISPS}" in bare.slots


@pytest.mark.parametrize(
    "place",
    [
        ("g1/s1", BAR, ()),
        ("g1/s1", BAR, ("g1/s1/p1",), (0.0, 0.0, 0.1, 0.1)),
        ("g1/s1", BAR, ("g1/s1/p1", "g1/s1/p3")),
        ("g1/s1", BAR, ("g1/s1/p9",)),
        ("g1/s1", "tea", ("g1/s1/p1",)),
        ("g1/s2", BAR, (), (0.3, 0.0, 0.1, 0.1)),
        ("g1/s2", BAR, (), (math.nan, 0.0, 0.1, 0.1)),
        ("g1/s1", BAR, ("g1/s1/p1",), None, 0),
    ],
)
def test_a_place_that_is_no_place_is_refused(store, place):
    with pytest.raises(ChangeError):
        set_slot(store, *place)


def test_a_slot_knows_its_room_in_map(store):
    pose, size = slot_box(store, store.slots[f"g1/s1/{CRISPS}"])
    np.testing.assert_allclose(pose[:3, 3], [0.4, 1.2, 0.4], atol=1e-9)
    np.testing.assert_allclose(size, (0.4, 0.4, 0.3), atol=1e-9)
    pose, size = slot_box(store, store.slots[f"g1/s2/{LEMONADE}"])
    np.testing.assert_allclose(pose[:3, 3], [0.15, 1.2, 0.8], atol=1e-9)
    np.testing.assert_allclose(size, (0.3, 0.4, 0.3), atol=1e-9)
    unknown = {id_: replace(plate, pose=None) for id_, plate in store.plates.items()}
    assert slot_box(replace(store, plates=unknown), store.slots[f"g1/s1/{CRISPS}"]) is None


def test_frames_chain_up_to_the_poses_of_the_store(files):
    frames = {t.child: t for t in static_transforms(files.robot)}
    frames.update({t.child: t for t in joint_transforms(files.robot, {})})
    pose, frame = np.eye(4), "f1_s1_p2"
    while frame != "map":
        step = frames[frame]
        x, y, z, w = step.quaternion
        matrix = pose_from_rotation_vector(
            step.xyz, tuple(2 * math.atan2(math.hypot(x, y, z), w) * v for v in _unit(x, y, z))
        )
        pose, frame = matrix @ pose, step.parent
    np.testing.assert_allclose(pose, files.store.plates["f1/s1/p2"].pose, atol=1e-9)
    assert {"g1_s1_p1", "cam1_optical_frame", "entry"} <= frames.keys()
    assert "f1_door" not in {t.child for t in static_transforms(files.robot)}


def _unit(x, y, z):
    length = math.hypot(x, y, z)
    return (x / length, y / length, z / length) if length else (0.0, 0.0, 0.0)


def test_a_door_turns_about_its_edge_within_its_limits(files):
    (closed,) = joint_transforms(files.robot, {})
    assert (closed.parent, closed.child) == ("f1", "f1_door")
    assert closed.quaternion == (0.0, 0.0, 0.0, 1.0)
    (opened,) = joint_transforms(files.robot, {"f1_door_joint": math.pi / 2})
    np.testing.assert_allclose(opened.quaternion, (0, 0, -math.sqrt(0.5), math.sqrt(0.5)))
    assert opened.xyz == closed.xyz
    far, limit = (joint_transforms(files.robot, {"f1_door_joint": p}) for p in (9.0, 2.0))
    assert far == limit
    with pytest.raises(ChangeError):
        joint_transforms(files.robot, {"f1_door_joint": math.nan})


@pytest.mark.parametrize("seed", range(20))
def test_rotations_convert_there_and_back(seed):
    rng = np.random.default_rng(seed)
    rpy = rng.uniform(-1, 1, 3) * (math.pi, math.pi / 2, math.pi)
    pose = pose_from_rpy((0, 0, 0), tuple(rpy))
    np.testing.assert_allclose(rpy_from_pose(pose), rpy, atol=1e-9)
    x, y, z, w = quaternion_from_pose(pose)
    assert math.hypot(x, y, z, w) == pytest.approx(1)
    angle = 2 * math.atan2(math.hypot(x, y, z), w)
    vector = tuple(angle * v for v in _unit(x, y, z))
    np.testing.assert_allclose(pose_from_rotation_vector((0, 0, 0), vector), pose, atol=1e-9)


@pytest.mark.parametrize("pitch", [-math.pi / 2, math.pi / 2])
def test_looking_straight_up_or_down_converts(pitch):
    pose = pose_from_rpy((0, 0, 0), (0.4, pitch, 1.1))
    np.testing.assert_allclose(pose_from_rpy((0, 0, 0), rpy_from_pose(pose)), pose, atol=1e-7)


def test_a_store_loads_twice_as_the_same_frames():
    one, _ = load_store(SOUND)
    assert one.slots_of_shelf["g1/s1"][0].product == BAR
