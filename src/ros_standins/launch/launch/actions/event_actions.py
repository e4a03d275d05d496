"""Actions on events and event handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..action import Action
from ..event import Event
from ..event_handler import BaseEventHandler
from ..events import Shutdown as ShutdownEvent
from ..launch_description_entity import LaunchDescriptionEntity
from ..utilities import ensure_argument_type

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class EmitEvent(Action):
    """Emits an event."""

    def __init__(self, *, event: Event, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        ensure_argument_type(event, Event, "event", "EmitEvent")
        self.__event = event

    @property
    def event(self) -> Event:
        """The event."""
        return self.__event

    def execute(self, context: LaunchContext) -> None:
        """Queue it.

        Raises:
            RuntimeError: No handler is registered for such an event.
        """
        if not context.would_handle_event(self.__event):
            raise RuntimeError(
                f"event '{self.__event.name}' is emitted but no handler is registered for it"
            )
        context.emit_event_sync(self.__event)


class Shutdown(EmitEvent):
    """Stops the launch."""

    def __init__(self, *, reason: str = "reason not given", **kwargs: Any) -> None:
        super().__init__(event=ShutdownEvent(reason=reason), **kwargs)

    def execute(self, context: LaunchContext) -> None:
        """Queue the event.

        When the end of a process leads here, that process is named as the reason.
        """
        from ..events.process import ProcessExited

        cause = context.get_locals_as_dict().get("event")
        if isinstance(cause, ProcessExited):
            event = self.event
            assert isinstance(event, ShutdownEvent)
            event.reason = f"{cause.process_name} has exited, {event.reason}"
        super().execute(context)


class RegisterEventHandler(Action):
    """Adds an event handler."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__event_handler = event_handler

    @property
    def event_handler(self) -> BaseEventHandler:
        """The handler."""
        return self.__event_handler

    def execute(self, context: LaunchContext) -> None:
        """Add it."""
        context.register_event_handler(self.__event_handler)

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Sequence[LaunchDescriptionEntity]]]:
        """Return the entities that an event would lead to."""
        entities = list(self.__event_handler.entities)
        return [("When an event happens", entities)] if entities else []


class UnregisterEventHandler(Action):
    """Removes an event handler."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__event_handler = event_handler

    @property
    def event_handler(self) -> BaseEventHandler:
        """The handler."""
        return self.__event_handler

    def execute(self, context: LaunchContext) -> None:
        """Remove it."""
        context.unregister_event_handler(self.__event_handler)
