"""The action that starts the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from launch._left_out import refuse
from launch.action import Action

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class ReadyToTest(Action):
    """When it is visited, the tests start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__callbacks: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the action is visited."""
        self.__callbacks.append(callback)

    def execute(self, context: LaunchContext) -> None:
        """Start the tests."""
        for callback in self.__callbacks:
            callback()


__getattr__ = refuse(["GTest", "GTestAction", "PyTest", "Test", "StdoutReadyListener"], __name__)
