"""receipt_node: predictions and passages become receipts in a durable ledger."""

from __future__ import annotations

from typing import Any

from aisle_msgs.msg import GateEvent as GateMessage
from aisle_msgs.msg import ReceiptPrediction, ReceiptUpdate, StoreModel
from aisle_msgs.msg import SlotChange as SlotChangeMessage
from aisle_msgs.srv import GetReceipt

from aisle.bags.convert import (
    MessageError,
    gate_from_message,
    prediction_from_message,
    receipt_to_message,
    slot_change_to_message,
)
from aisle.bags.convert_store import store_from_message
from aisle.receipts import Ledger, LedgerConfig, LedgerError
from aisle.records import Receipt
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import (
    GATE_EVENTS,
    GATE_QOS,
    GET_RECEIPT,
    PREDICTIONS,
    RECEIPT_QOS,
    SLOT_CHANGES,
    SLOT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
    UPDATES,
)
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.schemas import ReceiptParameters

TICK_PERIOD_S = 0.5
REPUBLISHED = 100
"""Closed receipts and slot changes that are published again at start, for those who join late."""


class ReceiptNode(AisleNode[ReceiptParameters]):
    """Publishes `receipts/updates` and `store/slot_changes`, answers `receipts/get`."""

    def __init__(self, **options: Any) -> None:
        super().__init__("receipt_node", ReceiptParameters, **options)
        self._ledger: Ledger | None = None

    def configure(self) -> None:
        """Open the ledger."""
        config = LedgerConfig(
            review_threshold=self.params.review_below,
            final_limit_s=self.params.final_limit_s,
            max_open_s=self.params.max_open_s,
        )
        self._ledger = Ledger(self.params.database, config=config)
        self._updates = self.create_lifecycle_publisher(ReceiptUpdate, UPDATES, RECEIPT_QOS)
        self._changes = self.create_lifecycle_publisher(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS)
        changes = self._ledger.slot_changes()
        self._place = changes[-REPUBLISHED][0] - 1 if len(changes) >= REPUBLISHED else 0
        self._reader = self.create_service(GetReceipt, GET_RECEIPT, self._serve)
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Publish what is known, then listen."""
        assert self._ledger is not None
        self._publish(self._ledger.republish(REPUBLISHED))
        subscribe = self.create_subscription
        self._inputs = [
            subscribe(StoreModel, STORE_MODEL, self._on_store, STORE_QOS),
            subscribe(GateMessage, GATE_EVENTS, self._on_gate, GATE_QOS),
            subscribe(ReceiptPrediction, PREDICTIONS, self._on_prediction, RECEIPT_QOS),
        ]
        self._timer = self.create_timer(TICK_PERIOD_S, self._tick)

    def deactivate(self) -> None:
        """Stop listening."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self.destroy_timer(self._timer)

    def release(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _on_store(self, message: Any) -> None:
        try:
            stamp_ns, store = store_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_store_models", f"store model refused: {error}")
            return
        assert self._ledger is not None
        self._publish(self._ledger.set_catalogue(store, stamp_ns))

    def _on_gate(self, message: Any) -> None:
        try:
            event = gate_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_gate_events", f"gate event refused: {error}")
            return
        assert self._ledger is not None
        self.diagnostics.stream(GATE_EVENTS).seen(event.stamp_ns, self.now_ns())
        self._publish(self._ledger.gate(event))

    def _on_prediction(self, message: Any) -> None:
        try:
            prediction = prediction_from_message(message)
        except MessageError as error:
            self.diagnostics.count("malformed_predictions", f"prediction refused: {error}")
            return
        assert self._ledger is not None
        self.diagnostics.stream(PREDICTIONS).seen(prediction.stamp_ns, self.now_ns())
        self._publish(self._ledger.apply(prediction))

    def _tick(self) -> None:
        assert self._ledger is not None
        self._publish(self._ledger.tick(self.now_ns()))

    def _publish(self, receipts: list[Receipt]) -> None:
        """Publish new receipts, and the slot changes that came with them or without any."""
        assert self._ledger is not None
        for receipt in receipts:
            self._updates.publish(receipt_to_message(receipt, TYPES))
            self.diagnostics.stream(UPDATES).seen(receipt.stamp_ns, self.now_ns())
        if self._ledger.status().available:
            self._publish_slot_changes()

    def _publish_slot_changes(self) -> None:
        assert self._ledger is not None
        try:
            changes = self._ledger.slot_changes(self._place)
        except LedgerError as error:
            self.diagnostics.count("ledger_read_failures", str(error))
            return
        for self._place, change in changes:
            self._changes.publish(slot_change_to_message(change, TYPES))

    def _serve(self, request: Any, response: Any) -> Any:
        assert self._ledger is not None
        try:
            receipt = self._ledger.receipt(request.session)
        except LedgerError as error:
            response.message = str(error)
            return response
        if receipt is None:
            response.message = f"there is no receipt of a session {request.session[:100]!r}"
            return response
        response.found, response.receipt = True, receipt_to_message(receipt, TYPES)
        return response

    def _report(self) -> None:
        if self._ledger is None:
            return
        status = self._ledger.status()
        self.diagnostics.values.update(status.counters, queued=status.queued)
        self.diagnostics.hold("ledger", Level.ERROR, "" if status.available else status.message)


main = main_of(ReceiptNode)
