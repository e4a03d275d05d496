"""`aisle watch` against publishers in this process, over DDS."""

import json
import os
import signal
import subprocess
import sys

import pytest

from aisle.bags import convert
from aisle.bags.messages import GeneratedTypes
from aisle.bags.truth import TrueSession, session_json
from aisle.records import Receipt, ReceiptLine, ReceiptState

rclpy = pytest.importorskip("rclpy")
DOMAIN = "78"


def test_changes_and_truth_are_told_line_by_line_until_interrupted():
    import aisle_msgs.msg
    import builtin_interfaces.msg
    import std_msgs.msg
    from rclpy.qos import DurabilityPolicy, QoSProfile

    types = GeneratedTypes(aisle_msgs.msg, builtin_interfaces.msg, std_msgs.msg)
    latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(DOMAIN))
    node = rclpy.create_node("publisher", context=context, namespace="rig")
    updates = node.create_publisher(aisle_msgs.msg.ReceiptUpdate, "receipts/updates", latched)
    truth = node.create_publisher(std_msgs.msg.String, "sim/truth", latched)
    line = ReceiptLine("cola", "Cola", 1, 199, 0.75)
    receipt = Receipt("s", 2, ReceiptState.OPEN, 5, "EUR", (line,), "s/1")
    broken = convert.receipt_to_message(receipt, types)
    broken.total_minor = 7
    updates.publish(broken)
    updates.publish(convert.receipt_to_message(receipt, types))
    session = session_json(TrueSession("s", {"cola": 2}))
    truth.publish(std_msgs.msg.String(data=json.dumps(session)))
    command = "from aisle.cli.main import main; main()"
    watcher = subprocess.Popen(
        [sys.executable, "-u", "-c", command, "watch", "--plain", "--namespace", "rig"],
        env={**os.environ, "ROS_DOMAIN_ID": DOMAIN},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        heard = [watcher.stdout.readline() for _ in range(3)]
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=30)
    finally:
        watcher.kill()
        node.destroy_node()
        context.try_shutdown()
    assert watcher.returncode == 0
    text = "".join(heard)
    assert "message refused: total_minor is 7, the lines make 199" in text
    assert "+1 Cola (75%)" in text
    assert "in truth with 2 x " in text
