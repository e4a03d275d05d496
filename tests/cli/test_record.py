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
    command = "from aisle.cli.main import main; main()"
    recorder = subprocess.Popen(
        [sys.executable, "-c", command, "record", "-o", str(bag)],
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
