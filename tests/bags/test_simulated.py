"""A simulation with cameras as a bag, and its pictures read back, damaged ones left out."""

import json
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from aisle.bags.convert_images import CAMERA_INFO, COMPRESSED, camera_info_from_message
from aisle.bags.reading import INPUTS, camera_of_topic, read_records
from aisle.bags.replay import replay
from aisle.bags.simulated import write_simulation
from aisle.bags.store_io import BagReader, BagWriter, RawMessage
from aisle.bags.truth import read_truth
from aisle.cli import main as cli
from aisle.records import CameraFrame, CodedFrame, WeightBatch
from aisle.sensing.camera_calibration import calibration_of
from aisle.sensing.camera_codec import decode
from aisle.sim.cameras import FrameArrival
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import SECOND, simulate
from aisle.store.camera import intrinsics
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Camera
from aisle.store.write import write_store

LOOKING_DOWN = np.array(
    [[1.0, 0.0, 0.0, 0.5], [0.0, -1.0, 0.0, -0.8], [0.0, 0.0, -1.0, 2.5], [0.0, 0.0, 0.0, 1.0]]
)
EYE = Camera("eye", LOOKING_DOWN, 96, 64, 1.6, distortion=(0.02, 0.0, 0.0, 0.0, 0.0), rate_hz=5.0)
QUIET = Scenario(shoppers=1, stay_s=(6.0, 7.0), lead_s=1.0)
PICTURES = "/camera/eye/image_raw/compressed"


def store():
    spec = StoreSpec(gondolas=1, shelves=(1,), plates=(4,), frameless=0.0)
    return replace(generate_store(np.random.default_rng(2), spec), cameras={"eye": EYE})


@dataclass
class Slides:
    """Cameras that show plain colours, one after the other."""

    start_ns: int
    count: int = 20

    def frames(self):
        for number in range(self.count):
            stamp_ns = self.start_ns + number * SECOND // 5
            image = np.full((64, 96, 3), 10 * number, np.uint8)
            yield FrameArrival(stamp_ns + 30_000_000, CameraFrame("eye", stamp_ns, image))


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    simulation = simulate(store(), QUIET, 4)
    path = tmp_path_factory.mktemp("simulated") / "bag"
    done = []
    write_simulation(path, simulation, Slides(simulation.start_ns), progress=done.append)
    assert done == sorted(done)
    assert done[-1] == pytest.approx(simulation.duration_s, abs=1.0)
    return path


def records_of(path, counters=None):
    with BagReader(path) as reader:
        return list(read_records(reader, set(INPUTS), Counter() if counters is None else counters))


def test_pictures_lie_between_the_readings_in_order_of_arrival(bag):
    arrived = records_of(bag)
    assert [a.log_ns for a in arrived] == sorted(a.log_ns for a in arrived)
    frames = [a for a in arrived if isinstance(a.record, CodedFrame)]
    assert len(frames) == 20
    for number, found in enumerate(frames):
        assert found.record.camera == "eye"
        assert found.log_ns == found.record.stamp_ns + 30_000_000
        assert np.abs(decode(found.record.data).astype(int) - 10 * number).max() <= 2
    between = arrived[arrived.index(frames[0]) : arrived.index(frames[-1])]
    assert any(isinstance(a.record, WeightBatch) for a in between)


def test_each_picture_has_its_camera_info(bag):
    with BagReader(bag) as reader:
        infos = [reader.decode(m) for m in reader.messages({CAMERA_INFO})]
        stamps = [reader.decode(m).header.stamp for m in reader.messages({COMPRESSED})]
    assert [m.header.stamp for m in infos] == stamps
    found, expected = camera_info_from_message(infos[0]), calibration_of(EYE)
    np.testing.assert_array_equal(found.k, expected.k)
    assert (found.width, found.height, found.distortion) == (96, 64, EYE.distortion)


def test_the_store_model_of_a_bag_has_the_cameras(bag):
    (read,) = (a.record[1] for a in records_of(bag) if isinstance(a.record, tuple))
    eye = read.cameras["eye"]
    np.testing.assert_array_equal(intrinsics(eye), intrinsics(EYE))
    np.testing.assert_allclose(eye.pose, EYE.pose, atol=1e-9)
    assert (eye.width, eye.height, eye.rate_hz) == (96, 64, 5.0)
    assert eye.distortion == EYE.distortion


