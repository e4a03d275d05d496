"""bag_player_node plays the pictures of a bag as they lie in it."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage

from aisle.bags.convert_images import COMPRESSED
from aisle.bags.store_io import BagReader, BagWriter
from aisle.records import CameraFrame
from aisle.sensing.camera_calibration import calibration_of
from aisle.store.load import load_store
from aisle.store.types import Camera
from aisle_nodes.bag_player_node import BagPlayerNode
from aisle_nodes.interfaces import CAMERA_QOS, camera_topic

SECOND = 1_000_000_000
EYE = Camera("eye", np.eye(4), 64, 48, 1.0)


@pytest.fixture(scope="module")
def bag(store_dir, tmp_path_factory):
    """A store and a second of pictures, the first of which may be missed."""
    path, start_ns = tmp_path_factory.mktemp("bag") / "bag", 1_700_000_000 * SECOND
    with BagWriter(path) as writer:
        writer.store(load_store(store_dir)[0], start_ns, start_ns)
        for number in range(10):
            stamp_ns = start_ns + number * SECOND // 10
            image = np.full((48, 64, 3), 20 * number, np.uint8)
            writer.picture(CameraFrame("eye", stamp_ns, image), 90, stamp_ns)
            writer.camera_info(calibration_of(EYE), stamp_ns, stamp_ns)
    return path


def test_pictures_are_played_byte_for_byte(graph, bag):
    small = graph.listen(CompressedImage, camera_topic("eye", "image_raw/compressed"), CAMERA_QOS)
    info = graph.listen(CameraInfo, camera_topic("eye", "camera_info"), CAMERA_QOS)
    graph.start(BagPlayerNode, bag=str(bag), speed=0.5, wait_limit_s=0.0)
    graph.until(lambda: min(len(small), len(info)) >= 4, seconds=60)
    with BagReader(bag) as reader:
        recorded = {bytes(reader.decode(m).data) for m in reader.messages({COMPRESSED})}
    assert {bytes(message.data) for message in small} <= recorded


def test_pictures_can_be_left_out(graph, bag):
    with pytest.raises(AssertionError, match="did not start"):
        graph.start(BagPlayerNode, bag=str(bag), cameras=False, store_models=False)
    graph.until(lambda: "bag_player_node" in graph.diagnostics)
    assert "has no weights, passages or pictures" in graph.diagnostics["bag_player_node"][1]
