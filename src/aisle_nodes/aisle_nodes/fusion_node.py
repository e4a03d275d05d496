"""fusion_node: weights, passages and the store model become receipt predictions."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from aisle_msgs.msg import GateEvent as GateMessage
from aisle_msgs.msg import ReceiptPrediction, StoreModel, WeightReadings
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from aisle.bags.convert import (
    MessageError,
    gate_from_message,
    prediction_to_message,
    weights_from_message,
)
from aisle.bags.convert_store import store_from_message
from aisle.fusion.fusion import StoreAt
from aisle.fusion.runtime import load_runtime
from aisle.records import GateEvent, Prediction, WeightBatch
from aisle_nodes.diagnostics import Level
from aisle_nodes.durable_fusion import DurableFusion
from aisle_nodes.interfaces import (
    GATE_EVENTS,
    GATE_QOS,
    PREDICTIONS,
    RECEIPT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
    WEIGHTS_IN,
    weights_topic,
)
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.schemas import FusionParameters

FLUSH_PERIOD_S = 1.0
IDLE_S = 4.0
"""After so much silence of all inputs, sessions that have left are closed without waiting."""
STATE_FILE = "fusion.json"


class FusionNode(AisleNode[FusionParameters]):
    """Publishes `receipts/predictions`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("fusion_node", FusionParameters, **options)
        self._fusion: DurableFusion | None = None
        self._early: list[GateEvent] = []
        self._weights: dict[str, Any] = {}
        self._heard_s = time.monotonic()

    def configure(self) -> None:
        """Load the model; wait for the store."""
        self._runtime = load_runtime(Path(self.params.model) if self.params.model else None)
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
        ]
        self._timer = self.create_timer(FLUSH_PERIOD_S, self._flush, clock=steady)

    def deactivate(self) -> None:
        """Stop listening."""
        for subscription in [*self._inputs, *self._weights.values()]:
            self.destroy_subscription(subscription)
        self._weights.clear()
        self.destroy_timer(self._timer)

    def release(self) -> None:
        """Forget the state; the one on disk is complete."""
        self._fusion = None
        self._early.clear()

    def _on_store(self, message: Any) -> None:
        try:
            stamp_ns, store = store_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_store_models", f"store model refused: {error}")
            return
        self.diagnostics.stream(STORE_MODEL).seen(stamp_ns, self.now_ns())
        if self._fusion is None:
            path = Path(self.params.state_dir) / STATE_FILE
            self._fusion = DurableFusion(store, self._runtime, path)
            self._publish(self._fusion.flush())
            early, self._early = self._early, []
            for event in early:
                self._push(event)
        else:
            self._push(StoreAt(stamp_ns, store))
        for controller in store.controllers:
            if controller not in self._weights:
                self._weights[controller] = self.create_subscription(
                    WeightReadings,
                    weights_topic(controller),
                    partial(self._on_weights, controller),
                    WEIGHTS_IN,
                )

    def _on_gate(self, message: Any) -> None:
        try:
            event = gate_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_gate_events", f"gate event refused: {error}")
            return
        self.diagnostics.stream(GATE_EVENTS).seen(event.stamp_ns, self.now_ns())
        self._push(event)

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

    def _push(self, record: WeightBatch | GateEvent | StoreAt) -> None:
        self._heard_s = time.monotonic()
        if self._fusion is not None:
            self._publish(self._fusion.push(record))
        elif isinstance(record, GateEvent):
            self._early.append(record)

    def _flush(self) -> None:
        if self._fusion is not None:
            self._publish(self._fusion.flush())
            if self._fusion.fusion.leaving and time.monotonic() - self._heard_s > IDLE_S:
                # Nobody moves time on: a recording has ended, or every driver is gone.
                self._publish(self._fusion.finish())

    def _publish(self, predictions: list[Prediction]) -> None:
        for prediction in predictions:
            self._predictions.publish(prediction_to_message(prediction, TYPES))
            self.diagnostics.count("changes", amount=len(prediction.changes))
            self.diagnostics.count("finals", amount=prediction.final)

    def _report(self) -> None:
        hold = self.diagnostics.hold
        hold("store", Level.WARN, "" if self._fusion else "no store model has come yet")
        if self._fusion is None:
            return
        fusion = self._fusion.fusion
        self.diagnostics.values.update(fusion.counters, **self._fusion.counters)
        self.diagnostics.values["open_sessions"] = len(fusion.memory.sessions)
        hold("state", Level.ERROR, self._fusion.error)
        dead = ", ".join(fusion.sync.dead)
        hold("dead", Level.ERROR, f"no readings from {dead}: look at the controller" * bool(dead))


main = main_of(FusionNode)
