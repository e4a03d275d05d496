"""The store for people: markers and a cloud of points that follow what moves."""

import numpy as np
import pytest
from aisle_msgs.srv import SetSlot
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from aisle.bags.convert_poses import pose_from_message
from aisle.store.load import load_store, read_store_files
from aisle.store.model import with_slot_change
from aisle.store.solids import solids
from aisle_nodes.interfaces import SET_SLOT, STORE_MARKERS, STORE_QOS, STORE_SURFACE
from aisle_nodes.store_markers import StoreMarkers, markers, point_cloud
from aisle_nodes.store_model_node import StoreModelNode

SOUND = "tests/store/sound"


class Recorder:
    """A node of which only the publishers matter."""

    def __init__(self):
        self.sent = {}
        self.diagnostics = None

    def create_lifecycle_publisher(self, kind, topic, qos):
        self.sent[topic] = []
        recorder = self

        class Publisher:
            def publish(self, message):
                recorder.sent[topic].append(message)

            def get_subscription_count(self):
                return 1

        return Publisher()


@pytest.fixture(scope="module")
def files(request):
    return read_store_files(request.config.rootpath / SOUND)


def test_everything_in_a_store_has_a_marker_where_it_stands(files):
    store = files.store
    found = markers(store, solids(store, files.robot))
    of = {}
    for space, name in found:
        of.setdefault(space, set()).add(name)
    assert of["boards"] == set(store.shelves)
    assert of["plates"] == set(store.plates)
    assert of["products"] == set(store.slots)
    assert of["views"] == set(store.cameras)
    assert of["ways"] == set(store.gates)
    assert {"g1", "f1"} <= of["fixtures"]
    assert of["names"] == {*store.slots, *store.cameras, *store.gates}
    texts = {name: m.text for (space, name), m in found.items() if space == "names"}
    assert texts["g1/s2/lemonade"] == "Lemonade 330 ml"
    block = found["products", "g1/s2/lemonade"]
    pose = pose_from_message(block.pose, "block")
    # In the middle of the left half of the board at 0.8 m; 4 units of 6 cm, 12 cm high.
    np.testing.assert_allclose(pose[[0, 2], 3], [0.15, 0.86], atol=1e-9)
    assert (block.scale.x, block.scale.z) == pytest.approx((0.24, 0.12))
    view = found["views", "cam1"]
    assert len(view.points) == 16
    assert {(p.x, p.y, p.z) for p in view.points[::4]} == {(0.5, 0.0, 2.5)}


def test_markers_keep_their_numbers_and_vanish_with_what_they_show(files):
    node = Recorder()
    shown = StoreMarkers(node, files.robot)
    store = files.store
    moved = with_slot_change(store, "lemonade", "g1/s1", ("g1/s1/p2",), 1)
    shown.show(store, 1)
    shown.show(moved, 2)
    shown.show(store, 3, {"f1": 1.2})
    first, second, third = (
        {(m.ns, m.id): m for m in array.markers} for array in node.sent[STORE_MARKERS]
    )
    assert {m.action for m in second.values()} == {Marker.ADD}
    new = second.keys() - first.keys()
    assert {second[key].ns for key in new} == {"products", "names"}
    assert {key for key, m in third.items() if m.action == Marker.DELETE} == new
    turned = {key[0] for key in first if first[key].pose != third[key].pose}
    assert turned == {"doors"}


def test_the_cloud_is_made_again_only_when_something_changed(files):
    node = Recorder()
    shown = StoreMarkers(node, files.robot)
    shown.refresh()
    assert node.sent[STORE_SURFACE] == []
    shown.show(files.store, 1)
    shown.refresh()
    shown.refresh()
    (cloud,) = node.sent[STORE_SURFACE]
    assert cloud.width > 1000
    assert len(cloud.data) == cloud.width * cloud.point_step
    assert cloud.header.frame_id == "map"


def test_points_carry_their_colour_and_figure():
    points = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    cloud = point_cloud(points, np.array([0.0, 45.0]), Header())
    kind = [(field.name, np.float32) for field in cloud.fields]
    table = np.frombuffer(cloud.data, dtype=kind)
    np.testing.assert_array_equal(np.stack([table[n] for n in "xyz"], axis=1), points)
    assert table["px_per_dm"].tolist() == [0.0, 45.0]
    grey = int(table["rgb"].view(np.uint32)[0])
    assert (grey >> 16, grey >> 8 & 255, grey & 255) == (0x8D, 0x8D, 0x8D)


def test_the_node_shows_the_store_and_what_is_changed_in_it(graph, store_dir):
    store, _ = load_store(store_dir)
    graph.start(StoreModelNode, store=str(store_dir))
    arrays = graph.listen(MarkerArray, STORE_MARKERS, STORE_QOS)
    clouds = graph.listen(PointCloud2, STORE_SURFACE, STORE_QOS)
    graph.until(lambda: arrays and clouds, 30.0)
    blocks = [m for m in arrays[0].markers if m.ns == "products"]
    assert len(blocks) == len(store.slots)
    slot = next(iter(store.slots.values()))
    answer = graph.call(SetSlot, SET_SLOT, shelf=slot.shelf, product="", plates=list(slot.plates))
    assert answer.success
    graph.until(lambda: len(arrays) == 2 and len(clouds) == 2, 30.0)
    gone = [m.ns for m in arrays[1].markers if m.action == Marker.DELETE]
    assert sorted(gone) == ["names", "products"]
