"""Fields of messages, checked: what every conversion of messages is made of.

Messages come from outside: a reader of a field returns a sound value or raises `MessageError`
with a sentence that names the field and says what is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from aisle.bags.messages import MessageError, MessageTypes

MAX_TEXT = 512
"""Longest text, characters."""
MAX_PLATES = 4096
MAX_SIDE = 8192
"""Of a picture, pixels."""
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


def within(value: Any, name: str, limit: float) -> float:
    """Return a number no further from 0 than `limit`."""
    number = finite(value, name)
    if abs(number) > limit:
        raise MessageError(f"{name} is {number:g}, at most {limit:g} is allowed")
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


def time_message(stamp_ns: int, types: MessageTypes) -> Any:
    """Return a `builtin_interfaces/Time`."""
    seconds, nanoseconds = divmod(stamp_ns, SECOND)
    return types.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)


def header_message(stamp_ns: int, frame: str, types: MessageTypes) -> Any:
    """Return a `std_msgs/Header`."""
    time = time_message(stamp_ns, types)
    return types.make("std_msgs/msg/Header", stamp=time, frame_id=frame)
