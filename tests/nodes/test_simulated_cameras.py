"""The cameras of a simulated store on the graph: pictures, calibration, frames, doors."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rclpy.duration import Duration
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from tf2_msgs.msg import TFMessage
from tf2_ros import Buffer, TransformListener

from aisle.bags.convert import time_message
from aisle.bags.convert_images import (
    camera_info_from_message,
    compressed_from_message,
    image_from_message,
)
from aisle.bags.convert_joints import joints_from_message, joints_to_message
from aisle.bags.convert_poses import pose_from_message
from aisle.store.camera import intrinsics
from aisle.store.load import load_store
from aisle.store.write import write_store
from aisle_nodes.camera_node import CameraNode
from aisle_nodes.interfaces import CAMERA_QOS, JOINT_QOS, JOINT_STATES, TYPES, camera_topic
from aisle_nodes.sim_node import SimNode
from aisle_nodes.store_model_node import StoreModelNode

CORNER = Path(__file__).parents[2] / "config" / "stores" / "corner"
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
SCENARIO = """
walk: true
lead_s: 0.5
cast: [{enter_s: 0.5}]
cues: [{who: 1, do: take}]
cameras: {dropped_frames: 0, late_frames: 0, clock_offset_s: 0}
"""


@pytest.fixture(scope="module")
def store_dir(tmp_path_factory):
    """The corner with two of its cameras, whose pictures are a quarter as wide."""
    store, _ = load_store(CORNER)
    small = {name: replace(store.cameras[name], width=200, height=150) for name in ("cam1", "cam5")}
    return write_store(replace(store, cameras=small), tmp_path_factory.mktemp("corner") / "corner")


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "one.yaml"
    path.write_text(SCENARIO)
    return path


def stamp_of(message):
    return message.header.stamp.sec * SECOND + message.header.stamp.nanosec


def test_a_shopper_is_seen_by_all_cameras_with_their_frames(graph, store_dir, scenario):
    store, _ = load_store(store_dir)
    buffer = Buffer(node=graph.node)
    listener = TransformListener(buffer, graph.node)
    small = {
        name: graph.listen(CompressedImage, camera_topic(name, "image_raw/compressed"), CAMERA_QOS)
        for name in store.cameras
    }
    raw = graph.listen(Image, camera_topic("cam1", "image_raw"), CAMERA_QOS)
    info = graph.listen(CameraInfo, camera_topic("cam5", "camera_info"), CAMERA_QOS)
    doors = graph.listen(JointState, JOINT_STATES, JOINT_QOS)
    simulated = {
        "store": str(store_dir), "scenario": str(scenario), "seed": 3, "start_ns": START_NS,
        "use_sim_time": True,
    }  # fmt: skip
    graph.start(CameraNode, source="simulator", **simulated)
    graph.start(StoreModelNode, store=str(store_dir), use_sim_time=True)
    topics = [camera_topic(name, "image_raw") for name in store.cameras]
    own = {**simulated, "use_sim_time": False, "speed": 0.25}  # a busy machine keeps up too
    graph.start(SimNode, wait_for_publishers=topics, **own)
    graph.until(lambda: all(len(got) >= 4 for got in (*small.values(), raw, info)), seconds=120)

    for name, camera in store.cameras.items():
        stamps = np.array([stamp_of(message) for message in small[name]])
        assert (np.diff(stamps) > 0).all()
        assert ((stamps - START_NS) % (SECOND // 10) == 0).all(), "10 Hz"
        for message in small[name]:
            frame = compressed_from_message(message)
            assert (frame.camera, frame.image.shape) == (name, (150, 200, 3))
        at = Time.from_msg(small[name][-1].header.stamp)
        found = buffer.lookup_transform("map", f"{name}_optical_frame", at, Duration(seconds=0))
        place = found.transform
        assert np.allclose(
            [place.translation.x, place.translation.y, place.translation.z], camera.pose[:3, 3]
        )
    pictures = {stamp_of(m): image_from_message(m).rgb.astype(int) for m in raw}
    coded = {stamp_of(m): compressed_from_message(m).image for m in small["cam1"]}
    both = pictures.keys() & coded.keys()
    assert both
    assert all(np.abs(pictures[stamp] - coded[stamp]).mean() < 12.0 for stamp in both)
    calibration = camera_info_from_message(info[0])
    np.testing.assert_allclose(calibration.k, intrinsics(store.cameras["cam5"]))
    assert calibration.distortion == store.cameras["cam5"].distortion
    (fridge,) = (f.id for f in store.fixtures.values() if f.kind == "fridge")
    stamp_ns, positions = joints_from_message(doors[-1])
    assert stamp_ns >= START_NS
    assert positions == {f"{fridge}_door_joint": 0.0}
    assert buffer.can_transform("map", f"{fridge}_door", Time())
    assert listener is not None


def test_doors_stand_as_their_joints_say(graph, store_dir):
    store, _ = load_store(store_dir)
    (fridge,) = (f for f in store.fixtures.values() if f.kind == "fridge")
    graph.start(StoreModelNode, store=str(store_dir), door_rate_hz=20.0)
    got = graph.listen(TFMessage, "/tf", 10)
    graph.until(lambda: got)
    told = graph.talk(JointState, JOINT_STATES, JOINT_QOS)
    name, angle = f"{fridge.id}_door_joint", 1.2

    bad = joints_to_message({name: angle}, 5 * SECOND, TYPES)
    bad.position = [math.nan]
    told.publish(bad)
    told.publish(joints_to_message({name: angle, "other": 0.1}, 7 * SECOND, TYPES))
    graph.until(lambda: any(t.header.stamp.sec == 7 for m in got for t in m.transforms))
    (door,) = (t for m in got for t in m.transforms if t.header.stamp.sec == 7)
    assert door.child_frame_id == f"{fridge.id}_door"
    pose = pose_from_message(as_pose(door.transform), "door")
    far = (pose @ [1.0, 0.0, 0.0, 1.0])[:2] - pose[:2, 3]
    np.testing.assert_allclose(far, [math.cos(angle), -math.sin(angle)], atol=1e-6)
    graph.until(lambda: graph.counter("store_model_node", "refused_joint_states") == 1)
    assert not any(t.header.stamp == time_message(5 * SECOND, TYPES)
                   for m in got for t in m.transforms)  # fmt: skip


def as_pose(transform):
    place, turn = transform.translation, transform.rotation
    point = TYPES.make("geometry_msgs/msg/Point", x=place.x, y=place.y, z=place.z)
    return TYPES.make("geometry_msgs/msg/Pose", position=point, orientation=turn)


def test_what_cannot_be_drawn_ends_the_start_with_a_reason(graph, store_dir, scenario, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("no EGL here")

    monkeypatch.setattr("aisle.sim.cameras.Renderer", broken)
    with pytest.raises(AssertionError, match="did not start"):
        graph.start(
            CameraNode, source="simulator", store=str(store_dir), scenario=str(scenario), start_ns=1
        )
    graph.until(lambda: "camera_node" in graph.diagnostics)
    assert "pictures cannot be drawn: no EGL here" in graph.diagnostics["camera_node"][1]
