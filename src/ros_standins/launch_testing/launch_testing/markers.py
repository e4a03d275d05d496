"""Marks of ``generate_test_description``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from launch._left_out import refuse

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MARK = "__markers__"


def keep_alive(function: _Function) -> _Function:
    """Let the launch run until the tests are done, also when no process runs."""
    setattr(function, _MARK, {**getattr(function, _MARK, {}), "keep_alive": True})
    return function


def is_kept_alive(function: Callable[..., Any]) -> bool:
    """Tell whether a function is marked with :func:`keep_alive`."""
    return "keep_alive" in getattr(function, _MARK, {})


__getattr__ = refuse(["retry_on_failure"], __name__)
