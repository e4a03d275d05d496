"""fusion_node listens to cameras where it can see, and says on /diagnostics what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from aisle_msgs.msg import StoreModel
from sensor_msgs.msg import CompressedImage

from aisle.bags.convert_images import compressed_to_message
from aisle.bags.convert_store import store_to_message
from aisle.records import CameraFrame
from aisle.store.load import load_store
from aisle.vision import networks
from aisle_nodes.fusion_node import FusionNode
from aisle_nodes.interfaces import CAMERA_QOS, STORE_MODEL, STORE_QOS, TYPES, camera_topic
from toy_model import write_toy_model
from toy_vision import ToyVision, watched

SECOND = 1_000_000_000
START = 1_000 * SECOND


@pytest.fixture(scope="module")
def store(store_dir):
    """Cameras and no scales: the cameras alone tell the time."""
    return watched(load_store(store_dir)[0])


def frame(store, camera, number):
    of = store.cameras[camera]
    image = np.random.default_rng(number).integers(0, 250, (of.height, of.width, 3), np.uint8)
    return CameraFrame(camera, START + number * SECOND // 5, image)


class Rig:
    """A fusion_node and publishers of its cameras."""

    def __init__(self, graph, store, folder, **parameters):
        self.graph, self.store = graph, store
        model = write_toy_model(folder / "toy.onnx", sight=True)
        self.node = graph.start(FusionNode, model=str(model), state_dir=str(folder), **parameters)
        models = graph.talk(StoreModel, STORE_MODEL, STORE_QOS)
        models.publish(store_to_message(store, START, TYPES))
        graph.until(lambda: self.node._intake.fusion is not None, 60)

    def cameras(self):
        return {
            name: self.graph.talk(
                CompressedImage, camera_topic(name, "image_raw/compressed"), CAMERA_QOS
            )
            for name in self.store.cameras
        }

    def said(self):
        return self.graph.diagnostics["fusion_node"][1]

    def counter(self, name):
        return self.graph.counter("fusion_node", name)


def test_pictures_are_taken_and_bad_ones_and_lost_cameras_are_named(
    graph, store, tmp_path, monkeypatch
):
    monkeypatch.setattr(networks, "load_vision", lambda *_: ToyVision())
    rig = Rig(graph, store, tmp_path)
    cameras = rig.cameras()
    lost, spoilt = cameras
    eyes = rig.node._intake.fusion.fusion.eyes
    for number in range(40):
        for name, publisher in cameras.items():
            message = compressed_to_message(frame(store, name, number), 85, TYPES)
            if name == lost and number > 25:
                continue
            if name == spoilt and number == 5:
                message.data = message.data[: len(message.data) // 2]
            if name == spoilt and number == 6:
                message.header.frame_id = f"{lost}_optical_frame"
            publisher.publish(message)
            graph.executor.spin_once(timeout_sec=0.05)
    graph.until(lambda: f"camera {lost}: silent for" in rig.said())
    assert lost in eyes.bad_cameras
    graph.until(lambda: rig.counter("malformed_pictures") == 2)
    assert "no `catalogue` of pictures" in rig.said()
    topic = camera_topic(spoilt, "image_raw/compressed")
    assert rig.counter(f"{topic}/messages") >= 30


def test_a_camera_whose_name_can_be_no_topic_is_counted(graph, store, tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "load_vision", lambda *_: ToyVision())
    name, camera = next(iter(store.cameras.items()))
    wrong = replace(
        store, cameras={**store.cameras, "wrong-name": replace(camera, id="wrong-name")}
    )
    rig = Rig(graph, wrong, tmp_path)
    assert camera_topic(name, "image_raw/compressed") in rig.node._streams
    graph.until(lambda: rig.counter("names_without_topic") == 1)


@pytest.mark.parametrize("why", ["no cameras", "not used"])
def test_nobody_listens_to_cameras_that_are_not_used(graph, store, tmp_path, monkeypatch, why):
    monkeypatch.setattr(networks, "load_vision", lambda *_: ToyVision())
    used = why != "not used"
    rig = Rig(graph, replace(store, cameras={}) if used else store, tmp_path, cameras=used)
    assert rig.node._intake.fusion.fusion.eyes is None
    assert not [topic for topic in rig.node._streams if topic.startswith("camera/")]
