"""fusion_node: weights, pictures, passages and the store model become receipt predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, cast

from aisle_msgs.msg import GateEvent as GateMessage
from aisle_msgs.msg import ReceiptPrediction, StoreModel, WeightReadings
from aisle_msgs.msg import SlotChange as SlotMessage
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.exceptions import InvalidTopicNameException
from sensor_msgs.msg import CompressedImage

from aisle.bags.convert import (
    MessageError,
    gate_from_message,
    prediction_to_message,
    slot_change_from_message,
    weights_from_message,
)
from aisle.bags.convert_images import coded_from_message
from aisle.bags.convert_store import store_from_message
from aisle.fusion.intake import Intake
from aisle.fusion.maker import FusionMaker
from aisle.fusion.runtime import RuntimeKind, open_runtime
from aisle.records import Prediction, Record
from aisle.store.types import Store
from aisle_nodes.diagnostics import Level
from aisle_nodes.durable_fusion import DurableFusion
from aisle_nodes.interfaces import (
    CAMERA_QOS,
    GATE_EVENTS,
    GATE_QOS,
    PREDICTIONS,
    RECEIPT_QOS,
    SLOT_CHANGES,
    SLOT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
    WEIGHTS_IN,
    camera_topic,
    weights_topic,
)
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.schemas import FusionParameters

FLUSH_PERIOD_S = 1.0
IDLE_PERIODS = 4
"""After so many periods in a row without any message, sessions that have left are closed. Time
is counted in periods, so that a process that was stopped for a while first takes what waits."""
STATE_FILE = "fusion.json"
SHOWN = 5
"""Bad plates and cameras that are named; a store may have many."""


class FusionNode(AisleNode[FusionParameters]):
    """Publishes `receipts/predictions`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("fusion_node", FusionParameters, **options)
        self._intake = Intake(self._begin)
        self._streams: dict[str, Any] = {}
        """Subscriptions to scales and cameras, by topic."""
        self._idle_periods = 0

    def _begin(self, store: Store) -> DurableFusion:
        return DurableFusion(self._maker.make(store), Path(self.params.state_dir) / STATE_FILE)

    def configure(self) -> None:
        """Load the models; wait for the store."""
        params = self.params
        kind = cast(RuntimeKind, params.runtime)  # the schema has checked it
        model = Path(params.model) if params.model else None
        runtime = open_runtime(kind, model)
        catalogue = Path(params.catalogue) if params.catalogue else None
        networks = model.parent if model else None
        self._maker = FusionMaker(runtime, catalogue, cameras=params.cameras, networks=networks)
        self._predictions = self.create_lifecycle_publisher(
            ReceiptPrediction, PREDICTIONS, RECEIPT_QOS
        )
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Begin to listen."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._inputs = [
            self.create_subscription(StoreModel, STORE_MODEL, self._on_store, STORE_QOS),
            self.create_subscription(GateMessage, GATE_EVENTS, self._on_gate, GATE_QOS),
            self.create_subscription(SlotMessage, SLOT_CHANGES, self._on_slot_change, SLOT_QOS),
        ]
        self._timer = self.create_timer(FLUSH_PERIOD_S, self._flush, clock=steady)

    def deactivate(self) -> None:
        """Stop listening."""
        for subscription in [*self._inputs, *self._streams.values()]:
            self.destroy_subscription(subscription)
        self._streams.clear()
        self.destroy_timer(self._timer)

    def release(self) -> None:
        """Forget the state; the one on disk is complete."""
        self._intake = Intake(self._begin)

    def _on_store(self, message: Any) -> None:
        try:
            stamp_ns, store = store_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_store_models", f"store model refused: {error}")
            return
        self.diagnostics.stream(STORE_MODEL).seen(stamp_ns, self.now_ns())
        self._idle_periods = 0
        self._publish(self._intake.store(stamp_ns, store))
        self._listen(store)

    def _listen(self, store: Store) -> None:
        """Subscribe to scales, and to cameras where the fusion has eyes."""
        wanted: dict[str, tuple[Any, Callable[[Any], None], Any]] = {
            weights_topic(name): (WeightReadings, partial(self._on_weights, name), WEIGHTS_IN)
            for name in store.controllers
        }
        durable = self._intake.fusion
        if durable is not None and durable.fusion.eyes is not None:
            for name in store.cameras:
                topic = camera_topic(name, "image_raw/compressed")
                wanted[topic] = CompressedImage, partial(self._on_picture, name), CAMERA_QOS
        for topic, (kind, take, quality) in wanted.items():
            if topic in self._streams:
                continue
            try:
                self._streams[topic] = self.create_subscription(kind, topic, take, quality)
            except InvalidTopicNameException:
                self.diagnostics.count("names_without_topic", f"{topic!r} can be no topic")

    def _on_gate(self, message: Any) -> None:
        try:
            event = gate_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_gate_events", f"gate event refused: {error}")
            return
        self.diagnostics.stream(GATE_EVENTS).seen(event.stamp_ns, self.now_ns())
        self._push(event)

    def _on_slot_change(self, message: Any) -> None:
        try:
            change = slot_change_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_slot_changes", f"slot change refused: {error}")
            return
        self._publish(self._intake.push(change))

    def _on_weights(self, controller: str, message: Any) -> None:
        try:
            batch = weights_from_message(message)
            if batch.controller != controller:
                raise MessageError(f"it is of controller {batch.controller!r}")
        except MessageError as error:
            topic = weights_topic(controller)
            self.diagnostics.count("malformed_weights", f"message on {topic} refused: {error}")
            return
        self.diagnostics.stream(weights_topic(controller)).seen(batch.end_ns, self.now_ns())
        self._push(batch)

    def _on_picture(self, camera: str, message: Any) -> None:
        topic = camera_topic(camera, "image_raw/compressed")
        try:
            frame = coded_from_message(message)
            if frame.camera != camera:
                raise MessageError(f"it is of camera {frame.camera!r}")
        except MessageError as error:
            self.diagnostics.count("malformed_pictures", f"message on {topic} refused: {error}")
            return
        self.diagnostics.stream(topic).seen(frame.stamp_ns, self.now_ns())
        self._push(frame)

    def _push(self, record: Record) -> None:
        self._idle_periods = 0
        self._publish(self._intake.push(record))

    def _flush(self) -> None:
        fusion = self._intake.fusion
        if fusion is None:
            return
        self._publish(fusion.flush())
        self._idle_periods += 1
        if fusion.fusion.leaving and self._idle_periods > IDLE_PERIODS:
            # Nobody moves time on: a recording has ended, or every driver is gone.
            self._publish(fusion.finish())

    def _publish(self, predictions: list[Prediction]) -> None:
        for prediction in predictions:
            self._predictions.publish(prediction_to_message(prediction, TYPES))
            self.diagnostics.count("changes", amount=len(prediction.changes))
            self.diagnostics.count("finals", amount=prediction.final)

    def _report(self) -> None:
        hold, durable = self.diagnostics.hold, self._intake.fusion
        self.diagnostics.values.update(self._intake.counters)
        hold("store", Level.WARN, "" if durable else "no store model has come yet")
        if durable is None:
            return
        fusion = durable.fusion
        self.diagnostics.values.update(fusion.counters, **durable.counters, **self._maker.counters)
        self.diagnostics.values["open_sessions"] = len(fusion.memory.sessions)
        hold("state", Level.ERROR, durable.error)
        eyes = fusion.eyes
        hold("sight", Level.WARN, "; ".join(self._maker.warnings))
        hold("followed", Level.WARN, "" if eyes is None else eyes.trouble)
        lost = _some(change.text for change in (eyes.bad_cameras.values() if eyes else ()))
        hold("cameras", Level.ERROR, f"camera {lost}: look at its cable" * bool(lost))
        reasons, controllers = fusion.sync.reasons, fusion.store.controllers
        dead = _some(f"{name} ({why})" for name, why in reasons.items() if name in controllers)
        hold("dead", Level.ERROR, f"no readings from {dead}: look at the controller" * bool(dead))
        bad = _some(f"{plate} ({change.reason})" for plate, change in fusion.bad_plates.items())
        hold("plates", Level.WARN, f"bad plates: {bad}: look at them" * bool(bad))


def _some(texts: Iterable[str]) -> str:
    found = list(texts)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


main = main_of(FusionNode)
