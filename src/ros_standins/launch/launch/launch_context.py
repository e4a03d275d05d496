"""The state of one launch."""

from __future__ import annotations

import asyncio
import collections
import os
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any

from .event import Event
from .substitution import Substitution

if TYPE_CHECKING:
    from .event_handler import BaseEventHandler


class LaunchContext:
    """Launch configurations, environment, locals and event handlers of one launch.

    Launch configurations, environment and locals are stacks: a scoped group pushes a copy and
    pops it. The environment is the one of this process, as in the original.
    """

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False) -> None:
        self.argv = [] if argv is None else list(argv)
        self.noninteractive = noninteractive
        self.launch_configurations: dict[str, Any] = {}
        self.__configuration_stack: list[dict[str, Any]] = []
        self.__environment_stack: list[dict[str, str]] = []
        self.__locals: dict[str, Any] = {}
        self.__locals_stack: list[dict[str, Any]] = []
        self.__globals: dict[str, Any] = {}
        self._event_queue: asyncio.Queue[Event] = asyncio.Queue()
        self._event_handlers: collections.deque[BaseEventHandler] = collections.deque()
        self._completion_futures: list[asyncio.Future[None]] = []
        self.__loop: asyncio.AbstractEventLoop | None = None
        self.__is_shutdown = False

    @property
    def is_shutdown(self) -> bool:
        """Whether the launch is shutting down."""
        return self.__is_shutdown

    def _set_is_shutdown(self, state: bool) -> None:
        self.__is_shutdown = state

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the running launch service.

        Raises:
            RuntimeError: No launch service runs.
        """
        if self.__loop is None:
            raise RuntimeError("no launch service runs in this context")
        return self.__loop

    def _set_asyncio_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.__loop = loop

    @property
    def environment(self) -> MutableMapping[str, str]:
        """The environment that started processes get."""
        return os.environ

    def _push_environment(self) -> None:
        self.__environment_stack.append(dict(os.environ))

    def _pop_environment(self) -> None:
        self._replace_environment(self.__environment_stack.pop())

    def _replace_environment(self, environment: dict[str, str]) -> None:
        os.environ.clear()
        os.environ.update(environment)

    def _push_launch_configurations(self) -> None:
        self.__configuration_stack.append(dict(self.launch_configurations))

    def _pop_launch_configurations(self) -> None:
        self.launch_configurations = self.__configuration_stack.pop()

    def _push_locals(self) -> None:
        self.__locals_stack.append(dict(self.__locals))

    def _pop_locals(self) -> None:
        self.__locals = self.__locals_stack.pop()

    def extend_locals(self, extra: dict[str, Any]) -> None:
        """Add locals that last until the current event is handled."""
        self.__locals.update(extra)

    def extend_globals(self, extra: dict[str, Any]) -> None:
        """Add values that last for the whole launch and that locals hide."""
        self.__globals.update(extra)

    def get_locals_as_dict(self) -> dict[str, Any]:
        """Return globals and locals, locals first."""
        return {**self.__globals, **self.__locals}

    @property
    def locals(self) -> _Attributes:
        """Globals and locals as attributes."""
        return _Attributes(self.get_locals_as_dict())

    def register_event_handler(self, event_handler: BaseEventHandler) -> None:
        """Add a handler; the newest one is asked first."""
        self._event_handlers.appendleft(event_handler)

    def unregister_event_handler(self, event_handler: BaseEventHandler) -> None:
        """Remove a handler.

        Raises:
            ValueError: It is not registered.
        """
        self._event_handlers.remove(event_handler)

    def would_handle_event(self, event: Event) -> bool:
        """Tell whether a registered handler matches ``event``."""
        return any(handler.matches(event) for handler in self._event_handlers)

    def add_completion_future(self, future: asyncio.Future[None]) -> None:
        """Keep the launch from being idle until ``future`` is done."""
        self._completion_futures.append(future)

    def emit_event_sync(self, event: Event) -> None:
        """Queue an event; only from the thread of the launch service."""
        self._event_queue.put_nowait(event)

    async def emit_event(self, event: Event) -> None:
        """Queue an event."""
        await self._event_queue.put(event)

    def perform_substitution(self, sub: Substitution) -> str:
        """Return the text of a substitution."""
        return sub.perform(self)


class _Attributes:
    def __init__(self, values: dict[str, Any]) -> None:
        self.__values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.__values:
            raise AttributeError(f"context.locals has no attribute '{name}'")
        return self.__values[name]
