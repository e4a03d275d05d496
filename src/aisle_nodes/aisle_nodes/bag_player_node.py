"""bag_player_node: a recording on the topics of the drivers and the store, with `/clock`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aisle_msgs.msg import GateEvent, StoreModel, WeightReadings
from rclpy.utilities import try_shutdown
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from aisle.bags.convert import GATE, WEIGHTS, MessageError
from aisle.bags.convert_images import CAMERA_INFO, COMPRESSED, IMAGE
from aisle.bags.convert_store import STORE, store_from_message
from aisle.bags.store_io import BagReader, RawMessage, topic_prefix
from aisle.sensing.playback import Playback
from aisle_nodes.interfaces import CAMERA_QOS, GATE_QOS, STORE_QOS, WEIGHTS_OUT, weights_topic
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.parameters import ParameterError
from aisle_nodes.played_clock import ClockPublisher, PlayedClock
from aisle_nodes.schemas import BagPlayerParameters

PLAYED = {
    WEIGHTS: (WeightReadings, WEIGHTS_OUT),
    GATE: (GateEvent, GATE_QOS),
    STORE: (StoreModel, STORE_QOS),
    IMAGE: (Image, CAMERA_QOS),
    COMPRESSED: (CompressedImage, CAMERA_QOS),
    CAMERA_INFO: (CameraInfo, CAMERA_QOS),
}
"""Class and quality of service of each type that is played."""


class BagPlayerNode(AisleNode[BagPlayerParameters]):
    """Publishes the weights, passages, pictures and store models of a bag, byte for byte.

    The first store model goes out at once; time begins when the fusion listens to the scales. The
    node ends by itself, with exit code 0, some time after the last message.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("bag_player_node", BagPlayerParameters, **options)
        self._reader: BagReader | None = None
        self._time: ClockPublisher | None = None
        self._end_ns: int | None = None

    def configure(self) -> None:
        """Open the bag."""
        reader = BagReader(Path(self.params.bag))
        self._reader = reader
        self._names = {WEIGHTS, GATE} | ({STORE} if self.params.store_models else set())
        if self.params.cameras:
            self._names |= {IMAGE, COMPRESSED, CAMERA_INFO}
        topics = {t: name for t, name in reader.types.items() if self._relative(t)}
        self._outputs = {
            topic: self.create_lifecycle_publisher(
                PLAYED[name][0], self._relative(topic), PLAYED[name][1]
            )
            for topic, name in topics.items()
            if name in self._names
        }
        first = next(self._messages(), None)
        if first is None:
            raise ParameterError(f"{self.params.bag} has no weights, passages or pictures")
        self._first_ns = first.log_ns
        self._playback = Playback(self._due)

    def activate(self) -> None:
        """Publish the first store model; let time run once somebody listens."""
        model = next((m for m in self._messages() if m.type == STORE), None)
        if model is not None:
            self._outputs[model.topic].publish(model.payload)
        self._time = ClockPublisher(
            self,
            None,
            lambda: PlayedClock(self._first_ns, time.time_ns(), self.params.speed),
            self._tick,
            wait_for=self._streams(model),
            wait_limit_s=self.params.wait_limit_s,
        )

    def deactivate(self) -> None:
        """Stop time."""
        if self._time is not None:
            self._time.stop()
            self._time = None

    def release(self) -> None:
        """Close the bag."""
        self.deactivate()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _relative(self, topic: str) -> str:
        """Return a topic without the recorded namespace; empty for one outside of it."""
        prefix = topic_prefix(self.params.namespace)
        return topic.removeprefix(prefix) if topic.startswith(prefix) else ""

    def _messages(self) -> Iterator[RawMessage]:
        assert self._reader is not None
        for message in self._reader.messages(self._names):
            if message.topic in self._outputs:
                yield message

    def _due(self, now_ns: int) -> Iterator[tuple[int, RawMessage]]:
        """Give all messages; those of the first moment were not missed, time only began."""
        return ((max(message.log_ns, now_ns), message) for message in self._messages())

    def _streams(self, model: RawMessage | None) -> list[str]:
        """Return the topics of the scales to which a fusion will listen."""
        if model is None or self._reader is None:
            return []
        try:
            _, store = store_from_message(self._reader.decode(model))
        except MessageError as error:
            self.diagnostics.count("malformed_store_models", f"store model: {error}")
            return []
        played = {self._relative(topic) for topic in self._outputs}
        return [topic for topic in map(weights_topic, store.controllers) if topic in played]

    def _tick(self, now_ns: int) -> None:
        for message in self._playback.read(now_ns):
            self._outputs[message.topic].publish(message.payload)
            self.diagnostics.stream(self._relative(message.topic)).seen(message.log_ns, now_ns)
        if not self._playback.finished:
            return
        if self._end_ns is None:
            self._end_ns = now_ns + round(self.params.settle_s * 1e9)
            self._warn()
        if now_ns >= self._end_ns:
            self.get_logger().info("the bag is over")
            self.deactivate()
            try_shutdown()

    def _warn(self) -> None:
        assert self._reader is not None
        for warning in self._reader.warnings:
            self.diagnostics.count("bag_warnings", warning)


main = main_of(BagPlayerNode)