def test_damaged_and_misplaced_pictures_are_counted_and_left_out(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / "bad") as writer:
        pictures = 0
        for message in reader.messages():
            if message.type == COMPRESSED:
                pictures += 1
                if pictures == 3:
                    spoilt = message.payload[:-40] + bytes(40)
                    message = replace(message, payload=spoilt)
                if pictures == 5:
                    message = replace(message, payload=message.payload[: len(message.payload) // 2])
                if pictures == 7:
                    message = RawMessage("/camera/other/image_raw/compressed", *of(message))
            writer.write_raw(message)
    counters = Counter()
    frames = [a for a in records_of(tmp_path / "bad", counters) if isinstance(a.record, CodedFrame)]
    assert len(frames) == 17
    assert counters["malformed_messages"] == 3
    reasons = " ".join(counters)
    assert "damaged JPEG" in reasons
    assert "it is of camera 'eye'" in reasons


def of(message):
    return message.type, message.log_ns, message.payload


class Till:
    """Takes what a replay pushes."""

    counters: dict[str, int] = {}  # noqa: RUF012
    warnings = ()

    def __init__(self, sight):
        self.kinds, self.sight = Counter(), sight

    def push(self, record):
        self.kinds[type(record).__name__] += 1
        return [], []

    def store(self, stamp_ns, store):
        assert store.cameras.keys() == {"eye"}
        return [], []

    def finish(self):
        return [], []


@pytest.mark.parametrize("sight", [True, False])
def test_a_replay_reads_pictures_for_a_fusion_that_sees(bag, sight):
    till = Till(sight)
    result = replay(bag, checkout=till)
    assert result.counters == {}
    assert till.kinds["WeightBatch"] > 20
    assert till.kinds["CodedFrame"] == (20 if sight else 0)


@pytest.mark.parametrize("cameras", [True, False])
def test_the_command_draws_where_people_have_bodies(cameras, tmp_path, capsys):
    folder = write_store(store(), tmp_path / "shop")
    scenario = tmp_path / "one.yaml"
    scenario.write_text("walk: true\nlead_s: 0.5\ncast: [{enter_s: 0.5}]\ncues: []\n")
    words = ["sim", folder, "--scenario", scenario, "--out", tmp_path / "bag", "--json"]
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words] + ([] if cameras else ["--no-cameras"]))
    assert not ended.value.code
    summary = json.loads(capsys.readouterr().out)
    assert summary["cameras"] == int(cameras)
    with BagReader(tmp_path / "bag") as reader:
        counts = reader.counts()
        assert reader.warnings == []
    assert (PICTURES in counts) is cameras
    if cameras:
        assert counts[PICTURES] == counts["/camera/eye/camera_info"]
        assert counts[PICTURES] == pytest.approx(5 * summary["store_s"], rel=0.05)
    assert read_truth(tmp_path / "bag").keys() == {"shopper-1"}


def test_force_replaces_a_bag_and_nothing_else(tmp_path, capsys):
    folder = write_store(store(), tmp_path / "shop")
    scenario = tmp_path / "none.yaml"
    scenario.write_text("shoppers: 0\n")
    words = ["sim", str(folder), "--scenario", str(scenario), "--force", "--out"]
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, str(tmp_path / "bag")])
        assert not ended.value.code
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, str(folder)])
    assert ended.value.code == 2
    assert "is no bag" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert (folder / "rig.yaml").is_file()


@pytest.mark.parametrize(
    ("topic", "camera"),
    [
        ("/camera/eye/image_raw/compressed", "eye"),
        ("/rig/camera/eye/image_raw/compressed", "eye"),
        ("/camera/eye/overlay/compressed", ""),
        ("/debug/image_raw/compressed", ""),
        ("/camera/a/b/image_raw/compressed", ""),
    ],
)
def test_only_a_cameras_own_topic_has_its_pictures(topic, camera):
    assert camera_of_topic(topic) == camera
