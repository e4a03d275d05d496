"""`SlotChange` messages to records and back."""

from __future__ import annotations

from typing import Any

from aisle.bags.convert import (
    MAX_QUANTITY,
    header_message,
    share,
    stamp,
    text,
    texts,
    untrusted,
    whole,
)
from aisle.bags.messages import MessageTypes
from aisle.records import SlotChange


def slot_change_to_message(change: SlotChange, types: MessageTypes) -> Any:
    """Return a `SlotChange` message."""
    return types.make(
        "aisle_msgs/msg/SlotChange",
        header=header_message(change.stamp_ns, "map", types),
        cause=change.cause,
        product=change.product,
        shelf=change.shelf,
        plates=list(change.plates),
        quantity=change.quantity,
        confidence=change.confidence,
    )


@untrusted
def slot_change_from_message(message: Any) -> SlotChange:
    """Return a `SlotChange`.

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
