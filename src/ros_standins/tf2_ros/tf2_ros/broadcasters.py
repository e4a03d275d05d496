"""Publishers of transforms."""

from __future__ import annotations

from collections.abc import Iterable

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from tf2_msgs.msg import TFMessage


def _listed(transform: TransformStamped | Iterable[TransformStamped]) -> list[TransformStamped]:
    return [transform] if isinstance(transform, TransformStamped) else list(transform)


class TransformBroadcaster:
    """Publishes transforms that hold at their stamp, on ``/tf``."""

    def __init__(self, node: Node, qos: QoSProfile | int | None = None) -> None:
        self.pub_tf = node.create_publisher(
            TFMessage, "/tf", QoSProfile(depth=100) if qos is None else qos
        )

    def sendTransform(  # noqa: N802  the original's name
        self, transform: TransformStamped | Iterable[TransformStamped]
    ) -> None:
        """Publish one or several transforms in one message."""
        self.pub_tf.publish(TFMessage(transforms=_listed(transform)))


class StaticTransformBroadcaster:
    """Publishes transforms that hold at any time, on ``/tf_static``, for late joiners too.

    Each message carries all children so far; a child that was sent before keeps its first
    transform.
    """

    def __init__(self, node: Node, qos: QoSProfile | int | None = None) -> None:
        if qos is None:
            qos = QoSProfile(
                depth=1,
                durability=DurabilityPolicy.TRANSIENT_LOCAL,
                history=HistoryPolicy.KEEP_LAST,
            )
        self.pub_tf = node.create_publisher(TFMessage, "/tf_static", qos)
        self.net_message = TFMessage()

    def sendTransform(  # noqa: N802  the original's name
        self, transform: TransformStamped | Iterable[TransformStamped]
    ) -> None:
        """Add new children and publish all."""
        known = {entry.child_frame_id for entry in self.net_message.transforms}
        for entry in _listed(transform):
            if entry.child_frame_id not in known:
                known.add(entry.child_frame_id)
                self.net_message.transforms.append(entry)
        self.pub_tf.publish(self.net_message)
