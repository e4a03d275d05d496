"""Actions after a delay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..event import Event
from ..event_handler import EventHandler
from ..event_handlers import OnShutdown
from ..events import TimerEvent
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .functions import OpaqueFunction

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

_HANDLER_KEY = "timer_event_handler"


class TimerAction(Action):
    """Visits actions after ``period`` seconds of wall clock, unless cancelled before."""

    def __init__(
        self,
        *,
        period: float | SomeSubstitutionsType,
        actions: Iterable[LaunchDescriptionEntity],
        cancel_on_shutdown: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(period, int | float):
            period = str(float(period))
        self.__period = normalize_to_list_of_substitutions(period)
        self.__actions = list(actions)
        self.__cancel_on_shutdown = cancel_on_shutdown
        self.__locals: dict[str, Any] = {}
        self.__timer: asyncio.TimerHandle | None = None
        self.__completed: asyncio.Future[None] | None = None
        self.__cancelled = False

    @property
    def period(self) -> Any:
        """The delay, as substitutions."""
        return self.__period

    @property
    def actions(self) -> list[LaunchDescriptionEntity]:
        """The actions."""
        return self.__actions

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Sequence[LaunchDescriptionEntity]]]:
        """Return the actions, which come after the delay."""
        return [("After a delay", self.__actions)]

    def cancel(self) -> None:
        """Do not visit the actions; the launch waits for this no longer."""
        self.__cancelled = True
        if self.__timer is not None:
            self.__timer.cancel()
        if self.__completed is not None and not self.__completed.done():
            self.__completed.set_result(None)

    def execute(self, context: LaunchContext) -> None:
        """Start the timer."""
        self.__completed = context.asyncio_loop.create_future()
        if self.__cancelled:
            self.__completed.set_result(None)
            return
        self._ensure_handler(context)
        if self.__cancel_on_shutdown:
            context.register_event_handler(OnShutdown(on_shutdown=self._on_shutdown))
        self.__locals = context.get_locals_as_dict()
        seconds = float(perform_substitutions(context, self.__period))
        self.__timer = context.asyncio_loop.call_later(seconds, self._fire, context)

    @staticmethod
    def _ensure_handler(context: LaunchContext) -> None:
        """Register the one handler of all timers of this launch."""
        if _HANDLER_KEY in context.get_locals_as_dict():
            return

        def visit(context: LaunchContext) -> Sequence[LaunchDescriptionEntity]:
            timer: TimerAction = context.locals.event.timer_action
            return timer._fired(context)

        handler = EventHandler(
            matcher=lambda event: isinstance(event, TimerEvent),
            entities=OpaqueFunction(function=visit),
        )
        context.register_event_handler(handler)
        context.extend_globals({_HANDLER_KEY: handler})

    def _on_shutdown(self, event: Event, context: LaunchContext) -> None:
        self.cancel()

    def _fire(self, context: LaunchContext) -> None:
        context.emit_event_sync(TimerEvent(timer_action=self))

    def _fired(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if self.__cancelled:
            return []
        context.extend_locals(self.__locals)
        assert self.__completed is not None
        self.__completed.set_result(None)
        return self.__actions

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Return what is done when the timer has run out or is cancelled."""
        return self.__completed
