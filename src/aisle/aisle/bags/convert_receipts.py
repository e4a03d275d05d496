"""Predictions, receipts and slot changes: messages of `aisle_msgs` to records and back."""

from __future__ import annotations

from typing import Any

from aisle.bags.fields import (
    MAX_QUANTITY,
    header_message,
    items,
    share,
    stamp,
    text,
    texts,
    time_message,
    untrusted,
    whole,
)
from aisle.bags.messages import MessageError, MessageTypes
from aisle.records import (
    Action,
    Change,
    ChangeState,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
    SlotChange,
)

PREDICTION = "aisle_msgs/msg/ReceiptPrediction"
UPDATE = "aisle_msgs/msg/ReceiptUpdate"
SLOT_CHANGE = "aisle_msgs/msg/SlotChange"


def _change_to_message(change: Change, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/ReceiptChange",
        id=change.id,
        state=int(change.state),
        stamp=time_message(change.stamp_ns, types),
        action=int(change.action),
        product=change.product,
        quantity=change.quantity,
        probability=change.probability,
        shelf=change.shelf,
        counterpart=change.counterpart,
        foreign=change.foreign,
        evidence_start=time_message(change.evidence_ns[0], types),
        evidence_end=time_message(change.evidence_ns[1], types),
        plates=list(change.plates),
        cameras=list(change.cameras),
    )


def _change_from_message(message: Any) -> Change:
    return Change(
        id=text(message.id, "change id"),
        state=ChangeState(whole(message.state, "state", 0, max(ChangeState))),
        stamp_ns=stamp(message.stamp, "stamp"),
        action=Action(whole(message.action, "action", 0, max(Action))),
        product=text(message.product, "product", empty=True),
        quantity=whole(message.quantity, "quantity", 0, MAX_QUANTITY),
        probability=share(message.probability, "probability"),
        shelf=text(message.shelf, "shelf", empty=True),
        counterpart=text(message.counterpart, "counterpart", empty=True),
        plates=texts(message.plates, "plates"),
        cameras=texts(message.cameras, "cameras"),
        evidence_ns=(
            stamp(message.evidence_start, "evidence_start"),
            stamp(message.evidence_end, "evidence_end"),
        ),
        foreign=bool(message.foreign),
    )


def prediction_to_message(prediction: Prediction, types: MessageTypes) -> Any:
    """Return a `ReceiptPrediction`; probabilities become 32-bit floats."""
    return types.make(
        PREDICTION,
        header=header_message(prediction.stamp_ns, "", types),
        session=prediction.session,
        changes=[_change_to_message(change, types) for change in prediction.changes],
        final=prediction.final,
        gaps=list(prediction.gaps),
    )


@untrusted
def prediction_from_message(message: Any) -> Prediction:
    """Return a `Prediction`.

    Raises:
        MessageError: A field is out of bounds.
    """
    return Prediction(
        stamp_ns=stamp(message.header.stamp),
        session=text(message.session, "session"),
        changes=tuple(_change_from_message(item) for item in items(message.changes, "changes")),
        final=bool(message.final),
        gaps=texts(message.gaps, "gaps"),
    )


def receipt_to_message(receipt: Receipt, types: MessageTypes) -> Any:
    """Return a `ReceiptUpdate`; confidences become 32-bit floats."""
    lines = [
        types.make(
            "aisle_msgs/msg/ReceiptLine",
            product=line.product,
            name=line.name,
            quantity=line.quantity,
            unit_price_minor=line.unit_price_minor,
            confidence=line.confidence,
        )
        for line in receipt.lines
    ]
    return types.make(
        UPDATE,
        header=header_message(receipt.stamp_ns, "", types),
        session=receipt.session,
        revision=receipt.revision,
        state=int(receipt.state),
        currency=receipt.currency,
        lines=lines,
        total_minor=receipt.total_minor,
        cause=receipt.cause,
        review_reasons=list(receipt.review_reasons),
    )


def _line_from_message(message: Any) -> ReceiptLine:
    return ReceiptLine(
        product=text(message.product, "product", empty=True),
        name=text(message.name, "name", empty=True),
        quantity=whole(message.quantity, "quantity", 0, MAX_QUANTITY),
        unit_price_minor=whole(message.unit_price_minor, "unit_price_minor", -(2**53), 2**53),
        confidence=share(message.confidence, "confidence"),
    )


@untrusted
def receipt_from_message(message: Any) -> Receipt:
    """Return a `Receipt`.

    Raises:
        MessageError: A field is out of bounds, or the total is not the sum of the lines.
    """
    receipt = Receipt(
        session=text(message.session, "session"),
        revision=whole(message.revision, "revision", 0, 2**32 - 1),
        state=ReceiptState(whole(message.state, "state", 0, max(ReceiptState))),
        stamp_ns=stamp(message.header.stamp),
        currency=text(message.currency, "currency", empty=True),
        lines=tuple(_line_from_message(item) for item in items(message.lines, "lines")),
        cause=text(message.cause, "cause", empty=True),
        review_reasons=texts(message.review_reasons, "review_reasons"),
    )
    if int(message.total_minor) != receipt.total_minor:
        raise MessageError(
            f"total_minor is {message.total_minor}, the lines make {receipt.total_minor}"
        )
    return receipt


def slot_change_to_message(change: SlotChange, types: MessageTypes) -> Any:
    """Return a `SlotChange` message; the confidence becomes a 32-bit float."""
    return types.make(
        SLOT_CHANGE,
        header=header_message(change.stamp_ns, "", types),
        cause=change.cause,
        product=change.product,
        shelf=change.shelf,
        plates=list(change.plates),
        quantity=change.quantity,
        confidence=change.confidence,
    )


@untrusted
def slot_change_from_message(message: Any) -> SlotChange:
    """Return a `SlotChange` record.

    Raises:
        MessageError: A field is out of bounds.
    """
    return SlotChange(
        stamp_ns=stamp(message.header.stamp),
        cause=text(message.cause, "cause"),
        product=text(message.product, "product"),
        shelf=text(message.shelf, "shelf"),
        plates=texts(message.plates, "plates"),
        quantity=whole(message.quantity, "quantity", -MAX_QUANTITY, MAX_QUANTITY),
        confidence=share(message.confidence, "confidence"),
    )
