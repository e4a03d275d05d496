"""Marks of test classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)
_MARK = "__post_shutdown_test__"


def post_shutdown_test() -> Callable[[_Class], _Class]:
    """Mark a test class whose tests run after all processes have stopped."""

    def mark(test_class: _Class) -> _Class:
        if not isinstance(test_class, type):
            raise TypeError("post_shutdown_test() marks a class")
        setattr(test_class, _MARK, True)
        return test_class

    return mark


def is_post_shutdown(test_class: type) -> bool:
    """Tell whether a class is marked."""
    return bool(getattr(test_class, _MARK, False))
