"""`aisle record` against publishers in this process, over DDS."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from aisle.bags import convert
from aisle.bags.messages import GeneratedTypes
from aisle.bags.store_io import BagReader
from aisle.records import GateEvent, GateKind, WeightBatch

rclpy = pytest.importorskip("rclpy")
COMMAND = [sys.executable, "-c", "from aisle.cli.main import main; main()", "record"]
DOMAIN = "77"


@pytest.fixture
def node():
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(DOMAIN))
    made = rclpy.create_node("publisher", context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.02)


def test_topics_are_recorded_with_their_bytes_until_interrupted(node, tmp_path):
    import aisle_msgs.msg
    import builtin_interfaces.msg
    import std_msgs.msg
    from rclpy.qos import DurabilityPolicy, QoSProfile

    types = GeneratedTypes(aisle_msgs.msg, builtin_interfaces.msg, std_msgs.msg)
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    gate = node.create_publisher(aisle_msgs.msg.GateEvent, "gate/events", latched)
    gate.publish(convert.gate_to_message(GateEvent(7, "gate", GateKind.ENTER, "s"), types))
    weights = node.create_publisher(aisle_msgs.msg.WeightReadings, "weights/g1", 50)
    bag = tmp_path / "bag"
    recorder = subprocess.Popen(
        [*COMMAND, "-o", str(bag)],
        env={**os.environ, "ROS_DOMAIN_ID": DOMAIN},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: weights.get_subscription_count() and gate.get_subscription_count())
        kilograms = np.arange(8, dtype=np.float32).reshape(4, 2)
        for number in range(20):
            batch = WeightBatch(
                "g1", number, 10**7, ("a", "b"), kilograms + number, np.zeros(2, np.uint8)
            )
            weights.publish(convert.weights_to_message(batch, types))
        assert weights.wait_for_all_acked(rclpy.duration.Duration(seconds=10))
        recorder.send_signal(signal.SIGINT)
        output, _ = recorder.communicate(timeout=20)
    finally:
        recorder.kill()
    assert recorder.returncode == 0, output
    assert f"{bag}: 21 messages on 2 topics" in output
    with BagReader(bag) as reader:
        assert reader.warnings == []
        read = [
            convert.weights_from_message(reader.decode(m))
            for m in reader.messages({convert.WEIGHTS})
        ]
        events = [
            convert.gate_from_message(reader.decode(m)) for m in reader.messages({convert.GATE})
        ]
    assert [batch.stamp_ns for batch in read] == list(range(20))
    np.testing.assert_array_equal(read[3].kilograms, kilograms + 3)
    assert events == [GateEvent(7, "gate", GateKind.ENTER, "s")]
    text = (bag / "metadata.yaml").read_text()
    assert "transient_local" in text


@pytest.mark.parametrize("raw_images", [False, True])
def test_raw_images_are_recorded_on_request_only(node, tmp_path, raw_images):
    from sensor_msgs.msg import CompressedImage, Image

    topic, bag = "camera/c1/image_raw", tmp_path / "bag"
    raw = node.create_publisher(Image, topic, 5)
    small = node.create_publisher(CompressedImage, f"{topic}/compressed", 5)
    recorder = subprocess.Popen(
        [*COMMAND, "-o", str(bag), "--topic", "camera/*", *["--raw-images"] * raw_images],
        env={**os.environ, "ROS_DOMAIN_ID": DOMAIN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(small.get_subscription_count)
        if raw_images:
            until(raw.get_subscription_count)
        raw.publish(Image(height=1, width=2, step=2, encoding="mono8", data=[1, 2]))
        small.publish(CompressedImage(format="jpeg", data=[1, 2, 3]))
        assert small.wait_for_all_acked(rclpy.duration.Duration(seconds=10))
        assert raw.wait_for_all_acked(rclpy.duration.Duration(seconds=10))
        recorder.send_signal(signal.SIGINT)
        _, errors = recorder.communicate(timeout=20)
    finally:
        recorder.kill()
    with BagReader(bag) as reader:
        counts = reader.counts()
    assert counts == {f"/{topic}/compressed": 1} | ({f"/{topic}": 1} if raw_images else {})
    told = f"not recording /{topic}: raw images need --raw-images" in errors
    assert told is not raw_images
