"""The base of all event handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .event import Event
from .launch_description_entity import LaunchDescriptionEntity
from .some_entities_type import SomeEntitiesType
from .utilities import normalize_to_list_of_entities

if TYPE_CHECKING:
    from .launch_context import LaunchContext

__all__ = ["BaseEventHandler", "EventHandler"]


class BaseEventHandler:
    """Reacts to the events that match, once or each time."""

    def __init__(self, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        self.__matcher = matcher
        self.__handle_once = handle_once

    @property
    def handle_once(self) -> bool:
        """Whether the handler is removed at its first event."""
        return self.__handle_once

    @property
    def entities(self) -> Sequence[LaunchDescriptionEntity]:
        """The entities that an event leads to, as far as known before."""
        return []

    def matches(self, event: Event) -> bool:
        """Tell whether the handler is for ``event``."""
        return self.__matcher(event)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Take an event and return the entities to visit."""
        context.extend_locals({"event": event})
        if self.__handle_once:
            context.unregister_event_handler(self)
        return None


class EventHandler(BaseEventHandler):
    """Visits fixed entities at each matching event."""

    def __init__(
        self,
        *,
        matcher: Callable[[Event], bool],
        entities: SomeEntitiesType | None = None,
        handle_once: bool = False,
    ) -> None:
        super().__init__(matcher=matcher, handle_once=handle_once)
        self.__entities = normalize_to_list_of_entities(entities)

    @property
    def entities(self) -> Sequence[LaunchDescriptionEntity]:
        """The entities."""
        return self.__entities

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Take an event and return the entities."""
        super().handle(event, context)
        return self.__entities


def call_reaction(reaction: Callable[..., Any], event: Event, context: LaunchContext) -> Any:
    """Call a user's function with the event, and with the context when it takes it."""
    try:
        inspect.signature(reaction).bind(event, context)
    except TypeError:
        return reaction(event)
    return reaction(event, context)
