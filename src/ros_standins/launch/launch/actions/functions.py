"""Actions that call Python functions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..event_handlers import OnShutdown
from ..events import ExecutionComplete
from ..launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from ..event import Event
    from ..launch_context import LaunchContext


class OpaqueFunction(Action):
    """Calls ``function(context, *args, **kwargs)``, which may return entities to visit."""

    def __init__(
        self,
        *,
        function: Callable[..., Sequence[LaunchDescriptionEntity] | None],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **left_over: Any,
    ) -> None:
        super().__init__(**left_over)
        if not callable(function):
            raise TypeError(f"OpaqueFunction wants a function, got '{function!r}'")
        self.__function = function
        self.__args = list(args or ())
        self.__kwargs = dict(kwargs or {})

    def execute(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Call the function."""
        return self.__function(context, *self.__args, **self.__kwargs)


class OpaqueCoroutine(Action):
    """Runs ``coroutine(context, *args, **kwargs)`` in the launch's loop."""

    def __init__(
        self,
        *,
        coroutine: Callable[..., Coroutine[Any, Any, Any]],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        ignore_context: bool = False,
        **left_over: Any,
    ) -> None:
        super().__init__(**left_over)
        if not inspect.iscoroutinefunction(coroutine):
            raise TypeError(f"OpaqueCoroutine wants a coroutine function, got '{coroutine!r}'")
        self.__coroutine = coroutine
        self.__args = list(args or ())
        self.__kwargs = dict(kwargs or {})
        self.__ignore_context = ignore_context
        self.__task: asyncio.Task[None] | None = None

    def execute(self, context: LaunchContext) -> None:
        """Start the coroutine; a shutdown cancels it."""
        args = self.__args if self.__ignore_context else [context, *self.__args]
        self.__task = context.asyncio_loop.create_task(
            self._run(context, self.__coroutine(*args, **self.__kwargs))
        )
        context.register_event_handler(OnShutdown(on_shutdown=self._on_shutdown))

    async def _run(self, context: LaunchContext, coroutine: Coroutine[Any, Any, Any]) -> None:
        await coroutine
        await context.emit_event(ExecutionComplete(action=self))

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        if self.__task is not None:
            self.__task.cancel()

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Return the task."""
        return self.__task
