"""Messages of `aisle_msgs` to records and back, for generated ROS classes and for `rosbags`.

Messages come from outside: every `*_from_message` returns a sound record or raises
`MessageError` with a sentence that says what is wrong. Arrays are not copied value by value.
The store model is in `aisle.bags.convert_store`.
"""

from __future__ import annotations

import array
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from aisle.bags.messages import MessageError as MessageError
from aisle.bags.messages import MessageTypes
from aisle.records import (
    MAX_NAME,
    OPERATOR,
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    PlateStatus,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
    SlotChange,
    WeightBatch,
)

WEIGHTS = "aisle_msgs/msg/WeightReadings"
GATE = "aisle_msgs/msg/GateEvent"
PREDICTION = "aisle_msgs/msg/ReceiptPrediction"
UPDATE = "aisle_msgs/msg/ReceiptUpdate"
SLOT_CHANGE = "aisle_msgs/msg/SlotChange"

MAX_TEXT = 512
"""Longest text, characters."""
MAX_PLATES = 4096
MAX_SAMPLES = 10_000
MAX_ITEMS = 100_000
MAX_QUANTITY = 100_000
SECOND = 1_000_000_000

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")


def untrusted(read: Callable[_Args, _Result]) -> Callable[_Args, _Result]:
    """Wrap a reader of messages so that it raises nothing but `MessageError`."""

    @wraps(read)
    def wrapped(*args: _Args.args, **kwargs: _Args.kwargs) -> _Result:
        try:
            return read(*args, **kwargs)
        except MessageError:
            raise
        except (AttributeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise MessageError(f"malformed message: {error}") from error

    return wrapped


def text(value: Any, name: str, *, empty: bool = False, limit: int = MAX_TEXT) -> str:
    """Return an identifier or name; it is bounded, printable and, unless `empty`, not empty."""
    if not isinstance(value, str):
        raise MessageError(f"{name} is not text")
    if not value and not empty:
        raise MessageError(f"{name} is empty")
    if len(value) > limit:
        raise MessageError(f"{name} has {len(value)} characters, at most {limit} are allowed")
    if _CONTROL.search(value) or "\ufffd" in value:
        raise MessageError(f"{name} holds control characters or is not UTF-8")
    return value


def texts(values: Any, name: str, limit: int = MAX_PLATES) -> tuple[str, ...]:
    """Return a bounded sequence of identifiers."""
    return tuple(text(value, name) for value in items(values, name, limit))


def items(values: Any, name: str, limit: int = MAX_ITEMS) -> Sequence[Any]:
    """Return a sequence field whose length is bounded."""
    if len(values) > limit:
        raise MessageError(f"{name} has {len(values)} entries, at most {limit} are allowed")
    return values  # type: ignore[no-any-return]


def whole(value: Any, name: str, low: int, high: int) -> int:
    """Return an integer field within bounds."""
    number = int(value)
    if not low <= number <= high:
        raise MessageError(f"{name} is {number}, allowed are {low} to {high}")
    return number


def finite(value: Any, name: str) -> float:
    """Return a finite number."""
    number = float(value)
    if not math.isfinite(number):
        raise MessageError(f"{name} is {number}")
    return number


def share(value: Any, name: str) -> float:
    """Return a probability."""
    number = float(value)
    if not 0.0 <= number <= 1.0:
        raise MessageError(f"{name} is {number}, allowed are 0 to 1")
    return number


def stamp(value: Any, name: str = "header.stamp") -> int:
    """Return a `builtin_interfaces/Time` or `Duration` in nanoseconds; it is not negative."""
    seconds, nanoseconds = int(value.sec), int(value.nanosec)
    if seconds < 0 or not 0 <= nanoseconds < SECOND:
        raise MessageError(f"{name} is not a time: {seconds} s, {nanoseconds} ns")
    return seconds * SECOND + nanoseconds


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


def time_message(stamp_ns: int, types: MessageTypes) -> Any:
    """Return a `builtin_interfaces/Time`."""
    seconds, nanoseconds = divmod(stamp_ns, SECOND)
    return types.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)


def header_message(stamp_ns: int, frame: str, types: MessageTypes) -> Any:
    """Return a `std_msgs/Header`."""
    time = time_message(stamp_ns, types)
    return types.make("std_msgs/msg/Header", stamp=time, frame_id=frame)


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
