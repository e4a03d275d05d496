"""A condition of an action."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Condition:
    """Wraps a predicate that is evaluated when the action is visited."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        self._predicate = predicate
        self._value: bool | None = None

    def evaluate(self, context: LaunchContext) -> bool:
        """Evaluate the predicate in ``context``; no predicate is true."""
        self._value = True if self._predicate is None else self._predicate(context)
        return self._value
