"""Topics, qualities of service and message types that the nodes share."""

from __future__ import annotations

import aisle_msgs.msg
import builtin_interfaces.msg
import geometry_msgs.msg
import sensor_msgs.msg
import std_msgs.msg
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from aisle.bags.messages import GeneratedTypes

TYPES = GeneratedTypes(
    builtin_interfaces.msg, geometry_msgs.msg, sensor_msgs.msg, std_msgs.msg, aisle_msgs.msg
)

GATE_EVENTS = "gate/events"
STORE_MODEL = "store/model"
STORE_MARKERS = "store/markers"
STORE_SURFACE = "store/surface"
PREDICTIONS = "receipts/predictions"
UPDATES = "receipts/updates"
GET_RECEIPT = "receipts/get"
SLOT_CHANGES = "store/slot_changes"
SET_SLOT = "store/set_slot"
JOINT_STATES = "store/joint_states"
TRUTH = "sim/truth"


def weights_topic(controller: str) -> str:
    """Return the topic of a scale controller."""
    return f"weights/{controller}"


def camera_topic(camera: str, part: str) -> str:
    """Return a topic of a camera: `image_raw`, `image_raw/compressed` or `camera_info`."""
    return f"camera/{camera}/{part}"


def reliable(depth: int) -> QoSProfile:
    """Return a profile for a stream that a consumer may take reliably or not."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth)


def latched(depth: int) -> QoSProfile:
    """Return a profile whose last messages also reach those who join late."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


WEIGHTS_OUT = reliable(50)
WEIGHTS_IN = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=200, reliability=ReliabilityPolicy.BEST_EFFORT
)
GATE_QOS = latched(100)
STORE_QOS = latched(1)
SLOT_QOS = latched(100)
RECEIPT_QOS = latched(1000)
TRUTH_QOS = latched(1000)
JOINT_QOS = reliable(10)
CAMERA_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""As the sensor-data profile: a late picture is worth less than the next one."""
