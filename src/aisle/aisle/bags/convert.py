"""Messages of `aisle_msgs` to records and back, for generated ROS classes and for `rosbags`.

Every `*_from_message` returns a sound record or raises `MessageError` with a sentence that says
what is wrong. Arrays are not copied value by value. Here are readings and passages, and by name
what `convert_receipts` and `fields` hold; `convert_store`, `convert_images` and `convert_joints`
stand for themselves.
"""

from __future__ import annotations

import array
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.bags.convert_receipts import (
    PREDICTION,
    SLOT_CHANGE,
    UPDATE,
    prediction_from_message,
    prediction_to_message,
    receipt_from_message,
    receipt_to_message,
    slot_change_from_message,
    slot_change_to_message,
)
from aisle.bags.fields import (
    MAX_PLATES,
    MAX_QUANTITY,
    SECOND,
    finite,
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
    MAX_NAME,
    OPERATOR,
    GateEvent,
    GateKind,
    PlateStatus,
    WeightBatch,
)

__all__ = [
    "GATE",
    "MAX_PLATES",
    "MAX_QUANTITY",
    "PREDICTION",
    "SECOND",
    "SLOT_CHANGE",
    "UPDATE",
    "WEIGHTS",
    "MessageError",
    "finite",
    "gate_from_message",
    "gate_to_message",
    "header_message",
    "items",
    "prediction_from_message",
    "prediction_to_message",
    "receipt_from_message",
    "receipt_to_message",
    "share",
    "slot_change_from_message",
    "slot_change_to_message",
    "stamp",
    "text",
    "texts",
    "time_message",
    "untrusted",
    "weights_from_message",
    "weights_to_message",
    "whole",
]

WEIGHTS = "aisle_msgs/msg/WeightReadings"
GATE = "aisle_msgs/msg/GateEvent"

MAX_SAMPLES = 10_000


def _numbers(values: Any, dtype: type[np.generic], name: str) -> NDArray[Any]:
    """View an array field without a copy."""
    if isinstance(values, array.array):
        if values.itemsize != np.dtype(dtype).itemsize:
            raise MessageError(f"{name} has elements of {values.itemsize} bytes")
        return np.frombuffer(values, dtype=dtype) if len(values) else np.zeros(0, dtype)
    if isinstance(values, (bytes, bytearray)):
        return np.frombuffer(values, dtype=dtype) if values else np.zeros(0, dtype)
    with np.errstate(over="ignore"):  # a value beyond 32 bits becomes infinite
        return np.asarray(values, dtype=dtype).reshape(-1)


def weights_to_message(batch: WeightBatch, types: MessageTypes, frame: str = "") -> Any:
    """Return a `WeightReadings`; `frame` is the fixture, the controller's name when empty."""
    seconds, nanoseconds = divmod(batch.period_ns, SECOND)
    duration = "builtin_interfaces/msg/Duration"
    return types.make(
        WEIGHTS,
        header=header_message(batch.stamp_ns, frame or batch.controller, types),
        period=types.make(duration, sec=seconds, nanosec=nanoseconds),
        controller=batch.controller,
        plates=list(batch.plates),
        samples=len(batch.kilograms),
        kilograms=types.floats(batch.kilograms),
        status=types.octets(batch.status),
    )


@lru_cache(maxsize=256)  # a controller names the same plates in each message
def _plates(names: tuple[Any, ...]) -> tuple[str, ...]:
    plates = texts(names, "plates")
    if not plates:
        raise MessageError("the message names no plates")
    if len(set(plates)) != len(plates):
        raise MessageError("a plate is named twice")
    return plates


@untrusted
def weights_from_message(message: Any) -> WeightBatch:
    """Return a `WeightBatch`; an infinite reading or an unknown status counts as no reading.

    Raises:
        MessageError: Sizes do not agree, or a field is out of bounds.
    """
    plates = _plates(tuple(items(message.plates, "plates", MAX_PLATES)))
    samples = whole(message.samples, "samples", 1, MAX_SAMPLES)
    period_ns = stamp(message.period, "period")
    if not 0 < period_ns <= 60 * SECOND:
        raise MessageError(f"period is {period_ns} ns, allowed are 1 ns to 60 s")
    kilograms = _numbers(message.kilograms, np.float32, "kilograms")
    if len(kilograms) != samples * len(plates):
        raise MessageError(
            f"kilograms has {len(kilograms)} values, "
            f"{samples} samples of {len(plates)} plates need {samples * len(plates)}"
        )
    status = _numbers(message.status, np.uint8, "status")
    if len(status) != len(plates):
        raise MessageError(f"status has {len(status)} values for {len(plates)} plates")
    if np.isinf(kilograms).any():
        kilograms = np.where(np.isinf(kilograms), np.float32(np.nan), kilograms)
    if (status > max(PlateStatus)).any():
        status = np.where(status > max(PlateStatus), np.uint8(PlateStatus.FAULT), status)
    return WeightBatch(
        controller=text(message.controller, "controller"),
        stamp_ns=stamp(message.header.stamp),
        period_ns=period_ns,
        plates=plates,
        kilograms=kilograms.reshape(samples, len(plates)),
        status=status,
    )


def gate_to_message(event: GateEvent, types: MessageTypes) -> Any:
    """Return a `GateEvent` message."""
    return types.make(
        GATE,
        header=header_message(event.stamp_ns, event.gate, types),
        gate=event.gate,
        kind=int(event.kind),
        session=event.session,
        group_size=event.group_size,
    )


@untrusted
def gate_from_message(message: Any) -> GateEvent:
    """Return a `GateEvent` record.

    Raises:
        MessageError: A field is out of bounds, or the ids of the session's changes would look
            like an operator's words.
    """
    session = text(message.session, "session", limit=MAX_NAME)
    if f"{session}/".startswith(OPERATOR):
        raise MessageError(f"session is {session!a}: {OPERATOR}... is what operators say")
    return GateEvent(
        stamp_ns=stamp(message.header.stamp),
        gate=text(message.gate, "gate", limit=MAX_NAME),
        kind=GateKind(whole(message.kind, "kind", 0, max(GateKind))),
        session=session,
        group_size=whole(message.group_size, "group_size", 1, 255),
    )
